# Content checks: what the tables say is done, to the field or line that they
# were asked for and to nothing else, in all parts of a message.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Chaos;
use Postrider::Enqueue;
use Postrider::Instance;
use Postrider::Solo;
use Test::More;

my %table = (header => <<'EOT', mime => <<'EOT', nested => <<'EOT',
/^Subject: .*viagra/	REJECT 5.7.9 no pills
/^Subject:.*tempfail/	REJECT 4.7.1 later
/^Subject:.*plain/	REJECT
/^Subject: (.*)external/	REPLACE Subject: [EXT] $1
/^Subject: junk/	WARN looks like junk
/^Subject: wait/	HOLD too odd
/^Subject: drop/	DISCARD go away
/^Subject: to/	REDIRECT quarantine@example.test
/^Subject: copy/	BCC archive@example.test
/^Subject: scan/	FILTER smtp:[127.0.0.1]:10025
/^Subject: pass/	PASS
/^Subject: bad/	FROBNICATE it
/^Subject: notafield/	REPLACE not a field
/^Received:.*inner/	IGNORE
/^X-Mark/		PREPEND X-Marked: yes
/^X-Gone/		STRIP
/^X-Ok/			DUNNO
/^X-/			IGNORE
/^X-Fold: (.*)$/	REPLACE X-Folded: $1
/^Content-/		REJECT not asked
/^X(a+)+$/		REJECT never
EOT
/^Content-Type:.*name="?.*\.(exe|scr)/	REJECT 5.7.1 no .$1 files
/^Content-Description:/	IGNORE
/^X-Part: (.*)/		REPLACE X-Part: was $1
EOT
/^Subject: inner secret/	REJECT inner
/^X-In/			IGNORE
EOT
    body => <<'EOT');
/^buy now/		REJECT no spam
/^hide me/		IGNORE
/^old (\S+)/		REPLACE new $1
/^above/		PREPEND --
/^empty/		REPLACE $0x
EOT
$table{body} =~ s/^.*\$0x\n//m;

sub solo {
	my (%conf) = @_;
	my $s = Postrider::Solo->new('cleanup', conf => {
	    header_checks => 'pcre:header', mime_header_checks => 'pcre:mime',
	    nested_header_checks => 'pcre:nested', body_checks => 'pcre:body',
	    body_checks_size => '4K', %conf });
	for (keys %table) {
		open my $fh, '>', $s->dir . "/conf/$_" or die;
		print {$fh} $table{$_};
		close $fh or die;
	}
	$s->fake(router => \&route_ok);
	$s->fake(qmgr => \&queue_ok);
	return $s->start;
}
my $s = solo();
my $c = $s->connect;

