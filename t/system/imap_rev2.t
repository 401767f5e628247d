#!/usr/bin/perl
# ENABLE: IMAP4rev2, UTF8=ACCEPT, UIDONLY; and BINARY.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus lit8 quote);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;

sub client {
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login('ann', 'pw')->expect;
	return $c;
}

my ($c, $d) = (client(), client());
$d->cmd('APPEND INBOX ', lit_plus("Subject: $_\r\n\r\nx\r\n"))->expect
    for 1 .. 3;

# ---- ENABLE
my $r = $c->ok('ENABLE', 'ENABLE IMAP4rev2 X-NOPE');
is_deeply +($r->untagged('ENABLED'))[0]{data}, ['IMAP4rev2'], 'ENABLED';
$r = $c->ok('again', 'ENABLE imap4REV2');
is_deeply +($r->untagged('ENABLED'))[0]{data}, [], 'nothing new';
$c->bad('ENABLE of nothing', 'ENABLE');

# ---- IMAP4rev2
$r = $c->ok('SELECT', 'SELECT INBOX');
is scalar $r->untagged('RECENT'), 0, 'no RECENT';
ok !defined $r->code('UNSEEN'), 'no UNSEEN';
is_deeply +($r->untagged('LIST'))[0]{data}, [[], '/', 'INBOX'], 'but LIST';
ok !(grep { $_ eq '\Recent' } @{ $c->fetch(1, 'FLAGS')->{1}{FLAGS} }),
    'no \Recent';
$r = $c->ok('SEARCH', 'SEARCH SUBJECT 2');
is scalar $r->untagged('SEARCH'), 0, 'is not answered by SEARCH';
is_deeply [@{ ($r->untagged('ESEARCH'))[0]{data} }[1, 2]], ['ALL', 2],
    'but ESEARCH';
$r = $c->ok('UID SEARCH', 'UID SEARCH ALL');
is_deeply [@{ ($r->untagged('ESEARCH'))[0]{data} }[1 .. 3]],
    ['UID', 'ALL', '1:3'], 'with UID';
is_deeply [map { scalar @{ $_->{data} } } $c->ok('nothing',
    'SEARCH SUBJECT none')->untagged('ESEARCH')], [1], 'nothing found';
my $n = "\xc3\xa9t\xc3\xa9/\xe6\x97\xa5";
$c->ok('a name in UTF-8', 'CREATE ' . quote($n));
is_deeply [map { $_->{data}[2] } $c->ok('LIST', 'LIST "" "*/*"')
    ->untagged('LIST')], [$n], 'comes back so';
is_deeply [map { $_->{data}[2] } $d->ok('LIST', 'LIST "" "*/*"')
    ->untagged('LIST')], ['&AOk-t&AOk-/&ZeU-'], 'to others in UTF-7';
$c->ok('an &', 'CREATE "a & b"');
is_deeply [map { $_->{data}[2] } $d->cmd('LIST "" a*')->untagged('LIST')],
    ['a &- b'], 'is no shift';
$c->no('bad UTF-8', 'CREATE ', lit_plus("\xff\xfe"));
$c->ok('SEARCH in UTF-8', "SEARCH SUBJECT \"\xc3\xa9\"");
$d->cmd('APPEND INBOX ', lit_plus("Subject: new\r\n\r\nx\r\n"))->expect;
$r = $c->ok('NOOP', 'NOOP');
is $r->num('EXISTS'), 4, 'EXISTS';
is scalar $r->untagged('RECENT'), 0, 'without RECENT';

# ---- UTF8=ACCEPT
my $u = client();
$r = $u->ok('ENABLE', 'ENABLE UTF8=ACCEPT');
is_deeply +($r->untagged('ENABLED'))[0]{data}, ['UTF8=ACCEPT'], 'ENABLED';
$r = $u->ok('SELECT', 'SELECT ' . quote($n));
$u->ok('APPEND UTF8', 'APPEND ' . quote($n) . ' UTF8 (',
    lit8("Subject: \xc3\xa9\r\n\r\n\xe6\x97\xa5\r\n"), ')');
is $u->fetch(1, 'BODY.PEEK[]')->{1}{'BODY[]'},
    "Subject: \xc3\xa9\r\n\r\n\xe6\x97\xa5\r\n", 'comes back';
