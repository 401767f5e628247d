#!/usr/bin/perl
# Messages that only the journal has: orders, questions and results do to them
# what they do to others, and a crash does not undo it.
use strict;
use warnings;
use Compress::Zlib ();
use Postrider::Chaos;
use Postrider::Queue;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Postrider::Queue->new(conf => { sync_interval => '10m',
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

# what left the machine is not sent again, whatever is on the disk
sub to { my ($id) = @_; return map { $_->{l}{addr}[0] } grep {
    $_->{f}{q} eq $id } $s->asked('gate') }
$s->delete_all;
$s->stop;
unlink $s->dir . '/open';
$s->_conf('qmgr', sync_interval => '10m', first_retry => '1h',
    result_delay => '0s');
$s->again;
my $two = put(['ok@far.test', 'defer@near.test', 'ok@mbox.test'],
    transport => ['gate', 'local', 'local']);
ok $s->wait_for(sub { $s->list(q => $two) eq
    'defer@near.test=deferred ok@mbox.test=active' }),
    'of two it is the recipient that is sent';
# ... which is in a transaction by the time that this one is
my $far = put('ok@far.test', transport => ['gate']);
ok $s->wait_for(sub { !-e $s->file($far) }),
    'one that is sent leaves before any sync';
$s->crash;
Postrider::Chaos::reboot($s->dir . '/spool/journal');
$s->again;
ok $s->wait_for(sub { 3 == grep { $_->{f}{q} eq $two } $s->asked('local') }),
    'after a power cut what is in a mailbox only is tried again';
$s->call('flush');
is join(' ', map { to($_) } $far, $two), 'ok@far.test ok@far.test',
    'and what was sent is not';

# many large ones at once
my @big = map { Postrider::Queue::id() } 1 .. 8;
my @c = map { $s->connect } @big;
for my $b (@big) {
	open $fh, '>', $s->file($b) or die;
	print {$fh} 'x' x 900_000;
	close $fh;
}
kill 'STOP', $s->pid;
$c[$_]->send('enqueue', Postrider::Queue::fields($big[$_], "gate1\@big.test",
    unsynced => 'yes', size => 900_000 + ($_ == 6))) for 0 .. $#big;
kill 'CONT', $s->pid;
is join(' ', map { $_->recv->{verb} } @c),
    'ok ok ok ok ok ok err ok',
    'more than a batch holds, and one that is not as it says';
unlink map { $s->file($_) } @big;
again();
is scalar(grep { (-s $s->file($_) // 0) == 900_000 } @big), 7,
    'each was in the journal';

# content that can not be written, and a record that does not read
my ($lost, $bad) = map { put("gate$_\@odd.test") } 1, 2;
my $text = do { local (@ARGV, $/) = $s->file($lost); <> };
$s->crash;
my ($journal) = grep { my $t = do { local (@ARGV, $/) = $_; <> };
    $t =~ /gate2\@odd\.test/ } glob $s->dir . '/spool/journal/[0-9]*';
open $fh, '+<:raw', $journal or die;
my $all = do { local $/; <$fh> };
my $at = rindex $all, 'PRJR', index $all, 'gate2@odd.test';
my $len = eval { my ($e, $k) = unpack 'VV', substr $all, $at + 40, 8; $e + $k };
substr $all, $at + 56, 1, 'x';
substr $all, $at + 48, 4, pack 'V', Compress::Zlib::crc32(
    substr($all, $at + 56, $len), Compress::Zlib::crc32(substr $all, $at, 48));
seek $fh, 0, 0;
print {$fh} $all;
close $fh;
my ($dir) = $s->file($lost) =~ m{(.*)/};
rename $dir, "$dir.away" or die;
open $fh, '>', $dir or die;
close $fh;
open $fh, '>', $s->dir . '/open' or die;
close $fh;
$s->_conf('qmgr', sync_interval => '10ms', first_retry => '1s',
    min_retry => '1s', max_retry => '1s', result_delay => '0s');
$s->again;
like $s->log, qr/restore-failed level=error q=$lost /,
    'it starts without a content, and says so';
like $s->log, qr/record-bad level=error q=$bad /, 'without a record, too';
ok $s->wait_for(sub { $s->list(q => $lost) =~ /deferred/ }),
    'that message waits';
my $new = put('ok@new.test');
ok $s->wait_for(sub { $s->list(q => $new) eq '' }), 'others do not';
$s->crash;
$s->again;
like $s->log, qr/restore-failed level=error q=$lost /,
    'the journal is kept';
unlink $dir;
rename "$dir.away", $dir or die;
unlink $s->file($lost);
ok $s->wait_log(qr/restored q=$lost /), 'it is written when it can';
ok $s->wait_for(sub { $s->list(q => $lost) eq '' }), 'and delivered';
is +(grep { $_->{f}{q} eq $lost } $s->asked('gate'))[-1]{content}, $text,
    'as it was';
is $s->list(q => $bad), '', 'the record is nobody\'s mail';
ok -s $s->file($bad), 'its content is kept';
is $s->call('settle', q => $bad)->{f}{queued}, 'yes', 'it is known';
$s->stop;
$s->again;
like $s->log, qr/record-bad level=error q=$bad /, 'and it is told again';
done_testing;
