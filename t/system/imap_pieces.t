#!/usr/bin/perl
# A client that reads a message in pieces gets the same bytes, and all of them
# cost what the message costs, not that for each piece.
use strict;
use warnings;
use List::Util qw(shuffle);
use Postrider::Imap qw(lit);
use Postrider::Instance;
use Test::More;

use constant { LINES => 500_000, PIECE => 32768 };
my $s = Postrider::Instance->new(users => { ann => 'pw' })->start;
my $c = Postrider::Imap->new(port => $s->port('imap'));
$c->login('ann', 'pw')->expect;

# line ends of both kinds lie in files that others made
my $odd = join '', map { ("a\r\nb\n\n\r\r\nlonger " . "x" x $_ . "\n") }
    1 .. 40;
my $mixed = "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; " .
    "boundary=b\n\n--b\n\n$odd\n--b\n\n$odd$odd\n--b--\n";
my $dir = $s->maildir('ann');
$c->ok('a mailbox', 'SELECT INBOX');
open my $fh, '>', "$dir/tmp/odd" or die "$dir: $!";
print {$fh} $mixed;
close $fh or die;
my ($uid, $gid) = (stat $dir)[4, 5];
chown $uid, $gid, "$dir/tmp/odd";
rename "$dir/tmp/odd", "$dir/new/1.odd.host" or die;
$c->ok('seen', 'NOOP');
for my $section ('', 'TEXT', '1', '2', '2.MIME', 'HEADER') {
	my $whole = $c->fetch(1, "BODY.PEEK[$section]")->{1}{"BODY[$section]"};
	my ($bad, $n) = (0, 0);
	for my $at (shuffle 0 .. length($whole) + 3) {
		next if $at % 3 && $n > 100;
		my $len = 1 + $at % 7;
		my $f = $c->fetch(1, "BODY.PEEK[$section]<$at.$len>")->{1};
		my $want = $at < length $whole ? substr $whole, $at, $len : '';
		$bad++ if $f->{"BODY[$section]<$at>"} ne $want;
		last if ++$n >= 400;
	}
	is $bad, 0, "BODY[$section]: $n pieces in any order";
	my ($all, $at) = ('', 0);
	while ($at < length $whole) {
		$all .= $c->fetch(1, "BODY.PEEK[$section]<$at.97>")
		    ->{1}{"BODY[$section]<$at>"};
		$at += 97;
	}
	ok $all eq $whole, "BODY[$section]: one after another";
}

$c->ok('a large one', 'APPEND INBOX ', lit("Subject: large\r\n\r\n" .
    ("x" x 70 . "\r\n") x LINES));
$c->ok('seen', 'NOOP');
my ($nursery) = $s->pids_of('imapd');
open my $ch, '<', "/proc/$nursery/task/$nursery/children" or die;
my ($pid) = split ' ', <$ch>;
sub cpu {
	open my $st, '<', "/proc/$pid/stat" or die "stat: $!";
	my @f = split ' ', <$st> =~ s/.*\) //r;
	return ($f[11] + $f[12]) / 100;
}
$c->fetch(2, 'BODY.PEEK[]<0.10>');
my ($start, $at) = (cpu(), 0);
while ($at < 72 * LINES) {
	my $f = $c->fetch(2, "BODY.PEEK[]<$at." . PIECE . '>')->{2};
	last unless length $f->{"BODY[]<$at>"};
	$at += length $f->{"BODY[]<$at>"};
}
is $at, 72 * LINES + 18, 'all of it came';
my $used = cpu() - $start;
cmp_ok $used, '<', 4, "at no more than its own cost ($used s)";
done_testing;
