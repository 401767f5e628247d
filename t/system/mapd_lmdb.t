#!/usr/bin/perl
# A table in an LMDB file that another program writes.
use strict;
use warnings;
use Fcntl qw(F_SETLK F_RDLCK SEEK_SET);
use Test::More;
use Postrider::Instance;
use Postrider::Tables;

my $pr = Postrider::Instance->new(users => { own => 'pw' },
    single_uid => 1);
my $t = Postrider::Tables->new($pr, 'lmdb');
my $db = "$pr->{dir}/aliases.lmdb";

# rows of keys and values as they are stored
sub load {
	my ($file, %row) = @_;
	my $hex = sub { join '', map { sprintf '%02x', ord } split //, $_[0] };
	open my $fh, '|-', 'mdb_load', '-n', $file or die "mdb_load: $!\n";
	print {$fh} "VERSION=3\nformat=bytevalue\ntype=btree\n" .
	    "mapsize=10485760\nHEADER=END\n", (map { ' ' . $hex->($_) .
	    "\n " . $hex->($row{$_}) . "\n" } sort keys %row), "DATA=END\n";
	close $fh or die "mdb_load\n";
	chmod 0666, $file, "$file-lock";
	return;
}
load($db, 'team@example.test' => 'own@example.test',
    "nul\@example.test\0" => "own\@example.test\0");
$t->table(alias => (for => 'maps', path => $db, retry => '100ms',
    retry_max => '100ms'));
$t->table(none => (for => 'maps', path => $db, dbname => 'nosuch'));
$t->use;
$pr->set_conf('router.conf', further_aliases => 'lmdb:alias.lmdb');
$pr->start;

is $t->query('alias', 'team@example.test'), 'own@example.test', 'a value';
is $t->query('alias', 'nul@example.test'), 'own@example.test',
    'a value and a key with a NUL at the end';
like $t->query('alias', $_), $t->absent, 'absent: ' . substr $_, 0, 30
    for $t->hostile;
like $t->query('none', 'x'), qr/^75 postrider: lmdb:none\S* (?!no )/,
    'a database that is not in the file is trouble';
is scalar($pr->send(to => 'team@example.test',
    message => "Subject: b\n\nx\n")), 250, 'mail to an alias';
is scalar($pr->wait_mails('own', 1)), 1, 'arrives';
load($db, 'new@example.test' => 'own@example.test');
is $t->query('alias', 'new@example.test'), 'own@example.test',
    'a row that was added';

# Two processes, each with a file open or not: router has one for itself.
sub replace {
	my ($to, $more) = @_;
	unlink "$db.new", "$db.new-lock";
	# in each file the last transaction is another one
	load("$db.new", "$_\@example.test" => 'own@example.test')
	    for 1 .. $more;
	load("$db.new", 'team@example.test' => $to);
	rename "$db.new", $db or die $!;
	return;
}
for my $i (1 .. 4) {
	replace("b$i\@example.test", $i);
	is $t->query('alias', 'team@example.test'), "b$i\@example.test",
	    'a file that was replaced';
	like $pr->call('router', 'route', addr => 'team@example.test'),
	    qr/b$i\@example\.test/, 'in another process';
}

# another program has the old file open: so say the locks of LMDB
open my $lock, '+<', "$db-lock" or die $!;
my $read = pack 'ssx4qqlx4', F_RDLCK, SEEK_SET, 0, 1, 0;
fcntl $lock, F_SETLK, $read or die "lock: $!";
replace('c@example.test', 7);
like $t->query('alias', 'team@example.test'), qr/replaced while a program/,
    'replaced while it is open elsewhere';
close $lock;
$pr->wait_for(sub { $t->query('alias', 'team@example.test') eq
    'c@example.test' });
is $t->query('alias', 'team@example.test'), 'c@example.test',
    'until it is closed there';
unlink $db;
like $t->query('alias', 'team@example.test'), qr/No such file/, 'no file';
done_testing;
