#!/usr/bin/perl
# tlsd as the client: what servers' certificates must fulfil.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use MIME::Base64;
use Test::More;
use Postrider::Instance;
use Postrider::Ports;
use Postrider::Tls;

my $i = Postrider::Instance->new;
my $t = Postrider::Tls->new($i);
$t->cert('ca', is_ca => 1, names => ['ca.test'], cn => 'Servers');
$t->cert('mx', ca => 'ca', names => ['mx.test', '*.wild.test',
    'IP:192.0.2.7']);
$t->cert('self', names => ['self.test']);
$t->cert('late', ca => 'ca', names => ['mx.test'], days => -1);
$i->set_conf('tlsd.conf', ca_file => 'tls/ca.pem');
$i->start;

# openssl s_server, which says "hello" to who comes
my @servers;
sub server {
	my ($name, @arg) = @_;
	my $port = Postrider::Ports::spare();
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		exec 'openssl', 's_server', '-accept', "127.0.0.1:$port",
		    '-cert', $t->path("$name.pem"), '-cert_chain',
		    $t->path("$name.pem"), '-key', $t->path("$name.pem.key"),
		    '-rev', '-quiet', @arg;
	}
	push @servers, $pid;
	$i->wait_for(sub { Postrider::Ports::listens($port) }) or
	    die "no server\n";
	return $port;
}
# "ok" or why not
sub try_it {
	my ($port, @o) = @_;
	my $c = $t->connect($port, @o, 'service=smtp');
	$c->until(qr/FACTS version=.*\n|^failed.*\n/m);
	return $1 if $c->{text} =~ /^(failed.*)/m;
	my ($v) = $c->{text} =~ /verified=(\w+)/;
	$c->say('abc');
	return 'no echo' if !$c->until(qr/cba/);
	return "ok verified=$v";
}

my $mx = server('mx');
my $self = server('self');
my $late = server('late');

# --- none
is try_it($self, 'verify=none'), 'ok verified=no', 'none: anything';
my $c = $t->connect($mx, 'service=smtp', 'sni=mx.test');
$c->until(qr/FACTS .*\n/);
like $c->{text}, qr/version=TLSv1\.3 .*sni=mx\.test .*subject="?CN=test/,
    'facts';
like $c->{text}, qr/fingerprint=[0-9a-f]{64}/, 'the fingerprint';
like $c->{text}, qr/end_point="\S{44}"/, 'and channel binding';
$c->done;		# a server has one client at a time

# --- pkix
is try_it($mx, 'verify=pkix', 'name=mx.test'), 'ok verified=yes', 'pkix';
is try_it($mx, 'verify=pkix', 'name=other.test', 'name=mx.test'),
    'ok verified=yes', 'one of the names';
is try_it($mx, 'verify=pkix', 'name=a.wild.test'), 'ok verified=yes',
    'a wildcard';
like try_it($mx, 'verify=pkix', 'name=a.b.wild.test'),
    qr/^failed 4\.7\.5 certificate: .*[Hh]ostname mismatch/,
    'for one label only';
is try_it($mx, 'verify=pkix', 'name=192.0.2.7'), 'ok verified=yes',
    'an address';
like try_it($mx, 'verify=pkix', 'name=192.0.2.8'),
    qr/^failed 4\.7\.5 .*IP address mismatch/, 'another';
like try_it($mx, 'verify=pkix', 'name=other.test'),
    qr/^failed 4\.7\.5 .*mismatch/, 'another name';
like try_it($self, 'verify=pkix', 'name=self.test'),
    qr/^failed 4\.7\.5 certificate: self.signed/, 'an unknown issuer';
like try_it($mx, 'verify=pkix', 'name=test'), qr/^failed 4\.7\.5 .*mismatch/,
    'the common name is none';
like try_it($late, 'verify=pkix', 'name=mx.test'),
    qr/^failed 4\.7\.5 certificate: .*expired/, 'expired';
