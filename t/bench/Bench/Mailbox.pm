package Bench::Mailbox;

# Mixed MIME mail from a seed, as a Maildir: the same number and seed give the
# same files.  About 3.5 kB a message: plain, 8 bit, quoted-printable and base64
# text in several charsets, alternatives, attachments, forwarded messages;
# encoded words, long recipients lists, threads.  One message in a hundred holds
# "quokka" in its text, however that is encoded.

use strict;
use warnings;
use Encode qw(encode);
use File::Path 'make_path';
use MIME::Base64 qw(encode_base64);
use MIME::QuotedPrint qw(encode_qp);

our $RARE = 'quokka';

my $START = 1_700_000_000;	# of the oldest message
my @MONTH = qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);
my @DAY = qw(Sun Mon Tue Wed Thu Fri Sat);

my @WORDS = split ' ', <<'END';
the of and to a in that it is was for on with as be at by this had not but
from have an they which or you one were all there would been their has when
more will if out so said what up its about into them can only other time new
some could these two may first then do any like my now over such our man even
most made after also did many off before must well back through years much
meeting report invoice schedule project budget figure server release customer
contract proposal delivery holiday agenda minutes question answer address
quarter draft review attached version update payment travel office garden
harbour winter lantern copper bridge violet meadow pebble orchard candle
END
my @FOREIGN = ("\x{fc}ber", "sch\x{f6}n", "stra\x{df}e", "caf\x{e9}",
	"ma\x{f1}ana", "h\x{f8}st", "na\x{ef}ve", "\x{e5}r", "fa\x{e7}ade",
	"No\x{eb}l");
my @WIDE = ("\x{4f1a}\x{8b70}", "\x{43f}\x{440}\x{438}\x{432}\x{435}\x{442}",
	"\x{5831}\x{544a}", "\x{3b1}\x{3b2}\x{3b3}",
	"\x{6771}\x{4eac}\x{90fd}");
my @PEOPLE = map { [split /:/] } ('ann:Ann Lovelace', 'bob:Robert Hill',
	'carl:Carl von Berg', 'dora:Dora Winter', 'emil:Emil Nolde',
	'fred:Frederick Smith', 'gina:Gina Rossi', 'hugo:Hugo Martin',
	'ines:Ines Duarte', 'jan:Jan Kowalski', 'kim:Kim Lee',
	"lena:Lena M\x{fc}ller", "marc:Marc Lef\x{e8}vre", 'nora:Nora Quinn',
	'olaf:Olaf Berg', 'paul:Paul Turner', 'quin:Quinn Taylor',
	'rita:Rita Marino', "soren:S\x{f8}ren Holm", 'tina:Tina Fox',
	'uwe:Uwe Kaiser', 'vera:Vera Lang', 'will:William Grey',
	"yuki:\x{5c71}\x{7530}", 'zoe:Zoe Adams');

my ($text_pool, $base64_pool);

sub _pick { return $_[int rand @_] }

# One long text and one long base64 block; messages take pieces of them.
sub _pools {
	my ($text, $raw) = ('', '');
	while (length $text < 400_000) {
		my $line = '';
		$line .= _pick(@WORDS) . ' ' while length $line < 60;
		$text .= $line =~ s/ \z/\n/r;
	}
	$raw .= pack 'L', rand 2**32 for 1 .. 50_000;
	($text_pool, $base64_pool) = ($text, encode_base64($raw));
	return;
}

# whole lines from a pool, about n bytes
sub _piece {
	my ($pool, $n) = @_;
	my $at = index($$pool, "\n", int rand(length($$pool) - $n - 200)) + 1;
	return substr $$pool, $at, index($$pool, "\n", $at + $n) + 1 - $at;
}

sub _text {
	my ($n, $rare) = @_;
	my $t = _piece(\$text_pool, $n);
	$t .= "And then a ${RARE} came by.\n" if $rare;
	return $t;
}

# characters beyond ASCII in about every second line
sub _foreign {
	my ($text, @words) = @_;
	my $i = 0;
	return join '', map { $i++ % 2 ? $_ : _pick(@words) . " $_" }
	    split /^/, $text;
}

