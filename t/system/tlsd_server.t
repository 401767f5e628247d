#!/usr/bin/perl
# What clients get from tlsd: versions, suites, certificates by name and by
# type of key, tickets, ALPN, OCSP, and what it says of them.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use MIME::Base64;
use Test::More;
use Postrider::Instance;
use Postrider::Tls;

my $i = Postrider::Instance->new;
my $t = Postrider::Tls->new($i);
$t->cert('ca', is_ca => 1, names => ['ca.test'], cn => 'Test CA');
$t->cert('ec', ca => 'ca', names => ['mail.example.test', '*.wild.test']);
$t->cert('rsa', ca => 'ca', type => 'rsa',
    names => ['mail.example.test', '*.wild.test']);
$t->cert('other', type => 'rsa', names => ['other.test', 'b.wild.test'],
    one => 1);
$t->cert('ed', type => 'ed25519', names => ['ed.test']);

# a responder's word for one of them
my $idx = "$t->{tmp}/index";
my ($serial) = $t->openssl('x509', '-in', $t->path('ec.pem'), '-noout',
    '-serial') =~ /serial=(\w+)/;
$i->spew($idx, "V\t301231235959Z\t\t$serial\tunknown\t/CN=test\n");
$t->openssl('ocsp', '-issuer', $t->path('ca.pem'), '-cert',
    $t->path('ec.pem'), '-no_nonce', '-reqout', "$t->{tmp}/req");
$t->openssl('ocsp', '-index', $idx, '-CA', $t->path('ca.pem'), '-rsigner',
    $t->path('ca.pem'), '-rkey', $t->path('ca.pem.key'), '-reqin',
    "$t->{tmp}/req", '-respout', $t->path('ec.pem.ocsp'), '-ndays', 2);
chmod 0644, $t->path('ec.pem.ocsp');
# that of another certificate
$i->spew($t->path('rsa.pem.ocsp'), $i->slurp($t->path('ec.pem.ocsp')));

$i->set_conf('keyd.conf', certificates =>
    join ' ', map { "tls/$_.pem" } qw(ec rsa other ed));
$i->start;
my $port = $t->serve(service => 'imap');
my @ca = ('-CAfile', $t->path('ca.pem'));

# --- versions and suites
my $c = $t->client($port, @ca);
is $c->facts->{version}, 'TLSv1.3', 'TLS 1.3';
like $c->facts->{cipher}, qr/^TLS_/, 'its suite';
is $c->facts->{resumed}, 'no', 'a new session';
ok $c->echo('hello'), 'and an echo';
like $c->{text}, qr/Verify return code: 0/, 'the client has the chain';
$c->done;
$c = $t->client($port, '-tls1_2');
is $c->facts->{version}, 'TLSv1.2', 'TLS 1.2';
like $c->facts->{cipher}, qr/^ECDHE-ECDSA-.*(?:GCM|POLY1305)/,
    'with forward secrecy and AEAD';
