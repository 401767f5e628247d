#!/usr/bin/perl
# A program whose event loop hangs is replaced, and keeps no successor waiting;
# one that only has nothing to do is left alone.
use strict;
use warnings;
use Postrider::Instance;
use Postrider::Starttls qw(starttls);
use Test::More;
use Time::HiRes qw(sleep time);

my $i = Postrider::Instance->new(conf => { 'master.conf' => {
	'limitd/watchdog' => '2s', 'notifyd/watchdog' => '4s',
	'keyd/watchdog' => '5m', 'dnsd/watchdog' => 0 } })->start;

sub pid { return ($i->pids_of($_[0]))[0] // 0 }
# the pid of another one, when there is it
sub other {
	my ($name, $than) = @_;
	return $i->wait_for(sub {
		my ($p) = grep { $_ != $than } $i->pids_of($name);
		return $p;
	});
}

# --- it hangs
my ($quiet, $begun) = (pid('notifyd'), time);
my $limitd = pid('limitd');
$i->call('limitd', 'ping');	# it is not silent already
my $start = time;
kill 'STOP', $limitd;
ok other('limitd', $limitd), 'a program that hangs is replaced';
cmp_ok time - $start, '>=', 1.7, 'not before its time';
like $i->log, qr/ hung level=error service=limitd child=$limitd silent/,
    'the log says so';
ok !kill(0, $limitd), 'it is gone';
ok $i->wait_for(sub { eval { $i->call('limitd', 'list'); 1 } }),
    'the next one serves';
sleep 0.1 while time < $begun + 6;
is pid('notifyd'), $quiet, 'one that has nothing to do stays';

# --- it hangs, and the suite reloads
my $keyd = pid('keyd');
kill 'STOP', $keyd;
$i->set_conf('master.conf', 'keyd/watchdog' => '12s');
$i->reload;
sleep 1;
is pid('keyd'), $keyd, 'one alone of its kind keeps its successor waiting';
kill 'CONT', $keyd;
$keyd = other('keyd', $keyd);
ok $i->wait_log(qr/keyd\[$keyd\]: certificate/), 'it ends: the next';
my $mark = $i->log_mark;
kill 'STOP', $keyd;
$start = time;
$i->reload;
ok other('keyd', $keyd), 'it hangs: its successor comes';
cmp_ok time - $start, '>=', 2.4, 'after a quarter of its time';
my ($silent) = $i->log($mark) =~
    / hung level=error service=keyd child=$keyd silent_ms=(\d+)/;
cmp_ok $silent // 0, '>=', 3000, 'the log says so';
cmp_ok $silent, '<', 6000, 'and no later';
ok $i->wait_for(sub { eval { starttls($i, 'smtp') } }), 'there is TLS';

# --- options
$mark = $i->log_mark;
my $master = $i->master_pid;
kill 'STOP', $master;
sleep 4;
kill 'CONT', $master;
sleep 1.5;
unlike $i->log($mark), qr/ hung /, 'where master stood still nobody hangs';
$i->set_conf('master.conf', 'limitd/watchdog' => '10ms');
my ($st, $out, $err) = $i->ctl('reload');
like $err, qr/watchdog = 10ms: expected 0 or at least a second/,
    'a time that nobody could keep is refused';
$i->set_conf('master.conf', 'limitd/watchdog' => '0');
$i->reload;
$limitd = $i->wait_for(sub { pid('limitd') });
ok $i->wait_for(sub { eval { $i->call('limitd', 'list'); 1 } }), 'it serves';
$limitd = pid('limitd');
kill 'STOP', $limitd;
sleep 3;
ok kill(0, $limitd), 'with 0 nobody looks';
kill 'CONT', $limitd;
ok $i->stop, 'stopped';
done_testing;
