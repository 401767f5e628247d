#!/usr/bin/perl
# SEARCH: keys, ESEARCH, $, PARTIAL, charsets; the same with and without the
# indexes.
use strict;
use warnings;
use Postrider::Imap qw(lit lit_plus quote);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;
my $c = Postrider::Imap->new(port => $i->port('imap'));
$c->login('ann', 'pw')->expect;

sub add {
	my ($flags, $date, $text) = @_;
	$text =~ s/\n/\r\n/g;
	$c->cmd("APPEND INBOX ($flags) \"$date 12:00:00 +0000\" ",
	    lit_plus($text))->expect;
	return;
}

add('\Seen \Answered', '01-Jan-2020', "From: Alice <alice\@a.example>\n" .
    "To: bob\@b.example\nSubject: Hello World\nDate: Wed, 1 Jan 2020 23:30:00" .
    " -0800\nX-Tag: red green\n\nThe quick brown fox\n");
add('\Flagged $Work', '15-Jan-2020', "From: bob\@b.example\nCc: carol\@c.ex" .
    "ample\nSubject: =?UTF-8?B?R3LDvMOfZQ==?=\nDate: 15 Jan 2020 10:00:00 " .
    "+0000\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-" .
    "Encoding: quoted-printable\n\nSch=F6ne Gr=FC=DFe aus M=FCnchen\nand a " .
    "soft=\nbreak\n");
add('\Deleted \Draft', '31-Jan-2020', "From: \"Dave\" <dave\@d.example>\nBcc:" .
    " eve\@e.example\nSubject: folded\n subject line\n\n" .
    ('filler ' x 300) . "\n");
add('\Seen', '01-Feb-2020', "From: x\@y.example\nSubject: base\nContent-Type:" .
    " text/plain\nContent-Transfer-Encoding: base64\n\n" .
    "aGlkZGVuIHdvcmRzIGluc2lkZQ==\n");
add('', '02-Feb-2020', "Subject:\nDate: Sun, 2 Feb 2020 00:10:00 +0200\n\n\n");
$c->cmd('SELECT INBOX')->expect;

sub found {
	return join ' ', @{ $c->cmd("SEARCH $_[0]")->expect->numbers };
}

