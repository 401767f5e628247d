#!/usr/bin/perl
# The sync behind the journal fails: nothing that it should have covered is
# believed, and it is delivered once more from content written anew.  What a
# journal with a damaged middle still has is used, and the file is kept.
use strict;
use warnings;
use Postrider::Chaos;
use Postrider::Queue;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Postrider::Queue->new(conf => { first_retry => '1s' });
my $fail = $s->dir . '/spool/fail';

# syncfs fails while that file is there, and waits for another where it is not
# empty
open my $c, '>', $s->dir . '/fail.c' or die;
print {$c} <<"X";
#define _GNU_SOURCE
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
int
syncfs(int fd)
{
	struct stat st;

	if (stat("$fail", &st) != 0)
		return syscall(SYS_syncfs, fd);
	if (st.st_size > 0)
		for (unlink("$fail.go"); access("$fail.go", F_OK) != 0;)
			;
	errno = EIO;
	return -1;
}
/* so fails this for one file */
int
sync_file_range(int fd, off_t at, off_t n, unsigned flags)
{
	struct stat a, b;

	if (stat("$fail.this", &a) != 0 || fstat(fd, &b) != 0 ||
	    a.st_ino != b.st_ino)
		return syscall(SYS_sync_file_range, fd, at, n, flags);
	errno = EIO;
	return -1;
}
X
close $c;
system(($ENV{CC} || 'cc') .
    " -shared -fPIC -o $s->{dir}/fail.so $s->{dir}/fail.c") == 0 or
    die "no compiler\n";
chmod 0755, "$s->{dir}/fail.so";
$ENV{ASAN_OPTIONS} = 'detect_leaks=0:verify_asan_link_order=0';
push @{ $s->{prefix} }, 'env', "LD_PRELOAD=$s->{dir}/fail.so";

sub touch {
	my ($text, $file) = @_;
	open my $fh, '>', $file // $fail or die;
	print {$fh} $text // '';
	close $fh;
	return;
}

# one whose content only the journal has
sub put {
	my ($to) = @_;
	my $id = $s->content(Postrider::Queue::id());
	$s->put($to, id => $id, unsynced => 'yes', size => -s $s->file($id));
	return $id;
}

# files of the journal that are in use
sub journal {
	return grep { do { local (@ARGV, $/) = $_; <> } =~ /^PRJ1/ }
	    glob $s->dir . '/spool/journal/[0-9]*';
}