# the answer of commit, what was queued, and the content without our fields
sub checked {
	my ($content, %arg) = @_;
	my ($r, $b) = submit($c, rcpt => 'ann@example.test',
	    content => $content, begin => [checks => 'yes', session => 'S1',
	    @{ $arg{begin} || [] }]);
	my ($f) = grep { /\Q$b->{f}{q}\E$/ } $s->content;
	return ($r, {}, '') unless $f && $r->{verb} eq 'ok';
	open my $fh, '<', $f or die;
	my $got = do { local $/; <$fh> };
	unlink $f;
	my ($len, $ends) = (length $got, $got =~ tr/\n//);
	$got =~ s/\AReturn-Path: .*\nDelivered-To: .*\nReceived: .*\n//
	    or fail 'trace headers';
	$got =~ s/\A(?: .*\n)*//;
	my $e = ($s->asked('qmgr'))[-1];
	is $e->{f}{size}, $len, 'its size is right' if $arg{lines};
	is $e->{f}{wsize}, $len + $ends, '... with CRLF, too' if $arg{lines};
	return ($r, $e, $got);
}

# [content, what becomes of it, name]
sub becomes {
	my ($in, $want, $name) = @_;
	my ($r, undef, $got) = checked($in);
	is $got, $want, $name or diag explain $r;
	return;
}

sub refused {
	my ($in, $want, $name) = @_;
	my ($r) = checked($in);
	is "@{ $r->{f} }{qw(kind dsn text)}", $want, $name;
	is scalar(() = $s->content), 0, '... and nothing is left';
	return;
}

# headers
my $same = "A: b\nx-ok: 1\nSubject: fine\n  folded\n\xf6: z\n\nbody\n.\n";
becomes($same, $same, 'what no table knows stays, byte for byte');
refused("A: b\nSubject: buy\n viagra\n\nx\n", 'perm 5.7.9 no pills',
    'a field is matched with its folds');
ok $s->wait_log(qr/check\ s=S1\ q=\S+\ action=reject\ where=header
    \ line="Subject:\ buy\\x0A\ viagra"\ from=joe\@example.org
    \ reason="5.7.9\ no\ pills"/x), '... and logged';
refused("Subject: tempfail\n\nx\n", 'temp 4.7.1 later', 'a temporary code');
refused("Subject: plain\n\n", 'perm 5.7.1 message content rejected',
    'no text of its own');
refused("Subject: \xf6\xff viagra\n\n", 'perm 5.7.9 no pills',
    'bytes that are no UTF-8 hide nothing');
becomes("Subject: really external\nTo: x\n\nb\n",
    "Subject: [EXT] really\nTo: x\n\nb\n", 'REPLACE with what matched');
becomes("X-Mark: 1\nX-Gone: 1\n\tfold\nX-Ok: 1\nX-Any: 1\nTo: x\n\nb\n",
    "X-Marked: yes\nX-Mark: 1\nX-Ok: 1\nTo: x\n\nb\n",
    'PREPEND, STRIP, DUNNO and IGNORE; the first that matches wins');
becomes("Received: from inner\n by x\nReceived: from outer\n\nb\n",
    "Received: from outer\n\nb\n", 'a Received field, but not ours');
becomes("X-Gone: 1\n", '', 'the only field of a message');
becomes("hide me\nX-Trusted: yes\n", "\nX-Trusted: yes\n",
    'what comes behind a line that is gone does not become a field');
refused("Subject: notafield\n\n", 'temp 4.3.5 not a header field: ' .
    'not a field?', 'a text that is no field');
refused("Subject: bad\n\n", 'temp 4.3.5 not an action of a content check: ' .
    'FROBNICATE', 'what can not be understood is not passed over');
ok $s->wait_log(qr/table level=warn table=pcre:header .*FROBNICATE/),
    '... and was told at the start';
becomes('X' . 'a' x 3000 . "!: y\nTo: x\n\nb\n",
    'X' . 'a' x 3000 . "!: y\nTo: x\n\nb\n", 'an expression that runs away');

my ($r, $e) = checked("Subject: wait\n\nb\n");
is "$e->{f}{hold} $e->{f}{reason}", '1 too odd', 'HOLD';
($r) = checked("Subject: drop\n\nb\n");
is $r->{f}{discarded}, 'yes', 'DISCARD';
ok $s->wait_log(qr/discarded s=S1 q=\S+ by=header .*reason="go away"/),
    '... is logged';
($r, $e) = checked("Subject: to\n\nb\n");
is "@{ $e->{l}{addr} }", 'quarantine@example.test', 'REDIRECT';
($r, $e) = checked("Subject: copy\n\nb\n");
is "@{ $e->{l}{addr} }", 'ann@example.test archive@example.test', 'BCC';
($r, $e) = checked("Subject: scan\n\nb\n");
is "$e->{l}{transport}[0] $e->{l}{nexthop}[0]", 'smtp [127.0.0.1]:10025',
    'FILTER';
($r, $e) = checked("Subject: junk\n\nbuy now\n");
is $r->{verb}, 'err', 'WARN goes on';
ok $s->wait_log(qr/check s=S1 q=\S+ action=warn .*reason="looks like junk"/),
    '... and is logged';
becomes("Subject: pass\nX-Gone: 1\n\nbuy now\n",
    "Subject: pass\nX-Gone: 1\n\nbuy now\n", 'PASS ends all checks');

# bodies
refused("A: b\n\nhello\nbuy now!\n", 'perm 5.7.1 no spam', 'a line of a body');
becomes("A: b\n\none\nhide me\nold tale\nabove\ntwo\n",
    "A: b\n\none\nnew tale\n--\nabove\ntwo\n", 'lines are changed');
becomes("A: b\n\nold x", "A: b\n\nnew x", 'one without an end');
my $long = "A: b\n\n" . "12345678\n" x 500 . "buy now\n";
becomes($long, $long, 'behind body_checks_size nothing is looked at');
$long = "A: b\n\n" . 'y' x 20_000 . "\nold x\n";
becomes($long, $long, 'nor behind a line that crosses it');
checked("A: b\n\none\nold x\nabove\n", lines => 1);

# parts
my $mail = <<'EOT';
Subject: parts
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b1

hide me: a preamble
--b1
Content-Description: gone
X-Part: 1
Subject: viagra in a part is not a subject

hide me
old text
--b1
Content-Type: message/rfc822

Subject: inner viagra
X-In: gone
Content-Type: multipart/mixed; boundary=b2

--b2

old inner
--b2
X-Part: 2
Content-Type: text/plain;
 name="fine.txt"

last line: hide me
hide me
--b2--
--b1
Content-Type: text/plain

Subject: viagra
above
--b1--
hide me: an epilogue
EOT
my $want = $mail;
$want =~ s/^Content-Description.*\n//m;
$want =~ s/^(X-Part:) (\d)/$1 was $2/mg;
$want =~ s/^hide me\nold text/new text/m;
$want =~ s/^X-In.*\n//m;
$want =~ s/^old inner/new inner/m;
$want =~ s/^hide me\n--b2--/\n--b2--/m;
$want =~ s/^above/--\nabove/m;
becomes($mail, $want, 'each part by its own table');
refused($mail =~ s/fine\.txt/fine.exe/r, 'perm 5.7.1 no .exe files',
    'a name of a file in an inner part');
refused($mail =~ s/inner viagra/inner secret/r, 'perm 5.7.1 inner',
    'a subject of an inner message');
my $deep = '';
$deep = "Content-Type: message/rfc822\n\n$deep" for 1 .. 5000;
is((checked("A: b\n$deep"))[0]{verb}, 'ok', 'very deep');
is((checked("Content-Type: multipart/mixed; boundary=x\n\n" .
    "--x\n\nbody\n" x 20_000))[0]{verb}, 'ok', 'very many parts');
my $flood = "A: b\n\n" . "above\n" x 600;
is((checked($flood))[2], "A: b\n\n" . "--\nabove\n" x 600,
    'many changes');

# with edits, and where nothing is to be checked
($r, undef, my $got) = checked("X-Gone: 1\n\nhide me\n",
    begin => [normalize => 'yes']);
like $got, qr/\ADate: .*\nFrom: .*\nMessage-ID: .*\n\n\z/,
    'with fields that were added';
$c->send('edit', [op => 'add-header', name => 'X-Mark', value => 'spam']);
becomes("A: b\n\nb\n", "A: b\nX-Marked: yes\nX-Mark: spam\n\nb\n",
    'fields of filters are seen');
($r) = submit($c, rcpt => 'ann@example.test',
    content => "Subject: viagra\n\nx\n");
is $r->{verb}, 'ok', 'no checks are asked for';
unlink $s->content;
is((submit($c, from => '', rcpt => 'ann@example.test', content =>
    "Subject: viagra\n\nx\n", begin => [checks => 'yes',
    internal => 'yes']))[0]{verb}, 'ok', 'nor of mail of our own');
unlink $s->content;

# defaults, time, and a table that is not there
$s = solo(mime_header_checks => '', nested_header_checks => 'none');
$c = $s->connect;
refused("Content-Type: text/plain\n\nb\n", 'perm 5.7.1 not asked',
    'mime_header_checks are header_checks by default');
becomes("A: b\nContent_Type: x\n\n", "A: b\nContent_Type: x\n\n",
    'what is no MIME field');
my $slow = "Subject: x\n\n" . ("old" . 'a' x 80 . "\n") x 100_000;
$s = solo(body_checks_size => '10M', checks_time => '10ms');
$c = $s->connect;
is((checked($slow))[0]{verb}, 'ok', 'a message that takes too long');
ok $s->wait_log(qr/check_limit level=warn s=S1 q=\S+ limit=time/),
    '... is not looked at to its end, and the log says so';
$s = solo(header_checks => 'pcre:nothere', mime_header_checks => 'none');
$c = $s->connect;
is((checked("A: b\n\nb\n"))[0]{f}{kind}, 'temp',
    'a table that is not there puts mail off');

# in the suite: by smtpd, durable like any other
my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
    'cleanup.conf' => { header_checks => 'pcre:header',
	mime_header_checks => 'none', body_checks => 'pcre:body' },
    'submission.conf' => { content_checks => 'no' },
    'qmgr.conf' => { sync_interval => '10m' } });
