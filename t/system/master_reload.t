#!/usr/bin/perl
# A reload replaces everything or nothing, and no session notices.
use strict;
use warnings;
use Postrider::Instance;
use Postrider::Ports;
use Test::More;

my $i = Postrider::Instance->new->start;
my $dir = $i->conf_dir;

my $c = $i->smtp;
$c->ehlo;
is $c->cmd('MAIL FROM:<a@example.org>'), 250, 'a session is under way';
my @before = $i->pids_of('smtpd');
$i->reload;
ok $i->wait_for(sub {
	my %b = map { $_ => 1 } @before;
	grep { !$b{$_} } $i->pids_of('smtpd');
}), 'there are new processes';
is $c->cmd('RSET'), 250, 'the session goes on';
is $c->cmd('NOOP'), 250, 'and on';
is $i->smtp->greeting, 220, 'new clients are served';
$c->quit;

# mistakes: nothing changes
my $conf = $i->slurp("$dir/smtpd.conf");
$i->spew("$dir/smtpd.conf", "${conf}comand_timeout = 5m\n");
my ($st, $out, $err) = $i->ctl('reload');
is $st, 1, 'a mistake in a daemon\'s file is refused';
like $err, qr{smtpd\.conf:\d+: .*comand_timeout.*did you mean},
    'with file, line and the nearest name';
is $i->smtp->greeting, 220, 'the old configuration serves';
is(($i->ctl('check'))[0], 1, 'check says the same');
$i->spew("$dir/smtpd.conf", $conf);

my $master = $i->slurp("$dir/master.conf");
$i->spew("$dir/master.conf", "[x]\nprogramm = smtpd\n");
($st, $out, $err) = $i->ctl('reload');
like $err, qr{master\.conf:2: .*programm.*"program"},
    'the same for master.conf';
$i->spew("$dir/master.conf", $master);

# listeners
my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
$i->set_conf('master.conf', 'submission/listen' =>
    'inet:127.0.0.1:' . $taken->sockport);
($st, $out, $err) = $i->ctl('reload');
like $err, qr/submission.*in use/i, 'an address in use is refused';
is $i->smtp('submission')->greeting, 220, 'the old one still answers';
my $new = Postrider::Ports::spare();
$i->set_conf('master.conf', 'submission/listen' => "inet:127.0.0.1:$new");
$i->reload;
is(Postrider::Smtp->new(port => $new)->greeting, 220, 'a new one answers');
ok $i->wait_for(sub { Postrider::Ports::is_free($i->port('submission')) }),
    'the old one is closed';

# a service goes, and comes back
$i->set_conf('master.conf', 'submission/enabled' => 'no');
$i->reload;
# with the last of its processes
ok $i->wait_for(sub { $i->ctl_ok('status') !~ /^submission/m }),
    'a service was removed';
$i->set_conf('master.conf', 'submission/enabled' => 'yes');
kill 'HUP', $i->master_pid;
ok $i->wait_for(sub { $i->ctl_ok('status') =~ /^submission/m }),
    'and is back after SIGHUP';
is(Postrider::Smtp->new(port => $new)->greeting, 220, 'and answers');
$i->set_conf('common.conf', 'run_dir' => 'elsewhere');
($st, $out, $err) = $i->ctl('reload');
isnt $st, 0, 'run_dir can not change under way';
$i->set_conf('common.conf', 'run_dir' => 'run');
ok $i->stop, 'stopped';
done_testing;
