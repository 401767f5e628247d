# doc/postrider-log.5 names every event and every key of the log, and none
# that no source writes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Source qw(files slurp strip_c);
use Test::More;

chdir "$FindBin::Bin/../..";
my $man = 'doc/postrider-log.5';
ok -e $man, "$man is there" or do { done_testing; exit };

# the words of ".It Ic accept" or ".It Cm from , Cm to"
my %documented;
for my $l (slurp($man) =~ /^\.It (.+)$/mg) {
	$documented{$_} = 1 for grep { /^[a-z][a-z0-9_-]*$/ } split ' ', $l;
}
my (%event, %key, $all);
for my $f (files(qr{^(?!t/).*\.[ch]$})) {
	my $c = strip_c(slurp($f), 1);
	$all .= $c;
	next if $f eq 'lib/base/log.h';
	$event{$1} //= $f while
	    $c =~ /\blog_event\s*\([^,()]*,\s*"([^"]+)"/g;
	$key{$1} //= $f while $c =~ /\bK[SIU]\s*\(\s*"([^"]+)"/g;
}
ok %event && %key, 'sources log';
for my $e (sort keys %event) {
	ok $documented{$e}, "event $e ($event{$e}) is in $man";
	like $e, qr/^[a-z][a-z0-9_-]*$/, "event $e is one plain word";
}
for my $k (sort keys %key) {
	ok $documented{$k}, "key $k ($key{$k}) is in $man";
	like $k, qr/^[a-z][a-z0-9_]*$/, "key $k is one plain word";
}
for my $d (sort keys %documented) {
	ok scalar($all =~ /"[^"\n]*\b\Q$d\E\b[^"\n]*"/),
	    "$d of $man is in a source";
}
done_testing;
