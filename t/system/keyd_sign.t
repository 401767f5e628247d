#!/usr/bin/perl
# What keyd does for whom: signatures for handshakes only, certificates,
# secrets of tickets, and refusals.
use strict;
use warnings;
use MIME::Base64;
use Test::More;
use Time::HiRes qw(sleep time);
use Postrider::Instance;
use Postrider::Ipc;
use Postrider::Tls;

my $i = Postrider::Instance->new;
my $t = Postrider::Tls->new($i);
$t->cert('ec', names => ['a.test']);
$t->cert('rsa', type => 'rsa', names => ['a.test']);
$t->cert('ed', type => 'ed25519', names => ['a.test']);
$t->cert('open', names => ['open.test']);
chmod 0644, $t->path('open.pem.key');
$t->cert('lost', names => ['lost.test']);
unlink $t->path('lost.pem.key');
$t->cert('elsewhere', names => ['else.test']);
rename $t->path('elsewhere.pem.key'), $t->path('some.key');
$i->set_conf('keyd.conf', ticket_lifetime => '6s', keys => 'tls/some.key',
    check_interval => '100ms', certificates => join ' ', map { "tls/$_.pem" }
    qw(ec rsa ed open lost elsewhere missing));
$i->start;
my $socket = $i->dir . '/run/private/keyd';
my $c = Postrider::Ipc->connect($socket);

# --- which there are
my $r = $c->call('certs');
my @id = map { $_->{f}{id} } @{ $r->{more} };
is scalar @id, 4, 'four of seven certificates are good';
like $i->log, qr/certificate-bad .*open\.pem.*mode 0644 lets everybody/,
    'a key that all can read';
like $i->log, qr/certificate-bad .*lost\.pem.*key\.pem is another cert/,
    'none of its own';
like $i->log, qr/certificate-bad .*missing\.pem.*No such file/, 'no file';
like $i->log, qr/certificate file=\S+elsewhere\.pem key=\S+some\.key/,
    'a key of the list';

# --- what is signed
my $v13 = (' ' x 64) . "TLS 1.3, server CertificateVerify\0" . ('h' x 32);
my $v12 = ('r' x 64) . "\3\0\x1d\x20" . ('p' x 32);
sub sign {
	my ($n, $scheme, $tbs) = @_;
	my $m = $c->call('sign', [id => $id[$n], scheme => $scheme,
	    tbs => encode_base64($tbs, '')]);
	return $m->{verb} eq 'ok' ? decode_base64($m->{f}{signature}) :
	    $m->{f}{dsn};
}
sub verify {
	my ($name, $sig, $tbs, @opt) = @_;
	my ($s, $d, $p) = map { "$t->{tmp}/$_" } qw(sig tbs pub);
	$i->spew($s, $sig);
	$i->spew($d, $tbs);
	$i->spew($p, $t->openssl('x509', '-in', $t->path("$name.pem"),
	    '-noout', '-pubkey'));
	return eval { $t->openssl('pkeyutl', '-verify', '-pubin', '-inkey',
	    $p, '-sigfile', $s, '-rawin', '-in', $d, @opt) } // $@;
}
like verify('ec', sign(0, 0x0403, $v13), $v13, '-digest', 'sha256'),
    qr/Verified Success/, "ECDSA, $_" for 'once', 'again';
like verify('rsa', sign(1, 0x0804, $v13), $v13, '-digest', 'sha256',
    '-pkeyopt', 'rsa_padding_mode:pss', '-pkeyopt', 'rsa_pss_saltlen:32'),
    qr/Verified Success/, 'RSA-PSS';
like verify('rsa', sign(1, 0x0501, $v12), $v12, '-digest', 'sha384'),
    qr/Verified Success/, 'RSA with PKCS #1 for TLS 1.2';
like verify('ed', sign(2, 0x0807, $v12), $v12), qr/Verified Success/,
    "Ed25519, $_" for 'once', 'again';
