#!/usr/bin/perl
# The profiles of tlsd, and settings that can not be; all as one user.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Tls;

my $i = Postrider::Instance->new(single_uid => 1);
my $t = Postrider::Tls->new($i);
$t->cert('ec', names => ['a.test']);
$t->cert('rsa', type => 'rsa', names => ['a.test']);
$i->set_conf('keyd.conf', certificates => 'tls/ec.pem tls/rsa.pem');
$i->start;
my $port = $t->serve(service => 'imap');

# "TLSv1.2 SUITE", or "no"
sub gets {
	my ($v, @suite) = @_;
	my $f = $t->client($port, "-$v",
	    map { ('-cipher', "$_:\@SECLEVEL=0") } @suite)->facts;
	return $f->{version} ? "$f->{version} $f->{cipher}" : 'no';
}

is gets('tls1_2', 'ECDHE-RSA-AES128-GCM-SHA256'),
    'TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256', 'intermediate';
is gets('tls1_1', 'ALL'), 'no', 'without TLS 1.1';

# AES-128 first, but who puts ChaCha20 first gets that
sub suite {
	return $t->client($port, '-ciphersuites', join(':', map {
		$_ eq 'chacha' ? 'TLS_CHACHA20_POLY1305_SHA256' :
		    "TLS_AES_$_" } @_))->facts->{cipher} // 'no';
}
my @aes = ('256_GCM_SHA384', '128_GCM_SHA256');
is suite(@aes, 'chacha'), 'TLS_AES_128_GCM_SHA256', 'AES-128 is enough';
like suite('chacha', @aes), qr/CHACHA/, 'ChaCha20 where it comes first';
is suite($aes[0]), 'TLS_AES_256_GCM_SHA384', 'AES-256 where it is alone';

for (['ciphers', 'NONSENSE'], ['suites', 'NONSENSE'], ['groups', 'P-1'],
    ['client_ca', 'none.pem'], ['client_crl', 'none.pem']) {
	$i->set_conf('tlsd.conf', @$_);
	my ($rc, $out, $err) = $i->ctl('reload');
	isnt $rc, 0, "$_->[0] = $_->[1] is refused" or diag $out;
	like $err, qr/not reloaded/, 'with a text';
	$i->set_conf('tlsd.conf', $_->[0], '');
}
ok $t->client($port)->echo('x'), 'and all goes on';

$i->set_conf('tlsd.conf', profile => 'old');
$i->set_conf('keyd.conf', weak_hashes => 'yes');
$i->reload;
for ([tls1 => 'TLSv1'], [tls1_1 => 'TLSv1.1'], [tls1_2 => 'TLSv1.2']) {
	my ($v, $name) = @$_;
	for my $suite ('ECDHE-RSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA',
	    'DHE-RSA-AES128-SHA') {
		is gets($v, $suite), "$name $suite", 'old';
	}
	is gets($v, 'AES128-SHA'), 'no', 'but no RSA key exchange';
}
like gets('tls1_3'), qr/^TLSv1\.3/, 'old: TLS 1.3';

$i->set_conf('tlsd.conf', profile => 'strict');
$i->reload;
like gets('tls1_3'), qr/^TLSv1\.3/, 'strict: TLS 1.3';
is gets('tls1_2', 'ALL'), 'no', 'and nothing else';

$i->set_conf('tlsd.conf', profile => 'intermediate', ciphers =>
    'ECDHE+AESGCM:AES128-SHA', groups => 'P-384', suites =>
    'TLS_AES_256_GCM_SHA384');
$i->reload;
is suite(reverse @aes), 'TLS_AES_256_GCM_SHA384', 'suites';
is suite('chacha'), 'no', 'and no others';
is gets('tls1_2', 'AES128-SHA'), 'no', 'a list cannot allow RSA key exchange';
my $c = $t->client($port);
ok $c->until(qr/Server Temp Key: ECDH, (?:secp384r1|P-384)/), 'groups';
done_testing;
