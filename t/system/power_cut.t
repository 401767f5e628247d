#!/usr/bin/perl
# The power fails before anything but the journal was synced: all programs are
# killed at once, then files that were not synced are made empty, blank or
# short, or are removed, as a disk may have them afterwards, and the machine
# has booted anew.  Every message answered 250 is in each mailbox exactly once,
# byte by byte.
use strict;
use warnings;
use Postrider::Chaos;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(
    users => { map { $_ => 'pw' } qw(ann bob cec) },
    conf => { 'qmgr.conf' => { sync_interval => '10m' } })->start;
my $journal = $i->dir . '/spool/journal';
my %body;		# by number
my $n = 0;
my @refused;
my $mark = 0;		# in the log: since when to look, and to tell

sub put {
	my ($bytes, @to) = @_;
	$n++;
	my $line = sprintf "%06d ", $n;
	$body{$n} = { bytes => "X-N: $n\n\n" . ("$line" . 'x' x 60 . "\n") x
	    (1 + $bytes / 68), to => \@to };
	my @r = $i->send(to => [map { "$_\@example.test" } @to],
	    message => $body{$n}{bytes});
	push @refused, "$n: @r" if $r[0] != 250;
	return $r[0];
}

# { user => { number => [files] } }
sub boxes {
	my %got;
	for my $u (qw(ann bob cec)) {
		for my $f ($i->mails($u)) {
			my $t = $i->slurp($f);
			my $k = $t =~ /^X-N: (\d+)$/m ? $1 : "bad $f";
			push @{ $got{$u}{$k} }, $f;
		}
	}
	return \%got;
}

sub whole {
	my ($f, $k) = @_;
	my $t = $i->slurp($f);
	return substr($t, -length $body{$k}{bytes}) eq $body{$k}{bytes} &&
	    $f =~ /,S=(\d+)/ && $1 == length $t;
}

# each recipient has each of these once, whole, and nothing else
sub audit {
	my ($what, @k) = @_;
	my ($got, @bad) = boxes();
	for my $k (@k) {
		for my $u (@{ $body{$k}{to} }) {
			my @f = @{ delete $got->{$u}{$k} || [] };
			push @bad, "$u: $k comes " . @f . ' times' if @f != 1;
			push @bad, "$u: $k is damaged" if @f && !whole($f[0],
			    $k);
		}
	}
	push @bad, map { my $u = $_; map { "$u: more: $_" }
	    keys %{ $got->{$u} } } keys %$got;
	splice @bad, 30, @bad - 30, '...' if @bad > 30;
	is join("\n", @bad), '', "$what: each message once, as it was sent"
	    or story();
	return;
}

