#!/usr/bin/perl
# How much TLS smtp demands of a server: DANE (RFC 7672), levels of the table,
# REQUIRETLS (RFC 8689).  smtp_sts.t has MTA-STS.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex sha512_hex);
use Test::More;
use Postrider::Hosts;
use Postrider::Instance;
use Postrider::Outbound;
use Postrider::Tls;
use Postrider::Zone;

my $i = Postrider::Instance->new;
my $t = Postrider::Tls->new($i);
$t->servers(['*.d.test', '*.u.test'], 'self.test');
my %ee = map { $_ => $t->tlsa($_) } qw(self late good);
my $ta = '2 0 1 ' . sha256_hex($t->der('ca'));

# ---- one domain a line, one host a domain ----------------------------
# name, the host (Hosts.pm), its TLSA records, where they lie if not there
my @d = (
	['ee', { cert => 'self' }, [$ee{self}]],
	['eelate', { cert => 'late' }, [$ee{late}]],
	['cert', { cert => 'self' }, ['3 0 2 ' . sha512_hex($t->der('self'))]],
	['ta', { cert => 'good' }, [$ta]],
	['taname', { cert => 'other' }, [$ta]],
	['talate', { cert => 'late' }, [$ta]],
	['two', { cert => 'self' }, [$ee{good}, $ee{self}]],
	['agile', { cert => 'self' }, [$ee{self}, '3 1 2 ' . '00' x 64]],
	['wrong', { cert => 'self' }, [$ee{good}]],
	['clear', {}, [$ee{self}]],
	['refused', { cert => 'self', refuse => '454 4.7.0 not now' },
	    [$ee{self}]],
	['usage', { cert => 'self' }, ['0 0 1 ' . '00' x 32, '1 1 1 ' .
	    '00' x 32, '3 9 1 ' . '00' x 32, '3 1 9 00']],
	['usageclear', {}, ['1 1 1 ' . '00' x 32]],
	['bogus', { cert => 'self' }, [$ee{self}]],
	['fails', { cert => 'self' }, [$ee{self}]],
	['nosig', { cert => 'self' }, [$ee{self}]],
	['none', { cert => 'self' }],
	['noneclear', {}],
	['nonebroken', { cert => 'self', proto => 'TLSv1_1' }],
	# by the table
	map { [$_->[0], $_->[1]] } (
	['off', { cert => 'self' }],
	['enc', { cert => 'self' }], ['encclear', {}],
	['ver', { cert => 'good' }], ['vername', { cert => 'other' }],
	['verlate', { cert => 'late' }], ['verself', { cert => 'self' }],
	['sec', { cert => 'other' }], ['secname', { cert => 'other' }],
	['fp', { cert => 'self' }], ['fpno', { cert => 'good' }],
	['only', { cert => 'self' }],
	['broken', { cert => 'self' }],
	['min', { cert => 'self', proto => 'TLSv1_2' }],
	# of messages that demand TLS
	['req', { cert => 'good', offer => ['REQUIRETLS'] }],
	['reqself', { cert => 'self', offer => ['REQUIRETLS'] }],
	['reqno', { cert => 'good' }]));
my (%hosts, %ip, $zone);
for (@d) {
	my ($name, $host) = @$_;
	$ip{$name} = '127.0.1.' . (10 + keys %ip);
	$hosts{ $ip{$name} } = $host;
}
my $hosts = Postrider::Hosts->new(tls => $t, hosts => \%hosts);
my $at = '_' . $hosts->port . '._tcp';
for (@d) {
	my ($name, undef, $tlsa) = @$_;
	$zone .= "$name MX 10 h-$name\nh-$name A $ip{$name}\n" .
	    join '', map { "$at.h-$name TLSA $_\n" } @{ $tlsa || [] };
}
$zone .= <<"Z";
next MX 10 h-wrong
next MX 20 h-ee
alias MX 10 cn
cn CNAME h-ee
own MX 10 cn2
cn2 CNAME h.u.test.
$at.cn2 TLSA $ee{self}
reqaway MX 10 h-reqno
reqaway MX 20 away
away AAAA ::1
bare A $ip{ee}
$at.bare TLSA $ee{self}
Z
my $dns = Postrider::Zone->new(signed => ['d.test'], zones => {
	'd.test' => $zone,
	'u.test' => "\@ MX 10 h\nh A $ip{ee}\n$at.h TLSA $ee{good}\n" .
	    "toward MX 10 h-wrong.d.test.\nclear MX 10 c\n" .
	    "c A $ip{noneclear}\n" },
    fault => { "$at.h-bogus.d.test/TLSA" => 'bogus',
	"$at.h-fails.d.test/TLSA" => 'servfail',
	"$at.h-nosig.d.test/TLSA" => 'nosig' });
