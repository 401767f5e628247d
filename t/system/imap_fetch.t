#!/usr/bin/perl
# FETCH: items, sections, partial ranges, \Seen.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;
my $c = Postrider::Imap->new(port => $i->port('imap'));
$c->login('ann', 'pw')->expect;

my $header = join "\r\n", 'Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)',
    'From: Terry Gray <gray@cac.example>', 'Subject: A subject',
    "\tfolded", 'To: a@b.example, "B, C" <c@d.example>',
    'Message-Id: <B27397-0100000@cac.example>', 'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=bb', '', '';
my $inner = "Subject: inner\r\nContent-Type: text/plain\r\n\r\nin\r\n";
my $p1 = "one\r\ntwo\r\n";
my $body = join "\r\n", 'preamble', '--bb',
    'Content-Type: text/plain; charset=us-ascii', '', $p1 . '--bb',
    'Content-Type: message/rfc822', '', $inner . '--bb--', '';
my $msg = $header . $body;
my $date = ' 5-Feb-2001 10:11:12 +0100';
$c->cmd("APPEND INBOX (\\Flagged key) \"$date\" ", lit_plus($msg))->expect;
$c->cmd('APPEND INBOX ', lit_plus("Subject: 2\r\n\r\nx\r\n"))->expect;
$c->cmd('SELECT INBOX')->expect;

