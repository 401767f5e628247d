# The public socket: the kernel says who it is, so it may send anywhere.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;

my $s = Postrider::Smtpd->new(unix => 1, conf => { personality => 'local' });
my $c = $s->session;
ok !exists $c->{ext}{AUTH}, 'no AUTH';
is scalar $c->cmd('AUTH PLAIN AGFubgBwdw=='), 502, '... in no way';
$c->put("MAIL FROM:<ann>\n");
is scalar $c->reply, 250, 'LF is a line end; a sender without a domain';
is scalar $c->cmd('RCPT TO:<x@elsewhere.example>'), 250, 'anywhere';
is scalar $c->cmd('RCPT TO:<unknown@example.test>'), 550, 'not to nobody';
is scalar $c->cmd('RCPT TO:<bob> NOTIFY=NEVER'), 250, 'without a domain';
is scalar $c->cmd('DATA'), 354, 'DATA';
$c->put("Subject: x\n\nline\n.\n\r\n..\r\nend\r\n.\r\n");
is scalar $c->reply, 250, 'LF in the message; LF.LF is no end';
$c->quit;
my ($m) = $s->messages;
is $m->{content}, "Subject: x\n\nline\n.\n\n.\nend\n", 'content';
is $m->{sender}, 'ann@example.test', 'sender';
is_deeply $m->{rcpt}, ['x@elsewhere.example', 'bob@example.test'],
    'recipients';
is $m->{begin}{uid}, $>, 'the uid is told';
is $m->{begin}{login}, scalar getpwuid $>, '... and the name';
is $m->{begin}{normalize}, 'yes', '... and missing headers are added';
is $m->{begin}{client_addr} // '', '', '... no address';

# VERP
$c = $s->session;
is $c->{ext}{XVERP}, '', 'XVERP is offered';
is scalar $c->cmd("MAIL FROM:<a\@example.test> $_"), 501, "501: $_"
    for 'XVERP=', 'XVERP=x', 'XVERP=ab', 'XVERP=+=+';
is scalar $c->cmd('MAIL FROM:<a@example.test> REQUIRETLS'), 530,
    'REQUIRETLS without TLS';
for my $arg ('XVERP', 'XVERP=-=') {
	is scalar $c->cmd("MAIL FROM:<a\@example.test> $arg"), 250, $arg;
	$c->cmd('RCPT TO:<bob>');
	$c->cmd('DATA');
	is scalar $c->cmd("Subject: x\r\n\r\nx\r\n."), 250, '... queued';
}
is join(' ', map { $_->{begin}{verp} // 'none' } $s->messages), 'none += -=',
    '... and told';
$c->quit;

# errors of a list do not end it
$c = $s->session;
$c->cmd('MAIL FROM:<>');
my @r = $c->pipeline(map { "RCPT TO:<unknown$_\@example.test>" } 1 .. 50);
is_deeply \@r, [(550) x 50], 'fifty old addresses';
is scalar $c->cmd('RCPT TO:<ann@example.test>'), 250, '... and a good one';
$c->quit;

# on the network it would be an open relay
$s = Postrider::Smtpd->new(conf => { personality => 'local' });
$c = $s->client;
is $c->greeting, 554, 'nobody is served over TCP';
ok $c->closed, '... closed';
done_testing;
