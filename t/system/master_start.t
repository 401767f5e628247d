#!/usr/bin/perl
# A start that can not be is said, and leaves nothing running.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new;
my $db = $i->dir . '/spool/queue.db';

sub start_fails {
	my ($re, $name) = @_;
	my ($st, $out, $err) = $i->ctl('start');
	is $st, 1, "$name: exit status";
	like $err, $re, "$name: the reason";
	is(($i->ctl('status'))[0], 1, "$name: nothing runs");
	return;
}

mkdir $db;
start_fails(qr{service qmgr does not start: .* status 75; see the log in \S+},
    'a service that fails');
rmdir $db;
like $i->log, qr/start_failed .*service qmgr/, 'it is in the log too';

my $conf = $i->conf_dir . '/qmgr.conf';
my $text = $i->slurp($conf);
$i->spew($conf, "${text}nonsense = 1\n");
start_fails(qr{qmgr\.conf:\d+: .*nonsense}, 'a wrong option');
$i->spew($conf, $text);

$i->set_conf('master.conf', 'smtpd/program' => 'smtpdd');
start_fails(qr{\[smtpd\]: program = smtpdd: cannot run}, 'no such program');
$i->set_conf('master.conf', 'smtpd/program' => 'smtpd');

my ($was) = $i->slurp($i->conf_dir . '/master.conf') =~
    /^\[router\].*?^listen = (.*?)$/ms;
$i->set_conf('master.conf', 'router/listen' => "$was, tls:127.0.0.1:46500");
like +($i->ctl('check'))[2], qr/\[router\]: listen = tls:\S+: router knows no /,
    'a listener with TLS of a program without';
start_fails(qr/router knows no TLS/, '... at a start');
$i->set_conf('master.conf', 'router/listen' => $was);

my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
    LocalPort => $i->port('smtp'), ReuseAddr => 1) or die "port: $!\n";
start_fails(qr/listen = \S+: cannot bind: Address already in use/,
    'a port that is taken');
close $taken;

$i->start;
is $i->smtp->greeting, 220, 'and then it starts';
ok $i->stop, 'and stops';
done_testing;