sub _word {
	my ($s) = @_;
	return $s if $s !~ /[^\x00-\x7f]/;
	return '=?UTF-8?B?' . encode_base64(encode('UTF-8', $s), '') . '?='
	    if rand() < 0.5 || $s =~ /[^\x00-\xff]/;
	my $q = encode('ISO-8859-1', $s);
	$q =~ s/([^A-Za-z0-9 ])/sprintf '=%02X', ord $1/ge;
	return '=?ISO-8859-1?Q?' . ($q =~ s/ /_/gr) . '?=';
}

sub _mailbox {
	my ($who) = @_;
	my $name = _word($who->[1]);
	$name = "\"$name\"" if $name !~ /^=\?/ && rand() < 0.3;
	return "$name <$who->[0]\@sender.test>";
}

sub _date {
	my ($time) = @_;
	my $off = _pick(-800, -500, 0, 0, 100, 200, 900);
	my @t = gmtime($time + $off / 100 * 3600);
	return sprintf '%s, %d %s %d %02d:%02d:%02d %+05d', $DAY[$t[6]], $t[3],
	    $MONTH[$t[4]], $t[5] + 1900, @t[2, 1, 0], $off;
}

# [content type, transfer encoding, body] of one text
sub _text_part {
	my ($n, $rare, $kind) = @_;
	my $t = _text($n, $rare);
	return ['text/plain; charset=us-ascii', '7bit', $t]
	    if $kind eq 'ascii';
	return ['text/plain; charset=utf-8', '8bit',
		encode('UTF-8', _foreign($t, @FOREIGN, @WIDE))]
	    if $kind eq '8bit';
	return ['text/plain; charset="iso-8859-1"', 'quoted-printable',
		encode_qp(encode('ISO-8859-1', _foreign($t, @FOREIGN)))]
	    if $kind eq 'qp';
	return ['text/plain; charset=UTF-8', 'base64',
		encode_base64(encode('UTF-8', _foreign($t, @WIDE)))];
}

sub _html {
	my ($text) = @_;
	return ['text/html; charset=utf-8', 'quoted-printable',
		encode_qp("<html><head><title>mail</title></head><body>\n<p>"
		. ($text =~ s/\n/<br>\n/gr) . "</p></body></html>\n")];
}

sub _part {
	my ($p) = @_;
	return "Content-Type: $p->[0]\n" . ($p->[1] ?
	    "Content-Transfer-Encoding: $p->[1]\n" : '') .
	    ($p->[3] ? "$p->[3]\n" : '') . "\n$p->[2]";
}

my $boundary = 0;

sub _multi {
	my ($sub, @part) = @_;
	my $b = sprintf '=_%08x_%d', rand 2**32, $boundary++;
	return ["multipart/$sub; boundary=\"$b\"", '', join('',
		map { "--$b\n" . _part($_) . "\n" } @part) . "--$b--\n"];
}

sub _attachment {
	my ($n) = @_;
	my ($type, $name) = @{ _pick(['application/pdf', 'report.pdf'],
	    ['image/png', 'figure 1.png'], ['application/zip', 'draft.zip']) };
	return ["$type; name=\"$name\"", 'base64', _piece(\$base64_pool, $n),
		"Content-Disposition: attachment; filename=\"$name\""];
}

sub _forwarded {
	my ($time) = @_;
	return ['message/rfc822', '7bit', 'From: ' . _mailbox(_pick(@PEOPLE)) .
		"\nTo: ann\@local.test\nSubject: the original " .
		_pick(@WORDS) . "\nDate: " . _date($time - 86400) .
		"\n\n" . _text(700)];
}

