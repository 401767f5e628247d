#!/usr/bin/perl
# Only who talks to clients may ask auth, and only it reads the hashes.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;

my $pr = Postrider::Instance->new(users => { ann => 'pw' },
	conf => { 'auth.conf' => { failure_delay => '10ms' } });
$pr->start;
my @call = ("$pr->{build}/ctl/postrider", '-i', $pr->dir, 'call', 'auth',
    'pass', 'user=ann', 'pass=pw', 'service=smtp');
my (undef, undef, $mode, undef, $uid) =
    lstat $pr->conf_dir . '/users.cdb';
is $mode & 0777, 0400, 'nobody else reads the hashes';

if ($> == 0) {
	my %id = map { $_ => (getpwnam "postrider-$_")[2] }
	    qw(net queue maps store auth);
	my $group = getgrnam 'postrider';
	is $uid, $id{auth}, 'not even root by its group';
	for my $role (sort keys %id) {
		my ($st, $out) = $pr->run('setpriv', "--reuid=$id{$role}",
		    "--groups=$group", '--', @call);
		# no uid is a friend for being the daemon's own
		my $may = $role eq 'net';
		is $st == 0 && $out =~ /^done=yes$/m, $may,
		    "$role " . ($may ? 'may ask' : 'may not ask');
	}
	my ($what, $no) = $pr->run('setpriv', "--reuid=$id{store}",
	    "--groups=$group", '--', "$pr->{build}/ctl/postrider", '-i',
	    $pr->dir, 'call', 'local', 'quota', 'mailbox=example.test/ann');
	isnt $what, 0, 'the store user asks nothing of local, of its own uid';
	my ($st) = $pr->run('setpriv', '--reuid=65534', '--regid=65534',
	    '--clear-groups', '--', @call);
	isnt $st, 0, 'a stranger does not even reach the socket';
} else {
	is $uid, $>, 'the owner of the instance does';
	is +(stat $pr->dir . '/run/private')[2] & 07, 0,
	    'a stranger does not reach the socket';
}
my ($st, $out) = $pr->run(@call);
like $out, qr/^user=ann\@example\.test$/m, 'the owner may ask';
$pr->add_user('ann', 'neu', verb => 'password');
ok $pr->wait_for(sub {
	my ($s, $o) = $pr->run(@call);
	return $s != 0;
}), 'a changed password holds soon';
done_testing;
