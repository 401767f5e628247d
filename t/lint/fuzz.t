# Every fuzzer is built, has seeds and a corpus, and its time in t/fuzz/hour;
# all corpora together stay small.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Source qw(slurp);
use Test::More;

chdir "$FindBin::Bin/../..";
my $corpora = 250_000;

my $text = slurp('t/fuzz/classes') =~ s/^#.*//gmr =~ s/\n[ \t]+/ /gr;
my %class;
while ($text =~ /^([\w-]+): (.*)$/mg) {
	my $c = $1;
	push @{$class{$_}}, $c for split ' ', $2;
}
cmp_ok keys %class, '>', 60, 'classes of fuzzers are read';
my $am = slurp('t/fuzz/module.am');
my $seeds = slurp('t/fuzz/seeds.c');
my $size = 0;
for my $f (sort glob 't/fuzz/*_fuzz.c') {
	my ($name) = $f =~ m{(\w+)_fuzz\.c$};
	is scalar @{delete $class{$name} // []}, 1,
	    "$name is of one class of t/fuzz/classes";
	like $am, qr{^(?:\t|fuzzers \+= )%D%/${name}_fuzz\b}m, '... is built';
	like $seeds, qr/\bROW\($name\)|\{ "$name", /, '... has seeds';
	ok -s "t/fuzz/corpus/$name.ar", '... and a corpus';
	$size += -s _ // 0;
}
is join(' ', sort keys %class), '', 'all that have a class are there';
is join(' ', grep { !-f 't/fuzz/' . s{.*/(\w+)\.ar$}{$1_fuzz.c}r }
    glob 't/fuzz/corpus/*'), '', 'each corpus is of one';
cmp_ok $size, '<', $corpora, "corpora are less than $corpora octets";
done_testing;