sub item {
	my ($what, $name) = @_;
	my $r = $c->fetch(1, $what)->{1};
	return $r->{ uc($name // $what) };
}

is item('RFC822.SIZE'), length $msg, 'RFC822.SIZE';
is item('UID'), 1, 'UID';
is item('INTERNALDATE'), ' 5-Feb-2001 09:11:12 +0000', 'INTERNALDATE';
is_deeply [sort @{ item('FLAGS') }], ['\Flagged', '\Recent', 'key'], 'FLAGS';
is item('BODY.PEEK[]', 'BODY[]'), $msg, 'BODY[]';
is item('RFC822.HEADER'), $header, 'RFC822.HEADER';
is item('BODY.PEEK[HEADER]', 'BODY[HEADER]'), $header, 'BODY[HEADER]';
is item('BODY.PEEK[TEXT]', 'BODY[TEXT]'), $body, 'BODY[TEXT]';
is item('BODY.PEEK[1]', 'BODY[1]'), substr($p1, 0, -2), 'BODY[1]';
is item('BODY.PEEK[1.MIME]', 'BODY[1.MIME]'),
    "Content-Type: text/plain; charset=us-ascii\r\n\r\n", 'BODY[1.MIME]';
is item('BODY.PEEK[2.HEADER]', 'BODY[2.HEADER]'),
    "Subject: inner\r\nContent-Type: text/plain\r\n\r\n", 'BODY[2.HEADER]';
is item('BODY.PEEK[2.TEXT]', 'BODY[2.TEXT]'), 'in', 'BODY[2.TEXT]';
is item('BODY.PEEK[2.1]', 'BODY[2.1]'), 'in', 'BODY[2.1]';
is item('BODY.PEEK[3]', 'BODY[3]'), undef, 'a part that is not there is NIL';
is item('BODY.PEEK[HEADER.FIELDS (Subject x-no)]',
    'BODY[HEADER.FIELDS (SUBJECT X-NO)]'),
    "Subject: A subject\r\n\tfolded\r\n\r\n", 'HEADER.FIELDS';
is item('BODY.PEEK[HEADER.FIELDS (MIME-Version)]',
    'BODY[HEADER.FIELDS (MIME-VERSION)]'), "MIME-Version: 1.0\r\n\r\n",
    'of a field that is not in the cache';
is item('BODY.PEEK[HEADER.FIELDS.NOT (Date From Subject To Message-ID)]',
    'BODY[HEADER.FIELDS.NOT (DATE FROM SUBJECT TO MESSAGE-ID)]'),
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n",
    'HEADER.FIELDS.NOT';
for my $p ([0, 10], [5, 1], [length($header) - 3, 7], [0, 100_000],
    [length $msg, 5], [100_000, 5], map { [$_, 3] } 40 .. 60) {
	my ($from, $n) = @$p;
	is item("BODY.PEEK[]<$from.$n>", "BODY[]<$from>"),
	    $from > length $msg ? '' : substr($msg, $from, $n),
	    "BODY[]<$from.$n>";
}
is item('BODY.PEEK[HEADER.FIELDS (Subject)]<3.4>',
    'BODY[HEADER.FIELDS (SUBJECT)]<3>'), 'ject', 'part of HEADER.FIELDS';
my $env = item('ENVELOPE');
is scalar @$env, 10, 'ENVELOPE';
is $env->[1], "A subject folded", 'its subject';
is_deeply $env->[2], [['Terry Gray', undef, 'gray', 'cac.example']], 'From';
is_deeply $env->[3], $env->[2], 'Sender is From';
is_deeply $env->[4], $env->[2], 'Reply-To, too';
is_deeply $env->[5], [[undef, undef, 'a', 'b.example'],
    ['B, C', undef, 'c', 'd.example']], 'To';
is $env->[6], undef, 'Cc is NIL';
is $env->[9], '<B27397-0100000@cac.example>', 'Message-Id';
my $bs = item('BODYSTRUCTURE');
is_deeply $bs->[0], ['text', 'plain', ['charset', 'us-ascii'], undef, undef,
    '7bit', length($p1) - 2, 1, undef, undef, undef, undef], 'BODYSTRUCTURE'
    or diag explain $bs->[0];
is $bs->[1][1], 'rfc822', 'with a message';
is $bs->[1][7][1], 'inner', 'and its envelope';
is $bs->[2], 'mixed', 'multipart';
is scalar @{ item('BODY') }, 3, 'BODY has no extension data';

# macros
is join(' ', sort keys %{ $c->fetch(1, 'FAST')->{1} }),
    'FLAGS INTERNALDATE RFC822.SIZE', 'FAST';
is join(' ', sort keys %{ $c->fetch(1, 'ALL')->{1} }),
    'ENVELOPE FLAGS INTERNALDATE RFC822.SIZE', 'ALL';
is join(' ', sort keys %{ $c->fetch(1, 'full')->{1} }),
    'BODY ENVELOPE FLAGS INTERNALDATE RFC822.SIZE', 'FULL';

# \Seen
ok !(grep { $_ eq '\Seen' } @{ item('FLAGS') }), 'nothing so far sets \Seen';
my $r = $c->fetch(1, 'BODY[1]')->{1};
ok +(grep { $_ eq '\Seen' } @{ $r->{FLAGS} }), 'BODY[] does, and tells FLAGS';
$r = $c->fetch(1, 'BODY[1]')->{1};
ok !$r->{FLAGS}, 'the second time nothing changes';
$c->cmd('STORE 1 -FLAGS.SILENT (\Seen)');
for my $what ('RFC822', 'RFC822.TEXT', 'BINARY[1]') {
	$r = $c->fetch(1, "($what FLAGS)")->{1};
	ok +(grep { $_ eq '\Seen' } @{ $r->{FLAGS} }), "$what sets \\Seen";
	$c->cmd('STORE 1 -FLAGS.SILENT (\Seen)');
}
is $c->fetch(1, 'RFC822')->{1}{RFC822}, $msg, 'RFC822';

# UID FETCH
$r = $c->ok('UID FETCH', 'UID FETCH 2 FLAGS');
is $r->fetched->{2}{UID}, 2, 'has the UID';
is scalar $c->ok('no such UID', 'UID FETCH 3:4 FLAGS')->untagged('FETCH'), 0,
    'is no error';
is_deeply [keys %{ $c->uid_fetch('99:*', 'FLAGS') }], [2],
    '99:* has the last one';
is_deeply [sort keys %{ $c->uid_fetch('2,1:4294967295', 'FLAGS') }], [1, 2],
    'every message once';
is scalar $c->cmd('FETCH 2,1,2 UID')->untagged('FETCH'), 2, 'and by number';

$c->bad("FETCH $_", "FETCH $_") for '3 FLAGS', '0 FLAGS', '1', '1 ()',
    '1 NOPE', '1 BODY[', '1 BODY[0]', '1 BODY[HEADER.FIELDS]',
    '1 BODY[MIME]', '1 BODY[]<1.0>', '1 BODY[]<1>', 'x FLAGS', '1: FLAGS',
    '1 (FLAGS', '1 FLAGS UID', '$x FLAGS', '4294967296 FLAGS';
$c->ok('stray blanks', 'FETCH  1  ( FLAGS  UID ) ');
$c->ok('the session goes on', 'NOOP');
done_testing;
