# Size, lines, recipients, errors, commands: each limit is a clear reply.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;

my $s = Postrider::Smtpd->new(conf => { message_size => '100K',
    recipients => 100, errors => 5, junk_commands => 10,
    transactions => 6, data_line_length => 50_000 });
my $c = $s->session;
sub message {
	my ($text) = @_;
	$c->pipeline('MAIL FROM:<a@example.org>',
	    'RCPT TO:<ann@example.test>', 'DATA');
	$c->put("$text.\r\n");
	return scalar $c->reply;
}

# RFC 1870: CRLF counts, dots that were added and the end do not
my $line = '.' . ('x' x 1021) . "\r\n";
my $full = ".$line" x 100;
is message($full), 250, 'exactly the limit';
is message($full . "\r\n"), 552, 'two octets more';
like $c->last, qr/^552 5\.3\.4 /, '... 5.3.4';
is scalar $c->cmd('NOOP'), 250, '... in step';
is message(('x' x 998) . "\r\n"), 250, 'a line of 998';
is message(('x' x 40_000) . "\r\n"), 250, 'a line of 40000';
is message(('x' x 50_001) . "\r\n"), 550, 'a line over the limit';
is scalar $c->cmd('NOOP'), 250, '... in step';
is message("x\r\n"), 250, 'a small one';
is scalar $c->cmd('MAIL FROM:<a@example.org>'), 421,
    'too many messages of one session';
ok $c->closed, '... closed';
my @m = $s->messages;
is scalar @m, 4, 'what was accepted is there';
is length $m[0]{content}, 1023 * 100, 'the whole of the large one';
(my $mb = $line) =~ s/\r//;
is $m[0]{content}, $mb x 100, '... exact';

# cut off when there is no end
$c = $s->session;
$c->pipeline('MAIL FROM:<a@example.org>', 'RCPT TO:<ann@example.test>',
    'DATA');
my $sent = 0;
while ($sent < 20_000_000 && !$c->pending) {
	$c->put("$line" x 64) or last;
	$sent += 64 * length $line;
}
cmp_ok $sent, '<', 20_000_000, 'far more than the limit: cut off';
my $code = eval { $c->reply } || 0;
ok $code == 552 || $code == 0, '... with 552, where it can be read';
$c->close;

# recipients
$c = $s->session;
$c->cmd('MAIL FROM:<a@example.org>');
my @code = $c->pipeline(map { "RCPT TO:<u$_\@example.test>" } 1 .. 103);
is_deeply \@code, [(250) x 100, (452) x 3], 'recipients';
like $c->last, qr/^452 4\.5\.3 /, '... 4.5.3';
is scalar $c->data("x\n"), 250, 'those that were accepted get it';
is scalar @{ ($s->messages)[-1]{rcpt} }, 100, '... all';
$c->quit;

# lines
$c = $s->session;
is scalar $c->cmd('NOOP ' . ('x' x 2043)), 250, 'a command of 2048 octets';
is scalar $c->cmd('NOOP ' . ('x' x 2044)), 500, 'one more';
like $c->last, qr/^500 5\.5\.2 /, '... 5.5.2';
is scalar $c->cmd('NOOP ' . ('x' x 20_000)), 500, 'many more';
is scalar $c->cmd('NOOP'), 250, '... in step';
$c->put('x' x 100_000);
ok $c->closed, 'without an end: closed';

# errors
$c = $s->session;
is scalar $c->cmd('X'), 500, 'an error' for 1 .. 4;
is scalar $c->cmd('X'), 500, 'and another';
is scalar $c->reply, 421, '421 behind the fifth';
like $c->last, qr/^421 4\.7\.0 /, '... 4.7.0';
ok $c->closed, '... closed';
ok $s->wait_log(qr/disconnect .*end=errors .*errors=5/), '... logged';
$c = $s->session;
$c->cmd('MAIL FROM:<a@example.org>');
is scalar $c->cmd('RCPT TO:<unknown@example.test>'), 550, 'unknown'
    for 1 .. 5;
is scalar $c->reply, 421, 'who guesses names is stopped too';

# commands that bring nothing
$c = $s->session;
is scalar $c->cmd('NOOP'), 250, 'NOOP' for 1 .. 9;
is scalar $c->cmd('RSET'), 421, 'too much of nothing';
ok $c->closed, '... closed';
$c = $s->session;
is scalar $c->cmd('NOOP'), 250, 'NOOP' for 1 .. 9;
is message("x\r\n"), 250, 'a message';
is scalar $c->cmd('NOOP'), 250, '... and more of it' for 1 .. 9;
$c->quit;

# wrong protocol
$c = $s->client;
$c->put("GET / HTTP/1.1\r\nHost: localhost\r\nMAIL FROM:<>\r\n");
is scalar $c->reply, 500, 'HTTP';
ok $c->closed, '... closed';
done_testing;
