# LMTP (RFC 2033): LHLO, and one reply for each accepted recipient.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;

my $s = Postrider::Smtpd->new(unix => 1, conf => { personality => 'lmtp' });
my $c = $s->client;
like $c->last, qr/^220 \S+ LMTP/, 'greeting';
is scalar $c->cmd('HELO c'), 500, 'no HELO';
is scalar $c->cmd('EHLO c'), 500, 'no EHLO';
is scalar $c->cmd('MAIL FROM:<a@example.org>'), 503, 'LHLO comes first';
ok $c->ehlo('front.example.test', 'LHLO'), 'LHLO';
is_deeply [sort keys %{ $c->{ext} }], [qw(8BITMIME CHUNKING DSN
    ENHANCEDSTATUSCODES LIMITS PIPELINING SIZE SMTPUTF8)], 'extensions';

sub envelope {
	my ($from, @to) = @_;
	return [$c->pipeline("MAIL FROM:<$from>",
	    map { "RCPT TO:<$_>" } @to)];
}
sub last_address {
	return $c->last =~ /<(.*?)>/ ? $1 : '';
}

is_deeply envelope('a@example.org', 'ann@example.test',
    'unknown@example.test', 'bob@example.test', 'ann@example.test'),
    [250, 250, 550, 250, 250], 'four recipients, one unknown';
is scalar $c->cmd('DATA'), 354, 'DATA';
$c->put("x\r\n.\r\n");
my @got;
for (1 .. 3) {
	is scalar $c->reply, 250, 'a reply for each accepted one';
	push @got, last_address();
}
is_deeply \@got, ['ann@example.test', 'bob@example.test',
    'ann@example.test'], '... in their order';
is scalar $c->cmd('NOOP'), 250, '... and no more';
my ($m) = $s->messages;
is_deeply $m->{rcpt}, ['ann@example.test', 'bob@example.test'],
    'each is kept once';
is $m->{begin}{proto}, 'LMTP', 'protocol';
is $m->{begin}{client_addr} // '', '', 'no address of a UNIX client';

envelope('a@example.org', 'ann@example.test', 'bob@example.test');
$c->put("BDAT 3\r\nx\r\n");
is scalar $c->reply, 250, 'BDAT: one reply';
$c->put("BDAT 3 LAST\r\ny\r\n");
is scalar $c->reply, 250, 'LAST: one each' for 1 .. 2;
is scalar $c->cmd('NOOP'), 250, '... and no more';

for my $who ('nocommit', 'hops', 'nobegin') {
	envelope("$who\@example.org", 'ann@example.test', 'bob@example.test');
	is scalar $c->cmd('DATA'), 354, "$who: DATA";
	$c->put("x\r\n.\r\n");
	is scalar $c->reply, $who eq 'hops' ? 554 : 451, '... refused, each'
	    for 1 .. 2;
	is scalar $c->cmd('NOOP'), 250, '... in step';
}
envelope('a@example.org', 'ann@example.test', 'bob@example.test');
$c->cmd('DATA');
$c->put("bare\nLF\r\n.\r\n");
is scalar $c->reply, 550, 'bad content, each' for 1 .. 2;
is_deeply envelope('a@example.org', 'unknown@example.test'), [250, 550],
    'nobody';
is scalar $c->cmd('DATA'), 554, 'DATA without recipients: one reply';
is scalar $c->cmd('RSET'), 250, 'in step';
is_deeply envelope('', 'ann', 'x@elsewhere.example'), [250, 250, 554],
    'bare local part; no relaying';
is_deeply [$c->data("x\n", 1)], [250], 'accepted';
$c->quit;
done_testing;
