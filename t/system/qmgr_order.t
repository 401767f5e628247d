# What goes first: priority, turns of destinations, fresh mail beside old.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Queue;
use Test::More;

my $s = Postrider::Queue->new(conf => { transport_limits => 'local:1:1:1' });
$s->start;

sub gate {
	my ($open) = @_;
	unlink $s->dir . '/open';
	return unless $open;
	open my $fh, '>', $s->dir . '/open' or die;
	return;
}

my $from = 0;
sub order {
	my @d = $s->deliveries;
	my @new = @d[$from .. $#d];
	$from = @d;
	return join ' ', @new;
}

$s->put('gate@a.test', transport => ['local']);
$s->put("ok$_->[0]\@a.test", priority => $_->[1])
    for [1, 0], [2, -9], [3, 9], [4, 0], [5, 3];
gate(1);
ok $s->wait_empty, 'delivered';
is order(), 'gate@a.test ok3@a.test ok5@a.test ok1@a.test ok4@a.test ' .
    'ok2@a.test', 'by priority, then as they came';

# changed while they wait: fresh ones, and one that was filed
gate(0);
$s->put('gate@a.test', transport => ['local']);
my %q = map { $_ => $s->put("ok$_\@a.test") } 1 .. 4;
is $s->call('priority', q => $q{3}, priority => 5)->{f}{messages}, 1,
    'a new priority';
is $s->call('priority', q => $q{1}, priority => -5)->{f}{messages}, 1,
    'and a low one';
is $s->call('priority', q => $q{1}, priority => -6)->{f}{messages}, 1,
    'once more';
is $s->call('priority', q => $q{2}, priority => 0)->{f}{messages} // 0, 0,
    'nothing to change';
gate(1);
ok $s->wait_empty, 'delivered';
is order(), 'gate@a.test ok3@a.test ok2@a.test ok4@a.test ok1@a.test',
    'they went in the new order';

# not before a time: fresh, held, and what is in the agent's hands
gate(0);
my $busy = $s->put('gate@a.test', transport => ['local']);
%q = map { $_ => $s->put("ok$_\@a.test") } 1 .. 3;
$s->call('hold', q => $q{2});
is $s->call('schedule', q => $_, at => time + 3600)->{f}{messages}, 1,
    'scheduled' for $q{1}, $q{2}, $busy;
like $s->list(q => $q{2}), qr/=scheduled$/, 'the hold has ended';
is $s->call('stat')->{f}{held} // 0, 0, 'none is held';
like $s->call('schedule', q => $q{3}, at => time - 5)->{f}{text},
    qr/has passed/, 'not in the past';
gate(1);
ok $s->wait_for(sub { $s->list(q => $q{3}) eq '' }), 'the others go';
is order(), 'gate@a.test ok3@a.test', 'and only they';
$s->crash;
$s->again;
like $s->list(q => $q{1}), qr/=scheduled$/, 'also after a crash';
my $at;
for my $id ($q{1}, $q{2}) {
	ok $s->wait_for(sub { $at = time + 2; ($s->call('schedule', q => $id,
	    at => $at)->{f}{messages} // 0) == 1 }), 'sooner';
}
ok $s->wait_empty, 'delivered';
cmp_ok time, '>=', $at, 'not before their time';
is join(' ', sort split ' ', order()), 'ok1@a.test ok2@a.test', 'once';

gate(0);
$s->put('gate@a.test', transport => ['local']);
$s->put("ok$_\@a.test") for 1 .. 4;
$s->put("ok$_\@b.test") for 1 .. 2;
gate(1);
ok $s->wait_empty, 'delivered';
is order(), 'gate@a.test ok1@b.test ok1@a.test ok2@b.test ok2@a.test ' .
    'ok3@a.test ok4@a.test', 'destinations take turns';

# old mail of many destinations, one fresh message behind it
gate(0);
$s->put('gate@z.test', transport => ['local']);
$s->put("defer$_\@d$_.test") for 1 .. 20;
gate(1);
ok $s->wait_for(sub { ($s->call('stat')->{f}{deferred} // 0) == 20 }),
    'deferred';
$s->wait_for(sub { $s->list(state => 'active') eq '' });
order();
gate(0);
$s->put('gate@y.test', transport => ['local']);
is $s->call('flush')->{f}{messages}, 21, 'all are to be tried again';
$s->wait_for(sub { my @a = split ' ', $s->list(state => 'active');
    @a == 21 });
$s->put("ok$_\@f.test") for 1 .. 5;
gate(1);
$s->wait_for(sub { $s->list(to => 'f.test') eq '' });
my @o = split ' ', order();
my ($last) = grep { $o[$_] eq 'ok5@f.test' } 0 .. $#o;
cmp_ok $last, '<=', 7, 'fresh mail did not wait for old mail' or
    diag "@o";
done_testing;
