#!/usr/bin/perl
# Mail through us: who may, and by which way it goes.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;

my $pr = Postrider::Instance->new(
	users => { ann => 'pw' },
	conf => {
		'smtpd.conf' => {
			trusted_networks => '127.0.0.3, [2001:db8::]/32' },
		'router.conf' => {
			relay_domains => 'inner.example .lab.example',
			relay_recipients => 'text:inner',
			transport => 'text:transport',
			sender_relayhost => 'text:by_sender',
			relayhost => '[smart.example]:587',
		},
	});
my $conf = $pr->conf_dir;
$pr->spew("$conf/inner", "box\@inner.example x\n\@lab.example x\n");
$pr->spew("$conf/transport", "inner.example lmtp:unix:/run/inner\n" .
    "no.example error:5.1.10 no mail there\n");
$pr->spew("$conf/by_sender", "\@brand.example [brand.example]\n");
$pr->start;

# the reply to RCPT of a client with this address, and the message sent
sub rcpt {
	my ($client, $from, $to, $send) = @_;
	my $c = Postrider::Smtp->new(port => $pr->port('smtp'),
	    from => $client);
	$c->cmd('EHLO test');
	$c->cmd("MAIL FROM:<$from>");
	my $r = join ' ', $c->cmd("RCPT TO:<$to>");
	return $r unless $send;
	$c->cmd('DATA');
	return join ' ', $c->cmd("Subject: x\r\n\r\nx\r\n.");
}

like rcpt('127.0.0.1', 'x@b.example', 'far@away.example'), qr/^554 5\.7\.1 /,
    'loopback is not trusted by itself';
like rcpt('127.0.0.3', 'x@b.example', 'far@away.example', 1), qr/^250 /,
    'a trusted network is';
ok $pr->wait_log(qr/ accepted .*\btrusted=yes/), 'and that is said';
like rcpt('127.0.0.1', 'x@b.example', 'box@inner.example', 1), qr/^250 /,
    'anybody to a relay domain';
like rcpt('127.0.0.1', 'x@b.example', 'nobody@inner.example'),
    qr/^550 5\.1\.1 /, 'but not to nobody there';
like rcpt('127.0.0.1', 'x@b.example', 'x%y@lab.example'), qr/^55\d 5\.7\.1 /,
    'nor to other domains';
like rcpt('127.0.0.3', 'x@b.example', 'a@no.example'), qr/^55\d 5\.1\.10 /,
    'an error of the table';
like rcpt('127.0.0.3', 'x@brand.example', 'far@away.example', 1), qr/^250 /,
    'by sender';
like rcpt('127.0.0.3', 'x@b.example', 'a@[IPv6:2001:db8::7]', 1), qr/^250 /,
    'to an address literal';

my $list = $pr->call('qmgr', 'list');
is join(' ', sort $list =~ /^dest=(.*)$/mg),
    'lmtp-client:unix:/run/inner smtp:[brand.example] ' .
    'smtp:[smart.example]:587 smtp:[smart.example]:587', 'their ways';

# a row that is none: a router that runs does without it
$pr->spew("$conf/transport", "inner.example lmtp:unix:/run/inner\n" .
    "bad.example smtp:[x\nno.example error:5.1.10 no mail there\n");
my ($st, undef, $err) = $pr->ctl('check');
is $st, 1, 'the check finds a row that is no way';
like $err, qr/row bad\.example: transport: .*smtp:\[x/,
    '... and names it';
isnt +($pr->ctl('reload'))[0], 0, 'so does a reload';
ok $pr->wait_for(sub { rcpt('127.0.0.3', 'x@b.example', 'a@bad.example') =~
    /^451 4\.3\.5 / }), 'mail for it waits';
kill 'KILL', $pr->pids_of('router');
ok $pr->wait_for(sub { rcpt('127.0.0.3', 'x@b.example', 'a@no.example') =~
    /^55\d 5\.1\.10 / }), 'a new one runs, too';
done_testing;
