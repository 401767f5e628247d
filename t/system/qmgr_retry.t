# Deferral, suspension, a transport that is not there, expiry.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Queue;
use Test::More;
use Time::HiRes qw(sleep time);

my %soon = (first_retry => '1s', min_retry => '1s', max_retry => '2s',
    destination_suspend => '2s', transport_retry => '1s',
    suspend_max => '2s', relay_timeout => '4s');
my $s = Postrider::Queue->new(conf => { %soon,
    destination_suspend => '5s', suspend_max => '5s' });
$s->start;

my $id = $s->put(['defer@a.test', 'ok@a.test']);
ok $s->wait_log(
    qr/deferred q=$id to=defer\@a\.test .*attempts=1 .*dsn=4\.2\.1/),
    'one of two is deferred';
my $r;
ok $s->wait_for(sub { @{ $r = $s->call('list')->{more} } == 1 }),
    'the other has gone';
is "@{ $r->[0]{f} }{qw(q rcpt dsn text attempts dest)}",
    "$id defer\@a.test 4.2.1 come again 1 local:a.test",
    'what is said about it' or diag explain $r;
cmp_ok $r->[0]{f}{due}, '<=', time + 2, 'it is due soon';
ok $s->wait_log(qr/deferred q=$id .*attempts=2/), 'and tried again';
ok -e $s->file($id), 'the content is kept';
my ($first, $second) = grep { $_->{f}{q} eq $id } $s->asked('local');
is "@{ $second->{l}{addr} } @{ $second->{l}{n} }", 'defer@a.test 1',
    'only that one, with its old number';
is $s->call('delete', q => $id)->{f}{messages}, 1, 'deleted';
is $s->list, '', 'gone';
ok !-e $s->file($id), 'and its content';

# the whole destination
my $one = $s->put('trouble@b.test');
ok $s->wait_log(qr/suspended .*transport=local dest=b\.test .*dsn=4\.4\.1/),
    'a destination is suspended';
ok $s->wait_for(sub { ($s->call('stat')->{f}{suspended} // 0) == 1 }),
    'counted';
my $n = () = $s->deliveries;
my $two = $s->put('ok@b.test');
my $three = $s->put('ok@c.test');
ok $s->wait_for(sub { $s->list(q => $three) eq '' }),
    'others are delivered to';
is +($s->deliveries)[-1], 'ok@c.test', 'nothing else was tried';
like $s->list(q => $two), qr/^ok\@b\.test=(?:ready|deferred)$/,
    'mail for it waits';
ok $s->wait_for(sub { $s->list(q => $two) eq '' }), 'until it is over';
unlike $s->log, qr/deferred q=$two/, 'it lost no attempt';
$s->call('delete', q => $one);

# across a restart
$s->_conf('qmgr', %soon, destination_suspend => '1h', suspend_max => '1h');
$s->stop;
$s->again;
$s->put('trouble@e.test');
ok $s->wait_log(qr/suspended .*dest=e\.test/), 'suspended for long';
# and written down: what left memory is in its row
ok $s->wait_for(sub {
	$s->call('limit', name => 'local:any.test', concurrency => 9);
	grep { ($_->{f}{nexthop} // '') eq 'e.test' && $_->{f}{until} &&
	    !$_->{f}{window} } @{ $s->call('dests')->{more} };
}), '... in its row';
$s->call('resume', name => 'local:any.test');
$s->crash;
$s->again;
$n = () = $s->deliveries;
$two = $s->put('ok@e.test');
sleep 1.5;
is scalar(() = $s->deliveries), $n, 'it is known after a crash';
$s->delete_all(to => 'trouble*@*');
is $s->call('flush', to => 'e.test')->{f}{messages}, 1,
    'unless the admin says now';
ok $s->wait_for(sub { $s->list(q => $two) eq '' }), 'delivered';
$s->delete_all;
ok $s->wait_empty, 'empty';

# nobody there
$s->stop;
$s->again(%soon, lifetime => '8s', bounce_lifetime => '8s');
$id = $s->put('x@far.test', transport => ['smtp']);
my $null = $s->put('y@far.test', transport => ['smtp'], sender => '');
ok $s->wait_log(qr/transport-down .*transport=smtp/),
    'a transport without socket';
ok $s->wait_for(sub { ($s->call('list', q => $id)->{more}[0]{f}{text} // '')
    eq 'mail transport unavailable' }), 'says so';
is $s->call('list', q => $id)->{more}[0]{f}{dsn}, '4.3.5', 'with its status';
ok $s->wait_log(qr/failed q=$id .*dsn=5\.4\.7 .*expired; last: 4\.3\.5/),
    'at last the message expires';
ok $s->wait_log(qr/removed q=$id/), 'and leaves';
ok $s->wait_log(qr/removed q=$null/), 'also that of nobody';
my @b = $s->asked('bounce');
is scalar @b, 1, 'one report';
is "@{ $b[0]{f} }{qw(q sender addr dsn)}",
    "$id s\@example.org x\@far.test 5.4.7", 'about the first';

$s->fake(smtp => sub { $_[1]->send('ok'); return });
$s->put('z@far.test', transport => ['smtp']);
ok $s->wait_empty, 'delivered once somebody is there';

# an agent that says that it is at work has more time
$s->fake(long => sub {
	for (1 .. 6) {
		sleep 1;
		$_[1]->send('more', [alive => 'yes']);
	}
	$_[1]->send('ok');
	return;
});
$s->put('z@long.test', transport => ['long']);

# for later
my $at = int(time) + 2;
$id = $s->put('ok@later.test', release_at => $at);
is $s->list(to => 'later.test'), 'ok@later.test=scheduled', 'scheduled';
is $s->call('stat')->{f}{scheduled}, 1, 'counted';
ok $s->wait_empty, 'delivered';
cmp_ok time, '>=', $at, 'at its time';
is scalar(my @long = $s->asked('long')), 1, 'who is at work is not given up';
unlike $s->log, qr/agent-lost .*transport=long/, '... nor lost';
done_testing;
