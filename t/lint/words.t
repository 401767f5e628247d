# Nothing unfinished, and nothing of the place where it was written.  (The
# words are put together here, so that this file does not hold them.)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Source qw(files slurp);
use Test::More;

chdir "$FindBin::Bin/../..";
my $unfinished = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'X' x 3, 'HA' . 'CK';
my $places = join '|', map { quotemeta } 'cla' . 'ude', 'anth' . 'ropic',
    '/wo' . 'rk/', 'deb.' . 'debian.org', 'security.' . 'debian.org',
    'npm' . 'js', 'py' . 'pi.org', 'python' . 'hosted', 'crates' . '.io',
    'proxy.gol' . 'ang', 'rubyg' . 'ems.org';
for my $f (files(qr/./)) {
	my $text = slurp($f);
	next if $text =~ /\0/ && $f =~ m{^t/data/};
	my ($n, @bad) = (0);
	for my $l (split /\n/, $text) {
		$n++;
		push @bad, "$f:$n: $1" if $l =~ /\b($unfinished)\b/ &&
		    $f !~ m{^t/data/};
		push @bad, "$f:$n: $1" if $l =~ /($places)/i;
	}
	is join("\n", @bad), '', "$f: words";
}
done_testing;
