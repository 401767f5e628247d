#!/usr/bin/perl
# Every installed program is built as doc/security.md says: readelf(1) of the
# file, and what the compiler noted of each object in it.
use strict;
use warnings;
use File::Temp qw(tempdir);
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
    -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr);
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

# A program made with these options is found right, and one that lacks any of
# them, or has one more that undoes it, is found out.
sub compiled {
	my ($out, @flag) = @_;
	my $c = "$out.c";
	open my $fh, '>', $c or die "$c: $!\n";
	print {$fh} "#include <string.h>\n#include <stdio.h>\n" .
	    "#ifdef WRITABLE\n__asm__(\".section .w,\\\"awx\\\"\\n" .
	    ".quad 1\\n.text\");\n#endif\n" .
	    'int main(int c, char **v) { char b[64]; strcpy(b, v[c - 1]); ' .
	    "return puts(b); }\n";
	close $fh;
	system("$var{CC} -O2 -g @flag -o $out $c 2>/dev/null") == 0 or
	    die "can not compile with @flag\n";
	return join ', ', faults($out);
}

my $dir = tempdir('postrider-e.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my @flag = map { split ' ', $var{"HARDEN_$_"} } qw(CPPFLAGS CFLAGS LDFLAGS);
if (!$sanitized) {
	is compiled("$dir/p", @flag), '', 'a program with these options';
	for my $o (@noted, qw(-D_FORTIFY_SOURCE=3)) {
		my @less = grep { $_ ne $o } @flag;
		is scalar(@less), @flag - 1, "$o is one of them";
		like compiled("$dir/p", @less), $o =~ /FORTIFY/ ?
		    qr/not fortified/ : qr/without \Q$o\E/, '... is missed';
	}
	my %more = ('-no-pie' => 'not PIE', '-Wl,-z,norelro' => 'no RELRO',
	    '-Wl,-z,lazy' => 'bound late', '-DWRITABLE' => 'writable code',
	    '-Wl,-z,execstack' => 'stack', '-Wl,-rpath,/x' => 'RPATH');
	for my $o (sort keys %more) {
		like compiled("$dir/p", @flag, $o), qr/\b$more{$o}\b/,
		    "$o is seen";
	}
}
done_testing;
