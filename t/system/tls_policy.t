#!/usr/bin/perl
# The options of TLS and of passwords mean the same on each protocol: tls = off,
# required; auth_plaintext = never, always; tls_ask_certificate.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Postrider::Instance;
use Postrider::Starttls qw(tls raw starttls wrapped with_lmtp protocols begin
    said login_plain);
use Test::More;

my @login = qw(submission pop3 imap);
my %file = (smtp => 'smtpd.conf', submission => 'submission.conf',
	lmtp => 'lmtp.conf', pop3 => 'pop3-login.conf',
	imap => 'imap-login.conf');
my $i = with_lmtp(Postrider::Instance->new(users => { ann => 'pw' }));

# all of them with these options, started anew
sub with {
	my (%set) = @_;
	$i->stop;
	$i->set_conf($file{$_}, %set) for protocols();
	$i->start;
	return;
}

# what a client is offered to log in with, in one form: words
sub ways {
	my ($c, $name) = @_;
	if ($name eq 'submission') {
		return $c->ehlo->{AUTH} // '';
	} elsif ($name eq 'pop3') {
		my (undef, $capa) = $c->multi('CAPA');
		my ($sasl) = $capa =~ /^SASL (.*)$/m;
		return join ' ', ($capa =~ /^USER$/m ? 'password' : ()),
		    $sasl // ();
	}
	my @cap = map { @{ $_->{data} } }
	    $c->cmd('CAPABILITY')->untagged('CAPABILITY');
	return join ' ', ((grep { $_ eq 'LOGINDISABLED' } @cap) ? () :
	    'password'), map { /^AUTH=(.*)/ ? $1 : () } @cap;
}

my $may = qr/\bPLAIN LOGIN\b/;
my %no = (submission => qr/^538 5\.7\.11 /, pop3 => qr/^-ERR \[SYS\/PERM\]/,
	imap => qr/^l NO \[PRIVACYREQUIRED\]/);
my $yes = qr/^(?:235 |\+OK|l OK)/;

# ---- auth_plaintext --------------------------------------------------------
with(auth_plaintext => 'never');
for my $name (@login) {
	my $c = raw($i, $name);
	unlike ways($c, $name), qr/\b(?:PLAIN|LOGIN|password)\b/,
	    "auth_plaintext = never: $name offers no password";
	$c->cmd('LHLO c') if $name eq 'lmtp';
	like login_plain($c, $name, 'ann', 'pw'), $no{$name},
	    '... and takes none';
	like login_plain($c, $name, 'ann', 'wrong'), $no{$name},
	    '... whether right or wrong';
	$c = starttls($i, $name);
	like ways($c, $name), $may, '... but under TLS';
	like login_plain($c, $name, 'ann', 'pw'), $yes, '... where it works';
}
my $c = raw($i, 'imap');
$c->no('AUTHENTICATE PLAIN', 'AUTHENTICATE PLAIN ' .
    encode_base64("\0ann\0pw", ''));
is scalar(grep { / login-failed / } $i->log_lines), 0,
    'auth saw no password that came in plain text';

with(auth_plaintext => 'always');
like ways(raw($i, $_), $_), $may, "auth_plaintext = always: $_" for @login;

# ---- mechanisms of auth.conf: LOGIN, USER and PASS are PLAIN by another name -
$i->set_conf('auth.conf', mechanisms => 'SCRAM-SHA-256');
with(auth_plaintext => 'always');
my %barred = (pop3 => qr/^-ERR \[SYS\/PERM\] USER/,
	imap => qr/^l NO \[CANNOT\]/);
for my $name (qw(pop3 imap)) {
	for my $c (raw($i, $name), starttls($i, $name)) {
		is ways($c, $name), 'SCRAM-SHA-256',
		    "mechanisms without PLAIN and LOGIN: $name";
		like login_plain($c, $name, 'ann', 'pw'), $barred{$name},
		    '... no password is taken';
	}
}
like join("\n", $i->ctl('call', 'auth', 'pass', 'user=ann', 'pass=pw',
    'service=imap')), qr/5\.5\.4/, '... nor by auth';
is scalar(grep { / login-failed / } $i->log_lines), 0,
    '... and nothing is looked at';
