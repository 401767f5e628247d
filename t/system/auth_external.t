#!/usr/bin/perl
# EXTERNAL: the certificate of a client, where keyd vouches for it, is one of
# an account that a table names.
use strict;
use warnings;
use IO::Socket::SSL;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Postrider::Instance;
use Postrider::Tls;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw',
	carl => 'pw' }, conf => { 'auth.conf' => { failure_delay => '0s',
	    failure_delay_max => '0s', certificates => 'text:certificates' },
	    'tlsd.conf' => { client_ca => 'tls/ca.pem' },
	    map { ("$_.conf" => { tls_ask_certificate => 'yes' }) }
	    qw(imap-login pop3-login submission) });
my $t = Postrider::Tls->new($i);
$t->cert('ca', is_ca => 1, cn => 'our CA');
$t->cert('rogue', is_ca => 1, cn => 'another CA');
$t->cert('ann', ca => 'ca', names => ['email:ann@mail.test'], cn => 'Ann');
$t->cert('two', ca => 'ca', names => ['email:team@mail.test'], cn => 'Two');
$t->cert('subject', ca => 'ca', cn => 'Carl the third',
    names => ['DNS:carl.test']);
$t->cert('nobody', ca => 'ca', names => ['email:x@mail.test'], cn => 'X');
$t->cert('evil', ca => 'rogue', names => ['email:ann@mail.test'],
    cn => 'Ann');
my $subject = $t->openssl('x509', '-in', $t->path('subject.pem'), '-noout',
    '-subject', '-nameopt', 'RFC2253') =~ /subject\s*=\s*(.*)/ ? $1 : die;
my $print = lc($t->openssl('x509', '-in', $t->path('nobody.pem'), '-noout',
    '-fingerprint', '-sha256') =~ s/.*=|:|\s//gr);
$i->spew($i->conf_dir . '/certificates', "ann\@mail.test ann\@example.test\n" .
    "team\@mail.test ann\@example.test, bob\@example.test\n" .
    "\"$subject\" carl\@example.test\n");
chmod 0644, $i->conf_dir . '/certificates';
$i->start;

sub client {
	my ($proto, $cert) = @_;
	return IO::Socket::SSL->new(PeerAddr => '127.0.0.1',
	    PeerPort => $i->port($proto), SSL_verify_mode => SSL_VERIFY_NONE,
	    Timeout => 60, $cert ? (SSL_cert_file => $t->path("$cert.pem"),
	    SSL_key_file => $t->path("$cert.pem.key")) : ())
	    || die "$proto: $SSL_ERROR\n";
}

# what IMAP says to it, or that it is not offered
sub imap {
	my ($cert, $authzid) = @_;
	my $c = client('imaps', $cert);
	return 'not offered' if <$c> !~ /AUTH=EXTERNAL/;
	print {$c} 'a AUTHENTICATE EXTERNAL ' .
	    (length $authzid ? encode_base64($authzid, '') : '=') . "\r\n";
	my $l = '';
	while (defined($l = <$c>)) {
		last if $l =~ /^a /;
	}
	return $l =~ /^a (\w+)/ ? $1 : 'lost';
}

is imap('', ''), 'not offered', 'without a certificate';
is imap('evil', ''), 'not offered', 'by another CA';
is imap('ann', ''), 'OK', 'by an address in it';
is imap('ann', 'ann'), 'OK', 'as oneself';
is imap('ann', 'bob@example.test'), 'NO', 'not as another';
is imap('two', ''), 'OK', 'one of two accounts: the first';
is imap('two', 'bob@example.test'), 'OK', 'or the one that is named';
is imap('two', 'carl@example.test'), 'NO', 'no other';
is imap('subject', ''), 'OK', 'by its subject' or diag $subject;
is imap('nobody', ''), 'NO', 'a certificate of nobody';
open my $fh, '>>', $i->conf_dir . '/certificates' or die;
print {$fh} "$print carl\@example.test\n";
close $fh;
ok $i->wait_for(sub { imap('nobody', '') eq 'OK' }), 'by its fingerprint';
my $log = $i->log;
my @in = $log =~ /auth\S+ login .*?user=(\w+)\@.*mech=EXTERNAL/g;
is "@in", 'ann ann ann bob carl carl', 'each as who it is';
like $log, qr/login-failed .*reason="a certificate of nobody"/, 'logged';

my $pop = client('pop3s', 'ann');
my $l = <$pop>;
print {$pop} "AUTH EXTERNAL =\r\n";
like scalar <$pop>, qr/^\+OK/, 'POP3';

# certificates that were revoked
my $ca = "$i->{tmp}/ca";
$i->spew("$ca.index", '');
$i->spew("$ca.cnf", "[ca]\ndefault_ca = a\n[a]\ndatabase = $ca.index\n" .
    "default_md = sha256\n");
my @ca = ('ca', '-config', "$ca.cnf", '-keyfile', $t->path('ca.pem.key'),
    '-cert', $t->path('ca.pem'));
my $crl = sub {
	$t->openssl(@ca, '-gencrl', '-out', $t->path('crl.pem'), @_);
	chmod 0644, $t->path('crl.pem');
	$i->reload;
};
$i->set_conf('tlsd.conf', client_crl => 'tls/crl.pem');
$t->openssl(@ca, '-revoke', $t->path('two.pem'));
$crl->('-crldays', 2);
is imap('ann', ''), 'OK', 'a certificate that is in no list';
is imap('two', ''), 'not offered', 'one that was revoked';
like $i->wait_log(qr/tlsd\S* certificate-refused .*revoked/),
    qr/client=127\.0\.0\.1 subject="CN=Two" why="certificate revoked"/, 'why';
$crl->('-crl_lastupdate', '20200101000000Z', '-crl_nextupdate',
    '20200102000000Z');
is imap('ann', ''), 'not offered', 'a list that has ended';
$i->set_conf('tlsd.conf', client_crl => '');
$i->reload;
is imap('two', ''), 'OK', 'without lists';

# a voucher is good for its own session, and nobody can make one
for my $voucher ('AAAA' x 20, encode_base64('x' x 200, '')) {
	my ($st, $out, $err) = $i->ctl('call', 'auth', 'sasl', 'mech=EXTERNAL',
	    'has_data=yes', 'service=imap', 'session=x', 'tls=yes',
	    "voucher=$voucher");
	like "$out$err", qr/5\.7\.8/, 'a made-up voucher';
}
done_testing;
