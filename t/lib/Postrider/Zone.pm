package Postrider::Zone;

# An authoritative name server of the test's own, on 127.0.0.1 and a port of
# the kernel.
#
#   my $dns = Postrider::Zone->new(
#       zones => {
#           'example.org' => "\@ MX 10 mail\nmail A 127.0.0.2\n",
#           '127.in-addr.arpa' => "2.0.0 PTR mail.example.org.\n" },
#       signed => ['example.org'],
#       fault => { 'dead.example.org' => 'drop' });
#   my $i = Postrider::Instance->new(...);
#   $dns->configure($i);                before start or reload
#   $dns->fault('mail.example.org/A' => 'servfail');
#   $dns->set('example.org' => "\@ MX 0 .\n");    then `postrider dns flush'
#   my @q = $dns->queries;              "mail.example.org A udp" since the last
#
# A zone is a master file (RFC 1035) without the class, its origin the zone, its
# TTL 300; SOA and NS are added where it has no SOA.  `signed' zones have a
# key of their own, which dnsd believes; `expired' ones have signatures of last
# year.  A name that is in none of the zones does not exist.
#
# What can go wrong, by name, name/TYPE, *.name (what is below) or * (all):
#   servfail refused notimp   that code
#   drop                      no answer
#   slow:SECONDS              later
#   hold                      when faults are told the next time
#   bogus                     with signatures that are false
#   nosig                     without signatures
#   lame                      without authority: ask at the root
#   truncate                  UDP says: ask by TCP
#   notcp                     the same, and TCP is closed
#   garbage                   bytes that are no message
#   ''                        nothing any more
#
# The server ends with the test that started it.

use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Handle;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);

use Postrider::ZoneServer;

my $SOA = "\@ SOA ns hostmaster 1 3600 600 86400 60\n\@ NS ns\n";

sub new {
	my ($class, %arg) = @_;
	my $self = bless { owner => $$, signed => {}, keys => {},
	    dir => tempdir('postrider-z.XXXXXXXX', TMPDIR => 1, CLEANUP => 1),
	}, $class;

	chmod 0755, $self->{dir};
	$self->{signed}{$_} = 'now' for @{ $arg{signed} || [] };
	$self->{signed}{$_} = 'expired' for @{ $arg{expired} || [] };
	$self->{zones} = { %{ $arg{zones} || {} } };
	my %text = map { $_ => $self->_text($_) } keys %{ $self->{zones} };
	$self->_anchors;
	socketpair my $near, my $far, AF_UNIX, SOCK_STREAM, PF_UNSPEC
	    or die "socketpair: $!\n";
	my ($udp, $tcp) = _listen($arg{address} || '127.0.0.1',
	    $arg{port} || 0);
	$self->{address} = $udp->sockhost;
	$self->{port} = $udp->sockport;
	$self->{pid} = fork // die "fork: $!\n";
	if (!$self->{pid}) {
		close $near;
		eval {
			Postrider::ZoneServer->new(\%text,
			    $arg{fault} || {})->run($udp, $tcp, $far);
			1;
		} or print {*STDERR} "name server: $@";
		POSIX::_exit(0);
	}
	close $far;
	$near->autoflush(1);
	$self->{control} = $near;
	return $self;
}

# one port that is free for both
sub _listen {
	my ($address, $port) = @_;
	for (1 .. 50) {
		my $udp = IO::Socket::INET->new(LocalAddr => $address,
		    LocalPort => $port, Proto => 'udp') or die "socket: $!\n";
		my $tcp = IO::Socket::INET->new(LocalAddr => $address,
		    LocalPort => $udp->sockport, Proto => 'tcp', Listen => 64,
		    ReuseAddr => 1) or next;
		return ($udp, $tcp);
	}
	die "no port for the name server\n";
}

sub address { return $_[0]{address} }
sub port { return $_[0]{port} }
# as dnsd.conf names a server
sub at { return "$_[0]{address}\@$_[0]{port}" }
sub anchors { return "$_[0]{dir}/anchors" }

