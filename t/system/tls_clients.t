#!/usr/bin/perl
# Other people's clients over TLS, with STARTTLS and from the start, and they
# check the certificate: openssl s_client, curl, swaks, msmtp, mbsync, mutt,
# neomutt, fetchmail.
use strict;
use warnings;
use Postrider::ImapTest qw(run_client slurp spew work_dir);
use Postrider::Instance;
use Postrider::Starttls qw(with_lmtp);
use Test::More;

my $i = with_lmtp(Postrider::Instance->new(users => { ann => 'pw-ann',
	bob => 'pw-bob' }));
# no client may send a password in plain text and seem to work
$i->set_conf($_, auth_plaintext => 'never') for qw(submission.conf
    pop3-login.conf imap-login.conf);
$i->start;
my $dir = work_dir();
my $ca = "$dir/ca.pem";
spew($ca, $i->slurp($i->conf_dir . '/tls/cert.pem'));
# what clients that become nobody need
my @as;
if ($> == 0) {
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
	@as = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups',
	    '--');
	chown $uid, $gid, $dir;
}
my ($fp) = `openssl x509 -in $ca -noout -fingerprint -sha256` =~ /=(\S+)/;
my %p = map { $_ => $i->port($_) } qw(smtp lmtp submission smtps pop3 pop3s
    imap imaps);

sub client {
	my ($name, @cmd) = @_;
	my ($st, $out) = run_client({ dir => $dir, limit => 60, env => {
		HOME => $dir, TERM => 'xterm', LC_ALL => 'C.UTF-8' } }, @cmd);
	is $st, 0, $name or diag $out;
	return $out;
}

sub private {
	my ($name, $text) = @_;
	spew("$dir/$name", $text);
	chmod 0600, "$dir/$name";
	chown +(stat $dir)[4, 5], "$dir/$name";
	return "$dir/$name";
}

# a message of this subject came, over this protocol, from this login
sub came {
	my ($subject, $proto, $login) = @_;
	my $text = $i->wait_for(sub {
		my ($t) = grep { /^Subject: \Q$subject\E$/m } map {
		    $i->slurp($_) } $i->mails('bob');
		return $t;
	}) // '';
	$text =~ s/\n[ \t]/ /g;
	my $as = $login ? qr/\(authenticated as \Q$login\E\) / : qr//;
	like $text, qr/^Received: .*\(using TLSv1\.[23] with .*\) ${as}by /m,
	    "$subject: TLS";
	like $text, qr/^Received: .* with $proto id /m, "... $proto";
	return;
}

# ---- openssl s_client ------------------------------------------------------
my @verify = ('-CAfile', $ca, '-verify_return_error', '-verify_ip',
    '127.0.0.1');
for (['smtp', 'smtp', 'QUIT', qr/221 2\.0\.0 /], ['submission', 'smtp', 'QUIT',
    qr/221 2\.0\.0 /], ['lmtp', 'lmtp', 'QUIT', qr/221 2\.0\.0 /],
    ['pop3', 'pop3', 'QUIT', qr/\+OK good-bye/],
    ['imap', 'imap', 'x LOGOUT', qr/^x OK/m],
    ['smtps', '', 'QUIT', qr/221 2\.0\.0 /],
    ['pop3s', '', 'QUIT', qr/\+OK good-bye/],
    ['imaps', '', 'x LOGOUT', qr/^x OK/m]) {
	my ($port, $starttls, $bye, $want) = @$_;
	for my $v (qw(-tls1_2 -tls1_3)) {
		my $out = client("s_client $v: $port", 'sh', '-c',
		    'printf "%s\n" "$0" | exec "$@"', $bye,
		    'openssl', 's_client', '-connect', "127.0.0.1:$p{$port}",
		    @verify, $v, '-crlf', $starttls ? ('-starttls',
		    $starttls) : (), '-ign_eof');
		like $out, qr/Verify return code: 0/, '... verified';
		like $out, $want, '... and served';
	}
	my ($st) = run_client({ limit => 60 }, 'openssl', 's_client',
	    '-connect', "127.0.0.1:$p{$port}", '-tls1_1', '-cipher',
	    'ALL:@SECLEVEL=0', $starttls ? ('-starttls', $starttls) : ());
	isnt $st, 0, "... no TLS 1.1 on $port";
}

