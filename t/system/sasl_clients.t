#!/usr/bin/perl
# Clients that others have written log in by every mechanism, over IMAP, POP3
# and SMTP.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Issuer;

my $issuer = Postrider::Issuer->new('https://id.test');
my $i = Postrider::Instance->new(users => { ann => 'geheim', bob => 'pw' },
	conf => { 'auth.conf' => { failure_delay => '0s',
	    failure_delay_max => '0s', oauth_keys => 'idp.jwks',
	    oauth_issuer => 'https://id.test', oauth_audience => 'mail',
	    oauth_scope => 'mail.all', allow_plain_storage => 'yes',
	    mechanisms => 'SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS ' .
		'SCRAM-SHA-1 OAUTHBEARER XOAUTH2 CRAM-MD5 PLAIN LOGIN' } });
$i->spew($i->conf_dir . '/idp.jwks', $issuer->jwks);
chmod 0644, $i->conf_dir . '/idp.jwks';

# what gsasl makes of a password is a verifier, too
sub mkpasswd {
	my ($mech, $pw) = @_;
	my ($st, $out) = $i->run('gsasl', '--mkpasswd', '-m', $mech,
	    '--iteration-count', 4096, '-p', $pw);
	return $out =~ /(\{\S+)/ ? $1 : die "gsasl --mkpasswd: $out\n";
}
open my $fh, '>>', $i->conf_dir . '/users' or die "users: $!\n";
print {$fh} "carl\@example.test pass=", mkpasswd('SCRAM-SHA-1', 'anders'),
    ' pass=', mkpasswd('SCRAM-SHA-256', 'anders'), "\n",
    "cram\@example.test pass={PLAIN}uralt\n";
close $fh;
$i->ctl_ok('map', 'users');
$i->start;

sub gsasl {
	my ($proto, $mech, $user, $pw, @more) = @_;
	# it gives up without -PLUS where it could bind
	push @more, '--no-cb' if $mech =~ /SHA-\d+$/;
	my ($st, $out, $err) = $i->run('timeout', 60, 'gsasl', "--$proto",
	    '--x509-ca-file=', '-m', $mech, '-a', $user, '-p', $pw, @more,
	    '--connect', '127.0.0.1:' . $i->port($proto eq 'smtp' ?
	    'submission' : $proto));
	return $st == 0 || "$out$err" =~ /Client authentication finished/ ?
	    'in' : "$out$err" =~ /\b(5\.7\.\d|AUTHENTICATIONFAILED)/ ? 'out' :
	    "$out$err";
}

my @tls = ('--starttls');
for my $proto (qw(imap smtp)) {
	for my $mech (qw(PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS)) {
		is gsasl($proto, $mech, 'ann', 'geheim', @tls), 'in',
		    "$proto: $mech";
		is gsasl($proto, $mech, 'ann', 'Geheim', @tls), 'out',
		    "$proto: $mech, wrong password";
	}
	is gsasl($proto, $_, 'carl', 'anders', @tls), 'in',
	    "$proto: $_, a verifier of gsasl's own"
	    for qw(SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 PLAIN);
	is gsasl($proto, 'SCRAM-SHA-1', 'ann', 'geheim', @tls), 'out',
	    "$proto: no verifier for SCRAM-SHA-1";
	is gsasl($proto, 'CRAM-MD5', 'cram', 'uralt', @tls), 'in',
	    "$proto: CRAM-MD5";
	is gsasl($proto, 'CRAM-MD5', 'cram', 'neu', @tls), 'out',
	    "$proto: CRAM-MD5, wrong password";
}
like $i->log, qr/ login .*user=ann\@example\.test .*mech=SCRAM-SHA-256-PLUS/,
    'with a binding';

# app passwords: SCRAM knows them too
$i->ctl_ok('user', 'app', 'add', '--services', 'imap', 'bob') =~
    /^password\s+(\S+)$/m;
my $app = $1;
ok $i->wait_for(sub {
	gsasl('imap', 'SCRAM-SHA-256-PLUS', 'bob', $app, @tls) eq 'in';
}), 'an app password by SCRAM';
is gsasl('smtp', 'SCRAM-SHA-256', 'bob', $app, @tls), 'out',
    'not for another service';
is gsasl('imap', 'SCRAM-SHA-256', 'bob', 'pw', @tls), 'in',
    'beside the password';

# --- tokens
my %good = (aud => 'mail', scope => 'openid mail.all',
    email => 'ann@example.test');
sub curl {
	my ($proto, $mech, $user, $token) = @_;
	my $url = "${proto}s://127.0.0.1:" . $i->port("${proto}s");
	my ($st, $out, $err) = $i->run('curl', '-sSk', '-m', 60, '--sasl-ir',
	    '--login-options', "AUTH=$mech", '-u', "$user:",
	    '--oauth2-bearer', $token, $proto eq 'smtp' ?
	    ('--mail-from', 'ann@example.test', '--mail-rcpt',
	    'ann@example.test', '-T', "$i->{tmp}/mail") : (), $url);
	return $st == 0 ? 'in' : $st == 67 ? 'out' : "$st $err";
}
$i->spew("$i->{tmp}/mail",
    "From: ann\@example.test\r\nSubject: x\r\n\r\nhi\r\n");
chmod 0644, "$i->{tmp}/mail";
my $token = $issuer->token(%good);
my $long = $issuer->token(%good, roles => [map { "role-$_" x 4 } 1 .. 130]);
cmp_ok length $long, '>', 4000, 'a long token';
for my $proto (qw(imap pop3 smtp)) {
	for my $mech (qw(OAUTHBEARER XOAUTH2)) {
		is curl($proto, $mech, 'ann@example.test', $token), 'in',
		    "$proto: $mech";
		is curl($proto, $mech, 'ann', $long), 'in',
		    "$proto: $mech, long token, short name";
		is curl($proto, $mech, 'bob@example.test', $token), 'out',
		    "$proto: $mech, as another";
	}
	is curl($proto, 'OAUTHBEARER', 'ann', $issuer->token(%good, @$_)),
	    'out', "$proto: token with $_->[0]" for
	    [exp => time - 300], [nbf => time + 300], [aud => 'web'],
	    [iss => 'https://id.evil'], [scope => 'mail'],
	    [email => 'nobody@example.test'];
}
is curl('imap', 'OAUTHBEARER', 'ann',
    Postrider::Issuer->new('https://id.test')->token(%good)), 'out',
    'a token by keys of others';
my $other = Postrider::Issuer->new('https://id.test');
$i->spew($i->conf_dir . '/new', $other->jwks);
chmod 0644, $i->conf_dir . '/new';
rename $i->conf_dir . '/new', $i->conf_dir . '/idp.jwks';
ok $i->wait_for(sub {
	curl('imap', 'OAUTHBEARER', 'ann', $other->token(%good)) eq 'in';
}), 'new keys are used';
# each process of auth looks once a second
ok $i->wait_for(sub {
	curl('imap', 'OAUTHBEARER', 'ann', $token) eq 'out';
}), 'old ones no more';

# --- mbsync, by Cyrus SASL
my $rc = "$i->{tmp}/mbsyncrc";
mkdir "$i->{tmp}/box";
$i->spew($rc, "IMAPAccount a\nHost localhost\nPort " . $i->port('imap') .
    "\nUser ann\nPass geheim\nSSLType STARTTLS\nCertificateFile " .
    $i->conf_dir . "/tls/cert.pem\nAuthMechs SCRAM-SHA-256\n\n" .
    "IMAPStore far\nAccount a\n\nMaildirStore near\nInbox $i->{tmp}/box/in\n" .
    "\nChannel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\n" .
    "SyncState $i->{tmp}/box/\n");
my ($st, $out, $err) = $i->run('timeout', 120, 'mbsync', '-c', $rc, 'c');
is $st, 0, 'mbsync by SCRAM-SHA-256' or diag "$out$err";
unlike $i->log, qr/geheim|anders|uralt|\Q$app\E/, 'no password is logged';
unlike $i->log, qr/\Q@{[substr $token, 0, 60]}\E/, 'nor a token';
done_testing;
