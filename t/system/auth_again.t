#!/usr/bin/perl
# A password that was right is known for a while, and only that one.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use Postrider::Solo;

# a hash that takes its time: some hundredths of a second
my %hash = map { $_ => crypt $_, '$6$rounds=200000$salt$' } qw(geheim neu);

sub users {
	my ($s, $hash) = @_;
	open my $fh, '>', $s->dir . '/conf/users.tmp' or die "users: $!\n";
	print {$fh} "ann\@b.test pass=$hash\nbob\@b.test pass=$hash{geheim}\n";
	close $fh;
	rename $s->dir . '/conf/users.tmp', $s->dir . '/conf/users';
	return;
}

sub solo {
	my (%conf) = @_;
	my $s = Postrider::Solo->new('auth', common => { domains => 'b.test' },
	    conf => { users => 'text:users', failure_delay => '0s',
		failure_delay_max => '0s', upgrade => 'no', %conf });
	users($s, $hash{geheim});
	$s->start(clients => 1);
	return $s;
}

# what auth has worked so far, in seconds: a busy machine changes the clock's
# time only
sub worked {
	my ($s) = @_;
	open my $fh, '<', '/proc/' . $s->pid . '/schedstat' or die "$!\n";
	return (split ' ', <$fh>)[0] / 1e9;
}

# seconds of work, and whether it was right
sub try {
	my ($s, $pass, $user) = @_;
	my $before = worked($s);
	my $r = $s->connect->call('pass', [user => $user // 'ann',
	    pass => $pass, service => 'pop3', client_addr => '192.0.2.9',
	    session => 'x']);
	return (worked($s) - $before, ($r->{f}{done} // '') eq 'yes');
}

my $s = solo();
my ($first, $ok) = try($s, 'geheim');
ok $ok, 'the first login';
my ($again, $right) = try($s, 'geheim');
ok $right, 'the second';
cmp_ok $again, '<', $first / 4, 'which is quick';
my ($wrong, $bad) = try($s, 'Geheim');
ok !$bad, 'another password is wrong';
cmp_ok $wrong, '>', $first / 4, 'and takes a hash';
($wrong, $bad) = try($s, 'Geheim');
ok !$bad, 'a second time';
cmp_ok $wrong, '>', $first / 4, 'it takes a hash, too';

sleep 1.1;
users($s, $hash{neu});
sleep 1.1;
($wrong, $bad) = try($s, 'geheim');
ok !$bad, 'an old password is wrong at once';
($again, $right) = try($s, 'neu');
ok $right, 'the new one is right';
cmp_ok $again, '>', $first / 4, 'and was not known';
users($s, "!$hash{neu}");
sleep 1.1;
($again, $right) = try($s, 'neu');
ok !$right, 'nobody logs in to an account that is locked';
($again, $right) = try($s, 'geheim', 'bob');
ok $right, 'others do';
cmp_ok $again, '<', $first / 4, 'by what is known of their hash';

my $o = solo(cache_time => '0s');
try($o, 'geheim');
($again, $right) = try($o, 'geheim');
ok $right, 'without a cache a second login is right, too';
cmp_ok $again, '>', $first / 4, 'after a hash';
done_testing;
