#!/usr/bin/perl
# Delivery to system accounts: as the account, in its home, nowhere else.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;
use Postrider::Delivery;

my $base = tempdir('postrider-h.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $base;
mkdir "$base/home";
mkdir "$base/elsewhere";
my ($me, $group) = $> == 0 ? (getpwnam 'nobody')[2, 3] : ($>, $) + 0);

sub home {
	my ($name, $uid, $gid) = @_;
	mkdir "$base/home/$name", 0700;
	chown $uid, $gid, "$base/home/$name" if $> == 0;
	return "$name:$uid:$gid:$base/home/$name\n";
}

sub setup {
	my (%common) = @_;
	my $l = Postrider::Delivery->new(system => 1, common => {
	    system_users => "text:$base/accounts", first_uid => 500, %common },
	    conf => { personality => 'system', home_dirs => "$base/home",
	    child_timeout => '20s' });
	return $l;
}

sub accounts {
	open my $fh, '>', "$base/accounts" or die "accounts: $!\n";
	print {$fh} @_;
	close $fh;
	return;
}

# without root: the own account only
accounts(home('own', $me, $group), home('kim', 61001, 61001));
my $l = setup();
$l->start;
my $m = $l->message("Subject: x\n\nhi\n");
is $l->deliver($m, ['own']), 'ok', 'without root, mail to the own uid';
my @f = glob "$base/home/own/Maildir/new/*";
is scalar @f, 1, 'arrives';
isnt +(stat $f[0])[1], (stat $m->{path})[1], 'as a copy';
is $l->deliver($m, ['own'], again => 'yes'), 'ok', 'once';
is scalar(@f = glob "$base/home/own/Maildir/new/*"), 1, 'only';
like $l->deliver($m, ['kim']),
    qr/^0 deferred 4\.3\.5 can not become uid 61001 without root; ok$/,
    'another account is deferred, with the reason';
like $l->deliver($m, ['ghost']), qr/^0 deferred 4\.1\.1 /,
    'so is one that is gone';
my $r = $l->connect->call('quota', [mailbox => 'own', quota => '1K']);
is "$r->{verb} $r->{f}{used}", 'ok 15', 'the space used';

if ($> == 0) {
	accounts(home('ann', 61000, 61000), home('kim', 61001, 61001),
	    home('low', 499, 499), "out:61002:61002:$base/elsewhere\n",
	    "lost:61003:61003:$base/home/lost\n",
	    "spy:61004:61004:$base/home/ann\n");
	chown 61002, 61002, "$base/elsewhere";
	my %role = map { $_ . '_user' => 'nobody' } qw(net queue maps store
	    auth log);
	$l = setup(%role, group => scalar getgrgid $group);
	delete $l->{prefix};
	$l->start;
	$m = $l->message("Subject: x\n\nhi\n");
	is $l->deliver($m, ['ann', 'kim']), 'ok', 'as root, mail to two';
	for (['ann', 61000], ['kim', 61001]) {
		my ($name, $uid) = @$_;
		my ($f) = glob "$base/home/$name/Maildir/new/*";
		is join(' ', map { sprintf '%d:%d %o', @$_[4, 5],
		    $_->[2] & 07777 } [stat $f]), "$uid:$uid 600",
		    "$name has a file of its own";
	}
	like $l->deliver($m, [$_]), qr/^0 deferred 4\./, "$_: deferred"
	    for 'low', 'out', 'lost', 'spy';
	is_deeply [glob "$base/elsewhere/*"], [], 'nothing elsewhere';
	is_deeply [glob "$base/home/low/*"], [], 'nothing below first_uid';
	rename "$base/home/kim/Maildir", "$base/home/kim/off";
	symlink "$base/home/ann/Maildir", "$base/home/kim/Maildir";
	like $l->deliver($m, ['kim'], n => [5]), qr/^0 deferred 4\.3\.0 /,
	    'a Maildir that is a link';
	$r = $l->deliver($m, ['ann'], n => [9], quota => [20]);
	is $r, '0 deferred 4.2.2 mailbox is full; ok', 'quota';
}
done_testing;
