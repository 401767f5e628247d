# RFC 2920: groups of commands in one segment, their replies in one, and what
# goes wrong in the middle of a group.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;

my $s = Postrider::Smtpd->new;
my $c = $s->session;
is_deeply [$c->pipeline('MAIL FROM:<a@example.org>',
    'RCPT TO:<ann@example.test>', 'RCPT TO:<bob@example.test>', 'DATA')],
    [250, 250, 250, 354], 'a whole envelope in one write';
$c->put("x\r\n.\r\nMAIL FROM:<b\@example.org>\r\n" .
    "RCPT TO:<ann\@example.test>\r\nDATA\r\n");
is_deeply [map { scalar $c->reply } 1 .. 4], [250, 250, 250, 354],
    'the next behind the final dot';
$c->put("y\r\n.\r\nQUIT\r\n");
is_deeply [map { scalar $c->reply } 1 .. 2], [250, 221], 'and QUIT';
ok $c->closed, 'closed';

$c = $s->session;
is_deeply [$c->pipeline('MAIL FROM:<a@example.org>',
    'RCPT TO:<unknown@example.test>', 'RCPT TO:<x@elsewhere.example>',
    'DATA', 'RSET')], [250, 550, 554, 554, 250],
    'DATA without a recipient: 554, no 354';
is_deeply [$c->pipeline('MAIL FROM:<a b>', 'RCPT TO:<ann@example.test>',
    'DATA', 'RSET')], [553, 503, 503, 250], 'MAIL refused';
is_deeply [$c->pipeline('MAIL FROM:<a@example.org>', 'DATA',
    'RCPT TO:<ann@example.test>', 'DATA')], [250, 554, 250, 354],
    'behind a DATA that was too early the transaction is there';
$c->put("x\r\n.\r\n");
is scalar $c->reply, 250, 'and can be used';

# a message of a client that waits for nothing
$c->put("MAIL FROM:<a\@example.org>\r\nRCPT TO:<ann\@example.test>\r\n" .
    "DATA\r\nall at once\r\n.\r\nNOOP\r\nQUIT\r\n");
is_deeply [map { scalar $c->reply } 1 .. 6], [250, 250, 354, 250, 250, 221],
    'all at once';
$c->close;

# one byte at a time, the same
$c = $s->session;
$c->put($_) for split //, "MAIL FROM:<a\@example.org>\r\nRCPT TO:" .
    "<ann\@example.test>\r\nDATA\r\n..dot\r\nend\r\n.\r\n";
is_deeply [map { scalar $c->reply } 1 .. 4], [250, 250, 354, 250],
    'byte by byte';

# replies of a group come in one segment
my @rcpt = map { "RCPT TO:<u$_\@example.test>" } 1 .. 50;
$c->put(join '', map { "$_\r\n" } 'MAIL FROM:<a@example.org>', @rcpt);
my $first = $c->line;
is $first, '250 2.1.0 Ok', 'first reply of 51';
is scalar(grep { /^250 2\.1\.5/ } map { $c->line } @rcpt), 50, 'the rest';
is scalar $c->data("to fifty\n"), 250, 'accepted';
$c->quit;

my @m = $s->messages;
is_deeply [map { $_->{content} } @m], ["x\n", "y\n", "x\n", "all at once\n",
    ".dot\nend\n", "to fifty\n"], 'each message as it was sent';
is scalar @{ $m[5]{rcpt} }, 50, 'recipients';
done_testing;
