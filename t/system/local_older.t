#!/usr/bin/perl
# An instance of an older suite, whose configuration has no service for the
# commands and files of accounts: the one of the mailboxes does them.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;
use Postrider::Instance;

my $base = tempdir('postrider-h.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my $home = "$base/home/kim";
mkdir $_ for "$base/home", $home, "$base/files";
chmod 0755, $base;
my ($uid, $gid) = $> == 0 ? (61001) x 2 : ($>, $) + 0);
chown $uid, $gid, $home, "$base/files";
my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
	'router.conf' => { alias_files => 'yes', alias_user => 'kim' },
	'common.conf' => { system_domains => 'host.test', first_uid => 500,
	    system_users => "text:$base/accounts" },
	'system.conf' => { home_dirs => "$base/home",
	    file_dirs => "$base/files" } });
my $conf = $i->conf_dir;
$i->spew("$base/accounts", "kim:$uid:$gid:$home\n");
$i->spew("$home/.forward", "\\kim\n\"|cat > $home/piped\"\n$home/box\n");
chown $uid, $gid, "$home/.forward";
chmod 0644, "$base/accounts", "$home/.forward";
$i->spew("$conf/aliases", "file: $base/files/box\n");
$i->map('aliases');

my $master = $i->slurp("$conf/master.conf");
ok $master =~ s/^\[command\]\n(?:[^[].*\n|\n)*//m, 'an older master.conf';
$i->spew("$conf/master.conf", $master);
unlink "$conf/command.conf" or die;
$i->start;
for my $to ('kim@host.test', 'file@example.test') {
	is $i->send(from => 'ann@example.test', to => $to,
	    message => "Subject: to $to\n\nx\n"), 250, "a mail to $to";
}
ok $i->wait_for(sub { 2 == (() = $i->log =~ /qmgr\[\d+\]: removed /g) }),
    'both are done';
like $i->slurp($_), qr/^Subject: to kim\@host\.test$/m, $_
    for "$home/piped", "$home/box", glob "$home/Maildir/new/*";
like $i->slurp("$base/files/box"), qr/^Subject: to file\@/m, 'an alias';
ok $i->wait_log(qr/system\[\d+\]: commands-here .*missing=.*command/),
    'the log says what is missing';
done_testing;
