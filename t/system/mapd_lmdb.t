#!/usr/bin/perl
# A table in an LMDB file that another program writes.
use strict;
use warnings;
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
like $t->query('none', 'x'), qr/^1 postrider: lmdb:none\S* (?!no )/,
    'a database that is not in the file is trouble';
is scalar($pr->send(to => 'team@example.test',
    message => "Subject: b\n\nx\n")), 250, 'mail to an alias';
is scalar($pr->wait_mails('own', 1)), 1, 'arrives';
load($db, 'new@example.test' => 'own@example.test');
is $t->query('alias', 'new@example.test'), 'own@example.test',
    'a row that was added';
load("$db.new", 'team@example.test' => 'b@example.test');
rename "$db.new", $db or die $!;
is $t->query('alias', 'team@example.test'), 'b@example.test',
    'a file that was replaced';
unlink $db;
like $t->query('alias', 'team@example.test'), qr/No such file/, 'no file';
done_testing;
