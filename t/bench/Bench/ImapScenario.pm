package Bench::ImapScenario;

# What t/bench/imap measures, one function a scenario: options, servers -> exit
# status.

use strict;
use warnings;
use Bench::ImapScript;
use Bench::Mailbox;
use Bench::Measure 'settle';
use Bench::Report;
use Bench::Util qw(mono median json_tool tool_path say_cmd slurp spew run);
use File::Path 'make_path';
use IO::Select;
use IPC::Open2;
use JSON::PP ();
use Postrider::Smtp;
use Time::HiRes 'sleep';

my $META = '(UID RFC822.SIZE ENVELOPE BODYSTRUCTURE)';

our $INOTIFY = '/proc/sys/fs/inotify/max_user_instances';

# the rows of `mailbox': [key, label]; all but MB/s are milliseconds
my @ROWS = (['select_new', 'SELECT, never seen'],
	['flags', 'FETCH 1:* FLAGS'], ['meta_cold', 'FETCH meta, cold'],
	['meta_again', 'FETCH meta, again'],
	['bodies_mb', 'FETCH BODY.PEEK[], MB/s'],
	['bodies', 'FETCH BODY.PEEK[]'],
	['from_first', 'SEARCH FROM, first'], ['from_again', ' again'],
	['from_other', ' another name'],
	['text_first', 'SEARCH TEXT, first'], ['text_again', ' again'],
	['text_other', ' another word'], ['text_none', ' a word nowhere'],
	['subject', 'SEARCH SUBJECT'], ['unseen', 'SEARCH UNSEEN'],
	['sort_date', 'SORT (DATE), first'], ['sort_again', ' again'],
	['sort_subject', 'SORT (SUBJECT)'],
	['thread', 'THREAD REFERENCES, first'], ['thread_again', ' again'],
	['end_read', 'LOGOUT until all is quiet'],
	['login', 'new session: LOGIN'], ['select_warm', 'SELECT, warm'],
	['flags_warm', ' then FETCH FLAGS'], ['meta_warm', ' then FETCH meta'],
	['end_warm', 'LOGOUT until all is quiet'],
	['select_cold', 'SELECT, index gone'],
	['flags_cold', ' then FETCH FLAGS'],
	['store', 'STORE 1:* +FLAGS.SILENT'],
	['store_loud', 'STORE 1:* -FLAGS'],
	['keyword', 'STORE 1:* +keyword'], ['copy', 'COPY 1:*'],
	['move', 'MOVE of a half'], ['delete', 'STORE \\Deleted, a quarter'],
	['expunge', 'EXPUNGE of it'], ['append', 'APPEND 100, 4 kB'],
	['end_write', 'LOGOUT until all is quiet']);

# generated mail of that size: (directory, octets as the wire counts)
sub _generate {
	my ($opt, $n, $seed) = @_;
	my $dir = "$opt->{dir}/mail-$n-$seed";
	if (!-d $dir) {
		my ($raw, $wire) = Bench::Mailbox::make($dir, $n, $seed);
		printf "%s: %d messages, seed %d, %.1f MB (%.1f as IMAP " .
		    "counts)\n", $dir, $n, $seed, $raw / 1e6, $wire / 1e6;
		$opt->{wire}{$dir} = $wire;
	}
	return ($dir, $opt->{wire}{$dir});
}

sub _drop_pages {
	my ($opt) = @_;
	return unless $opt->{drop};
	run('sync');
	spew('/proc/sys/vm/drop_caches', "1\n");
	return;
}

sub _read_rows {
	my ($c, $n, $wire) = @_;
	$c->timed(flags => 'FETCH 1:* FLAGS');
	my $meta = $c->timed(meta_cold => "FETCH 1:* $META");
	$c->timed(meta_again => "FETCH 1:* $META");
	my $r = $c->timed(bodies => 'UID FETCH 1:* BODY.PEEK[]');
	push @{ $c->{bad} }, "bodies: $r->{literal} octets, not $wire"
	    if $r->{literal} != $wire;
	push @{ $c->{bad} }, "FETCH: $meta->{fetches} messages, not $n"
	    if $meta->{fetches} != $n;
	$c->{figures}{bodies_mb} = $wire / 1e3 / ($r->{ms} || 1);
	return;
}

