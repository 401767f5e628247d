package Bench::Group;

# A set of processes whose CPU time is counted as a whole, ended ones
# included: a cpuacct group (cgroup v1), a cgroup v2 group, or, where neither
# can be made, the process tree in /proc (a parent's own counters hold the
# children that it has waited for).

use strict;
use warnings;
use Bench::Util qw(slurp proc_stat);
use POSIX ();

my $TICK = POSIX::sysconf(POSIX::_SC_CLK_TCK()) || 100;

# [kind, directory] of the first hierarchy in which we may make a group
sub _hierarchy {
	my @found;
	for (split /\n/, slurp('/proc/mounts') // '') {
		my (undef, $dir, $type, $opt) = split ' ';
		push @found, ['v1', $dir]
		    if $type eq 'cgroup' && $opt =~ /(^|,)cpuacct(,|$)/;
		push @found, ['v2', $dir] if $type eq 'cgroup2';
	}
	return sort { $a->[0] cmp $b->[0] } @found;
}

sub new {
	my ($class, $name) = @_;
	my $self = bless { kind => 'proc', roots => [] }, $class;
	for my $h (_hierarchy()) {
		my $dir = "$h->[1]/postrider-bench-$name-$$";
		mkdir $dir or next;
		@$self{qw(kind dir)} = ($h->[0], $dir);
		last if defined $self->_group_cpu;
		rmdir $dir;
		@$self{qw(kind dir)} = ('proc', undef);
	}
	return $self;
}

sub kind { return $_[0]{kind} }

# Run a command in the group and wait for it; what it leaves running in the
# background stays in the group.  Returns its exit status.
sub system {
	my ($self, @cmd) = @_;
	Bench::Util::say_cmd(@cmd);
	my $pid = fork() // die "fork: $!\n";
	if ($pid == 0) {
		Bench::Util::spew("$self->{dir}/cgroup.procs", $$)
		    if $self->{dir};
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>&', \*STDERR) unless $ENV{BENCH_VERBOSE};
		exec { $cmd[0] } @cmd or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	return $? >> 8 || $? & 127;
}

# /proc only: the processes at the top of the tree
sub set_roots {
	my ($self, @pids) = @_;
	$self->{roots} = \@pids;
	return;
}

sub pids {
	my ($self) = @_;
	return split ' ', slurp("$self->{dir}/cgroup.procs") // ''
	    if $self->{dir};
	my (%kids, @all);
	for my $pid (map { m{(\d+)$} } glob '/proc/[0-9]*') {
		my $st = proc_stat($pid) or next;
		push @{ $kids{ $st->{ppid} } }, $pid;
	}
	my @todo = grep { -d "/proc/$_" } @{ $self->{roots} };
	while (defined(my $pid = shift @todo)) {
		push @all, $pid;
		push @todo, @{ $kids{$pid} // [] };
	}
	return @all;
}

sub _group_cpu {
	my ($self) = @_;
	if ($self->{kind} eq 'v1') {
		my $ns = slurp("$self->{dir}/cpuacct.usage") // return;
		return $ns / 1e9;
	}
	my ($us) = (slurp("$self->{dir}/cpu.stat") // '')
	    =~ /^usage_usec (\d+)/m;
	return defined $us ? $us / 1e6 : undef;
}

# CPU seconds used so far
sub cpu {
	my ($self) = @_;
	return $self->_group_cpu if $self->{dir};
	my $ticks = 0;
	for my $pid ($self->pids) {
		my $st = proc_stat($pid) or next;
		$ticks += $st->{ticks} + $st->{ended};
	}
	return $ticks / $TICK;
}

# proportional set size in kB: of all, or of the processes of that name
sub pss_kb {
	my ($self, $name) = @_;
	my $sum = 0;
	for my $pid ($self->pids) {
		next if defined $name
		    && (proc_stat($pid) // { name => '' })->{name} ne $name;
		my ($kb) = (slurp("/proc/$pid/smaps_rollup") // '')
		    =~ /^Pss:\s+(\d+)/m;
		$sum += $kb // 0;
	}
	return $sum;
}

# TERM, then KILL, to what is still there; the group goes
sub destroy {
	my ($self) = @_;
	for my $sig (qw(TERM KILL KILL)) {
		my @left = $self->pids or last;
		kill $sig, @left;
		Bench::Util::wait_until(3, sub { !$self->pids });
	}
	rmdir $self->{dir} if $self->{dir};
	return;
}

1;
