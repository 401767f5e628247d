#!/usr/bin/perl
# What is our own or an administrator's trouble returns no mail; what a server
# may have taken is not sent again because of us; a server's words do no harm.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep);

use Postrider::Hosts;
use Postrider::Instance;
use Postrider::Ipc;
use Postrider::Outbound;
use Postrider::Zone;
use Postrider::Zoo;

my $dns = Postrider::Zone->new(zones => { 'm.test' =>
    "null MX 0 .\nempty TXT \"nothing\"\na A 127.0.0.31\nb A 127.0.0.32\n" .
    "two MX 10 a\ntwo MX 20 b\nwrong MX 10 b\nwrong MX 20 a\n" },
    fault => { 'mute.m.test' => 'drop' });
my $i = Postrider::Instance->new(conf => {
    'common.conf' => { hostname => 'mail.example.test' },
    'smtp.conf' => { mta_sts => 'no', tls_level => 'may',
	tls_policy => 'inline:[127.0.0.3]=encrypt;127.0.0.3=encrypt',
	own_addresses => '127.0.0.1' } });
$dns->configure($i);
$i->start;
my $o = Postrider::Outbound->new($i);

# --- a next hop that is configured, and one that is the recipient's domain ---
like $o->deliver('no.m.test', 'r@no.m.test'),
    qr/^0 failed 5\.1\.2 .*no such domain name; ok/, 'no such domain';
like $o->deliver('no.m.test', 'r@example.net'),
    qr/^0 deferred 4\.1\.2 next hop no\.m\.test: .* !; ok/, 'no such relay';
like $o->deliver('null.m.test', 'r@example.net'),
    qr/^0 deferred 4\.1\.10 next hop .*null MX.* !; ok/, 'one with a null MX';
like $o->deliver('[127.0.0.1]', 'r@example.net'),
    qr/^0 deferred 4\.4\.6 next hop .* is this host !; ok/, 'one that is us';
like $o->deliver('[127.0.0.1]', 'r@[127.0.0.1]'),
    qr/^0 failed 5\.4\.6 127\.0\.0\.1 is this host; ok/, 'a literal that is';
like $o->deliver('[bad..name', 'r@example.net'),
    qr/^0 deferred 4\.1\.3 next hop .* !; ok/, 'one that is none';
like $o->deliver('no.m.test', ['r@No.M.test', 'r@example.net']),
    qr/^0 failed 5\.1\.2 .*; 1 deferred 4\.1\.2 .* !; ok/, 'each for itself';

my $never = Postrider::Zoo->new(at => { greeting => '521 5.3.2 no mail' });
like $o->deliver($never, 'r@example.net'),
    qr/^0 deferred 4\.3\.2 next hop .*: 521 5\.3\.2 no mail !; ok/,
    'one that takes no mail at all';

# --- a server that calls itself as we do ---
my $us = Postrider::Zoo->new(name => 'mail.example.test',
    addr => '127.0.0.3', offer => ['STARTTLS']);
like $o->deliver($us, 'r@example.net'),
    qr/^0 deferred 4\.4\.6 .*loops back/, 'TLS is demanded: it may be anybody';

# --- a stop while a chunk is under way ---
my $slow = Postrider::Zoo->new(offer => [qw(PIPELINING CHUNKING)],
    at => { mail => sub { sleep 1.5; '250 2.1.0 ok' } });
$o->ask($slow, 'r@example.net');
ok $i->wait_for(sub { () = $slow->said('MAIL') }), 'a message is under way';
kill 'TERM', $i->pids_of('smtp');
like Postrider::Outbound::text($o->answer), qr/^ok/,
    'whoever is stopped waits for the answer';
is scalar(my @once = $slow->took), 1, '... and it was taken';
$o->close;

# --- a stop while nobody answers ---
sub stopped {
	my ($where, $begun, $name) = @_;
	$o->ask($where, 'r@example.net');
	ok $i->wait_for($begun), $name;
	kill 'TERM', $i->pids_of('smtp');
	like Postrider::Outbound::text($o->answer),
	    qr/^0 deferred .*this host shuts down; ok/,
	    '... is given up, and is no trouble of the next hop';
	$o->close;
	return;
}
stopped('mute.m.test', sub { grep { /mute/ } $dns->queries },
    'a question to DNS');
# the listener's queue is full: who is more gets no answer
my $full = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.4');
listen $full, 0 or die "listen: $!\n";
my @held = map { IO::Socket::INET->new(PeerAddr => '127.0.0.4',
    PeerPort => $full->sockport, Blocking => 0) } 1 .. 3;
