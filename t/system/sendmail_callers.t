#!/usr/bin/perl
# sendmail as programs call it: cron, mutt, s-nail, web applications,
# list managers, start scripts.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' })->start;
my $dir = $i->{tmp};
my $sendmail = "$dir/sendmail";
$i->spew($sendmail, "#!/bin/sh\nPOSTRIDER_INSTANCE=" . $i->dir .
    " exec $i->{build}/ctl/sendmail \"\$@\"\n");
chmod 0755, $sendmail;

# what the suite is built with may want these
my @san = map { "$_=$ENV{$_}" } grep { defined $ENV{$_} }
    qw(ASAN_OPTIONS UBSAN_OPTIONS);

# (status, output) of a command with that input and a fresh home
sub call {
	my ($in, @cmd) = @_;
	$i->spew("$dir/in", $in);
	chmod 0644, "$dir/in";
	my ($st, $out, $err) = $i->run('env', '-i', @san, "HOME=$dir",
	    'PATH=/usr/bin:/bin', "MAILRC=$dir/mailrc", 'sh', '-c',
	    'in=$1; shift; exec "$@" <$in', 'sh', "$dir/in", @cmd);
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

# Debian's cron
is call("From: root (Cron Daemon)\nTo: ann\nSubject: Cron <root\@host> x\n" .
    "Auto-Submitted: auto-generated\n\noutput\n", $sendmail, '-FCronDaemon',
    '-i', '-B8BITMIME', '-oem', 'ann'), 0, 'cron';
like take('ann'),
    qr/^From: root\@example\.test \(Cron Daemon\)\n.*\n\noutput\n\z/ms,
    '... its From stays, with our domain';

# mail() of a web application
is call("To: ann\@example.test\r\nSubject: form\r\nFrom: www\@example.test" .
    "\r\n\r\nhello\r\n", $sendmail, '-t', '-i', '-f', 'www@example.test'), 0,
    'an application';
like take('ann'), qr/^Return-Path: <www\@example\.test>\n/, '... its sender';

is call("hello\n", 'mutt', '-F', '/dev/null', '-e',
    "set sendmail='$sendmail -oem -oi'", '-e', 'set copy=no', '-s', 'by mutt',
    'ann@example.test'), 0, 'mutt';
like take('ann'), qr/^Subject: by mutt\n.*\n\nhello\n/ms, '... arrives';

$i->spew("$dir/mailrc", "set sendmail=$sendmail\n");
chmod 0644, "$dir/mailrc";
my @nail = ('s-nail', '-:/', '-S', 'v15-compat', '-S',
    "mta=file://$sendmail");
is call("hello\n", @nail, '-s', 'by mailx', '-c', 'bob@example.test',
    'ann@example.test'), 0, 'mailx with a copy';
like take('ann'), qr/^Subject: by mailx\n.*\n\nhello\n/ms, '... arrives';
like take('bob'), qr/^Subject: by mailx$/m, '... at both';
is call("hello\n", @nail, '-s', 'by s-nail', 'ann@example.test'), 0,
    's-nail';
like take('ann'), qr/^Subject: by s-nail\n.*\n\nhello\n/ms, '... arrives';

# a list manager
is call("Subject: list\n\nx\n", $sendmail, '-i', '-XV', '-f',
    'list@example.test', 'ann@example.test', 'bob@example.test'), 0, '-XV';
like take($_), qr/^Return-Path: <list\+$_=example\.test\@example\.test>\n/,
    "... $_" for 'ann', 'bob';
is call("x\n", $sendmail, '-XV-=', '-f', 'list', 'ann'), 0, '-XV-=';
like take('ann'), qr/^Return-Path: <list-ann=example\.test\@/, '... as said';
is call("x\n", $sendmail, '-XVab', 'ann'), 64, '-XVab';
is call("x\n", $sendmail, '-X', '/dev/null', 'ann'), 0, '-X logfile';
take('ann');

# questions and orders
my ($st, $out) = call('', $sendmail, '-bv', 'ann', 'nobody');
is $st, 67, '-bv';
like $out, qr/^deliver\s+ann\@example\.test by local/m, '... who is there';
like $out, qr/^result\s+refused: 5\.1\.1/m, '... and who is not';
is call('', $sendmail, '-bv', 'ann'), 0, '-bv of one';
is call('', $sendmail, '-bv'), 64, '-bv of nobody';
is call('', $sendmail, "-q$_"), 0, "-q$_"
    for '', '30m', 'Rexample.test', 'Sann@example.test', 'I8lFLZPf5XSB';
is call('', $sendmail, '-qIabc'), 64, '-qIabc is no id';
is call('', $sendmail, '-bd', '-q30m'), 0, '-bd where it runs';
is call('', $sendmail, '-bz'), 64, '-bz';
is call("EHLO a\r\nMAIL FROM:<ann>\r\nRCPT TO:<bob>\r\nDATA\r\nSubject: s\r\n" .
    "\r\nx\r\n.\r\nQUIT\r\n", $sendmail, '-bs'), 0, '-bs';
like take('bob'), qr/^Subject: s$/m, '... arrives';

$i->stop;
is call("x\n", $sendmail, @$_), 75, "down: @$_" for ['ann'], ['-bs'],
    ['-bv', 'ann'];
is call('', $sendmail, '-bd'), 0, '-bd starts the suite';
is call("Subject: again\n\nx\n", $sendmail, 'ann'), 0, '... which takes mail';
like take('ann'), qr/^Subject: again$/m, '... and delivers it';
$i->ctl_ok('stop');
done_testing;
