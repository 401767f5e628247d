#!/usr/bin/perl
# One company: its accounts and aliases as files, in PostgreSQL and in LDAP.
# The results are the same; then each server is killed under a stream of mail:
# temporary errors meanwhile, nothing lost, nothing returned.
use strict;
use warnings;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use Postrider::Instance;
use Postrider::Tables;

my $hash = crypt 'geheim', '$6$rounds=1000$salt$';
my %account = (	# quota, disabled
	'ann@example.test' => ['1M', ''], 'bob@example.test' => ['', ''],
	'o\'hara@example.test' => ['2M', ''],
	'dora@example.test' => ['', 'yes'],
	'carl@shop.test' => ['', '']);
my %alias = ('team@example.test' => 'ann@example.test,bob@example.test',
	'all@example.test' => 'team@example.test,carl@shop.test',
	'info' => 'ann@example.test', '@shop.test' => 'bob@example.test',
	'bob+lists@example.test' => 'carl@shop.test',
	'loop@example.test' => 'loop@example.test');

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
	my ($text) = @_;
	return $pg->run("$bin/psql", '-qAt', '-h', $pdir, '-p', $pg->port,
	    '-U', 'boss', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres', '-c',
	    $text);
}
sub pg_up { return sql('SELECT 1') }

sub quoted { return map { "'" . s/'/''/gr . "'" } @_ }
sub or_null { return map { length ? quoted($_) : 'NULL' } @_ }

# --- LDAP
my $ld = Postrider::Tables->daemon('openldap');
my ($ldir, $lport) = ($ld->dir, $ld->port);
my ($schema) = grep { -d } qw(/etc/ldap/schema /etc/openldap/schema);
mkdir "$ldir/db";
chown((getpwnam 'openldap')[2, 3], "$ldir/db") if $> == 0;
$ld->spew("$ldir/slapd.conf", <<"END");
include $schema/core.schema
include $schema/cosine.schema
include $schema/inetorgperson.schema
include $schema/misc.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $ldir/pid
database mdb
suffix "dc=test"
rootdn "cn=boss,dc=test"
rootpw boss
directory $ldir/db
dbnosync
access to * by * read
END
$ENV{PATH} .= ':/usr/sbin:/usr/lib/openldap';
my @slapd = ('slapd', '-d', '0', '-f', "$ldir/slapd.conf", '-h',
    "ldap://127.0.0.1:$lport");
my @tool = ('-x', '-H', "ldap://127.0.0.1:$lport", '-D', 'cn=boss,dc=test',
    '-w', 'boss');
sub ld_up { return $ld->run('ldapwhoami', @tool) }

# started again where what was killed is still in its way
sub start {
	my ($d, $up, @cmd) = @_;
	$d->start(@cmd);
	for (my $end = time + 20; time < $end; sleep 0.1) {
		return if $up->();
		next if waitpid($d->{pid}, POSIX::WNOHANG()) == 0;
		$d->start(@cmd);
	}
	die "$cmd[0] does not start\n";
}
start($pg, \&pg_up, @postgres);
start($ld, \&ld_up, @slapd);

sql('CREATE TABLE account (address text, pass text, quota text, off text);'
    . 'CREATE TABLE alias (name text, n int, target text);'
    . join '', (map { "INSERT INTO account VALUES (" . join(',', quoted($_,
    $hash), or_null(@{ $account{$_} })) . ');' } sort keys %account),
    map {
	my ($name, $n) = ($_, 0);
	map { 'INSERT INTO alias VALUES (' . join(',', quoted($name), $n++,
	    quoted($_)) . ');' } split /,/, $alias{$name}
    } sort keys %alias) or die "no tables\n";
my ($n, $ldif) = (0, "dn: dc=test\nobjectClass: dcObject\n" .
    "objectClass: organization\no: test\ndc: test\n\n");
my $person = "objectClass: inetOrgPerson\n" .
    "objectClass: inetLocalMailRecipient\nsn: x\n";
for my $a (sort keys %account) {
	my ($quota, $off) = @{ $account{$a} };
	$n++;
	$ldif .= "dn: cn=a$n,dc=test\n${person}cn: a$n\nmail: $a\n" .
	    "userPassword: $hash\n";
	$ldif .= "employeeNumber: $quota\n" if $quota;
	$ldif .= "employeeType: $off\n" if $off;
	$ldif .= "\n";
}
for my $a (sort keys %alias) {
	$n++;
	$ldif .= "dn: cn=a$n,dc=test\n${person}cn: a$n\n" .
	    "mailLocalAddress: $a\n" . join '', map { "description: $_\n" }
	    split /,/, $alias{$a};
	$ldif .= "\n";
}
$ld->spew("$ldir/ldif", $ldif);
$ld->run('ldapadd', @tool, '-f', "$ldir/ldif") or die "no entries\n";

# --- the suite
my $pr = Postrider::Instance->new(domains => ['example.test', 'shop.test'],
    conf => { 'common.conf' => { postmaster => 'ann@example.test' },
	'auth.conf' => { failure_delay => '0s' } });
my $conf = $pr->conf_dir;
$pr->spew("$conf/users", join '', map {
	my ($quota, $off) = @{ $account{$_} };
	"$_ pass=$hash" . ($quota && " quota=$quota") .
	    ($off && " disabled=$off") . "\n"
} sort keys %account);
$pr->spew("$conf/aliases", join '', map { "$_: $alias{$_}\n" } sort keys
    %alias);
$pr->map('users', 'aliases');
my %often = (timeout => '3s', retry => '100ms', retry_max => '200ms');
my %pg = (%often, dbname => 'postgres', user => 'boss',
    hosts => "127.0.0.1:" . $pg->port);
my %ld = (%often, base => 'dc=test', hosts => "ldap://127.0.0.1:$lport");
my $tp = Postrider::Tables->new($pr, 'pgsql');
my $from = 'FROM account WHERE address = %s';
$tp->table(users => %pg, for => 'auth', query =>
    "SELECT pass, quota, off $from", result => 'pass=%1 quota=%2 disabled=%3');
$tp->table(boxes => %pg, for => 'maps', query => "SELECT quota, off $from",
    result => 'quota=%1 disabled=%2');
$tp->table(alias => %pg, for => 'maps', rows => 'join', query =>
    'SELECT target FROM alias WHERE name = %s ORDER BY n');
my $tl = Postrider::Tables->new($pr, 'ldap');
$tl->table(users => %ld, for => 'auth', filter => '(mail=%s)', attributes =>
    'userPassword employeeNumber employeeType', result =>
    'pass=%1 quota=%2 disabled=%3');
$tl->table(boxes => %ld, for => 'maps', filter => '(mail=%s)',
    attributes => 'employeeNumber employeeType mail',
    result => 'quota=%1 disabled=%2');
$tl->table(alias => %ld, for => 'maps', rows => 'join',
    filter => '(mailLocalAddress=%s)', attributes => 'description');
$pr->set_conf('mapd.conf', tables => join ' ', map {
	my $type = $_;
	map { "$type:$_.$type" } qw(users boxes alias)
} qw(pgsql ldap));

sub use_tables {
	my ($users, $boxes, $alias) = @_;
	$pr->set_conf('auth.conf', users => $users);
	$pr->set_conf('router.conf', mailboxes => $boxes, aliases => $alias);
	return;
}

# what clients and the other programs are told
my @asked = (sort(keys %account), (grep { /.\@/ } sort keys %alias),
    qw(TEAM@Example.Test info@example.test info@shop.test ann+x@example.test
    bob+other@example.test nobody@example.test anyone@shop.test
    postmaster@shop.test x@away.example *@example.test), q{x'@example.test},
    '%@shop.test', '"a,b"@shop.test');

sub told {
	my @all;
	for my $a (@asked) {
		my $c = $pr->smtp;
		$c->cmd('EHLO test');
		$c->cmd('MAIL FROM:<>');
		push @all, "$a: " . join ' ', $c->cmd("RCPT TO:<$a>");
		push @all, $pr->call('router', 'route', addr => $a);
	}
	for my $login (['ann@example.test', 'geheim'], ['ann@example.test',
	    'wrong'], ['dora@example.test', 'geheim'],
	    ['nobody@example.test', 'geheim'], ['carl@shop.test', 'geheim'],
	    ["o'hara\@example.test", 'geheim'], ['team@example.test',
	    'geheim']) {
		push @all, "@$login: " . $tp->login(@$login) =~ s/, \d.*//r;
	}
	return \@all;
}

use_tables('cdb:users', 'cdb:mailboxes', 'cdb:aliases');
$pr->start;
my $want = told();
is scalar(grep { /: 250 / } @$want), 15, 'what is there is taken';
is scalar(grep { /: 550 5\.[12]\.1 / } @$want), 4, 'nobody is nobody';
is scalar(grep { /: \+OK/ } @$want), 3, 'three may log in';

# so many messages, sent again until they are taken; each reply is a line
sub stream {
	my ($name, $count) = @_;
	my @to = ('ann@example.test', 'all@example.test', 'x@shop.test',
	    'info@example.test');
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	open my $fh, '>', "$conf/$name.replies" or POSIX::_exit(2);
	$fh->autoflush(1);
	for my $i (1 .. $count) {
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
	my $count = 40;
	my $mark = $pr->log_mark;
	my $pid = stream($name, $count);
	ok $pr->wait_for(sub { replies($name, qr/^\d+ 250 / ) >= 8 }, 60),
	    "$name: mail is taken";
	$d->stop('KILL');
	ok $pr->wait_for(sub { replies($name, qr/^\d+ 451 4\.3\.0/) >= 5 },
	    60), 'then put off';
	my $before = replies($name, qr/^\d+ 250 /);
	like $tp->login('ann@example.test', 'geheim'), qr/^-ERR .*temporary/i,
	    'a login is told so';
	is scalar(replies($name, qr/^\d+ 250 /)), $before,
	    'nothing is taken meanwhile';
	start($d, $up, @cmd);
	waitpid $pid, 0;
	is $?, 0, 'all is taken in the end';
	is scalar(replies($name, qr/^\d+ 250 /)), $count, 'each once';
	is join('|', replies($name, qr/^\d+ (?!250 |451 4\.3)/)), '',
	    'with nothing but temporary errors';
	my @box = (['ann@example.test', 0, 1, 3], ['bob@example.test', 1, 2],
	    ['carl@shop.test', 1]);
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
	like $tp->login('ann@example.test', 'geheim'), qr/^\+OK/,
	    'who logs in does';
	return;
}

for (['pgsql', $pg, \&pg_up, @postgres], ['ldap', $ld, \&ld_up, @slapd]) {
	my ($type, @server) = @$_;
	use_tables(map { "$type:$_.$type" } qw(users boxes alias));
	$pr->reload;
	ok $pr->wait_for(sub { $tp->login('ann@example.test', 'geheim') =~
	    /^\+OK/ }, 10), "$type: after a reload";
	is_deeply told(), $want, 'the same results';
	kill_under_load($type, @server);
}
done_testing;
