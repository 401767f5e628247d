#!/usr/bin/perl
# Messages for later (RFC 4865) and priorities (RFC 6710), from the client to
# the mailbox; postrider queue shows and changes the time.
use strict;
use warnings;
use POSIX qw(strftime);
use Test::More;
use Postrider::Instance;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
	conf => { 'submission.conf' => { future_release => '10d' },
	    'sendmail.conf' => { priority_max => 5 } });
$i->start;

my $c = $i->smtp('submission');
$c->ehlo;
like $c->{ext}{FUTURERELEASE}, qr/^864000 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    'the limits are told';
ok !exists $c->{ext}{'MT-PRIORITY'}, 'no priority for clients';
$c->auth_plain('ann', 'pw');
my $utc = sub { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $_[0])) };
for (
	['HOLDFOR=0', 501], ['HOLDFOR=864010', 501], ['HOLDFOR', 501],
	['HOLDUNTIL=tomorrow', 501], ['HOLDUNTIL=' . $utc->(864100), 501],
	['HOLDFOR=60 HOLDUNTIL=' . $utc->(60), 501],
	['HOLDFOR=60 HOLDFOR=60', 501], ['MT-PRIORITY=3', 501],
	['HOLDFOR=864000', 250], ['HOLDUNTIL=' . $utc->(-3600), 250],
	['HOLDUNTIL=2026-01-01T00:00:00.5+01:00', 250],
) {
	is scalar $c->cmd("MAIL FROM:<ann\@example.test> $_->[0]"), $_->[1],
	    "$_->[1] for $_->[0]";
	$c->cmd('RSET');
}
$c->quit;
my $mx = $i->smtp;
$mx->ehlo;
ok !exists $mx->{ext}{FUTURERELEASE}, 'not offered by mx';
is scalar $mx->cmd('MAIL FROM:<x@y.example> HOLDFOR=60'), 501, '... nor taken';
$mx->quit;

sub later {
	my ($name, $args) = @_;
	return scalar $i->send(port => 'submission', auth => ['ann', 'pw'],
	    from => 'ann@example.test', to => 'bob@example.test',
	    mail_args => $args, message => "Subject: $name\n\nx\n");
}
sub queued {
	my @row = grep { /\@example\.test/ } split /\n/, $i->queue('list');
	return @row;
}
is later('hour', 'HOLDFOR=3600'), 250, 'in an hour';
is later('soon', 'HOLDUNTIL=' . $utc->(2)), 250, 'in two seconds';
is later('past', 'HOLDUNTIL=' . $utc->(-100)), 250, 'in the past';
my @f = $i->wait_mails('bob', 1);
like join('', map { $i->slurp($_) } @f), qr/^Subject: past$/m,
    'what is past comes at once';
my $t = time;
@f = $i->wait_mails('bob', 2);
like join('', map { $i->slurp($_) } @f), qr/^Subject: soon$/m,
    'then what was due';
sleep 1;
is scalar(() = $i->mails('bob')), 2, 'the third waits';
my $list = $i->queue('list', '--json');
my ($q) = $list =~ /"id":"(\w+)"/;
like $list, qr/"state":"scheduled"/, 'it is listed';
my ($due) = $list =~ /"due":(\d+)/;
ok abs($due - time - 3600) < 60, '... with its time' or diag $list;
$i->queue('release', '--at', '2h', $q);
($due) = $i->queue('list', '--json') =~ /"due":(\d+)/;
ok abs($due - time - 7200) < 60, 'the time can be changed';
$i->stop;
$i->start;
is scalar(() = $i->mails('bob')), 2, 'it waits over a restart';
$i->queue('release', $q);
@f = $i->wait_mails('bob', 3);
is scalar @f, 3, 'and comes when released';

# local users, and the sendmail command
my $l = Postrider::Smtp->new(path => $i->dir . '/run/public/sendmail');
$l->ehlo;
ok exists $l->{ext}{$_}, "local: $_" for qw(FUTURERELEASE MT-PRIORITY);
is scalar $l->cmd('MAIL FROM:<ann> MT-PRIORITY=4'), 250, 'a priority';
like $l->last, qr/^250 2\.1\.0 /, '... as it is';
$l->cmd('RSET');
is scalar $l->cmd('MAIL FROM:<ann> MT-PRIORITY=9'), 250, 'a higher one';
like $l->last, qr/^250 2\.3\.6 .*priority 5/, '... is lowered';
$l->cmd('RSET');
is scalar $l->cmd("MAIL FROM:<ann> MT-PRIORITY=$_"), 501, "no priority $_"
    for qw(10 -10 x -0), '';
$l->quit;

sub sendmail {
	my @arg = @_;
	$i->spew("$i->{tmp}/in", "Subject: by hand\n\nx\n");
	chmod 0644, "$i->{tmp}/in";
	return $i->run('sh', '-c', 'in=$1; shift; exec "$@" <$in', 'sh',
	    "$i->{tmp}/in", 'env', 'POSTRIDER_INSTANCE=' . $i->dir,
	    "$i->{build}/ctl/sendmail", @arg);
}
my ($st, $out, $err) = sendmail('--release-at', '3h', '--priority', '3',
    'bob');
is "$st $err", '0 ', 'sendmail';
($list) = grep { /"priority":3/ } split /\n/, $i->queue('list', '--json');
ok $list, '... --priority';
($due) = $list =~ /"due":(\d+)/;
ok abs($due - time - 10800) < 60, '... --release-at';
for (['--release-at', 'never'], ['--priority', '10'], ['--priority'],
    ['--nonsense']) {
	($st, undef, $err) = sendmail(@$_, 'bob');
	is $st, 64, "sendmail @$_";
	like $err, qr/^sendmail: \S/, '... says why';
}
$i->set_conf('sendmail.conf', future_release => '0');
$i->reload;
($st, undef, $err) = sendmail('--release-at', '3h', 'bob');
is $st, 69, 'sendmail: not offered';
done_testing;
