#!/usr/bin/perl
# Accounts and aliases in an SQLite file: login, delivery, and what a hostile
# key, a lost file and a locked one come to.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Postrider::Instance;
use Postrider::Ipc;

my $pr = Postrider::Instance->new(domains => ['example.test'],
    users => { own => 'pw' },
    conf => { 'auth.conf' => { failure_delay => '0s' } });
my $conf = $pr->conf_dir;
my $db = "$pr->{dir}/accounts.db";
my $hash = crypt 'geheim', '$6$rounds=1000$salt$';

sub sql {
	my ($text) = @_;
	open my $fh, '|-', 'sqlite3', '-bail', $db or die "sqlite3: $!\n";
	print {$fh} $text;
	return close $fh;
}

sql(<<"END") or die "no database\n";
CREATE TABLE account (address TEXT PRIMARY KEY, pass TEXT, quota TEXT,
    home TEXT);
INSERT INTO account VALUES ('ann\@example.test', '$hash', '1M', NULL),
    ('evil\@example.test', 'x disabled=no "', '5', ''),
    ('o''brien\@example.test', '$hash', NULL, NULL);
CREATE TABLE domain (name TEXT);
INSERT INTO domain VALUES ('more.test');
INSERT INTO account VALUES ('joe\@more.test', '$hash', NULL, NULL);
CREATE TABLE alias (name TEXT, target TEXT);
INSERT INTO alias VALUES ('team\@example.test', 'ann\@example.test'),
    ('team\@example.test', 'own\@example.test'),
    ('big\@example.test', printf('%2000s', 'x')),
    ('only\@example.test', 'a\@b'), ('null\@example.test', NULL);
END
chmod 0644, $db;

# a table file
sub table {
	my ($name, %o) = @_;
	$pr->spew("$conf/$name", join '', map { "$_ = $o{$_}\n" }
	    sort keys %o);
	return;
}
table('users.sqlite', for => 'auth', path => $db,
    query => 'SELECT pass, quota, home FROM account WHERE address = %s',
    result => 'pass=%1 quota=%2 home=%3');
table('boxes.sqlite', for => 'maps', path => $db,
    query => 'SELECT quota, home FROM account WHERE address = %s',
    result => 'quota=%1 home=%2');
table('alias.sqlite', for => 'maps net', path => $db, rows => 'join',
    query => "SELECT target FROM alias WHERE name = %u || '\@' || %d",
    timeout => '3s', retry => '100ms',
    retry_max => '200ms', domains => 'example.test');
table('big.sqlite', for => 'maps', path => $db, max_size => '1K',
    query => 'SELECT target FROM alias WHERE name = %s');
table('one.sqlite', for => 'maps', path => $db, timeout => '1s',
    query => "SELECT target FROM alias WHERE name = %s AND 1 < 100 %% 7");
table('domains.sqlite', for => 'maps', path => $db,
    query => 'SELECT 1 FROM domain WHERE name = %s');
table('cached.sqlite', for => 'maps', path => $db, cache => '1m',
    cache_absent => '1m',
    query => 'SELECT quota FROM account WHERE address = %s');
# one process, as each remembers for itself
$pr->set_conf('master.conf', 'mapd/process_limit' => 1);
my @tables = map { "sqlite:$_.sqlite" } qw(users boxes alias big one cached
    domains);
$pr->set_conf('mapd.conf', tables => join ' ', @tables);
$pr->set_conf('router.conf', further_mailboxes => 'sqlite:boxes.sqlite',
    further_aliases => 'sqlite:alias.sqlite',
    virtual_domains => 'sqlite:domains.sqlite');
$pr->set_conf('auth.conf', users => 'sqlite:users.sqlite');
$pr->start;

