#!/usr/bin/perl
# Trouble of this machine defers, and never fails, a message.
use strict;
use warnings;
use Test::More;
use Postrider::Delivery;

my $l = Postrider::Delivery->new;
$l->start;
my $m = $l->message("Subject: x\n\nhi\n");
is $l->deliver($m, ['ann']), 'ok', 'a mailbox';
my $other = $l->message("Subject: y\n\nhi\n");

# what another program may do to a Maildir; the owner is not root
my $new = $l->maildir('ann') . '/new';
rename $new, "$new.off";
symlink '/tmp', $new;
like $l->deliver($other, ['ann', 'bob']), qr/^0 deferred 4\.3\.0 .*; ok$/,
    'a link instead of new/: deferred, and the other is delivered';
is scalar($l->files('bob')), 1, 'the other is there';
unlink $new;
open my $fh, '>', $new;
close $fh;
like $l->deliver($other, ['ann']), qr/^0 deferred 4\.3\.0 /, 'a file';
unlink $new;
is $l->deliver($other, ['ann']), 'ok', 'nothing: it is made';
rmdir "$new.off";
chmod 0500, $new;
chown 0, 0, $new if $> == 0;
$other = $l->message("Subject: z\n\nhi\n");
like $l->deliver($other, ['ann']), qr/^0 deferred 4\.3\.0 .*denied/,
    'no right to write';
like $l->deliver($other, ['bob'], size => 5), qr/^0 deferred 4\.3\.0 /,
    'a content file of another size';
ok $l->wait_log(qr/content-refused level=error .*q=\w+/),
    'which is said aloud';
open $fh, '>>', $other->{path} or die "content: $!\n";
print {$fh} "more\n";
close $fh;
like $l->deliver($other, ['bob']), qr/^0 deferred 4\.3\.0 .*not \d+; ok$/,
    'one that somebody wrote to after it was accepted';
truncate $other->{path}, $other->{size} or die "content: $!\n";
like $l->deliver($other, ['bob'], file => $l->dir),
    qr/^0 deferred 4\.3\.0 /, 'or no file';
like $l->deliver($other, ['bob'], mailbox => ['../../x']),
    qr/^0 deferred 4\.3\.5 /, 'a mailbox that can not be';
like $l->deliver($other, ['bob'], quota => ['much']),
    qr/^0 deferred 4\.3\.5 /, 'a quota that is none';

# the disk is not mounted
my $mail = $l->dir . '/mail';
rename $mail, "$mail.off";
like $l->deliver($other, ['bob']),
    qr/^0 deferred 4\.3\.0 mail directory .*No such file/, 'no mail_dir';
ok !-e $mail, 'it is not made';
rename "$mail.off", $mail;
is $l->deliver($other, ['bob']), 'ok', 'it is back';
rename $mail, "$mail.off";
mkdir $mail;
chown((stat "$mail.off")[4, 5], $mail);
like $l->deliver($other, ['bob']), qr/^0 deferred 4\.3\.0 /,
    'another one is mounted';
is $l->wait_exit, 0, 'this process can not reach it, and ends';
ok $l->wait_log(qr/mail-dir .*path=\Q$mail\E/), 'saying so';
delete $l->{c};
$l->start;
is $l->deliver($other, ['bob']), 'ok', 'the next one can';
ok -d "$mail/example.test/bob", 'there';

is $l->deliver($other, ['carl']), 'ok', 'before the end';
$l->drain;
is $l->wait_exit, 0, 'master may end it';
done_testing;
