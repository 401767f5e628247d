#!/usr/bin/perl
# tlsd and keyd over time: new certificates, reload, kills, full processes.
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
    check_interval => '200ms');
$i->start;
my $port = $t->serve(service => 'imap');

sub pids {
	my ($name) = @_;
	return grep {
		(eval { $i->slurp("/proc/$_/cmdline") } // '') =~
		    m{^(?:[^\0]*/)?$name\0}
	} $i->pids;
}
# the common name of the certificate that a new client gets
sub cn {
	my $c = $t->client($port);
	$c->facts;
	my ($cn) = $c->{text} =~ /subject=CN = (\S+)/;
	return $cn // 'none';
}
sub wait_cn {
	my ($want) = @_;
	$i->wait_for(sub { cn() eq $want });
	return cn();
}

# --- new files
my $old = $t->client($port);
ok $old->echo('one'), 'a session';
is cn(), 'first', 'with the first certificate';
$t->cert('a', names => ['a.test'], cn => 'second');
is wait_cn('second'), 'second', 'a new one is taken';
ok $old->echo('two'), 'and the session goes on';
my $good = $i->slurp($t->path('a.pem'));
$t->put($t->path('a.pem'), "rubbish\n", 0644);
ok $i->wait_log(qr/certificate-bad .*a\.pem.*kept=yes/),
    'one that is none is told';
is cn(), 'second', 'and not taken';
$t->cert('b', names => ['b.test']);
$t->put($t->path('a.pem'), $i->slurp($t->path('b.pem')), 0644);
ok $i->wait_log(qr/certificate-bad .*another certificate's/),
    "a certificate of another key";
is cn(), 'second', 'neither';
$t->put($t->path('a.pem'), $good, 0644);
ok $i->wait_for(sub { (my @m = $i->log =~ /certificate file=/g) >= 3 }),
    'the good one is back';
chmod 0644, $t->path('a.pem.key');
ok $i->wait_log(qr/mode 0644 lets everybody read a private key/),
    'a key that everybody can read is refused';
chmod 0600, $t->path('a.pem.key');
is cn(), 'second', 'and what is loaded is still used';
$t->cert('a', names => ['a.test'], cn => 'old', days => -1);
ok $i->wait_log(qr/certificate-expired .*a\.pem/),
    'one that has expired is told';
is wait_cn('old'), 'old', 'and used';
ok $old->echo('three'), 'the first session is still there';

# --- keyd dies
my ($keyd) = pids('keyd');
my $file = "$t->{tmp}/session";
my $c = $t->client($port, '-sess_out', $file);
ok $c->echo('x'), 'a session with a ticket';
$c->half;
$c->until(qr/(?!)/, 5);
kill 'STOP', $keyd;
my $start = time;
is $t->client($port)->facts->{version}, undef,
    'while keyd does not answer there are no new sessions';
$start = time;
ok $old->echo('four'), 'those that are there go on';
cmp_ok time - $start, '<', 30, 'without a long wait';
is $t->client($port, '-sess_in', $file)->facts->{resumed}, 'yes',
    'and one can be resumed, which needs no signature';
kill 'CONT', $keyd;
ok $i->wait_for(sub { cn() eq 'old' }), 'it answers: all is well';
kill 'KILL', $keyd;
$start = time;
ok $i->wait_for(sub { cn() eq 'old' }), 'keyd killed: new sessions work';
my $took = time - $start;
cmp_ok $took, '<', 30, sprintf 'soon: after %.2f s', $took;
ok $old->echo('five'), 'the session goes on';

# --- tlsd dies
my %of;
my @tlsd = pids('tlsd');
is scalar @tlsd, 2, 'two tlsd';
for my $other (reverse @tlsd) {
	kill 'STOP', $other;
	for (1 .. 6) {
		my $s = $t->client($port);
		$s->echo('here');
		push @{ $of{all} }, $s;
	}
	kill 'CONT', $other;
}
kill 'KILL', $tlsd[0];
$start = time;
ok $t->client($port)->echo('new'), 'one is killed: a new session works';
cmp_ok time - $start, '<', 30, 'soon';
my $alive = grep { $_->echo('still') } @{ $of{all} };
is $alive, 6, "6 of 12 sessions were the other's and go on";
ok $i->wait_for(sub { pids('tlsd') >= 2 }), 'and there are two again';

# --- tlsd dies, and programs had connections to it
my $imaps = $i->port('imaps');
for my $clients (18, 1) {
	for my $n (1 .. $clients) {
		my $s = $t->client($imaps);
		$s->until(qr/^\* OK /m) or fail "client $n has no greeting";
		$s->done;
	}
	kill 'KILL', pids('tlsd');
	ok $t->client($imaps)->until(qr/^\* OK /m), 'all killed, the next';
	ok $i->wait_for(sub { pids('tlsd') >= 2 }), 'and there are two again';
}

# --- reload
my $stay = $t->client($port);
ok $stay->echo('before'), 'a session';
my @before = pids('tlsd');
$i->reload;
ok $stay->echo('after'), 'lives through a reload';
ok $t->client($port)->echo('new'), 'new ones come';
my %before = map { $_ => 1 } @before;
ok $i->wait_for(sub { 2 <= grep { !$before{$_} } pids('tlsd') }),
    'to new processes';
$stay->done;
$old->done;
$_->done for @{ $of{all} };
ok $i->wait_for(sub { !grep { $before{$_} } pids('tlsd') }),
    'the old ones end with their last session';

# --- handshakes while the suite reloads, with another key each time
my $pid = fork // die;
if (!$pid) {
	my $bad = grep { !$t->client($port)->echo("n $_") } 1 .. 40;
	POSIX::_exit($bad);
}
my $mark = $i->log_mark;
for (1 .. 3) {
	sleep 0.4;
	$t->cert('a', names => ['a.test'], cn => "reload$_");
	$i->reload;
}
waitpid $pid, 0;
is $? >> 8, 0, 'none of forty clients is lost by three reloads';
unlike $i->log($mark), qr/handshake-failed/, 'and no handshake';
is wait_cn('reload3'), 'reload3', 'the last key is used';

# --- full
$i->set_conf('master.conf', 'tlsd/clients' => 3, 'tlsd/spare' => 1,
    'tlsd/process_limit' => 3);
$i->reload;
my @c;
for my $n (1 .. 9) {
	push @c, $t->client($port);
	ok $c[-1]->echo("client $n"), "client $n of 9";
}
ok $i->wait_for(sub { pids('tlsd') == 3 }), 'three processes have three each';
my $late = $t->client($port);
ok !$late->until(qr/FACTS/, 1), 'the tenth waits';
$c[4]->done;
ok $late->echo('late'), 'until another has ended';
$start = time;
$i->stop;
cmp_ok time - $start, '<', 28, 'a stop does not wait for them';
done_testing;
