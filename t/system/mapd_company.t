#!/usr/bin/perl
# The company of doc/examples/company: its 1000 accounts and its aliases as
# files, in PostgreSQL and in LDAP, by the files that are there for that.  The
# results are the same; then each server is killed under a stream of mail:
# temporary errors meanwhile, nothing lost, nothing returned.
use strict;
use warnings;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use Postrider::Company;
use Postrider::Tables;

my $pr = Postrider::Company->new(conf => {
	'auth.conf' => { failure_delay => '0s' } });
my $conf = $pr->conf_dir;
my $hash = $Postrider::Company::HASH;
my $pass = $Postrider::Company::PASSWORD;
$pr->copy;
# who may write is not asked here
$pr->set_conf('smtpd.conf', (map { $_ => '' } qw(connect_rules helo_rules
    mail_rules rcpt_rules end_rules filters)), errors => 1000);

my %account = ((map { $_ => [] } $pr->addresses(500)),	# quota, off, forward
	'ann@example.com' => ['1M'], 'o\'hara@example.com' => ['2M'],
	'dora@example.com' => ['', 'yes'],
	'fred@example.net' => ['', '', 'cora@example.net,x@away.example']);
$pr->spew("$conf/users", join '', map {
	my ($quota, $off, $forward) = @{ $account{$_} };
	"$_ pass=$hash" . ($quota ? " quota=$quota" : '') . ($off ?
	    " disabled=$off" : '') . ($forward ? " forward=$forward" : '') .
	    "\n"
} sort keys %account);
$pr->spew("$conf/aliases", $pr->slurp("$conf/aliases") .
    "bob+lists\@example.com: cora\@example.net\n" .
    "loop\@example.com: loop\@example.com\n");
$pr->map('users', 'aliases', 'domains');
my %alias = map { my ($k, $v) = split /\t/; $k => [split /,\s*/, $v] }
    split /\n/, $pr->map('list', 'aliases');

# --- PostgreSQL
my ($bin) = sort { ($b =~ /(\d+)/)[0] <=> ($a =~ /(\d+)/)[0] }
    glob '/usr/lib/postgresql/*/bin';
my $pg = Postrider::Tables->daemon('postgres');
my $pdir = $pg->dir;
$pg->run("$bin/initdb", '-D', "$pdir/data", '-U', 'boss', '-A', 'trust',
    '--no-sync', '-E', 'UTF8', '--locale=C') or die "initdb\n";
my @postgres = ("$bin/postgres", '-D', "$pdir/data", '-k', $pdir, '-p',
    $pg->port, '-c', 'fsync=off', '-c', 'shared_buffers=1MB', '-c',
    'listen_addresses=127.0.0.1');
