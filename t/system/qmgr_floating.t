#!/usr/bin/perl
# Content that has no file: delivered at once it never gets one; what has to
# stay gets one before its record leaves the journal, or out of the journal
# after a crash; where none can be made it waits.  Nobody can write to it.
use strict;
use warnings;
use Postrider::Chaos;
use Postrider::Queue;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Postrider::Queue->new(conf => { sync_interval => '10m',
    first_retry => '1h' });
my $open = $s->dir . '/open';

sub put { return $s->put(shift, floats => 1, @_) }
sub file { return -e $s->file($_[0]) ? 1 : 0 }
sub text { return "Return-Path: <s\@example.org>\n\nbody of $_[0]\n" }
sub of_file {
	my ($q) = @_;
	open my $fh, '<', $s->file($q) or return '';
	return do { local $/; <$fh> };
}
sub let { open my $fh, '>', $open or die; close $fh; return }
sub state { my ($q) = @_; return $s->list(q => $q) =~ /=(\w+)/ ? $1 : '' }
# what the agent was given of it, last
sub given {
	my ($q) = @_;
	my ($m) = reverse grep { $_->{f}{q} eq $q } $s->asked('gate');
	return $m ? $m->{content} : undef;
}
sub restart {
	my (%conf) = @_;
	$s->crash if $s->pid;
	$s->again(sync_interval => '10ms', first_retry => '1h', %conf);
	return;
}

$s->start;

