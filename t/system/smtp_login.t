#!/usr/bin/perl
# smtp logs in at other servers: at our own submission by every mechanism, at
# servers that cheat, with tokens; whose account it is, and who knows what.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(hmac_sha1 sha1);
use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More;

use Postrider::Instance;
use Postrider::Issuer;
use Postrider::Outbound;
use Postrider::Tables;
use Postrider::Tls;
use Postrider::Zoo;

my $odd = 'Xq7,="geheim" \\Tz2k';
my $issuer = Postrider::Issuer->new('https://id.test');

# --- where we log in ---
my $there = Postrider::Instance->new(users => { bob => $odd },
    domains => ['there.test'], conf => {
    'common.conf' => { hostname => 'there.test' },
    'submission.conf' => { sender_check => 'off' },
    'auth.conf' => { failure_delay => '0s', failure_delay_max => '0s',
	oauth_keys => 'idp.jwks', oauth_issuer => 'https://id.test',
	oauth_audience => 'mail', allow_plain_storage => 'yes',
	mechanisms => 'SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS ' .
	    'SCRAM-SHA-1 OAUTHBEARER XOAUTH2 CRAM-MD5 PLAIN LOGIN' } });
$there->spew($there->conf_dir . '/idp.jwks', $issuer->jwks);
chmod 0644, $there->conf_dir . '/idp.jwks';

# a verifier of SCRAM-SHA-1
sub verifier {
	my ($password) = @_;
	my $u = hmac_sha1('salt' . pack('N', 1), $password);
	my $salted = $u;
	$salted ^= $u = hmac_sha1($u, $password) for 2 .. 4096;
	return 'SCRAM-SHA-1$4096:' . encode_base64('salt', '') . '$' .
	    join ':', map { encode_base64($_, '') }
	    sha1(hmac_sha1('Client Key', $salted)),
	    hmac_sha1('Server Key', $salted);
}
open my $fh, '>>', $there->conf_dir . '/users' or die "users: $!\n";
print {$fh} "carl\@there.test pass={PLAIN}uralt pass=", verifier('uralt'),
    "\n";
close $fh;
$there->ctl_ok('map', 'users');
my $certs = Postrider::Tls->new($there);
$certs->cert('ca', is_ca => 1, names => ['ca.test'], cn => 'Servers');
$certs->cert('srv', ca => 'ca', names => ['IP:127.0.0.1']);
$there->set_conf('keyd.conf', certificates => 'tls/srv.pem');
$there->start;

# --- who logs in ---
my $here = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
    'smtp.conf' => { mta_sts => 'no', tls_level => 'may',
	reuse_messages => 50, tls_policy => 'text:tls_policy' },
    'tlsd.conf' => { ca_file => 'tls/ca.pem' },
    'mapd.conf' => { tables => 'refresh:idp.refresh' } });
my $c = $here->conf_dir;
$here->spew("$c/tls/ca.pem", $there->slurp($certs->path('ca.pem')));
$here->spew("$c/tls_policy", "127.0.0.1 secure\n");
chmod 0644, "$c/tls/ca.pem", "$c/tls_policy";

# an issuer of access tokens; what it gives out, one after the other
my $idp = Postrider::Tables->daemon('nobody');
$idp->spew($idp->dir . '/idp.py', <<'END2');
import http.server, json, sys, urllib.parse
d, port = sys.argv[1], int(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        q = urllib.parse.parse_qs(self.rfile.read(int(
            self.headers['Content-Length'])).decode())
        open(d + '/asked', 'a').write(json.dumps(q, sort_keys=True) + '\n')
        good = q.get('client_secret') == ["it's & secret"]
        n = len(open(d + '/asked').readlines())
        token = open(d + '/tokens').read().split()
        body = json.dumps(dict(access_token=token[min(n, len(token)) - 1],
            token_type='Bearer', expires_in=3600) if good else
            dict(error='invalid_client')).encode()
        self.send_response(200 if good else 400)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
http.server.HTTPServer(('127.0.0.1', port), Handler).serve_forever()
END2
$here->spew($idp->dir . '/tokens', join ' ', 'stale',
    $issuer->token(aud => 'mail', email => 'carl@there.test'));
$here->spew($idp->dir . '/asked', '');
chmod 0666, map { $idp->dir . "/$_" } qw(tokens asked);
$here->spew("$c/idp.refresh", "for = auth\nclient_id = us\n" .
    "client_secret = it's & secret\nrefresh_token = R+1\n" .
    'url = http://127.0.0.1:' . $idp->port . "/token\nscope = a b\n");
chmod 0600, "$c/idp.refresh";
$idp->start('/usr/bin/python3', $idp->dir . '/idp.py', $idp->dir, $idp->port);
my $up = sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
    PeerPort => $idp->port) };
