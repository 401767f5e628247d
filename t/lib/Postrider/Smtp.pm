package Postrider::Smtp;

# A raw SMTP or LMTP client; see Line.pm.
#
#   my $c = Postrider::Smtp->new(port => $i->port('smtp'));
#   is $c->cmd('EHLO me'), 250;          scalar: the code
#   my ($code, @text) = $c->cmd('NOOP'); list: the code and the lines' text
#   $c->last                             the last reply as it came

use strict;
use warnings;
use parent -norequire, 'Postrider::Line';
use MIME::Base64 qw(encode_base64);
use Postrider::Line;

# greeting => 0: do not wait for the greeting
sub new {
	my ($class, %arg) = @_;
	my $self = $class->connect_to(%arg);
	$self->{greeting} = $self->reply unless
	    exists $arg{greeting} && !$arg{greeting};
	return $self;
}

sub greeting { return $_[0]{greeting} }
sub last { return $_[0]{last} }

# read one reply: code 0 where the stream ended
sub reply {
	my ($self) = @_;
	my ($code, @text) = (0);
	$self->{last} = '';
	while (defined(my $l = $self->line)) {
		$self->{last} .= "$l\n";
		$l =~ /^(\d{3})([ -]?)(.*)$/s or die "no reply line: $l\n";
		$code = $1;
		push @text, $3;
		last if $2 ne '-';
	}
	return wantarray ? ($code, @text) : $code;
}

sub cmd {
	my ($self, $line) = @_;
	$self->put("$line\r\n");
	return $self->reply;
}

# several commands in one write; the codes
sub pipeline {
	my ($self, @line) = @_;
	$self->put(join '', map { "$_\r\n" } @line);
	return map { scalar $self->reply } @line;
}

# the keywords of EHLO: { SIZE => '1000', PIPELINING => '' }
sub ehlo {
	my ($self, $name, $verb) = @_;
	my ($code, @text) = $self->cmd(($verb || 'EHLO') . ' ' .
	    ($name || 'client.example.org'));
	shift @text;
	$self->{ext} = { map { /^(\S+)\s*(.*)$/ ? (uc $1, $2) : () } @text };
	return $code == 250 ? $self->{ext} : undef;
}

sub auth_plain {
	my ($self, $user, $password) = @_;
	return $self->cmd('AUTH PLAIN ' .
	    encode_base64("\0$user\0$password", ''));
}

# a message as it goes over the wire, with its end
sub dotted {
	my ($self, $msg) = @_;
	$msg =~ s/\r?\n/\r\n/g;
	$msg .= "\r\n" if length $msg && $msg !~ /\r\n\z/;
	$msg =~ s/^\./../mg;
	return "$msg.\r\n";
}

# DATA and the message; the code that decided.  LMTP: give the number of
# accepted recipients and get as many codes.
sub data {
	my ($self, $msg, $n) = @_;
	my @go = $self->cmd('DATA');
	return wantarray ? @go : $go[0] if $go[0] != 354;
	$self->put($self->dotted($msg));
	return map { scalar $self->reply } 1 .. $n if $n;
	return $self->reply;
}

# a whole transaction, stopping at the first refusal
sub send {
	my ($self, %arg) = @_;
	my @to = ref $arg{to} ? @{ $arg{to} } : $arg{to};
	my @r = (250);
	if (!$self->{ext}) {
		$self->ehlo($arg{helo}) or return $self->_last_reply;
	}
	if ($arg{auth}) {
		@r = $self->auth_plain(@{ $arg{auth} });
		return wantarray ? @r : $r[0] if $r[0] >= 400;
	}
	for my $c ("MAIL FROM:<" . ($arg{from} // '') . '>' .
	    ($arg{mail_args} ? " $arg{mail_args}" : ''),
	    map { "RCPT TO:<$_>" } @to) {
		@r = $self->cmd($c);
		return wantarray ? @r : $r[0] if $r[0] >= 400 || !$r[0];
	}
	@r = $self->data($arg{message} // "Subject: test\n\ntest\n");
	return wantarray ? @r : $r[0];
}

sub _last_reply {
	my ($self) = @_;
	my ($code, $text) = ($self->{last} // '') =~ /^(\d{3})[ -]?(.*)/;
	return wantarray ? ($code, $text) : $code;
}

sub quit {
	my ($self) = @_;
	my @r = $self->cmd('QUIT');
	$self->close;
	return wantarray ? @r : $r[0];
}

1;
