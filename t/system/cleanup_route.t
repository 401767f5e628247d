# Recipients: aliases, doubles, failures at routing, many of them, and a
# queue manager that goes away.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Enqueue;
use Test::More;
use Time::HiRes qw(sleep);

my $text = "Subject: x\n\nhello\n";

# local parts say what router shall answer
sub router {
	my ($m, $c) = @_;
	my $n = 0;
	for my $a (@{ $m->{l}{addr} }) {
		route_one($c, $n, $a) if $a =~ /^u/;
		if ($a =~ /^list/) {
			route_one($c, $n, "u$_\@example.test", aliased =>
			    'yes') for 1 .. 3;
		}
		$c->send('more', [n => $n, addr => $a, failed => 'yes',
		    dsn => '5.1.1', text => 'no such user'])
		    if $a =~ /^gone/;
		$c->send('more', [n => $n, addr => $a, failed => 'yes',
		    temporary => 'yes', dsn => '4.4.3', text => 'table away'])
		    if $a =~ /^later/;
		$n++;
	}
	$c->send('ok');
	return;
}

my $s = cleanup_alone(router => \&router);
my $c = $s->connect;

my $r = submit($c, content => $text, rcpt => ['u2@example.test',
    'list@example.test', 'u9@example.test', 'gone@example.test',
    'list2@example.test', 'u2@example.test',
    [addr => 'u2@example.test', notify => 'NEVER']]);
is $r->{verb}, 'ok', 'aliases, doubles and failures' or diag explain $r;
my ($e) = $s->asked('qmgr');
is_deeply $e->{l}{addr}, [qw(u2@example.test u1@example.test
    u3@example.test u9@example.test gone@example.test u2@example.test)],
    'each once, in order; another NOTIFY is another';
is $e->{l}{orig}[1], 'list@example.test', 'the address as given is kept';
is_deeply $e->{l}{dsn}, ['', '', '', '', '5.1.1', ''],
    'what failed is in the envelope';
is $e->{l}{text}[4], 'no such user', '... with the reason';

$r = submit($c, content => $text, rcpt => ['u1@example.test',
    'later@example.test']);
is "@{ $r->{f} }{qw(kind dsn)}", 'temp 4.4.3', 'one that can not be routed';
$r = submit($c, content => $text, rcpt => 'nothing@example.test');
is "@{ $r->{f} }{qw(kind dsn)}", 'temp 4.3.0', 'one that router forgets';
is scalar(() = $s->content), 1, 'nothing of these stays';
is scalar($s->asked('qmgr')), 1, 'and qmgr never heard of them';

# many
my @many = map { 'u' . 'x' x 60 . "$_\@example.test" } 1 .. 1000;
$r = submit($c, content => $text, rcpt => \@many);
is $r->{verb}, 'ok', 'a thousand recipients' or diag explain $r;
my @asked = $s->asked('qmgr');
shift @asked;
is pop(@asked)->{verb}, 'enqueue', 'enqueue comes last';
is join(' ', map { $_->{verb} } @asked), join(' ', ('rcpt') x @asked),
    'the others are ahead of it';
is_deeply [map { @{ $_->{l}{addr} } } ($s->asked('qmgr'))[1 .. @asked + 1]],
    \@many, 'all are there, in order';
unlink $s->content;

# router is asked at begin; its answer is not waited for until commit
sub begin {
	my ($rcpt) = @_;
	my $before = $s->asked('router');
	my $b = $c->call('begin', [sender => 'joe@example.org', rcpts => 1,
	    rcpt => $rcpt, helo => 'x', client_addr => '192.0.2.7',
	    proto => 'ESMTP']);
	for (1 .. 6000) {
		last if $s->asked('router') > $before;
		sleep 0.01;
	}
	return $b;
}

sub commit {
	my ($b) = @_;
	put($b, $text);
	return $c->call('commit', [size => length $text]);
}