$i->set_conf('auth.conf', mechanisms => 'LOGIN');
$i->reload;
for my $name (qw(pop3 imap)) {
	my $c = raw($i, $name);
	is ways($c, $name), 'password LOGIN', "mechanisms = LOGIN: $name";
	like login_plain($c, $name, 'ann', 'pw'), $yes, '... it is';
}
$i->set_conf('auth.conf', mechanisms => 'SCRAM-SHA-256-PLUS ' .
    'SCRAM-SHA-256 EXTERNAL OAUTHBEARER XOAUTH2 PLAIN LOGIN');

# ---- tls = required --------------------------------------------------------
with(auth_plaintext => 'loopback', tls => 'required');
for my $name (qw(smtp submission lmtp)) {
	my $hello = $name eq 'lmtp' ? 'LHLO' : 'EHLO';
	$c = raw($i, $name);
	is scalar $c->cmd($_->[0]), $_->[1],
	    "tls = required: $name: $_->[0]: $_->[1]" for
	    ['NOOP', 250], ['MAIL FROM:<a@b.example>', 530],
	    ["$hello c.example", 250], ['MAIL FROM:<a@b.example>', 530],
	    ['RCPT TO:<ann@example.test>', 530], ['DATA', 530],
	    ['RSET', 530], ['VRFY ann', 530], ['HELP', 530];
	like $c->last, qr/^530 5\.7\.0 Must issue a STARTTLS command first$/,
	    '... as RFC 3207 says it';
	is scalar $c->cmd('AUTH PLAIN AGFubgBwdw=='), 530, '... no AUTH';
	is scalar $c->cmd('HELO c'), 530, '... no HELO' if $name ne 'lmtp';
	$c->put("BDAT 6 LAST\r\nQUIT\r\n");
	is scalar $c->reply, 530, '... no BDAT, whose octets are read';
	is scalar $c->cmd('QUIT'), 221, '... QUIT';
	$c = raw($i, $name);
	my $ext = $c->ehlo('c', $hello);
	ok exists $ext->{STARTTLS} && !exists $ext->{AUTH},
	    '... STARTTLS is offered, AUTH not';
	$c = starttls($i, $name);
	$c->ehlo('c', $hello);
	$c->auth_plain('ann', 'pw') if $name eq 'submission';
	is scalar $c->cmd('MAIL FROM:<ann@example.test>'), 250,
	    '... all is well after it';
}
for my $name (qw(pop3 imap)) {
	$c = raw($i, $name);
	is ways($c, $name), '', "tls = required: $name offers no login";
	like login_plain($c, $name, 'ann', 'pw'), $no{$name},
	    '... and has none';
	like login_plain(starttls($i, $name), $name, 'ann', 'pw'), $yes,
	    '... but under TLS';
}
like login_plain(wrapped($i, 'imaps'), 'imap', 'ann', 'pw'), $yes,
    '... or from its start';
is((Postrider::Smtp->new(path => $i->dir . '/run/public/sendmail')
    ->cmd('EHLO c'))[0], 250, 'a UNIX socket needs none');

# ---- tls = off, a client's certificate -------------------------------------
with(tls => 'off');
for my $name (protocols()) {
	$c = raw($i, $name);
	$c->ehlo('c', 'LHLO') if $name eq 'lmtp';
	like said($c, $name, begin($name)), qr/^(?:502 |-ERR |s NO )/,
	    "tls = off: $name";
	ok Postrider::Starttls::alive($c, $name), '... goes on';
}
ok Postrider::Starttls::alive(wrapped($i, 'pop3s'), 'pop3'),
    'listeners that begin with TLS still do';

with(tls => 'may', tls_ask_certificate => 'yes');
my $cert = "$i->{tmp}/client";
system("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ann -days 2 " .
    "-keyout $cert.key -out $cert.pem 2>/dev/null") == 0 or die;
for my $name (@login) {
	ok Postrider::Starttls::alive(starttls($i, $name), $name),
	    "tls_ask_certificate: $name without one";
	$c = starttls($i, $name, SSL_use_cert => 1,
	    SSL_cert_file => "$cert.pem", SSL_key_file => "$cert.key");
	ok Postrider::Starttls::alive($c, $name),
	    '... and with one that nobody vouches for';
}
my ($st, $out) = $i->run('sh', '-c', 'openssl s_client -msg -connect ' .
    '127.0.0.1:' . $i->port('imaps') . ' </dev/null');
like $out, qr/CertificateRequest/, 'the certificate is asked for';
done_testing;
