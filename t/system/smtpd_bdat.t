# BDAT (RFC 3030): chunks, LAST, and octets that are consumed whatever is
# wrong with the command.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;

my $s = Postrider::Smtpd->new(conf => { message_size => '100K',
    errors => 1000 });
my $c = $s->session;
ok exists $c->{ext}{CHUNKING}, 'CHUNKING is announced';
ok !exists $c->{ext}{BINARYMIME}, 'BINARYMIME is not';

sub envelope {
	my (@to) = @_ ? @_ : ('ann@example.test');
	return $c->pipeline('MAIL FROM:<a@example.org>',
	    map { "RCPT TO:<$_>" } @to);
}

sub bdat {
	my ($bytes, $last) = @_;
	$c->put('BDAT ' . length($bytes) . ($last ? ' LAST' : '') .
	    "\r\n$bytes");
	return scalar $c->reply;
}

envelope();
is bdat("one\r\n"), 250, 'a chunk';
like $c->last, qr/5 octets/, '... says how much';
is bdat(".\r\n"), 250, 'a dot is a dot';
is bdat("RSET\r\nQUIT\r\n", 1), 250, 'the last chunk';
like $c->last, qr/queued as/, '... is queued';
envelope();
is bdat("x\r\n"), 250, 'again';
is bdat('', 1), 250, 'BDAT 0 LAST';
envelope();
is bdat("no line end", 1), 250, 'without a line end';
envelope();
is bdat("split \r"), 250, 'a line end that is cut';
is bdat("\nhere\r\n", 1), 250, '... is one';
envelope();
is bdat('', 1), 250, 'an empty message';
is_deeply [map { $_->{content} } $s->messages], ["one\n.\nRSET\nQUIT\n",
    "x\n", "no line end\n", "split \nhere\n", ''], 'content';

# pipelined: all of it in one write
$c->put("MAIL FROM:<a\@example.org>\r\nRCPT TO:<ann\@example.test>\r\n" .
    "BDAT 4\r\nab\r\nBDAT 4\r\ncd\r\nBDAT 4 LAST\r\nef\r\nNOOP\r\n");
is_deeply [map { scalar $c->reply } 1 .. 6], [250, 250, 250, 250, 250, 250],
    'pipelined';

# octets are consumed in every state
my $trap = "QUIT\r\nQUIT\r\n";
is bdat($trap, 1), 503, 'without MAIL';
is scalar $c->cmd('NOOP'), 250, '... in step';
$c->cmd('MAIL FROM:<a@example.org>');
is bdat($trap), 554, 'without RCPT';
is bdat($trap, 1), 503, '... and the transaction is gone';
is scalar $c->cmd('RCPT TO:<ann@example.test>'), 503, '... wholly';
envelope('unknown@example.test');
is bdat($trap, 1), 554, 'all RCPTs refused';
is scalar $c->cmd('NOOP'), 250, '... in step';

# DATA, MAIL, RCPT between chunks
envelope();
is bdat("x\r\n"), 250, 'a chunk';
is scalar $c->cmd($_), 503, "503 to $_" for 'DATA',
    'MAIL FROM:<b@example.org>', 'RCPT TO:<bob@example.test>', 'AUTH PLAIN';
is bdat("y\r\n", 1), 250, 'and the message goes on';
envelope();
is bdat("x\r\n"), 250, 'a chunk';
is scalar $c->cmd('RSET'), 250, 'RSET';
is bdat($trap, 1), 503, '... ends it';
envelope();
bdat("x\r\n");
is scalar $c->cmd('EHLO c'), 250, 'EHLO';
is bdat($trap, 1), 503, '... ends it';

# too large, bad content
envelope();
is bdat("x" x 90_000 . "\r\n"), 250, 'below the limit';
is bdat("QUIT\r\n" x 3000), 552, 'above it';
like $c->last, qr/^552 5\.3\.4 /, '... 5.3.4';
is bdat($trap, 1), 503, '... the rest has no transaction';
envelope();
is bdat("bare\nLF\r\n"), 550, 'a bare LF';
is bdat($trap), 503, '... ends the transaction';
envelope();
is bdat("ends in CR\r", 1), 550, 'a CR at the very end';

# cleanup's trouble
$c->pipeline('MAIL FROM:<nobegin@example.org>',
    'RCPT TO:<ann@example.test>');
is bdat($trap, 1), 451, 'cleanup says no to begin';
is scalar $c->cmd('RCPT TO:<ann@example.test>'), 503, '... no transaction';
$c->pipeline('MAIL FROM:<nobegin@example.org>',
    'RCPT TO:<ann@example.test>');
is bdat("QUIT\r\n" x 9000), 451, 'cleanup says no at a large chunk';
is bdat($trap, 1), 503, '... no transaction';
$c->pipeline('MAIL FROM:<nocommit@example.org>',
    'RCPT TO:<ann@example.test>');
is bdat($trap, 1), 451, 'cleanup says no to commit';
is scalar $c->cmd('NOOP'), 250, '... in step';

# nobody can know what follows
for my $bad ('BDAT', 'BDAT x', 'BDAT -1', 'BDAT 5 FIRST', 'BDAT 5 LAST 6',
    'BDAT 99999999999999999999', "BDAT 5\t\x01") {
	my $t = $c;
	$t->quit;
	$t = $c = $s->session;
	envelope();
	is scalar $t->cmd($bad), 501, "501: $bad";
	ok $t->closed, '... and closed';
	$c = $s->session;
}
$c->quit;
$c = $s->session;
envelope();
is scalar $c->cmd('BDAT 9000000000000000000'), 552, 'an endless chunk';
ok $c->closed, '... and closed';
$c = $s->session;
envelope();
$c->put("BDAT 100 LAST\r\nabc");
$c->close;
my $n = $s->messages;
ok $s->wait_log(qr/end=eof accepted=0/), 'a chunk that was cut off';
is scalar($s->messages), $n, '... is not queued';
done_testing;
