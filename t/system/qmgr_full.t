# A full disk: nobody is told yes, nothing is lost, and all goes on when there
# is room again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Queue;
use Test::More;

plan skip_all => 'a small file system needs root' if $> != 0;
my $s = Postrider::Queue->new(conf => { first_retry => '1h' });
my $spool = $s->dir . '/spool';
system('mount', '-t', 'tmpfs', '-o', 'size=4m,mode=0777', 'none', $spool) == 0
    or plan skip_all => 'no tmpfs may be mounted here';
END { system 'umount', '-l', $spool if $spool && $> == 0 }
mkdir "$spool/content";
mkdir sprintf "$spool/content/%02x", $_ for 0 .. 255;
system 'chown', '-R', 'nobody', $spool;

$s->start;
$s->put('ok@a.test');
ok $s->wait_empty, 'while there is room';

# fill it with envelopes: held, so that they stay
my ($n, $r) = (0);
while ($n < 3000) {
	my $id = Postrider::Queue::id();
	$r = $s->call(enqueue => @{ Postrider::Queue::fields($id,
	    "ok$n\@b.test", hold => 1, envid => 'x' x 500) });
	last if $r->{verb} ne 'ok';
	$n++;
}
is "$r->{verb} $r->{f}{kind} $r->{f}{dsn}", 'err temp 4.3.1',
    "full after $n messages";
cmp_ok $n, '>', 50, 'a good number';
ok $s->wait_log(qr/commit-failed level=error dsn=4\.3\.1/), 'said aloud';
is $s->call('stat')->{f}{messages}, $n, 'those that were taken are there';
my $one = $s->call('list', limit => 1)->{more}[0]{f}{q};
is $s->call('hold', q => $one)->{verb}, 'ok', 'nothing to do is no trouble';
for (1 .. 20) {
	$r = $s->call(enqueue => @{ Postrider::Queue::fields(
	    Postrider::Queue::id(), 'ok@b.test', hold => 1) });
	$n += $r->{verb} eq 'ok';
}
$s->crash;

# the same after a crash, when the log can not grow either
system 'mount', '-o', 'remount,size=16m', $spool;
$s->again;
is $s->call('stat')->{f}{messages} // 0, $n, 'and after a crash';
my ($got, $after) = (0, '');
do {
	$r = $s->call('list', after => $after, to => 'b.test');
	$got += $r->{f}{messages};
	$after = $r->{f}{next} // '';
} while ($after ne '');
is $got, $n, 'each of them';

# results while it is full
$s->put("gate$_\@d.test") for 1 .. 3;
open my $filler, '>', "$spool/filler" or die;
while (syswrite $filler, "\0" x 4096) {
	next;
}
truncate $filler, (-s $filler) - 4096;
close $filler;
my $fill = 0;
while ($fill++ < 2000) {
	$r = $s->call(enqueue => @{ Postrider::Queue::fields(
	    Postrider::Queue::id(), "ok\@e.test", hold => 1,
	    envid => 'x' x 900) });
	last if $r->{verb} ne 'ok';
}
is $r->{f}{dsn}, '4.3.1', 'full again';
open my $fh, '>', $s->dir . '/open' or die;
close $fh;
ok $s->wait_for(sub { $s->asked('gate') == 3 }), 'three are delivered';
sleep 2;
unlink "$spool/filler";
ok $s->wait_for(sub { $s->list(to => 'd.test') eq '' }),
    'and leave when there is room';
is scalar($s->asked('gate')), 3, 'delivered once';
is $s->call('enqueue', @{ Postrider::Queue::fields(Postrider::Queue::id(),
    'ok@c.test', hold => 1) })->{verb}, 'ok', 'and mail is taken again';
done_testing;
