package Postrider::Corpus;

# Mail of every shape, made from a seed: the same seed gives the same bytes.
#
#   my @m = Postrider::Corpus::messages(1);
#   Postrider::Corpus::write_files($dir, 1);
#
# A message is { name, text, flags }.  The text is as a Maildir keeps it: LF
# line ends, no CR and no NUL anywhere; the last line may lack its LF where
# that is what the message is about.  Flags: noeol (no LF at the end),
# overlong (a line over 998 octets), headless (does not begin with a header
# field), big (over 1 MiB), raw8 (8-bit octets in the header).

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);

use Postrider::CorpusParts qw(:all);

# ---- what there is -----------------------------------------------------------

sub make_plain {
	for my $i (1 .. 30) {
		add("plain", head(words(1 + rnd(8))) . "\n" .
		    paragraphs(1 + rnd(2 * $i)));
	}
	for my $type ('text/plain; charset=us-ascii; format=flowed',
	    'text/plain; charset=us-ascii; format=flowed; delsp=yes',
	    'text/html; charset=us-ascii', 'text/x-diff', 'text/csv') {
		mime('text', words(4), part($type, "-- \n" . paragraphs(4) .
		    "> quoted \n>> deeper \n  indented\n"));
	}
	return;
}

sub make_multipart {
	for my $i (1 .. 20) {
		my $text = paragraphs(2);
		mime('alternative', words(5), multi('alternative',
		    part('text/plain; charset=us-ascii', $text),
		    qp('text/html; charset=utf-8', "<p>$text</p>\n" .
		    utf8_text())));
	}
	for my $i (1 .. 24) {
		mime('mixed', words(5), multi('mixed',
		    part('text/plain', paragraphs(1)),
		    map { attachment(1 + rnd(1 << $_ % 18)) }
		    $i .. $i + rnd(4)));
	}
	for my $i (1 .. 8) {
		mime('related', words(5), multi('related; type="text/html"',
		    qp('text/html', "<img src=\"cid:a$i\@x.test\">\n"),
		    b64('image/png', bytes(5000),
		    "Content-ID: <a$i\@x.test>",
		    'Content-Disposition: inline')));
	}
	for my $depth (2 .. 11) {
		my $e = part('text/plain', paragraphs(1));
		$e = multi(pick('mixed', 'alternative', 'related'), $e,
		    part('text/plain', line())) for 1 .. $depth;
		mime("nested-$depth", words(3), $e);
	}
	return;
}

sub make_messages_inside {
	for my $i (1 .. 8) {
		mime('rfc822', 'Fwd: ' . words(3), multi('mixed',
		    part('text/plain', line()), part('message/rfc822',
		    head(words(4)) . "\n" . paragraphs(2) . ".\n..\n")));
	}
	my $deep = head('innermost') . "\n" . paragraphs(1);
	$deep = head("level $_", 'MIME-Version: 1.0',
	    'Content-Type: message/rfc822') . "\n$deep" for 1 .. 6;
	add('rfc822-deep', $deep);
	for my $n (3, 30) {
		mime('digest', "digest of $n", multi('digest',
		    map { "\n" . head("part $_") . "\n" . paragraphs(1) }
		    1 .. $n));
	}
	for my $i (1 .. 3) {
		mime('report', 'Undelivered', multi(
		    'report; report-type=delivery-status',
		    part('text/plain', line()), part('message/delivery-status',
		    "Reporting-MTA: dns; mx.test\n\nFinal-Recipient: rfc822; " .
		    "a\@x.test\nAction: failed\nStatus: 5.1.1\n"),
		    part('text/rfc822-headers', head('returned'))));
	}
	mime('signed', 'signed', multi("signed; micalg=pgp-sha256;\n " .
	    'protocol="application/pgp-signature"', part('text/plain',
	    "trailing blanks count  \n- dash\n"),
	    part('application/pgp-signature',
	    "-----BEGIN PGP SIGNATURE-----\n\n" .
	    encode_base64(bytes(400)) . "-----END PGP SIGNATURE-----\n")));
	mime('calendar', 'invitation', part('text/calendar; method=REQUEST',
	    "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n"));
	return;
}

