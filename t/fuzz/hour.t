# t/fuzz/hour gives classes the same time, goes on where the last run ended, and
# stops at a finding, which it tells.  The fuzzers are scripts.
use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep);

my $dir = tempdir(CLEANUP => 1);
my ($bin, $work) = ("$dir/b/t/fuzz", "$dir/w");
make_path($bin);

# one that is made anew has another time than before
sub script {
	my ($name, $text) = @_;
	my $old = (stat "$bin/$name")[9];
	open my $f, '>', "$bin/$name" or die "$name: $!";
	print $f $text;
	close $f or die "$name: $!";
	chmod 0755, "$bin/$name";
	utime $old + 5, $old + 5, "$bin/$name" if $old;
}

# a fuzzer that works for some hundredths of a second, then does more
sub fuzzer {
	my ($name, $more) = @_;
	script("${name}_fuzz", <<'END' . ($more // ''));
#!/usr/bin/perl
exit 0 if grep { !/^-/ && -f } @ARGV;	# what was found
my $i = 0;
$i++ while (times)[0] < 0.05;
print "INITED cov: 5 ft: 6\ncov: 7 ft: 9\n",
    "stat::number_of_executed_units: 11\n";
END
}

# its status and output
sub hour {
	my (@arg) = @_;
	my $cmd = "exec $^X t/fuzz/hour -b $dir/b -w $work -l 1 @arg 2>&1";
	open my $p, '-|', $cmd or die "hour: $!";
	my $out = do { local $/; <$p> };
	close $p;
	return ($? >> 8, $out);
}

sub lines {
	open my $log, '<', "$work/log" or return ();
	return <$log>;
}

# name => turns in the log
sub turns {
	my %n = map { $_ => 0 } qw(dnsd dns_records ipc);
	/^(\w+) / and $n{$1}++ for lines();
	return \%n;
}

# class => seconds in the log; the longest turn
sub had {
	my %sum = (dns => 0, ipc => 0);
	my $longest = 0;
	for (lines()) {
		my ($class, $cpu) = /^(dns|ipc)\w* cpu=(\S+)/ or next;
		$sum{$class} += $cpu;
		$longest = $cpu if $cpu > $longest;
	}
	return \%sum, $longest;
}

script('unpack', "#!/bin/sh\nexit 0\n");
fuzzer($_) for qw(dnsd dns_records ipc);
my ($rc, $out) = hour('-s 1.5');
is $rc, 0, 'nothing found' or diag $out;
my $n = turns();
cmp_ok $n->{$_}, '>', 0, "$_ has a turn" for sort keys %$n;
my ($sum, $longest) = had();
cmp_ok abs($sum->{ipc} - $sum->{dns}), '<=', $longest + 0.2,
    'a class has as much as another that has more fuzzers';
like +(lines())[0], qr/^\w+\ cpu=\d+\.\d\d\ runs=11\ edges=7\ new=2\ features=3
    \ status=0\n\z/x, 'each is a line of the log';

my $before = $n;
open my $log, '>>', "$work/log" or die "log: $!";
print $log "dnsd cpu=5000.0 runs=1 edges=1 new=0 status=0\n";
close $log;
hour('-s 0.1');
$n = turns();
cmp_ok $n->{ipc}, '>', $before->{ipc}, 'who had less before is next';
is $n->{dns_records}, $before->{dns_records}, '... who had more is not';
(undef, $out) = hour('-r');
like $out, qr/^dns +500\d s: dns_records \d, dnsd 500\d$/m,
    '-r says what was had';

unlink "$work/log";
($rc) = hour('-a 0.3');
is $rc, 0, '-a ends';
($sum) = had();
cmp_ok $sum->{$_}, '>=', 0.25, "... $_ has had that much" for qw(dns ipc);
my $had = join '', lines();
hour('-a 0.3');
is join('', lines()), $had, '... and needs no more';

# a finding: the input is its argument next time
my $dies = <<'END';
my ($prefix) = map { /^-artifact_prefix=(.*)/ ? $1 : () } @ARGV;
open my $f, '>', "${prefix}crash-1";
close $f;
print "ERROR: AddressSanitizer: heap-buffer-overflow\n",
    "Test unit written to ${prefix}crash-1\n",
    "SUMMARY: AddressSanitizer: x\n";
exit 77;
END
fuzzer('ipc', $dies);
($rc, $out) = hour('-s 100');
is $rc, 1, 'a finding ends it';
like $out, qr/^FOUND by ipc \(ipc\):$/m, '... and is said';
like $out, qr/^ +SUMMARY: AddressSanitizer: x$/m, '... with what it is';
like $out, qr{once more: \Q$bin/ipc_fuzz $work/ipc.found/crash-1\E$}m,
    '... and how to see it again';
unlike $out, qr/uninitialized/, '... and no more';
script('ipc_fuzz', "#!/bin/sh\nexit 77\n");
$had = join '', lines();
($rc, $out) = hour('-s 100');
is $rc, 1, 'what was found is tried first';
like $out, qr{once more: \S+ipc_fuzz \Q$work\E/ipc.found/crash-1$}m,
    '... and said again';
is join('', lines()), $had, '... before anybody has a turn';
$before = turns();
($rc) = hour('-k -s 0.3');
is $rc, 1, '-k ends with it, too';
$n = turns();
is $n->{ipc}, $before->{ipc}, '... who died has no turn';
cmp_ok $n->{dnsd} + $n->{dns_records}, '>',
    $before->{dnsd} + $before->{dns_records}, '... others have';
fuzzer('ipc');
($rc) = hour('-s 0.1 ipc');
is $rc, 0, 'once it is mended';
ok -f "$work/ipc.work/crash-1" && !-f "$work/ipc.found/crash-1",
    '... the input is one of those to go on from';

script('ipc_fuzz', "#!/bin/sh\nexit 0\n");
($rc, $out) = hour('-s 100 ipc');
is $rc, 2, 'one that does not run has no turns for ever';
like $out, qr/^ipc does not run: /m, '... and is named';

unlink "$work/ipc.work/crash-1";
script('ipc_fuzz', "#!/bin/sh\necho runs\nexec sleep 600\n");
my $pid = fork // die "fork: $!";
if ($pid == 0) {
	open STDOUT, '>', "$dir/out";
	exec $^X, 't/fuzz/hour', '-b', "$dir/b", '-w', $work, 'ipc';
}
sleep 0.05 until -s "$work/ipc.out";
($rc, $out) = hour('-s 1 ipc');
like $out, qr/is of another run/, 'two do not share a folder';
isnt $rc, 0, '... the second fails';
kill 'TERM', $pid;
waitpid $pid, 0;
is $?, 0, 'SIGTERM ends it, and the fuzzer';
open my $said, '<', "$dir/out" or die "out: $!";
like +(<$said>)[0], qr/^ipc +\d+ s: ipc \d+$/, '... with what each has had';

script('nonesuch_fuzz', "#!/bin/sh\nexit 0\n");
($rc, $out) = hour('-s 1');
isnt $rc, 0, 'a fuzzer without a class';
like $out, qr/nonesuch has no class/, '... is refused';
done_testing;
