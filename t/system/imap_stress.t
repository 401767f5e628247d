#!/usr/bin/perl
# Three sessions of random commands, a delivery loop, files dropped into new/
# and a program that renames flags, all on one user's mailboxes: nothing is
# lost, altered or doubled, no UID is used twice, all views converge, and the
# index equals one made from scratch.  POSTRIDER_SOAK=SECONDS for longer (20),
# POSTRIDER_SEED for another order of things.
use strict;
use warnings;
use Postrider::Complaints qw(no_complaints);
use Postrider::ImapState qw(login whole_state tokens drop_derived deliverer);
use Postrider::ImapStress qw(run_all check_journals);
use Postrider::ImapTest qw(server work_dir);
use Test::More;

my $seconds = $ENV{POSTRIDER_SOAK} || 20;
my $seed = $ENV{POSTRIDER_SEED} || time % 100_000;
my $s = server(users => { ann => 'pw-ann' });
my $dir = work_dir();
my $c = login($s, 'ann');
$c->ok("$_ is made", "CREATE $_") for qw(Alpha Beta);
$c->logout;
my $hung = run_all(server => $s, user => 'ann', password => 'pw-ann',
    dir => $dir, seconds => $seconds, seed => $seed, sessions => 3,
    deliver => deliverer($s, 'ann@example.test'),
    maildir => $s->maildir('ann'));
is $hung, 0, 'nobody hangs';

# mail that is still on its way comes in
my ($state, $j);
for (1 .. 40) {
	$state = whole_state($s, 'ann');
	$j = check_journals($dir, tokens($state), 1);
	last if !grep { /^lost/ } @{ $j->{bad} };
	select undef, undef, undef, 0.5;
}
no_complaints($j->{bad}, "nothing is lost, altered or doubled (seed $seed)",
    $s);
my $did = $j->{did};
cmp_ok $did->{$_} // 0, '>', 0, "$_ was among it" for qw(STORE FETCH SEARCH
	APPEND EXPUNGE converge deliver drop rename-flags);
note join ', ', map { "$_ $did->{$_}" } sort keys %$did;
note scalar(keys %{ $j->{have} }) . " messages were taken, $j->{messages} " .
    'are there';

$s->stop;
cmp_ok drop_derived($s, 'ann'), '>', 0, 'there was an index';
$s->start;
is_deeply whole_state($s, 'ann'), $state,
    'one made from scratch says the same';
done_testing;
