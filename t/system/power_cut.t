#!/usr/bin/perl
# The power fails before anything but the journal was synced: all programs are
# killed at once, then files that were not synced are made empty, blank or
# short, or are removed, as a disk may have them afterwards, and the machine
# has booted anew.  Every message answered 250 is in each mailbox exactly once,
# byte by byte.
use strict;
use warnings;
use Compress::Zlib ();
use Postrider::Chaos;
use Postrider::Instance;
use Test::More;
use Time::HiRes qw(sleep time);

my $i = Postrider::Instance->new(
    users => { map { $_ => 'pw' } qw(ann bob cec) },
    conf => { 'qmgr.conf' => { sync_interval => '10s' } })->start;
my $journal = $i->dir . '/spool/journal';
my %body;		# by number
my $n = 0;

sub put {
	my ($bytes, @to) = @_;
	$n++;
	my $line = sprintf "%06d ", $n;
	$body{$n} = { bytes => "X-N: $n\n\n" . ("$line" . 'x' x 60 . "\n") x
	    (1 + $bytes / 68), to => \@to };
	return scalar $i->send(to => [map { "$_\@example.test" } @to],
	    message => $body{$n}{bytes});
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
	is join("\n", @bad), '', "$what: each message once, as it was sent";
	return;
}

# another boot: the header of each file of the journal says so
sub reboot {
	for my $f (glob "$journal/[0-9]*") {
		open my $fh, '+<:raw', $f or die "$f: $!\n";
		for my $at (0, 2048) {
			seek $fh, $at, 0;
			read $fh, my $h, 44;
			next if length $h < 44 || $h !~ /^PRJ1/;
			substr $h, 24, 16, 'another boot 000';
			substr $h, 40, 4, pack 'V',
			    Compress::Zlib::crc32(substr $h, 0, 40);
			seek $fh, $at, 0;
			print {$fh} $h;
		}
		close $fh;
	}
	return;
}

sub content { my @f = glob $i->dir . '/spool/content/*/*'; return @f }

sub wait_delivered {
	my ($mark, $copies) = @_;
	return $i->wait_for(sub { my @l = substr($i->log, $mark) =~
	    /\blocal\[\d+\]: delivered /g; @l >= $copies }, 20);
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
	}, 30);
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
    'no name at all' => sub { unlink @_ },
    'empty, no name in the spool' => sub { truncate $_[0], 0;
	unlink $_[1] },
    'empty, no name in the mailbox' => sub { truncate $_[0], 0;
	unlink $_[0] },
    'empty, read meanwhile' => sub { truncate $_[0], 0;
	rename $_[0], $_[0] =~ s{/new/}{/cur/}r . ':2,S' or die },
);
my $mark = $i->log_mark;
my @kind = sort keys %loss;
for my $k (@kind) {
	is put(3000, 'ann'), 250, "a message: $k" or diag $k;
}
ok wait_delivered($mark, scalar @kind), 'delivered, but not synced';
crash();
is scalar(my @left = content()), @kind, 'all are still in the spool';
{
	my $got = boxes();
	for my $k (1 .. @kind) {
		my ($f) = @{ $got->{ann}{$k} };
		my ($q) = $f =~ /\.Q(\w{11})R/;
		my ($c) = grep { /\Q$q\E$/ } @left;
		chmod 0640, $f;
		$loss{ $kind[$k - 1] }->($f, $c);
	}
}
reboot();
$mark = $i->log_mark;
up();
ok $i->wait_log(qr/qmgr\[\d+\]: replayed messages=10 contents=[1-9] done=0/,
    10, $mark), 'the journal is replayed';
ok drained(), 'the queue runs empty';
audit('every kind of loss', 1 .. @kind);
my $log = substr $i->log, $mark;
cmp_ok scalar(() = $log =~ /qmgr\[\d+\]: restored level=warn/g), '>=', 6,
    'contents were written anew';
cmp_ok scalar(() = $log =~ /local\[\d+\]: repaired level=warn/g), '>=', 4,
    'messages in the mailbox were replaced';
is scalar(grep { m{/cur/.*:2,S$} } $i->mails('ann')), 1,
    'what was seen stays so';
is scalar(content()), 0, 'no content is left';

# ---- many, random, to several; large ones are synced by cleanup ----
for my $round (1 .. 3) {
	my $first = $n + 1;
	$i->stop;
	up('10s');
	$mark = $i->log_mark;
	my $copies = 0;
	for (1 .. 30) {
		my @to = grep { rand() < 0.6 } qw(ann bob cec);
		@to = ('bob') if !@to;
		put(rand() < 0.1 ? 150_000 : rand 20_000, @to) == 250 or next;
		$copies += @to;
	}
	wait_delivered($mark, int($copies * rand));
	crash();
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
	reboot();
	up();
	ok drained(), "round $round: the queue runs empty" or
	    diag $i->log_tail(20);
	audit("round $round", 1 .. $n);
}

# ---- killed only: what was delivered and then taken away stays away ----
$i->stop;
up('10s');
$mark = $i->log_mark;
my $first = $n + 1;
put(2000, 'cec') for 1 .. 5;
ok wait_delivered($mark, 5), 'five more';
sleep 0.3;			# and qmgr has heard of it
crash();
my $got = boxes();
unlink map { @{ $got->{cec}{$_} } } $first .. $n;
$mark = $i->log_mark;
up();
ok $i->wait_log(qr/replayed messages=5 contents=0 done=5/, 10, $mark),
    'known to be delivered';
ok drained(), 'the queue runs empty';
audit('killed after the delivery', 1 .. $first - 1);
is scalar(content()), 0, 'no content is left';

# ---- an orderly stop leaves nothing to replay ----
$mark = $i->log_mark;
put(2000, 'ann');
my $last = $n;
$i->stop;
up();
unlike substr($i->log, $mark), qr/replayed/, 'stopped: nothing to replay';
ok drained(), 'the queue is empty';
audit('stopped', 1 .. $first - 1, $last);
$i->stop;
done_testing;
