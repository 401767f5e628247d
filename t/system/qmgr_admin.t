# Questions and orders of the admin.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Queue;
use Test::More;

my $s = Postrider::Queue->new;
$s->start;

# held, deferred, active
my $h = $s->put('ok@h.test', hold => 1, sender => 'ann@x.test', age => 5000);
my $d = $s->put(['defer1@d.test', 'defer2@d.test'], age => 4000);
ok $s->wait_log(qr/deferred q=$d/), 'deferred';
my $a = $s->put('gate@a.test', sender => '', age => 3000);

is $s->list, 'ok@h.test=hold defer1@d.test=deferred defer2@d.test=deferred ' .
    'gate@a.test=active', 'all, in the order in which they came';
my @q = (
	[[q => $d], 'defer1@d.test=deferred defer2@d.test=deferred'],
	[[from => 'ann@x.test'], 'ok@h.test=hold'],
	[[from => '@X.test'], 'ok@h.test=hold'],
	[[from => '<>'], 'gate@a.test=active'],
	[[to => 'defer2@d.test'], 'defer2@d.test=deferred'],
	[[to => 'defer*'], 'defer1@d.test=deferred defer2@d.test=deferred'],
	[[to => 'defer*@*'], 'defer1@d.test=deferred defer2@d.test=deferred'],
	[[to => 'a.test'], 'gate@a.test=active'],
	[[dest => 'local:h.test'], 'ok@h.test=hold'],
	[[dest => 'a.test'], 'gate@a.test=active'],
	[[dest => 'gate:a.test'], 'gate@a.test=active'],
	[[dest => 'smtp:a.test'], ''],
	[[state => 'hold'], 'ok@h.test=hold'],
	[[state => 'deferred', to => 'defer1@d.test'],
	    'defer1@d.test=deferred'],
	[[state => 'active'], 'gate@a.test=active'],
	[[state => 'ready'], ''],
	[[older => 4500], 'ok@h.test=hold'],
	[[younger => 3500], 'gate@a.test=active'],
	[[limit => 1], 'ok@h.test=hold'],
	[[after => $d], 'gate@a.test=active'],
	[[older => 3500, to => 'd.test', from => 'nobody@x.test'], ''],
);
is $s->list(@{ $_->[0] }), $_->[1], "list @{ $_->[0] }" for @q;
is $s->call('list', q => 'x')->{f}{dsn}, '5.5.4', 'a bad id';

my $r = $s->call('show', q => $d);
is scalar @{ $r->{more} }, 2, 'show';
my $fd = $r->{fd};
is join('', <$fd>), "Return-Path: <s\@example.org>\n\nbody of $d\n",
    'with the content';
is $s->call('show', q => Postrider::Queue::id())->{verb}, 'err',
    'show of nothing';

my $st = $s->call('stat')->{f};
is "@$st{qw(messages rcpts active deferred held)}", '3 4 1 3 1', 'stat';

# hold and release
is $s->call('hold', to => 'd.test')->{f}{messages}, 1, 'hold';
is $s->list(to => 'd.test'), 'defer1@d.test=hold defer2@d.test=hold', 'held';
is +($s->call('hold', to => 'd.test')->{f}{messages} // 0), 0, 'only once';
is +($s->call('flush', to => 'd.test')->{f}{messages} // 0), 0,
    'flush does not touch it';
is $s->call('hold', q => $a)->{f}{messages}, 1,
    'hold of what is being delivered';
is $s->list(q => $a), 'gate@a.test=hold', 'held';
$s->crash;
$s->again;
is $s->list(state => 'hold'), 'ok@h.test=hold defer1@d.test=hold ' .
    'defer2@d.test=hold gate@a.test=hold', 'all this over a crash';
my $n = () = $s->deliveries;
is $s->call('release', to => 'd.test')->{f}{messages}, 1, 'release';
ok $s->wait_for(sub { scalar(() = $s->deliveries) > $n }),
    'is a new attempt';
ok $s->wait_log(qr/deferred q=$d .*attempts=2/), 'which is counted';
$n = () = $s->deliveries;
is $s->call('flush', q => $d)->{f}{rcpts}, 2, 'flush';
ok $s->wait_log(qr/deferred q=$d .*attempts=3/), 'tries at once';

# delete
is $s->call('delete', q => $h)->{f}{messages}, 1, 'delete';
ok !-e $s->file($h), 'the content is gone when it is answered';
ok $s->wait_log(qr/removed q=$h .*reason=deleted/), 'logged';
is +($s->call('delete', q => $h)->{f}{messages} // 0), 0, 'once';
$s->call('release', q => $a);
ok $s->wait_for(sub { $s->list(q => $a) =~ /active/ }), 'at work';
my $c = $s->connect;
$c->send('delete', [q => $a]);
is $s->list(q => $a), 'gate@a.test=active', 'delete of it waits';
open my $fh, '>', $s->dir . '/open' or die;
$r = $c->recv;
is "$r->{verb} $r->{f}{messages}", 'ok 1', '... for its result';
is $s->list(q => $a), '', 'gone';
$s->call('delete', q => $d);
is $s->list, '', 'nothing is left';

# pages
my @id = map { $s->put("ok$_\@p.test", hold => 1, orig => ['x' x 900]) }
    1 .. 1100;
my ($after, @got, $calls) = ('');
do {
	$r = $s->call('list', after => $after);
	push @got, map { $_->{f}{q} } @{ $r->{more} };
	$after = $r->{f}{next} // '';
	$calls++;
} while ($after ne '' && $calls < 100);
is_deeply \@got, [sort @id], 'page by page, each once';
cmp_ok $calls, '>', 2, 'in several pages';
my $sum = 0;
do {
	$r = $s->call('delete', after => $after, to => 'p.test');
	$sum += $r->{f}{messages};
	$s->log;	# the pipe is read, so that it does not fill up
	$after = $r->{f}{next} // '';
} while ($after ne '');
is $sum, 1100, 'deleted page by page';
is $s->list, '', 'all';
is scalar(() = glob $s->dir . '/spool/content/*/*'), 0, 'and all content';
done_testing;
