package Bench::Util;

# Small things that every part of the benchmark needs: running commands (each
# different command line is printed once), clocks, ports, medians, the facts
# of the machine.  Core Perl only.

use strict;
use warnings;
use Exporter 'import';
use Fcntl 'SEEK_SET';
use IO::Handle;
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

our @EXPORT_OK = qw(mono say_cmd run capture json_tool slurp spew median
    free_port port_base wait_until du_bytes facts is_root tool_path proc_stat);

our $BUILD;			# the build tree
my %said;

sub mono { return clock_gettime(CLOCK_MONOTONIC) }
sub is_root { return $> == 0 }

sub slurp {
	my ($path) = @_;
	open(my $f, '<', $path) or return;
	local $/;
	my $text = <$f>;
	return $text;
}

sub spew {
	my ($path, $text) = @_;
	open(my $f, '>', $path) or die "$path: $!\n";
	print {$f} $text;
	close($f) or die "$path: $!\n";
	return;
}

# print a command line, the first time that one of its shape is used
sub say_cmd {
	my @cmd = @_;
	my $line = join(' ', map { /^[\w.,:\/@%=+-]+$/ ? $_ : "'$_'" } @cmd);
	my $shape = $line =~ s/\d+/0/gr;
	print "\$ $line\n" unless $said{$shape}++;
	STDOUT->flush;
	return;
}

sub run {
	my @cmd = @_;
	say_cmd(@cmd);
	system { $cmd[0] } @cmd;
	die "$cmd[0] failed: status " . ($? >> 8) . "\n" if $?;
	return;
}

# standard output of a command; dies where it fails unless told otherwise
sub capture {
	my ($opt, @cmd) = ref $_[0] ? @_ : ({}, @_);
	say_cmd(@cmd) unless $opt->{quiet};
	open(my $p, '-|', @cmd) or die "$cmd[0]: $!\n";
	local $/;
	my $out = <$p>;
	close($p);
	die "$cmd[0] failed: status " . ($? >> 8) . "\n"
	    if $? && !$opt->{may_fail};
	return $out // '';
}

sub tool_path {
	my ($name) = @_;
	my $path = "$BUILD/t/bench/$name";
	die "$path is missing: run make first\n" unless -x $path;
	return $path;
}

# the JSON line of one of our own tools
sub json_tool {
	my ($name, @args) = @_;
	my $out = capture({ may_fail => 1 }, tool_path($name), @args);
	my ($line) = $out =~ /^(\{.*\})$/m or die "$name said nothing\n";
	return JSON::PP::decode_json($line);
}

sub median {
	my @v = sort { $a <=> $b } grep { defined } @_;
	return unless @v;
	return @v % 2 ? $v[$#v / 2] : ($v[@v / 2 - 1] + $v[@v / 2]) / 2;
}

sub port_is_free {
	my ($port) = @_;
	my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
	    LocalPort => $port, Proto => 'tcp', ReuseAddr => 1);
	return $s ? $s->sockport : undef;
}

sub free_port { return port_is_free(0) // die "no free port: $!\n" }

# N such that N + each well-known port is free
sub port_base {
	for (1 .. 200) {
		my $base = 20000 + int(rand 9000);
		my @bad = grep { !port_is_free($base + $_) }
		    25, 110, 143, 465, 587, 993, 995, 4190;
		return $base unless @bad;
	}
	die "no free range of ports\n";
}

# true as soon as the function is; false after $limit seconds
sub wait_until {
	my ($limit, $fn) = @_;
	my $end = mono() + $limit;
	until ($fn->()) {
		return 0 if mono() > $end;
		sleep 0.01;
	}
	return 1;
}

sub du_bytes {
	my @dirs = grep { -e } @_;
	my $out = capture('du', '-s', '-c', '--block-size=1', @dirs);
	my ($total) = $out =~ /^(\d+)\s+total$/m;
	return $total;
}

# utime + stime (with: of the ended children) in ticks, ppid, name of a pid
sub proc_stat {
	my ($pid) = @_;
	my $s = slurp("/proc/$pid/stat") // return;
	my ($name, $rest) = $s =~ /\((.*)\) (.*)/s or return;
	my @f = split ' ', $rest;
	return { name => $name, ppid => $f[1], ticks => $f[11] + $f[12],
		ended => $f[13] + $f[14] };
}

# how long the disk needs for a 4 KiB write with fsync: median of 100, ms
sub fsync_ms {
	my ($dir) = @_;
	my $path = "$dir/fsync-probe";
	open(my $f, '+>', $path) or die "$path: $!\n";
	my @t;
	for (1 .. 100) {
		seek($f, 0, SEEK_SET);
		print {$f} 'x' x 4096;
		$f->flush;
		my $t0 = mono();
		$f->sync;
		push @t, (mono() - $t0) * 1e3;
	}
	unlink $path;
	return median(@t);
}

sub facts {
	my ($dir) = @_;
	my $cpu = slurp('/proc/cpuinfo');
	my ($model) = $cpu =~ /^model name\s*:\s*(.*)$/m;
	my $cores = () = $cpu =~ /^processor\s*:/mg;
	my ($mem) = (slurp('/proc/meminfo') // '') =~ /^MemTotal:\s+(\d+)/m;
	my $fs = capture({ quiet => 1 }, 'findmnt', '-n', '-o',
	    'FSTYPE,SOURCE,OPTIONS', '-T', $dir);
	my $kernel = capture({ quiet => 1 }, 'uname', '-sr');
	chomp($fs, $kernel);
	my $load = (split ' ', slurp('/proc/loadavg') // '?')[0];
	return sprintf("machine: %s, %d cores, %.1f GiB, %s, load %s\n"
	    . "disk: %s: %s; 4 KiB write + fsync %.2f ms (median of 100)\n",
	    $model // '?', $cores, $mem / 1048576, $kernel, $load, $dir, $fs,
	    fsync_ms($dir));
}

1;
