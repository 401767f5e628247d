#!/usr/bin/perl
# What is bounded is bounded: processes and descriptors.  At a limit clients
# wait or are put off, nothing that was accepted is lost, and the service
# recovers by itself.
use strict;
use warnings;
use JSON::PP;
use Postrider::Chaos;
use Postrider::Instance;
use Test::More;
use Time::HiRes qw(sleep time);

my %soon = (first_retry => '1s', min_retry => '1s', max_retry => '1s',
    transport_retry => '1s', destination_suspend => '1s',
    suspend_max => '1s');
my $i = Postrider::Instance->new(users => { ann => 'pw' },
    conf => { 'qmgr.conf' => { %soon },
	'master.conf' => { 'smtpd/process_limit' => 100,
	    throttle_max => '1s' } })->start;
my $n = 0;

sub service {
	my ($name) = @_;
	my $j = decode_json($i->ctl_ok('status', '--json'));
	my ($s) = grep { $_->{service} eq $name } @{ $j->{services} };
	return $s;
}

sub drained {
	return $i->wait_for(sub { $i->queue('list') eq "no messages\n" }, 60);
}

# [client, state]: state is the code of the last reply
sub clients {
	my ($count) = @_;
	return map { Postrider::Smtp->new(port => $i->port('smtp'),
	    greeting => 0) } 1 .. $count;
}

# each of the mailbox's messages (by X-N) how often
sub got {
	my %got;
	$got{$_}++ for map { $i->slurp($_) =~ /^X-N: (\d+)$/m }
	    $i->mails('ann');
	return \%got;
}

my %ok;		# numbers of messages that were answered 250

# the envelope up to 354: true where it got so far
sub envelope {
	my ($c) = @_;
	$c->ehlo or return 0;
	my @r = $c->pipeline('MAIL FROM:<a@example.org>',
	    'RCPT TO:<ann@example.test>', 'DATA');
	return $r[-1] == 354;
}

# messages, all at once: the codes
sub content {
	my (@c) = @_;
	my @n;
	for my $c (@c) {
		push @n, ++$n;
		$c->put("X-N: $n\r\n\r\nx\r\n.\r\n");
	}
	my @codes = map { scalar $_->reply } @c;
	$ok{ $n[$_] } = 1 for grep { $codes[$_] == 250 } 0 .. $#c;
	return @codes;
}

# ---- 300 clients, 100 processes ----
{
	my @c = clients(300);
	ok $i->wait_for(sub { service('smtpd')->{busy} == 100 }),
	    '300 clients: 100 processes';
	ok $i->wait_for(sub { 100 == grep { $_->pending } @c }),
	    '100 are greeted';
	sleep 0.5;
	is scalar(grep { $_->pending } @c), 100, 'the others wait';
	is service('smtpd')->{processes}, 100, 'no more processes';
	my ($served, $end) = (0, time + 60);
	while (@c && time < $end) {
		my @now = grep { $_->pending } @c;
		my %now = map { $_ => 1 } @now;
		@c = grep { !$now{$_} } @c;
		for my $c (@now) {
			$served++ if $c->reply == 220 && envelope($c) &&
			    (content($c))[0] == 250;
			$c->quit;
		}
		sleep 0.005 unless @now;
	}
	is $served, 300, 'as one leaves another is served: all 300';
	is $i->smtp->greeting, 220, 'and one more';
	ok drained(), 'the queue runs empty';
	is_deeply got(), \%ok, 'each message has come once';
}

# ---- few descriptors ----
# The soft limit of a process; without a number what it was at first.  Only a
# user of the same ids may, also where root has not all capabilities.
my %files;

sub limit_files {
	my ($pid, $files) = @_;
	my $text = eval { $i->slurp("/proc/$pid/status") } // return 0;
	my ($uid) = $text =~ /^Uid:\s+(\d+)/m;
	my ($gid) = $text =~ /^Gid:\s+(\d+)/m;
	my @as = $> == 0 ? ('setpriv', "--reuid=$uid", "--regid=$gid",
	    '--clear-groups', '--') : ();
	($files{$pid}) = $i->slurp("/proc/$pid/limits") =~
	    /^Max open files\s+(\d+)/m unless $files{$pid};
	$files //= $files{$pid};
	return system(@as, 'prlimit', "--pid=$pid", "--nofile=$files:") == 0;
}

