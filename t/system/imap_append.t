#!/usr/bin/perl
# APPEND: literals, dates, flags, MULTIAPPEND, limits.
use strict;
use warnings;
use Postrider::Imap qw(lit lit_plus lit8);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' },
    conf => { 'imapd.conf' => { message_size => '100K' } })->start;
my $c = Postrider::Imap->new(port => $i->port('imap'));
$c->login('ann', 'pw')->expect;
my $m = "Subject: x\r\n\r\nbody\r\n";

ok +(grep { $_ eq 'APPENDLIMIT=102400' } map { @{ $_->{data} } }
    $c->cmd('CAPABILITY')->untagged('CAPABILITY')), 'APPENDLIMIT';
my $r = $c->ok('APPEND', 'APPEND INBOX ', lit($m));
my ($v, $uid) = $r->code('APPENDUID');
is $uid, 1, 'APPENDUID';
is $v, $c->cmd('SELECT INBOX')->code('UIDVALIDITY'), 'with UIDVALIDITY';
$r = $c->ok('to the selected one', 'APPEND INBOX (\Seen $Junk) ' .
    '"17-Jul-1996 02:44:25 -0700" ', lit_plus($m));
is $r->num('EXISTS'), 2, 'is told before the answer';
$r = $c->fetch(2, '(FLAGS INTERNALDATE)')->{2};
is $r->{INTERNALDATE}, '17-Jul-1996 09:44:25 +0000', 'the date';
is_deeply [sort grep { $_ ne '\Recent' } @{ $r->{FLAGS} }],
    ['$Junk', '\Seen'], 'the flags';
# the first and the last that can be said, as far as the disk can say them
for my $d ('01-Jan-0000 00:00:00 +1400', '31-Dec-9999 23:59:59 -1400') {
	($v, $uid) = $c->ok($d, qq{APPEND INBOX "$d" }, lit_plus($m))
	    ->code('APPENDUID');
	is $c->uid_fetch($uid, '(BODY.PEEK[])')->{$uid}{'BODY[]'}, $m,
	    'a message of any date can be read';
}
$c->ok('\Recent is passed over', 'APPEND INBOX (\Recent) ', lit_plus($m));

# bytes
for my $t ("a: b\nc: d\n\nbare LF\n", "no header", "a: b\r\n\r\nlast line",
    "a: b\r\n\r\n\x80\xff8 bit\r\n", "\r\n\r\n", "a: b\r\n\r\n" .
    "x" x 5000 . "\r\n") {
	($v, $uid) = $c->ok('bytes', 'APPEND INBOX ', lit($t))
	    ->code('APPENDUID');
	my $got = $c->uid_fetch($uid, '(BODY.PEEK[] RFC822.SIZE)')->{$uid};
	(my $want = $t) =~ s/\r?\n/\r\n/g;
	is $got->{'BODY[]'}, $want, 'come back with CRLF';
	is $got->{'RFC822.SIZE'}, length $want, 'and are counted so';
}

# what is refused, before or behind the literal
is $c->no('no such mailbox', 'APPEND nothing ', lit($m))->code('TRYCREATE'),
    1, 'TRYCREATE';
is $c->no('with LITERAL+', 'APPEND nothing ', lit_plus($m))
    ->code('TRYCREATE'), 1, 'TRYCREATE';
is $c->no('too big', 'APPEND INBOX ', lit('x' x 102401))->code('TOOBIG'), 1,
    'TOOBIG';
is $c->no('too big, not waiting', 'APPEND INBOX ', lit_plus('x' x 150_000))
    ->code('TOOBIG'), 1, 'TOOBIG';
$c->no('an empty one', 'APPEND INBOX ', lit(''));
my $n = $c->cmd('STATUS INBOX (MESSAGES)');
$c->bad('a bad date', 'APPEND INBOX "32-Jul-1996 02:44:25 -0700" ',
    lit_plus($m));
$c->bad('a bad flag', 'APPEND INBOX (\Nope) ', lit_plus($m));
$c->bad('no literal', 'APPEND INBOX');
$c->bad('something behind it', 'APPEND INBOX ', lit_plus($m), ' junk');
my $tag = $c->start('APPEND INBOX {999999999999999999999}');
is $c->finish($tag)->{status}, 'NO', 'a literal of any size';
is_deeply $c->cmd('STATUS INBOX (MESSAGES)')->{got}[0]{data},
    $n->{got}[0]{data}, 'nothing was added';

# MULTIAPPEND
$c->ok('CREATE', 'CREATE m');
$r = $c->ok('MULTIAPPEND', 'APPEND m (\Seen) ', lit($m), ' ' .
    '" 7-Feb-1994 22:43:04 -0800" ', lit_plus($m), ' ', lit("2$m"));
is +($r->code('APPENDUID'))[1], '1:3', 'APPENDUID is a set';
is $c->ok('STATUS', 'STATUS m (MESSAGES)')->{got}[0]{data}[1][1], 3, 'three';
$c->no('one of them is too big', 'APPEND m ', lit_plus($m), ' ',
    lit_plus('y' x 150_000));
$c->bad('one of them is wrong', 'APPEND m ', lit_plus($m), ' (\Nope) ',
    lit_plus($m));
$c->no('an empty one cancels', 'APPEND m ', lit_plus($m), ' ', lit(''));
is $c->ok('STATUS', 'STATUS m (MESSAGES)')->{got}[0]{data}[1][1], 3,
    'all or nothing';

# literal8
($v, $uid) = $c->ok('literal8', 'APPEND m ',
    lit8("Content-Transfer-Encoding: binary\r\n\r\na\0b\r\n"))
    ->code('APPENDUID');
is $uid, 4, 'is appended';

# pipelined
my @r = $c->pipeline(map { ['APPEND m ', lit_plus("n: $_\r\n\r\nx\r\n")] }
    1 .. 50);
is scalar(grep { $_->{status} eq 'OK' } @r), 50, '50 at once';
is_deeply [map { ($_->code('APPENDUID'))[1] } @r], [5 .. 54], 'in order';

# a client that goes in the middle leaves nothing
my $d = Postrider::Imap->new(port => $i->port('imap'));
$d->login('ann', 'pw');
$d->put("x APPEND m {1000+}\r\nhalf");
$d->close;
$c->ok('NOOP', 'NOOP');
is $c->ok('STATUS', 'STATUS m (MESSAGES)')->{got}[0]{data}[1][1], 54,
    'no half message';
done_testing;