sub queued {
	my ($e) = ($s->asked('qmgr'))[-1];
	unlink $s->content;
	return "@{ $e->{l}{addr} }";
}
my $n = $s->asked('router');
my $b = begin('u1@example.test');
is scalar($s->asked('router')), $n + 1, 'router is asked at begin';
is commit($b)->{verb}, 'ok', '... and the answer taken at commit';
is queued(), 'u1@example.test', 'to whom it goes';
$b = begin('u2@example.test');
sleep 1.2;
$n = $s->asked('router');
is commit($b)->{verb}, 'ok', 'a message that takes its time';
is scalar($s->asked('router')), $n + 1, '... is routed anew';
is queued(), 'u2@example.test', '... once';
begin('gone@example.test');
is $c->call('abort')->{verb}, 'ok', 'an answer that nobody wants';
is commit(begin('u3@example.test'))->{verb}, 'ok', '... and the next message';
is queued(), 'u3@example.test', 'has its own';
begin('gone@example.test');
is commit(begin('u4@example.test'))->{verb}, 'ok', 'begun twice';
is queued(), 'u4@example.test', 'the second counts';
my $ended = $s->dir . '/ended';
$s->fake(router => sub {
	return 'close' if !-e $ended && open my $fh, '>', $ended;
	return router(@_);
});
is commit(begin('u5@example.test'))->{verb}, 'ok',
    'router ends before it answers: asked again';
is queued(), 'u5@example.test', '... and heard';
$b = begin('u6@example.test');
$s->unfake('router');
sleep 1.2;
is commit($b)->{f}{kind}, 'temp', 'router goes away after begin';
is scalar(() = $s->content), 0, 'nothing stays';
$s->fake(router => \&router);

# router away
$s->unfake('router');
$r = submit($c, content => $text, rcpt => 'u1@example.test');
is $r->{f}{kind}, 'temp', 'router is away';
is scalar(() = $s->content), 0, 'nothing stays';
$s->fake(router => sub { $_[1]->send('err', [kind => 'perm',
    dsn => '5.3.5', text => 'odd']) });
$r = submit($c, content => $text, rcpt => 'u1@example.test');
is $r->{f}{kind}, 'temp', 'its trouble is never the sender\'s';
$s->fake(router => \&router);

# qmgr away before, after, and for good
$s->unfake('qmgr');
$r = submit($c, content => $text, rcpt => 'u1@example.test');
is $r->{f}{kind}, 'temp', 'qmgr is away';
is scalar(() = $s->content), 0, 'nothing was sent: nothing stays';

my $flag = $s->dir . '/once';
$s->fake(qmgr => sub {
	my ($m, $conn) = @_;
	return if $m->{verb} ne 'enqueue';
	return 'close' if !-e $flag && open my $fh, '>', $flag;
	$conn->send('ok');
	return;
});
my $before = $s->asked('qmgr');
$r = submit($c, content => $text, rcpt => \@many);
is $r->{verb}, 'ok', 'qmgr closed: sent again on a new connection';
my @all = ($s->asked('qmgr'));
splice @all, 0, $before;
is scalar(@all) % 2, 0, 'all of it twice';
is_deeply [map { $_->{l}{addr} } @all[@all / 2 .. $#all]],
    [map { $_->{l}{addr} } @all[0 .. @all / 2 - 1]], '... the same';
unlink $s->content;

$s->fake(qmgr => sub { return $_[0]{verb} eq 'enqueue' ? 'close' : '' });
$r = submit($c, content => $text, rcpt => 'u1@example.test');
is $r, undef, 'no answer at all: neither gives cleanup one';
is scalar(() = $s->content), 1, 'it may be queued: the content stays';
unlink $s->content;
$c = $s->connect;

$s->fake(qmgr => sub { $_[1]->send('err', [kind => 'temp', dsn => '4.3.1',
    text => 'disk full']) });
$r = submit($c, content => $text, rcpt => 'u1@example.test');
is "@{ $r->{f} }{qw(kind dsn)}", 'temp 4.3.1', 'a refusal is handed on';
is scalar(() = $s->content), 0, 'it is not queued: nothing stays';
done_testing;
