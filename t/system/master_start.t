#!/usr/bin/perl
# A start that can not be is said, and leaves nothing running.
use strict;
use warnings;
use Postrider::Faults::Page;
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

# a call of master fails while it starts: N-th of a class, POSTRIDER_SOAK: all
my $page = Postrider::Faults::Page->new("$i->{tmp}/faults");
my ($n, $fails, @wrong) = (0, 0);
sub starts_without {
	my ($class, $k) = @_;
	local %ENV = (%ENV, $page->env);
	$page->arm('master', $class, $k);
	my ($st, $out, $err) = $i->ctl('start');
	$n += my $fired = $page->disarm;
	if ($st == 0) {
		push @wrong, "$class $k: serves nobody" if
		    ($i->smtp->greeting // 0) != 220;
		$i->ctl_ok('stop');
		return $fired;
	}
	$fails++;
	push @wrong, "$class $k: $st $err" if $st != 1 || $err !~ /\w/;
	push @wrong, "$class $k: something runs" if ($i->ctl('status'))[0] != 1;
	return $fired;
}
if ($ENV{POSTRIDER_SOAK}) {
	for my $class (qw(files space name read fork eintr sync short)) {
		my $k = 0;
		1 while starts_without($class, ++$k);
		diag "$class: " . ($k - 1);
	}
} else {
	starts_without(@$_) for ['files', 12], ['space', 1];
}
is join("\n", @wrong), '', "$n calls of master's start fail";
cmp_ok $fails, '>', 0, '... and with some of them the start';

$i->start;
is $i->smtp->greeting, 220, 'and then it starts';
ok $i->stop, 'and stops';
done_testing;
