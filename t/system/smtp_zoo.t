#!/usr/bin/perl
# Bad servers: each ends as RFC 5321 says, within its time; no message is lost
# and none is sent again that may have arrived.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Postrider::Instance;
use Postrider::Outbound;
use Postrider::Zoo;

my $wait = '4s';
my @limits = qw(greeting helo tls mail rcpt data_init data_block data_done
    rset);
my $i = Postrider::Instance->new(conf => {
    'common.conf' => { hostname => 'mail.example.test' }, 'smtp.conf' => {
	(map { ("${_}_timeout" => $wait) } @limits),
	total_timeout => '20s', tls_level => 'may', mta_sts => 'no' } });
$i->start;

my @pipe = (offer => [qw(PIPELINING 8BITMIME)]);
my @bdat = (offer => [qw(PIPELINING 8BITMIME CHUNKING)]);
my $hang = sub { $_[0]->hang };
my $close = sub { $_[0]->over };
my $reset = sub { $_[0]->reset };
my $lost = qr/4\.4\.2 lost connection while waiting for the reply to /;
my $late = qr/4\.4\.2 timeout while waiting for the reply to /;
# taken: how many messages the server has; ends: how often a content came to
# its end
my @case;
sub case { push @case, { name => shift, @_ }; return }

# --- it hangs ---
for my $at (qw(greeting ehlo mail rcpt data dot)) {
	my $text = { greeting => 'the greeting', ehlo => 'EHLO',
	    mail => 'MAIL FROM', rcpt => 'RCPT TO', data => 'DATA',
	    dot => 'the end of the content' }->{$at};
	my $whole = $at =~ /greeting|ehlo|mail/ ? ' !' : '';
	case("hangs at $at", zoo => [@pipe, at => { $at => $hang }],
	    want => qr/^0 deferred $late\Q$text\E$whole; ok$/,
	    ends => $at eq 'dot');
	case("closes at $at", zoo => [@pipe, at => { $at => $close }],
	    want => qr/^0 deferred $lost\Q$text\E.*?$whole; ok$/,
	    ends => $at eq 'dot');
	case("421 at $at", zoo => [@pipe, at => { $at => '421 4.3.2 no' }],
	    want => qr/^0 deferred 4\.3\.2 421 4\.3\.2 no(?: !)?; ok$/,
	    ends => $at eq 'dot');
}
case('hangs without PIPELINING', zoo => [at => { rcpt => $hang }],
    want => qr/^0 deferred ${late}RCPT TO; ok$/);
case('resets at the dot', zoo => [@pipe, at => { dot => $reset }],
    want => qr/^0 deferred ${lost}the end of the content/, ends => 1);
case('half close after the dot, the message is taken',
    zoo => [@pipe, at => { dot => sub { $_[0]->taken;
    $_[0]->half_close } }], took => 1, ends => 1,
    want => qr/^0 deferred ${lost}the end of the content; ok$/);
case('BDAT: taken, the answer is lost', zoo => [@bdat, at => {
    dot => sub { $_[0]->taken; $_[0]->over } }], took => 1, ends => 1,
    want => qr/^0 deferred ${lost}the end of the content; ok$/);
case('BDAT: 421 for MAIL', zoo => [@bdat, at => { mail => '421 4.3.2 no' }],
    want => qr/^0 deferred 4\.3\.2 421 4\.3\.2 no !; ok$/);
case('TLS is offered, then garbage', zoo => [offer => ['STARTTLS'], at => {
    tls => sub { $_[0]->_fill; $_[0]->put("garbage\n" x 20);
    $_[0]->over } }],
    want => qr/^ok keep$/, took => 1, ends => 1, connections => 2);
case('TLS is offered, then closed', zoo => [offer => ['STARTTLS'], at => {
    tls => $close }], want => qr/^ok keep$/, took => 1, ends => 1,
    connections => 2);
case('TLS is offered, and refused', zoo => [offer => ['STARTTLS'], at => {
    starttls => '454 4.7.0 not now' }], want => qr/^ok keep$/, took => 1,
    ends => 1);
case('injected behind STARTTLS', zoo => [offer => ['STARTTLS'], at => {
    starttls => sub { $_[0]->put("220 go\r\n250 zoo\r\n"); $_[0]->hang } }],
    want => qr/^0 deferred 4\.5\.1 input before the TLS handshake !; ok$/);

# --- what it says ---
case('garbage for a greeting', zoo => [at => { greeting => sub {
    $_[0]->put("\x00\xff\xfe rubbish\r\n"); $_[0]->hang } }],
    want => qr/^0 deferred 4\.5\.0 not an SMTP reply: .* !; ok$/);
case('garbage for a reply', zoo => [at => { rcpt => sub {
    $_[0]->put("<html>\r\n"); $_[0]->hang } }],
    want => qr/^0 deferred 4\.5\.0 not an SMTP reply: <html>; ok$/);
case('an endless line', zoo => [at => { greeting => sub {
    $_[0]->put('220 ' . 'x' x 65536) while 1 } }],
    want => qr/^0 deferred 4\.[45]\.\d .* !; ok$/);
case('a long line', zoo => [at => { mail => '250 ' . 'x' x 5000 }],
    want => qr/^0 deferred 4\.5\.0 a line of over .*; ok$/);
case('an endless reply', zoo => [at => { ehlo => sub {
    $_[0]->put("250-more\r\n") while 1 } }],
    want => qr/^0 deferred 4\.5\.0 reply of over 100 lines !; ok$/);
