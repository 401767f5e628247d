#!/usr/bin/perl
# t/bench/maps does what it says, on small tables.
use strict;
use warnings;
use FindBin;
use Test::More;

my @arg = qw(-n 2000 -l 2000 -k 300 -r 1 --nets 500 --expressions 50 --alone);
my $out = `$FindBin::Bin/../bench/maps @arg 2>&1`;
is $?, 0, 'all that is there was found, and nothing else' or diag $out;
like $out, qr/^\Q$_\E.*\d/m, $_ for 'postrider map aliases',
    'lib/map cdb, there', 'lib/map cdb, absent', 'postrider map query -',
    'router, resolve, 4 at a time', 'memory of a router', 'lib/map cidr',
    'lib/map pcre';
done_testing;