$dns->configure($i);
$i->set_conf('tlsd.conf', ca_file => 'tls/ca.pem');
$i->spew($i->conf_dir . '/tls_policy', <<"P");
off.d.test	none
enc.d.test	encrypt
encclear.d.test	encrypt
ver.d.test	verify
vername.d.test	verify
verlate.d.test	verify
verself.d.test	verify
sec.d.test	secure match=other.test:x.test
secname.d.test	secure
fp.d.test	fingerprint @{[sha256_hex($t->der('self'))]}
fpno.d.test	fingerprint @{[sha256_hex($t->der('self'))]}
only.d.test	dane-only
min.d.test	encrypt min=1.3
broken.d.test	encrypted
P
chmod 0644, $i->conf_dir . '/tls_policy';
$i->set_conf('smtp.conf', port => $hosts->port, reuse_messages => 1,
    own_addresses => '127.0.0.1', tls_policy => 'text:tls_policy');
$i->start;
my $o = Postrider::Outbound->new($i);

sub sends {
	my ($domain, @more) = @_;
	$domain .= '.d.test' if $domain !~ /\./;
	return $o->tls($domain, @more);
}

# ---- DANE ------------------------------------------------------------
is sends('ee'), 'dane yes', 'DANE-EE: whatever name';
is +($hosts->names)[0], "$ip{ee} h-ee.d.test", 'asked for by its name';
is sends('eelate'), 'dane yes', 'DANE-EE: expired or not';
is sends('cert'), 'dane yes', 'SHA-512 of the certificate';
is sends('ta'), 'dane yes', 'DANE-TA';
like sends('taname'), qr/^4\.7\.5 .*hostname mismatch/,
    'DANE-TA with a wrong name';
like sends('talate'), qr/^4\.7\.5 .*expired/, 'DANE-TA, expired';
is sends('two'), 'dane yes', 'one of two records';
like sends('agile'), qr/^4\.7\.5 .*TLSA/, 'the strongest digest counts';
$hosts->sent;
like sends('wrong'), qr/^4\.7\.5 .*TLSA/, 'no record fits';
like sends('clear'), qr/^4\.7\.4 /, 'TLSA records and no STARTTLS';
like sends('refused'), qr/^4\.7\.0 /, 'or one that is refused';
is join(' ', $hosts->sent), '', 'nothing was sent to these';
is sends('next'), 'dane yes', 'the next host is right';
is sends('usage'), 'dane no', 'no usable record: TLS, and no more';
like sends('usageclear'), qr/^4\.7\.4 /, 'but that';
like sends('bogus'), qr/^4\.4\.3 /, 'records that DNSSEC refutes';
like sends('fails'), qr/^4\.4\.3 /, 'an answer that fails';
like sends('nosig'), qr/^4\.4\.3 /, 'signatures that are cut off';
is sends('none'), 'configured no', 'no records: TLS if it can be had';
is sends('noneclear'), 'clear', 'else none';
is sends('nonebroken'), 'clear', 'nor where it fails';
is sends('u.test'), 'configured no', 'records that are not proven';
is sends('toward.u.test'), 'configured no',
    'a proven host of a domain that is not';
$hosts->names;
is sends('alias'), 'dane yes', 'an alias of a host: its records';
is +($hosts->names)[0], "$ip{ee} h-ee.d.test", '... and its name';
is sends('own'), 'dane yes', 'an alias that leads out of DNSSEC: its own';
is +($hosts->names)[0], "$ip{ee} cn2.d.test", '... and its own name';
is sends('bare'), 'dane yes', 'a domain without MX';

# ---- levels ----------------------------------------------------------
is sends('off'), 'clear', 'none';
is sends('enc'), 'configured no', 'encrypt';
like sends('encclear'), qr/^4\.7\.4 /, 'encrypt, and no STARTTLS';
is sends('ver'), 'configured yes', 'verify';
like sends('vername'), qr/^4\.7\.5 .*mismatch/, 'verify: another name';
like sends('verlate'), qr/^4\.7\.5 .*expired/, 'verify: expired';
like sends('verself'), qr/^4\.7\.5 .*self-signed/, 'verify: nobody knows it';
is sends('sec'), 'configured yes', 'secure: a name of the table';
like sends('secname'), qr/^4\.7\.5 .*mismatch/, 'secure: the domain\'s name';
is sends('fp'), 'configured yes', 'fingerprint';
like sends('fpno'), qr/^4\.7\.5 .*fingerprint/, 'another one';
like sends('only'), qr/^4\.7\.5 .*TLSA/, 'dane-only, and no records';
like sends('min'), qr/^4\.7\.0 /, 'TLS 1.3 and a server of 1.2';
like sends('broken'), qr/^4\.3\.5 .*not understood: encrypted/,
    'a level that there is not';

# ---- REQUIRETLS ------------------------------------------------------
my @req = (requiretls => 'yes');
is sends('req', @req), 'requiretls yes', 'REQUIRETLS';
like sends('reqself', @req), qr/^5\.7\.10 /, 'not to whom nobody knows';
like sends('reqno', @req), qr/^5\.7\.30 .*REQUIRETLS/,
    'nor to whom would not keep it';
like sends('noneclear', @req), qr/^5\.7\.10 /, 'nor in the clear';
like sends('reqaway', @req), qr/^4\.4\.1 /, 'but one that is away may do it';
like sends('nonebroken', @req), qr/^4\.7\.0 /, '... or TLS that breaks off';
done_testing;
