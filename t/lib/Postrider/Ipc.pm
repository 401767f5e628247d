package Postrider::Ipc;

# Both ends of a channel between programs: AF_UNIX SOCK_SEQPACKET, one message
# is `verb=NAME\0name=value\0...` with at most one descriptor.
#
#   my $c = Postrider::Ipc->connect($path);
#   my $r = $c->call('begin', [sender => 'a@b', rcpts => 1, rcpt => 'c@d']);
#   $r->{verb} is ok or err, $r->{f}{q} a field, $r->{l}{addr} a list,
#   $r->{fd} a file handle or undef
#
# Perl has no sendmsg; system calls are made by number (x86-64, or of
# sys/syscall.ph where that is there).

use strict;
use warnings;
use IO::Handle;
use IO::Select;
use POSIX ();
use Socket qw(AF_UNIX SOCK_DGRAM SOCK_SEQPACKET SOL_SOCKET pack_sockaddr_un);

our $TIMEOUT = $ENV{POSTRIDER_TEST_TIMEOUT} || 60;
use constant { MAX => 65536, SCM_RIGHTS => 1 };

my ($SENDMSG, $RECVMSG) = (46, 47);
{
	my $m = (POSIX::uname())[4];
	($SENDMSG, $RECVMSG) = (211, 212) if $m eq 'aarch64';
}

sub _socket {
	socket my $s, AF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!\n";
	return $s;
}

sub connect {
	my ($class, $path) = @_;
	my $s = _socket();
	CORE::connect($s, pack_sockaddr_un($path)) or die "$path: $!\n";
	return bless { s => $s }, $class;
}

# through a listener of kind inbox: one end of a pair is sent there; with what:
# that instead
sub inbox {
	my ($class, $path, $what) = @_;
	socket my $d, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!\n";
	CORE::connect($d, pack_sockaddr_un($path)) or die "$path: $!\n";
	socketpair my $ours, my $theirs, AF_UNIX, SOCK_SEQPACKET, 0 or
	    die "socketpair: $!\n";
	(bless { s => $d }, $class)->send_raw("\0", $what // $theirs) or
	    die "$path: $!\n";
	return bless { s => $ours }, $class;
}

sub listen {
	my ($class, $path) = @_;
	my $s = _socket();
	unlink $path;
	bind $s, pack_sockaddr_un($path) or die "$path: $!\n";
	CORE::listen($s, 128) or die "listen: $!\n";
	chmod 0666, $path;
	return bless { s => $s }, $class;
}

sub accept {
	my ($self) = @_;
	CORE::accept(my $c, $self->{s}) or return;
	return bless { s => $c }, ref $self;
}

sub fh { return $_[0]{s} }
sub close { return CORE::close $_[0]{s} }

# cmsghdr: length, level, type, one int, padding
sub _control {
	my ($fd) = @_;
	return pack 'Q l l l x4', 20, SOL_SOCKET, SCM_RIGHTS, $fd;
}

# (iov, control): of the caller's own variables, not of copies
sub _msghdr {
	return pack 'Q L x4 P Q P Q l x4', 0, 0, $_[0], 1, $_[1],
	    length $_[1], 0;
}

# bytes as they are, and a file handle
sub send_raw {
	my ($self, $bytes, $fh) = @_;
	my $iov = pack 'P Q', $bytes, length $bytes;
	local $SIG{PIPE} = 'IGNORE';
	return syswrite($self->{s}, $bytes) unless $fh;
	my $control = _control(fileno $fh);
	my $hdr = _msghdr($iov, $control);
	my $r = syscall $SENDMSG, fileno $self->{s}, $hdr, 0;
	return $r < 0 ? undef : $r;
}

# pairs: [name => value, ...], a value may be a list
sub send {
	my ($self, $verb, $pairs, $fh) = @_;
	my @p = @{ $pairs || [] };
	my $bytes = "verb=$verb\0";
	while (my ($k, $v) = splice @p, 0, 2) {
		$bytes .= "$k=$_\0" for ref $v ? @$v : $v;
	}
	return $self->send_raw($bytes, $fh);
}

# one message, or undef where the peer has closed
sub recv {
	my ($self, $secs) = @_;
	IO::Select->new($self->{s})->can_read($secs // $TIMEOUT) or
	    die "no message within the time\n";
	my $buf = "\0" x MAX;
	my $control = "\0" x 24;
	# written to, so that neither shares its bytes with anything
	vec($_, 0, 8) = 0 for $buf, $control;
	my $iov = pack 'P Q', $buf, MAX;
	my $hdr = _msghdr($iov, $control);
	my $n = syscall $RECVMSG, fileno $self->{s}, $hdr, 0;
	return if $n <= 0;
	my $m = { fd => undef, f => {}, l => {}, pairs => [] };
	my ($len, undef, $type, $fd) = unpack 'Q l l l', $control;
	if ($len == 20 && $type == SCM_RIGHTS) {
		$m->{fd} = IO::Handle->new_from_fd($fd, 'r+') or
		    die "fdopen: $!\n";
	}
	# a member that has its default is not sent
	my %err = (kind => 'temp', dsn => '4.3.0', text => '');
	for my $pair (split /\0/, substr $buf, 0, $n) {
		my ($k, $v) = split /=/, $pair, 2;
		if ($k eq 'verb') {
			$m->{verb} = $v;
			$m->{f} = \%err if $v eq 'err';
			next;
		}
		push @{ $m->{pairs} }, [$k, $v];
		push @{ $m->{l}{$k} }, $v;
		$m->{f}{$k} = $v;
	}
	return $m;
}

# a request and its answer; `more` records in {more}
sub call {
	my ($self, $verb, $pairs, $fh) = @_;
	$self->send($verb, $pairs, $fh) or return;
	my @more;
	while (my $m = $self->recv) {
		if ($m->{verb} eq 'more') {
			push @more, $m;
			next;
		}
		$m->{more} = \@more;
		return $m;
	}
	return;
}

1;
