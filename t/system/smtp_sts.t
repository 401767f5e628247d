#!/usr/bin/perl
# MTA-STS (RFC 8461) and what the other side is told of it (RFC 8460): policies
# of a policy host of the test, servers that keep to them and others.  DANE
# wins.
use strict;
use warnings;
use JSON::PP qw(decode_json);
use POSIX qw(strftime);
use Test::More;
use Postrider::Day qw(day_left);
use Postrider::Hosts;
use Postrider::Instance;
use Postrider::Outbound;
use Postrider::PolicyHost;
use Postrider::Tls;
use Postrider::Zone;

day_left(120);

my $i = Postrider::Instance->new;
my $t = Postrider::Tls->new($i);
$t->servers(['*.x.test', '*.y.test']);

# ---- domain, its policy (mode, MX patterns), its host --------------------
my @d = (
	['good', 'enforce', 'h-good.x.test', { cert => 'good' }],
	['wild', 'enforce', '*.x.test', { cert => 'good' }],
	['late', 'enforce', '*.x.test', { cert => 'late' }],
	['name', 'enforce', '*.x.test', { cert => 'other' }],
	['self', 'enforce', '*.x.test', { cert => 'self' }],
	['mx', 'enforce', '*.other.test', { cert => 'good' }],
	['clear', 'enforce', '*.x.test', {}],
	['old', 'enforce', '*.x.test', { cert => 'good', proto => 'TLSv1_1' }],
	['req', 'enforce', '*.x.test', { cert => 'good', offer =>
	    ['REQUIRETLS'] }],
	['tgood', 'testing', '*.x.test', { cert => 'good' }],
	['tlate', 'testing', '*.x.test', { cert => 'late' }],
	['tname', 'testing', '*.x.test', { cert => 'other' }],
	['tmx', 'testing', '*.other.test', { cert => 'self' }],
	['tclear', 'testing', '*.x.test', {}],
	['off', 'none', '', { cert => 'self' }],
	['no', '', '', { cert => 'self' }],
	['table', 'enforce', '*.x.test', { cert => 'self' }],
	['bare', 'enforce', 'h-bare.x.test', {}],
	['alone', 'enforce', 'alone.x.test', { cert => 'good' }]);
my (%hosts, %ip, $zone);
$ip{ $_->[0] } = '127.0.1.' . (10 + keys %ip) for @d;
$hosts{ $ip{ $_->[0] } } = $_->[3] for @d;
my $hosts = Postrider::Hosts->new(tls => $t, hosts => \%hosts);
my $at = '_' . $hosts->port . '._tcp';

# the same names in a zone that is signed: with TLSA records
my @signed = (
	['dane', 'enforce', '*.other.test', $ip{self}, $t->tlsa('self')],
	['danebad', 'enforce', '*.y.test', $ip{good}, $t->tlsa('self')],
	['unusable', 'enforce', '*.y.test', $ip{self}, '0 0 1 ' . '00' x 32]);
$t->cert('web', ca => 'ca', names => [(map { "mta-sts.$_->[0].x.test" } @d),
    map { "mta-sts.$_->[0].y.test" } @signed]);
my $web = Postrider::PolicyHost->new(cert => { '' => [map {
    $t->path("web.pem$_") } '', '.key'] });

sub domain {
	my ($name, $zone, $mode, $mx, $addr, @tlsa) = @_;
	$web->policy("mta-sts.$name.$zone", "version: STSv1\r\nmode: $mode\r\n"
	    . ($mx && "mx: $mx\r\n") . "max_age: 86400\r\n") if $mode;
	# without MX records the domain is its own host
	return ($name =~ /^(?:bare|alone)$/ ? "$name A $addr\n" :
	    "$name MX 10 h-$name\nh-$name A $addr\n") .
	    "_smtp._tls.$name TXT \"v=TLSRPTv1; rua=mailto:x\@$name.$zone\"\n" .
	    ($mode ? "_mta-sts.$name TXT \"v=STSv1; id=1\"\n" .
	    "mta-sts.$name A 127.0.0.1\n" : '') .
	    join '', map { "$at.h-$name TLSA $_\n" } @tlsa;
}
my $dns = Postrider::Zone->new(signed => ['y.test'], zones => {
    'x.test' => join('', map { domain($_->[0], 'x.test', @$_[1, 2],
    $ip{ $_->[0] }) } @d),
    'y.test' => join('', map { domain($_->[0], 'y.test', @$_[1 .. 4]) }
    @signed) });
$dns->configure($i);
$i->set_conf('tlsd.conf', ca_file => $t->path('ca.pem'));
$i->set_conf('sts-fetch.conf', https_port => $web->port,
    private_networks => '127.0.0.1');
