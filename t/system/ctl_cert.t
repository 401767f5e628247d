#!/usr/bin/perl
# postrider cert: what is shown, what is made, and what is found wrong.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' },
    conf => { 'common.conf' => { hostname => 'mail.example.test' } });
my $tls = $i->conf_dir . '/tls';
my $owner = $> == 0 ? getpwnam 'postrider-key' : $>;

sub cert { return $i->ctl('cert', @_) }
# what is wrong, without the notes
sub wrong {
	my ($st, $out) = cert('check', @_);
	return join '', $st, map { " $_" } $out =~ /WRONG: (.*)/g;
}

is((stat "$tls/key.pem")[4], $owner, 'keys belong to the role key');
$i->ctl_ok('cert', 'self-signed', '--days', 100, 'mail.example.test',
    '*.example.test', '127.0.0.1', '::1');
my $made = "$tls/mail.example.test.pem";
is sprintf('%o', (stat "$made.key")[2] & 07777), '600', 'nobody else reads it';
is((stat "$made.key")[4], $owner, 'but the role key');
like `openssl x509 -noout -text -in $made`, qr/DNS:mail\.example\.test, (?x:
    DNS:\*\.example\.test,\ IP\ Address:127\.0\.0\.1),/, 'its names';
like $i->slurp($i->conf_dir . '/keyd.conf'),
    qr{^certificates = tls/cert\.pem tls/mail\.example\.test\.pem$}m,
    'keyd.conf has it';
my $key = $i->slurp("$made.key");
my $was = $i->slurp($made);
like $i->ctl_ok('cert', 'self-signed', 'mail.example.test'), qr/made anew/,
    'made anew';
is $i->slurp("$made.key"), $key, '... with its key';
isnt $i->slurp($made), $was, '... and another certificate';
is scalar(() = $i->slurp($i->conf_dir . '/keyd.conf') =~
    /mail\.example\.test\.pem/g), 1, '... and named once';

my (undef, $out) = cert('show', 'mail.example.test');
like $out, qr/^names +mail\.example\.test$/m, 'show: names';
like $out, qr/^issuer .*\(itself\)$/m, '... issuer';
like $out, qr/^valid .* (?:3650|3649) days left$/m, '... days';
like $out, qr/^key +ECDSA P-256, in /m, '... key';
like $out, qr/^services +smtpd submission pop3-login imap-login$/m,
    '... services';
