#!/usr/bin/perl
# Reports of the whole suite: what another host said, receipts, reports that
# fail, copies, and an end to too many.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Postrider::Instance;
use Postrider::Zoo;

my $no = sub {
	my ($z, $line) = @_;
	return $line =~ /bad/ ? '550 5.1.1 no such user here' : '250 2.1.5 ok';
};
my $plain = Postrider::Zoo->new(offer => ['PIPELINING'],
    at => { rcpt => $no });
my $dsn = Postrider::Zoo->new(offer => [qw(PIPELINING DSN)]);
my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw',
    cat => 'pw', help => 'pw' },
    conf => {
	'router.conf' => { relayhost => $plain->nexthop,
	    transport => 'inline:dsn.example=:' . $dsn->nexthop },
	'common.conf' => { postmaster => 'help@example.test' },
	'bounce.conf' => { report_limit => '3/1h', templates => 'texts',
	    notify_classes => '2bounce protocol' },
    });
$i->spew($i->conf_dir . '/aliases', "team: ann, bob\n");
$i->spew($i->conf_dir . '/texts', "failure_template = <<END\n" .
    "From: MAILER-DAEMON (The post office)\nSubject: Zur\xc3\xbcck\n\n" .
    "\$myhostname could not deliver \$queue_id.\nEND\n");
$i->start;
my %known;

# the next new mail of that mailbox
sub next_mail {
	my ($who) = @_;
	my @f = $i->wait_mails($who, 1 + keys %{ $known{$who} //= {} });
	my ($new) = grep { !$known{$who}{$_} } @f;
	$known{$who}{$new} = 1 if $new;
	return $new ? $i->slurp($new) : '';
}

sub submit {
	my ($login, $to, $rcpt, $mail) = @_;
	my $c = $i->smtp('submission');
	$c->ehlo;
	$c->auth_plain($login, 'pw');
	$c->cmd("MAIL FROM:<$login\@example.test> " . ($mail // ''));
	$c->cmd("RCPT TO:<$to> " . ($rcpt // ''));
	$c->cmd('DATA');
	return scalar $c->cmd("From: $login\@example.test\r\nSubject: x\r\n" .
	    "\r\nsecret body\r\n.");
}

is submit('cat', 'bad@away.example', 'ORCPT=rfc822;old@away.example',
    'ENVID=e1'), 250, 'to somebody who is not there';
my $m = next_mail('cat');
like $m, qr/^Action: failed$/m, '... failed';
like $m, qr/^Status: 5\.1\.1$/m, '... status';
like $m, qr/^Remote-MTA: dns; \S+$/m, '... who said it';
like $m, qr/^Diagnostic-Code: smtp; .*550 5\.1\.1 no such user here/m,
    '... what';
like $m, qr/^Original-Recipient: rfc822;\s?old\@away\.example$/m, '... ORCPT';
like $m, qr/^Original-Envelope-Id: e1$/m, '... ENVID';
like $m, qr/^Final-Log-Id: \w{11}$/m, '... its id here';
like $m, qr/^From: "?The post office"? <MAILER-DAEMON\@/m, '... our From';
like $m, qr/^Subject: =\?/m, '... and subject';
like $m, qr/^\S+ could not deliver \w{11}\.$/m, '... and text';
unlike $m, qr/secret body/, '... without the body';

is submit('cat', 'joe@away.example', 'NOTIFY=SUCCESS'), 250, 'a receipt';
$m = next_mail('cat');
like $m, qr/^Action: relayed$/m, '... of a host that sends none';
like $m, qr/^Status: 2\.1\.9$/m, '... status';
is submit('cat', 'joe@dsn.example', 'NOTIFY=SUCCESS'), 250,
    'of a host that sends its own';
ok $i->wait_for(sub { (my @m = $dsn->took) == 1 }), '... is theirs to send';
is submit('cat', 'team@example.test', 'NOTIFY=SUCCESS,FAILURE'), 250,
    'of an alias';
$m = next_mail('cat');
is scalar(() = $m =~ /^Action: expanded$/mg), 1, '... expanded';
is scalar(() = $m =~ /^Action: delivered$/mg), 0, '... and no more';
like next_mail('ann'), qr/secret body/, '... it comes to each';

is submit('cat', 'bad@away.example'), 250, 'too many reports';
ok $i->wait_log(qr/ report_dropped .*to=cat\@example\.test why=limit/),
    '... are dropped';

my $c = Postrider::Smtp->new(path => $i->dir . '/run/public/sendmail');
$c->cmd('EHLO me');
$c->cmd('MAIL FROM:<bad@b.example>');
$c->cmd('RCPT TO:<bad@away.example>');
$c->cmd('DATA');
is scalar $c->cmd("Subject: two\r\n\r\nx\r\n."), 250, '... and nobody else';
$m = next_mail('help');
like $m, qr/^Subject: A report could not be delivered$/m,
    'the postmaster hears of the report that fails';
like $m, qr/^Final-Recipient: rfc822; bad\@b\.example$/m, '... whose';

# VERP: each report comes to a sender of its own
$c->cmd('MAIL FROM:<ann@example.test> XVERP');
$c->cmd("RCPT TO:<$_>") for 'bad1@away.example', 'bad2@away.example';
$c->cmd('DATA');
is scalar $c->cmd("Subject: v\r\n\r\nx\r\n."), 250, 'VERP';
my @to = sort map { /^Delivered-To: (\S+)$/m } map { next_mail('ann') } 1, 2;
is "@to", 'ann+bad1=away.example@example.test ' .
    'ann+bad2=away.example@example.test', '... a report for each';
ok $i->wait_for(sub { $i->queue('list') !~ /\w{11} / }), 'and that is all';
done_testing;