sub _search_rows {
	my ($c) = @_;
	my @q = (['from_first', 'FROM "kowalski"'],
		['from_again', 'FROM "kowalski"'], ['from_other', 'FROM "fox"'],
		['text_first', "TEXT \"$Bench::Mailbox::RARE\""],
		['text_again', "TEXT \"$Bench::Mailbox::RARE\""],
		['text_other', 'TEXT "pebble orchard"'],
		['text_none', 'TEXT "xylophonist"'],
		['subject', 'SUBJECT "invoice"'], ['unseen', 'UNSEEN']);
	$c->{found}{ $_->[0] } = $c->timed($_->[0], "SEARCH $_->[1]")->{numbers}
	    for @q;
	$c->timed(sort_date => 'SORT (DATE) UTF-8 ALL');
	$c->timed(sort_again => 'SORT (DATE) UTF-8 ALL');
	$c->timed(sort_subject => 'SORT (SUBJECT) UTF-8 ALL');
	for my $k (qw(thread thread_again)) {
		$c->{found}{$k} = $c->timed($k,
		    'THREAD REFERENCES UTF-8 ALL')->{numbers};
	}
	return;
}

sub _open_rows {
	my ($c, $user, $s) = @_;
	my $cpu = $s->group->cpu;
	$c->{figures}{login} = $c->open($user)->{ms};
	$c->{figures}{'login.cpu'} = ($s->group->cpu - $cpu) * 1e3;
	$c->timed(select_warm => 'SELECT INBOX');
	$c->timed(flags_warm => 'FETCH 1:* FLAGS');
	$c->timed(meta_warm => "FETCH 1:* $META");
	$c->logout('end_warm');
	$s->drop_derived($user);
	$c->open($user);
	$c->timed(select_cold => 'SELECT INBOX');
	$c->timed(flags_cold => 'FETCH 1:* FLAGS');
	return;
}

sub _write_rows {
	my ($c, $n) = @_;
	my ($half, $quarter) = (int($n / 2) || 1, int($n / 4) || 1);
	$c->timed(store => 'STORE 1:* +FLAGS.SILENT (\Flagged)');
	$c->timed(store_loud => 'STORE 1:* -FLAGS (\Flagged)');
	$c->timed(keyword => 'STORE 1:* +FLAGS.SILENT ($Work)');
	$c->quiet('CREATE Copies');
	$c->quiet('CREATE Moved');
	$c->timed(copy => 'COPY 1:* Copies');
	$c->timed(move => "MOVE 1:$half Moved");
	$c->timed(delete => "STORE 1:$quarter +FLAGS.SILENT (\\Deleted)");
	$c->timed(expunge => 'EXPUNGE');
	my $r = $c->timed(append => 'append 100 INBOX');
	push @{ $c->{bad} }, "$r->{exists} messages at the end"
	    if $r->{exists} != $n - $half - $quarter + 100;
	return;
}

sub _mailbox_once {
	my ($opt, $s, $n, $round) = @_;
	my $user = sprintf 'u%03d', $round;
	my ($dir, $wire) = _generate($opt, $n, $opt->{seed});
	$s->install($user, $dir);
	settle();
	_drop_pages($opt);
	my $c = Bench::ImapScript->new($s, $opt->{limit});
	$c->open($user);
	my $r = $c->timed(select_new => 'SELECT INBOX');
	push @{ $c->{bad} }, "SELECT: $r->{exists} messages, not $n"
	    if $r->{exists} != $n;
	_read_rows($c, $n, $wire);
	_search_rows($c);
	$c->logout('end_read');
	_open_rows($c, $user, $s);
	_write_rows($c, $n);
	$c->logout('end_write');
	my %f = $c->end;
	run('rm', '-rf', $s->maildir($user)) if $n >= 50_000;
	return ($c, %f);
}

