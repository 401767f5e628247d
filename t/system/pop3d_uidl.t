#!/usr/bin/perl
# A UIDL belongs to a message for its life: whatever other programs do to its
# file, and over every session.
use strict;
use warnings;
use Test::More;
use Postrider::Drop;

my $d = Postrider::Drop->new;
my $own = '1732300000.Qf3Kp0aZ91xyR1.mx.example.test';
$d->put("new/$own,S=14,W=17", "Subject: a\n\n1\n");
$d->put('new/1732300001.foreign', "Subject: b\n\n2\n");
$d->put('new/1732300002.a name with blanks', "Subject: c\n\n3\n");
$d->put('new/1732300003.' . 'l' x 100, "Subject: d\n\n4\n");

sub uidl {
	my $p = $d->session;
	my ($status, $list) = $p->multi('UIDL');
	$p->quit;
	return map { s/^\d+ //r } split /\n/, $list;
}

my @first = uidl();
is $first[0], $own, 'the unique part of a name of ours';
is $first[1], '1732300001.foreign', 'and of others';
like $first[$_], qr/^[0-9a-f]{32}$/, 'a hash where it is no UIDL' for 2, 3;
is_deeply [uidl()], \@first, 'the next session has the same';

$d->move("new/$own,S=14,W=17", "cur/$own,S=14,W=17,U=5:2,FS");
$d->move('new/1732300001.foreign', 'cur/1732300001.foreign,U=6:2,');
$d->move('new/1732300002.a name with blanks',
    'cur/1732300002.a name with blanks:2,T');
is_deeply [uidl()], \@first, 'flags, UIDs and moves change nothing';

my $p = $d->session;
is $p->cmd('UIDL 2'), "+OK 2 $first[1]", 'while a session has it';
$d->move('cur/1732300001.foreign,U=6:2,', 'cur/1732300001.foreign,U=6:2,RS');
is $p->retr(2), "Subject: b\n\n2\n", 'a renamed message is found';
$d->put('new/1732300009.late', "Subject: late\n\n");
is $p->cmd('STAT'), '+OK 4 68', 'what arrives meanwhile is not seen';
$p->quit;

$d->put("new/$own,S=18,W=21", "Subject: copy\n\n1\n2");
my @all = uidl();
is @all, 6, 'a second file with the unique part of another';
my %seen = map { $_ => 1 } @all;
is keys %seen, 6, 'gets a UIDL of its own';
ok $seen{$own}, 'the first keeps its';
is_deeply [uidl()], \@all, 'both for ever';

$p = $d->session;
my ($n) = grep { $all[$_ - 1] eq $own } 1 .. @all;
like $p->cmd("DELE $n"), qr/^\+OK/, 'the first is deleted';
$p->quit;
is_deeply [uidl()], [grep { $_ ne $own } @all],
    'the second does not take its place';
done_testing;
