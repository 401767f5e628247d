# Every verb in every state, and what is tolerated although the RFC is not
# kept (VIOLATIONS.md).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;

my $s = Postrider::Smtpd->new(conf => { errors => 1000,
    junk_commands => 1000 });
my $c = $s->client;
is $c->greeting, 220, 'greeting';
like $c->last, qr/^220 mx\.example\.test ESMTP/, '... with host and ESMTP';
$c->close;

# verb => codes when new, idle, behind MAIL, behind RCPT
my @table = (
	['EHLO c', 250, 250, 250, 250],
	['HELO c', 250, 250, 250, 250],
	['LHLO c', 500, 500, 500, 500],
	['MAIL FROM:<a@example.org>', 503, 250, 503, 503],
	['RCPT TO:<ann@example.test>', 503, 503, 250, 250],
	['DATA', 503, 503, 554, undef],
	["BDAT 3\r\nabc", 503, 503, 554, undef],
	["BDAT 4 LAST\r\nab\r\n", 503, 503, 554, 250],
	['RSET', 250, 250, 250, 250],
	['VRFY ann', 252, 252, 252, 252],
	['VRFY', 501, 501, 501, 501],
	['EXPN ann', 502, 502, 502, 502],
	['HELP', 214, 214, 214, 214],
	['NOOP', 250, 250, 250, 250],
	['NOOP anything at all', 250, 250, 250, 250],
	['AUTH PLAIN', 503, 502, 503, 503],
	['STARTTLS', 454, 454, 454, 454],
	['ETRN example.test', 502, 502, 502, 502],
	['TURN', 502, 502, 502, 502],
	['RSET x', 501, 501, 501, 501],
	['QUIT x', 501, 501, 501, 501],
	['EHLO', 501, 501, 501, 501],
	['XYZZY', 500, 500, 500, 500],
	['', 500, 500, 500, 500],
	['QUIT', 221, 221, 221, 221],
);
my @way = ([], ['EHLO c'], ['EHLO c', 'MAIL FROM:<a@example.org>'],
    ['EHLO c', 'MAIL FROM:<a@example.org>', 'RCPT TO:<ann@example.test>']);
my @name = ('new', 'idle', 'behind MAIL', 'behind RCPT');
for my $st (0 .. 3) {
	for my $row (@table) {
		my ($verb, @want) = @$row;
		next unless defined $want[$st];
		my $t = $s->client;
		$t->pipeline(@{ $way[$st] });
		# a payload brings its own end
		$verb =~ /^BDAT/ ? $t->put($verb) : $t->put("$verb\r\n");
		my ($v) = (split(/\r/, $verb), "an empty line");
		is scalar $t->reply, $want[$st], "$name[$st]: $v";
		is scalar $t->cmd('NOOP'), 250, '... and in step'
		    unless $verb eq 'QUIT';
		$t->close;
	}
}

# replies carry enhanced codes, but for those that have none
$c = $s->client;
$c->cmd('EHLO c');
unlike $c->last, qr/ 2\.\d\.\d/, 'EHLO has no enhanced code';
$c->cmd('RSET');
like $c->last, qr/^250 2\.0\.0 /, 'RSET has';
$c->close;

# what resets and what does not
sub behind {
	my ($cmd) = @_;
	my $t = $s->session;
	$t->pipeline('MAIL FROM:<a@example.org>',
	    'RCPT TO:<ann@example.test>', $cmd);
	my $code = $t->cmd('DATA');
	$t->close;
	return $code;
}
is behind('RSET'), 503, 'RSET ends the transaction';
is behind('EHLO again'), 503, 'so does EHLO';
is behind('HELO again'), 503, 'and HELO';
is behind('NOOP'), 354, 'NOOP does not';
is behind('VRFY x'), 354, 'nor VRFY';
is behind("VRFY \xc3\xa4"), 354, 'nor VRFY with UTF-8';
is behind('EHLO'), 354, 'nor a refused EHLO';
is behind('RCPT TO:<unknown@example.test>'), 354, 'nor a refused RCPT';
is behind('MAIL FROM:<b@example.org>'), 354, 'nor a nested MAIL';

# tolerated
$c = $s->session;
for my $cmd ('MAIL FROM: <a@example.org>', 'mail from:<a@example.org>',
    'MAIL FROM:a@example.org', 'MAIL FROM:<@x.org,@y.org:a@example.org>',
    'MAIL  FROM:<a@example.org>  ', 'MAIL FROM:<>',
    'MAIL FROM:<"a b"@example.org>', 'MAIL FROM:<a@[192.0.2.1]>',
    'MAIL FROM:<a@[IPv6:2001:db8::1]>',
    'MAIL FROM:<' . ('x' x 100) . '@example.org>') {
	is scalar $c->cmd($cmd), 250, $cmd;
	$c->cmd('RSET');
}
for my $cmd ('MAIL FROM:<a b@example.org>', 'MAIL FROM:<a@>',
    'MAIL FROM:<a@example.org', 'MAIL FROM:<a>', 'MAIL FROM:<a@b@c>',
    'MAIL FROM:<a@-x.org>', 'MAIL FROM:<a@[1.2.3]>') {
	like scalar $c->cmd($cmd), qr/^(?:553|501)$/, "refused: $cmd";
}
is scalar $c->cmd("EHLO $_"), 250, "EHLO $_"
    for 'WIN_PC', '192.0.2.1', '[192.0.2.1]', 'localhost', 'a b c';
is scalar $c->cmd('EHLO <script>'), 501, 'EHLO <script>';
$c->cmd('MAIL FROM:<>');
is scalar $c->cmd('RCPT TO:<PostMaster>'), 250, 'postmaster, no domain';
is scalar $c->cmd('RCPT TO:<ann>'), 553, 'nobody else without domain';
is scalar $c->cmd('RCPT TO:<x@elsewhere.example>'), 554, 'no relaying';
like $c->last, qr/^554 5\.7\.1 /, '... 5.7.1';
is scalar $c->cmd('RCPT TO:<unknown@example.test>'), 550, 'unknown';
like $c->last, qr/^550 5\.1\.1 /, '... 5.1.1';
is scalar $c->cmd('RCPT TO:<full@example.test>'), 452, 'full';
is scalar $c->cmd('RCPT TO:<broken@example.test>'), 451, 'a broken table';

# a message, and the end of the connection without QUIT
is scalar $c->data("Subject: x\n\n.dot\n"), 250, 'accepted';
like $c->last, qr/^250 2\.0\.0 Ok: queued as Q\d+$/m, '... with its id';
$c->close;
my ($m) = grep { $_->{content} ne "ab\n" } $s->messages;
is $m->{content}, "Subject: x\n\n.dot\n", 'content';
is $m->{sender}, '', 'null sender';
is_deeply $m->{rcpt}, ['PostMaster@example.test'],
    'recipients, with domain' or diag explain $m;
is $m->{begin}{client_addr}, '127.0.0.1', 'address of the client';
is $m->{begin}{helo}, 'a', 'its name';
ok $s->wait_log(qr/accepted s=\w+ q=Q\d+ client=127\.0\.0\.1 from="" nrcpt=1/),
    'accepted is logged';
ok $s->wait_log(qr/reject .*cmd=RCPT .*to=unknown\@example\.test .*5\.1\.1/),
    'and who was refused';
ok $s->wait_log(qr/disconnect .*end=eof accepted=1/), 'and the end';
done_testing;
