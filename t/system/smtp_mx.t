#!/usr/bin/perl
# Where smtp goes for a next hop: RFC 5321 section 5.1, RFC 7505.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use Test::More;
use Postrider::Hosts;
use Postrider::Instance;
use Postrider::Outbound;
use Postrider::Zone;

# a .. e: good hosts; bad says 421, us is the host itself
my $zone = <<'Z';
a A 127.0.0.11
b A 127.0.0.12
c A 127.0.0.13
bad A 127.0.0.19
us A 127.0.0.1
six A 127.0.0.11
six AAAA ::1
four AAAA ::1
ca CNAME a
deep CNAME ca
pref MX 20 b
pref MX 10 a
second MX 20 b
second MX 10 bad
equal MX 10 a
equal MX 10 b
alias CNAME pref
mxalias MX 10 ca
mxdeep MX 10 deep
null MX 0 .
dots MX 0 .
dots MX 10 a
bare A 127.0.0.13
empty TXT "nothing"
empty4 TXT "nothing"
four4 AAAA ::1
noaddr MX 10 empty
half MX 10 broken
half MX 20 b
fail A 127.0.0.13
slow A 127.0.0.13
drop A 127.0.0.13
bestus MX 10 us
bestus MX 20 a
named MX 10 mx.own.test.
local MX 10 localhost.
midus MX 10 bad
midus MX 20 us
midus MX 20 a
midus MX 30 b
bareus A 127.0.0.1
fam MX 10 six
fam4 MX 10 six
fam6 MX 10 six
onlyfour MX 10 four
xn--bcher-kva MX 10 c
src1 MX 10 a
Z
my $dns = Postrider::Zone->new(zones => { 'm.test' => $zone,
	'own.test' => "mx A 127.0.0.11\n",
	's.test' => "\@ MX 10 a\na A 127.0.0.11\n" },
    signed => ['s.test'],
    fault => { 'fail.m.test/MX' => 'servfail', 'broken.m.test' =>
	'servfail', 'drop.m.test/MX' => 'drop', 's.test/MX' => 'bogus' });
my $hosts = Postrider::Hosts->new(hosts => {
    '127.0.0.19' => { greeting => '421 4.3.2 not now' } });

my $i = Postrider::Instance->new;
$dns->configure($i);
$i->set_conf('common.conf', hostname => 'mx.own.test');
$i->set_conf('smtp.conf', port => $hosts->port,
    own_addresses => '127.0.0.1', reuse_messages => 1,
    mta_sts => 'no', tls_level => 'may',
    families => 'inline:empty4.m.test=ipv4;four4.m.test=ipv4;' .
	'fam4.m.test=ipv4;fam6.m.test=ipv6',
    bind_table => 'inline:src1.m.test=127.0.0.71,127.0.0.72;' .
	'x@y.test=127.0.0.73');
$i->start;
my $o = Postrider::Outbound->new($i);

