# Submission: missing fields are added, and nothing else is touched.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Enqueue;
use Test::More;

my $s = cleanup_alone();
my $c = $s->connect;

# the file without our own three fields; checks its sizes
sub result {
	my ($content, @more) = @_;
	my ($r, $b) = submit($c, rcpt => 'ann@example.test',
	    content => $content, begin => [normalize => 'yes'], @more);
	is $r->{verb}, 'ok', 'queued' or return '';
	my ($f) = grep { /\Q$r->{f}{q}\E$/ } $s->content;
	open my $fh, '<', $f or die;
	my $got = do { local $/; <$fh> };
	my $e = ($s->asked('qmgr'))[-1];
	is $e->{f}{size}, length $got, 'its size is right';
	is $e->{f}{wsize}, length($got) + ($got =~ tr/\n//), '... and wsize';
	$got =~ s/\AReturn-Path: .*\nDelivered-To: .*\nReceived: .*\n( .*\n)*//
	    or fail 'trace headers';
	return $got;
}

my $full = "Date: Thu, 1 Jan 1970 00:00:00 +0000\nFrom: a\@b\n" .
    "message-id: <x\@y>\n\nbody\n";
is result($full), $full, 'what is complete stays as it is';

my $date = qr/Date: \w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}\n/;
my $id = qr/Message-ID: <[^<> ]+\@mx\.example\.test>\n/;
my $got = result("Subject: x\n\nbody\n");
like $got, qr/\A${date}From: <joe\@example.org>\n${id}Subject: x\n\nbody\n\z/,
    'all three are added';
like result("From: a\@b\n\nbody\n"), qr/\A$date${id}From: a\@b\n\nbody\n\z/,
    'only what is missing';
like result("From: <>\nSubject: y\n\n", from => ''), qr/\A$date${id}From: <>/,
    'no body';
like result("\nbody\n"), qr/\A${date}From: [^\n]+\n$id\nbody\n\z/,
    'an empty header';
like result("hello there\n\nbody\n"),
    qr/\A${date}From: [^\n]+\n$id\nhello there\n\nbody\n\z/,
    'no header at all gets its empty line';
like result(" ,<eve\@example.org>\nDate: x\nMessage-ID: y\n\nbody\n"),
    qr/\A${date}From: <joe\@example.org>\n$id\n ,<eve\@/,
    'what goes on with no field is not put behind one of ours';
like result("Subject: x\nhello there\n"),
    qr/\A${date}From: [^\n]+\n${id}Subject: x\n\nhello there\n\z/,
    'and so does one that breaks off';
like result('', from => ''),
    qr/\A${date}From: <MAILER-DAEMON\@mx\.example\.test>\n$id\z/, 'nothing';

# who is named in Bcc is not for the others
(my $secret = $full) =~ s/^(?=From)/bcc: eve\@a.test,\n joe\@a.test\n/m;
is result("Bcc: x\n" . $secret =~ s/\n\n/\nResent-Bcc: y\nBcc:\n\nBcc: z\n/r),
    $full =~ s/\n\n/\n\nBcc: z\n/r, 'Bcc is taken out of the header';
like result("Bcc: x\nSubject: x\n"),
    qr/\A${date}From: <joe\@example\.org>\n${id}Subject: x\n\z/,
    '... and missing fields are added';
my ($foreign) = submit($c, rcpt => 'ann@example.test', content => $secret);
my ($kept) = grep { /\Q$foreign->{f}{q}\E$/ } $s->content;
open my $as, '<', $kept or die;
like do { local $/; <$as> }, qr/\nbcc: eve.*\n joe/, 'mail of others is not';
close $as;

my $big = join '', map { "$_ " . 'x' x 70 . "\n" } 1 .. 40_000;
$got = result("Subject: big\n\n$big");
ok $got =~ s/\A${date}From: [^\n]+\n${id}Subject: big\n\n// && $got eq $big,
    'three megabytes are moved whole';

my $r = submit($c, rcpt => 'ann@example.test', content => "Subject: x\n\n");
open my $fh, '<', (grep { /\Q$r->{f}{q}\E$/ } $s->content)[0] or die;
$got = do { local $/; <$fh> };
unlike $got, qr/^(?:Date|From|Message-ID):/m, 'without normalize: nothing';
done_testing;
