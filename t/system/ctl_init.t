#!/usr/bin/perl
# postrider init makes a whole instance: owners and modes, tables, a
# certificate, ports; and touches none that is there.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

for my $single ($> == 0 ? (0, 1) : (1)) {
	my $i = Postrider::Instance->new(users => { ann => 'pw',
	    'bob@second.test' => 'a b:c' }, single_uid => $single,
	    domains => ['example.test', 'second.test']);
	my $d = $i->dir;
	my $mode = sub { sprintf '%o', (stat "$d/$_[0]")[2] & 07777 };
	is $mode->('conf/users'), '600', 'hashes are for nobody else';
	is $mode->('conf/users.cdb'), '400', 'nor are the compiled ones';
	is $mode->('conf/tls/key.pem'), '600', 'nor the key';
	is $mode->('log'), '750', 'log';
	is $mode->('mail'), '711', 'mail';
	my $uid = sub { (stat "$d/$_[0]")[4] };
	if ($single) {
		is $uid->($_), $uid->('conf'), "$_ is ours"
		    for qw(spool mail log conf/users.cdb);
	} else {
		is $uid->('spool/content/00'), scalar getpwnam(
		    'postrider-queue'), 'spool is of the queue';
		is $uid->('mail'), scalar getpwnam('postrider-store'),
		    'mail is of the store';
		is $uid->('log'), scalar getpwnam('postrider-log'),
		    'log is of the log';
		is $uid->('conf/users.cdb'), scalar getpwnam(
		    'postrider-auth'), 'hashes are of auth';
	}
	like $i->slurp("$d/conf/users"),
	    qr/^ann\@example\.test pass=\$y\$.*^bob\@second\.test pass=\$y\$/ms,
	    'accounts, in the default domain where none was named';
	is $i->map('get', 'mailboxes', 'ann@example.test'), "\n",
	    'mailboxes have no hashes';
	like $i->slurp("$d/conf/master.conf"),
	    qr/inet:127\.0\.0\.1:@{[$i->port('smtp')]}$/m, 'its own ports';
	like `openssl x509 -noout -text -in $d/conf/tls/cert.pem`,
	    qr/DNS:second\.test/, 'a certificate for its domains';
	is $i->ctl_ok('check'), "the configuration in $d/conf is good\n",
	    'check finds nothing';

	my ($st, $out, $err) = $i->ctl('!init', $d);
	is $st, 1, 'what is there is not touched';
	like $err, qr/--force/, 'and told how';
	$i->spew("$d/conf/smtpd.conf", "broken\n");
	is(($i->ctl('check'))[0], 1, 'a broken file is found');
	$i->ctl_ok('!init', $d, '--force', '--domain', 'example.test',
	    '--port-base', $i->{base});
	is(($i->ctl('check'))[0], 0, '--force writes it anew');
	like $i->slurp("$d/conf/users"), qr/^ann\@/m, 'and keeps accounts';
	$i->start;
	is $i->smtp->greeting, 220, 'it serves';
	ok $i->stop, 'and stops';
}

# an installed configuration directory gets what is missing beside it
my $i = Postrider::Instance->new;
my $conf = $i->conf_dir;
my $text = $i->slurp("$conf/common.conf");
system 'rm', '-rf', "$conf/tls", "$conf/aliases.cdb", $i->dir . '/spool';
like $i->ctl_ok('!init', $conf), qr/is ready/, 'init of a conf directory';
ok -e $_, "$_ is there" for "$conf/tls/key.pem", "$conf/aliases.cdb",
    $i->dir . '/spool/content/ff';
is $i->slurp("$conf/common.conf"), $text, 'its files stay';
is(($i->ctl('!init', $conf, '--force'))[0], 2, 'and no option changes them');

for my $bad (['--domain', 'a b'], ['--user', 'nopassword'],
    ['--port-base', '70000'], ['--port-base', 'x'], ['--dommain', 'x'], []) {
	my ($st, $out, $err) = $i->ctl('!init', @$bad,
	    @$bad ? "$i->{tmp}/other" : ());
	is $st, 2, "usage: init @$bad";
	ok !-e "$i->{tmp}/other", 'nothing was made';
}
done_testing;
