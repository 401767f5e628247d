#!/usr/bin/perl
# One system call of one program fails (no space, no descriptor, no memory, an
# error of the disk, an interruption, another time of day), and a message, or an
# IMAP session, goes through its whole life: what was answered with 250 or OK
# is so, once; what failed is logged and answered; all goes on.
#   POSTRIDER_SOAK=1  each call of each program, for as long as that takes
#   POSTRIDER_FAULT='qmgr sync 3 40000'  this one: program class N [bytes|imap]
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);

use Postrider::Faults;

my $f = Postrider::Faults->new;
my $i = $f->instance;
my $makefile = $i->slurp(Postrider::Instance::build() . '/Makefile');
my $asan = $makefile =~ /^SAN_CFLAGS =[ \t]+-/m;	# has its own malloc

# program class N, and bytes of a message or `imap'; where a process died after
# another had believed it, the message may be there twice
my @sample = map { [split] } (
	'qmgr sync 1 300', 'qmgr sync 3 300', 'qmgr space 2 300',
	'qmgr space 43 300',
	'qmgr short 1 300', 'qmgr clock 3 300', 'qmgr eintr 9 300',
	'cleanup space 2 40000', 'cleanup files 1 40000',
	'cleanup sync 1 400000', 'local name 1 300', 'local eintr 3 300',
	'router memory 3 300', 'smtpd eintr 4 300', 'smtp files 1 300',
	'auth files 2 300', 'bounce files 1 300',
	'imapd space 10 imap', 'imapd sync 8 imap',
	'imapd sync 11 imap', 'imapd name 4 imap', 'imapd read 8 imap',
	'imapd files 30 imap', 'imapd eintr 9 imap', 'imapd memory 99 imap',
	'imapd clock 9 imap');
my %twice = (smtp => { relay => 2 }, qmgr => { relay => 2, bounce => 2 });
my %kills = map { $_ => 1 } qw(memory sync);

# 1 where it failed, 0 where there was no N-th call
sub run {
	my ($program, $class, $n, $what) = @_;
	my $imap = $what eq 'imap';
	if ($imap && !$i->wait_for(sub { $f->imap_begin }, 30)) {
		fail "$program $class $n: no session";
		return 0;
	}
	$f->arm($program, $class, $n, $n % 2 ? 3600 : -3600);
	my @wrong = $imap ? $f->imap_life :
	    $f->mail_life($what, $kills{$class} ?
	    %{ $twice{$program} || {} } : ());
	is "@wrong", '', "$program $class $n $what" or diag join "\n",
	    $i->log_lines($f->{mark});
	return $f->{fired};
}

# every call of that class, of each program, up to the 200th
sub soak {
	my ($class) = @_;
	for my $p (qw(smtpd auth limitd router cleanup qmgr local smtp bounce
	    imap-login imapd notifyd logd dnsd stsd)) {
		for my $what ($p =~ /^(?:imap|notify)/ ? 'imap' :
		    $p =~ /^(?:smtpd|cleanup|qmgr|local)$/ ?
		    (300, 40000, 400000) : 300) {
			my $n = 0;
			1 while ++$n <= 200 && run($p, $class, $n, $what);
			diag "$p $class $what: " . ($n - 1);
		}
	}
	return;
}

is join(', ', $f->mail_life(300)), '', 'a message without a fault';
ok $f->imap_begin, 'an IMAP session';
is join(', ', $f->imap_life), '', 'one without a fault';

if ($ENV{POSTRIDER_FAULT}) {
	my ($program, $class, $n, $what) = split ' ', $ENV{POSTRIDER_FAULT};
	ok run($program, $class, $n, $what // 300), 'it came to it';
} elsif ($ENV{POSTRIDER_SOAK}) {
	for my $c (qw(short space sync read name files eintr clock),
	    $asan ? () : 'memory') {
		soak($c);
	}
} else {
	for my $s (@sample) {
		next if $asan && $s->[1] eq 'memory';
		ok run(@$s), "it came to @$s";
	}
}
done_testing;
