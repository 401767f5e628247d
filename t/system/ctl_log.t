#!/usr/bin/perl
# postrider log: what was asked for, and what comes while one waits.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new->start;
my $c = $i->smtp;
$c->quit;
my ($s) = $i->wait_log(qr/smtpd\[\d+\]: disconnect .*end=quit/) =~
    / s=(\w+)/;
my @l = split /\n/, $i->ctl_ok('log', '--s', $s);
cmp_ok scalar(@l), '>=', 1, 'one session';
is scalar(grep { !/ s=\Q$s\E\b/ } @l), 0, 'and no other';
my @two = split /\n/, $i->ctl_ok('log', '-n', 2);
is scalar(@two), 2, 'the last two lines';
$i->log;	# waits until all is written
my $all = $i->ctl_ok('log', '--since', '1d');
is $all =~ s/^\S+ test\[\d+\]: mark .*\n//mgr, $i->log, '--since a day: all';
is $i->ctl_ok('log', '--since', '2999-01-01'), '', '--since the future';
like $i->ctl_ok('log', '--match', 'ready ms='), qr/^\S+ master\[\d+\]: ready/,
    '--match';

my $pid = fork // die;
if (!$pid) {
	open STDOUT, '>', "$i->{tmp}/follow";
	exec @{ $i->{prefix} || [] }, "$i->{build}/ctl/postrider", '-i',
	    $i->dir, 'log', '-f' or POSIX::_exit(127);
}
my $seen = sub { $i->slurp("$i->{tmp}/follow") };
ok $i->wait_for(sub { -s "$i->{tmp}/follow" }), 'follow begins';
$i->reload;
ok $i->wait_for(sub { $seen->() =~ /reloaded generation=2/ }), 'goes on';
rename $i->log_file, $i->log_file . '.1';
$i->wait_for(sub { -e $i->log_file });
$i->reload;
ok $i->wait_for(sub { $seen->() =~ /reloaded generation=3/ }),
    'and follows a moved file';
kill 'TERM', $pid;
waitpid $pid, 0;
is $?, 0, 'ends in order';
$i->stop;
done_testing;
