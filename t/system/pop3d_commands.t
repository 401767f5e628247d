#!/usr/bin/perl
# The commands of RFC 1939, their arguments, and what CAPA says of them.
use strict;
use warnings;
use Test::More;
use Postrider::Drop;

my $d = Postrider::Drop->new;
$d->put('new/20.b,S=11,W=13', "Subject: b\n\n");
$d->put('new/10.a', "Subject: a\n\none\ntwo\nthree\n");
$d->put('cur/30.c:2,S', "Subject: c\n\nx\n");
my $p = $d->session(fields => { state => 'PLAIN LOGIN' });
is $p->greeting, '+OK logged in, 3 messages (61 octets)',
    'the login is answered';
is $p->cmd('STAT'), '+OK 3 61', 'STAT';
is $p->cmd('LIST 1'), '+OK 1 31', 'LIST with a number';
is(($p->multi('list'))[1], "1 31\n2 13\n3 17\n",
    'LIST without, in the order of arrival, in lower case');
is $p->cmd('UIDL 2'), '+OK 2 20.b', 'UIDL with a number';
is(($p->multi('UIDL'))[1], "1 10.a\n2 20.b\n3 30.c\n", 'UIDL without');
is $p->retr(1), "Subject: a\n\none\ntwo\nthree\n", 'RETR';
is(($p->multi('TOP 1 2'))[1], "Subject: a\n\none\ntwo\n", 'TOP');
is(($p->multi('TOP 1 0'))[1], "Subject: a\n\n", 'TOP of no line');
is(($p->multi('TOP 1 99'))[1], "Subject: a\n\none\ntwo\nthree\n",
    'TOP of more lines than there are');
like $p->cmd('NOOP'), qr/^\+OK/, 'NOOP';

like $p->cmd('DELE 2'), qr/^\+OK/, 'DELE';
like $p->cmd($_), qr/^-ERR message 2 is deleted/, "$_: it is deleted"
    for 'DELE 2', 'RETR 2', 'LIST 2', 'UIDL 2', 'TOP 2 1';
is $p->cmd('STAT'), '+OK 2 48', 'STAT leaves it out';
is(($p->multi('LIST'))[1], "1 31\n3 17\n", 'and so does LIST');
is $p->cmd('RSET'), '+OK 3 messages', 'RSET';
is $p->cmd('LIST 2'), '+OK 2 13', 'undoes it';

like $p->cmd($_), qr/^-ERR /, "$_: an error" for 'RETR', 'RETR 0', 'RETR 4',
    'RETR -1', 'RETR x', 'RETR 1 2', 'RETR 99999999999999999999', 'STAT 1',
    'TOP 1', 'TOP 1 x', 'TOP 1 -1', 'TOP x 1', 'DELE', 'NOOP 1', 'LIST 1 2',
    'FOO', 'USER ann', 'PASS x', 'AUTH PLAIN', 'STLS', 'UTF8', '', ' ',
    'RETR1', 'APOP ann x', 'LAST';
like $p->cmd('x' x 600), qr/^-ERR line too long/, 'a long line';
like $p->cmd("NO\0OP"), qr/^-ERR/, 'a NUL';
is $p->cmd("STAT "), '+OK 3 61', 'a blank at the end does no harm';

my %capa = map { /^(\S+) ?(.*)/ } split /\n/, ($p->multi('CAPA'))[1];
is_deeply \%capa, { TOP => '', USER => '', UIDL => '', PIPELINING => '',
	'RESP-CODES' => '', 'AUTH-RESP-CODE' => '', SASL => 'PLAIN LOGIN',
	'LOGIN-DELAY' => 0, EXPIRE => 'NEVER', UTF8 => 'USER',
	IMPLEMENTATION => 'Postrider' }, 'CAPA';
is $p->cmd('QUIT'), '+OK 0 messages deleted, good-bye', 'QUIT';
ok $p->closed, 'closes';
ok $d->wait_log(qr/disconnect s=s1 user=ann\@example\.test client=\S+ /),
    'one line in the log';
like $d->log, qr/ end=quit retr=1 top=3 deleted=0 left=3 /, 'with counts';
is $d->wait_exit, 0, 'and the process ends';

my $e = Postrider::Drop->new(conf => { max_errors => 3, expire => 30,
	login_delay => '90s' });
$p = $e->session;
is $p->greeting, '+OK logged in, 0 messages (0 octets)',
    'a first login makes the mailbox';
is_deeply [grep { -d } map { $e->maildir . "/$_" } qw(tmp new cur .state)],
    [map { $e->maildir . "/$_" } qw(tmp new cur .state)], 'whole';
like +($p->multi('CAPA'))[1], qr/^LOGIN-DELAY 90\nEXPIRE 30$/m,
    'CAPA has what is configured';
is(($p->multi('LIST'))[1], '', 'an empty list');
like $p->cmd('FOO'), qr/^-ERR/, 'an error' for 1 .. 3;
like $p->line, qr/^-ERR too many errors/, 'the third is the last';
ok $p->closed, 'closed';
done_testing;
