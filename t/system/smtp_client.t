#!/usr/bin/perl
# smtp against servers of the test: what is said, and what comes of it.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep);

use Postrider::Instance;
use Postrider::Outbound;
use Postrider::Zone;
use Postrider::Zoo;

my @all = qw(PIPELINING 8BITMIME DSN SMTPUTF8 ENHANCEDSTATUSCODES MT-PRIORITY);
my $text = $Postrider::Outbound::TEXT;
my $wire = $text =~ s/\n/\r\n/gr;

# two servers of one domain, and what they say
my %mx = map { $_ => { at => {}, offer => [@all] } } 2, 3;
my $dns = Postrider::Zone->new(zones => { 'example.net' =>
    "\@ MX 10 mx2\n\@ MX 20 mx3\nmx2 A 127.0.0.2\nmx3 A 127.0.0.3\n" .
    "none MX 0 .\n" });
my $port = Postrider::Zoo->new(addr => '127.0.0.2')->port;
my $i = Postrider::Instance->new(conf => { 'smtp.conf' => {
	port => $port, own_addresses => '192.0.2.1', mta_sts => 'no',
	tls_level => 'may',
	sessions => 3, reuse_messages => 6 } });
$dns->configure($i);
$i->start;
my $o = Postrider::Outbound->new($i);

# --- one message, and another ---
my $z = Postrider::Zoo->new(offer => [@all, 'SIZE 300000']);
is $o->deliver($z, 'a@example.net'), 'ok keep', 'sent';
my ($m) = $z->took;
is $m->{from}, 's@example.org', 'the sender';
is_deeply $m->{rcpt}, ['a@example.net'], 'the recipient';
is $m->{content}, $wire, 'the content, without our own fields';
is $m->{param}, 'SIZE=' . length $wire, 'its size';
my $log = $i->wait_log(qr/ sent .*to=a\@example\.net/);
like $log, qr/ q=$o->{q} /, 'logged: the id';
like $log, qr/relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+ /, '... the server';
like $log, qr/ message=1 .* reply="250 2\.0\.0 taken"/, '... its answer';
for my $c ("", "\n", ".\n", "..\n.\n", "no end", "a\rb\n", "a\r\nb\n",
    "Subject: x\n\n" . ".x\n" x 50000, "x" x 70000 . "\n" . "." x 70000) {
	like $o->deliver($z, 'b@example.net', text => $c), qr/^ok/,
	    'sent: ' . length $c;
	my $want = $c =~ s/\r\n?|\n/\r\n/gr;
	$want .= "\r\n" if $want !~ /(?:\r\n|^)\z/;
	ok +($z->took)[-1]{content} eq $want, '... exact';
}
is $z->connections, 2, 'a connection has reuse_messages messages';
is $o->deliver($z, 'b@example.net', text => "x\n" x 150000),
    '0 failed 5.3.4 the message has 450000 octets, the server takes 300000; ' .
    'ok', 'too long: said before it is sent';

# --- a connection that was idle ---
my $z2 = Postrider::Zoo->new(once => 1, offer => [@all]);
is $o->deliver($z2, 'a@example.net'), 'ok keep', 'another next hop';
is scalar($z->said('QUIT')), 2, 'the first is left';
is $o->deliver($z2, 'a@example.net'), 'ok keep', 'closed meanwhile: sent';
is scalar(my @t = $z2->took), 2, '... each once';
is $z2->connections, 2, '... over two connections';
$z2 = Postrider::Zoo->new(offer => [@all], at => { mail => ['250 ok',
    '421 4.4.2 you were idle', '250 ok'] });
is $o->deliver($z2, 'a@example.net'), 'ok keep', 'sent';
is $o->deliver($z2, 'a@example.net'), 'ok keep', '421 to an idle one: sent';
is scalar(@t = $z2->took), 2, '... each once';

# --- recipients ---
my @rcpt = map { "r$_\@d$_.example" } 1 .. 5;
$z2 = Postrider::Zoo->new(offer => [@all], at => { rcpt => sub {
	$_[1] =~ /r3/ ? '550 5.1.1 who?' : $_[1] =~ /r4/ ?
	    "450 4.7.1 greylisted\n450 4.7.1 come back" : '250 ok' } });
is $o->deliver($z2, \@rcpt), '2 failed 5.1.1 550 5.1.1 who?; ' .
    '3 deferred 4.7.1 450 4.7.1 greylisted come back; ok keep',
    'results of their own';
is $o->{last}{more}{2}{peer}, '127.0.0.1[127.0.0.1]', '... who said so';
is_deeply +($z2->took)[0]{rcpt}, [@rcpt[0, 1, 4]], '... the others';
$z2 = Postrider::Zoo->new(offer => [@all], at => { rcpt => sub {
	@{ $_[0]{t}{rcpt} } == 2 ? '452 4.5.3 too many' : '250 ok' } });
is $o->deliver($z2, \@rcpt), 'ok keep', 'too many recipients';
is_deeply [map { scalar @{ $_->{rcpt} } } $z2->took], [2, 2, 1],
    '... in three transactions';
