#!/usr/bin/perl
# A filter that speaks SMTP and gives the message back to another service of
# ours, which has no filters: before the queue, for all or by a rule, and behind
# it, as a transport.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Proxy;
use Postrider::Smtp;
use Postrider::Starttls qw(starttls);

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
	conf => { 'smtpd.conf' => { reverse_dns => 'no',
	    filters => 'proxy' } });
my $back = $i->{base} + 5;	# see Postrider::Ports
my $p = Postrider::Proxy->new(dir => $i->{tmp}, to => $back, xforward => 1);
my $plain = Postrider::Proxy->new(dir => $i->{tmp}, to => $back,
	lockstep => 1);
$i->set_conf('filter.conf', retry => 0, type => 'proxy',
	'proxy/address' => 'inet:127.0.0.1:' . $p->port,
	'plain/address' => 'inet:127.0.0.1:' . $plain->port);
$i->set_conf('master.conf', map { ("reinject/$_->[0]" => $_->[1]) }
	['program', 'smtpd'], ['conf', 'reinject.conf'],
	['listen', "inet:127.0.0.1:$back"], ['user', 'net'],
	['process_limit', 5], ['order', 10]);
$i->set_conf('reinject.conf', trusted_networks => '127.0.0.1',
	reverse_dns => 'no');
$i->start;

my $from = 'x@example.org';
# of a session that was begun; the end of one before it may come late
my $began = qr/^(?:EHLO|MAIL|RCPT|DATA)/m;
sub talk {
	my ($message, @to) = @_;
	my $c = Postrider::Smtp->new(port => $i->port('smtp'));
	my $code = $c->send(from => $from, helo => 'me.example.org',
	    to => [map { "$_\@example.test" } @to ? @to : 'ann'],
	    message => $message);
	my $last = $c->last;
	$c->cmd('QUIT');
	return wantarray ? ($code, $last) : $code;
}

my $good = "Date: Mon, 23 Nov 2026 07:00:00 +0000\nFrom: x\@example.org\n" .
    "Message-ID: <1\@example.org>\nSubject: good\n\n.dot\n\nend\n";
my ($code, $text) = talk($good, 'ann', 'bob');
is $code, 250, 'a message by way of the proxy';
like $text, qr/^250 2\.0\.0 Ok: queued as (\w{11})/, '... with its reply';
my ($q) = $text =~ /as (\w{11})/;
my ($file) = $i->wait_mails('ann', 1);
like $i->slurp($file), qr/^Return-Path:\ <x\@example\.org>\n
    Received:\ from\ [^\n]*\n(?:[ \t][^\n]*\n)*X-Proxy:\ seen\n
    Received:\ from\ me\.example\.org[^\n]*\n(?:[ \t][^\n]*\n)*
    \Q$good\E\z/x, '... is delivered, with our Received once more';
is scalar(() = $i->wait_mails('bob', 1)), 1, '... to both';
my $log = $i->wait_log(qr/smtpd.* accepted .*proxy=proxy/);
like $log, qr/nrcpt=2 .*reply="?Ok: queued as $q/, '... and logged so';
unlike $log, qr/q=$q/, 'it had no place in the queue before';
like $p->heard, qr/^EHLO\ \S+\r\n
    XFORWARD\ NAME=\[UNAVAILABLE\]\ ADDR=127\.0\.0\.1\ PORT=\d+
	\ HELO=me\.example\.org\ PROTO=ESMTP\ IDENT=\w{11}\r\n
    MAIL\ FROM:<x\@example\.org>\r\n
    RCPT\ TO:<ann\@example\.test>\r\nRCPT\ TO:<bob\@example\.test>\r\n
    DATA\r\nReceived:/x, 'what the proxy heard';

($code, $text) = talk("Subject: bad\n\nx\n");
like $text, qr/^554 5\.7\.1 a bad subject/, 'its refusal is ours';
for (['MAIL', '450 4.2.0 later', qr/^450 4\.2\.0 later/],
    ['RCPT', '550 5.1.1 not here', qr/^550 5\.1\.1 not here/],
    ['DATA', '452 4.3.1 full', qr/^452 4\.3\.1 full/],
    ['END', '421 4.3.2 going down', qr/^451 4\.3\.2 going down/],
    ['CONNECT', '554 5.0.0 not you', qr/^451 4\.7\.1 /],
    ['EHLO', '500 5.0.0 what', qr/^451 4\.7\.1 /],
    ['XFORWARD', '501 5.0.0 what', qr/^451 4\.7\.1 /],
    ['END', 'nonsense', qr/^451 4\.7\.1 /],
    ['DATA', '250 2.0.0 already', qr/^451 4\.7\.1 /],
    ['RCPT', 'close', qr/^451 4\.7\.1 /]) {
	my ($verb, $say, $want) = @$_;
	$p->set($verb => $say);
	like +(talk("Subject: x\n\nx\n"))[1], $want, "$say at $verb";
}
is scalar(() = $i->mails('ann')), 1, 'nothing of these was delivered';
{
	my $c = Postrider::Smtp->new(port => $i->port('smtp'));
	$p->set(EHLO => '250 proxy');
	$c->ehlo('me.example.org');
	is $c->cmd('MAIL FROM:<x@example.org> SMTPUTF8'), 250, 'SMTPUTF8';
	is $c->cmd('RCPT TO:<ann@example.test>'), 250;
	is $c->data("Subject: \xc3\xa4\r\n\r\nx\r\n"), 550,
	    '... to a proxy that has it not';
	like $c->last, qr/5\.6\.7 /, '... says why';
	unlike $p->heard, qr/^MAIL/m, '... which hears nothing of it';
	$c->cmd('QUIT');
}
{
	my $c = starttls($i, 'smtp');
	$p->set;
	$c->ehlo('me.example.org');
	is $c->cmd('MAIL FROM:<x@example.org> REQUIRETLS'), 250, 'REQUIRETLS';
	is $c->cmd('RCPT TO:<ann@example.test>'), 250;
	is $c->data("Subject: x\n\nx\n"), 550,
	    '... is not lost on the way through a proxy';
	like $c->last, qr/5\.7\.30 /, '... but refused';
	unlike $p->heard, $began, '... and the proxy hears nothing of it';
	$c->cmd('QUIT');
}
$p->stop;
is talk("Subject: x\n\nx\n"), 451, 'the proxy is gone';

