#!/usr/bin/perl
# smtp as an LMTP client: over TCP and a UNIX socket, a reply for each
# recipient behind the content; and to smtpd of another Postrider.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Postrider::Instance;
use Postrider::Outbound;
use Postrider::Zoo;

my %lmtp = (program => 'smtp', conf => 'lmtp-client.conf', user => 'out',
    listen => 'private:lmtp-client', process_limit => 20, clients => 1,
    order => 55);
my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
    conf => { 'lmtp-client.conf' => { protocol => 'lmtp',
	data_done_timeout => '3s' },
    'master.conf' => { map { ("lmtp-client/$_" => $lmtp{$_}) }
	keys %lmtp } });
$i->start;
my $o = Postrider::Outbound->new($i, service => 'lmtp-client');
my @three = map { "$_\@example.net" } qw(a b c);

for my $kind (0, 1) {
	my $name = $kind ? 'UNIX' : 'TCP';
	my $z = Postrider::Zoo->new(lmtp => 1, unix => $kind,
	    offer => [qw(PIPELINING 8BITMIME)],
	    at => { rcpt => sub { $_[1] =~ /<b/ ? '550 5.1.1 who?' :
	    '250 ok' }, dot => sub { $_[1] =~ /^c/ ?
	    '452 4.2.2 full' : '250 2.0.0 in' } });
	is $o->deliver($z, \@three), '1 failed 5.1.1 550 5.1.1 who?; ' .
	    '2 deferred 4.2.2 452 4.2.2 full; ok keep', "$name: each";
	is $o->deliver($z, $three[0], notify => ['SUCCESS']),
	    '0 delivered 2.0.0 250 2.0.0 in; ok keep', "$name: one";
	is $o->{last}{more}{0}{report} // 'delivered', 'delivered',
	    '... for good';
	like +($z->said)[1], qr/^\d+ LHLO /, "$name: LHLO";
	is $z->connections, 1, "$name: one connection";
}
my $z = Postrider::Zoo->new(lmtp => 1, offer => ['PIPELINING'], at => {
    dot => sub { $_[1] =~ /^a/ ? '250 2.0.0 in' : $_[0]->over } });
like $o->deliver($z, \@three),
    qr/^1 deferred 4\.4\.2 lost.*; 2 deferred 4\.4\.2 lost.*; ok$/,
    'lost after the first reply: the others wait';

is $o->deliver("unix:" . $i->dir . '/run/private/lmtp',
    ['ann@example.test', 'bob@example.test', 'nobody@example.test']) =~
    s/^2 failed 5\.1\.1 [^;]*/2 failed/r, '2 failed; ok keep',
    'to smtpd itself';
is scalar(my @f = $i->wait_mails($_, 1)), 1, "... $_ has it"
    for qw(ann bob);

# --- replies that come one by one, and late ---
$o->close;
$i->set_conf('lmtp-client.conf', total_timeout => '4s');
$i->reload;
$z = Postrider::Zoo->new(lmtp => 1, offer => ['PIPELINING'], at => {
    dot => sub { sleep 1 if $_[1] !~ /^[ab]/; '250 2.0.0 in' } });
my $got = $o->deliver($z, [map { "$_\@example.net" } 'a' .. 'l'],
    notify => [('SUCCESS') x 12]);
like $got, qr/^0 delivered .*; 1 delivered .*; 11 deferred 4\.4\.2 timeout/,
    'all of them together have a time';

# --- nobody has anything more for it ---
$o->close;
$i->set_conf('lmtp-client.conf', idle_time => '300ms');
$i->reload;
$z = Postrider::Zoo->new(lmtp => 1, offer => ['PIPELINING']);
is $o->deliver($z, 'a@example.net'), 'ok keep', 'sent';
ok $i->wait_for(sub { $z->said('QUIT') }), 'an idle connection is left';
done_testing;
