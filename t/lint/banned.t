# Functions that have led mail servers into overflows, truncations or shells.
# (base.h poisons some of them; a file that forgets base.h is caught here.)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Source qw(files slurp strip_c);
use Test::More;

chdir "$FindBin::Bin/../..";
my @banned = qw(strcpy strcat sprintf vsprintf strtok gets atoi atol atoll
    strncpy strncat stpcpy asctime ctime mktemp tmpnam tempnam alloca system
    popen scanf sscanf fscanf vfork setjmp longjmp sigsetjmp siglongjmp
    gethostbyname inet_ntoa rand srand random drand48);
my $re = join '|', @banned;
for my $f (files(qr/\.[ch]$/)) {
	next if $f =~ m{^t/bench/};
	my ($n, @bad) = (0);
	for my $l (split /\n/, strip_c(slurp($f))) {
		$n++;
		next if $l =~ /^#pragma GCC poison/;
		push @bad, "$f:$n: $1" if $l =~ /(?<![\w.>])($re)\s*\(/;
	}
	is "@bad", '', "$f calls no banned function";
}
done_testing;
