# Recipients that carry another sender: messages of their own, before the one
# that the client gets its answer for; and copies that nobody named.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Enqueue;
use Test::More;

# local parts say what router shall answer
sub router {
	my ($m, $c) = @_;
	my $n = 0;
	for my $a (@{ $m->{l}{addr} }) {
		my ($list) = $a =~ /^(list\d*)@/;
		route_one($c, $n, $a) unless $list;
		route_one($c, $n, "$_-$list\@example.test", aliased => 'yes',
		    sender => "owner-$list\@example.test", owned => 'yes')
		    for $list ? 1 .. 2 : ();
		$n++;
	}
	route_one($c, 0, 'log@example.test', bcc => 'yes')
	    unless ($m->{f}{internal} || '') eq 'yes';
	route_one($c, 0, 'u1@example.test', bcc => 'yes');
	$c->send('ok');
	return;
}

# it takes no message from the owner of list13
sub qmgr {
	my ($m, $c) = @_;
	return queue_ok($m, $c) unless $m->{verb} eq 'enqueue' &&
	    ($m->{f}{sender} // '') =~ /^owner-list13/;
	$c->send('err', [kind => 'temp', dsn => '4.3.1', text => 'no']);
	return;
}

my $s = cleanup_alone(router => \&router, qmgr => \&qmgr);
my $c = $s->connect;
my $text = "Subject: x\n\n" . "hello\n" x 30000;

# what was queued since: [envelope, content] each
my $seen = 0;
sub queued {
	my @e = grep { $_->{verb} eq 'enqueue' } $s->asked('qmgr');
	my %file = map { m{([^/]+)$} => $_ } $s->content;
	my @r = map { my $text = '';
	    if (my $f = $file{$_->{f}{q}}) {
		open my $fh, '<', $f or die;
		local $/;
		$text = <$fh>;
	    }
	    [$_, $text] } @e[$seen .. $#e];
	$seen = @e;
	return @r;
}
sub first_line { return $_[0] =~ /\A(.*)$/m ? $1 : '' }

my ($r, $b) = submit($c, content => $text, from => 'joe@example.org',
    rcpt => ['u1@example.test', 'list1@example.test',
	[addr => 'list2@example.test', notify => 'SUCCESS',
	orcpt => 'rfc822;x']], begin => [ret => 'hdrs', envid => 'E']);
is $r->{verb}, 'ok', 'two lists and somebody' or diag explain $r;
my @q = queued();
is scalar(@q), 3, 'three messages';
is_deeply [map { $_->[0]{f}{sender} } @q], ['owner-list1@example.test',
    'owner-list2@example.test', 'joe@example.org'], 'the lists first';
is $q[2][0]{f}{q}, $b->{f}{q}, 'the last is that of the client';
is "@{ $q[2][0]{l}{addr} }", 'u1@example.test log@example.test ' .
    'list2@example.test', 'its recipients, a copy, and a receipt';
is "@{ $q[2][0]{l}{dsn} }[2]", '2.1.5', '... of the list';
is "@{ $q[2][0]{l}{notify} }[1]", 'NEVER', 'nobody hears of the copy';
is "@{ $q[2][0]{l}{orig} }[1]", 'log@example.test', '... nor from it';
is "@{ $q[1][0]{l}{notify} }[0]@{ $q[1][0]{l}{orcpt} }[0]", '',
    'the owner asked for nothing';
is $q[1][0]{f}{envid} // '', '', '... and gave no name';
is $q[2][0]{f}{envid}, 'E', 'as the client did';
for (@q) {
	my ($e, $got) = @$_;
	is first_line($got), "Return-Path: <$e->{f}{sender}>",
	    "Return-Path of $e->{f}{sender}";
	is $e->{f}{size}, length $got, '... its size';
	is $e->{f}{wsize}, length($got) + ($got =~ tr/\n//), '... and wsize';
	is substr($got, -length $text), $text, '... its content';
}
unlink $s->content;

($r, $b) = submit($c, content => $text, rcpt => 'list7@example.test');
@q = queued();
is_deeply [map { $_->[0]{f}{sender} } @q], ['owner-list7@example.test',
    'joe@example.org'], 'a list alone, and copies of the sender';
unlink $s->content;

$r = submit($c, content => $text, rcpt => ['u5@example.test',
    'list12@example.test', 'list13@example.test']);
is $r->{verb} . ' ' . $r->{f}{dsn}, 'err 4.3.1', 'a part is not taken';
@q = queued();
is scalar(grep { $_->[0]{f}{sender} eq 'joe@example.org' } @q), 0,
    'nor is the message, then';
my @left = $s->content;
ok $s->wait_log(qr/ part q=\S+ .*part=(\S+) from=owner-list12/),
    'what was is logged';
is scalar(grep { -s } @left), 1, 'and only its content stays';

$r = submit($c, content => "a: b\n\nc\n", rcpt => [map {
    "list$_\@example.test" } 100 .. 130]);
is $r->{verb}, 'ok', 'more lists than can be';
@q = queued();
is scalar(@q), 21, 'twenty have their owners';
is scalar(@{ $q[20][0]{l}{addr} }), 24, 'the rest is not lost';
done_testing;