$i->set_conf('smtpd.conf', filters => 'plain');
$i->ctl_ok('reload');
is talk("Subject: good\n\nx\n", 'ann', 'bob'), 250,
    'one without PIPELINING and XFORWARD';
$i->wait_mails($_, 2) for qw(ann bob);
unlike $plain->heard, qr/XFORWARD/, '... hears nothing of it';
$plain->set(RCPT => '451 4.3.0 wait');
is talk("Subject: x\n\nx\n"), 451, '... and refuses';

# --- by rules ---
$plain->set;
my $after = Postrider::Proxy->new(dir => $i->{tmp}, to => $back);
$i->set_conf('smtpd.conf', filters => '', mail_rules =>
	'transport smtp:[127.0.0.1]:' . $after->port .
	' if sender is after@example.org',
    rcpt_rules => 'filter plain if recipient is bob@example.test');
$i->ctl_ok('reload');
is talk("Subject: none\n\nx\n"), 250, 'no rule names a filter';
my $newest = sub {
	my ($who, $n) = @_;
	my ($f) = grep { $i->slurp($_) =~ $n } $i->mails($who);
	return $f ? $i->slurp($f) : undef;
};
$i->wait_for(sub { $newest->('ann', qr/^Subject: none/m) });
unlike $newest->('ann', qr/^Subject: none/m), qr/^X-Proxy/m,
    '... nobody sees the message';
is talk("Subject: ruled\n\nx\n", 'ann', 'bob'), 250, 'a rule of RCPT';
$i->wait_for(sub { $newest->('bob', qr/^Subject: ruled/m) });
like $newest->('bob', qr/^Subject: ruled/m), qr/^X-Proxy: seen/m,
    '... has a filter asked';
like $plain->heard, qr/^RCPT TO:<ann.*^RCPT TO:<bob/ms,
    '... who hears of the recipients before, too';
$from = 'after@example.org';
is talk("Subject: later\n\nx\n"), 250, 'a filter behind the queue';
$i->wait_for(sub { $newest->('ann', qr/^Subject: later/m) });
my $later = $newest->('ann', qr/^Subject: later/m);
like $later, qr/^Return-Path: <after\@example\.org>\n/,
    '... gives the message back with its envelope';
is scalar(() = $later =~ /^X-Proxy: seen$/mg), 1, '... and was asked once';
like $after->heard, qr/^RCPT TO:<ann\@example\.test>/m,
    '... for the recipient as he was';
$i->set_conf('smtpd.conf', filters => 'plain', rcpt_rules => '',
	mail_rules => 'no-filter if sender is friend@example.org');
$i->ctl_ok('reload');
for (['friend', 'spared'], ['other', 'seen']) {
	my ($who, $what) = @$_;
	$from = "$who\@example.org";
	is talk("Subject: $what\n\nx\n"), 250, "from $who";
	$i->wait_for(sub { $newest->('ann', qr/^Subject: $what/m) });
}
unlike $newest->('ann', qr/^Subject: spared/m), qr/^X-Proxy/m,
    '... whom a rule spares all filters';
like $newest->('ann', qr/^Subject: seen/m), qr/^X-Proxy: seen/m,
    '... and nobody else';

$from = 'x@example.org';
$i->set_conf('smtpd.conf', mail_rules => '', rcpt_rules =>
	'no-filter if recipient is ann@example.test',
    end_rules => <<'R');

    discard "spam" if sender is spam@example.org
    hold "look" if sender is held@example.org
R
$i->ctl_ok('reload');
for (['alone', 'ann'], ['first', 'ann', 'bob'], ['last', 'bob', 'ann']) {
	my ($subject, @to) = @$_;
	$plain->set;
	is talk("Subject: $subject\n\nx\n", @to), 250,
	    "one who is exempt from filters, $subject";
	$i->wait_for(sub { $newest->('ann', qr/^Subject: $subject/m) });
	my $seen = $newest->('ann', qr/^Subject: $subject/m) =~ /^X-Proxy/m;
	is !!$seen, @to > 1, '... exempts nobody else';
	is join(' ', sort $plain->heard =~ /^RCPT TO:<(\w+)/mg),
	    @to > 1 ? 'ann bob' : '', '... and they hear of all';
}
$plain->set;
$from = 'spam@example.org';
is talk("Subject: gone\n\nx\n", 'bob'), 250, 'what a rule throws away';
unlike $plain->heard, $began, '... is shown to nobody';
ok $i->wait_log(qr/accepted .*from=spam\@.*discarded=yes/), '... and gone';
$from = 'held@example.org';
is talk("Subject: held\n\nx\n", 'bob'), 250, 'what a rule holds';
unlike $plain->heard, $began, '... is given to no proxy';
like $i->ctl_ok('queue', 'list'), qr/held\@example\.org/,
    '... and waits here';
ok $i->wait_log(qr/skipped .*filter=plain .*on hold/), '... as the log says';
done_testing;
