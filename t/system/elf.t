#!/usr/bin/perl
# Every installed program is built as doc/security.md says: readelf(1) of the
# file, and what the compiler noted of each object in it.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

my $build = Postrider::Instance::build();
my ($make) = do { local (@ARGV, $/) = "$build/Makefile"; <> };
my %var = $make =~ /^(\w+) = (.*)$/mg;
my $sanitized = $var{SAN_CFLAGS} ne '';
my @program = grep { m{/} } map { s/\$\(EXEEXT\)//r } map { split ' ' } $make =~
    /^(?:pkglibexec|sbin|bin)_PROGRAMS = ((?:.*\\\n)*.*)$/mg;
ok @program >= 27, 'there are programs';

# options that leave a trace only in the debugging information
my @noted = qw(-fPIE -fstack-protector-strong -fstack-clash-protection
    -ftrivial-auto-var-init=zero);
push @noted, '-fcf-protection=full' if `uname -m` =~ /x86_64/;

sub readelf {
	my (@arg) = @_;
	open my $p, '-|', 'readelf', '-W', @arg or die "readelf: $!\n";
	local $/;
	return <$p>;
}

sub faults {
	my ($file) = @_;
	my ($text, @bad) = (readelf('-hld', $file));
	push @bad, 'not PIE' if $text !~ /FLAGS_1.*\bPIE\b/;
	push @bad, 'stack' if $text !~ /^\s*GNU_STACK(?:\s+0x\w+)+\s+RW\s/m;
	push @bad, 'writable code' if $text =~ /^\s*LOAD.* [R ]WE /m;
	push @bad, 'RPATH' if $text =~ /\((?:RPATH|RUNPATH|TEXTREL)\)/;
	return @bad if $sanitized;
	push @bad, 'no RELRO' if $text !~ /^\s*GNU_RELRO /m;
	push @bad, 'bound late' if $text !~ /\(FLAGS\).*BIND_NOW/;
	my $sym = readelf('--dyn-syms', $file);
	push @bad, 'no stack protector' if $sym !~ / UND __stack_chk_fail/;
	push @bad, 'not fortified' if $sym !~ / UND __\w+_chk[@ \n]/;
	my @made = readelf('-p', '.debug_str', $file) =~ /\bGNU C\d.*/g;
	push @bad, 'no notes of the compiler' if !@made;
	for my $o (@noted) {
		push @bad, "without $o" if grep { !/ \Q$o\E(?: |$)/ } @made;
	}
	return @bad;
}

is join(', ', faults("$build/$_")), '', "$_ is hardened" for @program;
like $var{HARDEN_CPPFLAGS}, qr/-D_FORTIFY_SOURCE=3/,
    'checks of sizes that are known at run time only' unless $sanitized;
done_testing;
