#!/usr/bin/perl
# A child that is killed throttles its own service, ever longer, and no other;
# the service comes back.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(conf => { 'master.conf' => {
	'smtpd/spare' => 1 } })->start;

sub kill_one {
	my ($name) = @_;
	my ($pid) = $i->wait_for(sub { ($i->pids_of($name))[0] });
	my $mark = $i->log_mark;
	kill 'KILL', $pid;
	return $i->wait_log(qr/throttled .*service=\w+/, undef, $mark);
}

like kill_one('router'), qr/service=router .*signal 9.* wait_ms=1000/,
    'the first time for a second';
is $i->smtp->greeting, 220, 'meanwhile another service answers';
ok $i->wait_for(sub { $i->pids_of('router') }), 'it comes back';
like kill_one('router'), qr/service=router .* wait_ms=2000/,
    'the second time for two';
is $i->call('local', 'ping'), '', 'another service is not disturbed';
ok $i->wait_for(sub {
	return 1 if $i->ctl_ok('status') =~ /^router\s+throttled/m;
	# over already: for longer the next time
	my ($pid) = $i->pids_of('router');
	kill 'KILL', $pid if $pid;
	return 0;
}), 'status says so';
ok $i->wait_for(sub { $i->pids_of('router') }), 'it comes back again';
is $i->call('router', 'ping'), '', 'and answers';

my $logd = ($i->pids_of('logd'))[0];
kill 'KILL', $logd;
ok $i->wait_log(qr/throttled .*service=logd/),
    'what was logged while logd was dead is not lost';
$i->stop;
done_testing;
