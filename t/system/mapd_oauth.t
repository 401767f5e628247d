#!/usr/bin/perl
# Access tokens, asked of a small issuer: what it says, in the clear on
# loopback and by TLS, and what it must not be able to do to us.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);
use Postrider::Instance;
use Postrider::Tables;

my $is = Postrider::Tables->daemon('nobody');
my ($dir, $port) = ($is->dir, $is->port);
my $tls_port = Postrider::Tables::free_port();

sub openssl { system("openssl @_ >>$dir.log 2>&1") == 0 or die "openssl @_\n" }
openssl("req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2",
    "-addext subjectAltName=DNS:localhost",
    "-keyout $dir/key.pem -out $dir/cert.pem");
chmod 0644, "$dir/key.pem";
$is->spew("$dir/issuer.py", <<'END');
import base64, http.server, json, ssl, sys, threading, time, urllib.parse
d, port, tls_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
now = int(time.time())
tokens = {
    'good': dict(active=True, username='ann@example.test', scope='mail x',
        exp=now + 600, client_id='app', sub='17', aud=['a', 'mail']),
    'Good': dict(active=True, username='own@example.test', scope='mail',
        aud='mail'),
    'short': dict(active=True, username='ann@example.test', scope='mail',
        aud='mail'),
    'past': dict(active=True, username='ann', scope='mail', exp=now - 1,
        aud='mail'),
    'early': dict(active=True, username='ann', scope='mail', nbf=now + 99,
        aud='mail'),
    'scope': dict(active=True, username='ann', scope='mailx', aud='mail'),
    'noaud': dict(active=True, username='ann', scope='mail'),
    'iss': dict(active=True, username='ann', scope='mail',
        iss='https://idp.example/'),
    'otheriss': dict(active=True, username='ann', scope='mail',
        iss='https://idp.example'),
    'aud': dict(active=True, username='ann', scope='mail', aud='other'),
    'nobody': dict(active=True, scope='mail', aud='mail'),
    'number': dict(active=True, username=7, scope='mail', aud='mail'),
    'words': dict(active='true', username='ann', scope='mail', aud='mail'),
    'evil': dict(active=True, username='x y=1 "', scope='mail', aud='mail'),
    'a+b/c=&token=good': dict(active=True, username='plus', scope='mail',
        aud='mail'),
    'x' * 4000: dict(active=True, username='long', scope='mail', aud='mail'),
}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def answer(self, body, status=200, **h):
        if isinstance(body, dict):
            body = json.dumps(body)
        body = body.encode()
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        for k, v in h.items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        n = int(self.headers['Content-Length'])
        q = urllib.parse.parse_qs(self.rfile.read(n).decode())
        open(d + '/asked', 'a').write(q['token'][0][:20] + '\n')
        want = 'Basic ' + base64.b64encode(b'me:it%27s%20secret').decode()
        if self.headers.get('Authorization') != want:
            return self.answer('', 401)
        if self.path == '/slow':
            time.sleep(60)
        if self.path == '/big':
            return self.answer('x' * 100000)
        if self.path == '/away':
            return self.answer('', 302, Location='/introspect')
        if self.path == '/html':
            return self.answer('<html>')
        if self.path == '/twice':
            return self.answer('{"active":false,"active":true,"username":"x"}')
        if q['token'][0] == 'short':
            tokens['short'].setdefault('exp', time.time() + 5)
        if len(q['token']) != 1:
            return self.answer('', 400)
        self.answer(tokens.get(q['token'][0], dict(active=False)))
    def do_GET(self):
        self.answer(dict(keys=[dict(kty='RSA', kid='1')]) if
            self.path == '/jwks' else dict(other=1))
    def log_message(self, *a):
        pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
plain = Server(('127.0.0.1', port), Handler)
tls = Server(('127.0.0.1', tls_port), Handler)
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(d + '/cert.pem', d + '/key.pem')
tls.socket = ctx.wrap_socket(tls.socket, server_side=True)
threading.Thread(target=tls.serve_forever, daemon=True).start()
plain.serve_forever()
END
$is->spew("$dir/asked", '');
chmod 0666, "$dir/asked";
my @issuer = ('/usr/bin/python3', "$dir/issuer.py", $dir, $port, $tls_port);
$is->start(@issuer);
my $up = sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
    PeerPort => $port) };
$is->wait($up) or die "no issuer\n";

my $pr = Postrider::Instance->new(users => { own => 'pw' });
my $t = Postrider::Tables->new($pr, 'oauth');
my $url = "http://127.0.0.1:$port";
my %base = (for => 'auth', client_id => 'me', client_secret => "it's secret",
    scope => 'mail', audience => 'mail, mx', timeout => '6s', cache => '1m',
    tls_ca => "$dir/cert.pem", retry => '300ms', retry_max => '300ms');
$t->table(name => %base, url => "$url/introspect");
$t->table(record => %base, url => "https://localhost:$tls_port/introspect",
    cache => '0s',
    result => 'user=%1 scope=%2 exp=%3 client_id=%4 sub=%5');
$t->table(address => %base, url => "https://127.0.0.1:$tls_port/introspect");
$t->table(foreign => %base, url => "https://localhost:$tls_port/introspect",
    tls_ca => '/etc/ssl/certs/ca-certificates.crt');
$t->table(issuer => %base, url => "$url/introspect", audience => '',
    any_audience => 'yes', issuer => 'https://idp.example/');
