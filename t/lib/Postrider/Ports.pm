package Postrider::Ports;

# A port base whose listeners are all free on 127.0.0.1.  Bases lie below the
# kernel's ephemeral range, so that no client's own port takes one of them
# between the probe and the start of the instance.

use strict;
use warnings;
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

sub free_base {
	for (1 .. 200) {
		my $base = 10_000 + int(rand(18_000));
		my $taken = grep { !is_free($base + $_) } values %OFFSET;
		return $base unless $taken;
	}
	die "no free port base on 127.0.0.1\n";
}

1;
