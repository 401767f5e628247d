#!/usr/bin/perl
# Accounts of the host log in by PAM: modules that say yes and no, one that
# runs a program, one that hangs.
use strict;
use warnings;
use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time sleep);
use Postrider::Imap;
use Postrider::Instance;

my $base = tempdir('postrider-h.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $base;
mkdir "$base/$_" for qw(home pam);
# without root a session can be nobody else
my ($uid, $gid) = $> == 0 ? (61000, 61000) : ($>, $) + 0);

sub spew {
	my ($path, $text) = @_;
	open my $fh, '>', $path or die "$path: $!\n";
	print {$fh} $text;
	close $fh;
	return;
}
spew("$base/accounts", join '', map { mkdir "$base/home/$_", 0700;
	chown $uid, $gid, "$base/home/$_" if $> == 0;
	"$_:$uid:$gid:$base/home/$_\n" } qw(kim lee));
spew("$base/accounts", do { open my $fh, '<', "$base/accounts" or die;
	local $/; <$fh> } . "low:10:10:$base/home/low\n");
# a program that reads the password, as pam_exec gives it, until a NUL
spew("$base/pam/check", "#!/bin/sh\nread -r p\n" .
    "[ \"\$PAM_USER \$p\" = 'kim geheim' ]\n");
chmod 0755, "$base/pam/check";

# rules: module and arguments, for auth and account
sub pam {
	my ($auth, $account) = @_;
	spew("$base/pam/postrider", "auth [success=1 default=ignore] $auth\n" .
	    "auth requisite pam_deny.so\nauth required pam_permit.so\n" .
	    "account required $account\n");
	return;
}
my $exec = "pam_exec.so expose_authtok quiet $base/pam/check";
pam($exec, 'pam_permit.so');

my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
	'common.conf' => { system_domains => 'host.test', first_uid => 100,
	    system_users => "text:$base/accounts" },
	'system.conf' => { home_dirs => "$base/home" },
	'auth.conf' => { pam => 'yes', failure_delay => '0s',
	    failure_delay_max => '0s', max_failures => 100 },
	'auth-pam.conf' => { pam_dir => "$base/pam" } });
$i->start;

sub try {
	my ($user, $pass, $service) = @_;
	my ($st, $out, $err) = $i->ctl('call', 'auth', 'pass',
	    "user=$user", "pass=$pass", 'service=' . ($service // 'imap'));
	return $1 if $st == 0 && $out =~ /^user=(.+)$/m;
	return "$out$err" =~ /([45]\.\d\.\d+)/ ? $1 : "$out$err";
}

is try('kim', 'geheim'), 'kim@host.test', 'the right password';
is try('kim@host.test', 'geheim', 'smtp'), 'kim@host.test', 'whole name';
is try('kim', 'Geheim'), '5.7.8', 'a wrong one';
is try('lee', 'geheim'), '5.7.8', "another's";
is try('kim@example.test', 'geheim'), '5.7.8', 'another domain';
is try('nobody-here', 'geheim'), '5.7.8', 'no account';
is try('ann', 'pw'), 'ann@example.test', 'accounts of the table go first';
is try('-x', 'geheim'), '5.7.8', 'no login at all';

is $i->send(to => 'kim@host.test', message => "Subject: x\n\nhi\n"), 250,
    'mail for the account';
ok $i->wait_for(sub { () = glob "$base/home/kim/Maildir/new/*" } ),
    'delivered to its home';
my $imap = Postrider::Imap->new(port => $i->port('imap'));
$imap->ok('IMAP', 'LOGIN kim geheim');
$imap->ok('its mailbox', 'SELECT INBOX');
is((stat "$base/home/kim/Maildir")[4], $uid, 'as its owner');
$imap->close;
my $pop = Postrider::Pop3->new(port => $i->port('pop3'));
$pop->login('kim', 'geheim');
is(($pop->stat)[0], 1, 'POP3');
$pop->quit;

my $c = $i->smtp('submission');
$c->cmd('EHLO client.test');
is $c->cmd('AUTH PLAIN ' . encode_base64("\0kim\0geheim", '')), 235,
    'submission';
is $c->cmd('MAIL FROM:<kim@host.test>'), 250, 'as itself';
is $c->cmd('RCPT TO:<ann@example.test>'), 250, 'to others';
undef $c;

pam('pam_permit.so', 'pam_permit.so');
is try('kim', 'whatever'), 'kim@host.test', 'a module that says yes';
is try('low', 'whatever'), '5.7.8', 'is not asked about low uids';
pam('pam_permit.so', 'pam_deny.so');
is try('kim', 'geheim'), '5.7.8', 'an account that may not';
pam('pam_deny.so', 'pam_permit.so');
is try('kim', 'geheim'), '5.7.8', 'a module that says no';
# a module for which he is somebody else
spew("$base/other.c", <<'END');
#include <security/pam_modules.h>
int pam_sm_authenticate(pam_handle_t *h, int f, int n, const char **v)
{
	return pam_set_item(h, PAM_USER, n > 0 ? v[0] : "lee");
}
int pam_sm_setcred(pam_handle_t *h, int f, int n, const char **v)
{
	return PAM_SUCCESS;
}
END
system('cc', '-shared', '-fPIC', '-o', "$base/pam/other.so",
    "$base/other.c") == 0 or die "cc\n";
pam("$base/pam/other.so kim", 'pam_permit.so');
is try('kim', 'geheim'), 'kim@host.test', 'a module that sets the name';
pam("$base/pam/other.so lee", 'pam_permit.so');
is try('kim', 'geheim'), '5.7.8', '... to that of another';
pam('pam_nothing_like_this.so', 'pam_permit.so');
isnt try('kim', 'geheim'), 'kim@host.test', 'a module that is not there';

spew("$base/pam/slow", "#!/bin/sh\nsleep 61.7\n");
chmod 0755, "$base/pam/slow";
pam("pam_exec.so quiet $base/pam/slow", 'pam_permit.so');
$i->set_conf('auth-pam.conf', timeout => '2s');
$i->reload;
my $t = time;
is try('kim', 'geheim'), '4.7.0', 'one that hangs';
my $s = time - $t;
ok $s > 1.5 && $s < 40, 'is not waited for' or diag $s;
ok $i->wait_for(sub { !grep { /sleep 61\.7/ } `ps ax -o args` }),
    'nor left behind';
$i->set_conf('auth-pam.conf', timeout => '30s');
$i->reload;
like $i->log, qr/auth-pam\S+ pam level=error user=kim .*within the time/,
    'and logged';
pam($exec, 'pam_permit.so');
is try('kim', 'geheim'), 'kim@host.test', 'the next one is served';
unlike $i->log, qr/geheim|whatever/, 'no password is logged';
done_testing;
