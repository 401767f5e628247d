#!/usr/bin/perl
# One system call of one program fails (no space, no descriptor, no memory, an
# error of the disk, an interruption, another time of day), or kills it, and a
# message, or an IMAP or POP3 session, goes through its whole life: what was
# answered with 250 or OK is so, once; what failed is logged and answered; all
# goes on.
#   POSTRIDER_SOAK='[class ...] [program ...]'  each call of each program, or of
#                        these, for as long as that takes (1: all)
#   POSTRIDER_FAULT='qmgr sync 3 40000'  this one: program class N [life]
# A life is a number of bytes of a message, imap, pop or ways (Faults.pm).
use strict;
use warnings;
use FindBin;
use Test::More;

use Postrider::Faults;

$SIG{PIPE} = 'IGNORE';
my $f = Postrider::Faults->new(ways => 1);
my $i = $f->instance;
my $asan = $i->sanitized;	# has its own malloc
my @class = grep { $_ ne 'none' && !($asan && $_ eq 'memory') }
    @Postrider::Faults::Page::class;

# where a process died after another had believed it, the message may be there
# twice
my @sample = map { [split] } (
	'qmgr sync 1 300', 'qmgr sync 3 300', 'qmgr space 2 300',
	'qmgr short 1 300', 'cleanup space 2 40000', 'cleanup sync 1 400000',
	'local name 1 300', 'router memory 3 300', 'smtp files 1 300',
	'bounce files 1 300', 'logd eintr 2 300',
	'imapd sync 3 imap', 'imapd sync 17 imap', 'imapd space 10 imap',
	'imapd read 8 imap', 'imapd memory 99 imap', 'imapd eintr 9 imap',
	'auth memory 3 imap', 'imap-login files 4 imap',
	'notifyd space 1 imap', 'pop3d name 1 pop', 'pop3d space 1 pop',
	'pipe read 1 ways', 'dnsd eintr 1 ways', 'tlsd files 1 ways',
	'mapd read 1 ways', 'gate files 1 ways', 'filter eintr 3 ways',
	'limitd memory 1 ways', 'local fork 1 ways', 'auth-pam fork 1 ways',
	'sts-fetch files 2 ways', 'smtpd start 9 300', 'imapd rights 5 imap',
	'local rights 20 ways', 'pipe send 5 ways', 'smtp send 4 300',
	'tlsd send 5 ways', 'imapd send 7 imap', 'imapd other 9 imap',
	'logd other 1 300', 'logd start 23 300', 'qmgr kill 9 300',
	'qmgr kill 12 400000', 'cleanup kill 3 40000', 'local kill 2 300',
	'imapd kill 60 imap', 'pop3d kill 2 pop');
my %twice = (smtp => [qw(relay far)], qmgr => [qw(relay bounce far command)],
    pipe => ['command'], local => ['command'], bounce => ['bounce']);
my $starts = qr/^(?:rights|start)$/;	# of them, too
my %kills = map { $_ => 1 } qw(memory sync kill start rights);

