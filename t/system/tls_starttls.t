#!/usr/bin/perl
# STARTTLS on each protocol, and TLS from the start: what is offered before and
# after, what is forgotten, what is refused; and what Received and the log say.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Postrider::Instance;
use Postrider::Starttls qw(tls raw starttls wrapped with_lmtp protocols begin
    said login_plain);
use Test::More;

my $i = with_lmtp(Postrider::Instance->new(users => { ann => 'pw' }));
$i->start;

# ---- what is offered -------------------------------------------------------
sub offers {
	my ($c, $name) = @_;
	return join "\n", map { uc } keys %{ $c->ehlo(undef, $name eq 'lmtp' ?
	    'LHLO' : 'EHLO') } if $c->isa('Postrider::Smtp');
	return ($c->multi('CAPA'))[1] if $c->isa('Postrider::Pop3');
	return join "\n", map { @{ $_->{data} } }
	    $c->cmd('CAPABILITY')->untagged('CAPABILITY');
}

for my $name (protocols()) {
	my $word = $name eq 'pop3' ? 'STLS' : 'STARTTLS';
	my $c = raw($i, $name);
	like offers($c, $name), qr/^$word$/m, "$name: $word is offered";
	$c = starttls($i, $name);
	unlike offers($c, $name), qr/^$word$/m, '... not under TLS';
	ok Postrider::Starttls::alive($c, $name), '... which works';
	my $r = said($c, $name, begin($name));
	like $r, qr/^(?:503 |-ERR |s BAD )/, '... and not twice';
	ok Postrider::Starttls::alive($c, $name), '... goes on nevertheless';
	$c = raw($i, $name);
	said($c, $name, 'LHLO c') if $name eq 'lmtp';
	$r = said($c, $name, begin($name) . ' now');
	like $r, qr/^(?:501 |-ERR |s BAD )/, '... takes no argument';
	ok Postrider::Starttls::alive($c, $name), '... and stays plain';
}
for my $p (['smtps', 'submission'], ['pop3s', 'pop3'], ['imaps', 'imap']) {
	my ($port, $name) = @$p;
	my $c = wrapped($i, $port);
	unlike offers($c, $name), qr/^ST(?:ART)?TLS$/m,
	    "$port: no STARTTLS is offered";
	like said($c, $name, begin($name)), qr/^(?:503 |-ERR |s BAD )/,
	    '... nor possible';
	like login_plain($c, $name, 'ann', 'pw'), qr/^(?:235 |\+OK|l OK)/,
	    '... and a login is';
	ok $i->wait_log(qr/ login .*service=\w+ .* tls=TLSv1\.3/), '... logged';
}

# ---- what is forgotten -----------------------------------------------------
my $c = raw($i, 'smtp');
$c->ehlo('before.example');
$c->cmd('MAIL FROM:<a@example.org>');
$c->cmd('RCPT TO:<ann@example.test>');
is scalar $c->cmd('STARTTLS'), 220, 'STARTTLS in a transaction';
ok tls($c), '... handshake';
is scalar $c->cmd('DATA'), 503, '... which is gone';
is scalar $c->cmd('MAIL FROM:<a@example.org>'), 503, '... as is EHLO';
like $c->last, qr/EHLO or HELO first/, '... as is said';
$c->ehlo('after.example');
is scalar $c->send(from => 'a@example.org',
    to => 'ann@example.test'), 250, '... and a new one works';
my ($file) = $i->wait_mails('ann', 1);
my $text = $i->slurp($file) =~ s/\n[ \t]/ /gr;
like $text, qr/^Received: from after\.example \(\[127\.0\.0\.1\]\) (?x:
    \(using\ TLSv1\.3\ with\ cipher\ TLS_AES_\w+\ \(\d+\ bits\)\)
    \ by\ \S+\ \(Postrider\)\ with\ ESMTPS\ id\ )/m,
    'Received says how it came';
