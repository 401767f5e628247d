#!/usr/bin/perl
# A soak: SMTP, submission, LMTP, sendmail, POP3 and IMAP clients on some
# mailboxes while processes are killed, the configuration and the certificate
# change, logs are moved, accounts come and go.  In the end the counts add up.
#
# POSTRIDER_SOAK=SECONDS for a long one, in which nothing may grow either;
# POSTRIDER_SOAK_SEED repeats its choices; while there is the file
# POSTRIDER_SOAK_PAUSE nothing new is begun; POSTRIDER_SOAK_OUT gets a line a
# minute.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Find;
use lib dirname(__FILE__) . '/../lib';
use Postrider::Chaos;
use Postrider::Complaints qw(no_complaints);
use Postrider::Instance;
use Postrider::Soak;
use Postrider::Soak::Audit;
use Postrider::Soak::Clients;
use Postrider::Soak::Sink;
use Postrider::Soak::Trouble;
use Postrider::Starttls qw(with_lmtp);
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{POSTRIDER_SOAK} // 0;
my $long = $seconds >= 120;
$seconds = 5 if $seconds < 5;
my $seed = $ENV{POSTRIDER_SOAK_SEED} // ($long ? time % 1_000_000 : 7);
note "POSTRIDER_SOAK_SEED=$seed";
srand $seed;
$Postrider::Line::TIMEOUT = 120;

my $count = $long ? 30 : 6;
my $i = with_lmtp(Postrider::Instance->new(users => {
	map { $_ => "pw-$_" } 'reports', map { "u$_" } 1 .. $count },
    conf => { 'qmgr.conf' => { first_retry => '1s', min_retry => '1s',
	    max_retry => $long ? '20s' : '2s', destination_suspend => '1s',
	    suspend_max => $long ? '10s' : '1s', transport_retry => '1s',
	    sweep_age => '2m', sweep_interval => '10s' },
	'master.conf' => { stop_timeout => '5s', throttle_max =>
	    $long ? '8s' : '1s' },
	'submission.conf' => { limit_hour => 0, limit_day => 0,
	    limit_new => 0 },
	'common.conf' => { hostname => 'mail.example.test' } }));
my $soak = Postrider::Soak->new(i => $i, dir => "$i->{tmp}/soak",
    seed => $seed, users => $count, pace => $long ? 1.2 : 0.3);
mkdir $_ for $soak->{dir}, "$soak->{dir}/guest";
$soak->open_ledger('main');
$i->set_conf('router.conf', relayhost => '[127.0.0.1]:' .
    Postrider::Soak::Sink::start($soak));
my ($name, @behind) = @Postrider::Soak::ALIAS;
$i->spew($i->conf_dir . '/aliases', "$name: " . join(', ', @behind) . "\n");
$i->ctl_ok('cert', 'self-signed', 'mail.example.test');
my $t = Postrider::Soak::Trouble->new(soak => $soak, seconds => $seconds,
    long => $long, every => $long ? 10 : 2, stretch => $seconds > 3000 ? 300 :
    $seconds / 6, gap => $long ? 4 : 0.5,
    out => $ENV{POSTRIDER_SOAK_OUT} // "$soak->{dir}/progress");
$i->start;
for my $u ($soak->users) {
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login($u, $soak->password($u))->expect;
	$c->cmd("CREATE $_")->expect for qw(Alpha Beta);
	$c->logout;
}

my %client = Postrider::Soak::Clients::all();
$soak->spawn($_, $client{$_}) for sort keys %client;
$t->run;
# ---- the end: all that waits goes out -------------------------------------
open my $fh, '>', "$soak->{dir}/$_" for qw(kind stop);
$t->turn(0);
$t->start;
is join(' ', $soak->join_all(150)), '', 'no client hangs';
my $list;
ok $i->wait_for(sub {
	$i->ctl('queue', 'flush');
	sleep 0.3;
	(my $st, $list) = $i->ctl('queue', 'list');
	return $st == 0 && $list !~ /\@/;
}, 180), 'the queue is empty' or diag $list;

# ---- the account ------------------------------------------------------------
my $r = Postrider::Soak::Audit::audit($soak);
no_complaints($r->{bad}, "the counts add up (seed $seed)", $i);
no_complaints($r->{calm}, 'nobody was cut where nothing was killed', $i)
    if $long;
for (['ledger', $r->{n}], ['done', $r->{did}], ['trouble', $t->{did}]) {
	my ($what, $n) = @$_;
	note "$what: ", join ', ', map { "$_ $n->{$_}" } sort keys %$n;
}
cmp_ok $r->{n}{'mailbox-ok'} // 0, '>', 5, 'mail was taken';
cmp_ok $r->{n}{exact} // 0, '>', 5, '... and is where it is to be';
cmp_ok $r->{n}{'relay-ok'} // 0, '>', 0, '... and was passed on';
cmp_ok scalar keys %{ $t->{did} }, '>', 3, 'and there was trouble';

# A content file without envelope, of a client or a cleanup that was cut, is
# removed after sweep_age.
my @left;
my $waits = $long ? 200 : 0;
for (0 .. $waits) {
	@left = ();
	find({ no_chdir => 1, wanted => sub { push @left, $_ if -f } },
	    $i->dir . '/spool/content');
	last if !@left || !$waits;
	sleep 1;
}
@left = grep { (stat)[9] // time < time - 600 } @left if !$long;
is join(' ', @left), '', 'no content is left' if $long;
my @tmp = map { glob "$_/tmp/*" } glob($i->dir . '/mail/*/*/Maildir'),
    glob($i->dir . '/mail/*/*/Maildir/.[A-Z]*');
note scalar(@tmp), " files in tmp: @tmp";

# what died otherwise than of our signals
my @crash = map { `grep -hE ' (crashed|throttled) ' '$_'` }
    glob $i->log_file . '*';
is join('', grep { /signal (?!9\b|15\b)/ } @crash), '', 'no program crashed';

if ($long) {
	for (Postrider::Soak::Audit::quarters(@{ $t->{sample} })) {
		my ($what, $then, $now) = @$_;
		# Which sessions there are, and how many generations after
		# a reload, is chance; what grows without end is more.
		my $slack = $what =~ /pss each/ ? 0.25 * $then + 400 :
		    $what =~ /fds each/ ? 0.25 * $then + 6 :
		    $what =~ /processes/ ? 0.25 * $then + 3 :
		    $what eq 'pss' ? 0.15 * $then + 4096 :
		    $what eq 'fds' ? 0.15 * $then + 60 :
		    $what eq 'disk' ? 0.25 * $then + 20_000 :
		    0.15 * $then + 4;
		cmp_ok $now, '<=', $then + $slack,
		    "$what: $then in the second quarter, $now in the last";
	}
	for (Postrider::Soak::Audit::growth($t->{seen},
	    $t->{stretch} * 0.6)) {
		my ($program, $n, $kb, $fds, $secs) = @$_;
		cmp_ok $kb, '<', 400, "$program: of $n in a calm time " .
		    "($secs s) the median grew by $kb kB";
		# master opens five for a service that gets its first child;
		# were they a child's, there would be hundreds more
		cmp_ok $fds, '<', $program eq 'master' ? 60 : 8,
		    "... and by $fds descriptors";
	}
}
$soak->note('end');
done_testing;
