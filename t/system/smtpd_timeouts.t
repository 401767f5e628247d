# Who is idle, slow or stays for ever is told 421 and left; and what a session
# costs while it waits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;
use Time::HiRes qw(sleep time);

my $s = Postrider::Smtpd->new(conf => { timeout => '2s',
    data_timeout => '2s', data_rate => '2K', session_time => '8s' });
my ($c, $t);

sub takes {
	my ($name, $min, $max, $sub) = @_;
	$t = time;
	is scalar $sub->(), 421, "$name: 421";
	like $c->last, qr/^421 4\.4\.2 /, '... 4.4.2';
	ok $c->closed, '... closed';
	my $d = time - $t;
	ok $d > $min && $d < $max, "... in time" or diag $d;
	return;
}

$c = $s->session;
takes('idle', 1.8, 40, sub { $c->reply });
ok $s->wait_log(qr/disconnect .*end=timeout/), '... logged';

$c = $s->session;
takes('a command byte by byte', 1.8, 40, sub {
	while (!$c->pending) {
		$c->put('N');
		sleep 0.1;
	}
	return $c->reply;
});

sub begin {
	$c = $s->session;
	$c->pipeline('MAIL FROM:<a@example.org>',
	    'RCPT TO:<ann@example.test>', 'DATA');
	return;
}
begin();
takes('silent in DATA', 1.8, 40, sub { $c->reply });
begin();
takes('DATA drop by drop', 0.8, 40, sub {
	while (!$c->pending && time - $t < 40) {
		$c->put("x\r\n");
		sleep 0.1;
	}
	return $c->reply;
});
$c = $s->session;
$c->pipeline('MAIL FROM:<a@example.org>', 'RCPT TO:<ann@example.test>');
takes('BDAT drop by drop', 0.8, 40, sub {
	$c->put("BDAT 100000 LAST\r\n");
	while (!$c->pending && time - $t < 40) {
		$c->put('x');
		sleep 0.1;
	}
	return $c->reply;
});
$c = $s->session;
takes('BDAT without MAIL', 0.8, 40, sub {
	$c->put("BDAT 1000\r\nabc");
	return $c->reply;
});
is scalar($s->messages), 0, 'nothing of that was queued';

# fast enough on average
begin();
for (1 .. 12) {
	$c->put(('x' x 4000) . "\r\n");
	sleep 0.2;
}
$c->put(".\r\n");
is scalar $c->reply, 250, 'a slow one that is fast enough';
$c->quit;

$c = $s->session;
takes('a session that never ends', 5, 40, sub {
	while (!$c->pending && time - $t < 40) {
		$c->put("NOOP\r\n");
		$c->reply;
		sleep 0.3;
	}
	return $c->reply;
});

# the client is gone while it waits for an answer
begin();
$c->put("x\r\n.\r\n");
$c->close;
ok $s->wait_log(qr/disconnect .*end=(?:eof|lost) accepted=1/),
    'a client that does not wait for 250';

# an idle session holds no connection to cleanup
$c = $s->session;
$c->cmd('MAIL FROM:<a@example.org>');
my $open = sub {
	return scalar grep { (readlink($_) || '') =~ /^socket:/ }
	    glob "/proc/$s->{pid}/fd/*";
};
sleep 0.3;
my $n = $open->();
for (1 .. 1000) {		# what the session before had is given back
	sleep 0.02;
	my $now = $open->();
	last if $now >= $n;
	$n = $now;
}
is scalar $c->cmd('RCPT TO:<ann@example.test>'), 250, 'RCPT';
is scalar $c->data("x\n"), 250, 'a message';
for (1 .. 3000) {
	last if $open->() == $n;
	sleep 0.02;
}
is $open->(), $n, 'no connection to cleanup is held while idle';
$c->quit;

# a stop does not cut off a message
begin();
$c->put("x\r\n");
kill 'TERM', $s->{pid};
sleep 0.2;
$c->put("y\r\n.\r\n");
is scalar $c->reply, 250, 'SIGTERM waits for the end of the data';
is scalar $c->reply, 421, '... then says good-bye';
like $c->last, qr/^421 4\.3\.2 /, '... 4.3.2';
is $s->wait_exit, 0, '... and ends';
done_testing;