$idp->wait($up) or die "no issuer\n";
$here->start;

sub set {
	my ($in, $place, @arg) = @_;
	my ($st, $out, $err) = $here->ctl_in("$in\n", 'credentials', 'set',
	    $place, @arg);
	return "$st $out$err";
}
my $relay = '[127.0.0.1]:' . $there->port('submission');
my $o = Postrider::Outbound->new($here);
# one message over a connection of its own
sub mail {
	my ($where, %arg) = @_;
	$o->close unless delete $arg{keep};
	return $o->deliver($where, 'bob@there.test', %arg);
}

# --- every mechanism ---
is set($odd, $relay, '--user', 'bob@there.test'),
    "0 $relay: login as bob\@there.test\n", 'a password is kept';
is sprintf('%o', (stat "$c/credentials")[2] & 07777), '600', '... closed';
is mail($relay), 'ok keep', 'sent';
like $here->wait_log(qr/ smtp\S* login .*relay=\S+:\d+ /),
    qr/user=bob\@there\.test mech=SCRAM-SHA-256-PLUS/, '... the strongest';
is mail($relay, keep => 1, sender => 'other@example.org'), 'ok keep',
    'another sender';
is scalar(my @l = $here->log =~ / smtp\S* login .*relay=/g), 1,
    '... goes over the same login';

my %as = (bob => [$odd, qw(SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN)],
    carl => ['uralt', qw(SCRAM-SHA-1-PLUS SCRAM-SHA-1 CRAM-MD5)]);
for my $who (sort keys %as) {
	my ($pw, @mech) = @{ $as{$who} };
	for my $m (@mech) {
		# where -PLUS is offered 'n' says that we do not bind
		set($pw, $relay, '--user', "$who\@there.test", '--mechanisms',
		    $m);
		is mail($relay), 'ok keep', $m;
		ok $there->wait_log(qr/ login .*user=$who\@.* mech=$m /),
		    '... there, too';
	}
}
set($odd, $relay, '--user', 'bob@there.test', '--binding', 'end-point');
is mail($relay), 'ok keep', 'bound to the certificate';

# --- our own password is wrong: nobody's mail comes back ---
for my $m (qw(SCRAM-SHA-256-PLUS PLAIN)) {
	set('wrong-Pw77', $relay, '--user', 'bob@there.test', '--mechanisms',
	    $m);
	like mail($relay),
	    qr/^0 deferred 4\.7\.8 .*login: 535 5\.7\.8 .* !; ok$/,
	    "$m: a wrong password";
	ok $here->wait_log(qr/ login-failed .*relay=.*mech=$m.* dsn=4\.7\.8 /),
	    '... is logged';
}
unlike $here->log, qr/wrong-Pw77|d3JvbmctUHc3N|geheim|uralt/,
    'no password in the log';
my ($st, $out, $err) = $here->ctl('credentials', 'list');
like $out, qr/^\Q$relay\E +bob\@there\.test +password +PLAIN +-$/,
    'credentials list';
unlike $out, qr/wrong/, '... without the password';
$out = $here->ctl_ok('call', 'auth', 'client', "nexthop=$relay",
    'mechs=PLAIN', 'tls=yes', 'verified=yes');
like $out, qr/^mech=PLAIN$/m, 'the verb, by hand';
like $out, qr/^response=\(hidden\)$/m, '... without the password';
($st, $out, $err) = $here->ctl('credentials', 'set', $relay, '--user', 'x',
    'pw');
like "$st $err", qr/^2 .*does not belong on a command line/,
    'no password on a command line';
