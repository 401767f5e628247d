package Postrider::Company;

# The company of doc/examples/company, as an instance of a test: its files are
# used as they are, but for places.  Networks of the documentation become
# loopback ones (192.0.2.N is 127.0.2.N, 198.51.100.N 127.0.51.N, 203.0.113.N
# 127.0.113.N), directories those of the instance.
#
#   my $i = Postrider::Company->new(conf => {...});
#   $i->copy('unix:/run/clamav/clamd.ctl' => 'inet:127.0.0.1:3310');
#   $i->addresses(500)   of people, so many in each domain

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Postrider::Instance;
our @ISA = ('Postrider::Instance');

our $PASSWORD = 'correct horse';
our $HASH = crypt $PASSWORD, '$5$rounds=1000$company$';
my $example = abs_path(dirname(__FILE__) . '/../../..') .
    '/doc/examples/company';

my @DOMAINS = qw(example.com example.net example.org);
my %NAMED = ('example.com' => [qw(ann bob hr archive)],
	'example.net' => [qw(cora office projects)]);

sub new {
	my ($class, %arg) = @_;
	return $class->SUPER::new(domains => [@DOMAINS], %arg);
}

# the files into the instance's configuration; places besides the usual ones
sub copy {
	my ($self, %to) = @_;
	my ($dir, $conf) = ($self->dir, $self->conf_dir);
	my %place = ('/etc/postrider' => $conf, '/run/postrider' => 'run',
	    (map { ("/var/$_/postrider" => $_) } qw(spool mail log)),
	    '192.0.2.' => '127.0.2.', '198.51.100.' => '127.0.51.',
	    '203.0.113.' => '127.0.113.', %to);
	my ($any) = map { qr/$_/ } join '|', map { quotemeta }
	    sort { length $b <=> length $a } keys %place;
	mkdir "$conf/lists", 0755;
	for my $f (glob "$example/* $example/lists/*") {
		next if !-f $f || $f =~ /README$/;
		my $name = substr $f, 1 + length $example;
		$self->spew("$conf/$name",
		    $self->slurp($f) =~ s/($any)/$place{$1}/gr);
	}
	return;
}

# a file of it as it is
sub example { return $_[0]->slurp("$example/$_[1]") }

# The tables of a server (pgsql or ldap): its files, with other values of some
# options, or further ones.
sub copy_tables {
	my ($self, $type, %set) = @_;
	my $conf = $self->conf_dir;
	for my $f (glob "$example/$type/*.$type") {
		my ($name) = $f =~ m{([^/]+)$};
		my $text = $self->slurp($f);
		for my $k (sort keys %set) {
			$text =~ s/^\Q$k\E = .*$/$k = $set{$k}/m or
			    $text .= "$k = $set{$k}\n";
		}
		$self->spew("$conf/$name", $text);
		chmod 0600, "$conf/$name";
		chown +(stat $conf)[4, 5], "$conf/$name";
	}
	return;
}

# n addresses in each of the first two domains: those with names, u001 and on
sub addresses {
	my ($self, $n) = @_;
	my @all;
	for my $d (@DOMAINS[0, 1]) {
		my @named = @{ $NAMED{$d} };
		push @all, map { "$_\@$d" } @named,
		    map { sprintf 'u%03d', $_ } 1 .. $n - @named;
	}
	return @all, 'olga@example.org';
}

1;
