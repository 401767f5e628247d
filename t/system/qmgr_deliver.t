# The way of a message through qmgr: in, to the agent, out.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Queue;
use Test::More;

my $s = Postrider::Queue->new(agents => ['local', 'other']);
$s->start;

my $id = $s->put('ok@example.test', session => 'abc', quota => [77],
    mailbox => ['example.test/ok'], body8 => 'yes', ret => 'full');
ok $s->wait_empty, 'one recipient, delivered';
my ($m) = $s->asked('local');
is $m->{verb}, 'deliver', 'the agent was asked';
is $m->{f}{q}, $id, '... about that message';
is "@{ $m->{f} }{qw(sender ret size wsize n addr mailbox quota nexthop body8)}",
    's@example.org full 50 53 1 ok@example.test example.test/ok 77 ' .
    'example.test yes', '... with all that it has to know';
is $m->{f}{again}, undef, '... and it is the first time';
is $m->{content}, "Return-Path: <s\@example.org>\n\nbody of $id\n",
    '... and the content';
ok $s->wait_log(qr/removed q=$id s=abc age_ms=\d+$/m), 'removal is logged';
ok !-e $s->file($id), 'the content is gone';

$s->put([map { "ok$_\@example.test" } 1 .. 300]);
ok $s->wait_empty, '300 recipients';
my @n = map { scalar split /,/ } $s->deliveries;
is "@n", '1 250 50', 'in two requests';

$s->put(['ok1@a.test', 'ok2@b.test', 'ok3@a.test'],
    transport => ['local', 'other', 'local']);
ok $s->wait_empty, 'two transports';
is join(' ', ($s->deliveries)[-1], $s->deliveries('other')),
    'ok1@a.test,ok3@a.test ok2@b.test', 'each gets its own';

# more than one message to qmgr holds
my $c = $s->connect;
$id = $s->content(Postrider::Queue::id());
for my $k (1 .. 3) {
	my %f = @{ Postrider::Queue::fields($id,
	    [map { "ok$k.$_\@example.test" } 1 .. 100]) };
	delete @f{qw(q sender size wsize created)};
	$c->send('rcpt', [%f]);
}
is $c->call('enqueue', Postrider::Queue::fields($id, 'ok4.1@example.test'))
    ->{verb}, 'ok', 'recipients ahead of an enqueue';
ok $s->wait_empty, 'all delivered';
my @to = map { split /,/ } ($s->deliveries)[-2, -1];
is scalar @to, 301, 'all of them';
my @num = map { @{ $_->{l}{n} } } ($s->asked('local'))[-2, -1];
is_deeply [sort { $a <=> $b } @num], [1 .. 301], 'each has its number';

# the same once more
$id = $s->put('slow@example.test');
is $s->put('slow@example.test', id => $id), $id, 'twice the same is ok';
my @another = @{ Postrider::Queue::fields($id, 'ann@example.test',
    first => 'yes') };
is $s->call(enqueue => @another)->{f}{dsn}, '4.3.0',
    'but not where it is said to be another message';
ok $s->wait_empty, 'delivered';
is scalar(grep { /^slow/ } $s->deliveries), 1, '... once';
is $s->call(enqueue => @{ Postrider::Queue::fields($id, 'slow@example.test') })
    ->{verb}, 'ok', 'and ok once it has left';
is scalar(grep { /^slow/ } $s->deliveries), 1, '... and not delivered again';
is $s->call(enqueue => @another)->{f}{kind}, 'temp',
    '... nor is another one taken for it';

# what qmgr does not take
my @bad = ([q => 'x'], [q => ''], [addr => []], [notify => []],
    [transport => ['../x']], [transport => ['']], [priority => 10],
    [quota => ['much']], [addr => ['']]);
for my $b (@bad) {
	my $r = $s->call(enqueue => @{ Postrider::Queue::fields(
	    Postrider::Queue::id(), 'ok@example.test', @$b) });
	is $r->{f}{kind}, 'perm', "$b->[0] " . (ref $b->[1] ? "@{$b->[1]}" :
	    $b->[1]) . ": $r->{f}{text}";
}
is $s->list, '', 'nothing of it is in the queue';

my $stat = $s->call('stat')->{f};
is "@$stat{qw(accepted delivered)}", '5 606', 'counted';
ok $stat->{commits} >= 5, 'transactions are counted, too';
done_testing;
