package Postrider::Pop3;

# A raw POP3 client; see Line.pm.
#
#   my $p = Postrider::Pop3->new(port => $i->port('pop3'));
#   like $p->cmd('USER ann'), qr/^\+OK/;     a reply of one line
#   my ($status, $body) = $p->multi('UIDL'); body: LF lines, un-dotted; undef
#                                            where the status is not +OK

use strict;
use warnings;
use parent -norequire, 'Postrider::Line';
use Postrider::Line;

sub new {
	my ($class, %arg) = @_;
	my $self = $class->connect_to(%arg);
	$self->{greeting} = $self->line;
	return $self;
}

sub greeting { return $_[0]{greeting} }

sub cmd {
	my ($self, $line) = @_;
	$self->put("$line\r\n");
	return $self->line // '';
}

# the lines of a multi-line reply up to its dot
sub body {
	my ($self) = @_;
	my $body = '';
	while (defined(my $l = $self->line)) {
		return $body if $l eq '.';
		$l =~ s/^\.//;
		$body .= "$l\n";
	}
	die "the stream ended inside a reply\n";
}

sub multi {
	my ($self, $line) = @_;
	my $status = $self->cmd($line);
	return ($status, $status =~ /^\+OK/ ? $self->body : undef);
}

# several commands in one write; the one-line replies
sub pipeline {
	my ($self, @line) = @_;
	$self->put(join '', map { "$_\r\n" } @line);
	return map { $self->line // '' } @line;
}

sub login {
	my ($self, $user, $password) = @_;
	my $r = $self->cmd("USER $user");
	return $r unless $r =~ /^\+OK/;
	return $self->cmd("PASS $password");
}

# (messages, octets)
sub stat {
	my ($self) = @_;
	return $self->cmd('STAT') =~ /^\+OK (\d+) (\d+)/;
}

# the message, LF lines; dies where there is none
sub retr {
	my ($self, $n) = @_;
	my ($status, $body) = $self->multi("RETR $n");
	return $body // die "RETR $n: $status\n";
}

sub quit {
	my ($self) = @_;
	my $r = $self->cmd('QUIT');
	$self->close;
	return $r;
}

1;
