#!/usr/bin/perl
# Handshakes that are none: changed ClientHellos, rubbish, silence.  tlsd goes
# on, and nothing of them is left.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep);
use Postrider::Instance;
use Postrider::Tls;

my $i = Postrider::Instance->new;
my $t = Postrider::Tls->new($i);
$i->start;
my $port = $t->serve(service => 'imap', ask => 'yes', timeout => 5000);

sub tlsd {
	return join ' ', sort grep {
		(eval { $i->slurp("/proc/$_/cmdline") } // '') =~
		    m{^(?:[^\0]*/)?tlsd\0}
	} $i->pids;
}
my $pids = tlsd();

# what a client begins with
my @hello;
my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die;
for my $v ('-tls1_3', '-tls1_2') {
	my $c = $t->client($l->sockport, $v, '-alpn', 'imap', '-servername',
	    'example.test', '-status');
	my $s = $l->accept;
	sysread $s, my $buf, 16384;
	push @hello, $buf;
}
ok length $hello[0] > 100 && length $hello[1] > 100, 'ClientHellos';

srand 7;
sub changed {
	my ($h) = @_;
	for (0 .. int rand 4) {
		my ($how, $at) = (int rand 4, int rand length $h);
		if ($how == 0) {
			substr($h, $at, 1) = chr int rand 256;
		} elsif ($how == 1) {
			substr($h, $at, int rand 5) = '';
		} elsif ($how == 2) {
			substr($h, $at, 0) = chr(int rand 256) x int rand 9;
		} else {
			substr($h, $at, 1) ^= chr(1 << int rand 8);
		}
		last if length $h < 10;
	}
	return $h;
}
sub dial {
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $port);
}
local $SIG{PIPE} = 'IGNORE';
for my $n (1 .. 300) {
	my $s = dial();
	syswrite $s, changed($hello[$n % 2]);
	if ($n % 3 == 0 && IO::Select->new($s)->can_read(0.02)) {
		sysread $s, my $buf, 10_000;
		syswrite $s, join '', map { chr int rand 256 } 1 .. 200;
	}
}
my @open;
for my $n (1 .. 30) {
	my $s = dial();
	syswrite $s, substr $hello[0], 0, $n * 5;	# and no more
	push @open, $s;
}
ok $t->client($port)->echo('alive'), 'others are served';
ok $i->wait_log(qr/why="handshake took too long"/),
    'who does not go on is cut off';
ok $i->wait_for(sub {
	return !grep { $i->call('tlsd', 'stat') =~ /^sessions=/m } 1 .. 10;
}), 'no session is left';
is tlsd(), $pids, 'no process had to be replaced';
done_testing;
