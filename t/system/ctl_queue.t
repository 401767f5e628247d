#!/usr/bin/perl
# postrider queue: what waits is listed, filtered, held, released, deleted.
use strict;
use warnings;
use JSON::PP;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
	'router.conf' => { transport => 'inline:*=nobody:' } })->start;

# no program takes mail for elsewhere: it waits
sub submit {
	my ($from, $to) = @_;
	my $c = $i->smtp('submission');
	my ($code, $text) = $c->send(auth => ['ann', 'pw'], from => $from,
	    to => $to, message => "Subject: to $to\n\nhi\n");
	return $code;
}
is submit('ann@example.test', $_), 250, "accepted for $_"
    for 'a@one.test', 'b@one.test', 'c@two.test';
is submit('', 'd@two.test'), 250, 'accepted from the null sender';

sub list { return @{ decode_json($i->queue('list', '--json', @_)) } }
ok $i->wait_for(sub { 4 == grep { $_->{text} } list() }),
    'all wait';
my ($a) = list('--to', 'a@one.test');
is $a->{from}, 'ann@example.test', 'sender';
like $a->{text}, qr/unavailable/i, 'and why it waits';
is scalar(list('--to', '@one.test')), 2, '--to a domain';
is scalar(list('--to', '*@t?o.test')), 2, '--to a pattern';
is scalar(list('--from', '<>')), 1, '--from nobody';
is scalar(list('--dest', 'two.test')), 2, '--dest';
is scalar(list('--older', '1h')), 0, '--older';
is scalar(list('--younger', '1h')), 4, '--younger';
is scalar(list('--limit', '3')), 3, '--limit';
like $i->queue('list', '--limit', '1'),
    qr/^1 message, 1 recipient\n3 more\n\z/m, 'what --limit left out';
unlike $i->queue('list', '--limit', '4'), qr/more$/, 'nothing left out';
like $i->queue('list', '--to', 'a@one.test'),
    qr/ \[suspended until [\d:]+: 4\.3\.5 mail transport unavailable\]$/m,
    'a suspended destination';
cmp_ok $a->{suspended_until}, '>', time, 'until when';
is scalar(list($a->{id}, (list('--from', '<>'))[0]{id})), 2, 'by id';
like $i->queue('list'), qr/^\Q$a->{id}\E +\w+ .*^4 messages/ms,
    'for people';
like $i->queue('show', $a->{id}), qr/^Subject: to a\@one\.test$/m, 'show';

like $i->queue('hold', '--to', '@one.test'), qr/^on hold: 2 messages/,
    'hold';
is scalar(list('--state', 'hold')), 2, '--state';
like $i->queue('release', $a->{id}), qr/^released: 1 message,/, 'release';
is scalar(list('--state', 'hold')), 1, 'one is left';
like $i->queue('hold', '--until', '1h', $a->{id}), qr/^scheduled: 1 message,/,
    'hold --until';
is((list('--state', 'scheduled'))[0]{id}, $a->{id}, 'it waits for its time');
like $i->queue('release', '--at', '2h', $a->{id}), qr/^scheduled: 1 message,/,
    'release --at';
cmp_ok +(list('--state', 'scheduled'))[0]{due}, '>', time + 7000, 'later';
like $i->queue('release', $a->{id}), qr/^released: 1 message,/, 'and at once';
like $i->queue('priority', '-5', $a->{id}), qr/^changed: 1 message,/,
    'priority';
like $i->queue('list', $a->{id}), qr/ <ann\@example\.test> priority -5$/m,
    'it is listed';
for (['release', '--at', '2001-01-01T00:00'], ['release', '--at', 'soon'],
    ['flush', '--at', '1h'], ['priority', '10', $a->{id}],
    ['priority', '1']) {
	is(($i->ctl('queue', @$_))[0], 2, "refused: @$_");
}
like $i->queue('flush'), qr/^to be tried now: \d/, 'flush';
like $i->queue('delete', '--state', 'hold'), qr/^deleted: 1 message,/,
    'delete';
is scalar(list()), 3, 'it is gone';
is(($i->ctl('queue', 'delete'))[0], 1, 'not all without a word');
is scalar(list()), 3, 'nothing was deleted';
is decode_json($i->queue('delete', '--yes', '--json'))->{messages}, 3,
    'all with --yes';
