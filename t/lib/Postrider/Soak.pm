package Postrider::Soak;

# A long soak: what its processes have in common.  The main process makes
# trouble and measures (Soak::Trouble), others are clients (Soak::Clients) and
# the host that mail is relayed to (Soak::Sink); in the end Soak::Audit adds up.
#
# Each writes a ledger of its own, one line one write: time, verb, arguments,
# parted by tabs.
#
#   try TOKEN HOW TO...    the end of the content is about to be sent
#   ok TOKEN [TO...]       250, for all or (LMTP) for these
#   no TOKEN [TO...]       refused, or cut before the end of the content
#   here USER FOLDER TOKEN MIN MAX   so many more copies are in this folder
#   sum USER TOKEN MIN MAX           and so many more in the mailbox
#   flag USER TOKEN 0|1|?            what is known of \Flagged
#   took TOKEN TO...       the sink is about to say 250
#   failed TOKEN TO        the sink has said 550: there is to be a report
#   trouble WHAT           the main process has done this
#   calm, rough            from now on there is no trouble, or there is
#   err TEXT               a session was cut or told to come again: expected
#                          while there is trouble
#   bad TEXT               what must not happen, ever
#   did WHAT
#
# A `try' without `ok' or `no' is SMTP's window: all recipients have it, or
# none.  TO is USER, or an address of another host.

use strict;
use warnings;
use POSIX ();
use Time::HiRes qw(sleep time);

our $SINK = 'sink.example';
our @ALIAS = ('team', 'u1', 'u2', 'u3');

# instance, dir (of the ledgers), seed, users (count), pace (seconds between
# the actions of a client)
sub new {
	my ($class, %arg) = @_;
	return bless { %arg, owner => $$, pids => {} }, $class;
}

sub password { return "pw-$_[1]" }
sub users { return map { "u$_" } 1 .. $_[0]{users} }

# ---- ledgers ----------------------------------------------------------------

sub open_ledger {
	my ($self, $who) = @_;
	$self->{who} = $who;
	open $self->{out}, '>>', "$self->{dir}/ledger.$who" or
	    die "$self->{dir}: $!\n";
	return;
}

sub note {
	my ($self, @word) = @_;
	s/[\t\r\n]+/ /g for @word;
	syswrite $self->{out}, join("\t", sprintf('%.3f', time), @word) . "\n";
	return;
}

# all lines of all ledgers, in the order of time: [time, who, verb, ...]
sub ledger {
	my ($self) = @_;
	my @all;
	for my $f (glob "$self->{dir}/ledger.*") {
		my ($who) = $f =~ /ledger\.(.*)$/;
		open my $fh, '<', $f or die "$f: $!\n";
		while (my $l = <$fh>) {
			chomp $l;
			my ($t, @word) = split /\t/, $l, -1;
			push @all, [$t, $who, @word];
		}
	}
	return sort { $a->[0] <=> $b->[0] } @all;
}

