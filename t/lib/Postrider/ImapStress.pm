package Postrider::ImapStress;

# Sessions of random IMAP commands, deliveries and a program that renames flags
# in the Maildir, all at once on one user's mailboxes; and the check of what is
# left.
#
# Every message has a token in its header, and a body that follows from it.  The
# letter of a token says what may be done with it: M only moved, C copied and
# moved, D deleted as well.  Each process writes what it did and saw into a
# journal of its own, before (what may happen) or after (what was promised):
#
#   have TOKEN                         the server has taken it
#   risk TOKEN                         somebody is going to delete it
#   copy TOKEN                         somebody is going to copy it
#   see FOLDER UIDVALIDITY UID TOKEN
#   bad TEXT                           what must not happen
#   did COMMAND
#
# From these follows what must be there at the end: no message that was taken
# and not deleted is lost, none that was only moved is there twice, a UID never
# means two messages.

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use Postrider::Imap qw(lit_plus);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(run_all check_journals message body_of);

my @SHARED = qw(INBOX Alpha Beta);
my @WORDS = qw(stone river letter candle harbour copper bridge window);
my ($name, $fh, $serial);

# ---- messages ---------------------------------------------------------------

sub body_of {
	my ($token) = @_;
	my $n = 0;
	$n = $n * 31 + ord($_) & 0xffffff for split //, $token;
	my $lines = 1 + $n % 60;
	return join '', map { my $l = $_; join(' ', "$token/$l", map {
		$WORDS[($n >> $_) + $l & 7] } 0 .. $n % 9) . "\r\n" }
	    1 .. $lines;
}

sub message {
	my ($token) = @_;
	return "From: stress\@sender.test\r\nSubject: message $token\r\n" .
	    "X-Token: $token\r\n\r\n" . body_of($token);
}

# Most of those of a long run may be deleted, or the folders would grow.
sub new_token {
	my $kind = (qw(M M C D D))[$serial < 100 || rand() < 0.05 ? rand 5 : 3];
	return "$kind$name" . 'x' . ++$serial;
}

# ---- journal ----------------------------------------------------------------

sub note {
	my $line = join " ", @_;
	print {$fh} $line =~ s{[\r\n]+}{ }gr, "\n";
	return;
}

sub bad { return note('bad', "$name:", @_) }

# ---- the processes ----------------------------------------------------------