is $i->queue('list'), "no messages\n", 'an empty queue';
like $i->queue('stats'), qr/^accepted +4 /m, 'stats';
my ($st, $out, $err) = $i->ctl('queue', 'show', $a->{id});
isnt $st, 0, 'what is gone can not be shown';

# destinations
is submit('ann@example.test', $_), 250, "accepted for $_"
    for 'e@one.test', 'f@two.test', 'g@two.test';
my $shown;
ok $i->wait_for(sub { ($shown = $i->queue('dests', '*two.test')) =~
    /^ +2  +\d+ +\d+\/\d+  nobody:two\.test  /m }), 'dests' or
    diag $shown;
is $i->queue('pause', 'nobody:two.test', '--reason', 'they move'),
    "paused: nobody:two.test\n", 'pause';
like $i->queue('dests', '*two.test'),
    qr/nobody:two\.test  paused.*\n +\[4\.3\.2 they move\]$/m, 'it is shown';
my ($two) = @{ decode_json($i->queue('dests', '--json', '*two.test')) };
is "@$two{qw(transport nexthop state waiting)}", 'nobody two.test paused 2',
    'for programs';
is $i->queue('slow', 'nobody:one.test', '--rate', '10/1h', '--until', '2h'),
    "slowed down: nobody:one.test\n", 'slow';
like $i->queue('limits'), qr/^nobody:one\.test  slow, 10 in 60m, since \d+s, /m,
    'limits';
like $i->queue('limits'), qr/^nobody:two\.test  paused, .*: they move$/m,
    'both of them';
is $i->queue('resume', 'nobody:two.test', 'nobody:one.test'),
    "resumed: nobody:two.test\nresumed: nobody:one.test\n", 'resume';
is $i->queue('pause', 'mx.one.test:2525'), "paused: smtp:mx.one.test:2525\n",
    'a next hop with a port is one of smtp';
is $i->queue('resume', 'mx.one.test:2525'),
    "resumed: smtp:mx.one.test:2525\n", '... there, too';
like join('', $i->ctl('queue', $_, 'smtp')), qr/^2.*smtp: is all/s,
    "$_ smtp: all of it, or a host of that name?" for qw(pause resume);
is $i->queue('limits'), "nothing is paused or slowed down\n", 'none is left';
($st, $out, $err) = $i->ctl('queue', 'bounce');
is $st, 2, 'bounce wants a filter' or diag "$out$err";
like $i->queue('bounce', '--to', 'e@one.test', '--text', 'no longer here'),
    qr/^failed: 1 message, 1 recipient$/m, 'bounce';
ok $i->wait_log(qr/to=e\@one\.test .*reason="no longer here; last/), 'logged';
like $i->queue('reroute', 'nobody:three.test', '--to', 'f@two.test'),
    qr/^rerouted: 1 message/m, 'reroute';
like $i->queue('reroute', 'nobody:three.test', '--to', 'f@two.test'),
    qr/^rerouted: 0 messages/m, '... once';
($st, $out, $err) = $i->ctl('queue', 'reroute', 'local:example.test', '--to',
    'f@two.test');
is $st, 2, 'a mailbox is for the router to say';
like $err, qr/say "router"/, '... which is told';
like $i->queue('reroute', 'router', '--to', 'g@two.test'),
    qr/^rerouted: 1 message/m, 'the router says where';
is +(list('--to', 'g@two.test'))[0]{destination}, 'nobody:two.test',
    '... as before';
like $i->queue('expire', '--to', '@two.test'), qr/^expired: [12] message/m,
    'expire';

SKIP: {
	skip 'no other uid without root', 2 if $> != 0;
	chmod 0755, $i->{tmp}, $i->dir;
	my $ctl = Postrider::Instance::build() . '/ctl/postrider';
	skip 'the build is in a closed directory', 2
	    if system('setpriv', '--reuid=65534', '--clear-groups', 'test',
	    '-x', $ctl) != 0;
	my @r = $i->run('setpriv', '--reuid=65534', '--clear-groups', $ctl,
	    '-i', $i->dir, 'queue', 'list');
	is $r[0], 1, 'an ordinary user gets no list';
	like $r[2], qr/only root .*may ask qmgr/, 'and is told who does';
}
$i->stop;
done_testing;
