# One process serves session after session over one connection to cleanup, and
# gives it back where nobody sends anything.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Postrider::Smtpd->new(start => 0);
my ($took, $conns) = ("$s->{dir}/took", "$s->{dir}/conns");
my ($n, $serial, $fake) = (0, 0);

# cleanup that writes down on which connection begin came; a sender `dies'
# has it end after the answer to his commit
sub cleanup {
	my ($m, $c) = @_;
	$c->{serial} //= ++$serial;
	if ($m->{verb} eq 'begin') {
		$c->{dies} = ($m->{f}{sender} // '') =~ /^dies/;
		open my $fh, '>>', $conns or die "$conns: $!";
		print {$fh} "$c->{serial} ";
	}
	my $r = Postrider::Smtpd::cleanup($took, \$n, $m, $c);
	return $m->{verb} eq 'commit' && $c->{dies} ? 'close' : $r;
}
$s->fake(cleanup => \&cleanup);
$s->start;

# a whole session in one write, so that nobody ever waits for this test
sub batch {
	my ($c, $from, $to) = @_;
	my @to = map { "RCPT TO:<u$_\@example.test>" } 1 .. $to;
	$c->put(join "\r\n", 'EHLO client.example.org',
	    "MAIL FROM:<$from\@example.org>", @to, 'BDAT 3 LAST', 'x',
	    'QUIT', '');
	return;
}

# sessions [from, recipients], each waiting when the one before it ends; the
# connections over which they went, counted from the first
sub sessions {
	my (@session) = @_;
	unlink $conns;
	my @c = map { $s->client(greeting => 0) } @session;
	batch($c[$_], @{ $session[$_] }) for reverse 0 .. $#c;
	for my $i (0 .. $#c) {
		my @code = map { scalar $c[$i]->reply } 1 .. 5 +
		    $session[$i][1];
		is "@code[-2, -1]", '250 221', "$session[$i][0]: accepted";
	}
	open my $fh, '<', $conns or return '';
	my @serial = split ' ', <$fh>;
	return join ' ', map { $_ - $serial[0] } @serial;
}

is sessions(['a', 1], ['b', 1]), '0 0',
    'two sessions, one connection to cleanup';
is sessions(['a', 3], ['b', 2], ['c', 1]), '0 0 0', 'also with recipients';
is sessions(['dies', 1], ['dies', 1], ['a', 1]), '0 1 2',
    'cleanup ends between sessions: a new connection';
is sessions(['dies', 3], ['dies', 3], ['a', 3]), '0 1 2',
    '... also for several recipients';
my @m = $s->messages;
is scalar @m, 11, 'each message is there once';
is scalar(grep { @{ $_->{rcpt} } != $_->{begin}{rcpts} } @m), 0,
    '... with all its recipients';

is sessions(['a', 1]), '0', 'a session';
$s->unfake('cleanup');
$n = 12;
$s->fake(cleanup => \&cleanup);
is sessions(['b', 2]), '0', 'cleanup was started anew: the next session';

# who is silent holds none; counted at cleanup, as nobody may look into smtpd
# Where there are more or fewer than wanted it may be about to change.
sub held {
	my ($want) = @_;
	my $n;
	sleep 0.4;
	for (1 .. 300) {
		$n = grep { (readlink($_) || '') =~ /^socket:/ }
		    glob "/proc/$s->{fakes}{cleanup}/fd/*";
		last if $n == ($want // $n);
		sleep 0.1;
	}
	return $n;
}
my $none = held();
cmp_ok $none, '>', 0, 'sockets can be counted';
my @c = map { $s->client(greeting => 0) } 1 .. 2;
batch($c[0], 'a', 1);
is join(' ', map { scalar $c[0]->reply } 1 .. 6), '220 250 250 250 250 221',
    'a session';
is scalar $c[1]->reply, 220, 'another, right after it';
is held($none), $none, '... says nothing and holds nothing of cleanup';
is join(' ', $c[1]->pipeline('EHLO me', 'MAIL FROM:<a@example.org>',
    'RCPT TO:<ann@example.test>', 'NOOP')), '250 250 250 250', 'then MAIL';
is held($none), $none, '... and nothing after RCPT';
is scalar $c[1]->cmd('DATA'), 354, 'DATA';
is held($none), $none, '... and nothing before the content came';
$c[1]->put("x\r\n" x 20_000);
is held($none + 1), $none + 1, '... but while a message is under way';
$c[1]->put(".\r\n");
is scalar $c[1]->reply, 250, 'accepted';
$c[1]->quit;
is held($none), $none, 'nor is it held between sessions';
is scalar(() = $s->log =~ /level=(?:warn|error)/g), 0,
    'nothing to complain about' or diag $s->log;
done_testing;
