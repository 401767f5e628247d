package Bench::Scenario;

# What is measured, one function a scenario: options, servers -> exit status.

use strict;
use warnings;
use Bench::Measure qw(deliver pass_on warm_up settle load_args);
use Bench::Order;
use Bench::Report;
use Bench::Strace;
use Bench::Util qw(mono median json_tool tool_path say_cmd capture du_bytes
    wait_until run);
use IO::Socket::INET;
use IPC::Open2;
use JSON::PP ();

my @LOCAL_KEYS = (['delivered', 'delivered/s'], ['accepted', 'accepted/s'],
	['p50', 'latency p50 ms'], ['p99', 'latency p99 ms'],
	['commit_p50', 'dot to 250, p50 ms'],
	['cpu', 'CPU s per 1000 messages'], ['fsync', 'fsync per message'],
	['fdatasync', 'fdatasync per message'],
	['syncfs', 'syncfs per message'], ['syncs', 'all syncs per message'],
	['lost', 'not delivered'], ['refused', 'not accepted'],
	['retried', 'connections retried'],
	['others', 'cores used by others']);

# syncs per message: a short run under strace -c, not timed
sub _syncs {
	my ($opt, $server, %o) = @_;
	$o{n} = 300 if $o{n} > 300;
	my $trace = Bench::Strace->attach($server, "$opt->{dir}/strace.count",
	    '-c', '-e', 'trace=fsync,fdatasync,syncfs,sync,sync_file_range,'
	    . 'msync');
	deliver($server, %o);
	my %n = Bench::Strace::counts($trace->stop);
	my $all = 0;
	$all += $_ for values %n;
	$server->clean_mail;
	return (syncs => $all / $o{n},
		map { $_ => ($n{$_} // 0) / $o{n} } qw(fsync fdatasync syncfs));
}

# messages to local mailboxes, A B A B
sub local {
	my ($opt, @servers) = @_;
	warm_up($_, $opt->{users}) for @servers;
	my $bad = 0;
	for my $c (split /,/, $opt->{sessions}) {
		my %o = (sessions => $c, n => $opt->{messages},
			size => $opt->{size}, users => $opt->{users},
			pipelining => $opt->{pipelining});
		my $report = Bench::Report->new(out => $opt->{out}, title =>
		    "local: $c sessions, $o{n} messages of $o{size} bytes, "
		    . "$o{users} mailboxes, $opt->{rounds} rounds");
		for (1 .. $opt->{rounds}) {
			for my $s (@servers) {
				settle();
				my %r = deliver($s, %o);
				$bad += $r{lost} + $r{refused};
				$report->add($s->name, %r);
				$s->clean_mail;
			}
		}
		for my $s (@servers) {
			my %n = eval { _syncs($opt, $s, %o) };
			warn $s->name . ": syncs not counted: $@" if $@;
			$report->add($s->name, %n) if %n;
		}
		$report->print(@LOCAL_KEYS);
	}
	return $bad ? 1 : 0;
}

# one message to many mailboxes
sub fanout {
	my ($opt, @servers) = @_;
	warm_up($_, $opt->{users}) for @servers;
	my $report = Bench::Report->new(out => $opt->{out}, title =>
	    "fanout: one message of $opt->{size} bytes to $opt->{users} "
	    . "mailboxes, $opt->{rounds} rounds");
	my $bad = 0;
	for (1 .. $opt->{rounds}) {
		for my $s (@servers) {
			settle();
			my $before = du_bytes($s->stored_in);
			my %r = deliver($s, sessions => 1, n => 1,
			    rcpts => $opt->{users}, users => $opt->{users},
			    size => $opt->{size}, pipelining => 1);
			$r{disk} = (du_bytes($s->stored_in) - $before) / 1e6;
			$r{cpu} /= 1000;
			$bad += $r{lost} + $r{refused};
			$report->add($s->name, %r);
			$s->clean_mail;
		}
	}
	$report->print(['seconds', 'seconds to the last'],
	    ['commit_p50', 'dot to 250, ms'], ['disk', 'disk MB'],
	    ['cpu', 'CPU seconds'], ['lost', 'not delivered'],
	    ['others', 'cores used by others']);
	return $bad ? 1 : 0;
}

# messages for a domain whose next hop is a sink, A B A B
sub relay {
	my ($opt, @servers) = @_;
	my $bad = 0;
	for my $c (split /,/, $opt->{sessions}) {
		my %o = (sessions => $c, n => $opt->{messages},
			size => $opt->{size}, users => $opt->{users},
			pipelining => $opt->{pipelining});
		my $report = Bench::Report->new(out => $opt->{out}, title =>
		    "relay: $c sessions, $o{n} messages of $o{size} bytes to "
		    . "one next hop, $opt->{rounds} rounds");
		pass_on($_, %o, n => 200) for @servers;
		for (1 .. $opt->{rounds}) {
			for my $s (@servers) {
				settle();
				my %r = pass_on($s, %o);
				$bad += $r{lost} + $r{refused} + $r{twice};
				$report->add($s->name, %r);
			}
		}
		$report->print(['relayed', 'relayed/s'],
		    ['accepted', 'accepted/s'], ['p50', 'latency p50 ms'],
		    ['commit_p50', 'dot to 250, p50 ms'],
		    ['cpu', 'CPU s per 1000 messages'],
		    ['conns', 'connections to the sink'],
		    ['lost', 'not relayed'], ['twice', 'relayed twice'],
		    ['refused', 'not accepted'],
		    ['others', 'cores used by others']);
	}
	return $bad ? 1 : 0;
}

# Open idle sessions; what they cost in memory.
sub idle {
	my ($opt, @servers) = @_;
	my $n = $opt->{sessions};
	my $report = Bench::Report->new(out => $opt->{out}, title =>
	    "idle: $n SMTP sessions after EHLO, $opt->{rounds} rounds");
	my $bad = 0;
	for (1 .. $opt->{rounds}) {
		for my $s (@servers) {
			my %r = _idle_once($s, $n);
			$bad++ if $r{held} != $n;
			$report->add($s->name, %r);
		}
	}
	$report->print(['held', 'sessions held'],
	    ['open', 'seconds to open all'], ['per', 'PSS kB per session'],
	    ['pss', 'PSS MB, all processes'], ['base', 'PSS MB before'],
	    ['procs', 'processes']);
	return $bad ? 1 : 0;
}

sub _idle_once {
	my ($s, $n) = @_;
	my $base = $s->group->pss_kb;
	my @cmd = (tool_path('bench_smtpload'), '-P', $s->port, '-c', $n,
	    '-I', 120);
	say_cmd(@cmd);
	my $t = mono();
	my $pid = open2(my $out, my $in, @cmd);
	my $line = <$out> // '{}';
	my $open = mono() - $t;
	my $r = JSON::PP::decode_json($line);
	select(undef, undef, undef, 1);
	my $pss = $s->group->pss_kb;
	my $procs = () = $s->group->pids;
	close($in);
	waitpid($pid, 0);
	warn $s->name . ": $r->{held} of $n held: $r->{error}\n"
	    if $r->{held} != $n;
	select(undef, undef, undef, 2);
	return (held => $r->{held}, open => $open, base => $base / 1024,
		pss => $pss / 1024, procs => $procs,
		per => $r->{held} ? ($pss - $base) / $r->{held} : undef);
}

# a large queue of deferred mail: what it costs, and what it does to the rest
sub queue {
	my ($opt, @servers) = @_;
	my $n = $opt->{messages};
	my $report = Bench::Report->new(out => $opt->{out}, title =>
	    "queue: $n deferred messages of $opt->{size} bytes");
	warm_up($_, $opt->{users}) for @servers;
	for my $s (@servers) {
		_queue_once($opt, $s, $report);
		$s->stop;	# its retries must not disturb the next one
	}
	$report->print(['empty', 'empty queue: delivered/s'],
	    ['inject', 'injected/s'], ['drain', 'then seconds to defer all'],
	    ['deferred', 'deferred'], ['disk', 'spool MB on disk'],
	    ['qmgr', 'qmgr PSS MB'], ['pss', 'all processes PSS MB'],
	    ['list_rare', 'list 1 in 1000, s'], ['list_all', 'list all, s'],
	    ['fresh', 'full queue: delivered/s'],
	    ['share', 'of the empty rate, %'],
	    ['ready', 'restart: s to the greeting'],
	    ['accept', 'restart: s to the first 250'],
	    ['first', 'restart: s to a delivery'],
	    ['qmgr_after', 'qmgr PSS MB after it'],
	    ['lost', 'fresh mail lost']);
	return 0;
}

sub _fresh {
	my ($opt, $s) = @_;
	my (@rate, $lost);
	for (1 .. $opt->{fresh}) {
		settle();
		my %r = deliver($s, sessions => 20, n => 2000, size => 4096,
		    users => $opt->{users});
		push @rate, $r{delivered};
		$lost += $r{lost} + $r{refused};
		$s->clean_mail;
	}
	return (scalar median(@rate), $lost);
}

sub _inject {
	my ($opt, $s) = @_;
	my $rare = int($opt->{messages} / 1000) || 1;
	my %o = (sessions => 20, size => $opt->{size}, users => 100,
		per_conn => 500, limit => 3600, pipelining => 1);
	my $r = json_tool('bench_smtpload', load_args($s, %o, n => $rare,
	    rcpt => $s->rare_rcpt));
	my $q = json_tool('bench_smtpload', load_args($s, %o,
	    n => $opt->{messages} - $rare, rcpt => $s->queue_rcpt));
	warn $s->name . ": $q->{accepted} accepted: $q->{error}\n"
	    if $q->{accepted} + $r->{accepted} != $opt->{messages};
	return $q->{rate};
}

sub _list {
	my ($s, $domain) = @_;
	my @t;
	my $out;
	for (1 .. 3) {
		my $t = mono();
		$out = capture({ may_fail => 1 }, $s->list_cmd($domain));
		push @t, mono() - $t;
	}
	my $lines = () = $out =~ /\@\Q$domain\E/g;
	print '  ', $s->name, ": $domain in the list: $lines times\n";
	return median(@t);
}

sub _queue_once {
	my ($opt, $s, $report) = @_;
	my %r;
	($r{empty}) = _fresh($opt, $s);
	$s->break_queue;
	$r{inject} = _inject($opt, $s);
	my $t = mono();
	$s->wait_drained(900) or warn $s->name . ": still active mail\n";
	$r{drain} = mono() - $t;
	$r{deferred} = $s->deferred_count;
	$r{qmgr} = $s->group->pss_kb('qmgr') / 1024;
	$r{pss} = $s->group->pss_kb / 1024;
	$r{disk} = du_bytes($s->spool) / 1e6;
	$r{list_rare} = _list($s, 'rare.test');
	$r{list_all} = _list($s, 'queue.test');
	@r{qw(fresh lost)} = _fresh($opt, $s);
	$r{share} = $r{fresh} / $r{empty} * 100 if $r{empty};
	_restart($s, \%r);
	$r{qmgr_after} = $s->group->pss_kb('qmgr') / 1024;
	$report->add($s->name, %r);
	return;
}

# from the start command to the greeting, the first 250, the first delivery
sub _restart {
	my ($s, $r) = @_;
	$s->stop;
	$s->clean_mail;
	settle();
	my $t = mono();
	$s->start;
	$r->{ready} = mono() - $t;
	my %d = deliver($s, sessions => 1, n => 1, size => 4096, users => 1);
	# deliver's own clock starts with the connection; add what passed
	$r->{accept} = $r->{ready} + $d{p50} / 1e3;
	$r->{first} = $r->{ready} + $d{seconds};
	return;
}

# One message under strace: is all of it on disk before the 250?
sub durable {
	my ($opt, @servers) = @_;
	my $status = 0;
	for my $s (@servers) {
		warm_up($s, 1);
		my $token = 'tk' . $$ . 'x' . int(rand 1e9);
		my $trace = Bench::Strace->attach($s,
		    "$opt->{dir}/strace.order", '-ttt', '-y', '-s', 16384,
		    '-e', 'signal=none', '-e', 'trace=openat,write,writev,'
		    . 'pwrite64,pwritev,pwritev2,sendfile,splice,'
		    . 'copy_file_range,fsync,fdatasync,syncfs,rename,renameat,'
		    . 'renameat2,link,linkat,unlink,unlinkat,sendto,sendmsg');
		_one_message($s, $token);
		$s->wait_drained(20);
		my $text = $trace->stop;
		my $order = Bench::Order->new(text => $text, token => $token,
		    root => $s->{dir}, mail => $s->mailroot);
		my ($bad, $weak) = $order->check;
		print "\n", $s->name, ": ROOT is $s->{dir}; >> is the 250\n";
		$order->print;
		print $s->name, ": $_\n" for @$bad, @$weak;
		my $ours = $s->isa('Bench::Postrider');
		print $s->name, ': ', @$bad ? 'VIOLATED' : @$weak ?
		    'files are synced before the 250, not their names' :
		    'everything is synced before the 250', "\n";
		$status = 1 if @$bad || ($ours && @$weak);
	}
	return $status;
}

# a message with the token in sender and body, sent line by line
sub _one_message {
	my ($s, $token) = @_;
	my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $s->port, Timeout => 10) or die "connect: $!\n";
	my $reply = sub {
		my $want = shift;
		my $line;
		do { $line = <$c> // die "connection lost\n" }
		    while $line =~ /^\d{3}-/;
		die $s->name . ": $line" unless $line =~ /^$want/;
	};
	my $rcpt = sprintf $s->rcpt, 0;
	$reply->(220);
	for (['EHLO bench.test', 250],
	    ["MAIL FROM:<$token-from\@sender.test>", 250],
	    ["RCPT TO:<$rcpt>", 250], ['DATA', 354],
	    ["Subject: order\r\n\r\nfirst line\r\n$token-body\r\n.", 250],
	    ['QUIT', 221]) {
		print {$c} "$_->[0]\r\n";
		$reply->($_->[1]);
	}
	return;
}

1;