is $u->fetch(1, 'ENVELOPE')->{1}{ENVELOPE}[1], "\xc3\xa9",
    'in ENVELOPE as it is';
is_deeply $u->search("SUBJECT \"\xc3\x89\""), [1], 'and is found';

# ---- UIDONLY
my $o = client();
$o->ok('ENABLE UIDONLY', 'ENABLE UIDONLY');
$r = $o->ok('SELECT', 'SELECT INBOX');
is $r->num('EXISTS'), 4, 'EXISTS';
for ('FETCH 1 FLAGS', 'STORE 1 +FLAGS (\Seen)', 'SEARCH ALL', 'COPY 1 INBOX',
    'MOVE 1 INBOX', 'SORT (DATE) UTF-8 ALL', 'UID SEARCH 1:3',
    'UID SEARCH NOT (OR 1 SEEN)') {
	is $o->bad($_, $_)->code('UIDREQUIRED'), 1, 'UIDREQUIRED';
}
$r = $o->ok('UID FETCH', 'UID FETCH 2 (UID FLAGS)');
my ($f) = $r->untagged('UIDFETCH');
is $f->{num}, 2, 'UIDFETCH';
is $f->{data}[0][0], 'FLAGS', 'without UID';
is scalar $r->untagged('FETCH'), 0, 'no FETCH';
$r = $o->ok('UID STORE', 'UID STORE 2:3 +FLAGS (\Deleted)');
is_deeply [map { $_->{num} } $r->untagged('UIDFETCH')], [2, 3], 'UIDFETCH';
$d->cmd('SELECT INBOX');
$d->cmd('UID STORE 1 +FLAGS (from_d)');
$r = $o->ok('NOOP', 'NOOP');
is_deeply [map { $_->{num} } $r->untagged('UIDFETCH')], [1],
    'changes of others';
$r = $o->ok('EXPUNGE', 'UID EXPUNGE 2:3');
is_deeply [map { $_->{data} } $r->untagged('VANISHED')], [['2:3']],
    'VANISHED';
is_deeply $o->cmd('UID SEARCH ALL')->numbers, [1, 4], 'UID SEARCH';
$r = $o->ok('UID SEARCH UID', 'UID SEARCH UID 2:4');
is_deeply $r->numbers, [4], 'of UIDs';

# ---- BINARY
my $b = client();
$b->cmd('CREATE bin')->expect;
my $m = join "\r\n", 'Content-Type: multipart/mixed; boundary=x', '', '--x',
    'Content-Transfer-Encoding: base64', '', 'AGEAYgo=', '--x',
    'Content-Transfer-Encoding: quoted-printable', '', 'a=3Db', '--x',
    'Content-Transfer-Encoding: x-none', '', 'zz', '--x--', '';
$b->cmd('APPEND bin ', lit_plus($m))->expect;
$b->cmd('SELECT bin')->expect;
is $b->fetch(1, 'BINARY.PEEK[1]')->{1}{'BINARY[1]'}, "\0a\0b\n",
    'BINARY[1] is decoded';
is $b->fetch(1, 'BINARY.PEEK[1]<1.2>')->{1}{'BINARY[1]<1>'}, "a\0",
    'a part of it';
is $b->fetch(1, 'BINARY.PEEK[2]')->{1}{'BINARY[2]'}, 'a=b',
    'quoted-printable';
is $b->fetch(1, 'BINARY.SIZE[1]')->{1}{'BINARY.SIZE[1]'}, 5, 'BINARY.SIZE';
is $b->fetch(1, 'BINARY.SIZE[2]')->{1}{'BINARY.SIZE[2]'}, 3, 'of the other';
is $b->fetch(1, 'BINARY.PEEK[]')->{1}{'BINARY[]'}, $m, 'BINARY[]';
is $b->no('an unknown encoding', 'FETCH 1 BINARY.PEEK[3]')
    ->code('UNKNOWN-CTE'), 1, 'UNKNOWN-CTE';
$r = $b->ok('BINARY[2]', 'FETCH 1 BINARY[2]');
ok +(grep { $_ eq '\Seen' } @{ $r->fetched->{1}{FLAGS} }), 'sets \Seen';
$b->bad('BINARY[HEADER]', 'FETCH 1 BINARY[HEADER]');
done_testing;
