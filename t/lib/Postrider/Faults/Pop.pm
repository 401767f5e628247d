package Postrider::Faults::Pop;

# A POP3 session while a call fails; see Faults.pm.

use strict;
use warnings;

use Postrider::Pop3;

# three messages in the mailbox of bob, nothing else
sub pop_begin {
	my ($self) = @_;
	my $i = $self->{i};
	unlink $i->mails('bob');
	for my $n (1 .. 3) {
		my $code = $self->_send("pop$n", 200 * $n, 'bob@example.test');
		return 0 if $code != 250;
	}
	return $i->wait_for(sub { 3 == (() = $i->mails('bob')) }, 30);
}

# What was said is so: after QUIT with +OK what was deleted is gone; without,
# it may be.  The others are there.
sub pop_life {
	my ($self) = @_;
	my ($i, @wrong, $last, %text) = ($self->{i});
	my $ok = eval {
		local $Postrider::Line::TIMEOUT = 30;
		my $p = $self->{i}->pop3;
		$last = $p->greeting // '';
		$last = $p->login('bob', 'pw') if $last =~ /^\+OK/;
		$last =~ /^\+OK/ or return 0;
		$last = $p->cmd('STAT');
		push @wrong, "STAT: $last" if $last =~ /^\+OK/ &&
		    $last !~ /^\+OK 3 /;
		for my $cmd (qw(LIST UIDL)) {
			my ($st, $body) = $p->multi($cmd);
			push @wrong, "$cmd: $body" if defined $body &&
			    (() = $body =~ /^\d/mg) != 3;
		}
		for my $n (1 .. 3) {
			my ($st, $body) = $p->multi("RETR $n");
			$last = $st;
			next unless defined $body;
			$body =~ /^Subject: (pop\d)$/m;
			$text{ $1 // '?' } = 1;
		}
		$last = $p->cmd('DELE 1');
		my $deleted = $last =~ /^\+OK/;
		$last = $p->quit;
		return $last =~ /^\+OK/ ? 1 + $deleted : 0;
	};
	$self->{fired} = $self->disarm;
	push @wrong, "a message that is none" if $text{'?'};
	push @wrong, 'answered with -ERR (' . ($last // $@) . '), not logged'
	    if !$ok && !$self->_told_or_mute;
	my $left = () = $i->mails('bob');
	push @wrong, "$left messages" if $left < 2 || $left > 3 ||
	    (($ok // 0) == 2 && $left != 2) || (($ok // 0) == 1 && $left != 3);
	return @wrong;
}

1;
