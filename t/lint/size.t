# Lines of at most 80 columns (tabs of 8), files of at most 800 lines and
# functions of at most 100; what is past 400 and 50 is said, not failed.
use strict;
use warnings;
use Encode qw(decode);
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Source qw(files slurp);
use Test::More;

chdir "$FindBin::Bin/../..";

sub columns {
	my ($l) = @_;
	my $col = 0;
	for my $part (split /(\t)/, $l) {
		$col += $part eq "\t" ? 8 - $col % 8 : length $part;
	}
	return $col;
}

# [name, first line, length] of each function, by its braces in column 0
sub functions {
	my (@l) = @_;
	my ($start, @f);
	for my $i (0 .. $#l) {
		$start = $i if $l[$i] eq '{';
		next unless $l[$i] eq '}' && defined $start;
		my ($name, $j) = ('?', $start - 1);
		$j-- while $j > 0 && $l[$j] =~ /^\s/;
		$name = $1 if $l[$j] =~ /(\w+)\(/;
		push @f, [$name, $start + 1, $i - $start - 1];
		undef $start;
	}
	return @f;
}

my $code = qr{\.(?:[ch]|pm|t|sh|bash|am|ac|m4)$|^(?:quickstart|runtests)$
    |^\.ci/|^t/bench/[^.]+$}x;
for my $f (files($code)) {
	my $text = slurp($f);
	next if $text =~ /\0/;
	my @l = split /\n/, decode('UTF-8', $text), -1;
	is pop @l, '', "$f ends with a newline";
	my ($n, @bad) = (0);
	for my $l (@l) {
		$n++;
		push @bad, "$f:$n: " . columns($l) . ' columns'
		    if columns($l) > 80;
		push @bad, "$f:$n: blank at the end" if $l =~ /[ \t\r]$/;
	}
	is join("\n", @bad), '', "$f: lines fit";
	cmp_ok scalar @l, '<=', 800, "$f has at most 800 lines";
	diag "$f: " . @l . ' lines' if @l > 400 && @l <= 800;
	next if $f !~ /\.c$/;
	my @long = grep { $_->[2] > 50 } functions(@l);
	diag "$f:$_->[1]: $_->[0] has $_->[2] lines"
	    for grep { $_->[2] <= 100 } @long;
	is join("\n", map { "$f:$_->[1]: $_->[0] has $_->[2] lines" }
	    grep { $_->[2] > 100 } @long), '',
	    "$f: no function over 100 lines";
}
done_testing;
