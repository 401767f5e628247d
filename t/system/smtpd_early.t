# cleanup is told of a message when DATA comes, so that it works while the
# client sends; but not for a client that lets us wait.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Postrider::Smtpd->new(conf => { message_size => 1000000 },
    start => 0);
my ($took, $n) = ("$s->{dir}/took", 0);
$s->fake(cleanup => sub { Postrider::Smtpd::cleanup($took, \$n, @_) });
$s->start;

# so many of that verb have come
sub came {
	my ($verb) = @_;
	return scalar grep { $_->{verb} eq $verb } $s->asked('cleanup');
}

sub wait_for {
	my ($verb, $count) = @_;
	for (1 .. 300) {
		return 1 if came($verb) >= $count;
		sleep 0.01;
	}
	return 0;
}

sub data {
	my ($c, @to) = @_;
	my @r = $c->pipeline('MAIL FROM:<joe@example.org>',
	    (map { "RCPT TO:<$_\@example.test>" } @to), 'DATA');
	return $r[-1];
}

sub body {
	my ($c) = @_;
	$c->put("x\r\n.\r\n");
	return scalar $c->reply;
}

# this test may itself be too slow for smtpd: some tries
my ($c, $early);
for (1 .. 20) {
	my $before = came('begin');
	$c = $s->session;
	is data($c, 'ann', 'bob'), 354, 'DATA';
	$early = wait_for('begin', $before + 1) and last;
	body($c);
	$c->quit;
}
ok $early, 'begin came ahead of the message';
my ($begins, $commits) = (came('begin'), came('commit'));
sleep 0.5;
is body($c), 250, 'a message that comes late';
is came('begin'), $begins + 1, '... begins again';
is came('commit'), $commits + 1, '... and is committed once';
my @m = $s->messages;
is "@{ $m[-1]{rcpt} }", 'ann@example.test bob@example.test',
    '... for its recipients';
is data($c, 'ann'), 354, 'the next one of that client';
is came('begin'), $begins + 1, '... begins only';
is body($c), 250, '... when it has come';
is came('begin'), $begins + 2, '... completely';
$c->quit;

# what was told early is forgotten where the message is refused
$c = $s->session;
data($c, 'ann');
$commits = came('commit');
$c->put("x" x 70 . "\r\n") for 1 .. 20000;
$c->put(".\r\n");
is scalar $c->reply, 552, 'a message that is too big';
is came('commit'), $commits, '... is not committed';
is data($c, 'bob'), 354, 'the next';
is body($c), 250, '... is';
@m = $s->messages;
is "@{ $m[-1]{rcpt} }", 'bob@example.test', '... for its own recipient';
$c->quit;

# a client that goes away in between
$c = $s->session;
data($c, 'ann');
$commits = came('commit');
$c->close;
$s->wait_log(qr/disconnect .*end=(eof|lost)/);
is came('commit'), $commits, 'nothing is committed for who has gone';
$c = $s->session;
data($c, 'ann');
is body($c), 250, 'and the next client is served';
done_testing;
