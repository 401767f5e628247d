# The personalities inside a running suite: each ends in the Maildir, exact;
# loops are stopped; relaying needs a login.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw2' },
    conf => { 'auth.conf' => { failure_delay => '10ms' } });
$i->start;
my $text = "Subject: hello\nFrom: <ann\@example.test>\nDate: Sun, 22 Nov " .
    "2026 12:00:00 +0000\nMessage-ID: <1\@example.org>\n\n.dot\n..\nend\n";
my $n = 0;

# the newest mail of bob ends with the text; its head
sub arrived {
	my ($name) = @_;
	my @f = $i->wait_mails('bob', ++$n);
	is scalar @f, $n, "$name: arrived";
	my ($got) = grep { index($_, "X-Test: $name\n") >= 0 }
	    map { $i->slurp($_) } @f;
	$got //= '';
	my $at = index $got, "X-Test: $name\n";
	is substr($got, $at), "X-Test: $name\n$text", "$name: exact";
	return substr $got, 0, $at;
}

is scalar $i->send(from => 'joe@example.org', to => 'bob@example.test',
    message => "X-Test: mx\n$text"), 250, 'mx: accepted';
my $head = arrived('mx');
like $head, qr/^Return-Path: <joe\@example\.org>\n/, '... Return-Path';
like $head, qr/^Received: from client\.example\.org \(.*127\.0\.0\.1\]?\)/m,
    '... Received';
is scalar $i->send(to => 'x@elsewhere.example'), 554, 'mx: no relaying';
is scalar $i->send(to => 'nobody@example.test'), 550, 'mx: unknown';
is scalar $i->send(from => '', to => 'postmaster'), 250,
    'mx: postmaster without a domain';

is scalar $i->send(port => 'submission', to => 'bob@example.test'), 530,
    'submission: needs a login';
is scalar $i->send(port => 'submission', auth => ['ann', 'wrong'],
    to => 'bob@example.test'), 535, 'submission: wrong password';
is scalar $i->send(port => 'submission', auth => ['ann', 'pw'],
    from => 'ann@example.test', to => 'bob@example.test',
    message => "X-Test: submission\n$text"), 250, 'submission: accepted';
$head = arrived('submission');
like $head, qr/with ESMTPA/, '... ESMTPA';

my $c = Postrider::Smtp->new(path => $i->dir . '/run/public/sendmail');
is scalar $c->send(from => 'root', to => 'bob',
    message => "X-Test: local\n$text"), 250, 'local: accepted';
$c->quit;
arrived('local');

$c = Postrider::Smtp->new(path => $i->dir . '/run/private/lmtp');
$c->ehlo('front', 'LHLO');
$c->pipeline('MAIL FROM:<joe@example.org>', 'RCPT TO:<bob@example.test>',
    'RCPT TO:<nobody@example.test>', 'RCPT TO:<bob@example.test>');
is_deeply [$c->data("X-Test: lmtp\n$text", 2)], [250, 250],
    'lmtp: a reply each';
$c->quit;
$head = arrived('lmtp');
like $head, qr/with LMTP/, '... LMTP';

# a loop
my $loop = "Received: from a by b; Sun, 22 Nov 2026 12:00:00 +0000\n" x 200;
my ($code, $reply) = $i->send(to => 'bob@example.test',
    message => "$loop$text");
is $code, 554, 'too many hops';
like $reply, qr/^5\.4\.6 /, '... 5.4.6';

# chunks, and one id from accept to delivery
$c = $i->smtp;
$c->ehlo;
$c->pipeline('MAIL FROM:<joe@example.org>', 'RCPT TO:<bob@example.test>');
(my $wire = "X-Test: bdat\n$text") =~ s/\n/\r\n/g;
$c->put('BDAT 10' . "\r\n" . substr($wire, 0, 10) . 'BDAT ' .
    (length($wire) - 10) . " LAST\r\n" . substr($wire, 10));
is scalar $c->reply, 250, 'bdat: a chunk';
is scalar $c->reply, 250, 'bdat: the last';
my ($q) = $c->last =~ /queued as (\w+)/;
like $q, qr/^\w{11}$/, '... its id';
$c->quit;
arrived('bdat');
ok $i->wait_log(qr/^\S+ smtpd\[\d+\]: accepted .*\bq=$q\b/), 'accepted';
ok $i->wait_log(qr/^\S+ local\[\d+\]: delivered .*\bq=$q\b/), 'delivered';
ok $i->wait_log(qr/^\S+ qmgr\[\d+\]: removed .*\bq=$q\b/), 'removed';
done_testing;
