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

# an archive of ar(1) with these files
sub corpus {
	open my $f, '>', "$dir/driver_bad.ar" or die "driver_bad.ar: $!";
	print $f "!<arch>\n";
	printf $f "%-16s%-12s%-6s%-6s%-8s%-10s`\n%s%s", 'a', 0, 0, 0, 644,
	    length, $_, length() % 2 ? "\n" : '' for @_;
	close $f or die "driver_bad.ar: $!";
}

corpus('a', 'bcde');
my ($rc, $out) = run('none', "-n 2000 -c $dir");
is $rc, 0, 'a target without a fault';
like $out, qr/^ok 1 - 2 files of .*\nok 2 - 4 seeds$/m, '... has a corpus';
like $out, qr/^ok 4 - 1000 changed ones.*\n1\.\.4$/m, '... and is well';
corpus('a', 'bcdxW');
($rc, $out) = run('word', "-n 2 -c $dir");
isnt $rc, 0, 'the corpus is run';
like $out, qr/^# the input is in /m, '... to its end';
truncate "$dir/driver_bad.ar", 75;
($rc, $out) = run('none', "-n 200 -c $dir");
isnt $rc, 0, 'one that is cut off is no corpus';
unlink "$dir/driver_bad.ar";
($rc, $out) = run('none', "-n 200 -c $dir");
isnt $rc, 0, '... nor is none';
corpus('a');
for my $fault (qw(overrun overflow abort hang)) {
	($rc, $out) = run($fault, "-w 2 -c $dir");
	isnt $rc, 0, "$fault is found";
	my ($file) = $out =~ /^# the input is in (\S+)$/m;
	ok defined $file && -s $file, '... the input is kept' or diag $out;
	($rc) = run($fault, '-w 1', $file);
	isnt $rc, 0, '... and does it again';
	($rc) = run('none', $file);
	is $rc, 0, '... alone';
}
($rc, $out) = run('leak', "-n 2000 -c $dir");
isnt $rc, 0, 'a leak is found';
like $out, qr/LeakSanitizer/, '... and said';
(undef, my $first) = run('none', "-n 200 -s 7 -c $dir");
(undef, my $second) = run('none', "-n 200 -s 7 -c $dir");
is $first, $second, 'the same seed does the same';
done_testing;