$t->table($_ => %base, url => "$url/$_", cache => '0s', timeout => '700ms')
    for qw(slow big away html twice);
$t->table(wrong => %base, url => "$url/introspect", client_secret => 'no');
$t->table(silent => %base, url => 'http://127.0.0.1:' . $t->silent,
    retry => '1m', timeout => '700ms');
$t->use;
$pr->set_conf('mapd.conf', tables => join ' ', (map { "oauth:$_.oauth" }
    @{ $t->{names} }), 'jwks:keys.jwks', 'jwks:nokeys.jwks');
$pr->spew($pr->conf_dir . '/keys.jwks', "for = auth\nurl = $url/jwks\n");
$pr->spew($pr->conf_dir . '/nokeys.jwks', "for = auth\nurl = $url/other\n");
$pr->set_conf('master.conf', 'mapd/process_limit' => 1);
$pr->set_conf('auth.conf', oauth_introspection => 'oauth:name.oauth',
    failure_delay => '0s');
$pr->start;

# the reply to a login with a token at the submission port
sub login {
	my ($user, $token) = @_;
	my $c = $pr->smtp('submission');
	$c->cmd('EHLO test');
	my @r = $c->cmd('AUTH XOAUTH2 ' . encode_base64(
	    "user=$user\x01auth=Bearer $token\x01\x01", ''));
	@r = $c->cmd('') if $r[0] == 334;
	return join ' ', @r;
}

is $t->query('name', 'good'), 'ann@example.test', 'a token';
is $t->query('name', 'Good'), 'own@example.test', 'tokens have a case';
like $t->query('name', $_), $t->absent, "no good: $_"
    for qw(unknown past early scope aud noaud nobody number words),
    'a&token=good';
is $t->query('issuer', 'iss'), 'ann', 'of the issuer, for anybody';
like $t->query('issuer', $_), $t->absent, "not of the issuer: $_"
    for qw(otheriss aud good);
is $t->query('name', 'a+b/c=&token=good'), 'plus', 'odd characters';
is $t->query('name', 'x' x 4000), 'long', 'a long one';
like $t->query('name', 'x' x 17000), $t->absent, 'but not any length';
like $t->query('record', 'good'), qr/^user=ann\@example\.test
    \sscope="mail\ x"\sexp=\d{10}\sclient_id=app\ssub=17$/x,
    'a record, by TLS';
is $t->query('record', 'evil'), 'user="x y=1 \"" scope=mail',
    'a member is only its own field';
like $t->query('address', 'good'), qr/^75 .*(?:name|certificate)/,
    'a certificate for another name';
like $t->query('foreign', 'good'), qr/^75 .*certificate/,
    'a certificate of nobody';
like $t->query('wrong', 'good'), qr/^75 .*says 401: see client_id/,
    'our own password is wrong';
like $t->query('away', 'good'), qr/^75 .*says 302/, 'not sent elsewhere';
like $t->query('html', 'good'), qr/^75 .*no JSON/, 'no JSON';
like $t->query('twice', 'good'), qr/^75 .*no JSON/, 'a member twice';
like $t->query('big', 'good'), qr/^75 .*more than/, 'an endless answer';
for my $name (qw(slow silent)) {
	my $from = time;
	like $t->query($name, 'good'), qr/^75 .*tim/i, "$name: no answer";
	ok time - $from < 30, 'in time';
}
like $t->query('silent', 'good'), qr/asked again in/, 'and is avoided';

like login('own@example.test', 'Good'), qr/^235/, 'a login with a token';
like login('own@example.test', 'good'), qr/^5/, 'of another: refused';
like login('own@example.test', 'unknown'), qr/^5/, 'unknown: refused';

# remembered no longer than it is good
is $t->query('name', 'short'), 'ann@example.test', 'a token that ends soon';
is $t->query('name', 'short'), 'ann@example.test', 'asked for twice';
is scalar(grep { /^short$/ } split /\n/, $pr->slurp("$dir/asked")), 1,
    'is asked of the issuer once';
ok $pr->wait_for(sub { $t->query('name', 'short') =~ $t->absent }),
    'and ends';

my ($st, $out) = $pr->ctl('map', 'query', 'jwks:keys.jwks', 'x');
like $out, qr/^\{"keys": \[\{/, 'the keys of the issuer';
($st, $out, my $err) = $pr->ctl('map', 'query', 'jwks:nokeys.jwks', 'x');
like $err, qr/no set of keys/, 'or none';

$is->stop('KILL');
like $t->query('record', 'good'), qr/^75 .*(?:connect|refused)/i,
    'an issuer that is gone';
is $t->query('name', 'good'), 'ann@example.test', 'what is known is known';
$is->start(@issuer);
$is->wait($up);
ok $pr->wait_for(sub { $t->query('record', 'good') =~ /^user=ann/ }),
    'it is back';

for my $bad ("http://192.0.2.1/x", 'ftp://localhost/', 'https://a:b@c.test/',
    'nonsense', 'file:///etc/passwd') {
	$t->table(bad => %base, url => $bad);
	$t->use;
	($st, $out, $err) = $pr->check_by('mapd', 'mapd');
	isnt $st, 0, "refused: $bad";
	like $err, qr/url: /, '... and said why';
}
$t->table(bad => %base, url => "$url/introspect", audience => '');
like +($pr->ctl('check'))[2], qr/without audience/, 'refused: no audience';
done_testing;
