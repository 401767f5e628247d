#!/usr/bin/perl
# The programs that take passwords keep none: after a login that failed, while
# the client is still there, their memory has no copy of it.
use strict;
use warnings;
use MIME::Base64;
use Postrider::Imap qw(lit lit_plus);
use Postrider::Instance;
use Test::More;

plan skip_all => 'only root reads the memory of others' if $> != 0;
my $i = Postrider::Instance->new(users => { ann => 'pw' },
    conf => { 'auth.conf' => { failure_delay => '10ms' },
    'imap-login.conf' => { max_bad_logins => 100 },
    'pop3-login.conf' => { max_bad_logins => 100 } })->start;

# where a process has one of the words: "heap 3, stack 1"
sub found {
	my ($pid, @words) = @_;
	my %n;
	open my $maps, '<', "/proc/$pid/maps" or return 'gone';
	open my $mem, '<:raw', "/proc/$pid/mem" or return "mem: $!";
	for (<$maps>) {
		my ($lo, $hi, $name) = /^(\w+)-(\w+) rw\S+ \S+ \S+ \S+\s*(.*)/
		    or next;
		no warnings 'portable';
		my ($from, $to) = (hex $lo, hex $hi);
		next if $to - $from > 1 << 30;	# of a sanitizer
		sysseek $mem, $from, 0 or next;
		my ($all, $buf) = ('');
		$all .= $buf while length $all < $to - $from &&
		    sysread $mem, $buf, 1 << 20;
		for my $w (@words) {
			$n{$name || 'anonymous'}++ while $all =~ /\Q$w\E/g;
		}
	}
	return join ', ', map { "$_ $n{$_}" } sort keys %n;
}

sub none {
	my ($how, $program, @words) = @_;
	# the first letter may be gone
	my @parts = map { substr $_, 4 } @words;
	is found($_, @parts), '', "$how: $program keeps nothing"
	    for $i->pids_of($program);
}

my $n = 0;
sub secret { return sprintf 'Xk%dq7VhTz%dLmW9Rp2cNs%d', ++$n, $n * 7919, $n }

my $c = Postrider::Imap->new(port => $i->port('imap'));
for my $form (sub { "LOGIN ann $_[0]" }, sub { qq(LOGIN ann "$_[0]") },
    sub { ('LOGIN ann ', lit($_[0])) }, sub { ('LOGIN ann ', lit_plus($_[0])) },
    sub { 'AUTHENTICATE PLAIN ' . encode_base64("\0ann\0$_[0]", '') }) {
	my $pw = secret();
	$c->no("IMAP $n", $form->($pw));
	none("IMAP $n", 'imap-login', $pw, encode_base64("\0ann\0$pw", ''));
}
my $pw = secret();
$c->put("s AUTHENTICATE PLAIN\r\n");
$c->line;
$c->put(encode_base64("\0ann\0$pw", '') . "\r\n");
is $c->finish('s')->{status}, 'NO', 'a response of its own';
none('IMAP response', 'imap-login', $pw, encode_base64("\0ann\0$pw", ''));

my $p = $i->pop3;
$pw = secret();
like $p->cmd('USER ann'), qr/^\+OK/, 'USER';
like $p->cmd("PASS $pw"), qr/^-ERR/, 'PASS';
none('POP3 PASS', 'pop3-login', $pw);
$pw = secret();
my $b = encode_base64("\0ann\0$pw", '');
like $p->cmd("AUTH PLAIN $b"), qr/^-ERR/, 'AUTH';
none('POP3 AUTH', 'pop3-login', $pw, $b);
done_testing;
