#!/usr/bin/perl
# A stop lets go in order, says good-bye to waiting clients, and leaves
# nothing behind; the log's last line is written.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;
use Time::HiRes qw(time);

for my $single (0, 1) {
	my $i = Postrider::Instance->new(single_uid => $single)->start;
	my @pid = $i->pids;
	my $c = $i->smtp;
	my $t = time;
	is $i->ctl_ok('stop'), "stopped\n", 'stop ends when all have ended';
	cmp_ok time - $t, '<', 25, 'long before its deadline';
	is scalar($c->reply), 421, 'a waiting client is told';
	ok !(grep { $i->_ours($_) } @pid), 'no process is left';
	like +($i->log_lines)[-1], qr/master\[\d+\]: stopped$/,
	    'the last line is there';
	ok !-e $i->dir . "/run/private/$_", "no socket $_ is left"
	    for qw(master qmgr router);
	$i->{started} = 0;
}

my $i = Postrider::Instance->new(conf => { 'master.conf' => {
	'stop_timeout' => '3s' } })->start;
# a child that does not listen
my ($pid) = $i->pids_of('router');
kill 'STOP', $pid;
my $t = time;
$i->ctl_ok('stop');
cmp_ok time - $t, '<', 25, 'who does not end is killed at the deadline';
like $i->log, qr/stop_slow .*service=router signal=KILL/, 'and named';
ok !$i->_ours($pid), 'it is gone';
done_testing;
