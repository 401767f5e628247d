#!/usr/bin/perl
# A suite under work: reload drops no session, a stop lets what is under way
# finish and has a deadline, and there is never a second master.
use strict;
use warnings;
use Postrider::Chaos;
use Postrider::Instance;
use Test::More;
use Time::HiRes qw(sleep time);

my %conf = (conf => { 'master.conf' => { throttle_max => '1s' } });
my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
    %conf)->start;

# in the middle of DATA
sub in_data {
	my ($to) = @_;
	my $c = $i->smtp;
	$c->ehlo;
	my @r = $c->pipeline('MAIL FROM:<a@example.org>',
	    "RCPT TO:<$to\@example.test>", 'DATA');
	die "@r" if $r[-1] != 354;
	$c->put("Subject: $to\r\n\r\n" . "first half\r\n" x 8000);
	return $c;
}

sub finish {
	my ($c) = @_;
	$c->put("second half\r\n.\r\n");
	return scalar $c->reply;
}

sub whole {
	my ($file) = @_;
	return $i->slurp($file) =~
	    /\n\n(?:first half\n){8000}second half\n\z/ ? 1 : 0;
}

# the command in the background: its exit status later
sub background {
	my (@arg) = @_;
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	my ($st) = $i->ctl(@arg);
	POSIX::_exit($st);
}

# ---- reload ----
$i->send(to => 'bob@example.test', message => "Subject: $_\n\nx\n")
    for 1 .. 3;
$i->wait_mails('bob', 3);
my $c = in_data('ann');
my $p = $i->pop3;
like $p->login('bob', 'pw'), qr/^\+OK/, 'a POP3 session';
my $login = $i->pop3;
like $login->cmd('USER bob'), qr/^\+OK/, 'another before its login';
for my $n (1 .. 3) {
	$i->reload;
	$c->put("first half\r\n" x 0);
	my ($status, $body) = $p->multi("RETR $n");
	like $body // '', qr/^Subject: $n$/m, "reload $n: POP3 goes on";
	is $i->smtp->greeting, 220, '... a new client is served';
}
is finish($c), 250, 'a message whose DATA three reloads interrupted';
is scalar $c->cmd('NOOP'), 250, 'its session goes on';
is scalar $c->send(to => 'ann@example.test'), 250, 'with a message more';
like $p->cmd('DELE 1'), qr/^\+OK/, 'DELE';
like $p->cmd('QUIT'), qr/^\+OK/, 'QUIT';
is scalar(() = $i->mails('bob')), 2, 'what was deleted is gone';
like $login->cmd('PASS pw'), qr/^\+OK/, 'the other one logs in';
my @f = $i->wait_mails('ann', 2);
is scalar(grep { whole($_) } @f), 1, 'the message is whole';
$c->quit;
$login->cmd('QUIT');

# under load no client notices
{
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		for (1 .. 15) {
			eval { $i->reload };
			sleep 0.05;
		}
		POSIX::_exit(0);
	}
	my ($sent, @bad) = (0);
	while (waitpid($pid, POSIX::WNOHANG()) == 0) {
		my @r = eval { $i->send(to => 'ann@example.test') };
		push @bad, join ' ', @r, $@ if !@r || $r[0] != 250;
		$sent++;
	}
	is "@bad", '', "$sent messages during reloads: all accepted";
	ok $i->wait_for(sub { (() = $i->mails('ann')) == $sent + 2 }),
	    'and delivered';
}

# ---- stop ----
$c = in_data('bob');
my $idle = $i->smtp;
$idle->ehlo;
my $never = in_data('ann');
my $start = time;
my $stop = background('stop');
is scalar $idle->reply, 421, 'a stop: an idle client gets 421';
like $idle->last, qr/^421 4\.3\.2 /, 'with 4.3.2';
ok $idle->closed, 'and is left';
is finish($c), 250, 'a message in its DATA is finished';
is scalar $c->reply, 421, 'then its client gets 421 too';
is eval { $i->smtp->greeting } // 0, 0, 'nobody new is served';
is finish($never), 250, 'nor is another cut off before the deadline';
waitpid $stop, 0;
is $?, 0, 'stopped';
cmp_ok time - $start, '<', 28, 'as soon as all had finished';
is scalar(keys %{ Postrider::Chaos::suite($i) }), 0, 'nobody is left';
Postrider::Chaos::start($i);
ok $i->wait_for(sub { grep { whole($_) } $i->mails('bob') }),
    'what was accepted at the last moment has come';

$i->set_conf('master.conf', stop_timeout => '2s');
$i->reload;
$c = in_data('ann');
$start = time;
is(($i->ctl('stop'))[0], 0, 'a stop with a client that never ends');
cmp_ok time - $start, '<', 25, 'has a deadline';
ok $c->closed, 'then the client is cut off';
is scalar(keys %{ Postrider::Chaos::suite($i) }), 0, 'nobody is left';

# ---- one master ----
my @starts = map { background('start') } 1 .. 5;
my @status = map { waitpid $_, 0; $? >> 8 } @starts;
is scalar(grep { $_ == 0 } @status), 1, 'five starts at once: one succeeds';
sub masters { return Postrider::Chaos::alive($i, 'master') }
ok $i->wait_for(sub { masters() == 1 }), 'there is one master';
$i->{started} = 1;
is $i->smtp->greeting, 220, 'it serves';

# whatever is left when master was killed
for my $what ('', 'master.pid', 'master.lock', 'master.pid master.lock') {
	my $old = Postrider::Chaos::suite($i);
	my ($pid) = grep { $old->{$_} eq 'master' } keys %$old;
	my @busy = map { $i->smtp } 1 .. 3;
	$old = Postrider::Chaos::suite($i);
	kill 'KILL', $pid;
	ok $i->wait_for(sub { !masters() }), 'master is killed';
	cmp_ok Postrider::Chaos::alive($i, 'smtpd'), '>=', 3,
	    'sessions go on';
	is scalar $busy[0]->cmd('NOOP'), 250, 'as if nothing were';
	unlink map { $i->dir . "/run/$_" } split ' ', $what;
	my @st = map { background('start') } 1 .. 2;
	@st = sort map { waitpid $_, 0; $? >> 8 } @st;
	is "@st", '0 1', 'two starts' . ($what && " without $what") .
	    ': one succeeds';
	my $now = Postrider::Chaos::suite($i);
	is scalar(grep { $old->{$_} } keys %$now), 0, 'of the old none is left';
	my %have;
	$have{$_}++ for values %$now;
	is "$have{master} $have{qmgr} $have{logd}", '1 1 1',
	    'one master, one qmgr, one logd';
	is scalar $i->send(to => 'ann@example.test'), 250, 'mail is taken';
}

# somebody has tidied up while it runs
for my $what ('master.pid', 'master.lock', 'master.lock master.pid') {
	my $before = Postrider::Chaos::suite($i);
	my $text = $i->slurp($i->dir . '/run/master.pid');
	unlink map { $i->dir . "/run/$_" } split ' ', $what;
	is(($i->ctl('start'))[0], 1, "$what is gone: no second master");
	is masters(), 1, 'the first one goes on';
	is $i->smtp->greeting, 220, 'and serves';
	my $now = Postrider::Chaos::suite($i);
	is scalar(grep { !$now->{$_} && $before->{$_} =~ /^(?:qmgr|logd)$/ }
	    keys %$before), 0, 'nobody was killed';
	$i->spew($i->dir . '/run/master.pid', $text);
}
$i->stop;
done_testing;
