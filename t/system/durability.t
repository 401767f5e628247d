#!/usr/bin/perl
# Processes are killed under load, one at a time, master too, and all at once;
# every message that was answered 250 is in each mailbox exactly once, and one
# that was answered otherwise is in none.
#
#   POSTRIDER_SOAK=SECONDS  how long, in all (default: 18)
use strict;
use warnings;
use Postrider::Chaos;
use Postrider::Complaints qw(no_complaints);
use Postrider::Instance;
use Postrider::Load;
use Test::More;
use Time::HiRes qw(sleep time);

my $soak = $ENV{POSTRIDER_SOAK} || 18;
my @users = map { "u$_" } 1 .. 8;
my $i = Postrider::Instance->new(
    users => { map { $_ => 'pw' } @users },
    conf => {
	# what dies is there again soon: it is what the test is about
	'master.conf' => { throttle_max => '1s' },
	'qmgr.conf' => { first_retry => '1s', min_retry => '1s',
	    max_retry => '2s', transport_retry => '1s',
	    destination_suspend => '1s', suspend_max => '2s' },
    })->start;
my $load = Postrider::Load->new($i, senders => 6, users => \@users);
my %killed;

sub up {
	my $end = time + 30;
	while (time < $end) {
		my $ok = eval { $i->call('qmgr', 'ping'); 1 } &&
		    eval { $i->call('cleanup', 'ping'); 1 } &&
		    eval { $i->smtp->greeting == 220 };
		return 1 if $ok;
		sleep 0.1;
	}
	return 0;
}

# kill as it says, for a third of the time, under load
sub under_load {
	my ($what, $kill) = @_;
	my $kills = 0;
	$load->start;
	my $end = time + $soak / 3;
	while (time < $end) {
		sleep 0.05 + rand 0.3;
		my $name = $kill->() // next;
		$killed{$name}++;
		$kills++;
	}
	Postrider::Chaos::start($i) unless Postrider::Chaos::alive($i,
	    'master');
	ok up(), "$what: $kills kills, and the suite is up";
	ok $load->stop, "$what: the senders got rid of what they had";
	return;
}

under_load('single processes', sub {
	return Postrider::Chaos::kill_one($i, master => 1);
});
under_load('single processes and master', sub {
	my $master = rand() < 0.3;
	my $name = $master ? 'master' : Postrider::Chaos::kill_one($i,
	    master => 1);
	return $name if !$master;
	my $all = Postrider::Chaos::suite($i);
	my @m = grep { $all->{$_} eq 'master' } keys %$all;
	kill 'KILL', @m;
	sleep rand 0.2;		# the children go on without it
	Postrider::Chaos::start($i);
	return $name;
});
under_load('the whole tree', sub {
	sleep rand 0.4;
	Postrider::Chaos::kill_tree($i);
	Postrider::Chaos::start($i);
	return 'the tree';
});

ok $i->wait_for(sub {
	return eval { $i->queue('list') eq "no messages\n" };
}, 60), 'the queue runs empty' or diag $i->queue('list');
my $r = $load->audit;
no_complaints($r->{bad}, 'every message answered 250 was delivered to each ' .
    'recipient exactly once, intact, and none that was refused', $i);
cmp_ok $r->{ok}, '>', 100, 'there was load';
is $i->log =~ /\bunsettled\b/ ? 1 : 0, 0, 'no message was left unsettled';

note sprintf '%d messages answered 250 (%d copies), %d attempts refused, ' .
    '%d in the window, %d of them delivered, %d duplicates by sending again',
    @$r{qw(ok copies refused window delivered duplicates)};
note 'killed: ' . join ' ', map { "$_ $killed{$_}" } sort keys %killed;
note 'settled: ' . join ' ', map { "$_ " . (() = $i->log =~
    /\bsettled .*queued=$_/g) } qw(yes no);
$i->stop;
done_testing;
