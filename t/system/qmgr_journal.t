#!/usr/bin/perl
# Messages that only the journal has: orders, questions and results do to them
# what they do to others, and a crash does not undo it.
use strict;
use warnings;
use Postrider::Queue;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Postrider::Queue->new(conf => { sync_interval => '10s',
    first_retry => '1h' });

# one whose content only the journal has
sub put {
	my ($to, %more) = @_;
	my $id = $s->content(Postrider::Queue::id());
	$s->put($to, id => $id, unsynced => 'yes', size => -s $s->file($id),
	    %more);
	return $id;
}

sub again { $s->crash; $s->again; return }

$s->start;
my %q = map { $_ => put("gate$_\@a.test") } 1 .. 6;
is scalar(() = $s->list =~ /gate\d\@a\.test=active/g), 6, 'all are listed';
is $s->call('stat')->{f}{messages}, 6, 'and counted';
is $s->call('settle', q => $q{1})->{f}{queued}, 'yes', 'known';
is $s->call('show', q => $q{1})->{verb}, 'ok', 'shown';
is $s->call('hold', q => $q{2})->{f}{messages}, 1, 'one is held';
is $s->call('priority', q => $q{3}, priority => 5)->{f}{messages}, 1,
    'another gets a priority';
my $h = put('gate7@a.test');
is $s->call('delete', q => $h)->{f}{messages}, 1, 'one that waits is deleted';
ok !-e $s->file($h), 'with its content';
my $d = put('defer@b.test');
ok $s->wait_for(sub { $s->list(q => $d) =~ /deferred/ }), 'one is deferred';
my $e = put('defer@b.test');
ok $s->wait_for(sub { $s->list(q => $e) =~ /deferred/ }), 'two are';
is $s->call('delete', q => $e)->{f}{messages}, 1, 'and one is deleted';
my $f = put(['fail@c.test', 'gate9@c.test'], notify => ['never', '']);
ok $s->wait_for(sub { $s->list(q => $f) !~ /fail/ }), 'a part of one fails';
my $g = put('fail@d.test', notify => ['never']);
ok $s->wait_for(sub { $s->list(q => $g) eq '' }), 'all of another';
# reported at once, while the journal still has it
my $p = put('fail@e.test');
ok $s->wait_for(sub { $s->list(q => $p) eq '' && !-e $s->file($p) }),
    'one has its report, and leaves';
unlink $s->file($q{4});
open my $fh, '>', $s->file($q{5}) or die;
close $fh;
again();
ok $s->wait_log(qr/replayed messages=[45] contents=2/), 'after a crash';
is $s->list(q => $q{2}), 'gate2@a.test=hold', 'what was held is';
is $s->list(q => $d), 'defer@b.test=deferred', 'what was deferred is';
is $s->list(q => $e) . $s->list(q => $h), '', 'what was deleted stays away';
is $s->list(q => $g), '', 'what had failed, too';
is $s->list(q => $p), '', 'and what was reported';
like $s->list(q => $f), qr/^gate9\@c\.test=\w+$/, 'and its part';
is $s->call('list', q => $q{3})->{more}[0]{f}{priority}, 5, 'the priority';
for my $k (4, 5) {
	ok -s $s->file($q{$k}), 'content that was lost is there';
}
for my $k (1 .. 6) {
	is $s->call('settle', q => $q{$k})->{f}{queued}, 'yes', "$k is known";
}
my $r = $s->call('enqueue', @{ Postrider::Queue::fields($q{1},
    'gate1@a.test') });
is $r->{verb}, 'ok', 'enqueued again: as it was';
is scalar(() = $s->list =~ /gate1\@/g), 1, 'once';

open $fh, '>', $s->dir . '/open' or die;
close $fh;
$s->call('release');
$s->call('delete', q => $d);
ok $s->wait_for(sub { $s->asked('gate') >= 7 }), 'all are delivered';
again();
$s->_conf('qmgr', sync_interval => '10ms');
again();
ok $s->wait_empty, 'and leave';
my %n;
$n{ $_->{f}{q} }++ for $s->asked('gate');
is scalar(grep { !$n{ $q{$_} } } 1 .. 6), 0, 'each of them';

# the clock was set back, so ids of before are higher
my $late = $s->put('defer@g.test', id => Postrider::Queue::id(-3600));
sub late { return grep { $_->{f}{q} eq $late } $s->asked('local') }
ok $s->wait_for(sub { $s->list(q => $late) =~ /deferred/ }), 'one of later';
again();
$s->call('flush', q => $late);
ok $s->wait_for(sub { late() > 1 }), 'is tried again';
is +(late())[1]{f}{again}, 'yes', 'and looked for';
done_testing;
