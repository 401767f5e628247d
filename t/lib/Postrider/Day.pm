package Postrider::Day;

# For tests of what goes by days (of UTC): one that would cross midnight waits
# for it first.
#
#   day_left(120);	# seconds that the test may take

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(day_left);

use constant DAY => 86400;

sub day_left {
	my ($seconds) = @_;
	my $left = DAY - time % DAY;
	sleep $left + 1 if $left < $seconds;
	return;
}

1;
