#!/usr/bin/perl
# A quota that is raised helps mail that waits; router is not needed for mail.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
	'router.conf' => { over_quota => 'accept', quota_cache => '0s' },
	'qmgr.conf' => { first_retry => '1h', min_retry => '1h' } });
$i->ctl_ok('user', 'quota', 'ann', '3K');
$i->start;

my $body = "Subject: x\n\n" . ('y' x 70 . "\n") x 30;
sub put {
	is +($i->send(to => 'ann@example.test', message => $body))[0], 250,
	    'accepted';
}
sub deferred {
	my ($n) = @_;
	return $i->wait_for(sub {
		$n == grep { / qmgr\[.* deferred .*dsn=4\.2\.2/ }
		    $i->log_lines;
	});
}
put();
is scalar(my @one = $i->wait_mails('ann', 1)), 1, 'the first fits';
put();
ok deferred(1), 'the second does not';

$i->ctl_ok('user', 'quota', 'ann', '5K');
# router looks at its tables once a second
ok $i->wait_for(sub {
	$i->call('router', 'route', addr => 'ann@example.test') =~
	    /^quota=5120$/m;
}), 'router knows the new quota';
$i->queue('flush');
is scalar(my @two = $i->wait_mails('ann', 2)), 2,
    'with more quota it is delivered';

# what can not be asked is as it was
put();
ok deferred(2), 'full again';
$i->ctl_ok('user', 'quota', 'ann', '100M');
my @router = $i->pids_of('router');
ok @router > 0, 'router runs';
kill 'STOP', @router;
$i->queue('flush');
ok $i->wait_log(qr/qmgr\[.* quota-unknown /), 'router does not answer';
ok deferred(3), 'the stored quota is taken';
kill 'CONT', @router;
ok !$i->wait_for(sub { $i->log =~ /agent-error/ }, 0.2), 'no more than that';
$i->stop;
done_testing;