like set('pw', $relay, '--user', "x\n[mx.test] user=y pass=z"),
    qr/^1 .*control characters in a row of credentials/, 'one row at a time';
chmod 0644, "$c/credentials";
like mail($relay), qr/^0 deferred 4\.3\.5 .*can be read by others.* !; ok$/,
    'a table that all may read is not used';
chmod 0600, "$c/credentials";

# --- servers that are not what they should be ---
my @auth = (addr => '127.0.0.2', offer => ['AUTH SCRAM-SHA-256 PLAIN LOGIN']);
# after the first message; then what the server says
sub scram {
	my ($last) = @_;
	return sub {
		my ($z, $l) = @_;
		my ($data) = $l =~ /^AUTH SCRAM-SHA-256 (\S+)$/ or
		    return '501 what?';
		my ($nonce) = decode_base64($data) =~ /r=(.*)/;
		$z->_reply('334 ' . encode_base64("r=${nonce}x," .
		    "s=c2FsdA==,i=4096", ''));
		$z->line;
		return $last unless $last =~ /^334/;
		$z->_reply($last);
		$z->line eq '' ? '235 in' : '501 no';
	};
}
my $z = Postrider::Zoo->new(@auth, at => { auth => scram('334 ' .
    encode_base64('v=' . encode_base64('x' x 32, ''), '')) });
my $pw = 'Zk81-one-PaSsWoRd';
set($pw, '127.0.0.2', '--user', 'u');
like mail($z), qr/^0 deferred 4\.7\.8 .*proof is false !; ok$/,
    'a server that does not know the password';
is scalar($z->said('MAIL')), 0, '... gets no mail';
$z = Postrider::Zoo->new(@auth, at => { auth => scram('235 come in') });
like mail($z), qr/^0 deferred 4\.7\.8 .*without having proved.* !; ok$/,
    'nor one that lets everybody in';
is scalar($z->said('MAIL')), 0, '... gets no mail';
$z = Postrider::Zoo->new(@auth, at => { auth => scram('535 5.7.8 no') });
like mail($z), qr/^0 deferred 4\.7\.8 .*535 5\.7\.8 no !; ok$/, 'refused';
is scalar(@l = $z->said('AUTH')), 1, '... in one try';
# what the process has seen of that password
if ($> == 0) {
	my @pid = $here->pids_of('smtp');
	ok @pid > 0, 'smtp runs';
	for my $pid (@pid) {
		is found($pid, substr $pw, 4), 0,
		    'it does not know the password';
	}
}
$z = Postrider::Zoo->new(addr => '127.0.0.2', offer => ['AUTH PLAIN LOGIN']);
like mail($z), qr/^0 deferred 4\.7\.4 .*only under TLS.* !; ok$/,
    'no password in the clear';
$z = Postrider::Zoo->new(addr => '127.0.0.2');
like mail($z), qr/^0 deferred 4\.7\.4 .*offered: nothing.* !; ok$/,
    'no mail to a server that hides AUTH';
set($pw, '127.0.0.2', '--user', 'u', '--plaintext');
$z = Postrider::Zoo->new(addr => '127.0.0.2', offer => ['AUTH=LOGIN'],
    at => { auth => sub {
	$_[0]->_reply('334 ');
	my @a = map { decode_base64($_[0]->line) } 1;
	$_[0]->_reply('334 VXNlcm5hbWU6');
	push @a, decode_base64($_[0]->line);
	return "@a" eq "u $pw" ? '235 in' : '535 no' } });
is mail($z), 'ok keep', 'unless it was said so; LOGIN';
for my $r ('334 rubbish!', '334 ' . 'A' x 3999) {
	$z = Postrider::Zoo->new(addr => '127.0.0.2', offer => ['AUTH LOGIN'],
	    at => { auth => sub { $_[0]->_reply($r); $_[0]->line;
	    '501 cancelled' } });
	like mail($z), qr/^0 deferred 4\.\d\.\d .* !; ok$/,
	    'a bad challenge';
}
$z = Postrider::Zoo->new(addr => '127.0.0.2', offer => ['AUTH LOGIN'],
    at => { auth => '454 4.7.0 not now' });
