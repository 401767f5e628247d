#!/usr/bin/perl
# Accounts and aliases in LDAP: a slapd of our own on loopback and on a UNIX
# socket, that is dead, silent, restarted, and refuses us.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Tables;

my $ld = Postrider::Tables->daemon('openldap');
my ($dir, $port) = ($ld->dir, $ld->port);
my $tls_port = Postrider::Tables::free_port();
my ($schema) = grep { -d } qw(/etc/ldap/schema /etc/openldap/schema);
my $hash = crypt 'geheim', '$6$rounds=1000$salt$';

# a certificate for 127.0.0.1, and one who certifies it
sub openssl { system("openssl @_ >>$dir.log 2>&1") == 0 or die "openssl @_\n" }
openssl("req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -days 2",
    "-keyout $dir/ca.key -out $dir/ca.pem");
openssl("req -newkey rsa:2048 -nodes -subj /CN=server",
    "-keyout $dir/key.pem -out $dir/csr.pem");
$ld->spew("$dir/ext", "subjectAltName=IP:127.0.0.1\n");
openssl("x509 -req -in $dir/csr.pem -CA $dir/ca.pem -CAkey $dir/ca.key",
    "-CAcreateserial -days 2 -extfile $dir/ext -out $dir/cert.pem");
chmod 0644, "$dir/key.pem";
mkdir "$dir/db";
chown((getpwnam 'openldap')[2, 3], "$dir/db") if $> == 0;
$ld->spew("$dir/slapd.conf", <<"END");
include $schema/core.schema
include $schema/cosine.schema
include $schema/inetorgperson.schema
include $schema/misc.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $dir/pid
TLSCertificateFile $dir/cert.pem
TLSCertificateKeyFile $dir/key.pem
TLSCACertificateFile $dir/ca.pem
database mdb
suffix "dc=test"
rootdn "cn=boss,dc=test"
rootpw boss
directory $dir/db
dbnosync
access to attrs=userPassword by dn.exact="cn=reader,dc=test" read by * auth
access to * by users read by * none
END
my @server = ('slapd', '-d', '0', '-f', "$dir/slapd.conf", '-h',
    "ldap://localhost:$port ldaps://localhost:$tls_port " .
    'ldapi://' . "$dir/sock" =~ s{/}{%2F}gr);
$ENV{PATH} .= ':/usr/sbin:/usr/lib/openldap';
$ld->start(@server);
my @tool = ('-x', '-H', "ldap://localhost:$port", '-D', 'cn=boss,dc=test',
    '-w', 'boss');
my $up = sub { $ld->run('ldapwhoami', @tool) };
$ld->wait($up) or die "slapd does not start\n";
sub ldif {
	my ($tool, $text) = @_;
	$ld->spew("$dir/ldif", $text);
	return $ld->run($tool, @tool, '-f', "$dir/ldif");
}
my $person = "objectClass: inetOrgPerson\nobjectClass: inetLocalMailRecipient\n"
    . "sn: x\n";
ldif('ldapadd', <<"END") or die "no entries\n";
dn: dc=test
objectClass: dcObject
objectClass: organization
o: test
dc: test

dn: cn=reader,dc=test
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: it's secret

dn: cn=ann,dc=test
${person}cn: ann
mail: ann\@example.test
userPassword: {CRYPT}$hash
employeeNumber: 1M

dn: cn=star,dc=test
${person}cn: star
mail: s*r(x)\\\@example.test
userPassword: {CRYPT}$hash
employeeNumber: 7

dn: cn=evil,dc=test
${person}cn: evil
mail: evil\@example.test
userPassword: x disabled=no "
employeeNumber: 5

dn: cn=twin1,dc=test
${person}cn: twin1
mail: twin\@example.test

dn: cn=twin2,dc=test
${person}cn: twin2
mail: twin\@example.test

dn: cn=team,dc=test
${person}cn: team
mailLocalAddress: team\@example.test
mailRoutingAddress: ann\@example.test
END
ldif('ldapmodify', "dn: cn=team,dc=test\nchangetype: modify\n" .
    "add: description\ndescription: ann\@example.test\n" .
    "description: own\@example.test\n") or die "no values\n";

my $pr = Postrider::Instance->new(users => { own => 'pw' },
    conf => { 'auth.conf' => { failure_delay => '0s' } });
my $t = Postrider::Tables->new($pr, 'ldap');
my %base = (bind_dn => 'cn=reader,dc=test', password => "it's secret",
    base => 'dc=test', timeout => '6s', retry => '300ms',
    retry_max => '300ms', tls_ca => "$dir/ca.pem");
my $here = "ldap://127.0.0.1:$port";
my ($silent, $dead) = ($t->silent, $t->dead_port);
my $alias = '(mailLocalAddress=%s)';
$t->table(users => %base, for => 'auth', filter => '(mail=%s)',
    hosts => 'ldapi://' . "$dir/sock" =~ s{/}{%2F}gr,
    attributes => 'userPassword, employeeNumber',
    result => 'pass=%1 quota=%2');
