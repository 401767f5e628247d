#!/usr/bin/perl
# What an account may send: recipients an hour and a day, and new ones.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use Postrider::Instance;

my $i = Postrider::Instance->new(
	users => { ann => 'pw', bob => 'pw', eve => 'pw' },
	conf => { 'submission.conf' => { limit_hour => 10, limit_day => 15,
	    limit_new => 5 }, 'sendmail.conf' => { limit_hour => 2 } });
$i->start;

sub sent {
	my ($who, @to) = @_;
	my ($code, @text) = $i->send(port => 'submission', auth => [$who, 'pw'],
	    from => "$who\@example.test", to => \@to,
	    message => "Subject: x\n\nx\n");
	return "$code @text";
}

like sent('ann', 'bob', 'eve'), qr/^250/, 'two recipients';
like sent('ann', ('bob', 'eve') x 2), qr/^250/, 'named twice: two';
like sent('ann', map { "u$_\@away.example" } 1 .. 4),
    qr/^450 4\.7\.1 ann\@example\.test may send to 5 new recipients a day/,
    'six are new: too many';
like $i->wait_log(qr/limited.*login=ann/),
    qr/limit=new count=5 used=2 nrcpt=4 wait_ms=\d+/, '... logged';
like sent('ann', map { "u$_\@away.example" } 1 .. 3), qr/^250/, 'five';
like $i->wait_log(qr/limit-near.*login=ann.*limit=new/), qr/count=5 used=5/,
    'told at four fifths';
like sent('ann', 'U1@AWAY.example'), qr/^250/, 'one that is known';
like $i->wait_log(qr/limit-near.*login=ann.*limit=hour/),
    qr/count=10 used=8/, 'eight of ten';
like sent('ann', 'bob'), qr/^250/, 'nine';
like sent('ann', 'bob', 'eve'),
    qr/^450\ 4\.7\.1\ .*\ 10\ recipients\ an\ hour,\ and\ 9\ were\ used;
    \ try\ again\ in\ \d+\ minutes,\ at\ \S+\ \d\d:\d\d\ UTC/x,
    'eleven: when to come again';
like sent('ann', 'bob'), qr/^250/, 'the refused one was not counted';
like sent('ann', 'bob'), qr/^450/, 'that was the tenth';
like sent('ann', map { "bob+$_" } 1 .. 11),
    qr/^450 .*this message has 11/, 'it will never fit';
$i->ctl_ok('limits', 'forget', 'submit ann@example.test');
sub used {
	return $i->ctl_ok('limits', 'list', 'submit ann') =~
	    /^submit ann\S+ +(\d+) +1h$/m ? $1 : 0;
}
for (['refused at its end', "From: bob\@example.test\n\nx\n", qr/^550/],
    ['refused for its header', ("Received: x\n" x 60) . "\nx\n", qr/^55/]) {
	my ($what, $message, $want) = @$_;
	my ($code) = $i->send(port => 'submission', auth => ['ann', 'pw'],
	    from => 'ann@example.test', to => ['bob', 'eve'],
	    message => $message);
	like $code, $want, $what;
	ok $i->wait_for(sub { used() == 0 }), '... is given back';
}
my $lost = $i->smtp('submission');
$lost->ehlo;
$lost->auth_plain('ann', 'pw');
$lost->cmd('MAIL FROM:<ann@example.test>');
$lost->cmd('RCPT TO:<bob@example.test>');
$lost->cmd('DATA');
is used(), 1, 'while the content comes it is counted';
undef $lost;
ok $i->wait_for(sub { used() == 0 }), '... and not when it does not end';
like sent('ann', 'bob', 'eve'), qr/^250/, 'up to ten' for 1 .. 5;
is scalar(() = $i->log =~ /limit-near.*login=ann.*limit=hour/g), 1,
    'told once';
like sent('bob', 'eve'), qr/^250/, 'another account has its own';

# chunks, and a session that goes on
my $c = $i->smtp('submission');
$c->ehlo;
$c->auth_plain('ann', 'pw');
$c->cmd('MAIL FROM:<ann@example.test>');
$c->cmd('RCPT TO:<bob@example.test>');
$c->put("BDAT 5 LAST\r\nhello");
is scalar $c->reply, 450, 'BDAT';
is scalar $c->cmd('NOOP'), 250, '... its octets were read';
$c->cmd('MAIL FROM:<ann@example.test>');
$c->cmd('RCPT TO:<bob@example.test>');
is scalar $c->cmd('DATA'), 450, 'DATA';
is scalar $c->cmd('RSET'), 250, '... and on';
$c->quit;

# kept over a restart, forgotten by an admin
$i->stop;
$i->start;
like sent('ann', 'bob'), qr/^450/, 'still, after a restart';
$i->ctl_ok('call', 'limitd', 'forget', 'key=submit ann@example.test');
like sent('ann', 'bob'), qr/^250/, 'until an admin forgets it';

# an account with limits of its own
$i->ctl_ok('user', 'limits', 'eve', 'hour=2');
sleep 1.1;	# router looks at its tables once a second
like sent('eve', 'bob', 'ann'), qr/^250/, 'two';
like sent('eve', 'bob'), qr/^450 .* 2 recipients an hour/,
    'limits of the account';
$i->ctl_ok('user', 'limits', 'eve', 'hour=100');
sleep 1.1;

# local users
my $sm = sub {
	my $l = Postrider::Smtp->new(path => $i->dir .
	    '/run/public/sendmail');
	return scalar $l->send(from => 'root', to => 'bob',
	    message => "Subject: x\n\nx\n");
};
is_deeply [map { $sm->() } 1 .. 3], [250, 250, 450], 'local users, where set';

# without limitd
sub stuck { kill 'STOP', $i->pids_of('limitd') }
sub goes_on { kill 'CONT', $i->pids_of('limitd') }
$i->set_conf('master.conf', 'limitd/process_limit' => 1);
stuck();
my $t = time;
like sent('eve', 'bob'), qr/^250/, 'limitd is stuck: mail goes on';
cmp_ok time - $t, '<', 30, '... soon';
$i->wait_log(qr/submission.*no-limits level=warn/);
goes_on();
$i->set_conf('submission.conf', limits_needed => 'yes');
$i->reload;
like sent('eve', 'bob'), qr/^250/, 'there again';
stuck();
like sent('eve', 'bob'), qr/^451 4\.3\.2/, 'limits_needed: not without it';
goes_on();
done_testing;