my @cases = (
	['ALL', '1 2 3 4 5'], ['1,3', '1 3'], ['2:*', '2 3 4 5'], ['*', '5'],
	['UID 1:2', '1 2'], ['NOT 1:2', '3 4 5'],
	['SEEN', '1 4'], ['UNSEEN', '2 3 5'], ['ANSWERED', '1'],
	['FLAGGED', '2'], ['DELETED', '3'], ['UNDELETED', '1 2 4 5'],
	['DRAFT', '3'], ['UNDRAFT', '1 2 4 5'], ['UNANSWERED', '2 3 4 5'],
	['UNFLAGGED', '1 3 4 5'], ['KEYWORD $work', '2'],
	['UNKEYWORD $Work', '1 3 4 5'], ['KEYWORD none', ''],
	['RECENT', '1 2 3 4 5'], ['OLD', ''], ['NEW', '2 3 5'],
	['FROM alice', '1'], ['FROM "B.EXAMPLE"', '2'], ['FROM Dave', '3'],
	['TO bob', '1'], ['CC carol', '2'], ['BCC eve', '3'],
	['SUBJECT "hello w"', '1'], ['SUBJECT ""', '1 2 3 4 5'],
	['SUBJECT "folded subject"', '3'],
	["SUBJECT \"gr\xc3\xbc\"", '2'], ["SUBJECT \"GR\xc3\x9c\"", '2'],
	['HEADER X-Tag green', '1'], ['HEADER X-Tag ""', '1'],
	['HEADER x-tag blue', ''],
	['BODY quick', '1'], ['BODY "QUICK BROWN"', '1'], ['BODY hello', ''],
	['TEXT hello', '1'], ['TEXT "hidden words"', '4'],
	["BODY \"sch\xc3\xb6ne gr\"", '2'], ['BODY softbreak', '2'],
	["BODY \"m\xc3\xbcnchen\"", '2'], ['BODY filler', '3'],
	['BODY "filler filler filler"', '3'], ['TEXT "red gr"', '1'],
	['BODY aGlkZGVu', ''],
	['SINCE 31-Jan-2020', '3 4 5'], ['BEFORE 31-Jan-2020', '1 2'],
	['ON 1-Feb-2020', '4'], ['ON "01-Feb-2020"', '4'],
	['SENTON 1-Jan-2020', '1'], ['SENTBEFORE 15-Jan-2020', '1'],
	['SENTSINCE 2-Feb-2020', '5'], ['SENTON 2-Feb-2020', '5'],
	['LARGER 2000', '3'], ['SMALLER 100', '5'],
	['OR FROM alice FROM bob', '1 2'],
	['OR 1 OR 2 OR 3 4', '1 2 3 4'], ['NOT (SEEN FROM alice)', '2 3 4 5'],
	['(OR (SEEN) (FLAGGED)) NOT DELETED', '1 2 4'],
	['NOT NOT SEEN', '1 4'], ['SEEN UNSEEN', ''],
	['OLDER 86400', '1 2 3 4 5'], ['YOUNGER 86400', ''],
	['FUZZY BODY fox', '1'], ['SAVEDATESUPPORTED', '1 2 3 4 5'],
	['SAVEDBEFORE 1-Jan-2021', ''], ['SAVEDSINCE 1-Jan-2021', '1 2 3 4 5'],
	['CHARSET US-ASCII BODY fox', '1'], ['CHARSET utf-8 BODY fox', '1'],
);
is found($_->[0]), $_->[1], "SEARCH $_->[0]" for @cases;
is $c->ok('ISO-8859-1', 'SEARCH CHARSET ISO-8859-1 BODY ',
    lit("m\xfcnchen"))->numbers->[0], 2, 'is converted';
is join(' ', @{ $c->ok('UTF-8', 'SEARCH CHARSET UTF-8 SUBJECT ',
    lit_plus("Gr\xc3\xbc\xc3\x9fe"))->numbers }), 2, 'in a literal';
my $r = $c->no('an unknown charset', 'SEARCH CHARSET X-NO BODY x');
is_deeply [$r->code('BADCHARSET')], [['US-ASCII', 'UTF-8']], 'BADCHARSET';
$r = $c->ok('nothing found', 'SEARCH BODY nonesuch');
is scalar $r->untagged('SEARCH'), 1, 'is an empty answer';
$c->bad("SEARCH $_", "SEARCH $_") for '', 'NOPE', '()', '(SEEN', 'OR SEEN',
    'NOT', 'FROM', 'SINCE 1-Foo-2020', 'SINCE x', 'LARGER x', '6', '0',
    'UID 0', 'OLDER 0', 'CHARSET', 'RETURN (NOPE) ALL', '(' x 200 . 'ALL';

