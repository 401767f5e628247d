# Addresses in the header of mail that is ours: the form that others see, as
# router says, and nothing but the octets of an address is touched.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Enqueue;
use Test::More;

my %form = ('ann@example.test' => 'Ann.A@example.test',
    'root@host.example.test' => 'root@example.test',
    'odd@example.test' => '"o d"@example.test',
    'bad@example.test' => "x\@y\@z>\n",
    'uni@example.test' => "\xc3\xbc\@example.test",
    'short@example.test' => 'a@b', 'idle@example.test' => 'busy@z');

sub router {
	my ($m, $c) = @_;
	return route_ok($m, $c) if $m->{verb} ne 'rewrite';
	return $c->send('err', [kind => 'temp', dsn => '4.3.0', text => 'no'])
	    if grep { /^fail/ } @{ $m->{l}{addr} };
	return $c->send('ok', [addr => [map { $form{$_} // $_ }
	    @{ $m->{l}{addr} }]]);
}
my $s = cleanup_alone(router => \&router);
my $c = $s->connect;

sub header {
	my ($content, %arg) = @_;
	my ($r, $b) = submit($c, rcpt => 'x@example.test', content => $content,
	    begin => [$arg{not_ours} ? () : (login => 'ann@example.test'),
	    @{ $arg{begin} || [] }]);
	my ($f) = grep { /\Q$b->{f}{q}\E$/ } $s->content;
	return $r->{f}{dsn} unless $r->{verb} eq 'ok';
	open my $fh, '<', $f or die;
	my $got = do { local $/; <$fh> };
	unlink $f;
	is +($s->asked('qmgr'))[-1]{f}{size}, length $got, 'its size is right';
	$got =~ s/\AReturn-Path: .*\nDelivered-To: .*\nReceived: .*\n//;
	$got =~ s/\A(?: .*\n)*//;
	return $got;
}

my $all = <<'EOT';
From: "Ann, of us" <ann@example.test>
Sender: =?utf-8?q?=C3=A4?= <root@host.example.test> (a comment)
Reply-To: ann@example.test
To: first@else.example, (who) "a\"b" < ann @ example.test (really)>,
	group: bare, odd@example.test, Joe <joe>;,
 last@else.example
Cc: ANN@example.test, short@example.test
bcc: <ann@example.test>
Resent-From: ann@example.test
Resent-To: ann@example.test
Subject: ann@example.test
X-To: ann@example.test

To: ann@example.test
EOT
my $want = <<'EOT';
From: "Ann, of us" <Ann.A@example.test>
Sender: =?utf-8?q?=C3=A4?= <root@example.test> (a comment)
Reply-To: Ann.A@example.test
To: first@else.example, (who) "a\"b" < Ann.A@example.test (really)>,
	group: bare@example.test, "o d"@example.test, Joe <joe@example.test>;,
 last@else.example
Cc: ANN@example.test, a@b
bcc: <Ann.A@example.test>
Resent-From: Ann.A@example.test
Resent-To: Ann.A@example.test
Subject: ann@example.test
X-To: ann@example.test

To: ann@example.test
EOT
is header($all), $want, 'each address, and nothing else';
is header($all, not_ours => 1), $all, 'mail of others stays as it is';
is header($all, not_ours => 1, begin => [trusted => 'yes']), $want,
    'that of a trusted client is ours';
is header($all, not_ours => 1, begin => [uid => 1000]), $want,
    'and that of an account here';
my $asked = grep { $_->{verb} eq 'rewrite' } $s->asked('router');
is $asked, 6, 'one question a kind and message';

my $same = "From: bad\@example.test\nTo: uni\@example.test, <>, a b,\n" .
    "  undisclosed: ;, \"x\nCc: \n\nb\n";
is header($same), $same, 'what can not stand in a header does not';
is header("To: uni\@example.test\n\nb\n", begin => [utf8 => 'yes']),
    "To: \xc3\xbc\@example.test\n\nb\n", 'UTF-8 only with SMTPUTF8';
is header("Subject: x\n\nb\n"), "Subject: x\n\nb\n", 'no addresses';
is header("To: fail\@example.test\n\nb\n"), '4.3.0',
    'a router that can not say puts mail off';
is scalar(() = $s->content), 0, '... and nothing is left';
my $many = "To: " . join(",\n ", map { "u$_\@else.example" } 1 .. 500,
    ) . ",\n ann\@example.test\n\nb\n";
is header($many), $many =~ s/ann\@/Ann.A@/r, 'many addresses';
like header("Subject: x\n\nb\n", begin => [normalize => 'yes']),
    qr/^From: <joe\@example.org>$/m, 'with fields that are added';

# what filters are to see is what is queued, with their changes counted in it
$c->send('rcpt', [addr => 'x@example.test']);
my $b = $c->call('begin', [rcpts => 1, sender => 'ann@example.test',
    login => 'ann@example.test', normalize => 'yes']);
my $text = "To: ann\@example.test\nX: 1\n\nb\n";
put($b, $text);
my $r = $c->call('complete', [size => length $text]);
is $r->{verb}, 'ok', 'complete';
my $seen = do { local $/; my $fh = $r->{fd}; <$fh> };
is length $seen, $r->{f}{trace} + $r->{f}{size}, 'its sizes are right';
my $ann = qr/Ann\.A\@example\.test/;
like substr($seen, $r->{f}{trace}),
    qr/\ADate: .*\nFrom: <$ann>\nMessage-ID: .*\nTo: $ann\nX: 1\n\nb\n\z/,
    'what was added and rewritten is seen';
ok !defined syswrite($r->{fd}, 'x'), 'it can only be read';
is $c->call('complete', [size => length $text])->{verb}, 'err',
    'not twice';
$c->send('edit', [op => 'delete-header', name => 'Date', n => 1]);
is $c->call('commit', [size => length $text])->{verb}, 'ok', 'commit';
my ($f) = $s->content;
open my $fh, '<', $f or die;
is do { local $/; <$fh> }, $seen =~ s/^Date: .*\n//mr, 'and queued';
unlink $f;

# nothing configured: router is not asked for every message
$s = cleanup_alone(conf => { complete_addresses => 'no' });
$c = $s->connect;
is header($all), $all, 'idle' for 1 .. 3;
is scalar(grep { $_->{verb} eq 'rewrite' } $s->asked('router')), 2,
    'router says that there is nothing, and is left alone';
done_testing;
