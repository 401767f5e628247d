#!/usr/bin/perl
# Change notices in a whole suite: a delivery and foreign changes are told soon,
# to those who may know, whatever others do.
use strict;
use warnings;
use Fcntl qw(O_RDONLY O_DIRECTORY);
use Test::More;
use Time::HiRes qw(stat time);
use Postrider::Instance;
use Postrider::Ipc;

use constant O_PATH => 010000000;
my $i = Postrider::Instance->new(users => { map { $_ => 'pw' }
	    qw(ann bob carl) },
	conf => { 'notifyd.conf' => { connections => 3 } });
$i->start;
for my $u (qw(ann bob carl)) {
	is $i->send(to => "$u\@example.test", message => "Subject: 0\n\nx\n"),
	    250, "$u has a mailbox";
	$i->wait_mails($u, 1);
}
my $socket = $i->dir . '/run/private/notifyd';

sub folder { return "example.test/$_[0]/Maildir" }
sub proof {
	my ($user, $flags) = @_;
	sysopen my $fh, $i->maildir($user), ($flags // O_RDONLY) | O_DIRECTORY
	    or die "open: $!";
	return $fh;
}
sub watch {
	my ($c, $tag, $user, $fh) = @_;
	$c->send('watch', [tag => $tag, folder => folder($user)],
	    $fh // proof($user));
}
# what an answer says: "changed 1"
sub said {
	my ($m) = @_;
	return 'closed' unless $m;
	return join ', ', map { "$_->[0] $_->[1]" } @{ $m->{pairs} };
}
sub hear { my ($c, $secs) = @_; return said(eval { $c->recv($secs) }) }
# carl's folder tells that what came before has been read
my ($fence, $fences) = ($i->mails('carl'), 0);
sub fence {
	my $to = $i->maildir('carl') . '/cur/f' . $fences++ . ':2,';
	rename $fence, $to or die "rename: $!";
	$fence = $to;
}
# nothing is left to be said; a wait is there
sub settle {
	my ($c) = @_;
	$c->send('wait');
	fence();
	while (1) {
		my $said = hear($c);
		$c->send('wait');
		last if $said =~ /changed 8|closed/;
	}
	$c->send('wait') while hear($c, 0.05) ne 'closed';
}

# news of ann's; the last of carl's may come late
sub told {
	my ($c) = @_;
	my $said;
	$c->send('wait') while ($said = hear($c)) eq 'changed 8';
	return $said;
}

my $c = Postrider::Ipc->connect($socket);
watch($c, 7, 'ann');
is said($c->call('wait')), 'changed 7', 'a watch begins';
watch($c, 8, 'carl');
my (%seen, @ms, @linked);
for my $n (1 .. 20) {
	settle($c);
	$seen{$_} = 1 for $i->mails('ann');
	is $i->send(to => 'ann@example.test', message => "Subject: $n\n\nx\n"),
	    250, "message $n";
	is told($c), 'changed 7', 'is told';
	my $told = time;
	my @new = grep { !$seen{$_} } $i->mails('ann');
	is scalar(@new), 1, 'when it can be seen';
	push @linked, 1000 * ($told - (stat $new[0])[10]);
}
settle($c);
@linked = sort { $a <=> $b } @linked;
note sprintf 'delivery: median %.2f ms after its link, most %.2f ms',
    @linked[10, -1];
# what is slow is the machine's when it is busy, so the quicker ones count
cmp_ok $linked[4], '<', 50, 'a delivery is told in less than 50 ms';

# from the change itself to the notice
my ($mail) = $i->mails('ann');
my $dir = $i->maildir('ann');
for my $n (1 .. 20) {
	my $to = "$dir/cur/m$n:2,S";
	my $t = time;
	rename $mail, $to or die "rename: $!";
	is told($c), 'changed 7', 'a foreign rename is told';
	push @ms, 1000 * (time - $t);
	$mail = $to;
	settle($c);
}
@ms = sort { $a <=> $b } @ms;
note sprintf 'foreign rename: median %.2f ms, most %.2f ms', @ms[10, -1];
cmp_ok $ms[4], '<', 50, 'and a foreign change';

is $i->send(to => 'bob@example.test', message => "Subject: y\n\nx\n"), 250,
    'mail for another';
$i->wait_mails('bob', 2);
fence();
is hear($c), 'changed 8', 'is not told';
settle($c);

# who may
my $h = Postrider::Ipc->connect($socket);
watch($h, 1, 'bob', proof('ann'));
is said($h->call('wait')), 'refused 1', "bob's mailbox by ann's descriptor";
watch($h, 1, 'bob', proof('bob', O_PATH));
is said($h->call('wait')), 'refused 1', 'or by one that could not be opened';
ok $i->wait_log(qr/refused .*folder=example\.test\/bob\/Maildir uid=\d+/),
    'and is logged';
my $d = Postrider::Ipc->connect($socket);
watch($d, 0, 'bob');
is said($d->call('wait')), 'changed 0', 'a third subscriber';
my $e = Postrider::Ipc->connect($socket);
watch($e, 0, 'bob');
is said($e->call('wait')), 'refused 0', 'the fourth is too many';
$_->close for $h, $e;
my $notices = $i->dir . '/run/private/notices';
ok -S $notices, 'a socket for writers';
is +(CORE::stat $notices)[2] & 0777, 0620, "of the store's only";
SKIP: {
	skip 'all are one user here', 1 if $>;
	local $> = getpwnam 'nobody';
	is eval { Postrider::Ipc->connect($socket) }, undef,
	    'who is not of the suite can not connect';
}

# one that does not read costs nobody else anything
watch($d, 1, 'ann');
$d->send('wait');
for my $n (1 .. 2000) {
	my $to = "$dir/cur/n$n:2,";
	rename $mail, $to or die "rename: $!";
	$mail = $to;
}
like hear($c), qr/^changed 7$/, 'beside a slow subscriber';
settle($c);
my $news = 0;
while (hear($d, 0.2) ne 'closed') {
	$news++;
	$d->send('wait');
}
cmp_ok $news, '<', 10, 'which gets 2000 changes in a few pieces';
$d->close;

# it dies; who watched comes back
my ($pid) = grep {
	$i->slurp("/proc/$_/cmdline") =~ m{^(?:[^\0]*/)?notifyd\0}
} $i->pids;
ok $pid, 'its process';
kill 'KILL', $pid;
is $c->recv, undef, 'its end is seen';
$c = Postrider::Ipc->connect($socket);
watch($c, 0, 'ann');
is said($c->call('wait')), 'changed 0', 'the next one serves';
watch($c, 8, 'carl');
settle($c);
is $i->send(to => 'ann@example.test', message => "Subject: z\n\nx\n"), 250,
    'a message';
is hear($c), 'changed 0', 'is told';
is +($i->ctl('reload'))[0], 0, 'reload';
is $c->recv, undef, 'ends the connection';
$c = Postrider::Ipc->connect($socket);
watch($c, 0, 'ann');
is said($c->call('wait')), 'changed 0', 'and the next generation serves';
watch($c, 8, 'carl');
settle($c);
unlink $mail;
is hear($c), 'changed 0', 'what is deleted is told';
done_testing;