sub make_charsets {
	for my $i (1 .. 18) {
		mime('utf8', words(3), part('text/plain; charset=utf-8',
		    utf8_text(), 'Content-Transfer-Encoding: 8bit'));
	}
	for my $i (1 .. 8) {
		mime('latin1', words(3), part('text/plain; charset=iso-8859-1',
		    join('', map { chr(0xa0 + rnd(96)) . line() } 1 .. 9),
		    'Content-Transfer-Encoding: 8bit'));
	}
	mime('iso2022jp', 'jis', part('text/plain; charset=iso-2022-jp',
	    "\e\$B\$3\$s\$K\$A\$O\e(B hello\n"));
	mime('shiftjis', 'sjis', part('text/plain; charset=shift_jis',
	    "\x93\xfa\x96\x7b\x8c\xea \x83\x5c\n",
	    'Content-Transfer-Encoding: 8bit'));
	mime('koi8', 'koi8', part('text/plain; charset=koi8-r',
	    "\xf0\xd2\xc9\xd7\xc5\xd4\n", 'Content-Transfer-Encoding: 8bit'));
	mime('badutf8', 'not UTF-8', part('text/plain; charset=utf-8',
	    "\xc3( \xff\xfe \xed\xa0\x80 cut \xf0\x9f\n",
	    'Content-Transfer-Encoding: 8bit'));
	for my $i (1 .. 12) {
		mime('qp', words(3), qp('text/plain; charset=utf-8',
		    utf8_text() . '=' x $i . " \t\n.\n"));
		next if $i % 2;
		mime('base64', words(3), b64('text/plain; charset=utf-8',
		    utf8_text() x $i));
	}
	for my $s (@UTF8[0, 1, 2, 4]) {
		add('utf8-subject', head("$s " . words(2), 'MIME-Version: 1.0',
		    'Content-Type: text/plain; charset=utf-8',
		    'Content-Transfer-Encoding: 8bit', "X-Name: $s") .
		    "\n$s\n", 'raw8');
	}
	add('encoded-words', head("=?utf-8?B?" . encode_base64($UTF8[1], '') .
	    "?=\n =?iso-8859-1?Q?caf=E9?=") . "\n" . line());
	return;
}

sub make_lines {
	for my $n (79, 255, 500, 990, 997, 998) {
		add("line-$n", head("line of $n") . "\n" . line() .
		    'x' x $n . "\n" . line());
		add("dotline-$n", head("dots, $n") . "\n." .
		    'y' x ($n - 1) . "\n");
	}
	for my $n (999, 1000, 1001, 2000) {
		add("overlong-$n", head("line of $n") . "\n" . 'z' x $n .
		    "\n" . line(), 'overlong');
	}
	add('overlong-last', head('long, no end') . "\n" . 'w' x 1500,
	    'overlong', 'noeol');
	my @dots = (".\n", "..\n", "...\n", ".a\n", ". \n", " .\n", "a.\n",
	    ".\n.\n", "\n.\n\n.\n", "..\n.\n..\n", ".\t.\n", ".\n" x 200);
	add('dots', head('dots') . "\n$_") for @dots;
	add('dots-last', head('dots') . "\nx\n.", 'noeol');
	add('dot-header', head('dot header', '.dot: is no field name') .
	    "\nx\n");
	# a dot where a reader's buffer ends, for the usual sizes
	for my $n (1024, 4096, 8192, 16384, 65536) {
		for my $off (-1, 0, 1) {
			my $t = head("dot at $n$off") . "\n";
			my $fill = $n + $off - length($t) - 1;
			$t .= 'f' x 63 . "\n" for 1 .. int($fill / 64);
			$t .= 'g' x ($fill % 64) . "\n.\n..x\n";
			add("dot-at-$n", $t);
		}
	}
	return;
}

sub make_blanks {
	add('trailing-blanks', head('blanks  ') .
	    "\nx  \ny\t\n \n\t\n\nz \t \n");
	add('tabs', head("a\ttab", "X-Tab:\tvalue\n\tfolded\n  twice") .
	    "\n\tx\ty\t\n");
	add('blank-lines', head('blank lines') . "\n\n\n\nx\n\n\n\n");
	add('only-blank-lines', head('nothing but lines') . "\n" . "\n" x 50);
	add('controls', head('controls') .
	    "\n\a\b\f\013\032\033[1m\177 \001\n");
	add('from-lines', head('From') . "\nFrom ann Sun Nov 22\n>From x\n" .
	    "\nFrom  y\n>>From z\n");
	add('uuencode', head('uu') . "\nbegin 644 a.txt\n" .
	    pack('u', bytes(300)) . "`\nend\n");
	add('looks-like-smtp', head('smtp') . "\nQUIT\nRSET\nDATA\n.\nMAIL " .
	    "FROM:<>\n250 ok\n-ERR no\n+OK\n");
	return;
}

sub make_shapes {
	add('empty-body', head('empty body') . "\n");
	add('header-only', head('header only, no empty line'));
	add('one-field', "Subject: alone\n");
	add('one-field-noeol', "Subject: alone", 'noeol');
	add('body-only', "\njust a body after an empty line\n", 'headless');
	add('no-header', "just text, no header at all\nsecond line\n",
	    'headless');
	add('blank-start', " begins with a blank\n\nx\n", 'headless');
	add('one-newline', "\n", 'headless');
	add('noeol', head('no newline') . "\nlast line", 'noeol');
	add('noeol-blank', head('no newline') . "\nlast line ", 'noeol');
	add('noeol-dot', head('no newline') . "\n.dot", 'noeol');
	add('mbox-start', "From ann\@x.test Sun Nov 22 12:00:00 2026\n" .
	    head('mbox') . "\nx\n", 'headless');
	add('bad-field', head('bad field', 'no colon here') . "\nx\n");
	add('space-colon', head('space', 'X-Space : value') . "\nx\n");
	add('empty-fields', head('', 'X-Empty:', 'X-Blank: ', 'X-Fold:', ' x') .
	    "\nx\n");
	add('twice', head('one', 'Subject: two', 'From: other@x.test') .
	    "\nx\n");
	add('case', "FROM: a\@x.test\nsUBJECT: case\ndate: x\n\nx\n");
	add('received', join('', map { "Received: from h$_.test (h$_.test " .
	    "[192.0.2.$_])\n\tby mx.test; 22 Nov 2026 12:00:0$_ +0000\n" }
	    1 .. 6) . "Delivered-To: somebody\@elsewhere.test\n" .
	    head('hops') . "\nx\n");
	add('resent', "Resent-From: a\@x.test\nResent-To: b\@x.test\n" .
	    "Resent-Date: 22 Nov 2026 12:00:00 +0000\n" .
	    head('again') . "\nx\n");
	return;
}

