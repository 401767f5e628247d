# Every header compiles alone, and is guarded by its own name.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Source qw(files slurp);
use Test::More;

chdir "$FindBin::Bin/../..";
my $cc = $ENV{CC} || 'gcc';
my @flags = qw(-std=gnu11 -D_GNU_SOURCE -Ilib -Wall -Wextra -Wshadow -Werror
    -fsyntax-only -x c);
my @h = files(qr/\.h$/);
ok @h > 0, 'there are headers';
for my $h (@h) {
	my $out = `$cc @flags '$h' 2>&1`;
	is $?, 0, "$h compiles alone" or diag $out;
	(my $guard = uc $h) =~ s/[^A-Z0-9]+/_/g;
	$guard =~ s/^(?:LIB|T)_//;
	like slurp($h), qr/^#ifndef \Q$guard\E\n#define \Q$guard\E\n/m,
	    "$h is guarded by $guard";
}
done_testing;
