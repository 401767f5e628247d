#!/usr/bin/perl
# COPY and MOVE, COPYUID, TRYCREATE.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;
my $c = Postrider::Imap->new(port => $i->port('imap'));
$c->login('ann', 'pw')->expect;
$c->cmd("APPEND INBOX (k$_ \\Seen) \"0$_-Feb-2000 00:00:00 +0000\" ",
    lit_plus("Subject: $_\r\n\r\nx\r\n"))->expect for 1 .. 6;
$c->cmd('CREATE to')->expect;
$c->cmd('SELECT INBOX')->expect;

is $c->no('COPY to nothing', 'COPY 1 nothing')->code('TRYCREATE'), 1,
    'TRYCREATE';
is $c->no('MOVE to nothing', 'MOVE 1 nothing')->code('TRYCREATE'), 1,
    'TRYCREATE';
my $r = $c->ok('COPY', 'COPY 2:3,5 to');
my @code = $r->code('COPYUID');
is "$code[1] $code[2]", '2:3,5 1:3', 'COPYUID';
is scalar @{ $r->{got} }, 0, 'and nothing else';
$r = $c->ok('UID COPY of nothing', 'UID COPY 100 to');
ok !$r->code('COPYUID'), 'has no COPYUID';
$c->bad('COPY of no such number', 'COPY 7 to');
$r = $c->ok('COPY into itself', 'COPY 1 INBOX');
is $r->num('EXISTS'), 7, 'EXISTS';
is +($r->code('COPYUID'))[2], 7, 'COPYUID';
$c->ok('take it away', 'STORE 7 +FLAGS.SILENT (\Deleted)');
$c->ok('EXPUNGE', 'EXPUNGE');

$r = $c->ok('MOVE', 'MOVE 1,4 to');
my ($ok, @rest) = @{ $r->{got} };
is "$ok->{name} $ok->{code}[0]", 'OK COPYUID', 'COPYUID is untagged';
is "$ok->{code}[2] $ok->{code}[3]", '1,4 4:5', 'with its UIDs';
is_deeply [map { "$_->{num} $_->{name}" } @rest], ['1 EXPUNGE', '3 EXPUNGE'],
    'then EXPUNGE';
$r = $c->ok('UID MOVE', 'UID MOVE 2 to');
is_deeply [map { $_->{num} } $r->untagged('EXPUNGE')], [1], 'EXPUNGE';
is $c->no('MOVE to a name that can not be', 'UID MOVE 3 "a/../b"')
    ->{status}, 'NO', 'is refused';
is_deeply [sort keys %{ $c->uid_fetch('1:*', 'UID') }], [3, 5, 6],
    'what stays';
$c->ok('MOVE into itself', 'UID MOVE 3 INBOX');
is_deeply [sort { $a <=> $b } keys %{ $c->uid_fetch('1:*', 'UID') }],
    [5, 6, 8], 'is a new UID';
$c->ok('EXAMINE', 'EXAMINE INBOX');
$c->ok('COPY from what is read-only', 'COPY 1 to');
$c->no('MOVE from it', 'MOVE 1 to');

$c->ok('SELECT', 'SELECT to');
$r = $c->fetch('1:6',
    '(FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
is_deeply [map { $r->{$_}{'BODY[HEADER.FIELDS (SUBJECT)]'} =~ /(\d)/ }
    1 .. 6], [2, 3, 5, 1, 4, 2], 'the copies, in order';
is_deeply [map { (sort grep { /^k/ } @{ $r->{$_}{FLAGS} })[0] } 1 .. 6],
    [map { "k$_" } 2, 3, 5, 1, 4, 2], 'with their keywords';
is $r->{2}{INTERNALDATE}, ' 3-Feb-2000 00:00:00 +0000', 'and dates';
is $c->ok('EMAILID', 'FETCH 1 EMAILID')->fetched->{1}{EMAILID}[0],
    $c->fetch(6, 'EMAILID')->{6}{EMAILID}[0], 'of copies is the same';
isnt $c->fetch(1, 'EMAILID')->{1}{EMAILID}[0],
    $c->fetch(2, 'EMAILID')->{2}{EMAILID}[0], 'of others is not';

# with QRESYNC
my $d = Postrider::Imap->new(port => $i->port('imap'));
$d->login('ann', 'pw')->expect;
$d->cmd('ENABLE QRESYNC')->expect;
$d->cmd('SELECT to')->expect;
$r = $d->ok('MOVE', 'UID MOVE 1:2 INBOX');
is_deeply [map { $_->{data} } $r->untagged('VANISHED')], [['1:2']],
    'VANISHED';
is $r->{code}[0], 'HIGHESTMODSEQ', 'and HIGHESTMODSEQ';
is_deeply [map { $_->{num} } $c->cmd('NOOP')->untagged('EXPUNGE')], [1, 1],
    'EXPUNGE to the other session';

# what is known of a message goes along: the file is not asked again
$c->cmd('SELECT INBOX')->expect;
my $n = $c->cmd('APPEND INBOX ', lit_plus("Subject: known\r\n\r\nx\r\n"))
    ->expect->num('EXISTS');
is $c->fetch($n, 'ENVELOPE')->{$n}{ENVELOPE}[1], 'known', 'an ENVELOPE';
$r = $c->ok('MOVE', "MOVE $n to");
my ($uid) = map { $_->{code}[3] } grep { $_->{code} } @{ $r->{got} };
my ($file) = glob $i->maildir('ann') . "/.to/cur/*,U=$uid:*";
chmod 0600, $file;
open my $f, '+<', $file or die "$file: $!\n";
print {$f} "Subject: other\n";
close $f;
$c->cmd('SELECT to')->expect;
is $c->uid_fetch($uid, 'ENVELOPE')->{$uid}{ENVELOPE}[1], 'known',
    'is the same behind a MOVE, and not made anew';
done_testing;