my @schemes = ([0x0806, 'sha512', 'pss'], [0x0401, 'sha256', 'pkcs1']);
for (@schemes, @schemes) {
	my ($scheme, $md, $pad) = @$_;
	like verify('rsa', sign(1, $scheme, $v12), $v12, '-digest', $md,
	    '-pkeyopt', "rsa_padding_mode:$pad"), qr/Verified Success/,
	    "RSA, $pad, $md";
}

# --- what is not
is sign(1, 0x0401, $v13), '5.5.4', 'not PKCS #1 for TLS 1.3';
is sign(1, 0x0201, $v12), '5.5.4', 'nor SHA-1, unless it is allowed';
is sign(1, 0, $v12), '5.5.4', 'nor MD5 with SHA-1';
is sign(0, 0x0804, $v13), '5.5.4', 'nor with the scheme of another key';
is sign(0, 0x0403, "From: a\r\n\r\nmail"), '5.7.0', 'nor any text';
(my $client = $v13) =~ s/server/client/;
is sign(0, 0x0403, $client), '5.7.0', 'nor as a client';
is sign(0, 0x0403, $v13 . 'x'), '5.7.0', 'nor more';
is sign(0, 0x0403, substr $v12, 0, 90), '5.7.0', 'nor less';
is $c->call('sign', [id => 'ff' x 32, scheme => 0x0403,
    tbs => encode_base64($v13, '')])->{f}{dsn}, '5.5.1', 'no such key';
is $c->call('sign', [id => $id[0], scheme => 0x0403, tbs => '!'])->{f}{dsn},
    '5.5.4', 'no base64';

# --- who may
SKIP: {
	skip 'all are one user here', 2 if $>;
	for my $user (qw(postrider-net postrider-auth)) {
		my ($uid, $gid) = (getpwnam $user)[2, 3];
		my $suite = getgrnam 'postrider';
		pipe my $in, my $out;
		my $pid = fork;
		if (!$pid) {
			$) = "$gid $suite";
			$> = $uid;
			my $m = eval { Postrider::Ipc->connect($socket)->call(
			    'sign', [id => $id[0], scheme => 0x0403,
			    tbs => encode_base64($v13, '')]) };
			syswrite $out, ($m && $m->{verb} eq 'ok') ? 'yes' :
			    'no';
			POSIX::_exit(0);
		}
		waitpid $pid, 0;
		sysread $in, my $said, 10;
		is $said, 'no', "$user gets no signature";
	}
}

# --- tickets
$r = $c->call('tickets');
my @first = @{ $r->{l}{keys} };
ok scalar @first, 'secrets';
is length decode_base64($first[0]), 80, 'of 80 octets';
ok $i->wait_for(sub {
	$r = $c->call('tickets');
	return $r->{l}{keys}[0] ne $first[0];
}), 'then another';
is $r->{l}{keys}[1], $first[0], 'before the first';
ok $i->wait_for(sub {
	$r = $c->call('tickets');
	return !grep { $_ eq $first[0] } @{ $r->{l}{keys} };
}), 'which is forgotten after its time';

# --- who waits for news
$r = $c->call('certs');
my $generation = $r->{f}{generation};
my $start = time;
$r = $c->call('certs', [known => $generation, wait => '300ms']);
is $r->{f}{generation}, $generation, 'none: the time is over';
cmp_ok time - $start, '>=', 0.25, 'not before';
my $w = Postrider::Ipc->connect($socket);
$w->send('certs', [known => $generation, wait => '20s']);
chmod 0600, $t->path('open.pem.key');
my @more;
while (my $m = $w->recv(10)) {
	push @more, $m;
	last if $m->{verb} ne 'more';
}
is $more[-1]{verb}, 'ok', 'news';
isnt $more[-1]{f}{generation}, $generation, 'of another generation';
is scalar(@more) - 1, 5, 'with the certificate whose key was put right';
done_testing;
