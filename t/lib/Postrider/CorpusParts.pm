package Postrider::CorpusParts;

# What Postrider::Corpus makes its messages of: numbers, words, header fields
# and MIME parts, all from one seed.

use strict;
use warnings;

use Exporter 'import';
use MIME::Base64 qw(encode_base64);
use MIME::QuotedPrint qw(encode_qp);

our @EXPORT_OK = qw(start made rnd pick words line paragraphs bytes head add
    part b64 qp multi mime attachment utf8_text @UTF8);
our %EXPORT_TAGS = (all => \@EXPORT_OK);

my ($state, @made);

sub start {
	my ($seed) = @_;
	$state = ($seed * 2654435761 + 88172645) & 0xffffffff || 1;
	@made = ();
	return;
}

sub made { return @made }

# xorshift32: not perl's rand, whose sequence is nobody's promise
sub rnd {
	my ($n) = @_;
	$state ^= $state << 13 & 0xffffffff;
	$state ^= $state >> 17;
	$state ^= $state << 5 & 0xffffffff;
	return $state % $n;
}

sub pick { return $_[rnd(scalar @_)] }

my @WORDS = qw(harbour letter winter figure the of answer seldom bridge copper
	and window a river quiet number lantern meadow paper over under garden
	morning is was not very often station clock);

sub words {
	my ($n) = @_;
	return join ' ', map { pick(@WORDS) } 1 .. $n;
}

sub line { return words(6 + rnd(6)) . "\n" }

sub paragraphs {
	my ($n) = @_;
	return join "\n", map { join '', map { line() } 1 .. 2 + rnd(6) }
	    1 .. $n;
}

sub bytes {
	my ($n) = @_;
	my $s = '';
	$s .= pack 'N', rnd(0x7fffffff) * 2 + rnd(2) while length $s < $n;
	return substr $s, 0, $n;
}

# From, To, Subject, Date, Message-ID, and what is given
sub head {
	my ($subject, @more) = @_;
	my $id = sprintf '%08x.%d', rnd(0x7fffffff), scalar @made;
	my $day = 1 + rnd(28);
	return "From: " . pick('Ann Other <ann@sender.test>',
	    'bob@sender.test', '"Kim, K." <kim@sender.test>',
	    'Ren <"ren e"@sender.test>') . "\n" .
	    "To: " . pick('rcpt@example.test', 'A list: a@x.test, b@x.test;',
	    'One <one@x.test>,' . "\n two\@x.test") . "\n" .
	    "Subject: $subject\n" .
	    sprintf("Date: %d Nov 2026 %02d:%02d:%02d %s\n", $day, rnd(24),
	    rnd(60), rnd(60), pick('+0000', '-0330', '+1245')) .
	    "Message-ID: <$id\@sender.test>\n" . join('', map { "$_\n" } @more);
}

sub add {
	my ($name, $text, @flags) = @_;
	push @made, { name => sprintf('%03d-%s', scalar @made, $name),
	    text => $text, flags => { map { $_ => 1 } @flags } };
	return;
}

# ---- MIME ------------------------------------------------------------------

sub part {
	my ($type, $body, @more) = @_;
	return join('', map { "$_\n" } "Content-Type: $type", @more) .
	    "\n$body";
}

sub b64 {
	my ($type, $data, @more) = @_;
	return part($type, encode_base64($data, "\n"),
	    'Content-Transfer-Encoding: base64', @more);
}

sub qp {
	my ($type, $data) = @_;
	return part($type, encode_qp($data, "\n"),
	    'Content-Transfer-Encoding: quoted-printable');
}

sub multi {
	my ($sub, @parts) = @_;
	my $b = sprintf '%s%08x', pick('=_', '----=_Part_', 'b',
	    "b'()+_,-./:=?"), rnd(0x7fffffff);
	return part("multipart/$sub;\n boundary=\"$b\"",
	    join('', map { "--$b\n$_\n" } @parts) . "--$b--\n");
}

sub mime {
	my ($name, $subject, $entity, @flags) = @_;
	add($name, head($subject, 'MIME-Version: 1.0') . $entity, @flags);
	return;
}

sub attachment {
	my ($size) = @_;
	my $file = pick('report.pdf', 'photo 1.jpg', 'a.zip', 'data.bin');
	return b64('application/octet-stream', bytes($size),
	    "Content-Disposition: attachment; filename=\"$file\"");
}

our @UTF8 = ("Gr\xc3\xbc\xc3\x9fe aus K\xc3\xb6ln",
	"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, " .
	    "\xd0\xbc\xd0\xb8\xd1\x80",
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" .
	    "\xe3\x81\xae\xe6\x9c\xac\xe6\x96\x87",
	"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d " .
	    "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7",
	"smile \xf0\x9f\x98\x80 " .
	    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80 end",
	"combining e\xcc\x81 and \xef\xbb\xbf BOM inside");

sub utf8_text {
	return join '', map { pick(@UTF8) . ' ' . words(rnd(8)) . "\n" }
	    1 .. 3 + rnd(12);
}

1;
