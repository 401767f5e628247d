package Postrider::Load;

# Senders that go on while the suite is being killed, and the account of what
# became of each message.
#
#   my $l = Postrider::Load->new($i, senders => 6, users => [qw(a b c)]);
#   $l->start; ...; $l->stop;
#   my $r = $l->audit;
#
# A message has a token and is sent until it is answered 250; each attempt is
# a message of its own (number and content differ), so that a Maildir tells
# which attempts were delivered.  An attempt ends as
#
#   ok       answered 250
#   refused  answered otherwise, or cut off before the final dot was sent: no
#            copy of it may ever be delivered
#   window   the final dot was sent and no answer came: SMTP can not say

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use POSIX ();
use Time::HiRes qw(sleep time);

use Postrider::Smtp;

sub new {
	my ($class, $i, %arg) = @_;
	my $self = bless { i => $i, senders => 6, %arg, pids => {},
	    runs => 0 }, $class;
	$self->{file} = "$i->{tmp}/attempts";
	return $self;
}

# ---- content -------------------------------------------------------------

# the message of an attempt: the same for the same name
sub content {
	my ($name) = @_;
	my $h = md5_hex($name);
	my $text = "X-Attempt: $name\nSubject: $name\n\n.\n..dots\n";
	my $lines = $h =~ /^0/ ? 4000 : 1 + hex(substr $h, 1, 2);
	for my $n (1 .. $lines) {
		$text .= ".$n " if $n % 7 == 0;
		$text .= substr($h, $n % 30) x 2 . " \xe4\xf6 $n\n";
	}
	return "$text\nend of $name\n";
}

# ---- a sender ------------------------------------------------------------

sub _note {
	my ($self, $how, $name, $code, @to) = @_;
	syswrite $self->{out}, join("\t", sprintf('%.3f', time), $how, $name,
	    $code, @to) . "\n";
	return;
}

# one attempt: true where it was answered 250
sub _attempt {
	my ($self, $c, $name, @to) = @_;
	my ($how, $domain) = ('refused', $self->{i}{domains}[0]);
	my $code = eval {
		my @cmd = ("MAIL FROM:<$name\@sender.example>",
		    (map { "RCPT TO:<$_\@$domain>" } @to), 'DATA');
		my @r = rand() < 0.5 ? $c->pipeline(@cmd) : ();
		while (!@r || ($r[-1] < 300 && @r < @cmd)) {
			push @r, scalar $c->cmd($cmd[@r]);
			die "cut\n" unless $r[-1];
		}
		my ($bad) = grep { $_ >= 400 || $_ == 0 } @r;
		# of a part of the recipients: nothing, by hanging up
		die "partly\n" if defined $bad && $r[-1] == 354;
		return $bad if defined $bad;
		my $wire = $c->dotted(content($name));
		$wire =~ s/\.\r\n\z//;
		$c->put($wire) or die "cut\n";
		$how = 'window';
		$c->put(".\r\n");
		my $code = $c->reply;
		return $code;
	} // 0;
	$how = $code == 250 ? 'ok' : 'refused' if $code;
	# what was said is of interest where there was no trouble of ours
	my $text = $code >= 500 ? $c->last =~ s/\s+/ /gr : '';
	$self->_note($how, $name, $text || $code, @to);
	$code = 0 if $how ne 'ok' && !eval { $c->cmd('RSET') == 250 };
	return ($how eq 'ok', $code);
}

sub _session {
	my ($self) = @_;
	my $c = eval { $self->{i}->smtp };
	return $c if $c && eval { $c->greeting == 220 && $c->ehlo };
	sleep 0.02;
	return;
}

# messages, one after the other, until there is the file `stop'
sub _sender {
	my ($self, $who) = @_;
	my ($n, $c) = (0);
	my @users = @{ $self->{users} };
	my $stop = "$self->{file}.stop";
	srand($who * 7919 + $$);
	while (!-e $stop) {
		my ($token, $try, $ok) = ('m' . $who . 'x' . $n++, 0, 0);
		my %to;
		$to{ $users[rand @users] } = 1 for 0 .. rand 3;
		while (!$ok) {
			# a last one that can not be sent: never accepted
			return if -e $stop && $try && !$c;
			$c = rand() < 0.3 ? undef : $c;
			$c //= $self->_session or next;
			my $code;
			($ok, $code) = $self->_attempt($c,
			    sprintf('%s-%d', $token, ++$try), sort keys %to);
			undef $c unless $ok || $code >= 400;
			undef $c if $code == 421;
			sleep 0.02 unless $ok;
		}
	}
	return;
}