sub inode { return (stat $s->file($_[0]))[1] // 0 }
sub sent { my ($id) = @_; return grep { $_->{f}{q} eq $id } $s->asked('local') }

$s->start;
put('ok@a.test');
ok $s->wait_empty, 'a sync that works';

# what was passed on, and never had a file, needs none
ok $s->wait_for(sub { !journal() }), 'nothing is in the journal';
touch();
touch('', $s->dir . '/open');
$s->put("gate$_\@relay.test", floats => 1) for 1 .. 3;
ok $s->wait_empty, 'relayed';
ok $s->wait_for(sub { !journal() }), '... and forgotten without a sync';
is $s->list, '', '... of which none was tried';
unlink $s->dir . '/open';

my $id = put('ok@b.test');
link $s->file($id), $s->dir . '/mailbox' or die;
my ($ino, $text) = (inode($id), do { local (@ARGV, $/) = $s->file($id); <> });
is +($s->wait_exit // -1) >> 8, 1, 'one that fails ends the process';
like $s->log, qr/sync-failed level=error reason="Input\/output error"/,
    'which says so';
is scalar(sent($id)), 1, 'delivered';
ok inode($id), 'but not removed';
$s->again;
ok $s->wait_log(qr/replayed messages=1 contents=1 done=0 doubted=1/),
    'the next one knows';
isnt inode($id), $ino, 'the content is written anew';
is do { local (@ARGV, $/) = $s->file($id); <> }, $text, 'with the same bytes';
is +($s->wait_exit // -1) >> 8, 1, 'it fails again';
unlink $fail;
$s->again;
ok $s->wait_empty, 'until it does not';
my @sent = sent($id);
is join(' ', map { ($_->{f}{again} // 'no') . '/' . ($_->{f}{doubt} // 'no') }
    @sent), 'no/no yes/yes yes/yes', 'the agent is told to replace it';
is $sent[-1]{content}, $text, 'and gets the new one';
ok $s->wait_for(sub { !inode($id) }), 'then it is removed';
$s->stop;
unlike do { $s->again; $s->log }, qr/replayed/, 'nothing is left to replay';

# what comes while a sync runs that then fails is in doubt, too
touch('', "$fail.go");
touch('wait');
put('ok@f.test');
ok $s->wait_for(sub { !-e "$fail.go" }), 'a sync is under way';
put('ok@g.test');
touch('', "$fail.go");
is +($s->wait_exit // -1) >> 8, 1, 'and fails';
unlink $fail;
$s->again;
ok $s->wait_log(qr/replayed messages=2 contents=2 done=0 doubted=2/),
    'what came meanwhile is written anew, too';
ok $s->wait_empty, 'all is delivered';

# what was filed meanwhile is delivered anew, too
touch();
$id = put(['ok@h.test', 'defer@h.test']);
is +($s->wait_exit // -1) >> 8, 1, 'one delivered, one deferred';
unlink $fail;
$s->again;
ok $s->wait_for(sub { sent($id) > 1 }), 'a message with rows';
is +(sent($id))[1]{f}{doubt}, 'yes', 'is in doubt';
$s->call('delete', q => $id);
ok $s->wait_empty, 'and leaves';

# the doubt is not over with the first sync that works
touch();
$id = put(['ok@i.test', 'defer@i.test']);
is +($s->wait_exit // -1) >> 8, 1, 'delivered in part once more';
unlink $fail;
rename $s->path('local'), $s->path('away') or die;
$s->again;
ok $s->wait_log(qr/transport-down/), 'nobody is there to deliver it anew';
ok $s->wait_for(sub { !grep { do { local (@ARGV, $/) = $_; <> } =~
    /ok\@i\.test/ } journal() }), 'while all else is synced';
$s->stop;
rename $s->path('away'), $s->path('local') or die;
$s->again;
$s->call('flush');
ok $s->wait_for(sub { sent($id) > 1 }), 'after another start it is tried';
is +(sent($id))[1]{f}{doubt}, 'yes', 'and still in doubt';
$s->call('delete', q => $id);
ok $s->wait_empty, 'it leaves';
is +((sent(put('ok@j.test')))[0] // {})->{f}{doubt} // 'no', 'no',
    'what is new is not';

# a full journal
$s->stop;
$s->_conf('qmgr', journal_limit => '32M', sync_interval => '20s',
    result_delay => '0s');
$s->again;
my ($r, $n) = (undef, 0);
for (1 .. 100) {
	my $big = Postrider::Queue::id();
	my $f = $s->file($big);
	open my $fh, '>', $f or die;
	print {$fh} 'x' x 1_000_000;
	close $fh;
	$r = $s->call('enqueue', @{ Postrider::Queue::fields($big, 'ok@c.test',
	    unsynced => 'yes', size => 1_000_000) });
	last if $r->{verb} ne 'ok';
	$n++;
}
is "$r->{f}{kind} $r->{f}{dsn}", 'temp 4.3.1', "the limit: refused after $n";
cmp_ok $n, '>', 20, 'a good number';
ok $s->wait_for(sub { $s->list eq '' }), 'all are delivered';
ok put('ok@d.test'), 'and mail is taken again';

# damage, before what is known to be durable
put("gate$_\@e.test") for 1 .. 3;
$s->crash;
my ($file) = grep { my $t = do { local (@ARGV, $/) = $_; <> };
    $t =~ /gate1\@e\.test/ } glob $s->dir . '/spool/journal/[0-9]*';
open my $fh, '+<', $file or die;
my $all = do { local $/; <$fh> };
seek $fh, index($all, 'gate2@e.test'), 0;
print {$fh} 'xx';
close $fh;
$s->_conf('qmgr', sync_interval => '10ms', result_delay => '0s');
$s->again;
ok $s->wait_log(qr/journal-damaged level=error file=\d+ at=\d+/),
    'damage in the middle is loud';
open $fh, '>', $s->dir . '/open' or die;
close $fh;
ok $s->wait_empty, 'the rest is delivered';
my %got = map { $_->{l}{addr}[0] => $_->{f}{again} } $s->asked('gate');
is join(' ', map { $got{"gate$_\@e.test"} // 'no' } 1, 3), 'yes yes',
    'with what came after it';
ok $s->wait_for(sub { () = glob $s->dir . '/spool/journal/damaged-*' }),
    'and the file is kept';

# nobody was there when a content was not written, and another was told
$s->stop;
$s->_conf('qmgr', sync_interval => '10m', result_delay => '0s');
$s->again;
$id = put('ok@k.test');
my $other = put('ok@k.test');
ok $s->wait_for(sub { 2 <= Postrider::Chaos::noted($s->dir .
    '/spool/journal') }), 'two are delivered, and it is noted';
$s->crash;
link $s->file($id), "$fail.this" or die;
$ino = inode($id);
$s->_conf('qmgr', sync_interval => '10ms', result_delay => '0s');
$s->again;
like $s->log, qr/sync-failed level=error q=$id reason="Input\/output error"/,
    'the file itself is asked';
like $s->log, qr/replayed messages=2 contents=1 done=1 doubted=1 /,
    'and counts as not delivered';
ok $s->wait_empty, 'all leaves';
is +(sent($id))[1]{f}{doubt}, 'yes', 'that one was delivered anew';
done_testing;
