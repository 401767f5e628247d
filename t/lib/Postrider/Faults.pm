package Postrider::Faults;

# An instance whose programs have t/fault/shim.so in front of the C library,
# and another host to relay to.  One call of one program fails, then a life is
# gone through: of a message (mail_life), of messages that take all other ways
# (ways_life), an IMAP session (imap_life), a POP3 session (pop_life).
#
#   my $f = Postrider::Faults->new;      ways => 1: with what ways_life needs
#   $f->arm('qmgr', 'sync', 2);          the second fsync or the like of qmgr
#   my @wrong = $f->mail_life(300);      what is not as it must be: ()
#   $f->disarm                           how often it failed: 0 or 1
#   $f->count; ...; $f->counted          { qmgr => { sync => 6, ... }, ... }
# A start is a life behind restart(PROGRAM).

use strict;
use warnings;
use Time::HiRes qw(sleep time);

use Postrider::Faults::Imap;
use Postrider::Faults::Page;
use Postrider::Faults::Pop;
use Postrider::Faults::Ways;
use Postrider::Instance;
use Postrider::Zoo;

our @ISA = qw(Postrider::Faults::Page Postrider::Faults::Imap
    Postrider::Faults::Pop Postrider::Faults::Ways);

my %soon = (first_retry => '1s', min_retry => '1s', max_retry => '1s',
    transport_retry => '1s', destination_suspend => '1s', suspend_max => '1s');

sub new {
	my ($class, %arg) = @_;
	my $zoo = Postrider::Zoo->new(offer => [qw(PIPELINING 8BITMIME)],
	    at => { rcpt => sub {
		return $_[1] =~ /bad/ ? '550 5.1.1 no' : '250 2.1.5 ok' } });
	my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
	    conf => { 'router.conf' => { relayhost => $zoo->nexthop },
	    'qmgr.conf' => \%soon, 'smtp.conf' => { tls_level => 'none' },
	    'submission.conf' => { map { ("limit_$_" => 0) }
		qw(hour day new) },
	    # one process that starts, not two among each other
	    'master.conf' => { throttle_max => '1s', 'smtpd/spare' => 1,
		'tlsd/spare' => 1 } });
	my $self = bless { i => $i, zoo => $zoo, n => 0,
	    control => "$i->{tmp}/faults" }, $class;
	$self->page_begin;
	$self->ways_begin if $arg{ways};
	local %ENV = (%ENV, $self->env);
	$i->start;
	return $self;
}

sub instance { return $_[0]{i} }

# the n-th call of a program, of any process of it; jump: seconds
sub arm {
	my ($self, @what) = @_;
	$self->SUPER::arm(@what);
	$self->{mark} = $self->{i}->log_mark;
	return;
}

# what was logged of it since
sub told {
	my ($self) = @_;
	return grep { /level=(?:warn|error|fatal)|\bdeferred |\breject / }
	    $self->{i}->log_lines($self->{mark});
}

# what logd or master does not say by the log, logd can not be asked for; nor
# who was killed
sub _told_or_mute {
	my ($self) = @_;
	return $self->told || $self->armed eq 'logd' ||
	    $self->class eq 'kill';
}

# ---- mail --------------------------------------------------------------------

sub _send {
	my ($self, $token, $bytes, @to) = @_;
	return eval {
		local $Postrider::Line::TIMEOUT = 30;
		my $c = $self->{i}->smtp('submission');
		scalar $c->send(auth => ['bob', 'pw'],
		    from => 'bob@example.test', to => \@to,
		    message => "From: bob\@example.test\nSubject: $token\n\n" .
		    ('x' x 63 . "\n") x ($bytes / 64));
	} // 0;
}

# the files of a mailbox that have the token
sub _have {
	my ($self, $user, $token) = @_;
	return grep {
		my $t = eval { $self->{i}->slurp($_) } // '';
		$t =~ /^Subject: \Q$token\E$/m;
	} $self->{i}->mails($user);
}

sub _relayed {
	my ($self, $token) = @_;
	return grep { $_->{content} =~ /^Subject: \Q$token\E\r$/m }
	    $self->{zoo}->took;
}

# A message from a login to a mailbox, to another host, and to somebody there
# who does not exist.  What was answered with 250 gets there, once, what with
# another code never; all goes on.
sub mail_life {
	my ($self, $bytes, %may) = @_;
	my ($i, @wrong, %n) = ($self->{i});
	my $token = 'm' . ++$self->{n} . 'x';
	my $code = $self->_send($token, $bytes, 'ann@example.test',
	    "ok$token\@example.net", "bad$token\@example.net");
	push @wrong, "answer $code" if $code && $code != 250 && $code < 400 ||
	    $code >= 500;
	if ($code == 250) {
		$i->wait_for(sub {
			%n = (ann => scalar $self->_have('ann', $token),
			    relay => scalar $self->_relayed($token),
			    bounce => scalar $self->_have('bob', $token));
			return !grep { !$_ } values %n;
		}, 40);
		$i->wait_for(sub { $self->_queue !~ /$token/ }, 20)
		    or push @wrong, 'still in the queue';
		for my $w (sort keys %n) {
			push @wrong, "$w: $n{$w}" if $n{$w} < 1 ||
			    $n{$w} > ($may{$w} // 1);
		}
	}
	$self->{fired} = $self->disarm;
	push @wrong, "answer $code, delivered" if $code >= 400 &&
	    ($self->_have('ann', $token) || $self->_relayed($token));
	push @wrong, "answer $code, not logged" if $code != 250 &&
	    !$self->_told_or_mute;
	return @wrong;
}

# qmgr may be what fails
sub _queue { return eval { $_[0]{i}->queue('list') } // 'no answer' }

# The processes of a program end: others begin, with the next life; where the
# service keeps one ready it has begun, or failed, when this returns.
sub restart {
	my ($self, $program) = @_;
	my $i = $self->{i};
	my @pid = $i->pids_of($program);
	kill 'TERM', @pid;
	$i->wait_for(sub { !grep { kill 0, $_ } @pid }) or
	    die "$program does not end\n";
	$i->wait_for(sub { $self->fired || $self->_ready }) or
	    die "$program does not start\n";
	return;
}

sub _ready {
	my ($self) = @_;
	my ($st, $out) = $self->{i}->ctl('status', '--json');
	return $st == 0 && $out =~ /"ready":true/;
}

# the processes that ended and did not say why
sub mute_ends {
	my ($self) = @_;
	my @line = $self->{i}->log_lines($self->{mark});
	my @wrong;
	for my $pid (map { / crashed .*child=(\d+)/ } @line) {
		push @wrong, "$pid ended mute" if !grep { /\[$pid\]: / } @line;
	}
	return @wrong;
}

# ordinary mail, when what died is there again
sub goes_on {
	my ($self) = @_;
	my $token = 'g' . ++$self->{n} . 'x';
	my $code;
	$self->{i}->wait_for(sub {
		$code = $self->_send($token, 100, 'ann@example.test');
		return $code == 250;
	}, 20);
	return "afterwards $code" if $code != 250;
	$self->{i}->wait_for(sub { $self->_have('ann', $token) == 1 }, 30) or
	    return 'afterwards: not delivered';
	unlink $self->{i}->mails('ann'), $self->{i}->mails('bob');
	return;
}

1;
