#!/usr/bin/perl
# The log of queue.db is moved into the file while nothing else is to be done.
# Where that fails it is said, once, and tried again; all is there afterwards.
use strict;
use warnings;
use File::Copy qw(copy);
use Postrider::Faults::Page;
use Postrider::Queue;
use Test::More;
use Time::HiRes qw(sleep time);

my $s = Postrider::Queue->new;
my $page = Postrider::Faults::Page->new($s->dir . '/faults');
chmod 0666, $s->dir . '/faults';
my %env = $page->env;
copy($env{LD_PRELOAD}, $s->dir . '/shim.so') or die "shim: $!\n";
{
	local %ENV = (%ENV, %env, LD_PRELOAD => $s->dir . '/shim.so');
	$s->start;
}
sub count { return $s->call('stat')->{f}{messages} }

# A second without mail is enough, so it may have been moved already where we
# stood still: then there has to be more.
my ($n, $fired) = (0, 0);
my $wal = $s->dir . '/spool/queue.db-wal';
for (1 .. 10) {
	$s->put("ok$_\@a.test", hold => 1, envid => 'x' x 500) for 1 .. 300;
	$n += 300;
	cmp_ok -s $wal, '>', 64 * 4096, 'there is something to move';
	$page->arm('qmgr', 'sync', 1);
	my $end = time + 6;
	sleep 0.02 until $page->fired || time > $end;
	last if $fired = $page->fired;
	$page->disarm;
}
ok $fired, 'it is moved, and can not be synced';
$page->disarm;
ok $s->wait_log(qr/checkpoint-failed level=warn dsn=4\.3\.0 reason=/),
    'which is said';
my $size = -s $s->dir . '/spool/queue.db';
ok $s->wait_for(sub { -s $s->dir . '/spool/queue.db' >= $size }), 'later';
$s->put('defer@b.test');
is count(), $n + 1, 'all are there';
$s->crash;
unlink $s->dir . '/shim.so';
$s->again;
is count(), $n + 1, '... after a crash, too';
done_testing;