is $z2->connections, 1, '... of one connection';
$z2 = Postrider::Zoo->new(offer => [@all], at => { rcpt => sub {
	@{ $_[0]{t}{rcpt} } == 3 ? '552 full' : '250 ok' } });
is $o->deliver($z2, \@rcpt), 'ok keep', '552 is 452';
for my $l (['RCPTMAX=2', 2, 2, 1], ['RCPTDOMAINMAX=4', 4, 1],
    ['MAILMAX=1 RCPTMAX=3', 3, 2]) {
	my ($limit, @want) = @$l;
	$z2 = Postrider::Zoo->new(offer => [@all, "LIMITS $limit"]);
	like $o->deliver($z2, \@rcpt), qr/^ok/, $limit;
	is_deeply [map { scalar @{ $_->{rcpt} } } $z2->took], \@want,
	    "... @want";
}
is $z2->connections, 2, 'MAILMAX: a new connection';

# --- parameters ---
$z2 = Postrider::Zoo->new(offer => [@all]);
my %dsn = (ret => 'HDRS', envid => 'a+2Bb+20c', notify => ['SUCCESS,DELAY'],
    orcpt => ['rfc822;x+3Dy@example.org']);
is $o->deliver($z2, 'a@example.net', %dsn, priority => -3, body8 => 'yes'),
    '0 delivered 2.0.0 250 2.0.0 taken; ok keep', 'DSN';
is $o->{last}{more}{0}{report}, 'theirs', '... the server will report';
is +($z2->took)[0]{param},
    'BODY=8BITMIME MT-PRIORITY=-3 RET=HDRS ENVID=a+2Bb+20c', '... of MAIL';
is +($z2->took)[0]{rparam}[0],
    'NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+3Dy@example.org', '... of RCPT';
my $z3 = Postrider::Zoo->new;
is $o->deliver($z3, 'a@example.net', %dsn, priority => 3),
    '0 delivered 2.0.0 250 2.0.0 taken; ok keep', 'a server without';
is $o->{last}{more}{0}{report}, 'relayed', '... relayed, for the report';
is +($z3->took)[0]{param} . ($z3->took)[0]{rparam}[0], '', '... no parameter';
is $o->deliver($z2, ['a@example.net', 'b@example.com'], verp => '+=',
    sender => 'list@example.org'), 'ok keep', 'VERP';
is_deeply [map { $_->{from} } ($z2->took)[1, 2]],
    ['list+a=example.net@example.org', 'list+b=example.com@example.org'],
    '... a sender for each';
is $o->deliver($z2, 'a@example.net', sender => '', verp => '+='), 'ok keep',
    'null sender';
is +($z2->took)[3]{from}, '', '... stays null';

# --- UTF-8 ---
my ($rcpt, $idn) = map { utf8::encode(my $s = $_); $s } 'jörg@example.net',
    'joe@bücher.example';
is $o->deliver($z2, $rcpt, utf8 => 'yes'), 'ok keep', 'SMTPUTF8';
like +($z2->took)[4]{param}, qr/SMTPUTF8/, '... said';
is +($z2->took)[4]{rcpt}[0], $rcpt, '... the address';
like $o->deliver($z3, $rcpt, utf8 => 'yes'),
    qr/^0 failed 5\.6\.7 .*SMTPUTF8/, 'a server without';
is $o->deliver($z3, $idn, utf8 => 'yes'), 'ok keep', 'only the domain is';
is +($z3->took)[1]{rcpt}[0], 'joe@xn--bcher-kva.example', '... A-labels';
like $o->deliver($z3, 'a@example.net', utf8 => 'yes', text =>
    "Subject: \xc3\xa4\n\nx\n"), qr/^0 failed 5\.6\.7/, 'UTF-8 header';
is $o->deliver($z3, 'a@example.net', utf8 => 'yes'), 'ok keep',
    'SMTPUTF8 was said, but is not needed';

# --- the next host ---
sub servers {
	my ($n, %arg) = @_;
	return Postrider::Zoo->new(addr => "127.0.0.$n", port => $port,
	    name => "mx$n.example.net", offer => [@all], %arg);
}
my ($a, $b) = (servers(2), servers(3));
is $o->deliver('example.net', 'a@example.net'), 'ok keep', 'MX';
is $a->connections . $b->connections, '10', '... the best';
$o->close;
$a->stop;
is $o->deliver('example.net', 'a@example.net'), 'ok keep',
    'the best is down: the next';
is $b->connections, 1, '... takes it';
ok $i->wait_log(qr{ connect-failed .*relay=mx2\.\S+ .*dsn=4\.4\.1}),
    '... logged';