sub start {
	my ($self) = @_;
	unlink "$self->{file}.stop";
	open $self->{out}, '>>', $self->{file} or die "$self->{file}: $!\n";
	$self->{runs}++;
	for my $who (1 .. $self->{senders}) {
		my $pid = fork // die "fork: $!\n";
		if (!$pid) {
			$SIG{PIPE} = 'IGNORE';
			eval { $self->_sender($self->{runs} * 100 + $who);
			    1 } or print STDERR "sender: $@";
			POSIX::_exit($@ ? 1 : 0);
		}
		$self->{pids}{$pid} = 1;
	}
	return;
}

# They finish what they have; the suite must be up.  True where all ended well.
sub stop {
	my ($self) = @_;
	open my $fh, '>', "$self->{file}.stop";
	my $end = time + 120;
	my $good = 1;
	while (%{ $self->{pids} } && time < $end) {
		for my $pid (keys %{ $self->{pids} }) {
			next if waitpid($pid, POSIX::WNOHANG()) == 0;
			$good = 0 if $?;
			delete $self->{pids}{$pid};
		}
		sleep 0.02;
	}
	$good = 0 if %{ $self->{pids} };
	$self->kill_senders;
	close $self->{out};
	return $good;
}

sub kill_senders {
	my ($self) = @_;
	kill 'KILL', keys %{ $self->{pids} };
	waitpid $_, 0 for keys %{ $self->{pids} };
	$self->{pids} = {};
	return;
}

sub attempts {
	my ($self) = @_;
	open my $fh, '<', $self->{file} or return;
	return map { chomp; [split /\t/] } <$fh>;
}

# ---- the account ---------------------------------------------------------

# all that lies in the mailboxes: { attempt => { user => [files] } }; a
# complaint for each file that is not what was sent
sub _delivered {
	my ($self, $bad) = @_;
	my %got;
	for my $u (@{ $self->{users} }) {
		for my $f ($self->{i}->mails($u)) {
			my $text = $self->{i}->slurp($f);
			my ($name) = $text =~ /^X-Attempt: (\S+)$/m;
			if (!defined $name) {
				push @$bad, "not of ours: $f";
				next;
			}
			my $file = $f =~ s{.*/}{}r;
			push @{ $got{$name}{$u} }, $file;
			my $at = index $text, "X-Attempt: ";
			my ($head, $rest) = (substr($text, 0, $at),
			    substr($text, $at));
			push @$bad, "$name: altered for $u: $file"
			    if $rest ne content($name);
			push @$bad, "$name: trace for $u: $file" unless $head =~
			    /\AReturn-Path:\ <\Q$name\E\@sender\.example>\n
			    (?:Delivered-To:\ \S+\n)?
			    Received:\ .*\n(?:[ \t].*\n)*\z/x;
		}
	}
	return \%got;
}

# what is wrong with one attempt, of which there are those copies
sub _wrong {
	my ($how, $code, $got, @to) = @_;
	my %left = %$got;
	my @bad = $code =~ /^5/ ? 'answered' : ();
	if ($how eq 'refused') {
		return (@bad, map { "has a copy: $_ @{ $got->{$_} }" }
		    sort keys %$got);
	}
	return @bad if $how eq 'window' && !%$got;
	for my $u (@to) {
		my @have = @{ delete $left{$u} || [] };
		push @bad, @have . " copies for $u @have" if @have != 1;
	}
	return (@bad, map { "a copy for $_, too" } sort keys %left);
}

# { ok, refused, window, delivered (of the window), duplicates, copies, bad }
sub audit {
	my ($self) = @_;
	my %r = (bad => [], map { $_ => 0 } qw(ok refused window delivered
	    duplicates copies));
	my $got = $self->_delivered($r{bad});
	my %copies;		# of a message: attempts that were delivered
	for my $a ($self->attempts) {
		my ($at, $how, $name, $code, @to) = @$a;
		my $g = delete $got->{$name} || {};
		my ($token) = $name =~ /^(.*)-/;
		my $n = 0;
		$n += @$_ for values %$g;
		$r{$how}++;
		$r{copies} += $n;
		push @{ $r{bad} }, "$name: $how ($code) at " .
		    POSIX::strftime('%M:%S', gmtime $at) . ": $_"
		    for _wrong($how, $code, $g, @to);
		next if $how eq 'refused' || ($how eq 'window' && !$n);
		$r{delivered}++ if $how eq 'window';
		$r{duplicates}++ if $copies{$token}++;
	}
	push @{ $r{bad} }, "$_: nobody sent it" for keys %$got;
	return \%r;
}

sub DESTROY {
	my ($self) = @_;
	kill 'KILL', keys %{ $self->{pids} } if $self->{i}{owner} == $$;
	return;
}

1;
