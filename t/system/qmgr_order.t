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
ok $s->wait_for(sub { $s->call('stat')->{f}{deferred} // 0 == 20 }),
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