$i->set_conf('smtp.conf', port => $hosts->port, reuse_messages => 1,
    own_addresses => '127.0.0.1',
    tls_policy => 'inline:table.x.test=encrypt');
$i->start;
my $o = Postrider::Outbound->new($i);

sub sends {
	my ($domain, @more) = @_;
	$domain .= '.x.test' if $domain !~ /\./;
	return $o->tls($domain, @more);
}

is sends('good'), 'sts yes', 'enforce: a host of the policy';
is sends('wild'), 'sts yes', 'named by a pattern';
$hosts->sent;
like sends('late'), qr/^4\.7\.5 .*expired/, 'enforce: expired';
like sends('name'), qr/^4\.7\.5 .*hostname mismatch/, 'another name';
like sends('self'), qr/^4\.7\.5 .*self-signed/, 'nobody knows it';
like sends('mx'), qr/^4\.7\.5 .*not a host of the MTA-STS policy/,
    'a host that is not in the policy';
like sends('clear'), qr/^4\.7\.4 /, 'no STARTTLS';
like sends('old'), qr/^4\.7\.0 /, 'TLS 1.1';
is join(' ', $hosts->sent), '', 'nothing was sent to these';
is sends('req', requiretls => 'yes'), 'sts yes', 'enough for REQUIRETLS';

$hosts->sent;
like sends('bare'), qr/^4\.7\.5 .*not a host of the MTA-STS policy/,
    'that there are no MX records is no way around the policy';
is join(' ', $hosts->sent), '', 'nothing was sent to it';
is sends('alone'), 'sts yes', 'the domain itself is a host of its policy';

is sends('tgood'), 'sts yes', 'testing: a good one';
is sends('tlate'), 'sts no', 'testing: expired, and sent';
is sends('tname'), 'sts no', 'another name, and sent';
is sends('tmx'), 'sts no', 'a host that is not in the policy, and sent';
is sends('tclear'), 'clear', 'no STARTTLS, and sent';
is sends('off'), 'configured no', 'mode none';
is sends('no'), 'configured no', 'no policy';
like sends('table'), qr/^4\.7\.5 .*self-signed/,
    'a policy demands more than the table';

is sends('dane.y.test'), 'dane yes', 'DANE wins over a policy';
like sends('danebad.y.test'), qr/^4\.7\.5 .*TLSA/, 'also where it fails';
like sends('unusable.y.test'), qr/^4\.7\.5 .*self-signed/,
    'but TLSA records that can not be used leave the policy in force';

# ---- the report of today: what was counted for whom ----------------------
my $json = JSON::PP->new;
sub counts {
	my %c;
	my $text = $i->ctl_ok('tls-policy', 'report', '--day',
	    strftime('%Y-%m-%d', gmtime));
	while ($text =~ /^# (\S+?)\.[xy]\.test: [^\n]*\n(\{.*?^\})/msg) {
		my $name = $1;
		for my $p (@{ decode_json($2)->{policies} }) {
			push @{ $c{$name} }, join ' ',
			    $p->{policy}{'policy-type'},
			    $p->{summary}{'total-successful-session-count'} //
			    0, map { $_->{'result-type'} }
			    @{ $p->{'failure-details'} || [] };
		}
	}
	return \%c;
}
my %want = (
	good => 'sts 1',
	late => 'sts 0 certificate-expired',
	name => 'sts 0 certificate-host-mismatch',
	self => 'sts 0 certificate-not-trusted',
	mx => 'sts 0 validation-failure',
	clear => 'sts 0 starttls-not-supported',
	old => 'sts 0 validation-failure',
	tgood => 'sts 1',
	tlate => 'sts 0 certificate-expired',
	tmx => 'sts 0 validation-failure',
	tclear => 'sts 0 starttls-not-supported',
	no => 'no-policy-found 1',
	dane => 'tlsa 1',
	unusable => 'sts 0 certificate-not-trusted; tlsa 0 tlsa-invalid',
	danebad => 'tlsa 0 certificate-not-trusted');
my $c = {};
$i->wait_for(sub { $c = counts(); !grep { $want{$_} ne
    join '; ', sort @{ $c->{$_} || [] } } keys %want });
is join('; ', sort @{ $c->{$_} || ['nothing'] }), $want{$_}, "counted: $_"
    for sort keys %want;

# ---- no stsd at all --------------------------------------------------
unlink $i->dir . '/run/private/stsd';
is sends('late'), 'configured no', 'without stsd no policy holds';
ok $i->wait_log(qr/ no-stsd level=warn /), '... which is told';
done_testing;
