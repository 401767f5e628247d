package Postrider::Soak::Clients;

# What clients do, one action at a time.  Each dies where its session is cut
# ("cut ...") or told to come again ("later ..."); an answer that nobody may
# give, whatever is killed, is `bad'.

use strict;
use warnings;
use Fcntl qw(:flock);
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use Postrider::Imap qw(lit lit_plus);
use Postrider::Soak;
use Postrider::Starttls qw(starttls wrapped);

# $s is the Postrider::Soak; $s->{i} the instance

sub pick { return $_[rand @_] }

sub address { my ($s, $u) = @_; return "$u\@$s->{i}{domains}[0]" }

# users that come and go
sub guests {
	my ($s) = @_;
	return map { m{([^/]+)$} } glob "$s->{dir}/guest/*";
}

sub one_user { my ($s) = @_; return pick($s->users) }

sub some_users {
	my ($s, $n) = @_;
	my @g = guests($s);
	my %u = map { (@g && rand() < 0.1 ? pick(@g) : one_user($s)) => 1 }
	    1 .. $n;
	return sort keys %u;
}

# A connection that could not be made is nothing when its service is down.
sub dial {
	my ($s, $make) = @_;
	my $c = eval { $make->() };
	return $c if $c;
	my $why = $@;
	die $why if $why =~ /^no answer within/;
	die "cut: at its begin: $why";
}

# ---- SMTP -------------------------------------------------------------------

# code 0: the stream ended
sub code {
	my ($s, $c, $code) = @_;
	die "cut: SMTP\n" if !$code;
	die 'later: ' . $c->last if $code == 421;
	return $code;
}

sub cmd { my ($s, $c, $line) = @_; return code($s, $c, scalar $c->cmd($line)) }

sub mx {
	my ($s, $tls) = @_;
	my $c = dial($s, sub {
		my $c = $tls ? starttls($s->{i}, 'smtp') : $s->{i}->smtp;
		die "greeting\n" if !$tls && $c->greeting != 220;
		return $c;
	});
	$c->ehlo or die 'cut: EHLO ' . $c->last . "\n";
	return $c;
}

