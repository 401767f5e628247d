#!/usr/bin/perl
# Whole lines, a moved file, a full disk.
use strict;
use warnings;
use Postrider::Faults::Page;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(conf => { 'logd.conf' =>
	{ check => '100ms' } })->start;
my $log = $i->log_file;
is sprintf('%o', (stat $log)[2] & 07777), '640', 'mode of the file';

# until there is no room
sub fill {
	my ($file) = @_;
	open my $fh, '>', $file or die "$file: $!\n";
	1 while syswrite $fh, 'x' x 4096;
	close $fh;
	return;
}

# many writers at a time
my @c = map { $i->smtp } 1 .. 20;
for my $n (1 .. 10) {
	$_->put("NOOP $n\r\n") for @c;
	$_->reply for @c;
}
$_->quit for @c;
my $quit = qr/smtpd\[\d+\]: disconnect /;
ok $i->wait_for(sub { (grep { /$quit/ } $i->log_lines) >= 20 }),
    'a line of each session';
is scalar(grep { !/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z [a-z0-9-]+\[\d+\]: \S/ }
    $i->log_lines), 0, 'every line is whole and has its time';

rename $log, "$log.1";
ok $i->wait_for(sub { -e $log }), 'a moved file is replaced';
$i->smtp->quit;
ok $i->wait_log($quit), 'new lines go to the new one';
$i->reload;
ok $i->wait_log(qr/reloaded/), 'also after a reload';
ok $i->stop, 'stopped';

SKIP: {
	skip 'a small file system needs root', 4 if $> != 0;
	my $f = Postrider::Instance->new;
	my $d = $f->dir . '/log';
	my @st = stat $d;
	if (system("mount -t tmpfs -o size=64k,mode=750,uid=$st[4]," .
	    "gid=$st[5] none '$d'") != 0) {
		skip 'no tmpfs can be mounted here', 4;
	}
	$f->start;
	fill("$d/fill");
	is $f->smtp->greeting, 220, 'a full log disk stops nobody';
	my $full = sub {
		$f->smtp->quit;
		my $n = -s "$d/mail.log";
		return $n && $n % 4096 == 0;
	};
	ok $f->wait_for($full), 'its last page fills up';
	$f->smtp->quit for 1 .. 5;
	# logd may come to all these only when there is room again: once more
	my $l = '';
	ok $f->wait_for(sub {
		unlink "$d/fill";
		$f->smtp->quit;
		$l = $f->wait_log(qr/log_resumed/, 2) and return 1;
		fill("$d/fill");
		$f->smtp->quit for 1 .. 40;
		return 0;
	}), 'where there is room again it goes on';
	like $l, qr/dropped=\d+/, 'what was lost is counted and told';
	$f->stop;
	system("umount '$d'");
}

# one write fails, and the next can already be made: what says that a line is
# lost is not lost
my $e = Postrider::Instance->new;
my $page = Postrider::Faults::Page->new("$e->{tmp}/faults");
chmod 0666, "$e->{tmp}/faults";
{
	local %ENV = (%ENV, $page->env);
	$e->start;
}
$e->log_mark;
$page->arm('logd', 'space', 1);
$e->smtp->quit;
like $e->wait_log(qr/log_lost/), qr/ reason=.*No space left/, 'a write fails';
like $e->wait_log(qr/log_resumed/), qr/ dropped=\d+/, '... and what it had';
is $page->fired, 1, 'one only';
done_testing;