# in memory
my $q = put('gate1@a.test');
ok $s->wait_for(sub { defined given($q) }), 'it is with an agent';
is given($q), text($q), '... which can read it';
is file($q), 0, '... and has no file';
my $r = $s->call('show', q => $q);
is scalar(@{ $r->{more} }), 1, 'it is shown';
for my $n (1, 2) {
	$r = $s->call('show', q => $q);
	seek $r->{fd}, 0, 0;
	is do { local $/; readline $r->{fd} }, text($q), "its content, too: $n";
}
my $fh = $r->{fd};
ok !defined(syswrite $fh, 'x') && $!{EPERM}, 'nobody writes to it';
ok !truncate($fh, 0) && $!{EPERM}, '... cuts it off';
ok !truncate($fh, 1000) && $!{EPERM}, '... or makes it longer';
ok !defined fcntl($fh, Postrider::Queue::ADD_SEALS, 1), '... or seals it';
for my $seals (undef, 0, 8 | 2, 15 & ~8) {
	my $id = Postrider::Queue::id();
	my $c = $s->connect;
	my $f = Postrider::Queue::floating(text($id), open => 1);
	fcntl $f, Postrider::Queue::ADD_SEALS, $seals if $seals;
	$r = $c->call('enqueue', Postrider::Queue::fields($id, 'ok@a.test',
	    floating => 'yes'), defined $seals ? $f : undef);
	is "$r->{f}{kind} $r->{f}{dsn}", 'perm 5.5.4',
	    'one with seals ' . ($seals // 'and no content') . ' is refused';
}

for my $more ([size => 49], [size => 51, hold => 1]) {
	my $id = Postrider::Queue::id();
	$r = $s->connect->call('enqueue', Postrider::Queue::fields($id,
	    'ok@a.test', floating => 'yes', @$more),
	    Postrider::Queue::floating(text($id)));
	is "$r->{f}{kind} $r->{f}{dsn}", 'temp 4.3.0',
	    "so is one of another length: @$more";
}

# a crash before it has a file
$s->crash;
$s->again;
like $s->log, qr/restored q=$q bytes=50/, 'a crash: out of the journal';
is of_file($q), text($q), '... it gets a file';
is sprintf('%o', (stat $s->file($q))[2] & 0777), '440', '... to be read only';
let();
ok $s->wait_empty, '... and is delivered';
is given($q), text($q), '... as it was';
unlink $open;
is put('ok@b.test', id => $q) , $q, 'its id is known';
is $s->list, '', '... and nothing comes twice';

# what stays: deferred, held, for later, failed
my %stay = (deferred => put('defer@c.test'),
    hold => put('ok@c.test', hold => 1),
    scheduled => put('ok@c.test', release_at => time + 3600));
for my $how (sort keys %stay) {
	$q = $stay{$how};
	ok $s->wait_for(sub { file($q) }), "$how: it has a file";
	is of_file($q), text($q), '... with its bytes';
	is state($q), $how, '... and stays';
}
$q = put('fail@c.test', notify => ['failure']);
ok $s->wait_for(sub { grep { ($_->{content} // '') eq text($q) }
    $s->asked('bounce') }), 'a report has it';
# an order: it has rows then
$q = put('gate2@d.test');
is $s->call('hold', q => $q)->{f}{messages}, 1, 'put on hold';
is of_file($q), text($q), '... it has a file';
$s->crash;
$s->again;
is of_file($stay{$_}), text($stay{$_}), "after a crash: $_"
    for sort keys %stay;
$s->delete_all;
is $s->list, '', 'all are deleted';

# some epochs are not too long for it, more are; an orderly stop
restart(sync_interval => '40ms');
$q = put('gate4@e.test');
ok $s->wait_for(sub { file($q) && of_file($q) eq text($q) }),
    'what takes long gets a file, with its bytes';
restart(sync_interval => '10m', drain_timeout => '0s');
my @q = map { put("gate5\@e$_.test") } 1 .. 3;
is join('', map { file($_) } @q), '000', 'three without';
kill 'TERM', $s->pid;
is $s->wait_exit, 0, 'an orderly stop';
is join('|', map { of_file($_) } @q), join('|', map { text($_) } @q),
    '... all have one';

# limits
let();
restart(sync_interval => '10m', floating_messages => 2);
ok $s->wait_for(sub { $s->list !~ /gate/ }), 'all are delivered';
unlink $open;
@q = map { put("gate6\@f$_.test") } 1 .. 4;
is join('', map { file($_) } @q), '0011', 'two may float';
let();
ok $s->wait_for(sub { 4 == grep { $s->log =~ /removed q=$_ / } @q }),
    'they are delivered';
unlink $open;
@q = map { put("gate7\@f$_.test") } 1 .. 3;
is join('', map { file($_) } @q), '001', 'then others may';
restart(sync_interval => '10m', floating_size => 110);
@q = map { put("gate7\@g$_.test") } 1 .. 3;
is join('', map { file($_) } @q), '001', 'so many bytes may';
let();
ok $s->wait_for(sub { $s->list !~ /gate/ }), 'all are delivered';

# what floats keeps the journal, so none does where that gets full; what is
# refused then leaves no file
restart(sync_interval => '10m', journal_limit => '32M');
unlink $open;
$q = put('gate8@h.test');
is file($q), 0, 'one floats';
sub big {
	my $id = Postrider::Queue::id();
	open my $fh, '>', $s->file($id) or die;
	truncate $fh, 9 << 20 or die;
	return $s->connect->call('enqueue', Postrider::Queue::fields($id,
	    'never@big.test', unsynced => 'yes', size => 9 << 20,
	    transport => ['away']));
}
is big()->{verb}, 'ok', 'a long message';
is file($q), 0, '... is not too much';
is big()->{verb}, 'ok', 'another';
ok $s->wait_for(sub { file($q) }), '... and it has a file';
is file($q = put('gate9@h.test')), 1, '... as others have';
is big()->{verb}, 'ok', 'one more';
is big()->{f}{dsn}, '4.3.1', 'there is a limit';
my $much = "Return-Path: <s\@example.org>\n\n" . 'x' x (6 << 20);
$q = Postrider::Queue::id();
$r = $s->connect->call('enqueue', Postrider::Queue::fields($q, 'ok@h.test',
    floating => 'yes', size => length $much),
    Postrider::Queue::floating($much));
is $r->{f}{dsn}, '4.3.1', '... for others';
ok $s->wait_for(sub { !file($q) }), '... of which no file stays';

# delivered, and a receipt is due
sub noted { return Postrider::Chaos::noted($s->dir . '/spool/journal') }
let();
restart();
$s->delete_all;
ok $s->wait_for(sub { $s->list eq '' && !noted() }), 'nothing is left of it';
restart(sync_interval => '10m');
$q = put('ok@r.test', notify => ['success']);
ok $s->wait_for(sub { noted() }), 'one is delivered, and noted';
restart();
ok $s->wait_for(sub { grep { ($_->{content} // '') eq text($q) }
    $s->asked('bounce') }), 'after a crash, its receipt has the content';
ok $s->wait_empty, '... and all are done with';
is scalar(grep { $_->{f}{q} eq $q } $s->asked('local')), 1,
    '... without being delivered again';

# what is delivered counts no more, and takes no orders
sub fds { return scalar(() = glob '/proc/' . $s->pid . '/fd/*') }
restart(sync_interval => '10m', floating_messages => 2);
$s->delete_all;
put('ok@s.test');
ok $s->wait_for(sub { noted() == 1 }), 'one is delivered';
my $fds = fds();
for my $n (2 .. 6) {
	put("ok\@s$n.test");
	$s->wait_for(sub { noted() == $n });
}
$q = put('ok@t.test');
ok $s->wait_for(sub { noted() == 7 }), 'and six more, before a sync';
is scalar(grep { /ok\@/ } split ' ', $s->list), 7, '... which they wait for';
is file($q), 0, 'the limit is for others';
is fds(), $fds, '... of the descriptors, too';
is $s->call('hold', q => $q)->{f}{messages} // 0, 0,
    'it is too late to hold it';
is $s->call('take', q => $q)->{f}{dsn}, '5.5.4', '... to take it';
is $s->call('schedule', q => $q, at => time + 3600)->{f}{messages} // 0, 0,
    '... to schedule it';
is $s->call('priority', q => $q, priority => 3)->{f}{messages} // 0, 0,
    '... or another priority';
for my $order (qw(delete flush release)) {
	my $f = $s->call($order, q => $q)->{f};
	is join(' ', map { $f->{$_} // 0 } qw(messages rcpts)), '0 0',
	    "... to $order it: it has left";
}
unlike $s->log, qr/removed q=$q .*deleted/,
    '... and nothing says that it was deleted';
is $s->call('show', q => $q)->{f}{dsn}, '5.5.4', '... to read it';
is file($q), 0, '... and it has no file';
my $two = put(['ok@u.test', 'ok@v.test']);
ok $s->wait_for(sub { noted() == 8 }), 'one for two is delivered';
is $s->call('show', q => $two)->{verb}, 'ok',
    '... which keeps its content, for a sync may cover one of them';
restart(sync_interval => '10ms');
ok $s->wait_empty, 'after a crash they are done with';
is scalar(grep { $_->{f}{q} eq $q } $s->asked('local')), 1,
    '... without being delivered again';

# no file can be made: as on a full disk
restart();
$s->delete_all;
my ($stuck, $drop, $held) = map { Postrider::Queue::id() } 1 .. 3;
my %away;
for my $id ($stuck, $drop, $held) {
	my ($dir) = $s->file($id) =~ m{(.*)/};
	next if $away{$dir}++;
	rename $dir, "$dir.away" or die;
	open my $no, '>', $dir or die;
}
my $c = $s->connect;
$r = $c->call('enqueue', Postrider::Queue::fields($held, 'ok@g.test',
    floating => 'yes', hold => 1), Postrider::Queue::floating(text($held)));
is $r->{f}{kind}, 'temp', 'what is held is not taken';
put('defer@g.test', id => $_) for $stuck, $drop;
ok $s->wait_log(qr/anchor-failed level=error q=(?:$stuck|$drop) /),
    'what is deferred says so';
ok $s->wait_for(sub { $s->list eq
    'defer@g.test=deferred defer@g.test=deferred' }), '... and stays'
    or diag $s->log;
put('ok@h.test');
ok $s->wait_for(sub { $s->list !~ /ok\@h/ }), 'others come and go';
is $s->call('delete', q => $drop)->{f}{messages}, 1, 'one is deleted';
is state($drop), '', '... and gone';
is $s->call('hold', q => $stuck)->{verb}, 'err', 'it can not be filed';
$s->crash;
unlink $_ for keys %away;
rename "$_.away", $_ for keys %away;
restart();
is state($drop), '', 'a crash: what was deleted stays away';
ok $s->wait_for(sub { of_file($stuck) eq text($stuck) }),
    '... the other has a file';
$s->delete_all;

# the same until there is room again
my ($dir) = $s->file($q = Postrider::Queue::id()) =~ m{(.*)/};
rename $dir, "$dir.away" or die;
open my $no, '>', $dir or die;
my $mark = length $s->log;
put('defer@i.test', id => $q);
ok $s->wait_for(sub { substr($s->log, $mark) =~ /anchor-failed/ }), 'no room';
unlink $dir;
rename "$dir.away", $dir or die;
ok $s->wait_for(sub { of_file($q) eq text($q) }), 'a file when there is';
ok $s->wait_for(sub { state($q) eq 'deferred' }), 'it stays';
restart();
is state($q), 'deferred', '... after a crash, too';
is of_file($q), text($q), '... with its file';
done_testing;
