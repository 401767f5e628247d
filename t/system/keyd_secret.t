#!/usr/bin/perl
# The secret numbers of private keys are in the memory of keyd and of no other
# process of the suite.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Tls;

plan skip_all => 'root alone reads the memory of others' if $>;

# a sanitizer keeps what was freed for a while, as it was
$ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} || (),
    'max_free_fill_size=1048576';

my $i = Postrider::Instance->new(users => { ann => 'pw' });
my $t = Postrider::Tls->new($i);
$t->cert('ec', names => ['a.test']);
$t->cert('rsa', type => 'rsa', names => ['a.test']);
$t->cert('ed', type => 'ed25519', names => ['ed.test']);
$i->set_conf('keyd.conf', certificates => 'tls/ec.pem tls/rsa.pem tls/ed.pem');
$i->start;

# what is secret in each, as bytes
my %secret;
for my $name (qw(ec rsa ed)) {
	my $text = $t->openssl('pkey', '-in', $t->path("$name.pem.key"),
	    '-noout', '-text');
	while ($text =~ /^(priv|privateExponent|prime1|prime2|exponent1|
	    exponent2|coefficient):\s*\n((?:\s+[0-9a-f:]+\n)+)/gmx) {
		my ($what, $hex) = ($1, $2);
		$hex =~ s/[^0-9a-f]//g;
		my $bytes = pack 'H*', $hex;
		$bytes =~ s/^\0+//;
		# both byte orders; parts are as telling as the whole
		$secret{"$name $what"} = substr $bytes, 0, 24;
		$secret{"$name $what, reversed"} = substr reverse($bytes), 0,
		    24;
	}
	# and as it is written in the file
	my ($line) = $i->slurp($t->path("$name.pem.key")) =~
	    /\n([^\n-]{40,})\n-----END/;
	($line) = $i->slurp($t->path("$name.pem.key")) =~
	    /-----\n(?:[^\n]+\n)?([^\n-]{30,})\n/ unless $line;
	$secret{"$name text"} = $line;
}
ok keys %secret >= 2 + 12 + 2 + 3, 'there is something to look for';

# some work of all kinds
my $port = $t->serve(service => 'imap');
my @open;
for my $sig ('ECDSA+SHA256', 'RSA-PSS+SHA256', 'RSA+SHA256') {
	for my $v ('-tls1_2', '-tls1_3') {
		next if $sig eq 'RSA+SHA256' && $v eq '-tls1_3';
		my $c = $t->client($port, $v, '-sigalgs', $sig);
		ok $c->echo('x'), "$sig $v";
		push @open, $c;
	}
}
ok $t->client($port, '-servername', 'ed.test')->echo('x'), 'Ed25519';
is $i->send(to => 'ann@example.test', message => "Subject: x\n\nx\n"), 250,
    'a message';

# [from, to] of what can be read and has pages.  A sanitizer's shadow, some TB
# of addresses, holds nothing of the program's.
sub mappings {
	my ($pid) = @_;
	my (@all, $last);
	open my $fh, '<', "/proc/$pid/smaps" or return;
	while (<$fh>) {
		if (/^(\w+)-(\w+) (\S+)/) {
			no warnings 'portable';
			$last = [hex $1, hex $2];
			undef $last if $3 !~ /^r/ ||
			    /\[(?:vvar|vsyscall|vdso)/ ||
			    $last->[1] - $last->[0] > 1 << 36;
		} elsif (/^(?:Rss|Swap|Locked): +([1-9]\d*)/ && $last) {
			push @all, $last;
			undef $last;
		}
	}
	return @all;
}

# name => what was found in its memory
sub search {
	my ($pid) = @_;
	my (%found, $read);
	open my $mem, '<:raw', "/proc/$pid/mem" or return;
	for (mappings($pid)) {
		my ($from, $to) = @$_;
		my $tail = '';
		while ($from < $to) {
			my $n = $to - $from < 1 << 20 ? $to - $from : 1 << 20;
			sysseek $mem, $from, 0 or last;
			my $r = sysread $mem, my $buf, $n or last;
			$read += $r;
			my $all = $tail . $buf;
			for my $s (keys %secret) {
				$found{$s} = 1
				    if index($all, $secret{$s}) >= 0;
			}
			$tail = substr $all, -64;
			$from += $r;
		}
	}
	return ($read, sort keys %found);
}

my (%seen, %where);
for my $pid ($i->pids) {
	my ($name) = (eval { $i->slurp("/proc/$pid/cmdline") } // '') =~
	    m{^(?:[^\0]*/)?([\w-]+)\0} or next;
	my ($read, @found) = search($pid);
	$seen{$name}++ if $read;
	push @{ $where{$name} }, @found;
}
for my $name (sort keys %where) {
	next if $name eq 'keyd';
	is join(', ', @{ $where{$name} }), '', "$name knows no secret";
}
for my $name (qw(tlsd keyd master smtpd auth qmgr logd)) {
	ok $seen{$name}, "$name was looked at";
}
my %in = map { $_ => 1 } @{ $where{keyd} || [] };
for my $key (qw(ec rsa ed)) {
	ok scalar(grep { /^$key / } keys %in), "keyd has the key $key";
}
ok !$in{"$_ text"}, "but not as the text of its file: $_" for qw(ec rsa ed);
done_testing;
