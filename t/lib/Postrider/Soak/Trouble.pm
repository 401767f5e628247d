package Postrider::Soak::Trouble;

# What happens to a suite that is soaked, and its measures.  A long soak has
# rough and calm stretches by turns: what leaks is seen in those that live
# long, and what happens in a calm one has no excuse.

use strict;
use warnings;
use IO::Socket::SSL;
use POSIX ();
use Time::HiRes qw(sleep time);

use Postrider::Chaos;
use Postrider::Soak;

# soak; seconds; stretch: of a rough and of a calm one; gap: mean time between
# troubles; out: the file for progress
sub new {
	my ($class, %arg) = @_;
	my $s = $arg{soak};
	my $self = bless { %arg, s => $s, i => $s->{i}, guest => 0,
	    host => 'mail.example.test', did => {}, sample => [],
	    seen => {}, going => [], coming => [],
	    log => 0 }, $class;
	$self->{tls} = $s->{i}->conf_dir . '/tls/mail.example.test.pem';
	return $self;
}

# ---- measures ---------------------------------------------------------------

# (kB of memory that is its own or its share, descriptors); () where it ended.
# Not counted are pages of files, which the kernel takes and gives back.
sub size_of {
	my ($pid) = @_;
	open my $fh, '<', "/proc/$pid/smaps_rollup" or return;
	my $kb;
	/^(?:Pss_Anon|Pss_Shmem|SwapPss):\s+(\d+)/ and $kb += $1 while <$fh>;
	opendir my $dh, "/proc/$pid/fd" or return;
	my $fds = () = grep { /^\d/ } readdir $dh;
	return defined $kb ? ($kb, $fds) : ();
}

sub measure {
	my ($self) = @_;
	my $all = Postrider::Chaos::suite($self->{i});
	my %m = (t => time, calm => $self->{calm}, pss => 0, fds => 0,
	    procs => 0);
	for my $pid (keys %$all) {
		my ($kb, $fds) = size_of($pid) or next;
		my $p = $m{by}{ $all->{$pid} } //= { n => 0, pss => 0,
		    fds => 0 };
		$_->{pss} += $kb, $_->{fds} += $fds for \%m, $p;
		$p->{n}++;
		$m{procs}++;
		# one process in one stretch: where it began, where it is
		my $key = "$self->{turn} $pid $all->{$pid}";
		my $o = $self->{seen}{$key} //= { first => $m{t},
		    pss => $kb, fds => $fds, turn => $self->{turn},
		    program => $all->{$pid}, calm => $self->{calm} };
		@{$o}{qw(last pss2 fds2)} = ($m{t}, $kb, $fds);
	}
	my $spool = $self->{i}->dir . '/spool';
	$m{disk} = (split ' ', `du -sk $spool 2>/dev/null` || 0)[0];
	push @{ $self->{sample} }, \%m;
	return \%m;
}

