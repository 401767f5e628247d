#!/usr/bin/perl
# keyd in the middle of a handshake: it hangs, it is killed, replaced, has
# other keys; the client or the program goes.  tlsd does what else there is to
# do, and what can be had is had.  One tlsd, so that all is in it.
use strict;
use warnings;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);
use Postrider::Instance;
use Postrider::Tls;

my $i = Postrider::Instance->new;
my $t = Postrider::Tls->new($i);
$t->cert('a', names => ['a.test'], cn => 'first');
$i->set_conf('keyd.conf', certificates => 'tls/a.pem',
    check_interval => '100ms');
$i->set_conf('tlsd.conf', key_timeout => '10s', key_waiting => 3);
$i->set_conf('master.conf', 'tlsd/spare' => 1, 'tlsd/process_limit' => 2);
$i->start;
my $port = $t->serve(service => 'imap', timeout => 30000);

sub keyd { return ($i->pids_of('keyd'))[0] }
sub tlsd { return join ' ', sort $i->pids_of('tlsd') }
sub sessions {
	my ($n) = $i->call('tlsd', 'stat') =~ /^sessions=(\d+)/m;
	return $n // 0;
}
sub wait_sessions {
	my ($n) = @_;
	return $i->wait_for(sub { sessions() == $n });
}
# has the client its facts, within so many seconds?
sub has {
	my ($c, $secs) = @_;
	return $c->until(qr/FACTS version=/, $secs);
}
sub soon {
	my ($code) = @_;
	my $start = time;
	my $ok = $code->();
	return $ok && time - $start < 4;
}
my $pids = tlsd();
my $stays = $t->client($port);
ok $stays->echo('one'), 'a session';
my $file = "$t->{tmp}/session";
my $c = $t->client($port, '-sess_out', $file);
ok $c->echo('x'), 'one with a ticket';
$c->half;
$c->until(qr/(?!)/, 5);

# --- it hangs for a moment
kill 'STOP', keyd();
$c = $t->client($port);
ok wait_sessions(2), 'keyd hangs: a handshake waits';
ok soon(sub { $stays->echo('two') }), 'a session goes on meanwhile';
ok soon(sub {
	my $r = $t->client($port, '-sess_in', $file);
	return ($r->facts->{resumed} // '') eq 'yes';
}), 'another handshake, which needs no signature, is done';
ok !has($c, 0.1), 'the first one still waits';
kill 'CONT', keyd();
ok $c->echo('x'), 'keyd answers: it has its session';
$c->done;

# --- more than may wait
ok wait_sessions(1), 'only the first session is left';
kill 'STOP', keyd();
my @c = map { $t->client($port) } 1 .. 8;
ok wait_sessions(9), 'eight handshakes, three of them wait for keyd';
ok soon(sub { $stays->echo('three') }), 'a session goes on';
$c[$_]->done for 1, 6;
kill 'CONT', keyd();
my @has = grep { $_ != 1 && $_ != 6 && $c[$_]->echo('x') } 0 .. 7;
is scalar @has, 6, 'then all have theirs, but for two clients that left';
$_->done for @c;
ok wait_sessions(1), 'nothing is left of them';

# --- it is killed
kill 'STOP', keyd();
@c = map { $t->client($port) } 1 .. 2;
ok wait_sessions(3), 'two wait';
my $mark = $i->log_mark;
kill 'KILL', keyd();
is scalar(grep { $_->echo('x') } @c), 2, 'keyd killed: the next one signs';
unlike $i->log($mark), qr/handshake-failed/, 'no handshake has failed';
$_->done for @c;

# --- another key comes
ok wait_sessions(1) && keyd(), 'a new keyd';
kill 'STOP', keyd();
@c = map { $t->client($port) } 1 .. 3;
ok wait_sessions(4), 'three wait';
$t->cert('a', names => ['a.test'], cn => 'second');
sleep 0.3;
kill 'CONT', keyd();
is scalar(grep { $_->echo('x') } @c), 3, 'the key is replaced: it signs yet';
$_->done for @c;
ok $i->wait_for(sub {
	my $n = $t->client($port);
	$n->facts;
	return $n->{text} =~ /CN = second/;
}), 'and new clients get the new certificate';

# --- the program goes
ok wait_sessions(1), 'one session';
kill 'STOP', keyd();
my $from = $t->serve(service => 'imap');
$c = $t->client($from);
ok wait_sessions(2), 'a handshake waits';
kill 'KILL', $t->{pids}[-1];
ok soon(sub { wait_sessions(1) }), 'its program is killed: so it ends';
kill 'CONT', keyd();
ok $t->client($port)->echo('x'), 'the next one is done';

# --- a reload, with another key
ok wait_sessions(1), 'one session';
kill 'STOP', my $old = keyd();
@c = map { $t->client($port) } 1 .. 3;
ok wait_sessions(4), 'three handshakes wait';
$t->cert('a', names => ['a.test'], cn => 'third');
$mark = $i->log_mark;
$i->reload;
kill 'CONT', $old;
is scalar(grep { $_->echo('x') } @c), 3, 'reload: all have their sessions';
is scalar(grep { $_->{text} =~ /CN = second/ } @c), 3,
    'with the certificate from before';
unlike $i->log($mark), qr/handshake-failed/, 'no handshake has failed';
ok soon(sub { $i->wait_for(sub { !kill 0, $old }) }),
    'then the old keyd ends, as nobody needs it';
ok $i->wait_for(sub { keyd() && keyd() != $old &&
    $t->client($port)->echo('x') }), 'and new clients have theirs';
ok $stays->echo('four'), 'as the first one still has';
$_->done for @c, $stays;
ok $i->wait_for(sub { ! grep { $pids =~ /\b$_\b/ } $i->pids_of('tlsd') }),
    'the old tlsd ends with them';

# --- it hangs for longer
$i->set_conf('tlsd.conf', key_timeout => '1s');
$i->reload;
$stays = $t->client($port);
ok $stays->echo('one'), 'a session';
kill 'STOP', keyd();
$mark = $i->log_mark;
@c = map { $t->client($port) } 1 .. 3;
ok $i->wait_log(qr/tlsd\S* keyd .*timeout/, undef, $mark),
    'after key_timeout the log says so';
ok !(grep { has($_, 10) } @c), 'no session comes of it';
ok $i->wait_log(qr/handshake-failed level=warn .*"keyd gave no signature"/,
    undef, $mark), 'and of each, why';
ok soon(sub { !has($t->client($port), 20) }), 'the next fails at once';
ok soon(sub { $stays->echo('two') }), 'sessions go on';
kill 'CONT', keyd();
ok $i->wait_for(sub { has($t->client($port), 5) }), 'it answers: all is well';
ok wait_sessions(1), 'nothing is left';

# --- the stop
$i->set_conf('tlsd.conf', key_timeout => '10s');
$i->reload;
ok $i->wait_for(sub { has($t->client($port), 5) }), 'a last reload';
my $keyd = keyd();
kill 'STOP', $keyd;
@c = map { $t->client($port) } 1 .. 5;
ok wait_sessions(5), 'handshakes wait';
my $pid = fork // die "fork: $!\n";
if (!$pid) {
	sleep 1;
	kill 'CONT', $keyd;
	POSIX::_exit(0);
}
my $start = time;
$i->stop;
cmp_ok time - $start, '<', 20, 'a stop does not wait for them';
waitpid $pid, 0;
done_testing;
