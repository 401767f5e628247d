#!/usr/bin/perl
# QUOTA, METADATA, OBJECTID, SAVEDATE, PREVIEW, REPLACE, ID.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus lit8);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;

sub client {
	my ($user) = @_;
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login($user // 'ann', 'pw')->expect;
	return $c;
}

my $c = client();

# ---- ID
my $r = $c->ok('ID', 'ID ("name" "test" "version" NIL)');
is $r->{got}[0]{data}[0][0], 'name', 'says a name';
$c->ok('ID NIL', 'ID NIL');
$c->ok('ID ()', 'ID ()');
$c->bad('ID without', 'ID');

# ---- QUOTA: none is set
$r = $c->ok('GETQUOTAROOT', 'GETQUOTAROOT INBOX');
is_deeply +($r->untagged('QUOTAROOT'))[0]{data}, ['INBOX'], 'no root';
is $c->no('GETQUOTA', 'GETQUOTA ""')->code('NONEXISTENT'), 1, 'no root';
$c->no('of no mailbox', 'GETQUOTAROOT nothing');
$c->no('SETQUOTA', 'SETQUOTA "" (STORAGE 5)');
# one is set
$i->add_user('bob@example.test', 'pw', options => ['--quota', '100K']);
my $b = client('bob');
$b->ok('APPEND', 'APPEND INBOX ', lit_plus("a: b\r\n\r\n" . 'x' x 50_000));
$r = $b->ok('GETQUOTAROOT', 'GETQUOTAROOT INBOX');
is_deeply +($r->untagged('QUOTAROOT'))[0]{data}, ['INBOX', ''], 'one root';
my ($q) = $r->untagged('QUOTA');
is_deeply $q->{data}, ['', ['STORAGE', 49, 100]], 'used and limit in KiB';
is_deeply +($b->ok('GETQUOTA', 'GETQUOTA ""')->untagged('QUOTA'))[0]{data},
    $q->{data}, 'GETQUOTA';
is $b->no('over it', 'APPEND INBOX ', lit_plus("a: b\r\n\r\n" . 'x' x 60_000))
    ->code('OVERQUOTA'), 1, 'OVERQUOTA';
$b->cmd('SELECT INBOX')->expect;
$b->ok('COPY within it', 'COPY 1 INBOX');
is $b->no('COPY over it', 'COPY 1 INBOX')->code('OVERQUOTA'), 1, 'OVERQUOTA';
$b->ok('MOVE is no more', 'MOVE 1 INBOX');

# ---- METADATA
$c->ok('CREATE', 'CREATE box');
sub meta {
	my $rep = $c->cmd("GETMETADATA $_[0]")->expect;
	my @m = $rep->untagged('METADATA') or return {};
	return { @{ $m[0]{data}[1] } };
}
is_deeply meta('box /private/comment'), {}, 'none is set';
$c->ok('SETMETADATA', 'SETMETADATA box (/private/comment "my \\"box\\"" ' .
    '/private/vendor/x/y "1" /private/vendor/x/y/z "2")');
is_deeply meta('box /private/comment'), { '/private/comment' => 'my "box"' },
    'comes back';
is_deeply meta('box (/private/comment /private/none)'),
    { '/private/comment' => 'my "box"' }, 'of several';
is_deeply meta('(DEPTH 1) box /private/vendor/x'),
    { '/private/vendor/x/y' => 1 }, 'DEPTH 1';
is_deeply meta('(DEPTH infinity) box (/private/vendor)'),
    { '/private/vendor/x/y' => 1, '/private/vendor/x/y/z' => 2 },
    'DEPTH infinity';
$c->ok('a long one', 'SETMETADATA box (/private/long ', lit_plus('l' x 5000),
    ')');
$r = $c->ok('MAXSIZE', 'GETMETADATA (MAXSIZE 100) box (/private/long ' .
    '/private/comment)');
is_deeply [$r->code('METADATA')], ['LONGENTRIES', 5000], 'LONGENTRIES';
is_deeply [@{ ($r->untagged('METADATA'))[0]{data}[1] }],
    ['/private/comment', 'my "box"'], 'the short one is told';
is meta('box /private/long')->{'/private/long'}, 'l' x 5000, 'whole';
$c->ok('with NUL', 'SETMETADATA box (/private/bin ', lit8("a\0b"), ')');
is meta('box /private/bin')->{'/private/bin'}, "a\0b", 'a literal8';
$c->ok('NIL', 'SETMETADATA box (/private/comment NIL)');
is_deeply meta('box /private/comment'), {}, 'takes it away';
$c->ok('of the server', 'SETMETADATA "" (/private/comment "srv")');
is_deeply meta('"" /private/comment'), { '/private/comment' => 'srv' },
    'comes back';
is $c->no('too large', 'SETMETADATA box (/private/huge ',
    lit_plus('h' x 65537), ')')->{status}, 'NO', 'is refused';
$c->no('of nothing', 'GETMETADATA nothing /private/comment');
$c->bad($_, $_) for 'GETMETADATA box comment', 'GETMETADATA box',
    'SETMETADATA box (/private/comment)', 'GETMETADATA box /other/x',
    'GETMETADATA (DEPTH 2) box /private/comment';
$c->ok('RENAME', 'RENAME box box2');
is meta('box2 /private/vendor/x/y')->{'/private/vendor/x/y'}, 1,
    'RENAME keeps it';
$c->ok('special use', 'SETMETADATA box2 (/private/specialuse "\\\\Junk")');
is_deeply [map { $_->{data}[2] } $c->cmd('LIST (SPECIAL-USE) "" *')
    ->untagged('LIST')], ['box2'], 'makes it one';

# ---- OBJECTID, SAVEDATE, PREVIEW
my $id = $c->cmd('SELECT box2')->code('MAILBOXID')->[0];
$c->ok('RENAME', 'RENAME box2 box3');
is $c->cmd('SELECT box3')->code('MAILBOXID')->[0], $id,
    'MAILBOXID stays with RENAME';
isnt $c->cmd('SELECT INBOX')->code('MAILBOXID')->[0], $id, 'another has not';
my $t = time;
$c->ok('APPEND', 'APPEND INBOX "01-Jan-2001 00:00:00 +0000" ',
    lit_plus("Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n" .
    "Content-Transfer-Encoding: 8bit\r\n\r\nHello \xc3\xa9 preview text\r\n"));
my $f = $c->fetch(1, '(EMAILID THREADID SAVEDATE PREVIEW)')->{1};
like $f->{EMAILID}[0], qr/^[\w-]{1,255}$/, 'EMAILID';
is $f->{THREADID}, undef, 'THREADID is NIL';
like $f->{SAVEDATE}, qr/^[ \d]\d-\w{3}-20\d\d \d\d:\d\d:\d\d [-+]\d{4}$/,
    'SAVEDATE';
unlike $f->{SAVEDATE}, qr/2001/, 'is not INTERNALDATE';
is $f->{PREVIEW}, "Hello \xc3\xa9 preview text", 'PREVIEW';
is $c->fetch(1, '(PREVIEW (LAZY) UID)')->{1}{PREVIEW}, $f->{PREVIEW}, 'LAZY';
is_deeply $c->search("EMAILID $f->{EMAILID}[0]"), [1], 'SEARCH EMAILID';
is_deeply $c->search('EMAILID Mnone'), [], 'of none';
my ($raw) = grep { /PREVIEW/ } map { $_->{raw} }
    @{ $c->cmd('FETCH 1 PREVIEW')->{got} };
like $raw, qr/PREVIEW \{/, 'UTF-8 is a literal where UTF-8 is not enabled';

# ---- REPLACE
$r = $c->ok('REPLACE', 'REPLACE 1 INBOX (\Seen \Draft) ',
    lit_plus("Subject: new\r\n\r\ny\r\n"));
is_deeply [map { $_->{name} . ($_->{code} ? " $_->{code}[0]" : '') }
    grep { $_->{name} =~ /^(?:OK|EXPUNGE)$/ } @{ $r->{got} }],
    ['OK APPENDUID', 'EXPUNGE'], 'APPENDUID, then EXPUNGE';
my $uids = $c->uid_fetch('1:*', '(FLAGS BODY.PEEK[])');
is_deeply [keys %$uids], [2], 'only the new one';
is $uids->{2}{'BODY[]'}, "Subject: new\r\n\r\ny\r\n", 'is there';
$r = $c->ok('UID REPLACE', 'UID REPLACE 2 box3 ',
    lit_plus("Subject: other\r\n\r\nz\r\n"));
is $c->cmd('STATUS box3 (MESSAGES)')->{got}[0]{data}[1][1], 1,
    'into another folder';
is_deeply [keys %{ $c->uid_fetch('1:*', 'UID') }], [], 'and gone from here';
$c->bad('REPLACE of no number', 'REPLACE 1 INBOX ', lit_plus('x: y'));
$c->no('REPLACE of no UID', 'UID REPLACE 99 INBOX ', lit_plus('x: y'));
$c->ok('APPEND', 'APPEND INBOX ', lit_plus("a: b\r\n\r\n"));
is $c->no('into nothing', 'REPLACE 1 nothing ', lit_plus('x: y'))
    ->code('TRYCREATE'), 1, 'TRYCREATE';
is scalar(keys %{ $c->uid_fetch('1:*', 'UID') }), 1, 'the old one stays';
done_testing;