sub open_files {
	my ($pid) = @_;
	return scalar(() = glob "/proc/$pid/fd/*");
}

sub cpu_of {
	my ($pid) = @_;
	my @f = split ' ', $i->slurp("/proc/$pid/stat") =~ s/^.*\) //sr;
	return ($f[11] + $f[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# seconds of CPU in half a second: when it has still something to do, in the
# next
sub spent {
	my ($pid) = @_;
	my $spent;
	for (1 .. 10) {
		my $cpu = cpu_of($pid);
		sleep 0.5;
		-d "/proc/$pid" or return 0;
		$spent = cpu_of($pid) - $cpu;
		last if $spent < 0.2;
	}
	return $spent;
}

sub some_messages {
	my ($what, $sessions) = @_;
	my @c = grep { $_->reply == 220 && envelope($_) } clients($sessions);
	my %codes;
	$codes{$_}++ for content(@c);
	$_->quit for @c;
	note "$what: of $sessions sessions " . @c . ' came to DATA; ' .
	    join ' ', map { "$codes{$_} times $_" } sort keys %codes;
	is scalar(grep { !/^(?:250|451|452|421)$/ } keys %codes), 0,
	    "$what: accepted or put off";
	return $codes{250};
}

for my $program ('qmgr', 'router', 'local') {
	my ($pid) = $i->pids_of($program);
	ok limit_files($_, (open_files($_) || 16) + 2),
	    "$program may open two more" for $i->pids_of($program);
	some_messages("$program with few descriptors", 80);
	cmp_ok spent($pid), '<', 0.2, "$program: it does not spin"
	    if $pid && -d "/proc/$pid";
	limit_files($_) for $i->pids_of($program);
	ok $i->wait_for(sub { some_messages("$program: after it", 1) }),
	    "$program: all is well again";
	ok drained(), "$program: the queue runs empty";
	is_deeply got(), \%ok, "$program: what was accepted has come once, " .
	    'nothing else has';
}

{
	my $pid = $i->master_pid;
	my $files = open_files($pid) || 128;
	limit_files($pid, $files);
	my @c = grep { $_->reply == 220 } clients(30);
	is scalar @c, 30, 'master without descriptors: 30 clients are served';
	$_->quit for @c;
	my ($st, $out, $err) = $i->ctl('reload');
	isnt $st, 0, 'a reload fails';
	cmp_ok spent($pid), '<', 0.2, 'master does not spin';
	limit_files($pid);
	ok $i->wait_for(sub { ($i->ctl('reload'))[0] == 0 }),
	    'with descriptors again it does what it is told';
	is $i->smtp->greeting, 220, 'and serves';
}

# ---- a program that dies at its start ----
{
	my $file = $i->conf_dir . '/submission.conf';
	my $good = $i->slurp($file);
	$i->set_conf('master.conf', 'submission/spare' => 1);
	$i->reload;
	my ($mark, $from) = ($i->log_mark, time);
	$i->spew($file, "$good\nno_such_option = 1\n");
	my $old = service('submission')->{pids};
	kill 'KILL', @$old;
	ok $i->wait_log(qr/throttled .*service=submission .*failures=2/, undef,
	    $mark), 'a program that dies at its start is throttled';
	is $i->smtp->greeting, 220, 'others go on';
	is +(some_messages('meanwhile', 1)), 1, 'mail is taken';
	my $starts = () = $i->log($mark) =~ /service=submission/g;
	cmp_ok $starts, '<', 10 + 5 * (time - $from),
	    'it is not tried all the time';
	$i->spew($file, $good);
	$i->reload;
	is $i->smtp('submission')->greeting, 220,
	    'repaired and reloaded: it serves at once';
}

# ---- descriptors from the start ----
{
	my $low = Postrider::Instance->new(single_uid => 1);
	unshift @{ $low->{prefix} ||= [] }, 'prlimit', '--nofile=30:30';
	my ($st, $out, $err) = $low->ctl('start');
	isnt $st, 0, '30 descriptors are too few to start';
	like "$out$err" . $low->log, qr/too many open files/i, 'it is said';
	is scalar(keys %{ Postrider::Chaos::suite($low) }), 0,
	    'nothing is left running';
	$low->{prefix}[1] = '--nofile=300:300';
	$low->start;
	is $low->smtp->greeting, 220, '300 are enough';
	$low->stop;
}
$i->stop;
done_testing;