$i->spew($i->conf_dir . "/$_", $table{$_}) for qw(header body);
$i->start;
my @m = (from => 'joe@example.org', to => 'ann@example.test');
is scalar $i->send(@m, message => "Subject: viagra\n\nb\n"), 554,
    'smtpd: refused';
is scalar $i->send(@m, message => "Subject: drop\n\nb\n"), 250,
    'smtpd: discarded, and the client hears 250';
ok $i->wait_log(qr/accepted s=\S+ q=\S+ .*discarded=yes/), '... logged';
is scalar $i->send(@m, message => "Subject: x\n\nold $_\nb\n"), 250,
    'smtpd: changed' for 1 .. 20;
is scalar $i->send(port => 'submission', auth => ['ann', 'pw'],
    from => 'ann@example.test', to => 'ann@example.test',
    message => "Subject: viagra\nFrom: ann\@example.test\n\nold y\n"), 250,
    'submission: not looked at';

# the power fails: what was changed comes back from the journal as it is
ok $i->wait_for(sub { my @l = $i->mails('ann'); @l == 21 }), 'delivered';
Postrider::Chaos::kill_tree($i);
for my $f ($i->mails('ann'), glob $i->dir . '/spool/content/*/*') {
	chmod 0640, $f;
	truncate $f, 0;
}
Postrider::Chaos::reboot($i->dir . '/spool/journal');
my $mark = $i->log_mark;
Postrider::Chaos::start($i);
ok $i->wait_log(qr/qmgr\[\d+\]: replayed messages=21 /, undef, $mark),
    'the journal is replayed';
ok $i->wait_for(sub { return !grep { -z $_ } $i->mails('ann') }),
    'all are whole again';
my $all = join '', map { $i->slurp($_) } $i->mails('ann');
is scalar(() = $all =~ /^new \d+$/mg), 20, '... as they were changed';
is scalar(() = $all =~ /^old /mg), 1, '... but one';
done_testing;