sub sql {
	return $pg->run("$bin/psql", '-qAt', '-h', $pdir, '-p', $pg->port,
	    '-U', 'boss', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres', @_);
}
sub pg_up { return sql('-c', 'SELECT 1') }
sub quoted { return map { length ? "'" . s/'/''/gr . "'" : 'NULL' } @_ }

# --- LDAP
$ENV{PATH} .= ':/usr/sbin:/usr/lib/openldap';
my $ld = Postrider::Tables->daemon('openldap');
my ($ldir, $lport) = ($ld->dir, $ld->port);
mkdir "$ldir/db";
chown((getpwnam 'openldap')[2, 3], "$ldir/db") if $> == 0;
$ld->spew("$ldir/slapd.conf", $pr->example('ldap/slapd.conf') =~
    s{/var/lib/ldap}{$ldir/db\ndbnosync}r =~ s{/run/slapd}{$ldir}r);
my @slapd = ('slapd', '-d', '0', '-f', "$ldir/slapd.conf", '-h',
    "ldap://127.0.0.1:$lport");
sub ld_up {
	return $ld->run('ldapwhoami', '-x', '-H', "ldap://127.0.0.1:$lport",
	    '-D', 'cn=postrider-maps,dc=example,dc=com', '-w',
	    'secret-of-maps');
}

# started again where what was killed is still in its way
sub start {
	my ($d, $up, @cmd) = @_;
	$d->start(@cmd);
	for (my $end = time + 60; time < $end; sleep 0.1) {
		return if $up->();
		next if waitpid($d->{pid}, POSIX::WNOHANG()) == 0;
		$d->start(@cmd);
	}
	die "$cmd[0] does not start\n";
}

my ($sql, $ldif) = map { $pr->example($_) } 'pgsql/schema.sql',
    'ldap/example.ldif';
sub entry {
	my ($in, $cn, @field) = @_;
	my $rdn = $cn =~ s/([+,;"<>\\])/\\$1/gr;
	$ldif .= "\ndn: cn=$rdn,ou=$in,dc=example,dc=com\ncn: $cn\n";
	while (my ($k, $v) = splice @field, 0, 2) {
		$ldif .= "$k: $v\n" if $v;
	}
	return;
}
for my $a (sort keys %account) {
	my ($quota, $off, $forward) = map { $_ // '' }
	    @{ $account{$a} }[0 .. 2];
	$sql .= 'INSERT INTO account VALUES (' . join(', ', quoted($a, $hash,
	    $quota, $forward), 'true', $off ? 'false' : 'true') . ");\n";
	entry('people', $a, objectClass => 'inetOrgPerson', objectClass =>
	    'inetLocalMailRecipient', sn => 'x', mail => $a, userPassword =>
	    "{CRYPT}$hash", departmentNumber => $quota, employeeType => $off,
	    mailRoutingAddress => $forward);
}
for my $a (sort keys %alias) {
	my $n = 0;
	$sql .= 'INSERT INTO alias VALUES (' . join(', ', quoted($a, $_),
	    $n++) . ");\n" for @{ $alias{$a} };
	entry('aliases', $a, objectClass => 'nisMailAlias', map {
	    (rfc822MailMember => $_) } @{ $alias{$a} });
}
$ld->spew("$ldir/ldif", $ldif);
$ld->run('slapadd', '-q', '-f', "$ldir/slapd.conf", '-l', "$ldir/ldif") or
    die "no entries\n";
$pg->spew("$pdir/sql", "BEGIN;\n${sql}COMMIT;\n");
start($pg, \&pg_up, @postgres);
start($ld, \&ld_up, @slapd);
sql('-f', "$pdir/sql") or die "no tables\n";

# --- the suite
my $tp = Postrider::Tables->new($pr, 'pgsql');
my %often = (timeout => '3s', retry => '100ms', retry_max => '200ms');
$pr->copy_tables('pgsql', %often, dbname => 'postgres', hosts =>
    '127.0.0.1:' . $pg->port);
$pr->copy_tables('ldap', %often, hosts => "ldap://127.0.0.1:$lport");
$pr->set_conf('mapd.conf', tables => join ' ', map {
	$pr->example("$_/mapd.conf") =~ /^tables = (.*)$/m } qw(pgsql ldap));

sub use_tables {
	my ($users, $boxes, $alias) = @_;
	$pr->set_conf('auth.conf', users => $users);
	$pr->set_conf('router.conf', mailboxes => $boxes, aliases => $alias);
	return;
}

# what clients and the other programs are told
my @asked = ('ann@example.com', (grep { /[^\d]@/ } sort keys %account),
    (map { /@/ ? /^@/ ? "any$_" : $_ : ("$_\@example.com",
	"$_\@example.net") } sort keys %alias),
    qw(BOARD@Example.COM ann+x@example.com ann-x-y@example.org
    bob+other@example.com nobody@example.com anyone@example.net
    helpdesk-017@example.com tickets@example.com zoe@example.com
    carl@example.org olga@example.org nobody@example.org u020@example.info
    x@away.example *@example.com), q{x'@example.com}, '%@example.com',
    '"a,b"@example.net');

sub told {
	my @all;
	my $c = $pr->smtp;
	$c->cmd('EHLO test');
	$c->cmd('MAIL FROM:<>');
	push @all, "$_: " . join ' ', $c->cmd("RCPT TO:<$_>") for @asked;
	my @way = split /^n=(?=\d)/m, $pr->call('router', 'route', map {
	    (addr => $_) } @asked);
	push @all, @way;
	my $people = $pr->call('router', 'route', map { (addr => $_) }
	    $pr->addresses(500));
	push @all, scalar(() = $people =~ /^mailbox=./mg), $people;
	for my $login (['ann@example.com', $pass], ['ann@example.com',
	    'wrong'], ['dora@example.com', $pass],
	    ['nobody@example.com', $pass], ['u400@example.net', $pass],
	    ["o'hara\@example.com", $pass], ['board@example.com', $pass]) {
		push @all, "@$login: " . $tp->login(@$login) =~ s/, \d.*//r;
	}
	return \@all;
}

use_tables('cdb:users', 'cdb:mailboxes', 'cdb:aliases');
$pr->start;
my $want = told();
is scalar(grep { $_ eq '1001' } @$want), 1, '1001 people';
cmp_ok scalar(grep { /: 250 / } @$want), '>=', 30, 'what is there is taken';
is scalar(grep { /: 550 5\.[12]\.[16] / } @$want), 7, 'nobody is nobody';
is scalar(grep { /: \+OK/ } @$want), 3, 'three may log in';

# Messages, each sent again until it is taken, until there is NAME.end; each
# reply is a line.
sub stream {
	my ($name) = @_;
	my @to = ('ann@example.com', 'board@example.com',
	    'anyone@example.net', 'postmaster@example.org');
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	open my $fh, '>', "$conf/$name.replies" or POSIX::_exit(2);
	$fh->autoflush(1);
	for (my $i = 1; !-e "$conf/$name.end"; $i++) {
		my $code;
		do {
			($code) = my @r = eval { $pr->send(
			    to => $to[$i % @to], from => 'me@away.example',
			    message => "Subject: $name-$i.\n\nx\n") };
			print {$fh} "$i @r\n";
			sleep 0.03;
		} until ($code // 0) == 250 || ($code // 0) >= 500;
	}
	POSIX::_exit(0);
}

sub replies {
	my ($name, $re) = @_;
	return grep { /$re/ } split /\n/, eval {
	    $pr->slurp("$conf/$name.replies") } // '';
}

sub kill_under_load {
	my ($name, $d, $up, @cmd) = @_;
	my $mark = $pr->log_mark;
	my $pid = stream($name);
	ok $pr->wait_for(sub { replies($name, qr/^\d+ 250 / ) >= 4 }),
	    "$name: mail is taken";
	$d->stop('KILL');
	ok $pr->wait_for(sub { replies($name, qr/^\d+ 451 4\.3\.0/) >= 5 },
	    60), 'then put off';
	my $before = replies($name, qr/^\d+ 250 /);
	like $tp->login('ann@example.com', $pass), qr/^-ERR .*temporary/i,
	    'a login is told so';
	is scalar(replies($name, qr/^\d+ 250 /)), $before,
	    'nothing is taken meanwhile';
	start($d, $up, @cmd);
	ok $pr->wait_for(sub { replies($name, qr/^\d+ 250 / ) >=
	    $before + 4 }), 'then taken again';
	$pr->spew("$conf/$name.end", '');
	waitpid $pid, 0;
	is $?, 0, 'all is taken in the end';
	my $count = replies($name, qr/^\d+ 250 /);
	is join('|', replies($name, qr/^\d+ (?!250 |451 4\.3)/)), '',
	    'with nothing but temporary errors';
	my @box = (['ann@example.com', 0, 1, 3], ['hr@example.com', 1],
	    ['archive@example.com', 1], ['office@example.net', 2]);
	for (@box) {
		my ($user, @which) = @$_;
		my @i = grep { my $k = $_ % 4; grep { $_ == $k } @which }
		    1 .. $count;
		my @got;
		$pr->wait_for(sub {
			@got = map { $pr->slurp($_) =~
			    /^Subject: $name-(\d+)\./m ? $1 : () }
			    $pr->mails($user);
			@got >= @i
		}, 30);
		is join(' ', sort { $a <=> $b } @got), "@i",
		    "$user has its mail, once";
	}
	is scalar(grep { /bounce|status=failed/ } $pr->log_lines($mark)), 0,
	    'nothing came back';
	ok $pr->wait_for(sub { $pr->queue('list') !~ /\@/ }, 30),
	    'nothing is left';
	like $tp->login('ann@example.com', $pass), qr/^\+OK/,
	    'who logs in does';
	return;
}

for (['pgsql', $pg, \&pg_up, @postgres], ['ldap', $ld, \&ld_up, @slapd]) {
	my ($type, @server) = @$_;
	use_tables(map { "$type:$_.$type" } qw(users mailboxes aliases));
	$pr->reload;
	ok $pr->wait_for(sub { $tp->login('ann@example.com', $pass) =~
	    /^\+OK/ }, 10), "$type: after a reload";
	is_deeply told(), $want, 'the same results';
	kill_under_load($type, @server);
}
done_testing;
