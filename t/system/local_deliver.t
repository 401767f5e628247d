#!/usr/bin/perl
# Delivery to virtual mailboxes: the same inode, once, whatever happens.
use strict;
use warnings;
use Test::More;
use Postrider::Delivery;
use Postrider::Topdir qw(has_topdir can_topdir);

my $l = Postrider::Delivery->new;
$l->start;
my $text = "Return-Path: <s\@example.org>\nSubject: x\n\nhi\n";
my $m = $l->message($text);
is $l->deliver($m, ['ann', 'bob']), 'ok', 'two recipients';
my ($file) = $l->files('ann');
is $file, "1700000000.Q$m->{q}R1.mx.example.test,S=$m->{size}," .
    "W=$m->{wsize}", 'the name says what it is';
my $path = $l->maildir('ann') . "/new/$file";
is +(stat $path)[1], (stat $m->{path})[1], 'it is the file of the queue';
is +(stat $path)[3], 3, 'which lies in three places';
is +(stat $l->maildir('ann'))[2] & 07777, 0700, 'the mailbox is closed';
my $domain = $l->dir . '/mail/example.test';
is has_topdir($domain), can_topdir($l->dir),
    'mailboxes of a domain lie apart, where the file system knows that';
is has_topdir("$domain/ann"), 0, 'folders of a mailbox do not';
ok $l->wait_log(qr/delivered s=s1 q=\Q$m->{q}\E to=$_\@example\.test /),
    "$_: logged" for 'ann', 'bob';

is $l->deliver($m, ['ann', 'bob']), 'ok', 'the same delivery again';
is $l->deliver($m, ['ann', 'bob'], again => 'yes'), 'ok', 'or after a crash';
is scalar($l->files('ann')), 1, 'delivers nothing twice';
rename $path, $l->maildir('ann') . "/cur/$file:2,S";
is $l->deliver($m, ['ann'], again => 'yes'), 'ok', 'also where it was read';
is scalar($l->files('ann')), 0, 'meanwhile';
is $l->deliver($m, ['ann'], n => [7]), 'ok',
    'another recipient that leads to the same mailbox';
like +($l->files('ann'))[0], qr/R7\./, 'gets one of its own';

# many waiting requests
my @m = map { $l->message("Subject: $_\n\n") } 1 .. 100;
$l->ask($m[$_], ['u' . $_ % 10]) for 0 .. 99;
is join(' ', map { $l->answer } 0 .. 99), join(' ', ('ok') x 100),
    'a hundred requests, answered in order';
is scalar(map { $l->files("u$_") } 0 .. 9), 100, 'all are there';

$m = $l->message($text);
my $to = [map { "r$_" } 1 .. 250];
is $l->deliver($m, $to), 'ok', '250 recipients';
is +(stat $m->{path})[3], 251, 'one file';

my $other = $l->message("another text\n");
is $l->deliver($m, ['eve'], file => $other->{path}, size => $other->{size},
	wsize => $other->{wsize}), 'ok', 'a descriptor of another file';
open my $fh, '<', $l->maildir('eve') . '/new/' . ($l->files('eve'))[0];
is join('', <$fh>), "another text\n", 'is what counts, and is copied';
is scalar($l->files('eve', 'tmp')), 0, 'nothing stays in tmp/';

is $l->deliver($m, ['a/b', '..', 'a b']), 'ok', 'strange names';
ok -d $l->dir . "/mail/example.test/$_/Maildir", "have $_"
    for 'a%2Fb', '%2E.', 'a%20b';
is $l->deliver($m, ['ann'], n => [1, 2]),
    'err 5.5.4 lists of different lengths', 'a malformed request';
is $l->deliver($m, ['ann'], q => '../../../x'), 'err 5.5.4 bad queue id',
    'a path for a queue id';

# a sender for each recipient
$m = $l->message($text);
is $l->deliver($m, ['v1', 'v2'], sender => 's@example.org', verp => '+='),
    'ok', 'VERP';
for my $to ('v1', 'v2') {
	my ($name) = $l->files($to);
	open my $f, '<', $l->maildir($to) . "/new/$name";
	my $got = join '', <$f>;
	is $got, "Return-Path: <s+$to=example.test\@example.org>\n" .
	    "Subject: x\n\nhi\n", "$to: Return-Path is its own";
	like $name, qr/,S=${\ length $got},W=${\(4 + length $got)}$/,
	    '... and the name has its size';
}
is $l->deliver($m, ['v1'], sender => 's@example.org', verp => '+=',
    again => 'yes'), 'ok', 'again';
is scalar($l->files('v1')), 1, 'delivers nothing twice';
$m = $l->message("Subject: x\n\nhi\n");
like $l->deliver($m, ['v3'], verp => '+=', sender => 's@example.org'),
    qr/4\.3\.0 content has no Return-Path/, 'content without Return-Path';

# answers come in the order of the requests, the bad ones too
$l->ask($m, ['ann'], n => [20]);
$l->ask($m, ['ann'], n => [1, 2]);
$l->ask($m, ['ann'], n => [21]);
is join(' | ', map { $l->answer } 1 .. 3),
    'ok | err 5.5.4 lists of different lengths | ok', 'order is kept';
done_testing;