$c->quit;
ok $i->wait_log(qr/smtpd\[.*disconnect .* tls=TLSv1\.3 cipher=TLS_\w+ end/),
    'and the log';

$c = raw($i, 'submission');
$c->ehlo;
is scalar $c->auth_plain('ann', 'pw'), 235, 'AUTH from this machine';
is scalar $c->cmd('STARTTLS'), 220, '... then STARTTLS';
ok tls($c), '... handshake';
ok exists $c->ehlo->{AUTH}, '... AUTH is offered again';
is scalar $c->cmd('MAIL FROM:<ann@example.test>'), 530, '... and needed';
is scalar $c->auth_plain('ann', 'pw'), 235, '... and taken';
is scalar $c->send(from => 'ann@example.test', mail_args => 'SMTPUTF8',
    to => 'ann@example.test'), 250, 'a message';
($file) = grep { $i->slurp($_) =~ /UTF8SMTPSA/ } $i->wait_mails('ann', 2);
ok $file, 'UTF8SMTPSA (RFC 6531)';

$c = starttls($i, 'lmtp');
$c->ehlo('c', 'LHLO');
$c->cmd('MAIL FROM:<a@example.org>');
$c->cmd('RCPT TO:<ann@example.test>');
is_deeply [$c->data("x: y\n", 1)], [250], 'LMTP';
($file) = grep { $i->slurp($_) =~ /with LMTPS id/ } $i->wait_mails('ann', 3);
ok $file, 'LMTPS (RFC 3848)';

$c = raw($i, 'pop3');
like $c->cmd('USER ann'), qr/^\+OK/, 'POP3: USER';
like $c->cmd('STLS'), qr/^\+OK/, '... then STLS';
ok tls($c), '... handshake';
like $c->cmd('PASS pw'), qr/^-ERR USER comes first/, '... forgets the name';
like $c->login('ann', 'pw'), qr/^\+OK/, '... login';
my (undef, $capa) = $c->multi('CAPA');
unlike $capa, qr/^STLS$/m, '... no STLS after it';
$c->cmd('QUIT');
ok $i->wait_log(qr/pop3d\[\d+\]: disconnect .* tls=TLSv1\.3 cipher=/),
    '... and its end is logged with TLS';

# ---- IMAP's session --------------------------------------------------------
$c = starttls($i, 'imap', SSL_hostname => 'mail.example.test');
my $caps = join ' ', @{ $c->cmd('LOGIN ann pw')->{code} };
unlike $caps, qr/STARTTLS|LOGINDISABLED|AUTH=/, 'after the login no STARTTLS';
unlike $caps, qr/UNAUTHENTICATE/, 'and no UNAUTHENTICATE under TLS';
$c->bad('STARTTLS after the login', 'STARTTLS');
$c->bad('UNAUTHENTICATE', 'UNAUTHENTICATE');
is scalar $c->cmd('SELECT INBOX')->expect->untagged('EXISTS'), 1, 'SELECT';
$c->ok('COMPRESS under TLS', 'COMPRESS DEFLATE');
$c->close;
ok $i->wait_log(
    qr/imapd\[.*disconnect .*cipher=\S+ sni=mail\.example\.test/),
    'the server name is logged';
my $plain = encode_base64("\0ann\0pw", '');
$c = wrapped($i, 'imaps');
$c->ok('AUTHENTICATE, with a command behind it', "AUTHENTICATE PLAIN $plain");
$c->ok('and one more', 'NOOP');

# ---- no certificate: not offered, 454 --------------------------------------
$i->stop;
$i->set_conf('master.conf', 'tlsd/enabled' => 'no', 'keyd/enabled' => 'no',
    map { ("$_->[0]/listen" => "inet:127.0.0.1:" . $i->port($_->[1])) }
    ['submission', 'submission'], ['pop3-login', 'pop3'],
    ['imap-login', 'imap']);
$i->start;
for my $name (protocols()) {
	$c = raw($i, $name);
	unlike offers($c, $name), qr/^ST(?:ART)?TLS$/m,
	    "$name without tlsd: not offered";
	like said($c, $name, begin($name)), qr/^(?:454\ 4\.7\.0\ |
	    s\ NO\ \[UNAVAILABLE\]|-ERR\ \[SYS\/TEMP\])/x,
	    '... and refused for now';
}
done_testing;
