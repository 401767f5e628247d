package Postrider::Chaos;

# The processes of an instance as the kernel knows them, also while master is
# dead, and ways to kill them.

use strict;
use warnings;
use Compress::Zlib ();
use Time::HiRes qw(sleep time);

# (parent, session) of a process
sub _stat {
	my ($pid) = @_;
	open my $fh, '<', "/proc/$pid/stat" or return (0, 0);
	return (split ' ', (<$fh> // '') =~ s/.*\)//sr)[1, 3];
}

# { pid => program }: all that run with the configuration of the instance.  A
# child of master that is no program yet still looks like master: "child".
sub suite {
	my ($i) = @_;
	my $conf = $i->conf_dir;
	my %found;
	opendir my $dh, '/proc' or die "/proc: $!\n";
	for my $pid (grep { /^\d+$/ } readdir $dh) {
		open my $fh, '<:raw', "/proc/$pid/cmdline" or next;
		my ($name, $c, $dir) = split /\0/, <$fh> // '';
		next unless defined $dir && $c eq '-c' && $dir eq $conf;
		$found{$pid} = $name =~ s{.*/}{}r;
	}
	for my $pid (grep { $found{$_} eq 'master' } keys %found) {
		my ($parent, $session) = _stat($pid);
		# master itself leads a session, whoever waits for its start
		$found{$pid} = 'child' if $session && $session != $pid &&
		    ($found{$parent} // '') =~ /^(?:master|child)$/;
	}
	return \%found;
}

# kill -9 one of them, but none of a name that is to be spared; its name
sub kill_one {
	my ($i, %spare) = @_;
	my $all = suite($i);
	# a program first, then one of its processes: else nothing but the
	# most numerous would be hit; those on a message's way more often
	my %by;
	push @{ $by{ $all->{$_} } }, $_
	    for grep { !$spare{ $all->{$_} } } keys %$all;
	my @names = keys %by or return;
	my @way = grep { $by{$_} } qw(smtpd cleanup qmgr local router);
	@names = @way if @way && rand() < 0.6;
	my $name = $names[rand @names];
	my @pid = @{ $by{$name} };
	return kill('KILL', $pid[rand @pid]) ? $name : undef;
}

# As a power cut: all of them at once, nobody notices the end of another.
# Stopped first; and no parent dies before its children have their SIGKILL,
# as the kernel continues stopped ones whose group its end leaves an orphan:
# they would see the hang-up of the life pipe and go in good order.
sub kill_tree {
	my ($i) = @_;
	my (%seen, $new);
	do {
		my $all = suite($i);
		$new = grep { !$seen{$_}++ } keys %$all;
		kill 'STOP', keys %$all;
	} while $new;
	kill 'KILL', $_ for _youngest_first(keys %seen);
	my $end = time + 60;
	while (my @left = values %{ suite($i) }) {
		die "killed, but still there: @left\n" if time > $end;
		sleep 0.01;
	}
	$i->{started} = 0;
	$i->{pids} = {};
	return scalar keys %seen;
}

# children before their parents
sub _youngest_first {
	my %parent = map { $_ => (_stat($_))[0] } @_;
	my %depth;
	for my $pid (keys %parent) {
		for (my $p = $pid; $p && $depth{$pid}++ < 100; ) {
			$p = $parent{$p};
		}
	}
	my @pid = sort { $depth{$b} <=> $depth{$a} } keys %parent;
	return @pid;
}

# Another boot: the header of each file of the journal in that directory says
# so.
sub reboot {
	my ($journal) = @_;
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

# ids in the notes that qmgr has written into the journal of that directory
sub noted {
	my ($journal) = @_;
	my $ids = 0;
	for my $f (glob "$journal/[0-9]*") {
		open my $fh, '<:raw', $f or die "$f: $!\n";
		my $t = do { local $/; <$fh> } // '';
		# of this use of the file only: generation and salt
		my ($use) = $t =~ /^PRJ1.{4}(.{16})/s or next;
		$ids += unpack('V', $1) / 8 while
		    $t =~ /PRJR\x02.{3}\Q$use\E.{16}(.{4})/gs;
	}
	return $ids;
}

# `postrider start`, whatever is left of the last run
sub start {
	my ($i) = @_;
	my ($st, $out, $err) = $i->ctl('start');
	$st == 0 or die "start: exit $st\n$out$err" . $i->log_tail(40);
	$i->{started} = 1;
	$i->pids;
	return;
}

sub alive {
	my ($i, $name) = @_;
	return scalar grep { $_ eq $name } values %{ suite($i) };
}

1;
