#!/usr/bin/perl
# Accounts and aliases in PostgreSQL: a server of our own, on a UNIX socket and
# on loopback, that is dead, silent, restarted, and refuses us.
use strict;
use warnings;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use Postrider::Instance;
use Postrider::Tables;

my ($bin) = sort { ($b =~ /(\d+)/)[0] <=> ($a =~ /(\d+)/)[0] }
    glob '/usr/lib/postgresql/*/bin';
my $pg = Postrider::Tables->daemon('postgres');
my ($dir, $port) = ($pg->dir, $pg->port);
$pg->run("$bin/initdb", '-D', "$dir/data", '-U', 'boss', '-A', 'trust',
    '--no-sync', '-E', 'UTF8', '--locale=C') or die "initdb\n";
$pg->spew("$dir/data/pg_hba.conf", "local all boss trust\n" .
    "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n");
my @server = ("$bin/postgres", '-D', "$dir/data", '-k', $dir, '-p', $port,
    '-c', 'fsync=off', '-c', 'shared_buffers=1MB', '-c',
    'listen_addresses=127.0.0.1', '-c', 'max_connections=20');
$pg->start(@server);

sub sql {
	my ($text) = @_;
	return $pg->run("$bin/psql", '-qAt', '-h', $dir, '-p', $port, '-U',
	    'boss', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres', '-c', $text);
}
$pg->wait(sub { sql('SELECT 1') }) or die "postgres does not start\n";

my $hash = crypt 'geheim', '$6$rounds=1000$salt$';
sql(<<"END") or die "no tables\n";
CREATE TABLE account (address text PRIMARY KEY, pass text, quota bigint);
INSERT INTO account VALUES ('ann\@example.test', '$hash', 1048576),
    ('o''brien\@example.test', '$hash', NULL),
    ('evil\@example.test', 'x quota=9 "\\', 5);
CREATE TABLE alias (name text, target text);
INSERT INTO alias VALUES ('team\@example.test', 'ann\@example.test'),
    ('team\@example.test', 'own\@example.test');
INSERT INTO alias SELECT 'many\@example.test', 'u' || n || '\@example.test'
    FROM generate_series(1, 5000) n;
CREATE ROLE reader LOGIN PASSWORD 'it''s secret';
GRANT SELECT ON account, alias TO reader;
END

my $pr = Postrider::Instance->new(users => { own => 'pw' },
    conf => { 'auth.conf' => { failure_delay => '0s' } });
my $t = Postrider::Tables->new($pr, 'pgsql');
my %base = (dbname => 'postgres', user => 'reader',
    password => "it's secret", timeout => '6s', retry => '300ms',
    retry_max => '300ms');
my $silent = $t->silent;
my $dead = $t->dead_port;
my $alias = 'SELECT target FROM alias WHERE name = %s';
$t->table(users => %base, for => 'auth', hosts => "$dir:$port",
    query => 'SELECT pass, quota FROM account WHERE address = %s',
    result => 'pass=%1 quota=%2');
$t->table(boxes => %base, for => 'maps', hosts => "127.0.0.1:$port",
    query => 'SELECT quota FROM account WHERE address = %u || chr(64) || %d',
    result => 'quota=%1');
$t->table(alias => %base, for => 'maps', rows => 'join', query => $alias,
    hosts => "127.0.0.1:$dead, 127.0.0.1:$silent, 127.0.0.1:$port",
    timeout => '3s', retry => '1m', retry_max => '1m');
$t->table(dead => %base, for => 'maps', hosts => "127.0.0.1:$dead",
    query => $alias, retry => '1m');
$t->table(silent => %base, for => 'maps', hosts => "127.0.0.1:$silent",
    query => $alias, retry => '1m', timeout => '700ms');
$t->table(mute => %base, for => 'maps', hosts => "127.0.0.1:$silent",
    query => $alias, retry => '1m', retry_max => '1m', timeout => '700ms');
$t->table(slow => %base, for => 'maps', hosts => "127.0.0.1:$port",
    query => 'SELECT pg_sleep(60)::text || %s', timeout => '700ms');
$t->table(single => %base, for => 'maps', hosts => "127.0.0.1:$port",
    query => 'SELECT pg_advisory_xact_lock(7)::text || %s',
    timeout => '20s', concurrency => 1);
$t->table(wrong => %base, for => 'maps', hosts => "127.0.0.1:$port",
    password => 'not this', query => $alias);
$t->table(first => %base, for => 'maps', hosts => "127.0.0.1:$port",
    query => "$alias ORDER BY length(target), target", rows => 'first');
$t->use;
$pr->set_conf('auth.conf', users => 'cdb:users pgsql:users.pgsql');
$pr->set_conf('router.conf', further_mailboxes => 'pgsql:boxes.pgsql',
    further_aliases => 'pgsql:alias.pgsql');
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
like $t->query('alias', 'many@example.test'), qr/more than 1000 rows/,
    'too many rows';
is $t->query('first', 'many@example.test'), 'u1@example.test', 'or the first';
is $t->query('first', 'team@example.test'), 'ann@example.test',
    'and the connection is good afterwards';
$t->none('users');

my $from = time;
like $t->query('dead', 'x@y'), qr/refused/, 'a dead server';
like $t->query('dead', 'x@y'), qr/asked again in/, 'is avoided';
ok time - $from < 15, 'and costs nothing';
$t->mute('silent', qr/no answer in time/);
$from = time;
like $t->query('slow', 'x@y'), qr/no answer in time/, 'a slow question';
ok time - $from < 30, 'ends at its timeout';
like $t->query('wrong', 'x@y'), qr/password authentication failed/,
    'a wrong password';

$t->mail;
$t->logins('ann@example.test', 'geheim');

# the server ends and comes back
my $mark = $pr->log_mark;
$pg->stop('QUIT');
like $t->query('boxes', 'ann@example.test'), qr/^75 .*(?:refused|closed|term)/,
    'a server that ended';
like join(' ', $pr->send(to => 'ann@example.test', message => "x\n")),
    qr/^451 4\.3\.0/, 'mail for its accounts waits';
like $t->login('own', 'pw'), qr/^\+OK/, 'who is in a file logs in';
like $t->login('ann@example.test', 'geheim'),
    qr/^-ERR \[SYS\/TEMP\]|^-ERR .*temporary/i, 'a login is told so';
is scalar($pr->send(to => 'own@example.test', message => "x\n")), 250,
    'others have theirs';
$pg->start(@server);
$pg->wait(sub { sql('SELECT 1') });
ok $pr->wait_for(sub { $t->query('boxes', 'ann@example.test') =~ /^quota/ }),
    'it is back';
$pr->wait_log(qr/server-up .*boxes/, undef, $mark);
is scalar(grep { /server-down .*boxes/ } $pr->log_lines($mark)), 1,
    'one line that it went';
is scalar(grep { /server-up .*boxes/ } $pr->log_lines($mark)), 1,
    'and one that it came';

sql('ALTER TABLE account RENAME TO gone');
like $t->query('boxes', 'ann@example.test'), qr/"account" does not exist/,
    'a table that is not there';
sql('ALTER TABLE gone RENAME TO account');
is $t->query('boxes', 'ann@example.test'), 'quota=1048576', 'and is again';
sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity ' .
    "WHERE usename = 'reader'");
