#!/usr/bin/perl
# What an envelope carries through the whole suite to another host: a sender
# for each recipient, a rewritten one, REQUIRETLS.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Postrider::Instance;
use Postrider::Starttls qw(starttls said login_plain);
use Postrider::Zoo;

my $z = Postrider::Zoo->new(offer => [qw(PIPELINING DSN)]);
my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
    conf => { 'router.conf' => { relayhost => $z->nexthop } });
$i->spew($i->conf_dir . '/aliases', "away: far\@away.example\n");
$i->start;
my $took = 0;

# the next message that the other host took
sub next_one {
	my @m;
	$i->wait_for(sub { (@m = $z->took) > $took });
	return $m[$took++] || {};
}

# VERP
my $c = Postrider::Smtp->new(path => $i->dir . '/run/public/sendmail');
$c->cmd('EHLO me');
$c->cmd('MAIL FROM:<ann@example.test> XVERP');
$c->cmd("RCPT TO:<$_>") for 'ann', 'bob', 'joe@away.example';
$c->cmd('DATA');
is scalar $c->cmd("Subject: v\r\n\r\nv\r\n."), 250, 'VERP: accepted';
is next_one()->{from}, 'ann+joe=away.example@example.test', '... relayed';
for my $to ('ann', 'bob') {
	my ($f) = $i->wait_mails($to, 1);
	like $i->slurp($f),
	    qr/^Return-Path: <ann\+$to=example\.test\@example\.test>\n/,
	    "... $to";
}

# SRS, and the report that comes back
is scalar $i->send(from => 'joe@b.example', to => 'away@example.test',
    message => "Subject: s\n\ns\n"), 250, 'forwarded';
my $from = next_one()->{from} // '';
like $from, qr/^SRS0=.*=b\.example=joe\@example\.test$/, '... rewritten';
is scalar $i->send(from => '', to => $from,
    message => "Subject: bounce\n\nb\n"), 250, 'its report is taken';
my $m = next_one();
is_deeply $m->{rcpt}, ['joe@b.example'], '... goes to the sender';
is $m->{from}, '', '... from nobody';

# REQUIRETLS: this host does not offer it
$c = starttls($i, 'submission');
like said($c, 'submission', 'EHLO me'), qr/^250[- ]REQUIRETLS\r?$/m,
    'REQUIRETLS is offered with TLS';
login_plain($c, 'submission', 'ann', 'pw');
is scalar $c->cmd('MAIL FROM:<ann@example.test> REQUIRETLS RET=FULL'), 250,
    '... taken';
is scalar $c->cmd('RCPT TO:<joe@away.example>'), 250, '... for anybody';
$c->cmd('DATA');
is scalar $c->cmd("From: ann\@example.test\r\nSubject: r\r\n\r\nsecret\r\n."),
    250, '... queued';
ok $i->wait_log(qr/ failed .*to=joe\@away\.example .*dsn=5\.7\.10 /),
    '... no host has TLS: it is returned';
is scalar($z->took), $took, '... and this one did not get it';

# TLS-Required: No is kept for the agent
is scalar $i->send(port => 'submission', auth => ['ann', 'pw'],
    from => 'ann@example.test', to => 'joe@away.example', message =>
    "From: ann\@example.test\nTLS-Required: no\nSubject: o\n\no\n"), 250,
    'TLS-Required: No';
like next_one()->{content}, qr/^TLS-Required: no\r$/m, '... goes on';
done_testing;
