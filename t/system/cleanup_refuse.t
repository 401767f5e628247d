# What cleanup does not take, and that nothing of it stays in the spool.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Enqueue;
use Test::More;

my $s = cleanup_alone(conf => { hop_limit => 3, header_limit => '16K',
    header_fields => 30, recipient_limit => 5 });
my $c = $s->connect;
my $to = 'ann@example.test';

sub refused {
	my ($kind, $dsn, $text, $name, %arg) = @_;
	my $r = submit($c, rcpt => $to, content => "A: b\n\nx\n", %arg);
	is "@{ $r->{f} }{qw(kind dsn)}", "$kind $dsn", $name;
	like $r->{f}{text}, $text, '... and why';
	is scalar(() = $s->content), 0, '... and nothing is left';
	return;
}

refused('perm', '5.4.6', qr/too many hops/, 'a loop',
    content => "Received: x\n" x 3 . "\nx\n");
is submit($c, rcpt => $to, content => "Received: x\n" x 2 . "\nx\n")->{verb},
    'ok', 'one hop less is fine';
unlink $s->content;
refused('perm', '5.3.4', qr/header is too large/, 'a large header',
    content => 'X: ' . "a\n " x 6000 . "\n\nx\n");
refused('perm', '5.3.4', qr/header is too large/, 'a header without end',
    content => "X: y\n" . ' ' x 100_000);
refused('perm', '5.6.0', qr/too many header fields/, 'many fields',
    content => "X: y\n" x 30 . "\nx\n");
refused('perm', '5.6.0', qr/NUL/, 'NUL', content => "A: b\n\nx\0y\n");
refused('perm', '5.6.0', qr/bare CR/, 'CR', content => "A: b\n\nx\r\ny\n");
refused('perm', '5.6.0', qr/bare CR/, 'CR far behind',
    content => "A: b\n\n" . ("x" x 99 . "\n") x 5000 . "\r\n");
refused('temp', '4.5.3', qr/too many recipients/, 'too many recipients',
    rcpt => [map { "u$_\@example.test" } 1 .. 6]);
is submit($c, rcpt => [map { "u$_\@example.test" } 1 .. 5],
    content => "A: b\n\nx\n")->{verb}, 'ok', 'one less is fine';
unlink $s->content;
refused('temp', '4.3.0', qr/temporary/, 'a recipient that got lost',
    begin => [rcpts => 2]);
refused('perm', '5.1.3', qr/recipient/, 'a recipient with a line end',
    rcpt => "ann\@example.test\nX: y");
refused('perm', '5.1.3', qr/recipient/, '... told before begin', tell => 1,
    rcpt => "ann\@example.test\nX: y");
refused('perm', '5.1.3', qr/recipient/, 'a bad one before a good one',
    rcpt => ["ann\@example.test\nX: y", $to]);
refused('perm', '5.1.3', qr/recipient/, 'ORCPT with a line end',
    rcpt => [[addr => $to, orcpt => "rfc822;x\nX: y"]]);
refused('perm', '5.1.7', qr/sender/, 'a sender with a line end',
    from => "a\@b\nX: y");
refused('perm', '5.1.7', qr/sender/, 'an internal message with a sender',
    begin => [internal => 'yes']);
refused('perm', '5.5.1', qr/no recipients/, 'no recipients', rcpt => []);

# begin with a recipient, where others of a lost message came before
$c->send('rcpt', [addr => 'old@example.test']);
refused('temp', '4.3.0', qr/temporary/, 'recipients of another message');
is submit($c, rcpt => $to, content => "A: b\n\nx\n")->{verb}, 'ok',
    '... which are forgotten then';
is_deeply(($s->asked('qmgr'))[-1]{l}{addr}, [$to], '... for good');
unlink $s->content;

ok $s->wait_log(qr/2 recipients were announced, 1 came/),
    'our own trouble is explained in the log only';

# size
$c->send('rcpt', [addr => $to]);
my $b = $c->call('begin', [rcpts => 1, sender => 'x@example.org']);
put($b, "A: b\n\nx\n");
my $r = $c->call('commit', [size => 100]);
is $r->{f}{dsn}, '4.3.0', 'a size that does not agree';
is scalar(() = $s->content), 0, '... and nothing is left';
is $c->call('commit', [size => 8])->{verb}, 'err',
    'nothing to commit any more';

# ends: abort, a new begin, the end of the connection
for my $end (qw(abort rcpt close)) {
	my $d = $s->connect;
	$d->send('rcpt', [addr => $to]);
	$b = $d->call('begin', [rcpts => 1, sender => 'x@example.org']);
	is scalar(() = $s->content), 1, 'a message is under way';
	put($b, 'half');
	$d->call('abort') if $end eq 'abort';
	$d->send('rcpt', [addr => $to]) if $end eq 'rcpt';
	$d->call('ping') if $end eq 'rcpt';
	$d->close if $end eq 'close';
	$c->call('ping') for 1 .. 20;
	is scalar(() = $s->content), 0, "$end removes it";
}

# the generation ends: a message under way is finished first
my $d = $s->connect;
$d->send('rcpt', [addr => $to]);
$b = $d->call('begin', [rcpts => 1, sender => 'x@example.org']);
put($b, "A: b\n\nx\n");
$s->drain;
is $c->recv, undef, 'a drain closes idle connections';
is $d->call('commit', [size => 8])->{verb}, 'ok', 'but not a busy one';
is $s->wait_exit, 0, 'then it ends';

# a full disk
$s = cleanup_alone(conf => { min_free_space => '900T' });
$c = $s->connect;
$r = $c->call('space', [size => 1]);
is "@{ $r->{f} }{qw(kind dsn text)}",
    'temp 4.3.1 insufficient system storage', 'no room';
$r = submit($c, rcpt => $to, content => "x\n");
is $r->{f}{dsn}, '4.3.1', 'begin says so too';
ok $s->wait_log(qr/disk_full level=warn free=/), 'and the log';
done_testing;