ok $i->wait_log(qr/handshake-failed .*service=smtp.*why="certificate: /),
    'is in the log';

is try_it($late, 'verify=pkix', 'name=mx.test', 'lenient=yes'),
    'ok verified=no', 'expired, and that is only told';
$c = $t->connect($self, 'service=smtp', 'verify=pkix', 'name=no.test',
    'lenient=yes');
$c->until(qr/FACTS .*\n/);
like $c->{text}, qr/ why="certificate: self-signed certificate"/, 'and why';
$c->done;
is try_it($mx, 'verify=pkix', 'name=mx.test', 'lenient=yes'),
    'ok verified=yes', 'or that it is good';

# --- fingerprint
sub der {
	my ($b64) = $i->slurp($t->path("$_[0].pem")) =~
	    /BEGIN CERTIFICATE-----\n(.*?)-----END/s;
	return decode_base64($b64);
}
sub spki {
	my ($b64) = $t->openssl('x509', '-in', $t->path("$_[0].pem"),
	    '-noout', '-pubkey') =~ /KEY-----\n(.*?)-----END/s;
	return decode_base64($b64);
}
my $fp = sha256_hex(der('self'));
is try_it($self, 'verify=fingerprint', "fingerprint=$fp"), 'ok verified=yes',
    'fingerprint of the certificate';
is try_it($self, 'verify=fingerprint', 'fingerprint=' .
    uc sha256_hex(spki('self'))), 'ok verified=yes', 'or of its key';
like try_it($mx, 'verify=fingerprint', "fingerprint=$fp"),
    qr/^failed 4\.7\.5 .*fingerprint/, 'another certificate';

# --- DANE
my $ee = '3 1 1 ' . sha256_hex(spki('self'));
my $ta = '2 0 1 ' . sha256_hex(der('ca'));
is try_it($self, 'verify=dane', 'name=any.test', "tlsa=$ee"),
    'ok verified=yes', 'DANE-EE: no name, no issuer';
is try_it($mx, 'verify=dane', 'name=mx.test', "tlsa=$ta"),
    'ok verified=yes', 'DANE-TA';
like try_it($mx, 'verify=dane', 'name=no.test', "tlsa=$ta"),
    qr/^failed 4\.7\.5 .*mismatch/, 'which checks the name';
like try_it($mx, 'verify=dane', 'name=mx.test', "tlsa=$ee"),
    qr/^failed 4\.7\.5/, 'another key';
is try_it($mx, 'verify=dane', 'name=mx.test', "tlsa=$ee", "tlsa=$ta"),
    'ok verified=yes', 'one of two records';
like try_it($mx, 'verify=dane', 'name=mx.test', 'tlsa=1 0 1 ' .
    sha256_hex(der('mx'))), qr/^failed 4\.7\.5 no TLSA record can be used/,
    'usage 1 is of no use for mail';
like try_it($mx, 'verify=dane', 'name=mx.test', 'tlsa=3 1'),
    qr/^failed 5\.5\.4 bad TLSA/, 'half a record';

# --- versions
my $old = server('mx', '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0');
like try_it($old, 'verify=none'), qr/^failed 4\.7\.0 /, 'TLS 1.1: no';
my $two = server('mx', '-tls1_2');
is try_it($two, 'verify=pkix', 'name=mx.test'), 'ok verified=yes', 'TLS 1.2';
like try_it($two, 'verify=none', 'min=1.3'), qr/^failed 4\.7\.0 /,
    'where 1.3 is wanted: no';
is try_it($mx, 'verify=none', 'min=1.3'), 'ok verified=no', 'TLS 1.3';
is try_it($mx, 'verify=none', 'alpn=smtp'), 'ok verified=no', 'with ALPN';

# --- no TLS at all
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5);
my $pid = fork;
if (!$pid) {
	for (1 .. 2) {
		my $c = $s->accept;
		print {$c} "220 hello\r\n";
		sleep 2 if $_ == 2;
	}
	POSIX::_exit(0);
}
like try_it($s->sockport, 'verify=none'),
    qr/^failed 4\.7\.0 the server sent plain text/, 'plain text';
END {
	local $?;
	for (@servers) {
		kill 'KILL', $_;
		waitpid $_, 0;
	}
	kill 'KILL', $pid if $pid;
}
done_testing;