# where it went, and what was said
sub goes {
	my ($nexthop, $hosts_want, $want, $name) = @_;
	$nexthop .= '.m.test' if $nexthop =~ /^\w+$/;
	my $got = $o->deliver($nexthop, "r\@$nexthop");
	is join(' ', map { s/^127\.0\.0\.//r } $hosts->came), $hosts_want,
	    $name;
	ref $want ? like $got, $want, '... and its result' :
	    is $got, $want, '... and its result';
	return;
}
my $sent = qr/^ok/;

# ---- order -----------------------------------------------------------
goes 'pref', '11', $sent, 'the best preference';
is $o->{last}{f}{site}, 'a.m.test', 'whose name is the site';
goes 'second', '19 12', $sent, 'then the second';
goes 'bare', '13', $sent, 'no MX records: the address of the domain';
is $o->{last}{f}{site}, 'bare.m.test', 'which is the site';
my %first;
for (1 .. 30) {
	last if keys %first == 2;
	$o->deliver('equal.m.test', 'r@equal.m.test');
	$first{$_}++ for $hosts->came;
}
is join(' ', sort keys %first), '127.0.0.11 127.0.0.12',
    'those of one preference take turns';
is $o->{last}{f}{site}, 'a.m.test,b.m.test', 'and are one site';

# ---- aliases ---------------------------------------------------------
$hosts->sent;
goes 'alias', '11', $sent, 'a domain that is an alias';
like join(' ', $hosts->sent), qr/r\@alias\.m\.test/,
    'the recipient stays as it is';
goes 'mxalias', '11', $sent, 'an MX that is one';
goes 'mxdeep', '11', $sent, 'twice';

# ---- what takes no mail ----------------------------------------------
goes 'empty4', '', qr/^0 failed 5\.1\.2 .*neither MX nor address/,
    'no addresses of either family, one of which is not used';
goes 'four4', '', qr/^0 deferred 4\.4\.4 /, 'only such that are not used';
goes 'null', '', qr/^0 failed 5\.1\.10 .*takes no mail.*; ok/, 'null MX';
goes 'dots', '11', $sent, 'one among others is passed over';
goes 'gone', '', qr/^0 failed 5\.1\.2 /, 'no such domain';
goes 'empty', '', qr/^0 failed 5\.1\.2 /, 'neither MX nor address';
goes 'a..b', '', qr/^0 failed 5\.1\.3 /, 'no domain at all';

# ---- what is not known -----------------------------------------------
goes 'fail', '', qr/^0 deferred 4\.4\.3 /,
    'SERVFAIL is no reason to use the address';
goes 's.test', '', qr/^0 deferred 4\.4\.3 /, 'nor is what DNSSEC refutes';
goes 'drop', '', qr/^0 deferred 4\.4\.3 /, 'nor is silence';
goes 'half', '12', $sent, 'a host that is not found is not the only one';
goes 'noaddr', '', qr/^0 deferred 4\.4\.4 /, 'MX without an address';

# ---- ourselves -------------------------------------------------------
goes 'bestus', '', qr/^0 failed 5\.4\.6 .*loops back/, 'we are the best';
goes 'named', '', qr/^0 failed 5\.4\.6 /, 'by our name';
goes 'local', '', qr/^0 failed 5\.4\.6 /, 'by localhost';
goes 'bareus', '', qr/^0 failed 5\.4\.6 /, 'by an address';
goes 'midus', '19', qr/^0 deferred 4\.3\.2 /,
    'only who is better than us is asked';
goes '[127.0.0.1]', '', qr/^0 failed 5\.4\.6 /, 'our address';

# ---- addresses -------------------------------------------------------
goes '[127.0.0.12]', '12', $sent, 'an address';
goes '[c.m.test]', '13', $sent, 'a host';
goes '[pref.m.test]', '', qr/^0 deferred 4\.4\.4 /, 'which has no MX';
goes '[127.0.0.1]:' . $hosts->port, '1', $sent, 'who names a port means it';
goes 'pref.m.test:' . $hosts->port, '11', $sent, 'a domain and a port';
goes '[127.0.0.12]:x', '', qr/^0 failed 5\.1\.3 /, 'which must be one';
goes encode_utf8('bücher.m.test'), '13', $sent, 'a name that is not ASCII';
goes 'fam', '11', $sent, 'IPv4 where IPv6 is refused';
my $mark = $i->log_mark;
goes 'fam4', '11', $sent, 'IPv4 alone, by the table';
unlike $i->log($mark), qr/connect-failed/, '... nothing else is tried';
goes 'fam6', '', qr/^0 deferred 4\.4\.1 .*\[::1\]/, 'IPv6 alone';

# ---- source addresses ------------------------------------------------
$hosts->from;
goes 'src1', '11', $sent, 'a pool';
my ($one) = $hosts->from;
like $one, qr/^127\.0\.0\.7[12]$/, 'one of it is the source';
goes 'src1', '11', $sent, 'again';
is join(' ', $hosts->from), $one, 'the same';
$o->deliver('pref.m.test', 'r@pref.m.test', sender => 'x@y.test');
is join(' ', $hosts->from), '127.0.0.73', 'a sender has its own';
done_testing;