# what programs said that the end of the log may not show
sub story {
	my @l = grep { /\b(?:master|qmgr)\[|level=/ } $i->log_lines($mark);
	splice @l, 100, @l - 120, '...' if @l > 120;
	diag join "\n", 'since then:', @l, 'content:', content();
	return;
}

sub content { my @f = glob $i->dir . '/spool/content/*/*'; return @f }

sub wait_delivered {
	my ($copies) = @_;
	return $i->wait_for(sub { my @l = $i->log($mark) =~
	    /\blocal\[\d+\]: delivered /g; @l >= $copies }, 60);
}

sub crash {
	Postrider::Chaos::kill_tree($i);
	return;
}

sub up {
	$i->set_conf('qmgr.conf', sync_interval => shift // '100ms');
	Postrider::Chaos::start($i);
	return;
}

sub drained {
	return $i->wait_for(sub {
		return eval { $i->queue('list') eq "no messages\n" };
	}, 60);
}

# ---- every kind of loss ----
my %loss = (
    intact => sub { },
    empty => sub { truncate $_[0], 0 },
    short => sub { truncate $_[0], int((-s $_[0]) / 2) },
    blank => sub { my $s = -s $_[0]; open my $fh, '+<', $_[0] or die;
	print {$fh} "\0" x $s; close $fh },
    'wrong in the middle' => sub { open my $fh, '+<', $_[0] or die;
	seek $fh, int((-s $_[0]) / 2), 0; print {$fh} "\0" x 16; close $fh },
    'no name in the mailbox' => sub { unlink $_[0] },
    'no name at all' => sub { unlink grep { defined } @_ },
    'empty, no name in the spool' => sub { truncate $_[0], 0;
	unlink $_[1] // () },
    'empty, no name in the mailbox' => sub { truncate $_[0], 0;
	unlink $_[0] },
    'empty, read meanwhile' => sub { truncate $_[0], 0;
	rename $_[0], $_[0] =~ s{/new/}{/cur/}r . ':2,S' or die },
);
$mark = $i->log_mark;
my @kind = sort keys %loss;
# of two recipients: the file in the spool is the one in the mailboxes; of one:
# there is none in the spool
for my $to (['ann', 'bob'], ['ann']) {
	for my $k (@kind) {
		is put(3000, @$to), 250, "a message to @$to: $k" or diag $k;
	}
}
ok wait_delivered(3 * @kind), 'delivered, but not synced';
crash();
is scalar(my @left = content()), @kind, 'those of two are in the spool';
{
	my $got = boxes();
	for my $k (1 .. 2 * @kind) {
		my ($f) = @{ $got->{ann}{$k} };
		my ($q) = $f =~ /\.Q(\w{11})R/;
		my ($c) = grep { /\Q$q\E$/ } @left;
		chmod 0640, $f;
		$loss{ $kind[($k - 1) % @kind] }->($f, $c);
	}
}
Postrider::Chaos::reboot($journal);
$mark = $i->log_mark;
up();
ok $i->wait_log(qr/qmgr\[\d+\]: replayed messages=20 contents=1[0-9] done=0/,
    undef, $mark), 'the journal is replayed';
ok drained(), 'the queue runs empty';
audit('every kind of loss', 1 .. 2 * @kind);
my $log = $i->log($mark);
cmp_ok scalar(() = $log =~ /qmgr\[\d+\]: restored level=warn/g), '>=', 6,
    'contents were written anew';
cmp_ok scalar(() = $log =~ /local\[\d+\]: repaired level=warn/g), '>=', 4,
    'messages in the mailbox were replaced';
is scalar(grep { m{/cur/.*:2,S$} } $i->mails('ann')), 2,
    'what was seen stays so';
ok $i->wait_for(sub { !content() }), 'no content is left' or
    diag join "\n", content();

# ---- many, random, to several; large ones are synced by cleanup ----
for my $round (1 .. 3) {
	my $first = $n + 1;
	$i->stop;
	up('10m');
	$mark = $i->log_mark;
	my $copies = 0;
	for (1 .. 30) {
		my @to = grep { rand() < 0.6 } qw(ann bob cec);
		@to = ('bob') if !@to;
		put(rand() < 0.1 ? 150_000 : rand 20_000, @to);
		$copies += @to;
	}
	is "@refused", '', "round $round: all are accepted";
	ok wait_delivered(int($copies * rand)), 'some are delivered' or story();
	crash();
	unlike $i->log($mark), qr/qmgr\[\d+\]: removed /,
	    'nothing was synced' or story();
	for my $f (map { $i->mails($_) } qw(ann bob cec)) {
		my $t = $i->slurp($f);
		my ($k) = $t =~ /^X-N: (\d+)$/m or next;
		next if $k < $first || rand() < 0.3;
		chmod 0640, $f;
		# what cleanup had synced can lose its name in new/ only
		truncate $f, int rand length $t
		    if length $t < 65536 && rand() < 0.7;
		unlink $f if rand() < 0.4;
	}
	for my $f (content()) {
		next if -s $f > 65536 || rand() < 0.6;
		rand() < 0.5 ? unlink $f : truncate $f, 0;
	}
	Postrider::Chaos::reboot($journal);
	up();
	ok $i->wait_log(qr/replayed messages=30 contents=\d+ done=0/, undef,
	    $mark), 'the journal had them all' or story();
	ok drained(), 'the queue runs empty' or story();
	audit("round $round", 1 .. $n);
}

# ---- killed only: what was delivered and then taken away stays away ----
$i->stop;
up('10m');
$mark = $i->log_mark;
my $first = $n + 1;
put(2000, 'cec') for 1 .. 5;
ok wait_delivered(5), 'five more';
ok $i->wait_for(sub { Postrider::Chaos::noted($journal) >= 5 }, 60),
    'qmgr has a note of it';
crash();
my $got = boxes();
unlink map { @{ $got->{cec}{$_} } } $first .. $n;
$mark = $i->log_mark;
up();
ok $i->wait_log(qr/replayed messages=5 contents=0 done=5/, undef, $mark),
    'known to be delivered';
ok drained(), 'the queue runs empty';
audit('killed after the delivery', 1 .. $first - 1);
ok $i->wait_for(sub { !content() }), 'no content is left' or
    diag join "\n", content();

# ---- an orderly stop leaves nothing to replay ----
$mark = $i->log_mark;
put(2000, 'ann');
my $last = $n;
$i->stop;
up();
unlike $i->log($mark), qr/replayed/, 'stopped: nothing to replay';
ok drained(), 'the queue is empty';
audit('stopped', 1 .. $first - 1, $last);
$i->stop;
done_testing;
