# The driver finds what it is there for, and leaves the input behind.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

my $bad = ($ENV{POSTRIDER_BUILD} || 'build/san') . '/t/fuzz/driver_bad';
my $dir = tempdir(CLEANUP => 1);
$ENV{TMPDIR} = $dir;

# its exit status and output
sub run {
	my ($fault, @arg) = @_;
	local $ENV{FAULT} = $fault;
	open my $p, '-|', "exec $bad @arg 2>&1" or die "$bad: $!";
	my $out = do { local $/; <$p> };
	close $p;
	return ($?, $out);
}

my ($rc, $out) = run('none', '-n 2000');
is $rc, 0, 'a target without a fault';
like $out, qr/^ok 3 - 1000 changed ones.*\n1\.\.3$/m, '... is well';
for my $fault (qw(overrun overflow abort hang)) {
	($rc, $out) = run($fault, '-w 2');
	isnt $rc, 0, "$fault is found";
	my ($file) = $out =~ /^# the input is in (\S+)$/m;
	ok defined $file && -s $file, '... the input is kept' or diag $out;
	($rc) = run($fault, '-w 1', $file);
	isnt $rc, 0, '... and does it again';
	($rc) = run('none', $file);
	is $rc, 0, '... alone';
}
($rc, $out) = run('leak', '-n 2000');
isnt $rc, 0, 'a leak is found';
like $out, qr/LeakSanitizer/, '... and said';
(undef, my $first) = run('none', '-n 200 -s 7');
(undef, my $second) = run('none', '-n 200 -s 7');
is $first, $second, 'the same seed does the same';
done_testing;
