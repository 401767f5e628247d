# Agents that are connected, windows, sites, limits by destination.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Sink;
use Test::More;

my $s = Postrider::Sink->new(conf => { transport_limits => 'smtp:4:2:2:2',
    destinations => 'inline:one.test=concurrency=1' .
    ';site:shared=concurrency=2;slow.test=rate=1/1s' .
    ';smtp:wide.test=concurrency=4 initial=4;old.test=lifetime=1m' .
    ';priority:9=lifetime=1m bounce_lifetime=2m' });
$s->start;

# one connection, its next request ahead
$s->gate(0);
$s->mail("ok$_\@one.test") for 1 .. 4;
ok $s->wait_requests(2), 'one at work and one ahead';
my @e = $s->news;
is "@{ [map { $_->[1] } @e] }", '1 1', 'on the same connection';
$s->gate(1);
ok $s->wait_empty, 'delivered';
@e = (@e, $s->news);
is Postrider::Sink::most(qr/^one/, @e), 1, 'never two at a time';
is scalar(grep { $_->[1] ne 1 } @e), 0, 'nor a second connection';

# who is connected goes on there, though others are idle
$s->gate(0);
$s->mail("ok$_\@$_.test") for qw(a b c);
ok $s->wait_requests(7), 'three others';
$s->gate(1);
ok $s->wait_empty, 'delivered';
my %conn = map { $_->[2] => $_->[1] } grep { $_->[0] eq '+' } $s->news;
is join(' ', sort values %conn), '1 2 3', 'whose connections are new, but ' .
    'for the one where nothing waits';
for my $hop (qw(b.test a.test c.test)) {
	$s->mail("ok\@$hop");
	ok $s->wait_empty, 'another message';
	is +($s->news)[0][1], $conn{$hop}, "... of $hop goes to the " .
	    'agent that is connected';
}
$s->mail('ok@new.test');
ok $s->wait_empty, 'a new destination';
my ($new) = $s->news;
is $new->[1], $conn{'b.test'}, '... takes the oldest binding';

# a request does not wait behind a slow one of another destination
$s->gate(0);
$s->mail("ok$_\@wide.test") for 1 .. 20;
ok $s->wait_for(sub { 8 <= grep { $_->[2] && $_->[2] eq 'wide.test' &&
    $_->[0] eq '+' } $s->events }), 'four at work, four ahead';
is Postrider::Sink::most(qr/./, $s->news), 4, 'on four connections';
$s->mail('ok@other.test');
select undef, undef, undef, 0.3;
is scalar(grep { $_->[2] =~ /^other/ } $s->news), 0, 'no other request there';
$s->gate(1);
ok $s->wait_empty, 'delivered';

# domains that share hosts
# mail that waits keeps the site known: else a destination leaves memory at the
# next second
my @stay = map { $s->mail("full$_\@d$_.shared.test") } 1 .. 4;
ok $s->wait_for(sub { 4 == (() = $s->list =~ /full\d\S+=deferred/g) }),
    'the agent tells the site';
$s->news;
$s->gate(0);
$s->mail("ok\@d$_.shared.test") for 1 .. 4;
$s->mail('ok@elsewhere.test');
ok $s->wait_for(sub { grep { $_->[0] eq '+' && $_->[2] eq
    'elsewhere.test' } $s->events }), 'all that may are at work';
$s->gate(1);
ok $s->wait_for(sub { $s->list !~ /ok\@/ }), 'delivered';
$s->call('delete', q => $_) for @stay;
@e = $s->news;
is scalar(grep { $_->[0] eq '+' && $_->[3] =~ /^ok/ && $_->[2] =~ /shared/ }
    @e), 4, 'all went' or diag join ' ', map { "@$_," } @e;
ok Postrider::Sink::most(qr/shared/, @e) <= 2, 'two at a time for all of it';

# a rate
my $from = time;
$s->mail("ok$_\@slow.test") for 1 .. 3;
ok $s->wait_empty, 'a rate of one a second';
cmp_ok time - $from, '>=', 2, '... takes its time';

# what came when an agent dies counts
my $id = $s->mail(['ok1@h.test', 'half@h.test']);
ok $s->wait_log(qr/failed q=$id to=ok1\@h\.test .*dsn=5\.1\.1/),
    'the result that had come';
ok $s->wait_empty, 'the other is sent again';
my @half = grep { $_->[0] eq '+' && $_->[2] eq 'h.test' } $s->events;
is "@{ [map { $_->[3] } @half] }", 'ok1@h.test,half@h.test half@h.test',
    '... alone';
is $s->call('stat')->{f}{unsure}, 1, 'and counted';

# a whole cohort has to fail
$s->gate(0);
$s->mail("trouble$_\@t.test") for 1 .. 2;
ok $s->wait_for(sub { 2 == grep { $_->[0] eq '+' && $_->[2] eq 't.test' }
    $s->events }), 'two at work';
$s->gate(1);
ok $s->wait_log(qr/suspended .*transport=smtp dest=t\.test .*failures=1/),
    'both had trouble';
unlike $s->log, qr/suspended .*t\.test .*failures=2/, 'counted once';
$s->mail('defer1@g.test');
ok $s->wait_log(qr/deferred .*to=defer1\@g\.test/), 'a message is put off';
unlike $s->log, qr/suspended .*dest=g\.test/, 'its destination is not';

# how long it is tried
my $ago = int((time - 90) * 1e6);
my %until = map { my ($to, @more) = @$_;
    ($to => $s->mail($to, created => $ago, @more)) }
    ['defer1@old.test'], ['defer2@new.test'],
    ['defer3@new.test', priority => 9],
    ['defer4@new.test', priority => 9, sender => ''];
ok $s->wait_log(qr/failed q=$until{$_} .*dsn=5\.4\.7/), "expired: $_"
    for 'defer1@old.test', 'defer3@new.test';
ok $s->wait_log(qr/deferred q=$until{$_} /), "tried again: $_"
    for 'defer2@new.test', 'defer4@new.test';
done_testing;
