#!/usr/bin/perl
# The same work as imap_stress.t while session processes, and now and then the
# whole server, are killed without warning: what was answered OK is there and
# unaltered, no UID is used twice, and what a new start shows stays.
# POSTRIDER_SOAK=SECONDS for longer (12).
use strict;
use warnings;
use Postrider::Chaos;
use Postrider::Complaints qw(no_complaints);
use Postrider::ImapState qw(login whole_state tokens drop_derived deliverer);
use Postrider::ImapStress qw(run_all check_journals);
use Postrider::ImapTest qw(server slurp work_dir);
use Test::More;

my $seconds = $ENV{POSTRIDER_SOAK} || 12;
my $seed = $ENV{POSTRIDER_SEED} || time % 100_000;
my $s = server(users => { ann => 'pw-ann' });
my $dovecot = $s->isa('Postrider::Dovecot');
my $dir = work_dir();
my $c = login($s, 'ann');
$c->ok("$_ is made", "CREATE $_") for qw(Alpha Beta);
$c->logout;

# processes of sessions
sub sessions {
	return $s->pids_of('imapd') if !$dovecot;
	my $master = $s->pid // return;
	return grep {
		my $p = $_;
		(eval { slurp("/proc/$p/stat") } // '')
		    =~ /^\d+ \(imap\) \S $master /;
	} map { m{(\d+)} } glob '/proc/[0-9]*';
}

my %killed = (session => 0, server => 0);

sub kill_some {
	# a start takes long on a busy machine, and sessions are there after it
	if (rand() < 0.15 && !$dovecot &&
	    $killed{session} > 4 * ($killed{server} + 1)) {
		Postrider::Chaos::kill_tree($s);
		$s->start;
		$killed{server}++;
		return;
	}
	my @p = sessions() or return;
	$killed{session} += kill 'KILL', $p[rand @p];
	return;
}

my $hung = run_all(server => $s, user => 'ann', password => 'pw-ann',
    dir => $dir, seconds => $seconds, seed => $seed, sessions => 3,
    deliver => deliverer($s, 'ann@example.test'),
    maildir => $s->maildir('ann'), kill => \&kill_some);
is $hung, 0, 'nobody hangs';
cmp_ok $killed{session}, '>', 3, 'sessions were killed';
note "killed: $killed{session} sessions, $killed{server} times all";

if (!$dovecot) {
	Postrider::Chaos::kill_tree($s);
	$s->start;
}
my ($state, $j);
for (1 .. 60) {
	$state = whole_state($s, 'ann');
	$j = check_journals($dir, tokens($state), 0);
	last if !grep { /^lost/ } @{ $j->{bad} };
	select undef, undef, undef, 0.5;
}
no_complaints($j->{bad},
    "nothing is lost or altered, no UID used twice (seed $seed)", $s);
note join ', ', map { "$_ $j->{did}{$_}" } sort keys %{ $j->{did} };
$s->stop;
drop_derived($s, 'ann');
$s->start;
is_deeply whole_state($s, 'ann'), $state,
    'an index made from scratch says the same';
done_testing;