sub _body {
	my ($time, $rare) = @_;
	my $k = rand 100;
	my $n = 200 + int rand(1800) + (rand() < 0.1 ? rand 8000 : 0);
	my $kind = _pick(qw(ascii ascii ascii 8bit qp));
	return _text_part($n, $rare, 'ascii') if $k < 42;
	return _text_part($n, $rare, '8bit') if $k < 54;
	return _text_part($n, $rare, 'qp') if $k < 63;
	return _text_part($n, $rare, 'base64') if $k < 66;
	my $alt = _multi('alternative', _text_part($n, $rare, $kind),
	    _html(_text($n)));
	return $alt if $k < 87;
	return _multi('mixed', _text_part(300, $rare, $kind),
	    _forwarded($time)) if $k < 89;
	return _multi('mixed', $alt, _attachment(2000 + rand 10_000))
	    if $k < 91;
	return _multi('mixed', _text_part(400, $rare, $kind),
	    _attachment(1000 + rand 14_000));
}

sub _subject {
	my @w = map { _pick(@WORDS) } 1 .. 2 + rand 6;
	push @w, _pick(@FOREIGN, @WIDE) if rand() < 0.15;
	return join ' ', @w;
}

# the thread that a message continues, or a new one: [subject, ids]
sub _thread {
	my ($open) = @_;
	if (@$open && rand() < 0.6) {
		my $t = _pick(@$open);
		return $t if @{ $t->[1] } < 12;
	}
	my $t = [_subject(), []];
	push @$open, $t;
	shift @$open if @$open > 200;
	return $t;
}

sub _message {
	my ($n, $time, $open) = @_;
	my $t = _thread($open);
	my @ids = @{ $t->[1] };
	my $id = sprintf '<%x.%d.%08x@sender.test>', $time, $n, rand 2**32;
	push @{ $t->[1] }, $id;
	my $from = _pick(@PEOPLE);
	my $h = "Return-Path: <$from->[0]\@sender.test>\n" .
	    "Received: from relay.sender.test (relay.sender.test " .
	    "[192.0.2.7])\n\tby mx.local.test with ESMTP id " .
	    sprintf('%08X', rand 2**32) . "\n\tfor <ann\@local.test>; " .
	    _date($time) . "\n" .
	    'Received: from client by relay.sender.test; ' .
	    _date($time - 3) . "\n" .
	    "Message-ID: $id\nDate: " . _date($time - 5) . "\nFrom: " .
	    _mailbox($from) . "\nTo: Ann <ann\@local.test>\n";
	$h .= 'Cc: ' . join(",\n\t", map { _mailbox(_pick(@PEOPLE)) }
	    1 .. 1 + rand 6) . "\n" if rand() < 0.3;
	$h .= 'Subject: ' . (@ids ? 'Re: ' : '') . _word($t->[0]) . "\n";
	$h .= "In-Reply-To: $ids[-1]\nReferences: " .
	    join("\n\t", @ids) . "\n" if @ids;
	$h .= "List-Id: the list <list.sender.test>\n" if rand() < 0.2;
	$h .= "X-Mailer: writer 1.0\nMIME-Version: 1.0\n";
	return $h . _part(_body($time, $n % 100 == 7));
}

# Write n messages into DIR/cur; (octets, octets with CRLF).
sub make {
	my ($dir, $n, $seed) = @_;
	my ($sum, $wire, @open) = (0, 0);
	make_path(map { "$dir/$_" } qw(cur new tmp));
	srand $seed;
	$boundary = 0;
	_pools();
	for my $i (0 .. $n - 1) {
		my $time = $START + $i * 600;
		my $m = _message($i, $time, \@open);
		my $w = length($m) + ($m =~ tr/\n//);
		my $flags = join '', (rand() < 0.1 ? 'F' : ''),
		    (rand() < 0.3 ? 'R' : ''), (rand() < 0.8 ? 'S' : '');
		my $path = sprintf '%s/cur/%d.G%dN%d.bench.test,S=%d,W=%d:2,%s',
		    $dir, $time, $seed, $i, length $m, $w, $flags;
		open my $f, '>:raw', $path or die "$path: $!\n";
		print {$f} $m;
		close $f or die "$path: $!\n";
		utime $time, $time, $path;
		$sum += length $m;
		$wire += $w;
	}
	return ($sum, $wire);
}

1;
