#!/usr/bin/perl
# 8-bit messages to servers that want 7 bits, and long lines.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MIME::QuotedPrint qw(decode_qp);
use MIME::Base64 qw(decode_base64);
use Test::More;

use Postrider::Instance;
use Postrider::Outbound;
use Postrider::Zoo;

my $i = Postrider::Instance->new(conf => { 'smtp.conf' => {
	convert_max => '1M' } });
$i->start;
my $o = Postrider::Outbound->new($i);
my $z = Postrider::Zoo->new(offer => ['PIPELINING']);
my $u = "gr\xc3\xbc\xc3\x9fe = \t\n.\nFrom here\n";
my $mime = "MIME-Version: 1.0\n";

sub sent {
	my ($text, %arg) = @_;
	is $o->deliver($z, 'a@example.net', text => $text, %arg), 'ok keep',
	    $arg{name};
	my $got = ($z->took)[-1]{content};
	ok $got !~ /[^\r]\n|[\x80-\xff]/, '... 7 bits';
	return $got =~ s/\r\n/\n/gr;
}

my $got = sent("Subject: x\n\n$u", name => 'without MIME');
my ($head, $body) = split /\n\n/, $got, 2;
like $head, qr/^MIME-Version: 1\.0\nContent-Type: text\/plain;/m,
    '... is MIME now';
like $head, qr/^Content-Transfer-Encoding: quoted-printable$/m, '... encoded';
is decode_qp($body), $u, '... decoded the same';

my $multi = "${mime}Content-Type: multipart/mixed; boundary=b\n" .
    "Content-Transfer-Encoding: 8bit\n\npreamble\n--b\n" .
    "Content-Type: text/plain; charset=utf-8\n" .
    "Content-Transfer-Encoding: 8bit\n\n$u\n--b\n" .
    "Content-Type: text/plain\n\nascii\n--b\n" .
    "Content-Type: application/x\nContent-Transfer-Encoding: binary\n\n" .
    "\xff\xfe\x01\n--b\nContent-Type: message/rfc822\n" .
    "Content-Transfer-Encoding: 8bit\n\nSubject: in\n${mime}" .
    "Content-Transfer-Encoding: 8bit\n\n$u\n--b--\n";
$got = sent($multi, name => 'multipart');
like $got, qr/^--b\nContent-Type: text\/plain\n\nascii\n--b$/m,
    '... what is ASCII stays';
my @part = $got =~ /(Content-Type:.*?)\n--b/gs;
is decode_qp(($part[1] =~ /\n\n(.*)/s)[0]), $u, '... text';
my ($bin) = $got =~ /application\/x\n.*?: base64\n\n(.*?)\n--b/s;
is decode_base64($bin // ''), "\xff\xfe\x01", '... octets';
my ($in) = $got =~ /Subject: in\n.*?quoted-printable\n\n(.*?)\n--b--/s;
is decode_qp($in // ''), $u, '... within a message';
unlike $got, qr/8bit|binary/, '... no part says 8bit';

for my $pad (60 .. 80) {
	my $line = 'x' x $pad . '--b--';
	$got = sent("${mime}Content-Type: multipart/mixed; boundary=b\n\n" .
	    "--b\nContent-Type: text/plain; charset=utf-8\n\n$u$line\n--b--\n",
	    name => "a boundary within a line, at $pad");
	is scalar(() = $got =~ /^--b/mg), 2, '... is none after it was broken';
	is decode_qp(($got =~ /quoted-printable\n\n(.*)\n--b--\n/s)[0]),
	    "$u$line", '... and comes out the same';
}

like $o->deliver($z, 'a@example.net', text => "${mime}Content-Type: " .
    "multipart/signed; boundary=b\n\n--b\n\n$u\n--b--\n"),
    qr/^0 failed 5\.6\.3 /, 'signed: fails';
like $o->deliver($z, 'a@example.net', text => "Subject: x\n\n" .
    "$u" x 60000), qr/^0 failed 5\.6\.3 /, 'over convert_max: fails';
my $z8 = Postrider::Zoo->new(offer => ['8BITMIME']);
is $o->deliver($z8, 'a@example.net', text => "Subject: x\n\n$u"), 'ok keep',
    '8BITMIME';
is +($z8->took)[0]{param}, 'BODY=8BITMIME', '... is said';
is +($z8->took)[0]{content}, "Subject: x\n\n$u" =~ s/\n/\r\n/gr,
    '... and nothing changed';

# --- long lines ---
my $long = "Subject: x\n\n" . "\xc3\xa4" x 1500 . "\nshort\n";
is $o->deliver($z8, 'a@example.net', text => $long), 'ok keep', 'send';
is +($z8->took)[1]{content}, $long =~ s/\n/\r\n/gr, '... as it is';
for my $how (qw(fold encode)) {
	$o->close;
	$i->set_conf('smtp.conf', long_lines => $how);
	$i->reload;
	is $o->deliver($z8, 'a@example.net', text => $long), 'ok keep', $how;
	my $c = ($z8->took)[-1]{content};
	cmp_ok +(sort { $b <=> $a } map { length } split /\r\n/, $c)[0], '<=',
	    998, '... no line is longer';
	$c = $how eq 'fold' ? $c =~ s/\r\n //gr =~ s/\r\n/\n/gr :
	    decode_qp($c =~ s/\r\n/\n/gr =~ s/.*?\n\n//sr);
	is $c, $how eq 'fold' ? $long : "\xc3\xa4" x 1500 . "\nshort\n",
	    '... nothing is lost';
}
done_testing;
