package Postrider::Line;

# A raw client of a line protocol: it sends exactly what it is told and gives
# back exactly what came, so that tests can do what no client library would.

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

our $TIMEOUT = $ENV{POSTRIDER_TEST_TIMEOUT} || 60;

# port (and host), or path of a UNIX socket, or fh
sub connect_to {
	my ($class, %arg) = @_;
	my $fh = $arg{fh} || ($arg{path} ?
	    IO::Socket::UNIX->new(Peer => $arg{path}) :
	    IO::Socket::INET->new(PeerAddr => $arg{host} || '127.0.0.1',
	    PeerPort => $arg{port}, Proto => 'tcp',
	    ($arg{from} ? (LocalAddr => $arg{from}) : ())));
	$fh or die 'connect ' . ($arg{path} || $arg{port}) . ": $!\n";
	binmode $fh;
	return bless { fh => $fh, buf => '', eof => 0 }, $class;
}

sub fh { return $_[0]{fh} }

# bytes as they are
sub put {
	my ($self, $bytes) = @_;
	my $off = 0;
	local $SIG{PIPE} = 'IGNORE';
	while ($off < length $bytes) {
		my $n = syswrite $self->{fh}, $bytes, 65536, $off;
		return 0 unless defined $n;
		$off += $n;
	}
	return 1;
}

# more bytes into the buffer: false at the end of the stream; dies after the
# time
sub fill {
	my ($self, $secs) = @_;
	return 0 if $self->{eof};
	my $fh = $self->{fh};
	# under TLS, what came may have been read from the socket already
	($fh->can('pending') && $fh->pending) ||
	    IO::Select->new($fh)->can_read($secs // $TIMEOUT) or
	    die "no answer within the time; so far: $self->{buf}\n";
	my $n = sysread $self->{fh}, $self->{buf}, 65536,
	    length $self->{buf};
	$self->{eof} = 1 unless $n;
	return $n;
}

# one line without its CRLF; undef at the end of the stream
sub line {
	my ($self) = @_;
	while ($self->{buf} !~ /\n/) {
		$self->fill or return undef;	## no critic
	}
	$self->{buf} =~ s/^(.*?)\r?\n//s;
	return $1;
}

# nothing more comes: true where the peer has closed within the time
sub closed {
	my ($self, $secs) = @_;
	return eval { 1 while $self->fill($secs // $TIMEOUT); 1 } || 0;
}

# true where something can be read now
sub pending {
	my ($self, $secs) = @_;
	return 1 if length $self->{buf};
	return IO::Select->new($self->{fh})->can_read($secs // 0) ? 1 : 0;
}

sub close {
	my ($self) = @_;
	return CORE::close $self->{fh};
}

1;