$t->table(boxes => %base, for => 'maps', hosts => $here,
    filter => '(&(objectClass=person)(|(mail=%u@%d)(cn=%s)))',
    attributes => 'employeeNumber cn', result => 'quota=%1');
$t->table(alias => %base, for => 'maps', rows => 'join', filter => $alias,
    attributes => 'description',
    hosts => "ldap://127.0.0.1:$dead ldap://127.0.0.1:$silent $here",
    timeout => '3s', retry => '1m', retry_max => '1m');
$t->table(dead => %base, for => 'maps', hosts => "ldap://127.0.0.1:$dead",
    filter => $alias, attributes => 'cn', retry => '1m');
$t->table(silent => %base, for => 'maps', retry => '1m',
    hosts => "ldap://127.0.0.1:$silent", filter => $alias,
    attributes => 'cn', timeout => '700ms');
$t->table(wrong => %base, for => 'maps', hosts => $here, filter => $alias,
    attributes => 'cn', password => 'not this');
$t->table(start => %base, for => 'maps', hosts => $here, filter => '(mail=%s)',
    attributes => 'cn', tls => 'verify');
$t->table(ldaps => %base, for => 'maps', tls => 'verify',
    hosts => "ldaps://127.0.0.1:$tls_port", filter => '(mail=%s)',
    attributes => 'cn');
$t->table(other => %base, for => 'maps', tls => 'verify',
    hosts => "ldaps://localhost:$tls_port", filter => '(mail=%s)',
    attributes => 'cn');
$t->table(foreign => %base, for => 'maps', tls => 'verify',
    hosts => $here, filter => '(mail=%s)', attributes => 'cn',
    tls_ca => '/etc/ssl/certs/ca-certificates.crt');
$t->table(mute => %base, for => 'maps', hosts => "ldaps://127.0.0.1:$silent",
    filter => $alias, attributes => 'cn', retry => '1m', timeout => '700ms');
$t->use;
$pr->set_conf('auth.conf', users => 'ldap:users.ldap');
$pr->set_conf('router.conf', further_mailboxes => 'ldap:boxes.ldap',
    further_aliases => 'ldap:alias.ldap');
$pr->start;

is $t->query('users', 'ann@example.test'), "pass={CRYPT}$hash quota=1M",
    'a record';
is $t->query('users', 'evil@example.test'), 'pass="x disabled=no \"" quota=5',
    'a column is only its own field';
is $t->query('users', 's*r(x)\\@example.test'), "pass={CRYPT}$hash quota=7",
    'a key of metacharacters';
is $t->query('boxes', 'ann@example.test'), 'quota=1M', 'by its parts';
is $t->query('alias', 'team@example.test'),
    'ann@example.test,own@example.test',
    'joined values, of the third server: one is dead and one says nothing';
like $t->query('users', 'twin@example.test'), qr/more than one row/,
    'two entries';
$t->none(qw(users boxes));

is $t->query('start', 'ann@example.test'), 'ann', 'STARTTLS';
is $t->query('ldaps', 'ann@example.test'), 'ann', 'ldaps';
like $t->query('other', 'ann@example.test'), qr/^75 .*its name is not accepted/,
    'the certificate has another name';
like $t->query('foreign', 'ann@example.test'),
    qr/^75 .*certificate .*not accepted/,
    'nobody known has certified it';
like $t->query('dead', 'x@y'), qr/^75 .*refused/, 'a dead server';
like $t->query('dead', 'x@y'), qr/asked again in/, 'is avoided';
$t->mute($_, qr/^75 .*(?:Time|contact)/i) for qw(silent mute);
like $t->query('wrong', 'x@y'), qr/Invalid credentials/, 'a wrong password';

$t->mail;

$t->logins('ann@example.test', 'geheim');

my $mark = $pr->log_mark;
$ld->stop('TERM');
like $t->query('boxes', 'ann@example.test'), qr/^75 .*refused/,
    'a server that ended';
like join(' ', $pr->send(to => 'ann@example.test', message => "x\n")),
    qr/^451 4\.3\.0/, 'mail for its accounts waits';
like $t->login('ann@example.test', 'geheim'), qr/^-ERR .*temporary/i,
    'a login is told so';
$ld->start(@server);
$ld->wait($up);
ok $pr->wait_for(sub { $t->query('boxes', 'ann@example.test') =~ /^quota/ }),
    'it is back';
$pr->wait_log(qr/server-up .*boxes/, undef, $mark);
is scalar(grep { /server-down .*boxes/ } $pr->log_lines($mark)), 1,
    'one line that it went';

ldif('ldapmodify', "dn: cn=ann,dc=test\nchangetype: modrdn\n" .
    "newrdn: cn=away\ndeleteoldrdn: 1\nnewsuperior: cn=reader,dc=test\n");
is $t->query('boxes', 'ann@example.test'), 'quota=1M', 'an entry that moved';
done_testing;