like mail($z), qr/^0 deferred 4\.7\.0 .*454 4\.7\.0 not now !; ok$/,
    'not now';
is +($here->ctl('credentials', 'remove', '127.0.0.2'))[1],
    "127.0.0.2: removed\n", 'removed';
is mail($z), 'ok keep', '... no account, no login';

# --- tokens ---
set('', $relay, '--user', 'carl@there.test', '--token',
    'refresh:idp.refresh', '--mechanisms', 'XOAUTH2');
like mail($relay), qr/^0 deferred 4\.7\.8 .*535.* !; ok$/,
    'a token that the server does not take';
is mail($relay), 'ok keep', '... the next is another';
$here->wait_log(qr/ login .*user=carl\@there\.test mech=XOAUTH2/);
is mail($relay), 'ok keep', '... and is used again';
is +(split /\n/, $here->slurp($idp->dir . '/asked'))[0],
    '{"client_id": ["us"], "client_secret": ["it\'s & secret"], ' .
    '"grant_type": ["refresh_token"],' .
    ' "refresh_token": ["R+1"], "scope": ["a b"]}', '... what was asked';
set('', $relay, '--user', 'carl@there.test', '--token',
    'refresh:idp.refresh');
is mail($relay), 'ok keep', 'OAUTHBEARER';
ok $here->wait_log(qr/ login .*carl\@there\.test mech=OAUTHBEARER/),
    '... is taken where both are offered';
$here->spew("$c/token", "stale2\n");
chmod 0644, "$c/token";
set('', $relay, '--user', 'carl@there.test', '--token-file', 'token');
like mail($relay), qr/^0 deferred 4\.7\.8 .*535.* !; ok$/, 'from a file';
like mail($relay), qr/^0 deferred 4\.7\.0 .*there is no other yet !; ok$/,
    '... not twice';
$here->spew("$c/token", $issuer->token(aud => 'mail',
    email => 'carl@there.test') . "\n");
is mail($relay), 'ok keep', '... until it is another';

# --- by sender ---
set($odd, $relay, '--user', 'bob@there.test');
like set('x', 'ann@example.test', '--user', 'y'), qr/^1 .*without at/,
    'a sender has places';
set('uralt', 'ann@example.test', '--user', 'carl@there.test', '--at',
    $relay, '--mechanisms', 'SCRAM-SHA-1');
set('wrong', '@bad.test', '--user', 'carl@there.test', '--at', '127.0.0.1');
my $mark = $here->log_mark;
is mail($relay, sender => 'x@example.org'), 'ok keep', 'any sender';
is mail($relay, sender => 'ann@example.test', keep => 1), 'ok keep',
    'one with an account';
is mail($relay, sender => 'ann@example.test', keep => 1), 'ok keep',
    'again';
like mail($relay, sender => 'y@bad.test', keep => 1),
    qr/^0 deferred 4\.7\.8 .*535[^!]*; ok$/,
    'whose password is wrong: not the trouble of all';
ok $here->wait_log(qr/ login-failed .*mech=/, undef, $mark), '... logged';
@l = $here->log($mark) =~ / login(?:-failed)? .*relay=.*? user=(\w+)/g;
is "@l", 'bob carl carl', '... each over a login of its own';
ok scalar(@l = $there->wait_mails('bob', 1)) > 0, 'mail has come';
done_testing;

# how often a process has a text in memory that it may write
sub found {
	my ($pid, $text) = @_;
	my $n = 0;
	open my $maps, '<', "/proc/$pid/maps" or return;
	open my $mem, '<:raw', "/proc/$pid/mem" or return;
	for (<$maps>) {
		my ($lo, $hi) = /^(\w+)-(\w+) rw/ or next;
		no warnings 'portable';
		my ($from, $to) = (hex $lo, hex $hi);
		next if $to - $from > 1 << 30;	# of a sanitizer
		sysseek $mem, $from, 0 or next;
		my ($all, $buf) = ('', '');
		$all .= $buf while length $all < $to - $from &&
		    sysread $mem, $buf, 1 << 20;
		$n++ while $all =~ /\Q$text\E/g;
	}
	return $n;
}