# what the page says: program => class => letters of lives
my %page;
{
	my @col;
	for (split /\n/, $i->slurp("$FindBin::Bin/../../doc/faults.md")) {
		my @cell = map { s/^\s+|\s+$//gr } split /\|/, $_, -1;
		if (/^\| program /) {
			@col = @cell;
		} elsif (@col && /^\| [a-z]/) {
			$page{ $cell[1] }{ $col[$_] } = $cell[$_]
			    for 2 .. $#col - 1;
		}
	}
}

sub life {
	my ($program, $what, %may) = @_;
	return $what eq 'imap' ? $f->imap_life : $what eq 'pop' ?
	    $f->pop_life : $what eq 'ways' ? $f->ways_life(%may) :
	    $f->mail_life($what, %may);
}

sub begin {
	my ($what) = @_;
	unlink $i->mails('ann'), $i->mails('bob') if $what !~ /imap|pop/;
	return $what eq 'imap' ? $f->imap_begin : $what eq 'pop' ?
	    $f->pop_begin : 1;
}

# 1 where it failed, 0 where there was no N-th call
sub run {
	my ($program, $class, $n, $what) = @_;
	# one that can not read queue.db ends, too
	my @twice = $kills{$class} || "$program $class" eq 'qmgr read' ?
	    @{ $twice{$program} || [] } : ();
	if (!$i->wait_for(sub { begin($what) }, 30)) {
		fail "$program $class $n $what: can not begin";
		return 0;
	}
	$f->arm($program, $class, $n, $n % 2 ? 3600 : -3600);
	$f->restart($program) if $class =~ $starts;
	my @wrong = life($program, $what, map { $_ => 2 } @twice);
	push @wrong, $f->mute_ends if $class =~ $starts;
	push @wrong, 'not logged' if $f->{fired} && $class eq 'sync' &&
	    !$f->told;
	if ($kills{$class} || $program eq 'logd' || $ENV{POSTRIDER_SOAK}) {
		my $mark = $i->log_mark;
		push @wrong, $f->goes_on;
		push @wrong, 'nothing is logged any more'
		    if !$i->log_lines($mark);
	}
	is "@wrong", '', "$program $class $n $what" or diag join "\n",
	    $i->log_lines($f->{mark});
	return $f->{fired};
}

# every call of that class, of each program, up to the 200th
sub soak {
	my ($class, $only, @program) = @_;
	for my $p (@program) {
		my $all = $p =~ /^(?:smtpd|cleanup|qmgr|local)$/ &&
		    $class !~ $starts;
		my %life = (m => [300, $all ? (40000, 400000) : ()],
		    i => ['imap'], p => ['pop'], w => ['ways']);
		my $lives = $page{$p}{$class} or next;
		for my $what (map { @{ $life{$_} } } $lives =~ /[mipw]/g) {
			next if %$only && !$only->{$what};
			my $n = 0;
			1 while ++$n <= 200 && run($p, $class, $n, $what);
			diag "$p $class $what: " . ($n - 1);
		}
	}
	return;
}

my %letter = (300 => 'm', 400000 => 'm', imap => 'i', pop => 'p', ways => 'w');
my %seen;
for my $what (300, 400000, qw(imap pop ways)) {
	ok begin($what), "$what begins";
	$f->count;
	$i->reload if $what ne '400000';	# starts
	is join(', ', life('', $what)), '', "$what without a fault";
	my $n = $f->counted;
	for my $p (keys %$n) {
		for my $class (grep { $n->{$p}{$_} } keys %{ $n->{$p} }) {
			$seen{$p}{$class} .= $letter{$what};
			diag "$p $class $what $n->{$p}{$class}"
			    if $ENV{POSTRIDER_SURVEY};
		}
	}
}

# where a call is at most made at a start, or by a timer, the page has no letter
is join(' ', sort keys %page), join(' ', sort keys %seen),
    'the page has each program that a life goes through';
for my $p (sort keys %page) {
	my $n = $page{$p};
	is join(' ', grep { $n->{$_} && !$seen{$p}{$_} } @class), '',
	    "$p comes to calls of all classes of its row";
}

if ($ENV{POSTRIDER_SURVEY}) {
	diag join ' | ', '', 'program', @class, '';
	for my $p (sort keys %seen) {
		diag join ' | ', '', $p, (map { $seen{$p}{$_} // '' } @class),
		    '';
	}
} elsif ($ENV{POSTRIDER_FAULT}) {
	my ($program, $class, $n, $what) = split ' ', $ENV{POSTRIDER_FAULT};
	ok run($program, $class, $n, $what // 300), 'it came to it';
} elsif ($ENV{POSTRIDER_SOAK}) {
	my %want = map { $_ => 1 } split ' ', $ENV{POSTRIDER_SOAK};
	my @c = grep { $want{$_} } @class;
	my @p = grep { $want{$_} } sort keys %page;
	my %only = map { $_ => 1 } grep { $want{$_} } 300, 40000, 400000,
	    qw(imap pop ways);
	soak($_, \%only, @p ? @p : sort keys %page) for @c ? @c : @class;
} else {
	for my $s (@sample) {
		next if $asan && $s->[1] eq 'memory';
		ok run(@$s), "it came to @$s";
	}
}
done_testing;