# status and text of `postrider map query`
sub query {
	my ($table, $key) = @_;
	my ($st, $out, $err) = $pr->ctl('map', 'query',
	    "sqlite:$table.sqlite", $key);
	chomp($out, $err);
	return $st == 0 ? $out : "$st $err";
}
my $absent = qr/^1 postrider: sqlite:\S+: no /;

is query('users', 'ann@example.test'), "pass=$hash quota=1M", 'a record';
is query('users', 'ANN@Example.test'), "pass=$hash quota=1M", 'keys fold';
is query('users', 'evil@example.test'),
    'pass="x disabled=no \"" quota=5', 'a column is only its own field';
is query('users', "o'brien\@example.test"), "pass=$hash", 'a quote in a key';
is query('alias', 'team@example.test'), 'ann@example.test,own@example.test',
    'rows are joined';
is query('alias', 'null@example.test'), '', 'NULL is an empty value';
for my $key ("x' OR '1'='1", "' UNION SELECT pass FROM account --",
    "x'; DROP TABLE alias; --", '%', '_', '*)(mail=*', '\\', '"', '?1',
    "ann\@example.test\x01", "\xff\xfe\@example.test", 'x' x 1000,
    'x' x 2000, '@', '@example.test') {
	like query($_, $key), $absent, "$_: absent: " . substr $key, 0, 30
	    for qw(users boxes one);
}
like query('alias', 'team'), $absent, 'no domain, no question';
like query('alias', 'team@elsewhere.test'), $absent, 'another domain';
like query('one', 'team@example.test'), qr/more than one row/,
    'one row is expected';
is query('one', 'only@example.test'), 'a@b', 'a %% in a statement';
like query('big', 'big@example.test'), qr/more than 1024 bytes/,
    'a long answer is none';
like query('alias', "x\@example.test\nmap=sqlite:users.sqlite"), $absent,
    'a line end in a key';
my $raw = Postrider::Ipc->connect("$pr->{dir}/run/private/mapd");
my $r = $raw->call('get', [map => 'sqlite:users.sqlite',
    key => "ann\@example.test\0x"]);
ok !$r || $r->{verb} eq 'err', 'a NUL in a key ends the connection';
like query('nowhere', 'x'), qr/not among the tables/, 'an unknown table';

# who may ask
SKIP: {
	skip 'needs root', 3 if $> != 0;
	for my $c (['maps', 'users', qr/is not for this program/],
	    ['net', 'boxes', qr/is not for this program/],
	    ['net', 'alias', qr/found=yes/]) {
		my ($role, $table, $want) = @$c;
		my ($uid, undef, $gid) = (getpwnam "postrider-$role")[2, 3];
		my $g = getgrnam 'postrider';
		my ($st, $out, $err) = $pr->run('setpriv', "--reuid=$uid",
		    "--regid=$g", '--clear-groups',
		    "$pr->{build}/ctl/postrider", '-i', $pr->{dir},
		    'call', 'mapd', 'get',
		    "map=sqlite:$table.sqlite", 'key=team@example.test');
		like "$out$err", $want, "$role asks $table";
	}
}

# login and delivery
is scalar($pr->send(to => 'ann@example.test', message => "Subject: a\n\nx\n")),
    250, 'mail to an account of the database';
is scalar($pr->wait_mails('ann', 1)), 1, 'arrives';
is scalar($pr->send(to => 'joe@more.test', message => "Subject: a\n\nx\n")),
    250, 'to one in a domain of the database';
is scalar($pr->wait_mails('joe@more.test', 1)), 1, 'arrives';
is scalar($pr->send(to => 'team@example.test',
    message => "Subject: b\n\nx\n")), 250, 'to an alias of it';
is scalar($pr->wait_mails('own', 1)), 1, 'that leads to an account of users';
like join(' ', $pr->send(to => 'nobody@example.test', message => "x\n")),
    qr/^550 5\.1\.1/, 'nobody';
