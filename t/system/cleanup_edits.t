# Changes to a message on its way into the queue: what rules, filters and
# content checks ask for is done at commit, and nothing else is touched.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp;
use Postrider::Enqueue;
use Test::More;
use Time::HiRes qw(sleep);

my $s = cleanup_alone(conf => { body_limit => '1M', recipient_limit => 20 });
my $c = $s->connect;
my $to = 'ann@example.test';

# one edit: [op, name or value, more pairs]
sub edit {
	my ($op, @f) = @_;
	return [op => $op, by => 'rule 1', @f];
}

sub body {
	my ($bytes) = @_;
	my $fh = File::Temp->new;
	binmode $fh;
	print {$fh} $bytes;
	$fh->flush;
	return $fh;
}

# begin to commit with edits; the answer, and what is in the queue
sub changed {
	my ($content, $edits, %arg) = @_;
	my @rcpt = @{ $arg{rcpt} || [$to] };
	$c->send('rcpt', [addr => $_]) for @rcpt;
	$c->send('edit', $_) for @{ $arg{early} || [] };
	my $b = $c->call('begin', [sender => $arg{from} // 'joe@example.org',
	    rcpts => scalar @rcpt, helo => 'h', client_addr => '192.0.2.7',
	    session => 'S1', @{ $arg{begin} || [] }]);
	is $b->{verb}, 'ok', 'begun' or return;
	put($b, $content);
	for my $e (@$edits) {
		ref $e eq 'ARRAY' ? $c->send('edit', $e) :
		    $c->call('body', [op => 'body', by => 'filter x'], $e);
	}
	my $r = $c->call('commit', [size => length $content]);
	my ($f) = grep { /\Q$b->{f}{q}\E$/ } $s->content;
	my $got = '';
	if ($f) {
		open my $fh, '<', $f or die;
		$got = do { local $/; <$fh> };
		unlink $f if $arg{refused};
	}
	return ($r, $got) if $arg{refused} || $r->{f}{discarded};
	is $r->{verb}, 'ok', 'queued' or diag explain $r;
	is sprintf('%o', (stat $f)[2] & 0777), '440', 'nobody may write to it';
	my $e = ($s->asked('qmgr'))[-1];
	is $e->{f}{q}, $b->{f}{q}, 'under its name';
	is $e->{f}{size}, length $got, 'its size is right';
	is $e->{f}{wsize}, length($got) + ($got =~ tr/\n//), '... and wsize';
	$s->content == 1 or fail 'one content file';
	unlink $f;
	return ($e, $got);
}

# without our own fields
sub theirs {
	my ($got) = @_;
	$got =~ s/\AReturn-Path: .*\n(?:Delivered-To: .*\n)?//
	    or fail 'trace headers';
	$got =~ s/\AReceived: .*\n(?: .*\n)*// or fail 'Received';
	return $got;
}

my $tricky = "A:  1 \n\t2 \nSubject: =?x?q?y?=\n\xf6: no field\n";
my $body = "\n\x80 8-bit \xff\n.\n..dots\n \nFrom x\n" . ("y" x 5000) . "\n";
my ($e, $got) = changed("A:  1 \n\t2 \nB: \xf6\n$body", []);
is theirs($got), "A:  1 \n\t2 \nB: \xf6\n$body", 'no edits, no change';

($e, $got) = changed("A:  1 \n\t2 \nB: \xf6\nA: 2\n$body", [
    edit('add-header', name => 'X-Spam', value => "yes\n\tfold"),
    edit('insert-header', n => 1, name => 'First', value => '1'),
    edit('change-header', n => 2, name => 'a', value => 'two'),
    edit('delete-header', n => 1, name => 'B'),
    edit('insert-header', n => 0, name => 'Seen', value => 'by') ]);
is theirs($got =~ s/^Seen: by\n(?=Received)//mr),
    "First: 1\nA:  1 \n\t2 \na: two\nX-Spam: yes\n\tfold\n$body",
    'fields are changed, all else is what it was';
like $got,
    qr/\AReturn-Path: <joe.*\nDelivered-To: ann.*\nSeen: by\nReceived: /,
    'and one is in front of ours';
ok $s->wait_log(qr/edited s=S1 q=$e->{f}{q} by="rule 1" edits=5 headers=5/),
    'the log says so';
is $e->{l}{addr}[0], $to, 'recipients are those that were';

# headers and bodies of all kinds
my @x = (edit('add-header', name => 'X', value => 'y'));
is theirs((changed("A: 1\n", \@x))[1]), "A: 1\nX: y\n", 'no body';
is theirs((changed("\nb\n", \@x))[1]), "X: y\n\nb\n", 'no header';
is theirs((changed("text\nb\n", \@x))[1]), "X: y\n\ntext\nb\n",
    'no header and no empty line';
is theirs((changed(" B: 1\nA: 1\n\nb\n", $_))[1]), (@$_ ? "X: y\n" : '') .
    "\n B: 1\nA: 1\n\nb\n", 'a first line that goes on with none of ours'
    for [], \@x;
is theirs((changed("A: 1\ntext\n", \@x))[1]), "A: 1\nX: y\n\ntext\n",
    'a header that breaks off';
is theirs((changed('', \@x))[1]), "X: y\n", 'nothing at all';
is theirs((changed("A: 1\n\nb\n", [edit('delete-header', n => 1,
    name => 'A')]))[1]), "\nb\n", 'the only field';
my $big = join '', map { "$_ " . 'x' x 70 . "\n" } 1 .. 40_000;
ok theirs((changed("A: 1\n\n$big", \@x))[1]) eq "A: 1\nX: y\n\n$big",
    'three megabytes';
is theirs((changed("A: 1\n\nb\n", \@x, early => [edit('add-header',
    name => 'Early', value => '1')]))[1]), "A: 1\nEarly: 1\nX: y\n\nb\n",
    'an edit that comes before begin';
like theirs((changed("A: 1\n\nb\n", \@x, begin => [normalize => 'yes']))[1]),
    qr/\ADate: .*\nFrom: <joe.*\nMessage-ID: .*\nA: 1\nX: y\n\nb\n\z/,
    'fields that are missing are added';
like theirs((changed("A: 1\n\nb\n", [edit('change-header', name => 'Date',
    value => 'now')], begin => [normalize => 'yes']))[1]),
    qr/\ADate: now\nFrom: .*\nMessage-ID: .*\nA: 1\n\n/,
    '... and then changed as others';

# bodies
for (["x\r\n\r\ny\r\n", "x\n\ny\n", 'CRLF'], ["x\ny", "x\ny\n", 'no last end'],
    ['', '', 'empty'], ['z' x 65535 . "\r\nz\r\n", 'z' x 65535 . "\nz\n",
    'a CRLF across pieces']) {
	my ($in, $want, $name) = @$_;
	ok theirs((changed("A: 1\n$body", [body($in), @x]))[1]) eq
	    "A: 1\nX: y\n\n$want", "a new body: $name";
}
is theirs((changed("A: 1\n$body", [body("one\n"), body("two\n")]))[1]),
    "A: 1\n\ntwo\n", 'of two bodies the last one';
is theirs((changed("A: 1\n", [body("one\n")]))[1]), "A: 1\n\none\n",
    'a body where there was none';

# the envelope
my @two = ('ann@example.test', 'bob@example.test');
($e, $got) = changed("A: 1\n\nb\n", [edit('sender',
    value => '<list@example.test>'),
    edit('delete-rcpt', value => 'ann@EXAMPLE.test'),
    edit('add-rcpt', value => 'eve@example.test'),
    edit('bcc', value => 'archive@example.test'),
    edit('priority', n => 5)], rcpt => \@two);
is $e->{f}{sender}, 'list@example.test', 'another sender';
like $got, qr/\AReturn-Path: <list\@example.test>\n/, '... in the content, too';
is theirs($got), "A: 1\n\nb\n", '... which is else the same';
is "@{ $e->{l}{addr} }",
    'bob@example.test eve@example.test archive@example.test',
    'other recipients';
is $e->{l}{notify}[2], 'NEVER', 'a copy asks for no reports';
is $e->{f}{priority}, 5, 'another priority';
my ($last) = reverse grep { ($_->{f}{sender} || '') =~ /^list@/ }
    $s->asked('router');
is_deeply $last->{l}{addr}, $e->{l}{addr}, 'and router saw them';
($e) = changed("A: 1\n\nb\n", [edit('sender', value => '')]);
is $e->{f}{sender} // '', '', 'a null sender';
($e) = changed("A: 1\n\nb\n", [edit('redirect', value => 'q@example.test')],
    rcpt => \@two);
is "@{ $e->{l}{addr} }", 'q@example.test', 'redirected';
ok $s->wait_log(qr/edited\ s=S1\ q=$e->{f}{q}\ .*nrcpt=1
    \ added=q\@example\.test\ removed=ann\@\S+,bob\@example\.test$/mx),
    '... and the log says who was added, and who removed';
($e) = changed("A: 1\n\nb\n", [edit('delete-rcpt', value => 'bob')],
    rcpt => \@two);
is "@{ $e->{l}{addr} }", 'ann@example.test', 'one that has no domain';
($e) = changed("A: 1\n\nb\n", [edit('transport',
    value => 'smtp:[127.0.0.1]:10025')], rcpt => \@two);
is "@{ $e->{l}{transport} }", 'smtp smtp', 'a transport for all';
is "@{ $e->{l}{nexthop} }", '[127.0.0.1]:10025 [127.0.0.1]:10025',
    '... and a next hop';
($e) = changed("A: 1\n\nb\n", [edit('transport', value => 'smtp:')]);
is $e->{l}{nexthop}[0], 'example.test', 'a next hop of its own';
($e) = changed("A: 1\n\nb\n", [edit('hold', value => 'looks odd'),
    edit('release', n => 2_000_000_000)]);
is $e->{f}{hold}, 1, 'on hold';
is $e->{f}{reason}, 'looks odd', '... and why';
is $e->{f}{release_at}, 2_000_000_000, 'for later';
($e) = changed("A: 1\n\nb\n", [edit('hold', value => 'x' x 60000)]);
is length $e->{f}{reason}, 500, 'a reason of any length';

# nobody gets it
my $n = () = grep { $_->{verb} eq 'enqueue' } $s->asked('qmgr');
my ($r) = changed("A: 1\n\nb\n", [edit('discard', value => 'spam')]);
is $r->{verb}, 'ok', 'discarded is answered ok';
is $r->{f}{discarded}, 'yes', '... and said to be';
my $by = qr/by="rule 1" from=joe\@example.org nrcpt=1 reason=spam/;
ok $s->wait_log(qr/discarded s=S1 q=\S+ $by/), '... and logged';
($r) = changed("A: 1\n\nb\n", [edit('delete-rcpt', value => $to)]);
is $r->{f}{discarded}, 'yes', 'no recipient is left';
is scalar(() = grep { $_->{verb} eq 'enqueue' } $s->asked('qmgr')), $n,
    'nothing was queued';
is scalar(() = $s->content), 0, 'nothing is in the spool';

# what can not be done is our trouble, told at commit
pipe my $rd, my $wr or die;
for ([[edit('add-header', name => 'a b', value => 1)], 'a bad name'],
    [[edit('add-header', name => 'X', value => "a\nB: c")], 'a second field'],
    [[edit('add-header', name => 'X', value => "a\rb")], 'CR'],
    [[edit('delete-header', name => 'X', n => -1)], 'a number below 0'],
    [[edit('add-rcpt', value => 'a b@c')], 'a bad recipient'],
    [[edit('add-rcpt', value => '')], 'no recipient'],
    [[edit('sender', value => 'joe')], 'a sender without domain'],
    [[edit('transport', value => 'smtp')], 'no next hop'],
    [[edit('transport', value => 'local:')], 'not by mailbox'],
    [[edit('priority', n => 10)], 'a priority'],
    [[edit('body')], 'a body without descriptor'],
    [[$rd], 'a body that is a pipe'],
    [[body('x' x (1 << 20) . "\n")], 'a large body'],
    [[map { edit('add-rcpt', value => "u$_\@example.test") } 1 .. 20],
    'many recipients'],
    [[map { edit('add-header', name => 'X', value => 'x') } 1 .. 1001],
    'many changes'],
    [[map { edit('change-header', name => 'X', n => 1, value => 'x' x 50000)
    } 1 .. 90], 'large changes']) {
	my ($edits, $name) = @$_;
	($r, $got) = changed("A: 1\n\nb\n", $edits, refused => 1);
	is "$r->{verb} $r->{f}{kind}", 'err temp', "refused for now: $name";
	is $got, '', '... and nothing is left';
}
is theirs((changed("A: 1\n\nb\n", []))[1]), "A: 1\n\nb\n",
    'the next message has no edits';
($r) = changed("A: 1\n\nb\n", [body("a\rb\n")], refused => 1);
is "$r->{f}{kind} $r->{f}{dsn}", 'temp 4.3.0',
    'a CR alone in a body: the client did not write it';
($r) = changed("A: 1\n\nb\n", [map { edit('add-header', name => 'X',
    value => 'x' x 50000) } 1 .. 6], refused => 1);
is $r->{f}{dsn}, '5.3.4', 'and a header that gets too large';

# who still has the first file can not change the new one
$c->send('rcpt', [addr => $to]);
my $b = $c->call('begin', [rcpts => 1, sender => 'x@example.org']);
syswrite $b->{fd}, "A: 1\n\nb\n";
$c->send('edit', $x[0]);
is $c->call('commit', [size => 8])->{verb}, 'ok', 'queued';
syswrite $b->{fd}, "more\n";
my ($f) = grep { /\Q$b->{f}{q}\E$/ } $s->content;
open my $fh, '<', $f or die;
is theirs(do { local $/; <$fh> }), "A: 1\nX: y\n\nb\n",
    'the old descriptor leads to nothing';

# killed while it changes content: the name of a message is always there until
# its commit is answered, and nothing is queued
for my $size (map { 20_000 * $_ ** 2 } 1 .. 8) {
	$s = cleanup_alone(router => sub { });
	$c = $s->connect;
	$c->send('rcpt', [addr => $to]);
	$b = $c->call('begin', [rcpts => 1, sender => 'x@example.org']);
	my $old = "A: 1\n\n" . ('x' x 49 . "\n") x ($size / 50);
	put($b, $old);
	$c->send('edit', $x[0]);
	$c->send('commit', [size => length $old]);
	sleep 0.0005 * $size / 50_000;
	kill KILL => $s->pid;
	$s->wait_exit;
	($f) = grep { /\Q$b->{f}{q}\E$/ } $s->content;
	open $fh, '<', $f or die;
	$got = theirs(do { local $/; <$fh> });
	ok $got eq $old || $got eq $old =~ s/\n\n/\nX: y\n\n/r,
	    'one content or the other, whole';
	is scalar(() = grep { $_->{verb} eq 'enqueue' } $s->asked('qmgr')), 0,
	    'no envelope';
}
done_testing;