my ($fp) = `openssl x509 -noout -fingerprint -sha256 -in $made` =~ /=(.*)/;
like $out, qr/^fingerprint +\Q$fp\E$/m, '... fingerprint';
(undef, $out) = cert('show');
is scalar(() = $out =~ m{^tls/\S+\.pem +\d+ }mg), 2, 'show: all';
(undef, $out) = cert('show', '--json');
like $out, qr/^\[\{"file":"[^"]*cert\.pem",.*"days_left":\d+,.*\},\{.*\}\]$/,
    '--json';
is((cert('show', 'no.such.test'))[0], 1, 'show: no such name');
is wrong(), '0', 'check: all is well';
is wrong('mail.example.test'), '0', '... for a host';
is wrong('other.test'), '1 no certificate has this name', '... for another';

# a small authority that nobody trusts, and an intermediate one
my $ca = "$i->{tmp}/ca";
mkdir $ca;
sub issue {
	my ($name, $by, $days, $ext) = @_;
	my $sign = $by ? "-CA $ca/$by.pem -CAkey $ca/$by.key" :
	    "-key $ca/$name.key";
	$i->spew("$ca/ext", $ext);
	system("cd $ca && openssl genrsa -out $name.key 2048 2>/dev/null && " .
	    "openssl req -new -key $name.key -subj /CN=$name -out r.csr && " .
	    "openssl x509 -req -in r.csr " . ($by ? '' : '-signkey ' .
	    "$name.key ") . ($by ? $sign : '') . " -days $days " .
	    "-extfile ext -out $name.pem 2>/dev/null") == 0 or die;
	return $i->slurp("$ca/$name.pem");
}
my $is_ca = "basicConstraints=critical,CA:TRUE\n";
issue('root', undef, 100, $is_ca);
my $inter = issue('inter', 'root', 100, $is_ca);
my $leaf = issue('leaf', 'inter', 100, "subjectAltName=DNS:leaf.test\n");
my $old = issue('old', 'inter', 0, "subjectAltName=DNS:old.test\n");
sub put {
	my ($text, $key, $mode) = @_;
	$i->spew("$tls/leaf.pem", $text);
	$i->spew("$tls/leaf.pem.key", $i->slurp("$ca/$key.key"));
	chmod $mode // 0600, "$tls/leaf.pem.key";
	chown $owner, -1, "$tls/leaf.pem.key";
	return;
}
$i->set_conf('keyd.conf', certificates => 'tls/cert.pem tls/leaf.pem');
put($leaf, 'leaf');
like wrong('leaf.test'), qr/^1 the chain is not complete: /, 'no chain';
put($leaf . $inter, 'leaf');
$ENV{SSL_CERT_FILE} = "$ca/root.pem";
is wrong('leaf.pem'), '0', 'with it, where the root is trusted';
put($old . $inter, 'old');
like wrong('leaf.pem'), qr/^1 ended on \d{4}-\d\d-\d\d$/, 'it has ended';
put($leaf . $inter, 'root');
like wrong('leaf.test'), qr/^1 the key in \S+ is not that of this/, 'wrong key';
put($leaf . $inter, 'leaf', 0644);
like wrong('leaf.test'), qr/^1 \S+: mode 0644 lets everybody/, 'open key';
put("no certificate\n", 'leaf');
like wrong('tls/leaf.pem'), qr/^1 \S+: no certificate in PEM form$/, 'no PEM';
unlink "$tls/leaf.pem";
like wrong(), qr/^2? ?1 .*leaf\.pem.*No such file.*no certificate has this/s,
    'no file, and nothing for the host name';
is((cert(@$_))[0], 2, "usage: cert @$_") for ['shw'], ['self-signed'],
    ['self-signed', 'a b'], ['self-signed', '--days', 0, 'x.test'],
    ['show', 'a', 'b'];
like((cert('chek'))[2], qr/did you mean "check"/, 'did you mean');
$i->spew("$tls/taken.test.pem", "precious\n");
is((cert('self-signed', 'taken.test'))[0], 1, 'a file in the way');
is $i->slurp("$tls/taken.test.pem"), "precious\n", '... is not touched';

# what is made is served: a new one after a reload, and one that is made anew
# at once
$i->set_conf('keyd.conf', certificates => 'tls/cert.pem',
    check_interval => '200ms');
$i->start;
sub served {
	my ($host) = @_;
	my $client = 'openssl s_client -connect 127.0.0.1:' .
	    $i->port('imaps') . " -servername $host </dev/null 2>/dev/null";
	return `$client | openssl x509 -noout -fingerprint -sha256`;
}
sub fingerprint {
	my ($out) = $i->ctl_ok('cert', 'show', $_[0]);
	return $out =~ /^fingerprint +(.*)$/m ? $1 : 'none';
}
my $default = served('imap.new.test');
$i->ctl_ok('cert', 'self-signed', 'imap.new.test');
is served('imap.new.test'), $default, 'a new one waits for the reload';
$i->ctl_ok('reload');
$fp = fingerprint('imap.new.test');
ok $i->wait_for(sub { served('imap.new.test') =~ /\Q$fp\E/ }),
    '... and is served then';
is served('other.test'), $default, '... to who asks for it';
$i->ctl_ok('cert', 'self-signed', 'imap.new.test', 'pop.new.test');
$fp = fingerprint('pop.new.test');
ok $i->wait_for(sub { served('pop.new.test') =~ /\Q$fp\E/ }),
    'one that was made anew needs none';
done_testing;