# Start one process; it ends at once when its work dies, and that is a finding.
sub spawn {
	my ($arg, $who, $work) = @_;
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	($name, $serial) = ($who, 0);
	open $fh, '>>', "$arg->{dir}/journal.$who" or POSIX::_exit(1);
	$fh->autoflush(1);
	my ($n) = $who =~ /(\d+)$/;
	srand($arg->{seed} * 1000 + ($n // 0) + 100 * ord $who);
	eval { $work->($arg); 1 } or bad('died:', $@ =~ s/\s+/ /gr);
	close $fh;
	POSIX::_exit(0);
}

# server, user, password, dir (of the journals), seconds, seed, sessions,
# deliver => sub(token, text) that dies where it was not taken; maildir; and
# for trouble: kill => sub that is called twice a second.
sub run_all {
	my (%arg) = @_;
	$arg{end} = time + $arg{seconds};
	my @pid = map { spawn(\%arg, "s$_", \&session) } 1 .. $arg{sessions};
	push @pid, spawn(\%arg, 'mail', \&deliveries),
	    spawn(\%arg, 'drop', \&drops), spawn(\%arg, 'ext', \&renames);
	while ($arg{kill} && time < $arg{end}) {
		sleep 0.3 + rand 0.4;
		$arg{kill}->();
	}
	my $hung = 0;
	my $limit = $arg{end} + 120;
	for my $p (@pid) {
		until (waitpid($p, POSIX::WNOHANG()) == $p) {
			if (time > $limit) {
				kill 'KILL', $p;
				waitpid $p, 0;
				$hung++;
				last;
			}
			sleep 0.05;
		}
	}
	return $hung;
}

sub deliveries {
	my ($arg) = @_;
	while (time < $arg->{end}) {
		my $token = new_token();
		if (eval { $arg->{deliver}->($token, message($token)); 1 }) {
			note('have', $token);
			note('did', 'deliver');
		} elsif (!$arg->{kill}) {
			bad("delivery: $@");
		}
		sleep 0.01 + rand 0.05;
	}
	return;
}

# files moved into new/, as another agent would
sub drops {
	my ($arg) = @_;
	my @owner = (stat $arg->{maildir})[4, 5];
	while (time < $arg->{end}) {
		my $token = new_token();
		my $f = sprintf '%d.X%dY%d.stress.test', time, $$, $serial;
		my $tmp = "$arg->{maildir}/tmp/$f";
		open my $o, '>:raw', $tmp or die "$tmp: $!\n";
		print {$o} message($token) =~ s/\r\n/\n/gr;
		close $o;
		chown @owner, $tmp if $> == 0;
		rename $tmp, "$arg->{maildir}/new/$f" or die "rename: $!\n";
		note('have', $token);
		note('did', 'drop');
		sleep 0.05 + rand 0.2;
	}
	return;
}

sub _names {
	my ($dir) = @_;
	opendir my $d, $dir or return ();
	return grep { !/^\./ } readdir $d;
}

# Change the flags of a file as a mail reader does, or take it out of new/.
sub renames {
	my ($arg) = @_;
	while (time < $arg->{end}) {
		sleep 0.005 + rand 0.03;
		my @dir = ($arg->{maildir}, map { "$arg->{maildir}/$_" }
		    qw(.Alpha .Beta));
		my $dir = $dir[rand @dir];
		my @new = rand() < 0.2 ? _names("$dir/new") : ();
		if (@new) {
			my $f = $new[rand @new];
			my $to = $f =~ /:2,/ ? $f : "$f:2,";
			rename "$dir/new/$f", "$dir/cur/$to" and
			    note('did', 'take-new');
			next;
		}
		my @cur = grep { /:2,[A-Za-z]*$/ } _names("$dir/cur") or next;
		my $f = $cur[rand @cur];
		my ($base, $flags) = $f =~ /^(.*:2,)(.*)$/;
		my $l = (qw(F R S))[rand 3];
		$flags = $flags =~ /$l/ ? $flags =~ s/$l//r :
		    join '', sort split //, "$flags$l";
		rename "$dir/cur/$f", "$dir/cur/$base$flags" and
		    note('did', 'rename-flags');
	}
	return;
}

# ---- one session ------------------------------------------------------------

my @STEPS = ([12, \&do_store], [5, \&do_uid_store], [8, \&do_fetch],
	[6, \&do_body], [5, \&do_search], [6, \&do_append], [8, \&do_move],
	[5, \&do_copy], [6, \&do_delete], [5, \&do_expunge], [6, \&do_select],
	[4, \&do_noop], [2, \&do_idle], [2, \&do_status], [3, \&do_churn],
	[2, \&do_keep], [1, \&do_close]);
my $TOTAL = 0;
$TOTAL += $_->[0] for @STEPS;

sub session {
	my ($arg) = @_;
	my $s = { arg => $arg, churn => 0 };
	while (time < $arg->{end}) {
		eval { step($s); 1 } and next;
		my $why = $@;
		# a connection that was killed is lost; any other is a finding
		bad("lost: $why") if !$arg->{kill};
		delete $s->{c};
		sleep 0.05;
	}
	return if !$s->{c};
	eval { converge($s); 1 } or $arg->{kill} or bad("at the end: $@");
	return;
}

sub step {
	my ($s) = @_;
	connect_to($s) if !$s->{c};
	select_folder($s, $SHARED[rand @SHARED]) if !$s->{folder};
	my $r = rand $TOTAL;
	for (@STEPS) {
		$r -= $_->[0];
		return $_->[1]->($s) if $r < 0;
	}
	return;
}

sub connect_to {
	my ($s) = @_;
	my $a = $s->{arg};
	$s->{c} = Postrider::Imap->new(port => $a->{server}->port('imap'));
	$s->{c}->login($a->{user}, $a->{password})->expect;
	$s->{folder} = undef;
	return;
}

# Send a command and follow what it says about the mailbox.  NO may be the
# answer where others have deleted what it is about; BAD never.
sub cmd {
	my ($s, @piece) = @_;
	my $r = $s->{c}->cmd(@piece);
	my ($verb) = $piece[0] =~ /^(UID \w+|\w+)/;
	note('did', $verb);
	die "connection lost in $verb\n" if $r->{status} eq 'EOF';
	bad("BAD to $piece[0]: $r->{raw}") if $r->{status} eq 'BAD';
	follow($s, $verb, $r) if $s->{folder};
	return $r;
}

sub follow {
	my ($s, $verb, $r) = @_;
	my $u = $s->{uids};
	for my $g (@{ $r->{got} }) {
		my $n = $g->{num} // 0;
		if ($g->{name} eq 'EXISTS') {
			bad("EXISTS $n after " . @$u . " in $verb") if $n < @$u;
			push @$u, undef while @$u < $n;
		} elsif ($g->{name} eq 'EXPUNGE') {
			bad("EXPUNGE in $verb")
			    if $verb =~ /^(?:FETCH|STORE|SEARCH)$/;
			bad("EXPUNGE $n of " . @$u) if $n < 1 || $n > @$u;
			splice @$u, $n - 1, 1 if $n <= @$u;
		} elsif ($g->{name} eq 'FETCH') {
			my %f = @{ $g->{data}[0] };
			learn($s, $n, \%f) if exists $f{UID};
			bad("FETCH of $n of " . @$u) if $n > @$u;
		} elsif ($g->{name} eq 'BYE') {
			die "BYE: $g->{text}\n";
		}
	}
	return;
}

# a sequence number has this UID, and perhaps this token
sub learn {
	my ($s, $n, $f) = @_;
	my ($u, $uid) = ($s->{uids}, $f->{UID});
	return bad("FETCH of $n of " . @$u) if $n < 1 || $n > @$u;
	bad("message $n had UID $u->[$n - 1], now $uid in $s->{folder}")
	    if defined $u->[$n - 1] && $u->[$n - 1] != $uid;
	$u->[$n - 1] = $uid;
	for my $o ($n > 1 ? [$n - 2, -1] : (), $n < @$u ? [$n, 1] : ()) {
		my $other = $u->[$o->[0]] // next;
		bad("UIDs out of order in $s->{folder}: $uid, $other")
		    if ($other <=> $uid) != $o->[1];
	}
	my ($k) = grep { /^BODY\[HEADER\.FIELDS/i } keys %$f;
	return if !$k;
	my ($token) = ($f->{$k} // '') =~ /^X-Token: (\w+)/m;
	return bad("no token in $s->{folder} UID $uid") if !$token;
	seen($s, $s->{folder}, $s->{validity}, $uid, $token);
	$s->{token}{$uid} = $token;
	return;
}

sub seen {
	my ($s, $folder, $validity, $uid, $token) = @_;
	my $key = "$folder $validity $uid";
	return if ($s->{seen}{$key} // '') eq $token;
	$s->{seen}{$key} = $token;
	note('see', $key, $token);
	return;
}

sub select_folder {
	my ($s, $folder) = @_;
	$s->{folder} = undef;
	my $r = cmd($s, "SELECT \"$folder\"");
	return 0 if $r->{status} ne 'OK';
	$s->{folder} = $folder;
	$s->{validity} = $r->code('UIDVALIDITY');
	$s->{uids} = [(undef) x ($r->num('EXISTS') // 0)];
	$s->{token} = {};
	learn_new($s);
	return 1;
}

# UIDs and tokens of the messages that are not known yet
sub learn_new {
	my ($s) = @_;
	my @n = grep { my $u = $s->{uids}[$_ - 1];
		!defined $u || !$s->{token}{$u} } 1 .. @{ $s->{uids} };
	return if !@n;
	cmd($s, "FETCH $n[0]:$n[-1] (UID BODY.PEEK[HEADER.FIELDS (X-TOKEN)])");
	return;
}

# up to n messages of these kinds: sequence numbers
sub pick {
	my ($s, $kinds, $max) = @_;
	learn_new($s);
	my @n = grep { ($s->{token}{ $s->{uids}[$_ - 1] // 0 } // '')
	    =~ /^[$kinds]/ } 1 .. @{ $s->{uids} } or return;
	my $i = int rand @n;
	my $last = $i + int rand $max;
	return @n[$i .. ($last > $#n ? $#n : $last)];
}

sub uids { my ($s, @n) = @_; return map { $s->{uids}[$_ - 1] } @n }

my @FLAGS = qw(\Seen \Flagged \Answered \Draft $Work $Junk);

sub some_flags {
	return '(' . join(' ', grep { rand() < 0.4 } @FLAGS) . ')';
}

sub do_store {
	my ($s) = @_;
	my @n = pick($s, 'MC', 20) or return;
	my $how = (qw(FLAGS +FLAGS -FLAGS FLAGS.SILENT +FLAGS.SILENT))[rand 5];
	return cmd($s, 'STORE ' . join(',', @n) . " $how " . some_flags());
}

sub do_uid_store {
	my ($s) = @_;
	my @n = pick($s, 'MC', 5) or return;
	return cmd($s, 'UID STORE ' . join(',', uids($s, @n)) . ' ' .
	    (qw(+FLAGS -FLAGS))[rand 2] . ' ' . some_flags());
}

sub do_fetch {
	my ($s) = @_;
	my $n = @{ $s->{uids} } or return;
	my $from = 1 + int rand $n;
	return cmd($s, "FETCH $from:* (UID FLAGS INTERNALDATE RFC822.SIZE " .
	    'ENVELOPE)');
}

sub do_body {
	my ($s) = @_;
	my @n = pick($s, 'MCD', 3) or return;
	my $r = cmd($s, 'FETCH ' . join(',', @n) . ' (UID RFC822.SIZE ' .
	    'BODY.PEEK[])');
	for my $f (values %{ $r->fetched }) {
		my $b = $f->{'BODY[]'} // next;
		my ($token) = $b =~ /^X-Token: (\w+)\r$/m;
		bad("UID $f->{UID} altered in $s->{folder}") if !$token ||
		    ($b =~ /\r\n\r\n(.*)/s)[0] ne body_of($token);
		bad("UID $f->{UID}: RFC822.SIZE $f->{'RFC822.SIZE'}, has " .
		    length $b) if length $b != $f->{'RFC822.SIZE'};
		next if !$token || !$f->{UID};
		seen($s, $s->{folder}, $s->{validity}, $f->{UID}, $token);
	}
	return;
}

sub do_search {
	my ($s) = @_;
	my ($what) = ('UNSEEN', 'FLAGGED', 'KEYWORD $Work', 'TEXT "candle"',
	    'SUBJECT "message M"')[rand 5];
	my $r = cmd($s, (rand() < 0.5 ? 'UID ' : '') . "SEARCH $what");
	return $r;
}

sub do_append {
	my ($s) = @_;
	my $token = new_token();
	my $to = $SHARED[rand @SHARED];
	my $r = cmd($s, "APPEND $to " . some_flags() . ' ',
	    lit_plus(message($token)));
	if ($r->{status} ne 'OK') {
		bad("APPEND: $r->{raw}");
		return;
	}
	note('have', $token);
	my ($validity, $uid) = $r->code('APPENDUID');
	seen($s, $to, $validity, $uid, $token) if $uid;
	return;
}

sub expand {
	my ($set) = @_;
	return map { /^(\d+):(\d+)$/ ? $1 < $2 ? $1 .. $2 : $2 .. $1 : $_ }
	    split /,/, $set;
}

# what COPYUID says where the messages went
sub copied {
	my ($s, $r, $to) = @_;
	my ($validity, $from, $new) = $r->code('COPYUID') or return;
	my @from = expand($from);
	my @new = expand($new);
	return bad("COPYUID $from $new") if @from != @new;
	for my $i (0 .. $#from) {
		my $token = $s->{token}{ $from[$i] } // next;
		seen($s, $to, $validity, $new[$i], $token);
	}
	return;
}

sub other_folder {
	my ($s) = @_;
	my @o = grep { $_ ne $s->{folder} } @SHARED;
	return $o[rand @o];
}

sub do_move {
	my ($s) = @_;
	my @n = pick($s, 'MC', 6) or return;
	my $to = other_folder($s);
	my $r = rand() < 0.5 ? cmd($s, 'MOVE ' . join(',', @n) . " $to") :
	    cmd($s, 'UID MOVE ' . join(',', uids($s, @n)) . " $to");
	copied($s, $r, $to);
	return;
}

sub do_copy {
	my ($s) = @_;
	return if @{ $s->{uids} } > 400;
	my @n = pick($s, 'C', 4) or return;
	my $to = $SHARED[rand @SHARED];
	note('copy', $s->{token}{$_}) for uids($s, @n);
	my $r = cmd($s, 'COPY ' . join(',', @n) . " $to");
	copied($s, $r, $to);
	return;
}

sub do_delete {
	my ($s) = @_;
	my @n = grep { ($s->{token}{ $s->{uids}[$_ - 1] } // '') =~ /^D/ }
	    pick($s, 'D', @{ $s->{uids} } > 300 ? 100 : 8) or return;
	note('risk', $s->{token}{$_}) for uids($s, @n);
	return cmd($s, 'UID STORE ' . join(',', uids($s, @n)) .
	    ' +FLAGS.SILENT (\Deleted)');
}

sub do_expunge {
	my ($s) = @_;
	return cmd($s, 'EXPUNGE') if rand() < 0.6;
	my @n = pick($s, 'D', 10) or return;
	return cmd($s, 'UID EXPUNGE ' . join(',', uids($s, @n)));
}

sub do_select { my ($s) = @_; return select_folder($s, $SHARED[rand @SHARED]) }
sub do_noop { return cmd($_[0], rand() < 0.5 ? 'NOOP' : 'CHECK') }

sub do_close {
	my ($s) = @_;
	my $verb = rand() < 0.5 ? 'CLOSE' : 'UNSELECT';
	my $r = cmd($s, $verb);
	$s->{folder} = undef;
	return $r;
}

sub do_idle {
	my ($s) = @_;
	my $c = $s->{c};
	note('did', 'IDLE');
	if (!$c->idle_start) {
		bad('IDLE refused');
		return;
	}
	$c->wait_untagged(sub { $_->{name} eq 'EXISTS' }, rand 0.3);
	my $r = $c->idle_done;
	die "connection lost in IDLE\n" if $r->{status} eq 'EOF';
	follow($s, 'IDLE', $r);
	return;
}

sub do_status {
	my ($s) = @_;
	my $f = other_folder($s);
	my $r = cmd($s, "STATUS $f (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)");
	bad("STATUS $f: $r->{raw}") if $r->{status} ne 'OK';
	return;
}

# A folder of this session is made, filled with what may be deleted, renamed
# and deleted with all that is in it.
sub do_churn {
	my ($s) = @_;
	my $f = "Churn-$name";
	my $k = $s->{churn}++ % 5;
	my @n = $k == 1 || $k == 2 ? pick($s, 'D', 5) : ();
	note('risk', $s->{token}{$_}) for uids($s, @n);
	return cmd($s, "CREATE $f") if $k == 0;
	return cmd($s, 'UID COPY ' . join(',', uids($s, @n)) . " $f")
	    if $k == 1 && @n;
	return cmd($s, 'UID MOVE ' . join(',', uids($s, @n)) . " $f")
	    if $k == 2 && @n;
	return cmd($s, "RENAME $f $f-renamed") if $k == 3;
	return cmd($s, "DELETE $f-renamed") if $k == 4;
	return;
}

# A folder of this session that is never deleted: messages move into it, and it
# is renamed with them.
sub do_keep {
	my ($s) = @_;
	my @names = map { "Keep-$name-$_" } 0, 1;
	my $now = $s->{keep} // -1;
	if ($now < 0) {
		cmd($s, "CREATE $names[0]");
		$s->{keep} = 0;
	} elsif (rand() < 0.5) {
		my @n = pick($s, 'M', 2) or return;
		my $r = cmd($s, 'UID MOVE ' . join(',', uids($s, @n)) .
		    " $names[$now]");
		copied($s, $r, $names[$now]);
	} else {
		my $r = cmd($s, "RENAME $names[$now] $names[1 - $now]");
		$s->{keep} = 1 - $now if $r->{status} eq 'OK';
	}
	return;
}

# What this session sees of its mailbox after a NOOP is what a session sees
# that has just selected it: UIDs and flags.
sub converge {
	my ($s) = @_;
	my $end = time + 10;
	return if !$s->{folder};
	# the others come to their end, too
	sleep 3 + rand 1;
	my ($mine, $fresh);
	do {
		sleep 0.2;
		cmd($s, 'NOOP');
		$mine = view($s->{c});
		my $c = Postrider::Imap->new(port =>
		    $s->{arg}{server}->port('imap'));
		$c->login($s->{arg}{user}, $s->{arg}{password})->expect;
		$c->cmd("EXAMINE \"$s->{folder}\"")->expect;
		$fresh = view($c);
		$c->logout;
	} while $mine ne $fresh && time < $end;
	bad("the view of $s->{folder} has not converged: " .
	    differs($mine, $fresh)) if $mine ne $fresh;
	note('did', 'converge');
	return;
}

sub view {
	my ($c) = @_;
	my $by = $c->cmd('UID FETCH 1:* FLAGS')->expect->fetched;
	return join "\n", map { "$by->{$_}{UID} " . join ' ',
		sort grep { !/recent/i } @{ $by->{$_}{FLAGS} } }
	    sort { $a <=> $b } keys %$by;
}

# the first lines that only one of two texts has
sub differs {
	my ($one, $two) = @_;
	my %n;
	$n{$_}++ for split /\n/, $one;
	$n{$_}-- for split /\n/, $two;
	my @d = grep { $n{$_} } sort keys %n;
	return join '; ', map { ($n{$_} > 0 ? 'old: ' : 'new: ') . $_ }
	    splice @d, 0, 6;
}

# ---- the check --------------------------------------------------------------

# Read all journals: { have, risk, copy => { token => times }, uid => { key =>
# token }, bad => [...], did => { command => times } }
sub journals {
	my ($dir) = @_;
	my %j = (bad => []);
	for my $path (glob "$dir/journal.*") {
		open my $f, '<', $path or die "$path: $!\n";
		while (my $line = <$f>) {
			chomp $line;
			my ($k, $rest) = split / /, $line, 2;
			if ($k eq 'bad') {
				push @{ $j{bad} }, $rest;
			} elsif ($k eq 'see') {
				saw(\%j, $rest =~ /^(.* \d+ \d+) (\w+)$/);
			} else {
				$j{$k}{$rest}++;
			}
		}
	}
	return \%j;
}

sub saw {
	my ($j, $key, $token) = @_;
	my $old = $j->{uid}{$key} //= $token;
	push @{ $j->{bad} }, "a UID was used twice: $key is $old and $token"
	    if $old ne $token;
	return;
}

# Compare with what there is: folders => [[folder, uidvalidity, { uid => token
# }], ...].  moved: true where a move must not have doubled a message.  The
# journals, with all findings in {bad}.
sub check_journals {
	my ($dir, $folders, $moved) = @_;
	my $j = journals($dir);
	my %n;
	for my $f (@$folders) {
		my ($folder, $validity, $uids) = @$f;
		while (my ($uid, $token) = each %$uids) {
			$n{$token}++;
			saw($j, "$folder $validity $uid", $token);
		}
	}
	for my $t (sort keys %{ $j->{have} }) {
		my $n = $n{$t} // 0;
		push @{ $j->{bad} }, "lost: $t" if !$n && !$j->{risk}{$t};
		my $most = 1 + ($j->{copy}{$t} // 0);
		push @{ $j->{bad} }, "$t is there $n times, not $most"
		    if $moved && $n > $most && $t !~ /^D/;
	}
	$j->{messages} = 0;
	$j->{messages} += $_ for values %n;
	return $j;
}

1;