for my $c ([greeting => '554 no'], [greeting => '421 no'], [ehlo => '421 no'],
    [mail => '451 4.3.0 no'], [mail => '421 no'], [rcpt => '421 no'],
    [data => '421 no']) {
	$o->close;
	$_->stop for $a, $b;
	($a, $b) = (servers(2, at => { @$c }), servers(3));
	is $o->deliver('example.net', 'a@example.net'), 'ok keep',
	    "@$c: the next";
	is scalar(@t = $a->took) . scalar(my @u = $b->took), '01',
	    '... has it';
}
for my $c ([rcpt => '451 4.7.1 no'], [dot => '451 4.7.1 no'],
    [data => '451 4.7.1 no']) {
	$o->close;
	$_->stop for $a, $b;
	($a, $b) = (servers(2, at => { @$c }), servers(3));
	is $o->deliver('example.net', 'a@example.net'),
	    '0 deferred 4.7.1 451 4.7.1 no; ok keep', "@$c: it counts";
	is $b->connections, 0, '... nobody else is asked';
}
$o->close;
$_->stop for $a, $b;
($a, $b) = (servers(2, offer => []), servers(3));
is $o->deliver('example.net', $rcpt, utf8 => 'yes'), 'ok keep',
    'SMTPUTF8: who has it';
is scalar(@t = $b->took), 1, '... the next';
$_->stop for $a, $b;
$o->close;
like $o->deliver('example.net', 'a@example.net'),
    qr/^0 deferred 4\.4\.1 connect to mx3.* !; ok$/,
    'nobody: the whole destination';
($a, $b) = map { servers($_, at => { greeting => '521 5.3.2 no mail' }) } 2, 3;
is $o->deliver('example.net', 'a@example.net'),
    '0 failed 5.3.2 521 5.3.2 no mail; ok', 'no host takes mail: for good';
$_->stop for $a, $b;
like $o->deliver('none.example.net', 'a@none.example.net'),
    qr/^0 failed 5\.1\.10 /, 'null MX';
like $o->deliver($z3, 'a@example.net', requiretls => 'yes'),
    qr/^0 failed 5\.7\.10 .*TLS/, 'REQUIRETLS without TLS';

# --- BDAT ---
$z2 = Postrider::Zoo->new(offer => [@all, 'CHUNKING']);
for my $c ("Subject: x\n\n.\n..x\n", "x" x 70 . "\n" x 400_000) {
	is $o->deliver($z2, 'a@example.net', text => $c), 'ok keep',
	    'BDAT: ' . length $c;
	ok +($z2->took)[-1]{content} eq $c =~ s/\n/\r\n/gr, '... exact';
}
is +($z2->took)[0]{chunks}, 1, '... the short in one';
cmp_ok +($z2->took)[1]{chunks}, '>', 1, '... the long in several';
is scalar($z2->said('DATA')), 0, '... no DATA';
$z2 = Postrider::Zoo->new(offer => [@all, 'CHUNKING'], at => {
    bdat => ['250 ok', '552 5.3.4 too long'], rcpt => ['550 5.1.1 no',
    '250 ok'] });
is $o->deliver($z2, 'a@example.net'), '0 failed 5.1.1 550 5.1.1 no; ok keep',
    'BDAT: recipient refused';
is $o->deliver($z2, 'a@example.net', text => "x\n" x 400_000),
    '0 failed 5.3.4 552 5.3.4 too long; ok keep', 'a chunk is refused';
is $o->deliver($z2, 'a@example.net'), 'ok keep', 'the session goes on';
is scalar(@t = $z2->took), 1, '... with one message';

# --- who only watches ---
$z2 = Postrider::Zoo->new(offer => [@all], at => { rcpt => '550 5.1.1 who?' });
my ($st, $out) = $i->ctl('trace-smtp', '--from', 's@example.org', '--to',
    'a@example.net', $z2->nexthop);
is $st, 0, 'trace-smtp';
like $out, qr/--- to .*>>> EHLO .*<<< 250-zoo.*>>> MAIL FROM:<s\@ex/s,
    '... what is said';
like $out, qr/>>> RSET\n<<< 250 ok\n>>> QUIT\n<<< 221 bye\n\z/,
    '... to its end';
like $out, qr/^<<< 550 5\.1\.1 who\?$/m, '... and answered';
($st, $out) = $i->ctl('trace-smtp', 'a@none.example.net');
is $st, 1, '... null MX';

# --- content that is long under way ---
$o->close;
$i->set_conf('smtp.conf', total_timeout => '3s');
$i->reload;
my $long = ('x' x 999 . "\n") x 16000;
my $slowly = sub {
	for (1 .. $_[1]) {
		$_[0]->_fill;
		sleep 0.05;
	}
	return '';
};
$z2 = Postrider::Zoo->new(offer => [@all], at => {
    body => sub { $slowly->($_[0], 80) } });
like $o->deliver($z2, 'a@example.net', text => $long), qr/^ok/,
    'what moves has all the time that it needs';
is length(($z2->took)[0]{content}), length($long) + 16000, '... it is whole';
$o->close;
$i->set_conf('smtp.conf', total_timeout => '1m', min_data_rate => '1G',
    data_block_timeout => '1s');
$i->reload;
$z2 = Postrider::Zoo->new(offer => [@all], at => {
    body => sub { $slowly->($_[0], 200) } });
like $o->deliver($z2, 'a@example.net', text => $long),
    qr/^0 deferred 4\.4\.2 timeout while sending the content; ok/,
    'what moves too slowly has not';
is scalar(@t = $z2->took), 0, '... and is not taken';
done_testing;
