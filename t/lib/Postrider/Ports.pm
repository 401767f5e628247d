package Postrider::Ports;

# A port base whose listeners are all free on 127.0.0.1.  Bases lie below the
# kernel's ephemeral range, so that no client's own port takes one of them
# between the probe and the start of the instance.

use strict;
use warnings;
use Fcntl qw(:flock);
use File::Spec;
use IO::Socket::INET;

our %OFFSET = (
	smtp => 25, pop3 => 110, imap => 143, smtps => 465, submission => 587,
	imaps => 993, pop3s => 995, sieve => 4190,
);

sub is_free {
	my ($port) = @_;
	# no ReuseAddr: a listener in TIME_WAIT does not exist, but a live
	# one with SO_REUSEPORT does
	return defined IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    LocalPort => $port, Proto => 'tcp', Listen => 1,
	    ReuseAddr => 1);
}

# Offsets differ modulo 32, so two bases that are multiples of it share no
# port: a base is taken by one lock, held until the test ends.
my %held;

sub take {
	my ($base) = @_;
	my $dir = File::Spec->tmpdir . "/postrider-ports.$>";
	mkdir $dir, 0700;
	open my $fh, '>', "$dir/$base" or die "$dir/$base: $!\n";
	flock $fh, LOCK_EX | LOCK_NB or return 0;
	$held{$base} = $fh;
	return 1;
}

sub free_base {
	for (1 .. 200) {
		my $base = 10_016 + 32 * int rand 560;
		next if $held{$base} || !take($base);
		return $base if !grep { !is_free($base + $_) } values %OFFSET;
		delete $held{$base};
	}
	die "no free port base on 127.0.0.1\n";
}

# One port more, below those of any base, kept for us until the test ends: for a
# server that can not be given a socket.
sub spare {
	for (1 .. 500) {
		my $port = 3000 + int rand 7000;
		next if $held{$port} || !take($port);
		return $port if is_free($port);
		delete $held{$port};
	}
	die "no free port on 127.0.0.1\n";
}

# Does anybody listen there?  Nothing is bound or connected, which would be in
# the way of who is about to.
sub listens {
	my ($port) = @_;
	my $at = sprintf '(?:0100007F|00000000):%04X', $port;
	open my $fh, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!\n";
	return scalar grep { /^\s*\d+: $at \S+ 0A / } <$fh>;
}

1;
