# A message on its way through cleanup: what is written, what is synced
# before the answer, and what qmgr is told.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Enqueue;
use Test::More;

my $s = cleanup_alone();
my $c = $s->connect;

is $c->call('ping')->{verb}, 'ok', 'it answers';
is $c->call('space', [size => 1000])->{verb}, 'ok', 'there is room';

my $text = "Subject: hello\n\nfirst line\n.dot\nlast\n";
my ($r, $b) = submit($c, rcpt => 'ann@example.test', content => $text,
    begin => [session => 'abc']);
is $r->{verb}, 'ok', 'one message is queued' or diag explain $r;
my $q = $b->{f}{q};
like $q, qr/^[0-9A-Za-z]{11}$/, 'it has an id';
is $r->{f}{q}, $q, 'commit says the same id';
my ($file) = $s->content;
like $file, qr/\Q$q\E$/, 'the file has that name';
is sprintf('%o', (stat $file)[2] & 07777), '440', 'it is read-only';
open my $fh, '<', $file or die;
my $got = do { local $/; <$fh> };
(my $unfolded = $got) =~ s/\n(?=[ \t])//g;
my ($path, $to, $received, $first) = split /\n/, $unfolded;
is $path, 'Return-Path: <joe@example.org>', 'Return-Path is in front';
is $to, 'Delivered-To: ann@example.test', '... then Delivered-To';
$received =~ s/; \w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}$//;
is $received, 'Received: from client.example.org ([192.0.2.7]) by ' .
    "mx.example.test (Postrider) with ESMTP id $q for <ann\@example.test>",
    '... then Received with a date';
is $first, 'Subject: hello', '... then what came';
is substr($got, -length $text), $text, 'the content follows, exact';

my ($e) = $s->asked('qmgr');
is $e->{verb}, 'enqueue', 'qmgr is told';
is $e->{f}{q}, $q, '... the id';
is $e->{f}{sender}, 'joe@example.org', '... the sender';
is $e->{f}{session}, 'abc', '... the session';
is $e->{f}{size}, length $got, '... the size';
is $e->{f}{wsize}, length($got) + ($got =~ tr/\n//), '... and with CRLF';
is $e->{f}{addr}, 'ann@example.test', '... the recipient';
is $e->{f}{transport}, 'local', '... and where it goes';
cmp_ok abs($e->{f}{created} / 1e6 - time), '<', 60, '... and when it came';
is $e->{f}{unsynced}, 'yes', '... and that it has to see to the content';

is $e->{f}{body8} // 'no', 'no', '... and that 7 bits are enough';
submit($c, rcpt => 'ann@example.test', content => "Subject: x\n\n" .
    "0123456789\n" x 10000 . "\xc3\xbc\n");
is +(($s->asked('qmgr'))[-1])->{f}{body8}, 'yes',
    '8 bits are found wherever they are';

# several recipients, on the same connection
($r) = submit($c, rcpt => ['ann@example.test',
    [addr => 'bob@example.test', notify => 'NEVER',
    orcpt => 'rfc822;b+2Bx@example.test']], content => $text,
    begin => [ret => 'hdrs', envid => 'x1', priority => 3, hold => 1]);
is $r->{verb}, 'ok', 'a message with two recipients';
($e) = ($s->asked('qmgr'))[-1];
is_deeply $e->{l}{addr}, ['ann@example.test', 'bob@example.test'],
    'both in order';
is_deeply $e->{l}{notify}, ['', 'NEVER'], 'NOTIFY goes along';
is_deeply $e->{l}{orcpt}, ['', 'rfc822;b+2Bx@example.test'], 'ORCPT too';
is "@{ $e->{f} }{qw(ret envid priority hold)}", 'hdrs x1 3 1',
    'what concerns the message too';
my $lists = sub { return { map { $_ => $_[0]{l}{$_} } qw(addr notify orcpt) } };
my $once = $lists->($e);
($r) = submit($c, tell => 1, rcpt => ['ann@example.test',
    [addr => 'bob@example.test', notify => 'NEVER',
    orcpt => 'rfc822;b+2Bx@example.test']], content => $text);
is_deeply $lists->(($s->asked('qmgr'))[-1]), $once,
    'the same where each came before begin';
my ($two) = grep { /$r->{f}{q}$/ } $s->content;
open $fh, '<', $two or die;
$got = do { local $/; <$fh> };
unlike $got, qr/^Delivered-To|for </m, 'nobody is named where there are two';

# local, authenticated, internal
($r) = submit($c, rcpt => 'ann@example.test', content => $text,
    begin => [uid => 1000, login => 'joe(x']);
open $fh, '<', (grep { /$r->{f}{q}$/ } $s->content)[0] or die;
$got = do { local $/; <$fh> };
like $got, qr/^Received: \(from userid 1000\) \(authenticated as joe\?x\)/m,
    'a local sender is named by number, the login is made harmless';
($r) = submit($c, rcpt => 'ann@example.test', content => $text, from => '',
    begin => [internal => 'yes']);
open $fh, '<', (grep { /$r->{f}{q}$/ } $s->content)[0] or die;
$got = do { local $/; <$fh> };
is $got, "Return-Path: <>\nDelivered-To: ann\@example.test\n$text",
    'our own reports have no Received field';

# large content is synced here
($r) = submit($c, rcpt => 'ann@example.test',
    content => $text . ('x' x 70 . "\n") x 1000);
is $r->{verb}, 'ok', 'a large message';
is +($s->asked('qmgr'))[-1]{f}{unsynced} // 'no', 'no', 'qmgr need not';

# swept by qmgr under way, as if the clock had leapt
$b = $c->call('begin', [rcpts => 1, rcpt => 'ann@example.test']);
my ($gone) = glob $s->dir . "/spool/content/*/$b->{f}{q}";
ok unlink($gone), 'content is removed under way';
put($b, "A: b\n\nx\n");
$r = $c->call('commit', [size => 8]);
is "@{ $r->{f} }{qw(kind dsn)}", 'temp 4.3.0', 'it is not taken';
ok $s->wait_log(qr/content was removed/), '... and the log says why';
is scalar(grep { $_->{f}{q} eq $b->{f}{q} } $s->asked('qmgr')), 0,
    '... qmgr never hears of it';

# settle
is $c->call('settle', [q => '00000000001'])->{f}{queued}, 'yes', 'settle: yes';
is $c->call('settle', [q => '00000000002'])->{f}{queued} // 'no', 'no',
    'settle: no';
is $c->call('settle', [q => '../../x'])->{f}{kind}, 'perm', 'no path as id';
is scalar(() = $s->log =~ /level=/g), 1, 'nothing else to complain about'
    or diag $s->log;
done_testing;
