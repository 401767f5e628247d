#!/usr/bin/perl
# The sendmail command: what programs give it arrives, byte for byte where it
# must, and its exit status tells the truth.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' })->start;
my $sendmail = "$i->{build}/ctl/sendmail";

# (status, output) of sendmail with that input
sub sendmail {
	my ($in, @arg) = @_;
	$i->spew("$i->{tmp}/in", $in);
	chmod 0644, "$i->{tmp}/in";
	my ($st, $out, $err) = $i->run('sh', '-c',
	    'in=$1; shift; exec "$@" <$in', 'sh', "$i->{tmp}/in", 'env',
	    "POSTRIDER_INSTANCE=" . $i->dir, $sendmail, @arg);
	return wantarray ? ($st, "$out$err") : $st;
}

# the newest message of a user, and forget it
sub take {
	my ($user) = @_;
	my ($f) = $i->wait_mails($user, 1);
	my $text = $i->slurp($f);
	unlink $f;
	return $text;
}

sub count {
	my @m = $i->mails($_[0]);
	return scalar @m;
}

my $body = "line\n.\n..dot\n\nw\xc3\xb6rld " . 'x' x 3000 . "\n";
is sendmail("Subject: one\n\n$body", '-i', 'ann'), 0, 'accepted';
my $m = take('ann');
like $m, qr/\n\n\Q$body\E\z/, 'the body arrives byte for byte';
like $m, qr/^Date: /m, 'Date was added';
like $m, qr/^Message-ID: <\S+\@\S+>$/mi, 'Message-ID was added';
like $m, qr/^From: .*\@example\.test>?$/m, 'From was added';

is sendmail("Subject: two\n\nbefore\n.\nafter\n", 'ann'), 0, 'a lone dot';
unlike take('ann'), qr/after/, 'ends the message';
is sendmail("Subject: crlf\r\n\r\na\r\nb\r\n", '-oi', 'ann'), 0, 'CRLF';
unlike take('ann'), qr/\r/, 'is no part of a line';
is sendmail("just text\n", 'ann'), 0, 'no header at all';
like take('ann'), qr/\n\njust text\n\z/, 'is all body';
is sendmail("From me\@x Mon Jan 1\nSubject: mbox\n\nx\n", 'ann'), 0,
    'a From line of mbox';
unlike take('ann'), qr/^From me/m, 'is left out';

is sendmail("To: ann,\n Bob <bob\@example.test> (c)\nBcc: bob\n" .
    "Subject: three\n\nx\n", '-t', '-f', 'list-owner', '-F', 'A "B"'), 0,
    'recipients of the header';
$m = take('ann');
like $m, qr/^Return-Path: <list-owner\@example\.test>$/m, 'sender of -f';
unlike $m, qr/^Bcc/m, 'Bcc is taken out';
like $m, qr/^From: "A \\"B\\"" <list-owner\@example\.test>$/m, 'name of -F';
like take('bob'), qr/^Subject: three$/m, 'the other one gets it too';
is count('bob'), 0, 'once';
is sendmail("To: bob\nResent-To: ann\nSubject: r\n\nx\n", '-t'), 0, 'resent';
like take('ann'), qr/^Resent-To: ann\@example\.test$/m,
    'Resent-To counts alone';
is count('bob'), 0, 'and To does not';

my ($st, $out) = sendmail("x\n", 'ann', 'nobody-here');
is $st, 67, 'an unknown user';
like $out, qr/nobody-here\@example\.test: 550/, 'is named';
is count('ann'), 0, 'and nobody gets it';
is sendmail("x\n"), 64, 'no recipient';
is sendmail("Subject: x\n\nx\n", '-t'), 65, 'none in the header';
is sendmail("x\n", 'a@b@c'), 65, 'no address';
is sendmail("x\n", '-f', 'a b', 'ann'), 64, 'no sender';
is sendmail("x\n", '-N', 'sometimes', 'ann'), 64, 'no notify';
is sendmail("x\n", '-y'), 64, 'no option';
is sendmail("x\n", '-N', 'never', '-R', 'hdrs', '-V', 'a+b', '-oem', '-G',
    '-B8BITMIME', 'ann'), 0, 'options of others are known';
take('ann');

($st, $out) = sendmail("EHLO x\r\nNOOP\r\nQUIT\r\n", '-bs');
is $st, 0, '-bs';
like $out, qr/^220 .*^250 .*^221 /ms, 'speaks SMTP';
($st, $out) = sendmail("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann>\r\n" .
    "DATA\r\nSubject: x\n\nx\n.\n", '-bs');
is $st, 75, '-bs: input that ends inside a message';
like $out, qr/ended inside a message/, 'says so';
ok $i->wait_for(sub { (sendmail('', '-bp'))[1] =~ /^no messages$/m }),
    '-bp';
is sendmail('', '-bi'), 0, '-bi';
is sendmail('', '-q'), 0, '-q';

my $big = "Subject: big\n\n" . ("y" x 70 . "\n") x 50_000;
is sendmail($big, 'ann'), 0, 'three and a half megabytes';
is length(take('ann') =~ s/.*?\n\n//sr), 71 * 50_000, 'arrive whole';
$i->stop;
($st, $out) = sendmail("x\n", 'ann');
is $st, 75, 'a suite that is down';
like $out, qr/down/, 'is told';
done_testing;