ok length $c->facts->{exporter}, 'and a channel binding';
for my $v (qw(tls1 tls1_1)) {
	my $out = $t->all($port, "-$v", '-cipher', 'ALL:@SECLEVEL=0');
	like $out, qr/alert protocol version/, "$v is refused";
}
ok $i->wait_log(qr/handshake-failed .*service=imap.*why="no shared protocol/),
    'and why is in the log';
for my $suite ('AES128-SHA', 'AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-RSA-AES256-SHA384', 'AECDH-AES128-SHA') {
	like $t->all($port, '-tls1_2', '-cipher', "$suite:\@SECLEVEL=0"),
	    qr/alert handshake failure/, "no $suite";
}
ok $i->wait_log(qr/why="no shared cipher suite"/), 'told as such';
like $t->all($port, '-tls1_2', '-cipher', 'DHE-RSA-AES128-GCM-SHA256'),
    qr/FACTS .*cipher=DHE-RSA-AES128-GCM-SHA256/m, 'DHE with RSA';
$c = $t->client($port, '-tls1_2', '-commands');
ok $c->echo('before'), 'a session that a client';
$c->say('R');
ok $c->until(qr/no renegotiation/), 'wants to renegotiate: no';

# --- certificates
sub cert_of {
	my (@arg) = @_;
	my $out = $t->all($port, '-showcerts', @arg);
	my ($pem) = $out =~ /(-----BEGIN CERT.*?-----END CERT[^\n]*)/s;
	return "none: $out" unless $pem;
	for my $n (qw(ec rsa other ed)) {
		return $n if index($i->slurp($t->path("$n.pem")), $pem) >= 0;
	}
	return 'unknown';
}
my @ec = ('-sigalgs', 'ECDSA+SHA256');
my @rsa = ('-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256');
is cert_of('-noservername'), 'ec', 'without a name: the first';
is cert_of('-noservername', @rsa), 'rsa', 'or its like of RSA';
is cert_of('-servername', 'mail.example.test', @ec), 'ec', 'by name, ECDSA';
is cert_of('-servername', 'mail.example.test', @rsa), 'rsa', 'RSA';
is cert_of('-servername', 'mail.example.test', '-tls1_2', @rsa), 'rsa',
    'RSA with TLS 1.2';
is cert_of('-servername', 'other.test'), 'other', 'another name';
is cert_of('-servername', 'OTHER.test'), 'other', 'of any case';
is cert_of('-servername', 'a.wild.test'), 'ec', 'a wildcard';
is cert_of('-servername', 'a.b.wild.test'), 'ec', 'is for one label';
is cert_of('-servername', 'b.wild.test', @rsa), 'other',
    'an exact name comes first';
is cert_of('-servername', 'ed.test'), 'ed', 'Ed25519';
is cert_of('-servername', 'nobody.test', @rsa), 'rsa', 'no such name';
is cert_of('-servername', 'ed.test', @rsa), 'rsa',
    'another name where no key of the right one can be used';
is cert_of('-servername', 'mail.example.test', '-sigalgs',
    'RSA-PSS+SHA512'), 'rsa', 'RSA-PSS with SHA-512';

# --- OCSP
like $t->all($port, '-status', @ca, @ec), qr/Cert Status: good/, 'OCSP';
like $t->all($port, '-status', @ca, @rsa), qr/OCSP response: no response/,
    'but not that of another certificate';
ok $i->wait_log(qr/staple-bad .*rsa\.pem.*another certificate/), 'is told';

# --- channel bindings, RFC 5929 and 9266
$c = $t->client($port, '-keymatexport', 'EXPORTER-Channel-Binding',
    '-keymatexportlen', 32);
my $f = $c->facts;
my ($keymat) = $c->{text} =~ /Keying material: (\w+)/;
is unpack('H*', decode_base64($f->{exporter})), lc($keymat // 'none'),
    'tls-exporter';
my ($b64) = $i->slurp($t->path('ec.pem')) =~
    /BEGIN CERTIFICATE-----\n(.*?)-----END/s;
is decode_base64($f->{end_point}), sha256(decode_base64($b64)),
    'tls-server-end-point';

# --- ALPN
is $t->client($port, '-alpn', 'h2,imap')->facts->{alpn}, 'imap', 'ALPN';
like $t->all($port, '-alpn', 'h2,http/1.1'),
    qr/alert no application protocol/, 'without ours: refused';
ok $i->wait_log(qr/why="the client wants h2 \(ALPN\)"/), 'is told';
my $smtp = $t->serve(service => 'smtp');
is $t->client($smtp, '-alpn', 'smtp')->facts->{alpn}, 'smtp', 'smtp';
my $any = $t->serve(service => 'x');
is $t->client($any, '-alpn', 'h2')->facts->{version}, 'TLSv1.3',
    'a service without names takes all';

# --- plain text
my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
print {$s} "a LOGIN ann pw\r\n";
like $t->server_line($port) // '', qr/protocol version|./, 'one more failed';
ok $i->wait_log(qr/why="the client sent plain text, not TLS"/),
    'plain text is told';
$s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
close $s;
ok $i->wait_log(qr/why="the client closed the connection"/), 'and silence';
my $quick = $t->serve(service => 'imap', timeout => 300);
$s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $quick);
like $t->server_line($quick), qr/^failed 4\.7\.0 handshake took too long/,
    'a handshake has a deadline';

my %stat = map { split /=/, $_, 2 } split /\n/, $i->call('tlsd', 'stat');
is $stat{certificates}, 4, 'stat: certificates';
done_testing;
