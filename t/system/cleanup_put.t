# A message that comes whole, envelope and content in one request: what becomes
# of it is what becomes of one that was begun and committed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Enqueue;
use Test::More;
use Time::HiRes ();

my $s = cleanup_alone(router => sub {
	my ($m, $c) = @_;
	my $to = $m->{l}{addr}[0];
	if ($m->{verb} eq 'route' && $to =~ /^(?:two|far)@/) {
		route_one($c, 0, "$_\@far.test", $to =~ /^far/ ?
		    (transport => 'smtp', mailbox => '') : ()) for qw(a b);
		return $c->send('ok');
	}
	return route_ok($m, $c) if $to !~ /^later/;
	$c->send('err', [kind => 'temp', dsn => '4.3.0', text => 'table']);
	return;
});
my $c = $s->connect;
cmp_ok $c->call('space', [size => 1000])->{f}{whole}, '>=', 4096,
    'cleanup takes whole messages';

# a queue id of that time: see lib/queue/content.h
my $serial = 0;
sub id {
	my ($seconds) = @_;
	my $n = (int($seconds * 1e6) << 12) + ++$serial;
	my $q = '';
	for (1 .. 11) {
		$q = (0 .. 9, 'A' .. 'Z', 'a' .. 'z')[$n % 62] . $q;
		$n = int($n / 62);
	}
	return $q;
}

# put with what submit would say to begin
sub whole {
	my ($q, $content, %more) = @_;
	my %f = (sender => 'joe@example.org', rcpts => 1,
	    rcpt => 'ann@example.test', helo => 'client.example.org',
	    client_addr => '192.0.2.7', proto => 'ESMTP', session => 'abc',
	    %more, q => $q, content => $content);
	return $c->call('put', [%f]);
}

sub file { my ($q) = @_; return grep { /\Q$q\E$/ } $s->content }

my $text = "Subject: hello\n\nfirst line\n.dot\nlast\n";
my $q = id(Time::HiRes::time());
my $r = whole($q, $text);
is $r->{verb}, 'ok', 'one message is queued' or diag explain $r;
is $r->{f}{q}, $q, 'by that id';
is scalar(file($q)), 0, 'it has no file';
my ($e) = $s->asked('qmgr');
is $e->{f}{floating}, 'yes', 'qmgr is told so';
my $got = $e->{content};
(my $unfolded = $got) =~ s/\n(?=[ \t])//g;
like $unfolded, qr/^Return-Path: <joe\@example\.org>
Delivered-To: ann\@example\.test
Received: .* with ESMTP id \Q$q\E /, 'traces are in front';
is substr($got, -length $text), $text, 'the content follows, exact';
is "@{ $e->{f} }{qw(q sender session size wsize addr unsynced)}",
    join(' ', $q, 'joe@example.org', 'abc', length $got,
    length($got) + ($got =~ tr/\n//), 'ann@example.test', 'yes'),
    'qmgr is told what it needs';

# of two recipients it has a file
$c->send('rcpt', [addr => 'bob@example.test']);
is whole($q = id(Time::HiRes::time()), $text, rcpts => 2)->{f}{q}, $q,
    'one of two';
my ($path) = file($q);
is sprintf('%o', (stat $path)[2] & 07777), '440', 'its file is read-only';
open my $fh, '<', $path or die;
$got = do { local $/; <$fh> };
is substr($got, -length $text), $text, 'it has the content';
is +($s->asked('qmgr'))[-1]{f}{floating} // 'no', 'no', 'qmgr opens it';

# the same id again, and one of another time: nothing is done
$c->send('rcpt', [addr => 'bob@example.test']);
is whole($q, "other\n", rcpts => 2)->{f}{q} // '', '',
    'an id in use is not taken';
open $fh, '<', $path or die;
is do { local $/; <$fh> }, $got, '... its content stays';

# one that names several mailboxes has a file, too; on its way to several hosts
# it needs none
is whole($q = id(Time::HiRes::time()), $text, rcpt => 'two@example.test')->
    {f}{q}, $q, 'an alias of two mailboxes';
is scalar(file($q)), 1, '... has a file';
is whole($q = id(Time::HiRes::time()), $text, rcpt => 'far@example.test')->
    {f}{q}, $q, 'an alias of two far away';
is scalar(file($q)), 0, '... has none';
$e = ($s->asked('qmgr'))[-1];
is "$e->{f}{floating} @{ $e->{l}{addr} }", 'yes a@far.test b@far.test',
    '... and both are told';
my $told = $s->asked('qmgr');
for my $when (-3600, 3600) {
	my $old = id(Time::HiRes::time() + $when);
	is whole($old, $text)->{f}{q} // '', '', "an id of $when s";
	is scalar(file($old)), 0, '... makes no file';
}
is whole('../../../../x', $text)->{f}{q} // '', '', 'no path as id';
is scalar($s->asked('qmgr')), $told, 'qmgr heard of none of them';

# refused: nothing stays
$q = id(Time::HiRes::time());
$r = whole($q, "Received: x\n" x 200 . "\nx\n");
is "@{ $r->{f} }{qw(kind dsn)}", 'perm 5.4.6', 'too many hops';
$c->call('abort');
is scalar(file($q)), 0, '... and its file is gone';
$r = whole($q = id(Time::HiRes::time()), "a\rb\n");
is "@{ $r->{f} }{qw(kind dsn)}", 'perm 5.6.0', 'a bare CR';
$r = whole(id(Time::HiRes::time()), $text, rcpts => 2);
is "@{ $r->{f} }{qw(kind dsn)}", 'temp 4.3.0', 'a recipient is missing';
is $c->call('begin', [rcpts => 1, rcpt => 'ann@example.test',
    content => 'x'])->{f}{kind}, 'perm', 'begin takes no content';

$r = whole($q = id(Time::HiRes::time()), $text, rcpt => 'later@example.test');
is "@{ $r->{f} }{qw(kind dsn)}", 'temp 4.3.0', 'router does not know now';
$c->call('abort');
is scalar(file($q)), 0, '... and nothing stays';

# recipients told before, an empty content, fields that are missing
$c->send('rcpt', [addr => 'bob@example.test']);
$r = whole($q = id(Time::HiRes::time()), $text, rcpts => 2);
is $r->{f}{q}, $q, 'two recipients';
is_deeply +($s->asked('qmgr'))[-1]{l}{addr}, ['bob@example.test',
    'ann@example.test'], '... in order';
$r = whole($q = id(Time::HiRes::time()), '', normalize => 'yes');
is $r->{f}{q}, $q, 'nothing at all';
like +($s->asked('qmgr'))[-1]{content}, qr/^Message-ID: /mi,
    '... gets its fields';
$r = whole($q = id(Time::HiRes::time()), " x: 1\nA: 1\n\nb\n");
$got = ($s->asked('qmgr'))[-1]{content};
like $got, qr/\n\n x: 1\nA: 1\n\nb\n\z/, 'a first line that is no field';
is +($s->asked('qmgr'))[-1]{f}{size}, length $got, '... in its size, too';
is +($s->asked('qmgr'))[-1]{f}{first}, 'yes', 'its id is new';
is $c->call('settle', [q => '00000000002', put => 'yes'])->{f}{queued} // 'no',
    'no', 'settle';
is +($s->asked('qmgr'))[-1]{f}{put}, 'yes', '... says that it was a put';
done_testing;
