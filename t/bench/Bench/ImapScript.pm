package Bench::ImapScript;

# bench_imapload script as a child: one connection whose commands are timed
# one by one, each with the CPU time that the server's processes used for it.

use strict;
use warnings;
use Bench::Measure 'machine_cpu';
use Bench::Util qw(mono tool_path say_cmd proc_stat);
use IPC::Open2;
use JSON::PP ();
use POSIX ();

my $TICK = POSIX::sysconf(POSIX::_SC_CLK_TCK()) || 100;

sub new {
	my ($class, $server, $limit) = @_;
	my @cmd = (tool_path('bench_imapload'), 'script', '-P', $server->port,
	    '-T', $limit);
	say_cmd(@cmd);
	my $pid = open2(my $out, my $in, @cmd);
	my $self = bless { pid => $pid, out => $out, in => $in,
		server => $server, figures => {}, bad => [] }, $class;
	@$self{qw(t0 all0 cpu0)} = (mono(), machine_cpu(), $server->group->cpu);
	return $self;
}

# the answer of a line, not kept
sub quiet {
	my ($self, $line) = @_;
	print { $self->{in} } "$line\n";
	$self->{in}->flush;
	my $json = readline $self->{out} // '';
	die "bench_imapload has died\n" unless defined $json;
	my $r = JSON::PP::decode_json($json);
	push @{ $self->{bad} }, "$line: $r->{status}"
	    if !$r->{ok} && $line ne 'close';
	return $r;
}

# The same as the figure of that name (ms), NAME.cpu (ms) beside it.
sub timed {
	my ($self, $name, $line) = @_;
	my $g = $self->{server}->group;
	my $cpu = $g->cpu;
	my $r = $self->quiet($line);
	my $f = $self->{figures};
	$f->{$name} = $r->{ms};
	$f->{"$name.cpu"} = ($g->cpu - $cpu) * 1e3;
	return $r;
}

sub open {
	my ($self, $user) = @_;
	return $self->quiet("open $user\@local.test pw");
}

# Log out, and wait until the server does nothing any more: what it has put off
# until now is the figure NAME (ms) and NAME.cpu.
sub logout {
	my ($self, $name) = @_;
	my ($g, $t) = ($self->{server}->group, mono());
	my $cpu = my $last = $g->cpu;
	$self->quiet('LOGOUT');
	$self->quiet('close');
	my $busy = mono();
	while (mono() - $busy < 0.3 && mono() - $t < 120) {
		select undef, undef, undef, 0.02;
		my $now = $g->cpu;
		$busy = mono() if $now - $last > 0.001;
		$last = $now;
	}
	my $f = $self->{figures};
	$f->{$name} = ($busy - $t) * 1e3;
	$f->{"$name.cpu"} = ($last - $cpu) * 1e3;
	return;
}

# the figures; `others' is the machine's CPU time that neither the server nor
# the load generator nor this program used, by second
sub end {
	my ($self) = @_;
	my $st = proc_stat($self->{pid}) // { ticks => 0 };
	close $self->{in};
	waitpid $self->{pid}, 0;
	my $f = $self->{figures};
	$f->{'total.cpu'} = $self->{server}->group->cpu - $self->{cpu0};
	my $others = machine_cpu() - $self->{all0} - $f->{'total.cpu'} -
	    $st->{ticks} / $TICK;
	$f->{others} = $others > 0 ?
	    $others / (mono() - $self->{t0}) : 0;
	return %$f;
}

1;
