#!/usr/bin/perl
# A login is answered when the mailbox is open, and by why it is not.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use Postrider::Drop;

my $d = Postrider::Drop->new;
$d->put('new/1.m', "x\n");
my $p = $d->session(input => "STAT\r\nUIDL 1\r\nNO");
like $p->greeting, qr/^\+OK logged in, 1 message/, 'open';
is $p->line, '+OK 1 3', 'commands that login had read';
is $p->line, '+OK 1 1.m', 'are served';
is $p->cmd('OP'), '+OK still here', 'half of one too';

my $q = $d->session;
like $q->greeting, qr/^-ERR \[IN-USE\] /, 'a second session is refused';
ok $q->closed, 'and closed';
$p->quit;
$d->_conf('pop3d', timeout => '1s');
$p = $d->session;
like $p->greeting, qr/^\+OK/, 'the next is not';
like $p->line, qr/^-ERR idle too long/, 'an idle one is told';
ok $p->closed, 'and closed';
$q = $d->session;
like $q->greeting, qr/^\+OK/, 'then the mailbox is free';
$q->quit;

$d = Postrider::Drop->new(conf => { lock_timeout => '50s' });
$p = $d->session;
my $pid = fork // die;
if (!$pid) {
	sleep 0.3;
	$p->cmd('QUIT');
	POSIX::_exit(0);
}
$q = $d->session;
like $q->greeting, qr/^\+OK/, 'lock_timeout waits for the other';
waitpid $pid, 0;
$q->quit;

$d = Postrider::Drop->new(conf => { login_delay => '2h' });
$p = $d->session;
like $p->greeting, qr/^\+OK/, 'a first login';
$p->quit;
$p = $d->session;
like $p->greeting,
    qr/^-ERR \[LOGIN-DELAY\] log in again in 7[12]\d\d seconds$/,
    'the next comes too early';
$d->_conf('pop3d', login_delay => '1s');
my $end = time + 60;
do {
	sleep 0.2;
	$p = $d->session;
} while $p->greeting !~ /^\+OK/ && time < $end;
like $p->greeting, qr/^\+OK/, 'and is fine later';
$p->quit;

$d = Postrider::Drop->new(conf => { max_messages => 2 });
$d->put("new/$_.m", "x\n") for 1 .. 3;
$p = $d->session;
like $p->greeting, qr/^\+OK logged in, 2 messages/, 'max_messages';
$p->quit;

$d = Postrider::Drop->new;
rename $d->dir . '/mail', $d->dir . '/off';
$p = $d->session;
like $p->greeting, qr/^-ERR \[SYS\/TEMP\] /, 'a disk that is not mounted';
ok !-e $d->dir . '/mail', 'is not replaced';
ok $d->wait_log(qr/mailbox .*No such file/), 'but logged';
rename $d->dir . '/off', $d->dir . '/mail';
mkdir $d->dir . '/mail/example.test';
mkdir $d->dir . '/mail/example.test/ann';
symlink '/tmp', $d->maildir;
$p = $d->session;
like $p->greeting, qr/^-ERR \[SYS\/TEMP\] /, 'a Maildir that is a link';
done_testing;
