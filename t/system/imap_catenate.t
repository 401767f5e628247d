#!/usr/bin/perl
# CATENATE (RFC 4469): a message made of texts and of parts of others.
use strict;
use warnings;
use Postrider::Imap qw(lit lit_plus);
use Postrider::Instance;
use Test::More;

my $s = Postrider::Instance->new(users => { ann => 'pw-ann' });
$s->start;
my $c = Postrider::Imap->new(port => $s->port('imap'));
$c->login('ann', 'pw-ann')->expect;

my $old = join "\r\n", 'From: Bob Ar <bar@example.test>', 'MIME-Version: 1.0',
    'To: foo@example.test', 'Subject: About our holiday trip',
    'Content-Type: multipart/mixed;', ' boundary="------------030308070208"',
    '', '--------------030308070208', 'Content-Type: text/plain', '',
    'Our travel agent has sent the updated schedule.', '',
    'Cheers,', 'Bob', '--------------030308070208',
    'Content-Type: application/pdf; name="holiday-schedule.pdf"',
    'Content-Transfer-Encoding: base64', '', 'AAAABBBBCCCC',
    '--------------030308070208--', '';
$c->ok('a folder', 'CREATE Drafts');
my $uv = $c->ok('the draft', 'APPEND Drafts ', lit($old))->code('APPENDUID');
my $base = "/Drafts;UIDVALIDITY=$uv/;UID=1";
my $middle = "\r\n--------------030308070208\r\nContent-Type: text/plain\r\n"
    . "\r\nOur travel agent has sent it again.\r\n"
    . "--------------030308070208\r\n";
my $end = "\r\n--------------030308070208--\r\n";
my $r = $c->ok('the RFC\'s example', 'APPEND Drafts (\Seen \Draft) CATENATE '
    . "(URL \"$base/;SECTION=HEADER\" TEXT ", lit($middle),
    " URL \"$base/;section=2.MIME\" URL \"$base/;section=2\" TEXT ",
    lit_plus($end), ')');
is_deeply [$r->code('APPENDUID')], [$uv, 2], 'APPENDUID';
$c->ok('opened', 'SELECT Drafts');
my $f = $c->fetch(2, '(FLAGS BODY.PEEK[])')->{2};
my ($head) = $old =~ /\A(.*?\r\n\r\n)/s;
is $f->{'BODY[]'}, $head . $middle . 'Content-Type: application/pdf; '
    . "name=\"holiday-schedule.pdf\"\r\nContent-Transfer-Encoding: base64"
    . "\r\n\r\nAAAABBBBCCCC" . $end, 'all parts are there';
is_deeply [sort grep { !/Recent/ } @{ $f->{FLAGS} }], ['\Draft', '\Seen'],
    'and the flags';
is $c->ok('whole', "APPEND INBOX CATENATE (URL \"$base\")")
    ->{status}, 'OK', 'a whole message';
$c->ok('of the selected folder', 'APPEND INBOX CATENATE (URL ";UID=1/'
    . ';SECTION=HEADER" TEXT ', lit("x\r\n"), ')');
$c->ok('part of one', "APPEND INBOX CATENATE (URL \"$base/;SECTION=TEXT/"
    . ';PARTIAL=30.24")');
$c->ok('fields', "APPEND INBOX CATENATE (URL \"$base/;SECTION="
    . 'HEADER.FIELDS%20(Subject)")');
is $c->no('UIDVALIDITY', 'APPEND INBOX CATENATE (URL '
    . '"/Drafts;UIDVALIDITY=1/;UID=1")')->{code}[0], 'BADURL', 'another one';
for my $bad ('/Drafts/;UID=99', '/Nowhere/;UID=1', 'imap://host/Drafts/;UID=1',
    "$base/;SECTION=7", "$base/;SECTION=x", '/Dr%zzafts/;UID=1', ';UID=0',
    "$base;URLAUTH=anonymous:internal:00") {
	is $c->cmd("APPEND INBOX CATENATE (URL \"$bad\")")->{code}[0],
	    'BADURL', "$bad: BADURL";
}
# work is bounded, however little comes of it
$s->set_conf('imapd.conf', message_size => '1M');
$s->reload;
$c->logout;
$c = Postrider::Imap->new(port => $s->port('imap'));
$c->login('ann', 'pw-ann')->expect;
$c->ok('a large one', 'APPEND Drafts ', lit("Subject: large\r\n\r\n" .
    ("x" x 70 . "\r\n") x 13000));
$c->ok('opened', 'SELECT Drafts');
my $large = $c->ok('found', 'UID SEARCH LARGER 500000')->numbers->[0];
my $url = "URL \";UID=$large/;PARTIAL=0.1\"";
$c->ok('a few parts of it', 'APPEND Drafts CATENATE (' .
    join(' ', ($url) x 20) . ')');
is $c->no('but not many', 'APPEND INBOX CATENATE (' .
    join(' ', ($url) x 200) . ')')->{code}[0], 'LIMIT', 'which is told';
is $c->no('nor many folders', 'APPEND INBOX CATENATE (' .
    join(' ', ('URL "/INBOX/;UID=1/;PARTIAL=0.1"') x 300) . ')')
    ->{code}[0], 'LIMIT', 'which are work, too';
is $c->no('synchronising', 'APPEND INBOX CATENATE (URL "/x/;UID=1" TEXT ',
    lit('x'), ')')->{code}[0], 'BADURL', 'before the literal is sent';
is $c->no('not so', 'APPEND INBOX CATENATE (URL "/x/;UID=1" TEXT ',
    lit_plus('x'), ')')->{code}[0], 'BADURL', 'after it was';
$c->no('nothing', 'APPEND INBOX CATENATE ()');
$c->bad('no part', 'APPEND INBOX CATENATE (BLOB x)');
is $c->no('no folder', "APPEND None CATENATE (URL \"$base\")")->{code}[0],
    'TRYCREATE', 'TRYCREATE';
$c->ok('two', 'APPEND INBOX CATENATE (TEXT ', lit("a: b\r\n"),
    ' TEXT ', lit("\r\nc\r\n"), ') CATENATE (TEXT ', lit("d: e\r\n"), ')');
$c->ok('INBOX', 'SELECT INBOX');
$f = $c->fetch('1:*', 'BODY.PEEK[]');
is scalar(keys %$f), 6, 'what was OK is there';
is $f->{1}{'BODY[]'}, $old, 'whole';
is $f->{2}{'BODY[]'}, "${head}x\r\n", 'header';
my ($text) = $old =~ /\r\n\r\n(.*)/s;
is $f->{3}{'BODY[]'}, substr($text, 30, 24), 'octets';
is $f->{4}{'BODY[]'}, "Subject: About our holiday trip\r\n\r\n", 'fields';
is $f->{5}{'BODY[]'}, "a: b\r\n\r\nc\r\n", 'texts';
$c->logout;
$s->finish;
done_testing;