# ---- zones -----------------------------------------------------------------

sub _run {
	my ($dir, @cmd) = @_;
	my $pid = open my $out, '-|';
	defined $pid or die "fork: $!\n";
	if (!$pid) {
		chdir $dir;
		open STDERR, '>&', \*STDOUT;
		no warnings 'exec';
		exec { $cmd[0] } @cmd;
		POSIX::_exit(127);
	}
	my $text = join '', <$out>;
	close $out;
	$? == 0 or die "@cmd: $text\n";
	chomp $text;
	return $text;
}

sub _key {
	my ($self, $zone) = @_;
	return $self->{keys}{$zone} //= _run($self->{dir}, 'ldns-keygen', '-k',
	    '-a', 'ECDSAP256SHA256', '-r', '/dev/urandom', $zone);
}

sub _spew {
	my ($path, $text) = @_;
	open my $fh, '>', $path or die "$path: $!\n";
	print {$fh} $text;
	close $fh or die "$path: $!\n";
	return;
}

# the master file of a zone, with its signatures
sub _text {
	my ($self, $zone) = @_;
	my $body = $self->{zones}{$zone};
	my $text = "\$ORIGIN $zone.\n\$TTL 300\n" .
	    ($body =~ /^\S*\s+(?:\d+\s+)?SOA\s/m ? '' : $SOA) .
	    ($body =~ /^ns\s/m ? '' : "ns A 127.0.0.1\n") . $body;
	my $how = $self->{signed}{$zone} or return $text;
	my @when = $how eq 'expired' ?
	    (-i => time - 400 * 86400, -e => time - 365 * 86400) :
	    (-i => time - 86400, -e => time + 30 * 86400);
	my $file = "$self->{dir}/$zone";
	_spew($file, join '', map { $_->plain . "\n" }
	    Postrider::ZoneServer::records($text));
	_run($self->{dir}, 'ldns-signzone', @when, '-f', "$file.signed", $file,
	    $self->_key($zone));
	open my $fh, '<', "$file.signed" or die "$file.signed: $!\n";
	return join '', <$fh>;
}

# what dnsd believes
sub _anchors {
	my ($self) = @_;
	my $text = "; of a test\n";
	for my $zone (sort keys %{ $self->{signed} }) {
		my $file = "$self->{dir}/" . $self->_key($zone) . '.key';
		open my $fh, '<', $file or die "$file: $!\n";
		$text .= join '', <$fh>;
	}
	_spew($self->anchors, $text);
	chmod 0644, $self->anchors;
	return;
}

# ---- while it runs -----------------------------------------------------------

sub _ask {
	my ($self, @message) = @_;
	my $c = $self->{control};
	print {$c} JSON::PP::encode_json(\@message) . "\n";
	my $line = <$c> // die "the name server is gone\n";
	return @{ JSON::PP::decode_json($line) };
}

# another content, or a zone more (but which dnsd asks is set by configure)
sub set {
	my ($self, $zone, $body) = @_;
	$self->{zones}{$zone} = $body;
	return $self->_ask('zone', $zone, $self->_text($zone));
}

sub fault {
	my ($self, %fault) = @_;
	return $self->_ask('fault', %fault);
}

# what was asked since the last call
sub queries { return $_[0]->_ask('queries') }

# The instance asks us for everything, for the zones as for its own.  Further
# options of dnsd.conf may follow.
sub configure {
	my ($self, $instance, %more) = @_;
	$instance->set_conf('dnsd.conf',
	    forward => $self->at,
	    stub => join(' ', map { "$_=" . $self->at }
	    sort keys %{ $self->{zones} }),
	    trust_anchors => $self->anchors,
	    # the server may have to wait for a busy machine
	    retry_time => '150ms', %more);
	return;
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	close delete $self->{control};
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return;
}

sub DESTROY {
	my ($self) = @_;
	return if $self->{owner} != $$;
	local ($?, $!, $@);
	$self->stop;
	return;
}

1;