# the two servers must have found the same
sub _compare {
	my ($found, $who, $now) = @_;
	for my $k (sort keys %$now) {
		my ($first, $n) = @{ $found->{$k} //= [$who, $now->{$k}] };
		print "differs: $k: $first found $n, $who $now->{$k}\n"
		    if $n != $now->{$k};
	}
	return;
}

# one mailbox, one connection, command by command
sub mailbox {
	my ($opt, @servers) = @_;
	my $bad = 0;
	my $user = 0;
	for my $n (split /,/, $opt->{messages}) {
		my $rounds = $n >= 50_000 ? $opt->{large_rounds} :
		    $opt->{rounds};
		my $report = Bench::Report->new(out => $opt->{out}, title =>
		    "mailbox: $n messages, $rounds rounds, ms");
		my %found;
		for (1 .. $rounds) {
			for my $s (@servers) {
				my ($c, %f) = _mailbox_once($opt, $s, $n,
				    $user);
				$report->add($s->name, %f, messages => $n);
				_compare(\%found, $s->name, $c->{found});
				print $s->name, ": $_\n" for @{ $c->{bad} };
				$bad += @{ $c->{bad} };
			}
			$user++;
		}
		$report->print(@ROWS, ['others', 'cores used by others']);
		$report->{title} = "mailbox: $n messages, CPU ms";
		$report->print((map { ["$_->[0].cpu", $_->[1]] } @ROWS),
		    ['total.cpu', 'all, CPU s']);
	}
	return $bad ? 1 : 0;
}

# ---- many sessions ----------------------------------------------------------

# a small mailbox for each user of the pool
sub _fill {
	my ($opt, @servers) = @_;
	return if $opt->{filled}++;
	for my $s (@servers) {
		for my $u (0 .. $opt->{pool} - 1) {
			my ($dir) = _generate($opt, $opt->{small},
			    $opt->{seed} + 1);
			$s->install(sprintf('u%03d', $u), $dir);
		}
	}
	settle();
	# indexes are made, so that the first round does not pay for them
	json_tool('bench_imapload', 'sessions', '-P', $_->port, '-c', 10,
	    '-n', $opt->{pool} * 2, '-u', $opt->{pool}) for @servers;
	return;
}

# rounds of one mode of bench_imapload
sub _load_rounds {
	my ($opt, $title, $keys, $servers, @args) = @_;
	my $report = Bench::Report->new(out => $opt->{out}, title => $title);
	my $bad = 0;
	for (1 .. $opt->{rounds}) {
		for my $s (@$servers) {
			settle();
			my $cpu = $s->group->cpu;
			my $r = json_tool('bench_imapload', $args[0], '-P',
			    $s->port, '-u', $opt->{pool}, @args[1 .. $#args]);
			select undef, undef, undef, 0.2;
			$cpu = $s->group->cpu - $cpu;
			my $lost = $r->{failed} + $r->{dropped};
			print $s->name, ": $lost failed: $r->{error}\n"
			    if $lost;
			$bad += $lost;
			$report->add($s->name, cpu => $r->{done} ?
			    $cpu / $r->{done} * 1e6 : undef, lost => $lost,
			    map { $_ => $r->{$_} } qw(rate p50 p99 max));
		}
	}
	$report->print(['rate', $keys], ['p50', 'p50 ms'], ['p99', 'p99 ms'],
	    ['cpu', 'CPU us each'], ['lost', 'failed']);
	return $bad ? 1 : 0;
}

sub sessions {
	my ($opt, @servers) = @_;
	_fill($opt, @servers);
	my $n = $opt->{logins};
	return _load_rounds($opt, "sessions: $n times LOGIN, SELECT, LOGOUT, " .
	    "20 at a time, mailboxes of $opt->{small}", 'sessions/s', \@servers,
	    'sessions', '-c', 20, '-n', $n);
}

# POP3: whole mailboxes, message by message
sub pop3 {
	my ($opt, @servers) = @_;
	_fill($opt, @servers);
	my $n = $opt->{pop3};
	my @cmd = ('bench_popload', '-c', 10, '-u', $opt->{pool});
	json_tool(@cmd, '-n', $opt->{pool}, '-P', $_->pop3_port) for @servers;
	my $report = Bench::Report->new(out => $opt->{out}, title =>
	    "pop3: $n times each of $opt->{small} messages by RETR, 10 at a " .
	    'time');
	my $bad = 0;
	for (1 .. $opt->{rounds}) {
		for my $s (@servers) {
			settle();
			my $cpu = $s->group->cpu;
			my $r = json_tool(@cmd, '-n', $n, '-P', $s->pop3_port);
			$cpu = $s->group->cpu - $cpu;
			my $lost = $n * $opt->{small} - $r->{done};
			print $s->name, ": $lost not read\n" if $lost;
			$bad += $lost;
			$report->add($s->name, rate => $r->{rate},
			    mb => $r->{octets} / $r->{seconds} / 1e6,
			    cpu => $cpu / ($r->{done} || 1) * 1e6,
			    lost => $lost);
		}
	}
	$report->print(['rate', 'RETR/s'], ['mb', 'MB/s'],
	    ['cpu', 'CPU us each'], ['lost', 'not read']);
	return $bad ? 1 : 0;
}

sub mixed {
	my ($opt, @servers) = @_;
	_fill($opt, @servers);
	my $n = $opt->{commands};
	return _load_rounds($opt, "mixed: 50 connections, $n commands, " .
	    "mailboxes of $opt->{small}", 'commands/s', \@servers, 'mixed',
	    '-c', 50, '-n', $n, '-s', $opt->{seed});
}

sub append {
	my ($opt, @servers) = @_;
	_fill($opt, @servers);
	my $bad = 0;
	for my $c (1, 20) {
		my $n = $opt->{appends};
		$bad |= _load_rounds($opt, "append: $n messages of 4 kB, " .
		    "$c connections", 'messages/s', \@servers, 'append', '-c',
		    $c, '-n', $n);
	}
	return $bad;
}

# ---- idle sessions ----------------------------------------------------------

# the next notices of the child within two seconds: the time of the last
sub _notice {
	my ($out, $buf, $count) = @_;
	my $end = mono() + 2;
	my $last;
	while ($count > 0) {
		if ($$buf =~ s/^(\{.*\})\n//) {
			my $r = JSON::PP::decode_json($1);
			$last = $r->{time};
			$count--;
			next;
		}
		my $left = $end - mono();
		return undef		## no critic
		    if $left <= 0 || !IO::Select->new($out)->can_read($left);
		sysread $out, $$buf, 65536, length $$buf or return undef;
	}
	return $last;
}

# a message by SMTP or LMTP: when its last dot was written
sub _deliver_one {
	my ($s, $c, $n) = @_;
	my $code = $c->cmd('MAIL FROM:<bench@sender.test>');
	$code = $c->cmd('RCPT TO:<u000@local.test>') if $code == 250;
	$code = $c->cmd('DATA') if $code == 250;
	die $s->name . ": no delivery: $code\n" if $code != 354;
	my $t = mono();
	$c->put("From: bench\@sender.test\r\nSubject: notice $n\r\n\r\n" .
	    "notice $n\r\n.\r\n");
	$c->reply == 250 or die $s->name . ': not taken: ' . $c->last;
	return $t;
}

# a file moved into new/, as any agent would do it
sub _drop_one {
	my ($s, $c, $n) = @_;
	my ($uid, $gid) = $s->owner;
	my $dir = $s->maildir('u000');
	my $name = sprintf '%d.D%dN%d.drop.bench.test', time, $$,
	    $s->{drops}++;
	spew("$dir/tmp/$name", "From: x\@sender.test\nSubject: drop $n\n\nx\n");
	chown $uid, $gid, "$dir/tmp/$name" if $> == 0;
	my $t = mono();
	rename "$dir/tmp/$name", "$dir/new/$name" or die "rename: $!\n";
	return $t;
}

# Latencies of so many notices, until the last watcher has it, ascending; one
# that did not come within two seconds counts as these, and is told.
sub _notices {
	my ($s, $child, $count, $watchers, $how, $c) = @_;
	my (@ms, $lost, $buf);
	$lost = 0;
	$buf = '';
	for my $n (1 .. $count) {
		my $t = $how->($s, $c, $n);
		my $seen = _notice($child->{out}, \$buf, $watchers);
		push @ms, defined $seen ? ($seen - $t) * 1e3 : 2000;
		if (!defined $seen) {
			$lost++;
			$buf = '';
			sysread $child->{out}, my $rest, 65536
			    while IO::Select->new($child->{out})->can_read(0.5);
		}
		sleep 0.05 + rand 0.02;
	}
	@ms = sort { $a <=> $b } @ms;
	return ($lost, @ms);
}

sub _notice_rows {
	my ($s, $child, $count, $watchers, $f) = @_;
	my $c = Postrider::Smtp->new(port => $s->smtp_port);
	$c->cmd($s->smtp_hello . ' bench.test');
	my ($lost, @ms) = _notices($s, $child, $count, $watchers,
	    \&_deliver_one, $c);
	$c->quit;
	@$f{qw(mail mail_max mail_lost)} = (median(@ms), $ms[-1], $lost);
	($lost, @ms) = _notices($s, $child, $count, $watchers, \&_drop_one);
	@$f{qw(drop drop_max drop_lost)} = (median(@ms), $ms[-1], $lost);
	return;
}

my @NOTICE = (['mail', 'notice of mail, ms'], ['mail_max', ' the slowest'],
	['mail_lost', ' not within 2 s'], ['drop', 'notice of a drop, ms'],
	['drop_max', ' the slowest'], ['drop_lost', ' not within 2 s']);

# n sessions in IDLE
sub _idle_child {
	my ($opt, $s, $n) = @_;
	my @cmd = (tool_path('bench_imapload'), 'idle', '-P', $s->port, '-c',
	    $n, '-u', $opt->{pool}, '-T', 600);
	say_cmd(@cmd);
	my $pid = open2(my $out, my $in, @cmd);
	my $line = '';
	until ($line =~ s/\n//) {
		sysread $out, $line, 1, length $line or last;
	}
	my $r = JSON::PP::decode_json($line || '{"held":0}');
	print $s->name, ": $r->{held} of $n held: $r->{error}\n"
	    if $r->{held} != $n;
	return { pid => $pid, in => $in, out => $out, held => $r->{held} };
}

sub _end_child {
	my ($child) = @_;
	close $child->{in};
	waitpid $child->{pid}, 0;
	sleep 2;
	return;
}

# a few sessions in IDLE: how soon one hears of new mail
sub notice {
	my ($opt, @servers) = @_;
	_fill($opt, @servers);
	my $report = Bench::Report->new(out => $opt->{out}, title =>
	    "notice: 10 sessions in IDLE, one in the mailbox, " .
	    "$opt->{rounds} rounds of $opt->{notices}");
	my $lost = 0;
	for (1 .. $opt->{rounds}) {
		for my $s (@servers) {
			my $child = _idle_child($opt, $s, 10);
			my %f;
			sleep 1;
			_notice_rows($s, $child, $opt->{notices}, 1, \%f);
			_end_child($child);
			$lost += $f{mail_lost} + $f{drop_lost};
			$report->add($s->name, %f);
		}
	}
	$report->print(@NOTICE);
	return $lost ? 1 : 0;
}

sub _idle_once {
	my ($opt, $s) = @_;
	my $n = $opt->{sessions};
	my $base = $s->group->pss_kb;
	my $t = mono();
	my $child = _idle_child($opt, $s, $n);
	my %f = (held => $child->{held}, open => mono() - $t,
		base => $base / 1024);
	sleep $opt->{wait};
	$f{pss} = $s->group->pss_kb / 1024;
	$f{per} = ($f{pss} - $f{base}) * 1024 / ($f{held} || 1);
	$f{procs} = () = $s->group->pids;
	my $cpu = $s->group->cpu;
	sleep 5;
	$f{cpu} = ($s->group->cpu - $cpu) / 5 * 1e3;
	_notice_rows($s, $child, 10, int(($n - 1) / $opt->{pool}) + 1, \%f);
	_end_child($child);
	return %f;
}

# Dovecot has one inotify instance a session, of which Linux grants a user 128:
# an administrator with so many sessions raises that.  Gives what it was.
sub _raise_inotify {
	my ($n) = @_;
	my $old = slurp($INOTIFY) // return;
	return if $old >= $n || !-w $INOTIFY;
	spew($INOTIFY, "$n\n");
	print "$INOTIFY: ", $old + 0, " -> $n, until the end\n";
	return $old;
}

# sessions in IDLE: memory, and how soon they hear of new mail
sub idle {
	my ($opt, @servers) = @_;
	my $dovecots = grep { $_->isa('Bench::Dovecot') } @servers;
	$opt->{inotify} //= _raise_inotify($opt->{sessions} * $dovecots + 500)
	    if $dovecots;
	_fill($opt, @servers);
	my $n = $opt->{sessions};
	my $report = Bench::Report->new(out => $opt->{out}, title =>
	    "idle: $n sessions in IDLE, $opt->{pool} users, mailboxes of " .
	    "$opt->{small}, $opt->{idle_rounds} rounds");
	my $bad = 0;
	for (1 .. $opt->{idle_rounds}) {
		for my $s (@servers) {
			my %f = _idle_once($opt, $s);
			$bad++ if $f{held} != $n;
			$report->add($s->name, %f);
		}
	}
	$report->print(['held', 'sessions held'],
	    ['open', 'seconds to open all'], ['per', 'PSS kB per session'],
	    ['pss', 'PSS MB, all processes'], ['base', 'PSS MB before'],
	    ['procs', 'processes'], ['cpu', 'CPU ms per second'], @NOTICE);
	return $bad ? 1 : 0;
}

sub all {
	my ($opt, @servers) = @_;
	my $bad = 0;
	$bad |= $_->($opt, @servers)
	    for \&sessions, \&pop3, \&mixed, \&append, \&notice, \&idle,
	    \&mailbox;
	return $bad;
}

1;