# ---- ESEARCH
sub esearch {
	my $tag = $c->start(@_);
	my $rep = $c->finish($tag)->expect;
	my @d = $rep->untagged('ESEARCH') or return undef;	## no critic
	my @v = @{ $d[0]{data} };
	is_deeply shift @v, ['TAG', $tag], 'ESEARCH has the tag';
	return join ' ', map { ref ? '(' . join(' ', map { $_ // 'NIL' }
	    @$_) . ')' : $_ // 'NIL' } @v;
}
is esearch('SEARCH RETURN () SEEN'), 'ALL 1,4', 'RETURN ()';
is esearch('SEARCH RETURN (MIN MAX COUNT ALL) NOT 2'),
    'MIN 1 MAX 5 ALL 1,3:5 COUNT 4', 'all of them';
is esearch('UID SEARCH RETURN (MIN COUNT) UNSEEN'), 'UID MIN 2 COUNT 3',
    'UID';
is esearch('SEARCH RETURN (MIN MAX ALL COUNT) KEYWORD none'), 'COUNT 0',
    'nothing found';
is esearch('SEARCH RETURN (MIN) KEYWORD none'), '', 'nor COUNT';
is esearch('UID SEARCH RETURN (PARTIAL 2:3) ALL'), 'UID PARTIAL (2:3 2:3)',
    'PARTIAL';
is esearch('UID SEARCH RETURN (PARTIAL -1:-2 COUNT) ALL'),
    'UID PARTIAL (-1:-2 4:5) COUNT 5', 'from the end';
is esearch('SEARCH RETURN (PARTIAL 10:20) ALL'), 'PARTIAL (10:20 NIL)',
    'beyond it';
$c->bad('PARTIAL and ALL', 'SEARCH RETURN (PARTIAL 1:2 ALL) ALL');

# ---- RELEVANCY (RFC 6203)
like esearch('SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT "hello"'),
    qr/^ALL 1 RELEVANCY \((\d+)\)$/, 'a score';
is esearch('SEARCH RETURN (RELEVANCY ALL) FUZZY BODY fox'),
    'ALL 1 RELEVANCY (10)', 'found in the body only';
is esearch('SEARCH RETURN (COUNT RELEVANCY) FUZZY SUBJECT nonesuch'),
    'COUNT 0 RELEVANCY ()', 'nothing found';
like esearch('SEARCH RETURN (RELEVANCY) FUZZY SUBJECT hello'),
    qr/^RELEVANCY \([789]\d\)$/, 'a word of the subject';
$c->bad('RELEVANCY without FUZZY',
    'SEARCH RETURN (RELEVANCY ALL) TEXT "hello"');

# ---- SEARCHRES
is esearch('SEARCH RETURN (SAVE) SEEN'), undef, 'SAVE says nothing';
is_deeply [sort keys %{ $c->fetch('$', 'UID') }], [1, 4], 'FETCH $';
is found('$'), '1 4', 'SEARCH $';
is found('UID $ ANSWERED'), '1', 'SEARCH UID $';
is esearch('SEARCH RETURN (SAVE MIN) NOT $'), 'MIN 2', 'SAVE and MIN';
is found('$'), '2', 'only that is saved';
is esearch('SEARCH RETURN (SAVE COUNT) UNSEEN'), 'COUNT 3', 'SAVE and COUNT';
is found('$'), '2 3 5', 'all are saved';
$c->bad('BAD', 'SEARCH RETURN (SAVE) NOPE');
is found('$'), '2 3 5', 'leaves it';
$c->no('NO', 'SEARCH RETURN (SAVE) CHARSET X-NO ALL');
is found('$'), '', 'empties it';
$c->ok('SAVE', 'UID SEARCH RETURN (SAVE) DELETED');
$c->ok('STORE $', 'UID STORE $ +FLAGS (picked)');
is found('KEYWORD picked'), 3, 'changed it';
$c->ok('COPY $', 'COPY $ INBOX');
$c->ok('the copy goes', 'UID EXPUNGE 6');
$c->ok('SELECT', 'SELECT INBOX');
is found('$'), '', 'SELECT empties it';

# ---- the same by another session, without its indexes, and with them again
@cases = grep { $_->[0] !~ /RECENT|OLD$|NEW|KEYWORD none/ } @cases;
$c->close;
for my $what ('with the index', 'without', 'made again') {
	if ($what eq 'without') {
		system 'rm', '-rf', glob "$i->{dir}/mail/example.test/ann/" .
		    '.index/*';
	}
	$c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login('ann', 'pw')->expect;
	$c->cmd('SELECT INBOX')->expect;
	if ($what ne 'without') {	# an idle session indexes
		$c->idle_start;
		$c->wait_untagged(undef, 1.5);
		$c->idle_done;
	}
	my @bad = grep { found($_->[0]) ne $_->[1] } @cases;
	is_deeply [map { $_->[0] } @bad], [], "every search $what";
	$c->close;
}
done_testing;
