#!/usr/bin/perl
# CONDSTORE: where MODSEQ is told, UNCHANGEDSINCE, CHANGEDSINCE.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;

sub client {
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login('ann', 'pw')->expect;
	return $c;
}

my ($c, $d) = (client(), client());
$c->cmd('APPEND INBOX ', lit_plus("Subject: $_\r\n\r\nx\r\n"))->expect
    for 1 .. 5;

# without it nothing is said of MODSEQ, but in SELECT
$d->cmd('SELECT INBOX')->expect;
my $r = $d->ok('STORE', 'STORE 1 +FLAGS (x)');
ok !exists $r->fetched->{1}{MODSEQ}, 'no MODSEQ without CONDSTORE';
is_deeply $d->search('ALL'), [1 .. 5], 'nor in SEARCH';

$r = $c->ok('SELECT (CONDSTORE)', 'SELECT INBOX (CONDSTORE)');
my $high = $r->code('HIGHESTMODSEQ');
my $mod = $c->fetch('1:5', '(MODSEQ)');
my ($most) = sort { $b <=> $a } map { $_->{MODSEQ}[0] } values %$mod;
is $most, $high, 'HIGHESTMODSEQ is the highest';

# every FLAGS that is told has MODSEQ now
$r = $c->ok('STORE', 'STORE 2 +FLAGS (\Seen)');
my $m2 = $r->fetched->{2}{MODSEQ}[0];
ok $m2 > $high, 'STORE tells a higher MODSEQ';
is $c->cmd('STATUS INBOX (HIGHESTMODSEQ)')->{got}[0]{data}[1][1], $m2,
    'STATUS, too';
$r = $c->ok('STORE again', 'STORE 2 +FLAGS (\Seen)');
is $r->fetched->{2}{MODSEQ}[0], $m2, 'no change, no new MODSEQ';
$r = $c->ok('.SILENT', 'STORE 3 +FLAGS.SILENT (\Seen)');
is_deeply [sort keys %{ $r->fetched->{3} }], ['MODSEQ'],
    'tells MODSEQ alone';
$r = $c->ok('UID STORE .SILENT', 'UID STORE 3 +FLAGS.SILENT (\Draft)');
is_deeply [sort keys %{ $r->fetched->{3} }], ['MODSEQ', 'UID'], 'and the UID';
$d->cmd('STORE 4 +FLAGS (other)');
$r = $c->ok('NOOP', 'NOOP');
ok $r->fetched->{4}{MODSEQ}, 'changes of others have MODSEQ';
$r = $c->ok('BODY[]', 'FETCH 5 BODY[]')->fetched->{5};
ok $r->{MODSEQ} && $r->{FLAGS}, 'the \Seen that FETCH sets, too';
$c->cmd('STORE 5 -FLAGS (\Seen)');
$r = $c->ok('BODY[] FLAGS', 'FETCH 5 (BODY[] FLAGS)')->fetched->{5};
ok $r->{MODSEQ}, 'also with FLAGS';

# UNCHANGEDSINCE
$r = $c->ok('UNCHANGEDSINCE', "STORE 1,2,4 (UNCHANGEDSINCE $m2) +FLAGS (y)");
is $r->code('MODIFIED'), 4, 'MODIFIED';
ok +(grep { $_ eq 'y' } @{ $r->fetched->{2}{FLAGS} }), 'the others are';
ok !(grep { $_ eq 'y' } @{ $c->fetch(4, 'FLAGS')->{4}{FLAGS} }), 'it is not';
$r = $c->ok('by UID', "UID STORE 4:5 (UNCHANGEDSINCE $m2) +FLAGS.SILENT (z)");
is $r->code('MODIFIED'), '4:5', 'MODIFIED has UIDs';
is $c->ok('0', 'STORE 1 (UNCHANGEDSINCE 0) +FLAGS (z)')->code('MODIFIED'), 1,
    'UNCHANGEDSINCE 0 never is';

# CHANGEDSINCE
$r = $c->ok('CHANGEDSINCE', "FETCH 1:* (FLAGS) (CHANGEDSINCE $m2)")->fetched;
is_deeply [sort keys %$r], [1, 2, 3, 4, 5], 'what changed';
my $now = $c->cmd('STATUS INBOX (HIGHESTMODSEQ)')->{got}[0]{data}[1][1];
is_deeply $c->ok('nothing', "FETCH 1:* (FLAGS) (CHANGEDSINCE $now)")
    ->fetched, {}, 'since now nothing';
$c->cmd('STORE 3 +FLAGS (new)');
$r = $c->ok('one', "UID FETCH 1:* (FLAGS) (CHANGEDSINCE $now)")->fetched;
is_deeply [sort keys %{ $r->{3} }], ['FLAGS', 'MODSEQ', 'UID'],
    'with MODSEQ';
is scalar(keys %$r), 1, 'only that';

# SEARCH MODSEQ
my $m3 = $r->{3}{MODSEQ}[0];
$r = $c->ok('SEARCH MODSEQ', "SEARCH MODSEQ $m3");
is_deeply $r->untagged('SEARCH') && ($r->untagged('SEARCH'))[0]{data},
    [3, ['MODSEQ', $m3]], 'has it';
$r = $c->ok('with an entry', "SEARCH MODSEQ \"/flags/\\\\draft\" all $m3");
is $r->numbers->[0], 3, 'is taken';
$r = $c->ok('nothing', 'SEARCH MODSEQ ' . ($m3 + 1));
is_deeply +($r->untagged('SEARCH'))[0]{data}, [], 'has none';
my $m1 = $c->fetch(1, 'MODSEQ')->{1}{MODSEQ}[0];
for (['MIN', "MIN 1 MODSEQ $m1"], ['MIN MAX', "MIN 1 MAX 3 MODSEQ $m3"],
    ['MIN COUNT', "MIN 1 COUNT 2 MODSEQ $m3"], ['ALL', "ALL 1,3 MODSEQ $m3"]) {
	$r = $c->ok('ESEARCH', "SEARCH RETURN ($_->[0]) 1,3 MODSEQ 1");
	my @v = @{ ($r->untagged('ESEARCH'))[0]{data} };
	is join(' ', @v[1 .. $#v]), $_->[1], "RETURN ($_->[0])";
}

# what turns it on
for ('FETCH 1 MODSEQ', 'SEARCH MODSEQ 1', 'STATUS INBOX (HIGHESTMODSEQ)',
    'STORE 1 (UNCHANGEDSINCE 1) +FLAGS (q)', 'ENABLE CONDSTORE',
    'FETCH 1 FLAGS (CHANGEDSINCE 1)') {
	my $e = client();
	$e->cmd('SELECT INBOX');
	$e->ok($_, $_);
	ok $e->cmd('STORE 1 +FLAGS (\Seen)')->fetched->{1}{MODSEQ},
	    'turns it on';
	$e->close;
}
$c->bad("wrong: $_", $_) for 'STORE 1 (UNCHANGEDSINCE) +FLAGS (a)',
    'STORE 1 (NOPE 1) +FLAGS (a)', 'FETCH 1 FLAGS (CHANGEDSINCE x)',
    'FETCH 1 FLAGS (VANISHED)', 'SELECT INBOX (NOPE)', 'SEARCH MODSEQ',
    'UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)';
$c->cmd('SELECT INBOX');
$c->cmd('STORE 1 +FLAGS (\Deleted)');
is $c->ok('EXPUNGE', 'EXPUNGE')->{code}[0], 'HIGHESTMODSEQ',
    'EXPUNGE tells HIGHESTMODSEQ';
done_testing;
