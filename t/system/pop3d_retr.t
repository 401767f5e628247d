#!/usr/bin/perl
# What a message looks like on the wire, whatever it is in the file, and that
# its octets are what LIST announced.
use strict;
use warnings;
use Test::More;
use Postrider::Drop;

# the wire is read as it is: the lines up to ".\r\n", dots and all
sub wire {
	my ($p, $cmd) = @_;
	like $p->cmd($cmd), qr/^\+OK/, $cmd;
	my $w = '';
	while (1) {
		while ($p->{buf} =~ s/^(.*?\n)//s) {
			return $w if $1 eq ".\r\n";
			$w .= $1;
		}
		$p->fill or die "the stream ended\n";
	}
	return;
}

my $long = 'x' x 70000;
my @case = (
	['plain', "A: b\n\nc\n", "A: b\r\n\r\nc\r\n"],
	['dots', ".\n..\n.a\na.\n\n.\n",
	    "..\r\n...\r\n..a\r\na.\r\n\r\n..\r\n"],
	['no end', "A: b\n\nc", "A: b\r\n\r\nc\r\n"],
	['crlf', "A: b\r\n\r\n.\r\n", "A: b\r\n\r\n..\r\n"],
	['bare cr', "a\rb\r\rc\r", "a\r\nb\r\n\r\nc\r\n"],
	['nothing', '', ''],
	['nul and 8 bit', "\0\xff\xfe\n", "\0\xff\xfe\r\n"],
	['long line', "$long\n.$long", "$long\r\n..$long\r\n"],
	['a big one', "0123456789abcde\n.\n" x 100_000,
	    "0123456789abcde\r\n..\r\n" x 100_000],
);
my $d = Postrider::Drop->new;
$d->put(sprintf('new/%d.m', $_ + 1), $case[$_][1]) for 0 .. $#case;
my $p = $d->session;
for my $n (1 .. @case) {
	my ($name, undef, $want) = @{ $case[$n - 1] };
	my ($octets) = $p->cmd("LIST $n") =~ /^\+OK $n (\d+)$/;
	my $got = wire($p, "RETR $n");
	ok $got eq $want, "$name: as it must be" or
	    diag 'got ' . length($got) . ' bytes: ' . substr $got, 0, 80;
	is $octets, length $got =~ s/^\.\././mgr, "$name: as announced";
}

my @top = (
	["A: b\n\n1\n2\n", 1, "A: b\r\n\r\n1\r\n"],
	["A: b\n", 5, "A: b\r\n"],
	["\nbody\n", 0, "\r\n"],
	["A: b\r\n\r\n1\r\n2\r\n", 1, "A: b\r\n\r\n1\r\n"],
	["A: $long\n$long\n\n.1\n2\n", 1, "A: $long\r\n$long\r\n\r\n..1\r\n"],
	["A: b\n\n" . "line\n" x 50_000, 40_000,
	    "A: b\r\n\r\n" . "line\r\n" x 40_000],
	["A: " . 'y' x (131072 - 4) . "\n\n1\n2\n", 1,
	    'A: ' . 'y' x (131072 - 4) . "\r\n\r\n1\r\n"],
);
$d = Postrider::Drop->new;
$d->put(sprintf('new/%d.m', $_ + 1), $top[$_][0]) for 0 .. $#top;
$p = $d->session;
for my $n (1 .. @top) {
	my (undef, $lines, $want) = @{ $top[$n - 1] };
	ok wire($p, "TOP $n $lines") eq $want, "TOP $n: as it must be";
}

# the message behind the last is made before it is asked for: it stays what it
# is, and may be asked for or not
my $e = Postrider::Drop->new;
$e->put(sprintf('new/%d.m', $_), "$_\n.$_\n") for 1 .. 6;
my $q = $e->session;
ok wire($q, 'RETR 1') eq "1\r\n..1\r\n", 'the first';
like $q->cmd('DELE 2'), qr/^\+OK/, 'the second is marked';
like $q->cmd('RETR 2'), qr/^-ERR/, 'and no longer to be had';
ok wire($q, 'RETR 3') eq "3\r\n..3\r\n", 'the third';
ok wire($q, 'TOP 4 0') eq "4\r\n..4\r\n", 'TOP of the one behind it';
ok wire($q, 'RETR 4') eq "4\r\n..4\r\n", 'and RETR';
ok wire($q, 'RETR 6') eq "6\r\n..6\r\n", 'another than the one behind';
ok wire($q, 'RETR 5') eq "5\r\n..5\r\n", 'back';
ok wire($q, 'RETR 6') eq "6\r\n..6\r\n", 'again';

# pipelined: all at once, answered in order
$p->put("RETR 1\r\nSTAT\r\nTOP 2 0\r\nLIST 3\r\nQUIT\r\n");
like $p->line, qr/^\+OK/, 'RETR';
is $p->body, "A: b\n\n1\n2\n", 'its text';
like $p->line, qr/^\+OK 7 /, 'STAT';
like $p->line, qr/^\+OK/, 'TOP';
is $p->body, "A: b\n", 'its text';
like $p->line, qr/^\+OK 3 /, 'LIST';
like $p->line, qr/good-bye/, 'QUIT';
ok $p->closed, 'closed';
done_testing;