# One message: the envelope, then how the content goes.  True where it was
# taken.  to: users and addresses; expand: what is behind an alias.
sub send_one {
	my ($s, $c, %m) = @_;
	my $token = $m{token} // $s->token;
	my @to = @{ $m{to} };
	my @rcpt = map { /\@/ ? $_ : address($s, $_) } @to;
	my %got = map { $_ => 1 } map { $_ eq $Postrider::Soak::ALIAS[0] ?
	    @Postrider::Soak::ALIAS[1 .. 3] : $_ } @to;
	my @cmd = ("MAIL FROM:<$m{from}>", map { "RCPT TO:<$_>" } @rcpt);
	my $data = !$m{bdat};
	my @r = $m{pipeline} ? $c->pipeline(@cmd, $data ? 'DATA' : ()) : ();
	for my $n (0 .. $#cmd + ($data ? 1 : 0)) {
		my $r = code($s, $c, $r[$n] // scalar $c->cmd(
		    $n > $#cmd ? 'DATA' : $cmd[$n]));
		next if $r < 400;
		$s->note('no', $token);
		refusal($s, $c, $n > $#cmd ? 'DATA' : $cmd[$n], $r)
		    if !$m{pipeline};
		refusal($s, $c, 'pipeline', $r) if $m{pipeline} && $r >= 500 &&
		    $r != 503 && !grep { /^g/ } @to;
		# some were taken, and what comes would be for these alone
		die "cut: by us\n" if $m{pipeline};
		cmd($s, $c, 'RSET');
		return 0;
	}
	my $text = Postrider::Soak::message($token, $m{from});
	my @try = ($token, $m{how}, sort keys %got);
	return vanish($s, $c, $token, $text) if $m{vanish};
	if ($m{bdat}) {
		$text =~ s/\n/\r\n/g;
		my $half = int length($text) / 2;
		$c->put("BDAT $half\r\n" . substr $text, 0, $half);
		my $r = code($s, $c, scalar $c->reply);
		if ($r != 250) {
			$s->note('no', $token);
			return refusal($s, $c, 'BDAT', $r);
		}
		$s->note('try', @try);
		$c->put('BDAT ' . (length($text) - $half) . " LAST\r\n" .
		    substr $text, $half);
	} else {
		my $wire = $c->dotted($text);
		substr($wire, -3) = '';
		if (!$c->put($wire)) {
			$s->note('no', $token);
			die "cut: in the content\n";
		}
		$s->note('try', @try);
		$c->put(".\r\n");
	}
	my $r = scalar $c->reply;
	die "cut: after the content\n" if !$r;
	$s->note($r == 250 ? 'ok' : 'no', $token);
	code($s, $c, $r);
	return $r == 250 || refusal($s, $c, 'content', $r);
}

# Nothing here is refused for good, whatever is dead.
sub refusal {
	my ($s, $c, $what, $r) = @_;
	my $last = $c->last =~ s/\s+/ /gr;
	if ($r >= 500) {
		return 0 if $what =~ /<(g\d+)\@/ && !-e "$s->{dir}/guest/$1";
		$s->note('bad', "$what: $last");
	} else {
		$s->note('err', "$what: $last");
	}
	return 0;
}

sub vanish {
	my ($s, $c, $token, $text) = @_;
	$c->put(substr $c->dotted($text), 0, rand length $text);
	$s->note('no', $token);
	$c->close;
	$s->note('did', 'vanish');
	return 0;
}

sub smtp {
	my ($s) = @_;
	my $c = mx($s, rand() < 0.3);
	for (1 .. 1 + rand 4) {
		my $many = rand() < 0.15;
		my @to = some_users($s, $many ? 2 + rand 20 : 1 + rand 2);
		@to = ('team') if rand() < 0.05;
		my %m = (from => 'far@away.example', to => \@to, how => 'smtp',
		    pipeline => rand() < 0.4, bdat => rand() < 0.2,
		    vanish => rand() < 0.05);
		$m{bdat} = 0 if $m{vanish};
		send_one($s, $c, %m);
		return if $m{vanish};
		$s->note('did', $many ? 'smtp-many' : 'smtp');
		$s->rest(0.3);
		last if !$s->go_on;
	}
	cmd($s, $c, 'QUIT');
	return;
}

# what has to be refused, by its code
sub refused {
	my ($s) = @_;
	my $c = mx($s);
	cmd($s, $c, 'MAIL FROM:<far@away.example>') == 250 or return;
	my $none = address($s, 'nobody-' . int rand 1000);
	for ([$none, qr/^550 5\.1\.1/],
	    ["x\@$Postrider::Soak::SINK", qr/^55\d 5\.7\.1/]) {
		my $r = cmd($s, $c, "RCPT TO:<$_->[0]>");
		next if $c->last =~ $_->[1];
		$s->note($r < 400 || $r >= 500 ? 'bad' : 'err',
		    "$_->[0]: " . $c->last);
	}
	my $r = cmd($s, $c, 'DATA');
	$s->note('bad', 'DATA for nobody: ' . $c->last)
	    if $r < 400;
	$s->note('did', 'refused');
	cmd($s, $c, 'QUIT');
	return;
}

# one of ours, over TLS and with a password
sub submission {
	my ($s) = @_;
	my $u = rand() < 0.2 ? 'reports' : one_user($s);
	my $c = dial($s, sub { rand() < 0.5 ?
	    starttls($s->{i}, 'submission') : wrapped($s->{i}, 'smtps') });
	$c->ehlo or die 'cut: EHLO ' . $c->last . "\n";
	my $r = code($s, $c, scalar $c->auth_plain($u, $s->password($u)));
	if ($r != 235) {
		refusal($s, $c, 'AUTH', $r);
		return;
	}
	for (1 .. 1 + rand 2) {
		my $token = $s->token;
		my @to = rand() < 0.3 ? some_users($s, 2) : ();
		push @to, "r$_-$token\@$Postrider::Soak::SINK"
		    for 1 .. 1 + rand 3;
		push @to, "bad-$token\@$Postrider::Soak::SINK"
		    if $u eq 'reports';
		send_one($s, $c, token => $token, to => \@to,
		    from => address($s, $u), how => 'relay');
		$s->note('did', 'submission');
		$s->rest(0.3);
	}
	cmd($s, $c, 'QUIT');
	return;
}

sub sendmail {
	my ($s) = @_;
	my $token = $s->token;
	my @to = some_users($s, 1 + rand 2);
	my $i = $s->{i};
	my $in = File::Temp->new;
	print {$in} Postrider::Soak::message($token, 'root@away.example');
	close $in;
	local $i->{stdin} = "$in";
	$s->note('try', $token, 'sendmail', @to);
	my ($st, $out, $err) = $i->run('env',
	    'POSTRIDER_INSTANCE=' . $i->dir, "$i->{build}/ctl/sendmail",
	    '-i', '-f', 'far@away.example', map { address($s, $_) } @to);
	$s->note('ok', $token) if $st == 0;
	$s->note('did', 'sendmail');
	return if $st == 0;
	# a guest has gone: not for him alone, and a report says so
	$s->note(($st == 75 || grep { /^g/ } @to) ? 'err' : 'bad',
	    "sendmail: exit $st: $err");
	return;
}

sub lmtp {
	my ($s) = @_;
	my $c = dial($s, sub { Postrider::Smtp->new(port =>
	    $s->{i}{base} + 24) });
	$c->ehlo(undef, 'LHLO') or die 'cut: LHLO ' . $c->last . "\n";
	my $token = $s->token;
	cmd($s, $c, 'MAIL FROM:<far@away.example>') == 250 or
	    die 'later: ' . $c->last;
	my @to;
	for my $u (some_users($s, 1 + rand 4)) {
		my $r = cmd($s, $c, my $l = "RCPT TO:<" . address($s, $u) .
		    '>');
		push @to, $u if $r == 250;
		refusal($s, $c, $l, $r) if $r != 250;
	}
	return if !@to;
	my $r = cmd($s, $c, 'DATA');
	return refusal($s, $c, 'DATA', $r) if $r != 354;
	my $wire = $c->dotted(Postrider::Soak::message($token,
	    'far@away.example'));
	substr($wire, -3) = '';
	$c->put($wire) or die "cut: in the content\n";
	$s->note('try', $token, 'lmtp', @to);
	$c->put(".\r\n");
	for my $u (@to) {
		my $r = scalar $c->reply or die "cut: LMTP\n";
		$s->note($r == 250 ? 'ok' : 'no', $token, $u);
		refusal($s, $c, 'content', $r) if $r != 250;
	}
	$s->note('did', 'lmtp');
	cmd($s, $c, 'QUIT');
	return;
}

# ---- who reads --------------------------------------------------------------

# A mailbox that no other client changes meanwhile, so that what was answered
# is what was done; the lock goes with the handle.
sub mailbox {
	my ($s) = @_;
	for (1 .. 20) {
		my $u = one_user($s);
		open my $fh, '>', "$s->{dir}/lock.$u" or die "lock: $!\n";
		return ($u, $fh) if flock $fh, LOCK_EX | LOCK_NB;
	}
	return;
}

# so many copies more, here and in all
sub moved {
	my ($s, $u, $token, $folder, $min, $max) = @_;
	return $s->note('here', $u, $folder, $token, $min, $max);
}
sub summed {
	my ($s, $u, $token, $min, $max) = @_;
	return $s->note('sum', $u, $token, $min, $max);
}

sub pop3 {
	my ($s) = @_;
	my ($u, $lock) = mailbox($s) or return;
	my $p = dial($s, sub { rand() < 0.5 ? starttls($s->{i}, 'pop3') :
	    wrapped($s->{i}, 'pop3s') });
	my $r = $p->login($u, $s->password($u));
	if ($r !~ /^\+OK/) {
		die "cut: POP3 login\n" if $r eq '';
		$s->note($r =~ /^-ERR \[(?:SYS|IN-USE|LOGIN-DELAY)/ ? 'err' :
		    'bad', "POP3 login: $r");
		return;
	}
	my ($n) = $p->stat or die "cut: STAT\n";
	my @gone;
	my $keep = 15 + rand 10;
	for my $m (1 .. $n) {
		last if $m > 40 || ($m > 3 && $n - @gone < $keep);
		my ($status, $text) = $p->multi("RETR $m");
		die "cut: RETR\n" if $status eq '';
		if (!defined $text) {
			$s->note($status =~ /^-ERR \[SYS/ ? 'err' : 'bad',
			    "RETR: $status");
			last;
		}
		my ($token, $why) = Postrider::Soak::examine($text);
		if (!defined $token) {
			$s->note('bad', "POP3: $u: $why");
			next;
		}
		next if $n - @gone < $keep && rand() < 0.7;
		next if $p->cmd("DELE $m") !~ /^\+OK/;
		push @gone, $token;
	}
	$s->note('did', 'pop3');
	# without QUIT nothing is deleted
	return $p->close if rand() < 0.15;
	$r = $p->quit;
	my $sure = $r =~ /^\+OK/;
	for my $t (@gone) {
		moved($s, $u, $t, 'INBOX', -1, $sure ? -1 : 0);
		summed($s, $u, $t, -1, $sure ? -1 : 0);
	}
	$s->note('err', "POP3 QUIT: $r") if !$sure;
	return;
}

sub imap_login {
	my ($s, $u) = @_;
	my $c = dial($s, sub { rand() < 0.5 ? starttls($s->{i}, 'imap') :
	    wrapped($s->{i}, 'imaps') });
	my $r = $c->login($u, $s->password($u));
	return $c if $r->{status} eq 'OK';
	die "cut: LOGIN\n" if $r->{status} eq 'EOF';
	$s->note($r->{raw} =~ /\[(?:UNAVAILABLE|SERVERBUG)/ ? 'err' : 'bad',
	    "LOGIN: $r->{raw}");
	return;
}

# a command that may only be answered OK, or not at all
sub imap {
	my ($s, $c, @piece) = @_;
	my $r = $c->cmd(@piece);
	return $r if $r->{status} eq 'OK';
	die "cut: $piece[0]\n" if $r->{status} eq 'EOF';
	$s->note($r->{raw} =~ /\[(?:UNAVAILABLE|SERVERBUG|INUSE)/ ? 'err' :
	    'bad', "$piece[0]: $r->{raw}");
	die "later: $piece[0]\n";
}

# { UID => token } of the folder, and whether what came is what the tokens say
sub tokens {
	my ($s, $c, $u) = @_;
	my $r = imap($s, $c,
	    'UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (X-SOAK)])');
	my %t;
	for my $f (values %{ $r->fetched }) {
		my ($k) = grep { /^BODY/ } keys %$f or next;
		my ($token) = ($f->{$k} // '') =~ /^X-Soak: (\S+)/mi;
		$s->note('bad', "$u: UID $f->{UID} has no token") if !$token;
		$t{ $f->{UID} } = $token if $token;
	}
	return \%t;
}

my @FOLDER = qw(INBOX Alpha Beta);

sub imap_work {
	my ($s) = @_;
	my ($u, $lock) = mailbox($s) or return;
	my $c = imap_login($s, $u) or return;
	for (1 .. 1 + rand 2) {
		my $folder = pick(@FOLDER[0, 0, 1, 2]);
		imap($s, $c, "SELECT $folder");
		my $t = tokens($s, $c, $u);
		my $w = { s => $s, c => $c, u => $u, folder => $folder,
		    t => $t, to => pick(grep { $_ ne $folder } @FOLDER) };
		for (1 .. 2 + rand 3) {
			step($w);
			$s->rest(0.1);
		}
	}
	imap($s, $c, 'LOGOUT');
	return;
}

my @STEP = (\&do_append, \&do_move, \&do_move, \&do_copy, \&do_flag,
    \&do_search, \&do_body, \&do_delete, \&do_delete);

sub step {
	my ($w) = @_;
	my $n = keys %{ $w->{t} };
	return do_delete($w) if $n > 40;
	return do_append($w) if !$n;
	return pick(@STEP)->($w);
}

# some of the folder: UIDs
sub uids {
	my ($w, $most) = @_;
	my @u = keys %{ $w->{t} };
	my %u = map { pick(@u) => 1 } 1 .. 1 + rand $most;
	return sort { $a <=> $b } keys %u;
}

# A command that changes something: sub gets whether it is sure (OK), and what
# it did is told before anything else may die.
sub change {
	my ($w, $done, @piece) = @_;
	my $r = eval { $w->{c}->cmd(@piece) };
	my $why = $@;
	my $st = $r ? $r->{status} : 'EOF';
	$w->{s}->note('did', lc(($piece[0] =~ /^((?:UID )?\w+)/)[0]) =~
	    tr/ /-/r);
	$done->($st eq 'OK', $r) if $st ne 'NO' && $st ne 'BAD';
	die $why =~ /^no answer within/ ? $why : "cut: $piece[0]: $why\n"
	    if $st eq 'EOF';
	return 1 if $st eq 'OK';
	# half of what it does may be done
	$done->(0, $r);
	$w->{s}->note($r->{raw} =~ /\[(?:UNAVAILABLE|SERVERBUG|INUSE)/ ?
	    'err' : 'bad', "$piece[0]: $r->{raw}");
	return 0;
}

sub do_append {
	my ($w) = @_;
	my ($s, $u) = @{$w}{qw(s u)};
	my $token = $s->token;
	my $text = Postrider::Soak::message($token, 'far@away.example')
	    =~ s/\n/\r\n/gr;
	change($w, sub {
		my ($sure) = @_;
		moved($s, $u, $token, $w->{to}, $sure ? 1 : 0, 1);
		summed($s, $u, $token, $sure ? 1 : 0, 1);
	}, "APPEND $w->{to} ", rand() < 0.5 ? lit($text) : lit_plus($text));
	return;
}

sub do_move {
	my ($w) = @_;
	my ($s, $u, $t) = @{$w}{qw(s u t)};
	my @uid = uids($w, 8);
	change($w, sub {
		my ($sure) = @_;
		for (@uid) {
			moved($s, $u, $t->{$_}, $w->{folder}, -1,
			    $sure ? -1 : 0);
			moved($s, $u, $t->{$_}, $w->{to}, $sure ? 1 : 0, 1);
			# cut between its two halves it is in both
			summed($s, $u, $t->{$_}, 0, 1) if !$sure;
		}
	}, 'UID MOVE ' . join(',', @uid) . " $w->{to}");
	delete @{$t}{@uid};
	return;
}

sub do_copy {
	my ($w) = @_;
	my ($s, $u, $t) = @{$w}{qw(s u t)};
	my @uid = uids($w, 3);
	change($w, sub {
		my ($sure) = @_;
		for (@uid) {
			moved($s, $u, $t->{$_}, $w->{to}, $sure ? 1 : 0, 1);
			summed($s, $u, $t->{$_}, $sure ? 1 : 0, 1);
		}
	}, 'UID COPY ' . join(',', @uid) . " $w->{to}");
	return;
}

sub do_flag {
	my ($w) = @_;
	my ($s, $u, $t) = @{$w}{qw(s u t)};
	my @uid = uids($w, 5);
	my $on = rand() < 0.5 ? 1 : 0;
	change($w, sub {
		my ($sure) = @_;
		$s->note('flag', $u, $t->{$_}, $sure ? $on : '?') for @uid;
	}, 'UID STORE ' . join(',', @uid) . ($on ? ' +' : ' -') .
	    'FLAGS (\Flagged)');
	return;
}

sub do_delete {
	my ($w) = @_;
	my ($s, $u, $t) = @{$w}{qw(s u t)};
	my $n = keys %$t;
	my @uid = uids($w, $n > 40 ? $n : 4);
	my $set = join ',', @uid;
	imap($s, $w->{c}, "UID STORE $set +FLAGS.SILENT (\\Deleted)");
	change($w, sub {
		my ($sure) = @_;
		for (@uid) {
			moved($s, $u, $t->{$_}, $w->{folder}, -1,
			    $sure ? -1 : 0);
			summed($s, $u, $t->{$_}, -1, $sure ? -1 : 0);
		}
	}, "UID EXPUNGE $set");
	delete @{$t}{@uid};
	return;
}

sub do_search {
	my ($w) = @_;
	my ($s, $t) = @{$w}{qw(s t)};
	my ($uid) = uids($w, 1);
	my $token = $t->{$uid};
	my $what = rand() < 0.5 ? "HEADER X-Soak $token" :
	    "TEXT \"end of $token\"";
	my $r = imap($s, $w->{c}, "UID SEARCH $what");
	my %got = map { $_ => 1 } @{ $r->numbers };
	$s->note('bad', "SEARCH $what in $w->{u} $w->{folder} misses $uid: " .
	    $r->{raw}) if !$got{$uid};
	$s->note('did', 'search');
	return;
}

sub do_body {
	my ($w) = @_;
	my ($s, $t) = @{$w}{qw(s t)};
	my @uid = uids($w, 2);
	my $r = imap($s, $w->{c}, 'UID FETCH ' . join(',', @uid) .
	    ' (UID FLAGS ENVELOPE BODY.PEEK[])')->fetched;
	for my $f (values %$r) {
		defined $f->{'BODY[]'} or next;
		my ($token, $why) = Postrider::Soak::examine($f->{'BODY[]'});
		$s->note('bad', "$w->{u} $w->{folder} UID $f->{UID}: " .
		    ($why // "is $token, not $t->{ $f->{UID} }"))
		    if ($token // '') ne $t->{ $f->{UID} };
	}
	$s->note('did', 'fetch');
	return;
}

# Waits for mail; what others do meanwhile is all right.
sub idle {
	my ($s) = @_;
	my $c = imap_login($s, one_user($s)) or return;
	my $had = imap($s, $c, 'SELECT INBOX')->num('EXISTS') // 0;
	$c->idle_start or die "cut: IDLE\n";
	my $end = time + 20 * $s->{pace} * (0.5 + rand);
	while (time < $end && $s->go_on) {
		my $r = $c->wait_untagged(undef, 0.5) or next;
		die "cut: BYE in IDLE\n" if $r->{name} eq 'BYE';
		$had++ if $r->{name} eq 'EXISTS';
		$s->note('did', 'idle-news');
	}
	my $r = $c->idle_done;
	die "cut: DONE\n" if $r->{status} eq 'EOF';
	$s->note('bad', "IDLE: $r->{raw}") if $r->{status} ne 'OK';
	$s->note('did', 'idle');
	imap($s, $c, 'LOGOUT');
	return;
}

# the clients of a soak: name, what it does
sub all {
	my $in = sub {
		my ($s) = @_;
		my $r = rand;
		return $r < 0.6 ? smtp($s) : $r < 0.7 ? refused($s) :
		    $r < 0.85 ? sendmail($s) : lmtp($s);
	};
	return (a => $in, b => $in, c => \&submission, d => \&pop3,
	    e => \&imap_work, f => \&imap_work, g => \&idle, h => \&idle);
}

1;
