#!/usr/bin/perl
# smtp is killed while it relays: nothing is lost, and only what a server had
# taken at that moment may come again.  Then to another Postrider, with TLS.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep);

use Postrider::Instance;
use Postrider::Zoo;

my ($n, $kills, $per) = (40, 4, 3);
my $z = Postrider::Zoo->new(offer => [qw(PIPELINING 8BITMIME)], at => {
    dot => sub { sleep 0.05; '250 2.0.0 in' } });
my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
    'common.conf' => { hostname => 'out.example.test' },
    'master.conf' => { throttle_max => '1s' },
    'qmgr.conf' => { first_retry => '1s', min_retry => '1s',
	destination_suspend => '1s', transport_retry => '1s' },
    'router.conf' => { relayhost => $z->nexthop } });
$i->start;

sub submit {
	my ($from, $to, $text) = @_;
	return scalar $i->send(port => 'submission', auth => ['ann', 'pw'],
	    from => $from, to => $to, message => $text);
}

my ($killed, $bad) = (0, 0);
for my $k (1 .. $n) {
	$bad++ if submit('ann@example.test', "r$k\@example.net",
	    "From: ann\@example.test\nSubject: $k\n\n" . "x\n" x 200) != 250;
	next if $k % ($n / $kills);
	$i->wait_for(sub { $i->pids_of('smtp') });
	my @pid = $i->pids_of('smtp');
	splice @pid, $per if @pid > $per;
	$killed += kill 'KILL', @pid;
}
is $bad, 0, "$n accepted";
cmp_ok $killed, '>=', $kills, 'processes were killed';
my %seen;
ok $i->wait_for(sub {
	%seen = ();
	$seen{$_}++ for map { @{ $_->{rcpt} } } $z->took;
	return keys %seen == $n;
}, 60), 'all are relayed';
ok $i->wait_for(sub { $i->queue('list') !~ /example\.net/ }),
    'the queue is empty';
%seen = ();
$seen{$_}++ for map { @{ $_->{rcpt} } } $z->took;
my $twice = grep { $_ > 1 } values %seen;
cmp_ok $twice, '<=', $killed, "no more than $killed came again: $twice";
is scalar(grep { length $_->{content} < 400 } $z->took), 0, 'each is whole';

# --- a reload while a message is under way ---
my $slow = Postrider::Zoo->new(offer => ['PIPELINING'], at => {
    dot => sub { sleep 1; '250 2.0.0 in' } });
$i->set_conf('router.conf', relayhost => $slow->nexthop);
$i->reload;
is submit('ann@example.test', 'slow@example.net', "Subject: s\n\nx\n"), 250,
    'accepted';
ok $i->wait_for(sub { $slow->ends }), 'under way';
$i->reload;
ok $i->wait_log(qr/ sent .*to=slow\@example\.net/), 'it ends in peace';
is scalar(my @t = $slow->took), 1, '... once';

# --- to another Postrider ---
my $other = Postrider::Instance->new(users => { bob => 'pw' },
    domains => ['other.test'],
    conf => { 'common.conf' => { hostname => 'mx.other.test' } });
$other->start;
$i->set_conf('router.conf', relayhost => '[127.0.0.1]:' .
    $other->port('smtp'));
$i->reload;
my $text = "From: ann\@example.test\nSubject: tls\n\n.dot\ngr\xc3\xbc\n" .
    'x' x 1200 . "\n";
is submit('ann@example.test', 'bob@other.test', $text), 250, 'accepted';
my ($f) = $other->wait_mails('bob', 1);
my $got = $other->slurp($f);
like $got, qr/^Return-Path: <ann\@example\.test>\n/, 'the other has it';
is substr($got, -length $text), $text, '... exact';
is scalar(() = $got =~ /^Delivered-To:/mg), 1, '... without our own fields';
like $i->wait_log(qr/ sent .*to=bob\@other\.test/),
    qr/ tls=TLSv1\.3 cipher=\S+ verified=no /, 'over TLS';
is submit('ann@example.test', 'nobody@other.test', $text), 250, 'accepted';
like $i->wait_log(qr/ failed .*to=nobody\@other\.test/),
    qr/dsn=5\.1\.1 reason="550 5\.1\.1 /, 'unknown there: fails';
done_testing;