# ---- curl ------------------------------------------------------------------
my @curl = ('curl', '-sS', '--max-time', 60, '--cacert', $ca);
for (['curl-starttls', 'smtp', 'submission', 'ESMTPSA'],
    ['curl-tls', 'smtps', 'smtps', 'ESMTPSA']) {
	my ($subject, $scheme, $port, $proto) = @$_;
	private('mail', "From: ann\@example.test\r\n" .
	    "Subject: $subject\r\n\r\nhi\r\n");
	client($subject, @curl, '--ssl-reqd', '-u', 'ann:pw-ann',
	    '--mail-from', 'ann@example.test', '--mail-rcpt',
	    'bob@example.test', '-T', "$dir/mail",
	    "$scheme://127.0.0.1:$p{$port}/c.example");
	came($subject, $proto, 'ann@example.test');
}
for ("imap://127.0.0.1:$p{imap}/INBOX;MAILINDEX=1",
    "imaps://127.0.0.1:$p{imaps}/INBOX;MAILINDEX=1",
    "pop3://127.0.0.1:$p{pop3}/1", "pop3s://127.0.0.1:$p{pop3s}/1") {
	like client("curl $_", @curl, '--ssl-reqd', '-u', 'bob:pw-bob', $_),
	    qr/^Subject: curl-/m, '... reads';
}
my ($st) = run_client('curl', '-sS', '--max-time', 60, '--ssl-reqd',
    "imaps://127.0.0.1:$p{imaps}/");
is $st, 60, 'curl refuses a certificate that it does not know';

# ---- swaks -----------------------------------------------------------------
my @auth = ('-au', 'ann', '-ap', 'pw-ann', '-f', 'ann@example.test');
for (['swaks-mx', 'smtp', 'ESMTPS', '-tls', '-f', 'x@example.org'],
    ['swaks-plain', 'submission', 'ESMTPSA', '-tls', '-a', 'PLAIN', @auth],
    ['swaks-login', 'submission', 'ESMTPSA', '-tls', '-a', 'LOGIN', @auth],
    ['swaks-tlsc', 'smtps', 'ESMTPSA', '-tlsc', '-a', 'PLAIN', @auth],
    ['swaks-lmtp', 'lmtp', 'LMTPS', '-tls', '--protocol', 'LMTP', '-f',
    'x@example.org']) {
	my ($subject, $port, $proto, @o) = @$_;
	client($subject, 'swaks', '--server', '127.0.0.1', '--port', $p{$port},
	    '--helo', 'c.example', '--tls-verify', '--tls-ca-path', $ca,
	    '-t', 'bob@example.test', '--header', "Subject: $subject", @o);
	came($subject, $proto, $proto =~ /A$/ ? 'ann@example.test' : '');
}
($st) = run_client('swaks', '--server', '127.0.0.1', '--port',
    $p{submission}, '--helo', 'c.example', '-a', 'PLAIN', @auth, '-t',
    'bob@example.test');
isnt $st, 0, 'swaks without TLS finds no way to log in';

# ---- msmtp -----------------------------------------------------------------
private('msmtprc', <<"END");
defaults
host 127.0.0.1
auth on
user ann
password pw-ann
from ann\@example.test
tls on
tls_fingerprint $fp
account starttls
port $p{submission}
tls_starttls on
account tls
port $p{smtps}
tls_starttls off
END
for my $account (qw(starttls tls)) {
	private('mail', "From: ann\@example.test\n" .
	    "Subject: msmtp-$account\n\nhi\n");
	client("msmtp $account", 'sh', '-c', "msmtp -C $dir/msmtprc " .
	    "-a $account bob\@example.test <$dir/mail");
	came("msmtp-$account", 'ESMTPSA', 'ann@example.test');
}

