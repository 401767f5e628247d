#!/usr/bin/perl
# Directories are made, checked, and refused where somebody else could put
# things into them.
use strict;
use warnings;
use Postrider::Instance;
use Postrider::Topdir qw(has_topdir can_topdir);
use Test::More;

my $i = Postrider::Instance->new;
my $d = $i->dir;

sub start_fails {
	my ($re, $name) = @_;
	my ($st, $out, $err) = $i->ctl('start');
	is $st, 1, "$name: refused";
	like $err, $re, "$name: told";
	return;
}

is sprintf('%o', (stat "$d/spool/content/a7")[2] & 07777), '2771',
    'content folders are set-gid';
is sprintf('%o', (stat "$d/run/private")[2] & 07777), '750',
    'run/private is closed to others';

chmod 0777, "$d/spool";
start_fails(qr{/spool may be written by everybody}, 'world-writable');
chmod 0711, "$d/spool";

rename "$d/log", "$d/elsewhere";
symlink 'elsewhere', "$d/log";
start_fails(qr{/log is no directory}, 'symbolic link');
unlink "$d/log";
rename "$d/elsewhere", "$d/log";

if ($> == 0) {
	my @st = stat "$d/mail";
	mkdir "$d/mail/x";
	chown 12345, 12345, "$d/mail";
	start_fails(qr{/mail belongs to uid 12345}, 'foreign owner');
	chown @st[4, 5], "$d/mail";
	rmdir "$d/mail/x";
}
rmdir "$d/spool/content/00";
# a domain of an earlier version
rename "$d/mail", "$d/was";
mkdir "$d/$_", 0700 for 'mail', 'mail/old.example';
chown +(stat "$d/was")[4, 5], "$d/mail", "$d/mail/old.example";
$i->start;
ok -d "$d/spool/content/00", 'what is missing is made';
# where the file system can not lay things apart all goes on without
is has_topdir("$d/$_"), can_topdir($d), "what is in $_ lies apart"
    for qw(spool spool/content mail mail/old.example);
is has_topdir("$d/run"), 0, 'but not all does';
# a reload does not wait until it has seen each of many
mkdir "$d/mail/new.example", 0700;
$i->reload;
is has_topdir("$d/mail/new.example"), 0, 'domains are looked at once';
ok $i->stop, 'stopped';
done_testing;