# a line for who watches, and one a program
sub progress {
	my ($self, $m) = @_;
	my %n = $self->{s}->counts;
	my ($st, $queued) = $self->{i}->ctl('queue', 'list', '--json');
	my $q = () = ($queued // '') =~ /^\{/mg;
	my $text = sprintf "%s %5d s %s: taken %d windows %d refused %d " .
	    "relayed %d actions %d cut %d BAD %d queued %s; processes %d " .
	    "pss %d kB fds %d spool %d kB\n",
	    POSIX::strftime('%H:%M:%S', localtime), time - $self->{began},
	    $self->{calm} ? 'calm ' : 'rough', map({ $_ // 0 } $n{ok},
	    ($n{try} // 0) - ($n{ok} // 0), @n{qw(no took did err bad)}),
	    $st ? '?' : $q, @{$m}{qw(procs pss fds disk)};
	$text .= '    troubles: ' . join(' ', map { "$_ $self->{did}{$_}" }
	    sort keys %{ $self->{did} }) . "\n";
	$text .= '    ' . join(' ', map { my $p = $m->{by}{$_};
		"$_:$p->{n}/$p->{pss}kB/$p->{fds}" } sort keys %{ $m->{by} }) .
	    "\n";
	open my $fh, '>>', $self->{out} or return;
	print {$fh} $text;
	return;
}

# ---- troubles ---------------------------------------------------------------

sub bad { my ($self, @what) = @_; return $self->{s}->note('bad', @what) }

# one process of a program; those on a message's way more often
sub kill_one {
	my ($self, $signal) = @_;
	my $all = Postrider::Chaos::suite($self->{i});
	my %by;
	push @{ $by{ $all->{$_} } }, $_ for grep {
		$all->{$_} !~ /^(?:master|child)$/ } sort keys %$all;
	my @way = grep { $by{$_} } qw(smtpd cleanup qmgr local smtp imapd tlsd);
	my @name = @way && rand() < 0.5 ? @way : sort keys %by or return;
	my $name = $name[rand @name];
	my @pid = @{ $by{$name} };
	my $pid = $pid[rand @pid];
	# told before: what it explains may come at once
	$self->{s}->note('trouble', "$signal $name $pid");
	kill $signal, $pid;
	return "$signal";
}

# `postrider start'; what is left of the last run may still be ending
sub start {
	my ($self) = @_;
	my ($st, $out, $err);
	for (1 .. 30) {
		($st, $out, $err) = $self->{i}->ctl('start');
		if ($st == 0 || $err =~ /master is running already/) {
			$self->{i}{started} = 1;
			$self->{i}->pids;
			return;
		}
		sleep 1;
	}
	$self->bad("start: exit $st: $out$err");
	return;
}

sub kill_master {
	my ($self) = @_;
	my $all = Postrider::Chaos::suite($self->{i});
	my ($pid) = grep { $all->{$_} eq 'master' } keys %$all or return;
	$self->{s}->note('trouble', 'KILL master');
	kill 'KILL', $pid;
	sleep rand 2;
	$self->start;
	return 'master';
}

sub kill_all {
	my ($self) = @_;
	$self->{s}->note('trouble', 'KILL all');
	Postrider::Chaos::kill_tree($self->{i});
	$self->start;
	return 'all';
}

sub stop_start {
	my ($self) = @_;
	$self->{s}->note('trouble', 'stop');
	my ($st, $out, $err) = $self->{i}->ctl('stop');
	$self->bad("stop: exit $st: $out$err") if $st;
	my $end = time + 30;
	while (my @left = values %{ Postrider::Chaos::suite($self->{i}) }) {
		if (time > $end) {
			$self->bad("stopped, but there are: @left");
			last;
		}
		sleep 0.1;
	}
	$self->start;
	return 'stop';
}

my @SETTING = (['qmgr.conf', 'destination_concurrency', 5, 20],
	['smtpd.conf', 'banner', 'One', 'Another'],
	['smtpd.conf', 'recipients', 200, 1000],
	['master.conf', 'smtpd/spare', 1, 3],
	['master.conf', 'tlsd/spare', 1, 2],
	['imapd.conf', 'idle_poll', '20s', '30s'],
	['local.conf', 'child_timeout', '1m', '2m'],
	['smtp.conf', 'idle_time', '1s', '5s'],
	['qmgr.conf', 'sync_interval', '100ms', '200ms']);

sub reload {
	my ($self) = @_;
	my ($file, $key, @value) = @{ $SETTING[rand @SETTING] };
	my $v = $value[rand @value];
	$self->{i}->set_conf($file, $key => $v);
	$self->{s}->note('trouble', "reload $file $key $v");
	$self->reloaded;
	return 'reload';
}

sub reloaded {
	my ($self) = @_;
	my ($st, $out, $err) = $self->{i}->ctl('reload');
	$self->bad("reload: exit $st: $out$err") if $st;
	return;
}

sub served {
	my ($self, $port) = @_;
	my $s = IO::Socket::SSL->new(PeerAddr => '127.0.0.1',
	    PeerPort => $self->{i}->port($port), SSL_verify_mode => 0,
	    SSL_hostname => $self->{host}, Timeout => 20) or return '';
	my $f = $s->get_fingerprint('sha256');
	$s->close;
	return $f;
}

# A new certificate, now and then with a new key; clients see it soon.
sub certificate {
	my ($self) = @_;
	$self->{s}->note('trouble', 'certificate');
	unlink $self->{tls}, "$self->{tls}.key" if rand() < 0.4;
	my ($st, $out, $err) = $self->{i}->ctl('cert', 'self-signed',
	    $self->{host});
	$self->bad("cert: exit $st: $out$err") if $st;
	$self->reloaded;
	my ($want) = `openssl x509 -in $self->{tls} -noout -fingerprint -sha256`
	    =~ /=(.*)/ or return $self->bad('no certificate');
	$want = 'sha256$' . lc $want =~ tr/://dr;
	my ($end, $got) = (time + 30);
	for my $port (qw(imaps smtps pop3s)) {
		while (($got = $self->served($port)) ne $want) {
			if (time > $end) {
				$self->bad("$port: the certificate is " .
				    "$got, not $want");
				last;
			}
			sleep 0.2;
		}
	}
	return 'certificate';
}

sub rotate {
	my ($self) = @_;
	my $f = $self->{i}->log_file;
	rename $f, sprintf '%s.%04d', $f, ++$self->{log};
	return 'rotate';
}

sub map_tables {
	my ($self) = @_;
	my $f = $self->{i}->conf_dir . '/aliases';
	my $text = $self->{i}->slurp($f) =~ s/^extra\d+:.*\n//mgr;
	$self->{i}->spew("$f~", $text . sprintf "extra%d: u1\n", rand 1000);
	rename "$f~", $f;
	my ($st, $out, $err) = $self->{i}->ctl('map',
	    rand() < 0.3 ? '--all' : ());
	$self->bad("map: exit $st: $out$err") if $st;
	return 'map';
}

# A new account, which gets mail from now on; and one that had gets none any
# more, and is deleted when there can be none on its way.
sub users {
	my ($self) = @_;
	my ($s, $i) = @{$self}{qw(s i)};
	my $name = 'g' . ++$self->{guest};
	my $ok = eval { $i->add_user($name, $s->password($name)); 1 };
	return $self->bad("user add: $@") if !$ok;
	# tables that are replaced are used within a second
	push @{ $self->{coming} }, [$name, time + 2];
	my @guest = glob "$s->{dir}/guest/*";
	if (@guest > 4) {
		my $old = $guest[rand @guest] =~ s{.*/}{}r;
		unlink "$s->{dir}/guest/$old";
		push @{ $self->{going} }, [$old, time];
	}
	for my $g (splice @{ $self->{going} }) {
		my ($user, $since) = @$g;
		my ($st, $out) = $i->ctl('queue', 'list', '--to',
		    "$user\@example.test");
		if (time - $since < 90 || $st || $out =~ /\@/) {
			push @{ $self->{going} }, $g;
			next;
		}
		($st, $out, my $err) = $i->ctl('user', 'delete', $user);
		$self->bad("user delete: exit $st: $out$err") if $st;
		$self->{did}{'user-delete'}++;
	}
	return 'user-add';
}

my @TROUBLE = ([12, sub { $_[0]->kill_one('KILL') }],
	[5, sub { $_[0]->kill_one('TERM') }], [3, \&reload],
	[2, \&certificate], [1, \&rotate], [2, \&map_tables], [2, \&users],
	[0.7, \&kill_master], [0.5, \&kill_all], [0.5, \&stop_start]);
# what is no trouble for anybody
my @CARE = ([4, \&reload], [2, \&certificate], [1, \&rotate],
	[2, \&map_tables], [2, \&users]);

sub one {
	my ($self) = @_;
	my @t = $self->{calm} ? @CARE : @TROUBLE;
	my $sum = 0;
	$sum += $_->[0] for @t;
	my $r = rand $sum;
	for (@t) {
		$r -= $_->[0];
		next if $r >= 0;
		my $did = $_->[1]->($self);
		$self->{did}{$did}++ if $did;
		return;
	}
	return;
}

# for a soak of seconds: what it is about first
sub some_of_each {
	my ($self) = @_;
	for (sub { $_[0]->kill_one('KILL') }, \&certificate, \&kill_all,
	    sub { $_[0]->kill_one('TERM') }, \&map_tables, \&rotate,
	    \&users, sub { $_[0]->kill_one('KILL') }) {
		my $did = $_->($self);
		$self->{did}{$did}++ if $did;
		sleep 0.2 + rand 0.5;
	}
	return;
}

# guests that everybody knows by now
sub arrive {
	my ($self) = @_;
	while (@{ $self->{coming} } && $self->{coming}[0][1] < time) {
		my ($name) = @{ shift @{ $self->{coming} } };
		open my $fh, '>', "$self->{s}{dir}/guest/$name";
	}
	return;
}

sub turn {
	my ($self, $calm) = @_;
	$self->{calm} = $calm;
	$self->{turn}++;
	$self->{s}->note($calm ? 'calm' : 'rough');
	$self->{until} = time + $self->{stretch};
	return;
}

sub run {
	my ($self) = @_;
	$self->{began} = time;
	$self->{end} = time + $self->{seconds};
	$self->turn(0);
	# asked to end: as if the time were over
	local $SIG{TERM} = sub { $self->{end} = 0 };
	my ($next, $look, $tell) = (0, 0, 0);
	while (time < $self->{end}) {
		my $now = time;
		my $pause = $ENV{POSTRIDER_SOAK_PAUSE};
		if (defined $pause && -e $pause) {
			sleep 0.5;
			next;
		}
		if ($self->{long} && $now > $self->{until}) {
			$self->turn(!$self->{calm});
		}
		$self->arrive;
		if ($now > $look) {
			my $m = $self->measure;
			$look = $now + $self->{every};
			if ($now > $tell) {
				$self->progress($m);
				$tell = $now + 6 * $self->{every};
			}
		}
		if (!$self->{long} && !$next) {
			$self->some_of_each;
		}
		if ($now > $next) {
			$self->one if $next;
			$next = time - $self->{gap} * log(1 - rand) *
			    ($self->{calm} ? 4 : 1);
		}
		sleep 0.1;
	}
	return;
}

1;
