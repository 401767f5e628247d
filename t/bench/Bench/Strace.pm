package Bench::Strace;

# strace on every process of a server (and on what they start).

use strict;
use warnings;
use Bench::Util qw(wait_until slurp say_cmd);

# Attach; the options decide what is traced and how.  Returns an object whose
# stop() gives what strace wrote.
sub attach {
	my ($class, $server, $file, @opt) = @_;
	my @pids = $server->group->pids or die "no processes to trace\n";
	my @cmd = ('strace', '-f', '-qq', '-o', $file, @opt);
	say_cmd(@cmd, '-p', 'PID...');
	my $pid = fork() // die "fork: $!\n";
	if ($pid == 0) {
		open(STDERR, '>', "$file.err");
		exec { 'strace' } @cmd, map { ('-p', $_) } @pids
		    or POSIX::_exit(127);
	}
	my $self = bless { pid => $pid, file => $file }, $class;
	wait_until(20, sub {
		my @free = grep { !_traced($_) } @pids;
		return !@free || waitpid($pid, 1) == $pid;
	});
	# a process that has ended meanwhile counts as held
	if (!kill(0, $pid) || grep { !_traced($_) } @pids) {
		kill 'INT', $pid;
		waitpid($pid, 0);
		my ($why) = (slurp("$file.err") // '') =~ /^(.*)/;
		die "strace can not hold all processes: $why\n";
	}
	return $self;
}

sub _traced {
	my ($pid) = @_;
	my ($tracer) = (slurp("/proc/$pid/status") // "TracerPid:\t1")
	    =~ /^TracerPid:\s+(\d+)/m;
	return $tracer;
}

sub stop {
	my ($self) = @_;
	kill 'INT', $self->{pid};
	waitpid($self->{pid}, 0);
	return slurp($self->{file}) // '';
}

# from the table of -c: call => number
sub counts {
	my ($text) = @_;
	my %n;
	for (split /\n/, $text) {
		my @f = split ' ';
		$n{ $f[-1] } = $f[3] if @f >= 5 && $f[0] =~ /^[\d.]+$/
		    && $f[-1] ne 'total';
	}
	return %n;
}

# One trace of -f -y: list of calls in the order of their start,
# { pid, call, args, ret, start, end }; start and end are line numbers, so
# "a ended before b began" is $a->{end} < $b->{start}.
sub calls {
	my ($text) = @_;
	my (@calls, %open);
	my $line = 0;
	for (split /\n/, $text) {
		$line++;
		my ($pid, $rest) = /^(\d+)\s+(?:[\d.]+\s+)?(.*)$/ or next;
		if ($rest =~ /^<\.\.\. (\w+) resumed>(.*)$/) {
			my $c = delete $open{$pid} or next;
			$c->{args} .= $2;
			$c->{end} = $line;
			_split_return($c);
		} elsif ($rest =~ /^(\w+)\((.*?)\s*<unfinished \.\.\.>$/) {
			my $c = { pid => $pid, call => $1, args => $2,
				start => $line, end => 1e12, ret => '?' };
			push @calls, $open{$pid} = $c;
		} elsif ($rest =~ /^(\w+)\((.*)$/) {
			my $c = { pid => $pid, call => $1, args => $2,
				start => $line, end => $line };
			_split_return($c);
			push @calls, $c;
		}
	}
	return @calls;
}

# "a, b) = 5</x> (text)": args without the parenthesis, ret
sub _split_return {
	my ($c) = @_;
	return unless $c->{args} =~ /^(.*)\)\s+= (.*)$/;
	@$c{qw(args ret)} = ($1, $2);
	return;
}

1;
