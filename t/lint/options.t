# What PROGRAM -P prints is what NAME.conf.5 describes: every option, with its
# type and default, and no other.  In the page an option is
#   .It Ic name = type (default)
# Needs a build (POSTRIDER_BUILD, else this tree).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Source qw(files slurp strip_c programs);
use Test::More;

chdir "$FindBin::Bin/../..";
my $build = $ENV{POSTRIDER_BUILD} || '.';

# { name => "type (default)" } of a page
sub page {
	my ($path) = @_;
	my %o;
	for my $l (slurp($path) =~ /^\.It (.+)$/mg) {
		$l =~ s/\bPq (\S+)/($1)/;
		$l =~ s/\b(?:Ic|Cm|Li|Ar|Dv|Ql|Sy)\b ?//g;
		$l =~ s/\\&//g;
		$l =~ tr/"//d;
		$o{$1} = $2 if $l =~ /^([a-z][a-z0-9_]*) = (.*)$/;
	}
	return %o;
}

for my $p (programs()) {
	my ($dir, $name) = @$p;
	next if $dir eq 'ctl';
	my $exe = "$build/$dir/$name";
	ok -x $exe, "$exe is built" or next;
	my @row = map { [split /\t/, $_, -1] } `'$exe' -P`;
	is $?, 0, "$name -P" or next;
	my $man = "$dir/$name.conf.5";
	if (!@row) {
		ok !-e $man, "$name has no options, and no $man";
		next;
	}
	ok -e $man, "$man is there" or next;
	my %page = page($man);
	for my $r (@row) {
		chomp $r->[-1];
		my ($opt, $type, $def, $range, $doc) = @$r;
		is scalar @$r, 5, "$name -P: $opt has five columns";
		ok length($doc // ''), "$name -P: $opt has a meaning";
		my $there = delete $page{$opt};
		ok defined $there, "$man describes $opt" or next;
		like $there, qr/^\Q$type\E\b/, "$man: type of $opt";
		$def =~ s/^\((required)\)$/$1/;
		like $there, qr/\(\Q$def\E\)/, "$man: default of $opt"
		    if length $def;
	}
	is join(' ', sort keys %page), '', "$man describes no other option";
}

# a page of no program: the options are rows of a table in the source
my @common = files(qr{/common\.conf\.5$});
is scalar @common, 1, 'there is one common.conf.5';
for my $man (@common) {
	my %page = page($man);
	my @row = map { strip_c(slurp($_), 1) =~
	    /\bF_[A-Z_]+\(struct common,\s*(\w+)/g } files(qr{^lib/conf/});
	ok scalar @row, 'common.conf has options';
	ok defined delete $page{$_}, "$man describes $_" for @row;
	is join(' ', sort keys %page), '', "$man describes no other option";
}
done_testing;