case('slow drip', zoo => [at => { mail => sub {
    $_[0]->drip("250-a\r\n" x 100, 0.2) } }],
    want => qr/^0 deferred ${late}MAIL FROM !; ok$/);
case('slow, but in time', zoo => [at => { greeting => sub {
    $_[0]->drip("220 zoo\r\n", 0.05); undef } }], want => qr/^ok keep$/,
    took => 1, ends => 1);
case('LF only', zoo => [@pipe, eol => "\n"], want => qr/^ok keep$/,
    took => 1, ends => 1);
case('no text', zoo => [@pipe, at => { mail => '250', rcpt => '250',
    data => '354', dot => '250' }], want => qr/^ok keep$/, took => 1,
    ends => 1);
case('mixed codes in one reply', zoo => [@pipe, at => {
    rcpt => sub { $_[0]->put("250-yes\r\n550 no\r\n"); undef } }],
    want => qr/^0 failed 5\.0\.0 550 yes no; ok keep$/);
case('5xx with 4.x.x', zoo => [@pipe, at => { rcpt => '550 4.1.1 who?' }],
    want => qr/^0 failed 5\.1\.1 550 4\.1\.1 who\?; ok keep$/);
case('4xx with 5.x.x', zoo => [@pipe, at => { rcpt => '450 5.1.1 who?' }],
    want => qr/^0 deferred 4\.1\.1 450 5\.1\.1 who\?; ok keep$/);
case('4xx without', zoo => [@pipe, at => { mail => '451 later' }],
    want => qr/^0 deferred 4\.0\.0 451 later; ok/);
case('250 for DATA', zoo => [at => { data => sub {
    $_[0]->put("250 fine\r\n"); $_[0]->hang } }],
    want => qr/^0 deferred 4\.5\.0 unexpected reply to DATA: 250 fine; ok$/);
case('354 for the content', zoo => [at => { dot => '354 more' }],
    want => qr/^0 deferred 4\.5\.0 unexpected reply to the end of .*; ok$/,
    ends => 1);
case('greets with 554', zoo => [at => { greeting => '554 5.7.1 not you' }],
    want => qr/^0 deferred 4\.7\.1 554 5\.7\.1 not you !; ok$/);
case('EHLO is unknown', zoo => [at => { ehlo => '502 5.5.1 what?' }],
    want => qr/^ok keep$/, took => 1, ends => 1);
case('EHLO is refused for now', zoo => [at => { ehlo => '451 4.3.0 no' }],
    want => qr/^0 deferred 4\.3\.0 451 4\.3\.0 no !; ok$/);
case('it is us', zoo => [name => 'mail.example.test'],
    want => qr/^0 deferred 4\.4\.6 .*loops back.* !; ok$/);

# --- who takes part ---
case('refuses all recipients, wants the content', zoo => [@pipe, at => {
    rcpt => '550 5.1.1 unknown', data => '354 go', dot => '554 5.5.1 no' }],
    want => qr/^0 failed 5\.1\.1 .*; ok keep$/, ends => 1);
case('serialises in spite of PIPELINING', zoo => [@pipe, serial => 1, at => {
    rcpt => sub { die 'too soon' if $_[0]{buf} ne ''; '250 ok' } }],
    want => qr/^0 deferred $late/, took => 0);
case('closes after each message', zoo => [@pipe, once => 1],
    want => qr/^ok keep$/, took => 1, ends => 1);
case('refuses the content while it comes', zoo => [@pipe, at => { body => sub {
    $_[0]->put("552 5.3.4 too big\r\n"); $_[0]->over } }],
    arg => [text => "Subject: x\n\n" . "0123456789\n" x 2_000_000],
    want => qr/^0 (?:failed 5\.3\.4 552|deferred 4\.4\.2 lost).*; ok$/);
case('stops to read', zoo => [@pipe, at => { body => sub {
    sleep 60; $_[0]->over } }],
    arg => [text => "Subject: x\n\n" . "0123456789\n" x 2_000_000],
    want => qr/^0 deferred 4\.4\.2 timeout while sending the content; ok$/);

# Short limits for those that are meant to reach them, a minute for the others,
# which a busy machine may slow down.
sub slow { return $_[0]{want} =~ /timeout|\$late|4\.\[45\]/ }
my @patient = grep { !slow($_) } @case;
my @batch = ([grep { slow($_) } @case]);
push @batch, [splice @patient, 0, 20] while @patient;
for my $k (0 .. $#batch) {
	my @now = @{ $batch[$k] };
	if ($k == 1) {
		$i->set_conf('smtp.conf', map { ("${_}_timeout" => '1m') }
		    @limits, 'total');
		$i->reload;
	}
	for my $c (@now) {
		$c->{z} = Postrider::Zoo->new(name => 'zoo.example.net',
		    @{ $c->{zoo} });
		$c->{o} = Postrider::Outbound->new($i);
		$c->{o}->ask($c->{z}, 'a@example.net', @{ $c->{arg} || [] });
	}
	for my $c (@now) {
		my $name = $c->{name};
		my $got = Postrider::Outbound::text($c->{o}->answer);
		like $got, $c->{want}, $name;
		$c->{o}->close;
		next if $c->{any};
		my @t = $c->{z}->took;
		is scalar @t, $c->{took} || 0, "... $name: taken";
		is $c->{z}->ends, $c->{ends} || 0, "... $name: contents";
		is $c->{z}->connections, $c->{connections} // 1,
		    "... $name: connections";
		is $t[0]{content}, $Postrider::Outbound::TEXT =~
		    s/\n/\r\n/gr, "... $name: exact" if @t;
	}
}
done_testing;