# how many lines of each verb there are by now
sub counts {
	my ($self) = @_;
	for my $f (glob "$self->{dir}/ledger.*") {
		open my $fh, '<', $f or die "$f: $!\n";
		seek $fh, $self->{read}{$f} // 0, 0;
		while (my $l = <$fh>) {
			$self->{count}{$1}++ if $l =~ /^\S+\t(\w+)/;
		}
		$self->{read}{$f} = tell $fh;
	}
	return %{ $self->{count} // {} };
}

# ---- messages ---------------------------------------------------------------

# A token says how large its message is: s, m, l.
sub token {
	my ($self, $size) = @_;
	$size //= rand() < 0.04 ? 'l' : rand() < 0.15 ? 'm' : 's';
	return $size . $self->{who} . 'n' . ++$self->{serial};
}

my @WORDS = qw(stone river letter candle harbour copper bridge window);

sub body {
	my ($token) = @_;
	my $n = 7;
	$n = $n * 31 + ord($_) & 0xffffff for split //, $token;
	my $lines = $token =~ /^l/ ? 3000 + $n % 9000 : $token =~ /^m/ ?
	    400 + $n % 400 : 1 + $n % 50;
	my $text = ".\n..$token\n";
	for my $l (1 .. $lines) {
		$text .= join(' ', $l, map { $WORDS[$n * $l >> $_ & 7] }
		    0 .. ($n + $l) % 9) . "\n";
	}
	return "$text.end of $token\n";
}

sub message {
	my ($token, $from) = @_;
	return "From: <$from>\nSubject: $token\nX-Soak: $token\n\n" .
	    body($token);
}

# the token of a message that is as it was sent; or undef and what is wrong
sub examine {
	my ($text) = @_;
	$text =~ s/\r\n/\n/g;
	my ($head, $body) = $text =~ /\A(.*?)\n\n(.*)\z/s or
	    return (undef, 'has no header');
	my ($token) = $head =~ /^X-Soak: (\S+)$/m or
	    return (undef, 'has no token');
	return (undef, "$token is altered") if $body ne body($token);
	return $token;
}

# ---- processes --------------------------------------------------------------

sub ends { return -e "$_[0]{dir}/stop" }
sub calm { return -e "$_[0]{dir}/calm" }

# Wait while somebody measures; false where it is over.
sub go_on {
	my ($self) = @_;
	my $pause = $ENV{POSTRIDER_SOAK_PAUSE};
	while (!$self->ends && defined $pause && -e $pause) {
		sleep 0.5;
	}
	return !$self->ends;
}

sub rest {
	my ($self, $times) = @_;
	my $end = time + ($times // 1) * $self->{pace} * (0.2 + 1.6 * rand);
	while ((my $left = $end - time) > 0) {
		return if $self->ends;
		sleep($left > 0.5 ? 0.5 : $left);
	}
	return;
}

# one process: work->() again and again until the end
sub spawn {
	my ($self, $who, $work, %arg) = @_;
	my $pid = fork // die "fork: $!\n";
	if ($pid) {
		$self->{pids}{$pid} = $who;
		return $pid;
	}
	$SIG{PIPE} = 'IGNORE';
	$SIG{$_} = 'DEFAULT' for qw(TERM INT);
	my $sum = 0;
	$sum = $sum * 33 + ord for split //, $who;
	srand($self->{seed} * 1009 + $sum % 100_003);
	$self->open_ledger($who);
	while ($arg{once} || $self->go_on) {
		if (!eval { $work->($self); 1 }) {
			$self->failed($@);
			sleep 0.1;
		}
		last if $arg{once};
		$self->rest;
	}
	POSIX::_exit(0);
}

# what an action died of
sub failed {
	my ($self, $why) = @_;
	# nobody waits for an answer as long as that, whatever is killed
	my $verb = $why =~ /^no answer within/ ? 'bad' :
	    $why =~ /^(?:cut|later|connect|the stream ended)/ ? 'err' : 'bad';
	return $self->note($verb, substr $why, 0, 400);
}

# they end by themselves, within the time; the names of those that did not
sub join_all {
	my ($self, $secs) = @_;
	my ($end, @hung) = (time + $secs);
	for my $pid (keys %{ $self->{pids} }) {
		next if $self->{pids}{$pid} eq 'sink';
		until (waitpid $pid, POSIX::WNOHANG()) {
			if (time > $end) {
				push @hung, $self->{pids}{$pid};
				kill 'KILL', $pid;
			}
			sleep 0.05;
		}
		delete $self->{pids}{$pid};
	}
	return @hung;
}

sub DESTROY {
	my ($self) = @_;
	return if $self->{owner} != $$;
	local ($?, $!);
	kill 'KILL', keys %{ $self->{pids} };
	waitpid $_, 0 for keys %{ $self->{pids} };
	return;
}

1;