is $t->query('boxes', 'ann@example.test'), 'quota=1048576',
    'a connection that was cut is made anew';

# many at a time learn from each other that a server says nothing
$from = time;
my @pid = map {
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		$t->query('mute', 'x@y') for 1 .. 3;
		POSIX::_exit(0);
	}
	$pid;
} 1 .. 8;
waitpid $_, 0 for @pid;
ok time - $from < 30, '24 questions to a silent server end soon';
is scalar(grep { /server-down .*mute/ } $pr->log_lines), 1, 'with one line';

# a slow server does not take all processes of mapd
sub waiting {
	my ($n) = @_;
	return sql("SELECT 1 / (count(*) = $n)::int FROM pg_locks " .
	    "WHERE locktype = 'advisory'");
}
my $holder = $pg->_fork("$bin/psql", '-qAt', '-h', $dir, '-p', $port, '-U',
    'boss', '-d', 'postgres', '-c', 'SELECT pg_advisory_lock(7)', '-c',
    'SELECT pg_sleep(60)');
$pr->wait_for(sub { waiting(1) }) or die "nobody has the lock\n";
pipe my $r, my $w or die "pipe: $!\n";
my $asker = fork // die "fork: $!\n";
if (!$asker) {
	print {$w} $t->query('single', 'x@y');
	close $w;
	POSIX::_exit(0);
}
close $w;
$pr->wait_for(sub { waiting(2) }) or die "nobody asks\n";
like $t->query('single', 'x@y'), qr/1 processes wait for its answers/,
    'no more ask a table at a time than may';
is $t->query('boxes', 'ann@example.test'), 'quota=1048576', 'others answer';
sql("SELECT pg_terminate_backend(pid) FROM pg_locks " .
    "WHERE locktype = 'advisory' AND granted");
is scalar(<$r>), 'x@y', 'who had asked gets the answer';
waitpid $_, 0 for $asker, $holder;

# a mended file counts from the reload, whatever was known of the server
like $t->query('wrong', 'x@y'), qr/^75 .*password/, 'still a wrong password';
$t->table(wrong => %base, for => 'maps', hosts => "127.0.0.1:$port",
    query => $alias, retry => '1m', retry_max => '1m');
$pr->reload;
ok $pr->wait_for(sub { $t->query('wrong', 'x@y') =~ $t->absent }),
    'the right one, after a reload';

# the jail
my %got = map { split /\t/, $_, 2 } $pr->probe('mapd');
is $got{'inet-socket'}, 'possible', 'sockets are possible';
like $got{connect}, qr/^EACCES/, 'but not to any port';
is join(' ', grep { $got{$_} eq 'possible' } qw(open-outside list-root
    create-outside unlink-outside ptrace exec-memory chmod mount unshare exec
    fork setuid-root kill-parent)), '', 'and nothing else';

# a file that all may read
chmod 0644, $pr->conf_dir . '/users.pgsql';
my ($st, $out, $err) = $pr->ctl('check');
like $err, qr/all may read it/, 'a password for everybody is refused';
done_testing;
