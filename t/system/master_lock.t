#!/usr/bin/perl
# One master an instance; after a kill of master the next start works.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new->start;
my $pid = $i->master_pid;
my ($st, $out, $err) = $i->ctl('start');
is $st, 1, 'a second master is refused';
like $err, qr/running already \(pid $pid\)/, 'and told the pid of the first';
is $i->master_pid, $pid, 'which still runs';
is $i->slurp($i->dir . '/run/master.pid'), "$pid\n", 'the pid file';

my @old = $i->pids;
my $c = $i->smtp;
kill 'KILL', $pid;
$i->wait_for(sub { !$i->_ours($pid) });
is $c->cmd('NOOP'), 250, 'a session outlives its master';
$i->ctl_ok('start');
isnt $i->master_pid, $pid, 'started again over the stale pid file';
is $i->smtp->greeting, 220, 'and serves';
is scalar($c->reply), 421, 'which tells the old session to go';
ok $i->wait_for(sub { !grep { $i->_ours($_) } @old }),
    'the children of the old one have gone';
ok $i->stop, 'stopped';
ok !-e $i->dir . '/run/master.pid', 'without a pid file left';
is(($i->ctl('status'))[0], 1, 'status: not running');
done_testing;
