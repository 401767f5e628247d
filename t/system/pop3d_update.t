#!/usr/bin/perl
# Only QUIT changes the mailbox, and what it says is what was done.
use strict;
use warnings;
use Test::More;
use Postrider::Drop;

my $d = Postrider::Drop->new;
$d->put("new/$_.m,S=12", "Subject: $_\n\n") for 1 .. 5;
$d->put('maildirsize', "1000S\n60 5\n");

my $p = $d->session;
$p->cmd('DELE 1');
$p->retr(2);
$p->close;
ok $d->wait_log(qr/disconnect .* end=eof /), 'a lost connection';
is_deeply [$d->files], [map { "new/$_.m,S=12" } 1 .. 5], 'changes nothing';

$p = $d->session;
$p->retr(2);
$p->retr(3);
$p->cmd('DELE 1');
$p->cmd('DELE 3');
$p->multi('TOP 4 0');
is $p->quit, '+OK 2 messages deleted, good-bye', 'QUIT';
is_deeply [$d->files], ['cur/2.m,S=12:2,S', 'new/4.m,S=12',
	'new/5.m,S=12'], 'deleted, seen, and as it was';
open my $fh, '<', $d->maildir . '/maildirsize';
is join('', <$fh>), "1000S\n60 5\n-24 -2\n", 'the quota knows';

# what others did meanwhile
$p = $d->session;
$p->cmd("DELE $_") for 1 .. 3;
$d->move('cur/2.m,S=12:2,S', 'cur/2.m,S=12:2,FS');
unlink $d->maildir . '/new/4.m,S=12';
is $p->cmd('RETR 1'), '-ERR message 1 is deleted', 'it is marked';
is $p->quit, '+OK 3 messages deleted, good-bye', 'moved and gone ones too';
is_deeply [$d->files], [], 'nothing is left';

$d->put('new/1.m', "x\n");
$d->put('new/2.m', "y\n");
$p = $d->session;
unlink $d->maildir . '/new/1.m';
like $p->cmd('RETR 1'), qr/^-ERR message 1 is gone/, 'a message that is gone';
is $p->retr(2), "y\n", 'and the session goes on';
$p->cmd('DELE 2');
unlink $d->maildir . '/new/2.m';
mkdir $d->maildir . '/new/2.m';
is $p->quit, '-ERR [SYS/TEMP] some deleted messages were not removed',
    'what can not be removed is said';
ok $d->wait_log(qr/mailbox .*level=error/), 'and logged';
rmdir $d->maildir . '/new/2.m';

$d = Postrider::Drop->new(conf => { save_seen => 'no' });
$d->put('new/1.m', "x\n");
$p = $d->session;
$p->retr(1);
$p->quit;
is_deeply [$d->files], ['new/1.m'], 'save_seen = no leaves it alone';

$d = Postrider::Drop->new(conf => { mark_seen => 'no' });
$d->put('new/1.m', "x\n");
$p = $d->session;
$p->retr(1);
$p->quit;
is_deeply [$d->files], ['cur/1.m:2,'], 'mark_seen = no moves it only';
done_testing;
