#!/usr/bin/perl
# COMPRESS=DEFLATE: a session through zlib, both ways.
use strict;
use warnings;
use Compress::Raw::Zlib;
use Postrider::Imap qw(lit_plus);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;
my $c = Postrider::Imap->new(port => $i->port('imap'));
$c->login('ann', 'pw')->expect;
ok +(grep { $_ eq 'COMPRESS=DEFLATE' } map { @{ $_->{data} } }
    $c->cmd('CAPABILITY')->untagged('CAPABILITY')), 'is announced';
$c->bad('COMPRESS of nothing', 'COMPRESS');
$c->bad('an unknown algorithm', 'COMPRESS LZMA');
$c->ok('COMPRESS', 'COMPRESS DEFLATE');

# from here on by hand
my $fh = $c->{fh};
my ($def) = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15,
    -AppendOutput => 1);
my ($inf) = Compress::Raw::Zlib::Inflate->new(-WindowBits => -15,
    -AppendOutput => 1);
my ($plain, $sent, $got) = ('', 0, 0);

sub put {
	my ($text, $piece) = @_;
	my $out = '';
	$def->deflate($text, $out);
	$def->flush($out, Z_SYNC_FLUSH);
	$sent += length $out;
	$piece ||= length $out;
	syswrite $fh, substr($out, 0, $piece, '') while length $out;
	return;
}

sub until_match {
	my ($re) = @_;
	local $SIG{ALRM} = sub { die "no $re in: " . substr $plain, -300 };
	alarm 60;
	until ($plain =~ $re) {
		sysread $fh, my $buf, 65536 or die "the end\n";
		$got += length $buf;
		$inf->inflate($buf, $plain);
	}
	alarm 0;
	my $r = $plain;
	$plain = '';
	return $r;
}

put("a NOOP\r\n");
like until_match(qr/^a OK/m), qr/^a OK/, 'NOOP';
put("b NOOP\r\n", 1);
ok until_match(qr/^b OK/m), 'one octet at a time';
my $m = "Subject: long\r\n\r\n" . ("the same line again\r\n" x 50_000);
put('c APPEND INBOX {' . length($m) . "+}\r\n$m\r\n");
like until_match(qr/^c \w+.*\r\n/m), qr/^c OK/m, 'a large APPEND';
ok $sent < length($m) / 20, 'is sent packed';
put("d SELECT INBOX\r\n" . "e FETCH 1 BODY[]\r\n");
my $r = until_match(qr/^e \w+.*\r\n\z/m);
ok index($r, "{" . length($m) . "}\r\n$m") > 0, 'a large FETCH';
ok $got < length($m) / 20, 'comes packed';
put("f CAPABILITY\r\n");
unlike until_match(qr/^f OK/m), qr/COMPRESS/, 'is not announced again';
put("g COMPRESS DEFLATE\r\n");
like until_match(qr/^g /m), qr/^g NO \[COMPRESSIONACTIVE\]/m,
    'nor begun again';
put("h IDLE\r\n");
ok until_match(qr/^\+ /m), 'IDLE';
$i->send(to => 'ann@example.test', message => "Subject: x\n\nhi\n");
ok until_match(qr/^\* 2 EXISTS/m), 'and what it tells';
put("DONE\r\ni NOOP\r\n");
ok until_match(qr/^i OK/m), 'DONE and a command';
# random bytes do not pack
my $rnd = join '', map { chr(32 + int rand 95) } 1 .. 200_000;
$rnd =~ s/(.{70})/$1\r\n/g;
my $big = "a: b\r\n\r\n$rnd";
put('j APPEND INBOX {' . length($big) . "+}\r\n$big\r\n", 1000);
like until_match(qr/^j \w+.*\r\n/m), qr/^j OK/m, 'what does not pack';
put("k FETCH 3 BODY.PEEK[TEXT]\r\n");
ok index(until_match(qr/^k \w+.*\r\n\z/m), $rnd) > 0, 'comes back';
put("l LOGOUT\r\n");
like until_match(qr/^l OK/m), qr/^\* BYE/m, 'LOGOUT';

# garbage ends the session, not more
$c = Postrider::Imap->new(port => $i->port('imap'));
$c->login('ann', 'pw')->expect;
$c->cmd('COMPRESS DEFLATE')->expect;
syswrite $c->{fh}, "\xff" x 100;
local $SIG{ALRM} = sub { die "still there\n" };
alarm 30;
1 while sysread $c->{fh}, my $x, 4096;
alarm 0;
pass 'garbage ends the session';
done_testing;
