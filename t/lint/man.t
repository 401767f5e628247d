# Every man page is clean mdoc, and every program has one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Source qw(files programs slurp);
use Test::More;

chdir "$FindBin::Bin/../..";
my @man = files(qr/^(?!t\/).*\.[1-8]$/);
for my $f (@man) {
	my $out = `mandoc -Tlint -W warning '$f' 2>&1`;
	# mandoc can not know pages that are not installed
	$out = join '', grep { !/referenced manual not found/ }
	    split /^/, $out;
	is $out, '', "$f is clean";
	my ($name, $sec) = $f =~ m{([^/]+)\.([1-8])$};
	my $text = slurp($f);
	like $text, qr/^\.Dt \Q@{[uc $name]}\E $sec$/m, "$f has its own name";
	like $text, qr/^\.Os/m, "$f is mdoc";
}
for my $p (programs()) {
	my ($dir, $name) = @$p;
	ok -e "$dir/$name.8" || -e "$dir/$name.1", "$dir/$name has a man page";
}
ok scalar(programs()), 'there are programs';
done_testing;