sub make_headers {
	add('many-headers', head('many', map { "X-Field-$_: " . words(3) }
	    1 .. 300) . "\nx\n");
	add('huge-folded', head('huge', "References: <0\@x.test>" .
	    join('', map { "\n <$_." . 'r' x 50 . "\@x.test>" } 1 .. 500)) .
	    "\nx\n");
	add('long-field', head('long', 'X-Long: ' . 'v' x 980) . "\nx\n");
	add('many-to', head('many', 'Cc: ' . join(",\n\t", map {
	    "\"User $_\" <u$_\@x.test>" } 1 .. 400)) . "\nx\n");
	add('list', head('[list] x', 'List-Id: A list <l.x.test>',
	    'List-Unsubscribe: <https://x.test/u?a=1&b=2>',
	    'Precedence: list') . "\nx\n-- \n_____\nfooter\n");
	add('dkim', "DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=s; " .
	    "h=from:to;\n bh=" . encode_base64(bytes(32), '') . ";\n b=" .
	    join("\n ", encode_base64(bytes(256), '') =~ /(.{1,60})/g) . "\n" .
	    head('signed') . "\nx\n");
	add('comments', head('comments (nested (deep) \) ok)',
	    'Sender: (c) a@x.test (d)') . "\nx\n");
	add('rfc2231', head('parameters', 'MIME-Version: 1.0',
	    "Content-Type: text/plain; charset=us-ascii;\n" .
	    " name*0*=utf-8''a%20;" .
	    "\n name*1=b;\n name*2*=%C3%A9") . "\nx\n");
	return;
}

sub make_broken_mime {
	my $h = "Content-Type: multipart/mixed; boundary=\"b\"";
	my $p = "Content-Type: text/plain\n\nx\n";
	my %body = ('no-end' => "--b\n$p", 'no-start' => "x\n--b--\n",
	    'preamble' => "pre\n\n--b\n$p--b--\npost\n\n--b\n",
	    'empty-parts' => "--b\n--b\n\n--b\n\n\n--b--\n",
	    'prefix' => "--bb\n$p--b\n$p--b--\n--bc--\n",
	    'blanks' => "--b \t\n$p--b-- \n");
	for my $k (sort keys %body) {
		add("mime-$k", head($k, 'MIME-Version: 1.0', $h) .
		    "\n$body{$k}");
	}
	add('mime-bad-b64', head('bad', 'MIME-Version: 1.0',
	    'Content-Type: text/plain', 'Content-Transfer-Encoding: base64') .
	    "\n====\nAAA\n!!\n");
	add('mime-bad-qp', head('bad', 'MIME-Version: 1.0',
	    'Content-Type: text/plain',
	    'Content-Transfer-Encoding: quoted-printable') .
	    "\na=\n=ZZ=4\n=\n");
	return;
}

sub make_big {
	my $block = bytes(1 << 20);	# repeated: random bytes are slow
	for my $mb (1, 5, 20) {
		mime("big-$mb", "$mb MB", multi('mixed',
		    part('text/plain', line()), b64('application/zip',
		    $block x $mb, 'Content-Disposition: attachment; ' .
		    "filename=\"$mb.zip\"")), 'big');
	}
	add('many-lines', head('many short lines') . "\n" . "ab\n" x 100000);
	return;
}

sub messages {
	my ($seed) = @_;
	start($seed);
	make_plain();
	make_multipart();
	make_messages_inside();
	make_charsets();
	make_lines();
	make_blanks();
	make_shapes();
	make_headers();
	make_broken_mime();
	make_big();
	return made();
}

# Write each message to DIR/NAME; the list of messages.
sub write_files {
	my ($dir, $seed) = @_;
	my @m = messages($seed);
	for my $m (@m) {
		open my $fh, '>:raw', "$dir/$m->{name}" or
		    die "$dir/$m->{name}: $!\n";
		print {$fh} $m->{text};
		close $fh or die "$dir/$m->{name}: $!\n";
	}
	return @m;
}

# What SMTP makes of a message: nothing but a last line without end gets one.
sub stored {
	my ($text) = @_;
	$text .= "\n" if $text !~ /\n\z/;
	return $text;
}

1;
