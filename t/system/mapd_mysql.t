#!/usr/bin/perl
# Accounts and aliases in MariaDB: a server of our own, on a UNIX socket and on
# loopback, that is dead, silent, restarted, and refuses us.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Tables;

my $my = Postrider::Tables->daemon('mysql');
my ($dir, $port) = ($my->dir, $my->port);
$my->run('mariadb-install-db', '--no-defaults', "--datadir=$dir/data",
    '--auth-root-authentication-method=normal', '--skip-test-db',
    '--skip-name-resolve') or die "mariadb-install-db\n";
$ENV{PATH} .= ':/usr/sbin';
my @server = ('mariadbd', '--no-defaults', "--datadir=$dir/data",
    "--socket=$dir/sock", "--port=$port", '--bind-address=127.0.0.1',
    "--pid-file=$dir/pid", '--innodb-flush-log-at-trx-commit=0',
    '--skip-name-resolve', '--innodb-buffer-pool-size=8M');
$my->start(@server);

sub sql {
	my ($text) = @_;
	return $my->run('mariadb', '--no-defaults', '-u', 'root', '-S',
	    "$dir/sock", '-e', $text);
}
$my->wait(sub { sql('SELECT 1') }) or die "mariadbd does not start\n";
my $hash = crypt 'geheim', '$6$rounds=1000$salt$';
sql(<<"END") or die "no tables\n";
CREATE DATABASE mail CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE mail;
CREATE TABLE account (address varchar(255) PRIMARY KEY, pass text,
    quota bigint);
INSERT INTO account VALUES ('ann\@example.test', '$hash', 1048576),
    ('o''brien\@example.test', '$hash', NULL),
    ('evil\@example.test', 'x quota=9 "\\\\', 5);
CREATE TABLE alias (name varchar(255), target text);
INSERT INTO alias VALUES ('team\@example.test', 'ann\@example.test'),
    ('team\@example.test', 'own\@example.test');
CREATE USER reader IDENTIFIED BY 'it''s secret';
GRANT SELECT ON mail.* TO reader;
END

my $pr = Postrider::Instance->new(users => { own => 'pw' },
    conf => { 'auth.conf' => { failure_delay => '0s' } });
my $t = Postrider::Tables->new($pr, 'mysql');
my %base = (dbname => 'mail', user => 'reader', password => "it's secret",
    timeout => '6s', retry => '300ms', retry_max => '300ms');
my ($silent, $dead) = ($t->silent, $t->dead_port);
my $alias = 'SELECT target FROM alias WHERE name = %s';
$t->table(users => %base, for => 'auth', hosts => "$dir/sock",
    query => 'SELECT pass, quota FROM account WHERE address = %s',
    result => 'pass=%1 quota=%2');
$t->table(boxes => %base, for => 'maps', hosts => "127.0.0.1:$port",
    query => "SELECT quota FROM account WHERE address = concat(%u, '\@', %d)",
    result => 'quota=%1');
$t->table(alias => %base, for => 'maps', rows => 'join', query => $alias,
    hosts => "127.0.0.1:$dead, 127.0.0.1:$silent, 127.0.0.1:$port",
    timeout => '3s', retry => '1m', retry_max => '1m');
$t->table(silent => %base, for => 'maps', hosts => "127.0.0.1:$silent",
    query => $alias, retry => '1m', timeout => '1s');
$t->table(slow => %base, for => 'maps', hosts => "127.0.0.1:$port",
    query => 'SELECT sleep(60), %s', timeout => '1s', retry => '1m');
$t->table(wrong => %base, for => 'maps', hosts => "127.0.0.1:$port",
    password => 'not this', query => $alias);
$t->table(plain => %base, for => 'maps', hosts => "127.0.0.1:$port",
    query => $alias, tls => 'verify');
$t->use;
$pr->set_conf('auth.conf', users => 'mysql:users.mysql');
$pr->set_conf('router.conf', further_mailboxes => 'mysql:boxes.mysql',
    further_aliases => 'mysql:alias.mysql');
$pr->start;

is $t->query('users', 'ann@example.test'), "pass=$hash quota=1048576",
    'a record';
is $t->query('users', "o'brien\@example.test"), "pass=$hash",
    'a quote in a key, and NULL';
is $t->query('users', 'evil@example.test'), 'pass="x quota=9 \"\\\\" quota=5',
    'a column is only its own field';
is $t->query('boxes', 'ann@example.test'), 'quota=1048576', 'by its parts';
is $t->query('alias', 'team@example.test'),
    'ann@example.test,own@example.test',
    'joined rows, of the third server: one is dead and one says nothing';
$t->none('users');

$t->mute($_, qr/^75 /) for qw(silent slow);
like $t->query('wrong', 'x@y'), qr/Access denied/, 'a wrong password';
like $t->query('plain', 'x@y'), qr/^75 .*(?:SSL|TLS)/,
    'a server without TLS is not spoken to where it is wanted';

$t->mail;
$t->logins('ann@example.test', 'geheim');

my $mark = $pr->log_mark;
$my->stop('KILL');
like $t->query('boxes', 'ann@example.test'), qr/^75 /, 'a server that ended';
like join(' ', $pr->send(to => 'ann@example.test', message => "x\n")),
    qr/^451 4\.3\.0/, 'mail for its accounts waits';
$my->start(@server);
$my->wait(sub { sql('SELECT 1') });
ok $pr->wait_for(sub { $t->query('boxes', 'ann@example.test') =~ /^quota/ }),
    'it is back';
$pr->wait_log(qr/server-up .*boxes/, undef, $mark);
is scalar(grep { /server-down .*boxes/ } $pr->log_lines($mark)), 1,
    'one line that it went';

sql('RENAME TABLE mail.account TO mail.gone');
like $t->query('boxes', 'ann@example.test'), qr/doesn't exist/,
    'a table that is not there';
sql('RENAME TABLE mail.gone TO mail.account');
is $t->query('boxes', 'ann@example.test'), 'quota=1048576', 'and is again';
done_testing;
