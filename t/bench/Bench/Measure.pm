package Bench::Measure;

# One timed run: load goes in, the Maildirs are watched, CPU time is read.

use strict;
use warnings;
use Bench::Util qw(mono tool_path json_tool slurp say_cmd run);
use Exporter 'import';
use JSON::PP ();
use POSIX ();

our @EXPORT_OK = qw(deliver pass_on warm_up settle load_args machine_cpu);

my $TICK = POSIX::sysconf(POSIX::_SC_CLK_TCK()) || 100;

# seconds that all cores of the machine were at work
sub machine_cpu {
	my ($line) = (slurp('/proc/stat') // '') =~ /^cpu\s+(.*)$/m;
	my @f = split ' ', $line;
	return ($f[0] + $f[1] + $f[2] + $f[5] + $f[6]) / $TICK;
}

sub _own_cpu {
	my @t = times;
	return $t[0] + $t[1] + $t[2] + $t[3];
}

sub load_args {
	my ($server, %o) = @_;
	my @a = ('-P', $server->port, '-c', $o{sessions}, '-n', $o{n}, '-l',
	    $o{size}, '-r', $o{rcpt} // $server->rcpt, '-u', $o{users}, '-b',
	    $o{per_conn} // 1, '-m', $o{rcpts} // 1, '-T', $o{limit} // 300);
	push @a, '-p' if $o{pipelining};
	return @a;
}

# let earlier deletions and write-back come to an end
sub settle {
	run('sync');
	select(undef, undef, undef, 1);
	return;
}

# one message to each mailbox, so that all Maildirs exist
sub warm_up {
	my ($server, $users) = @_;
	my $r = json_tool('bench_smtpload', load_args($server, sessions => 10,
	    n => $users, size => 500, users => $users));
	die $server->name . ": warm-up: $r->{accepted} of $users accepted: "
	    . "$r->{error}\n" if $r->{accepted} != $users;
	$server->wait_drained(60) or die $server->name . ": never done\n";
	$server->clean_mail;
	return;
}

sub _start_wait {
	my ($server, $files, $limit) = @_;
	my @cmd = (tool_path('bench_mailwait'), '-n', $files, '-t', $limit,
	    $server->mailroot);
	say_cmd(@cmd);
	open(my $p, '-|', @cmd) or die "bench_mailwait: $!\n";
	my $line = <$p> // '';
	die "bench_mailwait: not ready\n" unless $line eq "ready\n";
	return $p;
}

# Send, and wait until everything lies in the Maildirs.  The mailboxes must
# be empty.  Returns the figures.
sub deliver {
	my ($server, %o) = @_;
	my $files = $o{n} * ($o{rcpts} // 1);
	my $limit = $o{limit} // 300;
	my $wait = _start_wait($server, $files, $limit);
	my ($cpu, $all, $own, $t) = ($server->group->cpu, machine_cpu(),
	    _own_cpu(), mono());
	my $load = json_tool('bench_smtpload', load_args($server, %o));
	my $text = do { local $/; <$wait> } // '';
	close($wait);
	my $got = JSON::PP::decode_json($text =~ /(\{.*\})/ ? $1 : '{}');
	select(undef, undef, undef, 0.3);	# the last bookkeeping
	my $elapsed = mono() - $t;
	$cpu = $server->group->cpu - $cpu;
	$all = machine_cpu() - $all - (_own_cpu() - $own) - $cpu;
	my $seconds = ($got->{last} // 0) - $load->{first};
	warn $server->name . ": $load->{accepted} of $o{n} accepted, "
	    . "$got->{files} of $files delivered: $load->{error}\n"
	    if $load->{accepted} != $o{n} || $got->{files} != $files;
	return (delivered => $got->{files} / $seconds, seconds => $seconds,
		accepted => $load->{rate}, p50 => $load->{p50},
		p99 => $load->{p99}, commit_p50 => $load->{commit_p50},
		cpu => $cpu / $o{n} * 1000,
		others => $all > 0 ? $all / $elapsed : 0,
		lost => $files - $got->{files},
		refused => $o{n} - $load->{accepted},
		retried => $load->{conn_failed});
}

# Send to the foreign domain, whose next hop is a sink on the port that the
# server was told of; wait until all of it is there.  Returns the figures.
sub pass_on {
	my ($server, %o) = @_;
	my @cmd = (tool_path('bench_smtpsink'), '-n', $o{n}, '-P',
	    $server->sink_port, '-t', $o{limit} // 300);
	say_cmd(@cmd);
	open(my $p, '-|', @cmd) or die "bench_smtpsink: $!\n";
	my $line = <$p> // '';
	die "bench_smtpsink: not ready\n" unless $line =~ /^\d+$/;
	my ($cpu, $all, $own, $t) = ($server->group->cpu, machine_cpu(),
	    _own_cpu(), mono());
	my $load = json_tool('bench_smtpload', load_args($server, %o,
	    rcpt => $server->sink_rcpt));
	my $text = do { local $/; <$p> } // '';
	close($p);
	my $got = JSON::PP::decode_json($text =~ /(\{.*\})/ ? $1 : '{}');
	$server->wait_drained(30);
	my $elapsed = mono() - $t;
	$cpu = $server->group->cpu - $cpu;
	$all = machine_cpu() - $all - (_own_cpu() - $own) - $cpu;
	my $seconds = ($got->{last} // 0) - $load->{first};
	warn $server->name . ": $load->{accepted} of $o{n} accepted, "
	    . "$got->{messages} relayed: $load->{error}\n"
	    if $load->{accepted} != $o{n} || $got->{messages} != $o{n};
	return (relayed => $got->{messages} / $seconds, seconds => $seconds,
		accepted => $load->{rate}, p50 => $load->{p50},
		commit_p50 => $load->{commit_p50},
		cpu => $cpu / $o{n} * 1000, conns => $got->{connections},
		others => $all > 0 ? $all / $elapsed : 0,
		lost => $o{n} - $got->{messages}, twice => $got->{twice},
		refused => $o{n} - $load->{accepted});
}

1;