my $p = $pr->pop3;
$p->cmd('USER ann@example.test');
like $p->cmd('PASS geheim'), qr/^\+OK/, 'and its owner logs in';
my $bad = $pr->pop3;
$bad->cmd('USER ann@example.test');
like $bad->cmd('PASS wrong'), qr/^-ERR/, 'with the right password';
like $pr->ctl_ok('check'), qr/^table sqlite:alias\.sqlite answers$/m,
    'postrider check asks';

# remembered, or not
is query('cached', 'ann@example.test'), '1M', 'a value';
like query('cached', 'new@example.test'), $absent, 'an absent one';
sql("UPDATE account SET quota = '2M'; INSERT INTO account VALUES " .
    "('new\@example.test', '', '3M', NULL);");
is query('cached', 'ann@example.test'), '1M', 'is remembered';
like query('cached', 'new@example.test'), $absent, 'absence, too';
is query('boxes', 'new@example.test'), 'quota=3M', 'not by other tables';

# a process that dies takes no question but its own with it
kill 'KILL', $pr->pids_of('mapd');
is query('boxes', 'new@example.test'), 'quota=3M', 'another takes its place';

# a table that is renamed, a file that is gone
my $mark = $pr->log_mark;
sql('ALTER TABLE alias RENAME TO gone;');
like query('alias', 'team@example.test'), qr/^75 .*no such table/,
    'a table that is not there is trouble';
like query('alias', 'team@example.test'), qr/no such table/, 'always';
like join(' ', $pr->send(to => 'team@example.test', message => "x\n")),
    qr/^451 4\.3\.0/, 'and a temporary error';
sql('ALTER TABLE gone RENAME TO alias;');
like query('alias', 'team@example.test'), qr/^ann/, 'back again';
rename $db, "$db.away" or die $!;
like query('alias', 'team@example.test'), qr/No such file/, 'no file';
like query('alias', 'team@example.test'), qr/No such file/, 'still none';
rename "$db.away", $db or die $!;
ok $pr->wait_for(sub { query('alias', 'team@example.test') =~ /^ann/ }),
    'a file that comes back is used';
$pr->wait_log(qr/server-up .*alias/, undef, $mark);
my @line = $pr->log_lines($mark);
is scalar(grep { /mapd\[\d+\]: query-failed .*alias/ } @line), 1,
    'one line for the question';
is scalar(grep { /server-down .*alias/ } @line),
    scalar(grep { /server-up .*alias/ } @line), 'one each for the server';

# a database that somebody locks
open my $lock, '|-', 'sqlite3', $db or die $!;
$lock->autoflush;
print {$lock} "BEGIN EXCLUSIVE;\n.shell touch $pr->{tmp}/locked\n";
$pr->wait_for(sub { -e "$pr->{tmp}/locked" });
my $t = time;
like query('one', 'only@example.test'), qr/locked/, 'a locked database';
ok time - $t < 30, 'costs its timeout';
print {$lock} "ROLLBACK;\n";
close $lock;

# what an admin gets wrong
for my $c (
	[{ query => "SELECT 1 WHERE 'x' = '%s'" }, qr/placeholder within/],
	[{ query => 'SELECT 1' }, qr/nothing of the key/],
	[{ query => 'SELECT %x' }, qr/expected %s/],
	[{ for => '' }, qr/"for" is not set/],
	[{ for => 'root' }, qr/expected roles/],
	[{ result => '%0' }, qr/expected %1/],
	[{ qery => 'x' }, qr/did you mean "query"/]) {
	my %o = (for => 'maps', path => $db, query => 'SELECT %s',
	    %{ $c->[0] });
	table('bad.sqlite', %o);
	$pr->set_conf('mapd.conf', tables => 'sqlite:bad.sqlite');
	my ($st, $out, $err) = $pr->check_by('mapd', 'mapd');
	isnt $st, 0, 'refused';
	like $err, $c->[1], 'and said why';
}
is +($pr->ctl('check'))[0], 1, '... by the command, too';
done_testing;