my $port = sprintf '%04X', $full->sockport;
stopped('[127.0.0.4]:' . $full->sockport, sub {
	my %held = map { sprintf('%04X', $_->sockport) => 1 } @held;
	return grep { /:([0-9A-F]{4}) \S+:$port 02 / && !$held{$1} }
	    split /\n/, $i->slurp('/proc/net/tcp');
}, 'a connection');
@held = ();

# --- what was sent counts when smtp dies at what comes later ---
my $two = Postrider::Zoo->new(offer => [qw(PIPELINING), 'LIMITS RCPTMAX=1'],
    at => { mail => ['250 ok', sub { $_[0]->hang }] });
$o->ask($two, ['a@example.net', 'b@example.net']);
ok $i->wait_for(sub { 2 == (() = $two->said('MAIL')) }), 'the second begins';
kill 'KILL', $i->pids_of('smtp');
my $m = $o->{c}->recv;
is join(' ', $m->{verb}, $m->{f}{i} // 0, $m->{f}{status} // 'delivered'),
    'more 0 delivered', 'the first was told';
$o->close;

# --- what one host lacks, another may have ---
my $open = "$i->{dir}/open";
my $both = Postrider::Hosts->new(hosts => {
    '127.0.0.31' => { offer => [qw(8BITMIME SMTPUTF8)] } }, at => {
    greeting => sub { $_[0]->_host; $_[0]->{host} ne '127.0.0.31' ||
	-e $open ? '220 zoo ESMTP' : '421 4.3.2 not now' } });
my $two_mx = 'two.m.test:' . $both->port;
like $o->deliver($two_mx, 'r@two.m.test'), qr/^ok keep/, 'the second host';
open my $fh, '>', $open or die "$open: $!\n";
my $u = "gr\xc3\xbc\xc3\x9fe\n";
like $o->deliver($two_mx, 'r@two.m.test', utf8 => 'yes',
    text => "Subject: $u\n$u"), qr/^ok keep/,
    'the first is there again, and has SMTPUTF8';
my $signed = "MIME-Version: 1.0\nContent-Type: multipart/signed; " .
    "boundary=b\n\n--b\n\n$u--b--\n";
like $o->deliver("wrong.m.test:" . $both->port, 'r@two.m.test',
    text => $signed), qr/^ok keep/, 'the second has 8BITMIME';
is join(' ', map { /\.(3\d) / } $both->sent), '32 31 31', '... each there';

# --- SIZE ---
my $small = Postrider::Hosts->new(offer => ['SIZE 2000'], hosts => {
    '127.0.0.31' => { offer => ['SIZE 500'] } });
my $sized = 'two.m.test:' . $small->port;
like $o->deliver($sized, 'r@two.m.test', text => "Subject: x\n\n" .
    "x\n" x 400), qr/^ok/, 'too long for the first host';
is join(' ', map { /\.(3\d) / } $small->sent), '32', '... the second has it';
like $o->deliver($sized, 'r@two.m.test', text => "x\n" x 1000),
    qr/^0 failed 5\.3\.4 .* takes 2000; ok/, 'too long for both';
my $text8 = "Subject: x\n\n" . "gr\xc3\xbc\xc3\x9fe\n" x 30;
like $o->deliver($sized, 'r@two.m.test', text => $text8), qr/^ok/,
    'converted, it is too long for the first';
is join(' ', map { /\.(3\d) / } $small->sent), '32', '... only';
my ($said) = grep { length $_->{content} < 1500 && $_->{content} =~ /=C3/ }
    $small->took;
is $said->{param}, 'SIZE=' . length $said->{content}, '... which is said';

# --- addresses ---
my $z = Postrider::Zoo->new(offer => ['PIPELINING']);
$o->deliver($z, '"a b"@example.net', verp => '+=', sender => 'l@example.org');
is(($z->said('MAIL'))[0], 'MAIL FROM:<"l+a b=example.net"@example.org>',
    'VERP of a quoted recipient');
$o->deliver($z, "a\@example.net>\r\nRSET", sender => "s> SIZE=1\@example.org");
is scalar(my @r = $z->said('RSET')), 0, 'an address is no command';
is(($z->said('MAIL'))[1], 'MAIL FROM:<"s> SIZE=1"@example.org>',
    'and no parameter');

# --- what a terminal gets to see ---
my $rude = Postrider::Zoo->new(at => {
    greeting => "220 zoo \e]0;x\a\xc2\x9b2J end" });
my $text = $i->ctl_ok('trace-smtp', $rude->nexthop);
like $text, qr/<<< 220 zoo \?\]0;x\?\?\?2J end/, 'no control characters';
done_testing;