# ---- readers ---------------------------------------------------------------
my $n = () = $i->mails('bob');
for (['starttls', $p{imap}, 'STARTTLS'], ['tls', $p{imaps}, 'IMAPS']) {
	my ($name, $port, $type) = @$_;
	private('mbsyncrc', <<"END");
IMAPAccount a
Host 127.0.0.1
Port $port
User bob
Pass pw-bob
SSLType $type
CertificateFile $ca

IMAPStore far
Account a

MaildirStore near
Path $dir/mbsync-$name/
Inbox $dir/mbsync-$name/INBOX

Channel c
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
END
	mkdir "$dir/mbsync-$name";
	client("mbsync $name", 'mbsync', '-c', "$dir/mbsyncrc", '-a');
	is scalar(() = glob "$dir/mbsync-$name/INBOX/*/*,*"), $n, '... all';
}
sub scram {
	return scalar(() = $i->log =~ / login .* mech=SCRAM-SHA-256 /g);
}
my $before = scram();
for my $m (qw(mutt neomutt)) {
	for (['starttls', "imap://127.0.0.1:$p{imap}/", 'yes'],
	    ['tls', "imaps://127.0.0.1:$p{imaps}/", 'no'],
	    ['scram', "imaps://127.0.0.1:$p{imaps}/", 'no',
	    'set imap_authenticators="scram-sha-256"']) {
		my ($name, $url, $starttls, $more) = @$_;
		next if $name eq 'scram' && $m ne 'mutt';
		$more //= '';
		my $rc = private("$m.rc", <<"END");
set spoolfile="${url}INBOX" folder="$url" imap_user="bob" imap_pass="pw-bob"
set ssl_starttls=$starttls ssl_force_tls=yes certificate_file="$ca"
set ssl_verify_host=no ssl_usesystemcerts=no
set mbox_type=Maildir confirmcreate=no confirmappend=no delete=no copy=no
set quit=yes move=no wait_key=no timeout=1 sleep_time=0 record=""
set header_cache="" message_cachedir="" mark_old=no
$more
push "<tag-pattern>~A<enter><tag-prefix><copy-message>$dir/$m-$name<enter>\\
<untag-pattern>~A<enter><quit>"
END
		client("$m $name", 'script', '-qec', "$m -n -F $rc",
		    '/dev/null');
		is scalar(() = glob "$dir/$m-$name/{new,cur}/*"), $n, '... all';
	}
}
ok $i->wait_for(sub { scram() > $before }), 'mutt knows SCRAM';
for (['pop3-starttls', 'pop3', $p{pop3}, "sslproto tls1.2+"],
    ['pop3-tls', 'pop3', $p{pop3s}, 'ssl'],
    ['imap-starttls', 'imap', $p{imap}, "sslproto tls1.2+"],
    ['imap-tls', 'imap', $p{imaps}, 'ssl']) {
	my ($name, $proto, $port, $ssl) = @$_;
	mkdir "$dir/f-$name";
	chown +(stat $dir)[4, 5], "$dir/f-$name";
	my $rc = private('fetchmailrc', <<"END");
set invisible
poll localhost protocol $proto service $port auth password timeout 30
  user "bob" password "pw-bob" $ssl sslcertfile "$ca" sslcertck
  fetchall keep no rewrite mda "cat >$dir/f-$name/\$\$"
END
	unlink "$dir/fetchids";
	local $ENV{FETCHMAILHOME} = $dir;
	client("fetchmail $name", @as, 'fetchmail', '-f', $rc, '--pidfile',
	    "$dir/fetchmail.pid", '-i', "$dir/fetchids", '--nosyslog');
	is scalar(() = glob "$dir/f-$name/*"), $n, '... all';
}

# the log knows with what each of them came
my @login = grep { / login .*client=127/ } $i->log_lines;
ok @login > 15, 'logins are logged';
is scalar(grep { /: disconnect .*(?:user|login)=(?!.* tls=TLS)/ }
    $i->log_lines), 0, 'no session of a user went without TLS';
done_testing;
