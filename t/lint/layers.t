# Includes go only downwards (lib/LAYERS), programs never include each other,
# and every file is in the module.am of its folder.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Source qw(files slurp strip_c lib_folders programs);
use Test::More;

chdir "$FindBin::Bin/../..";
my %layer = lib_folders();
my %program = map { $_->[0] => 1 } programs();

sub includes {
	my ($f) = @_;
	return strip_c(slurp($f), 1) =~ /^\s*#\s*include\s+"([^"]+)"/mg;
}

for my $f (files(qr{^lib/[^/]+/[^/]+\.[ch]$})) {
	my ($own) = $f =~ m{^lib/([^/]+)/};
	my @bad;
	push @bad, "lib/LAYERS does not name $own" unless $layer{$own};
	for my $inc (includes($f)) {
		next if $f eq 'lib/base/base.h' && $inc eq 'config.h';
		my ($dir) = $inc =~ m{^([^/.]+)/[^/]+\.h$};
		if (!$dir || !$layer{$dir}) {
			push @bad, "$inc is not FOLDER/NAME.h of lib";
		} elsif ($dir ne $own && $layer{$own} &&
		    $layer{$dir} >= $layer{$own}) {
			push @bad, "$inc is not below $own";
		}
	}
	ok !@bad, "$f includes only what is below it" or
	    diag join "\n", map { "  $_" } @bad;
}

for my $f (files(qr{^[^/]+/[^/]+\.[ch]$})) {
	my ($own) = split m{/}, $f;
	next if $own eq 'lib';
	my @bad;
	for my $inc (includes($f)) {
		my ($dir) = $inc =~ m{^(.*)/};
		if (!defined $dir) {
			push @bad, "no $own/$inc" unless -e "$own/$inc";
		} elsif (!$layer{$dir}) {
			push @bad, "$inc: a program includes its own folder " .
			    'by the bare name, and else only lib';
		}
	}
	ok !@bad, "$f includes only its own and lib's headers" or
	    diag join "\n", map { "  $_" } @bad;
}

for my $f (files(qr{\.(?:[ch]|[1-9])$})) {
	my ($dir, $name) = $f =~ m{^(.*)/([^/]+)$} or next;
	next unless -e "$dir/module.am";
	my $am = slurp("$dir/module.am");
	(my $stem = $name) =~ s/\.c$//;
	ok scalar($am =~ m{%D%/\Q$name\E(?:\s|\\|$)}m) ||
	    ($dir =~ /^t\// && $am =~ m{%D%/\Q$stem\E(?:\s|\\|$)}m),
	    "$dir/module.am names $name";
}

my $top = slurp('Makefile.am');
for my $m (files(qr{^[a-z].*/module\.am$})) {
	like $top, qr/^include \Q$m\E$/m, "Makefile.am includes $m";
}
done_testing;
