#!/usr/bin/perl
# SORT and THREAD, with the examples of RFC 5256 and 5957.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;
my $c = Postrider::Imap->new(port => $i->port('imap'));
$c->login('ann', 'pw')->expect;
my $folders = 0;

# a new selected folder with these messages: [header, body size, date]
sub folder {
	my $name = 'f' . ++$folders;
	$c->cmd("CREATE $name")->expect;
	for (@_) {
		my ($header, $size, $date) = ref ? @$_ : ($_, 1);
		$header =~ s/\n/\r\n/g;
		$c->cmd("APPEND $name " . ($date ? "\"$date\" " : ''),
		    lit_plus($header . "\r\n" . 'x' x $size . "\r\n"))->expect;
	}
	$c->cmd("SELECT $name")->expect;
	return;
}

sub sorted {
	return join ' ', @{ $c->cmd("SORT ($_[0]) UTF-8 " . ($_[1] // 'ALL'))
	    ->expect->numbers };
}

sub thread {
	my ($how, $what) = @_;
	my $r = $c->cmd("THREAD $how UTF-8 " . ($what // 'ALL'))->expect;
	return ($r->untagged('THREAD'))[0]{raw} =~ s/^\* THREAD ?//r;
}

folder(
    ["From: carl\@x.example\nTo: \"Zed\" <b\@x.example>\nSubject: Re: beta\n" .
	"Date: Wed, 1 Jan 2020 12:00:00 +0000\n", 500,
	'03-Jan-2020 00:00:00 +0000'],
    ["From: \"Zoe\" <adam\@x.example>\nTo: a\@x.example\nSubject: alpha\n" .
	"Date: Wed, 1 Jan 2020 11:00:00 -0500\nCc: m\@x.example\n", 100,
	'02-Jan-2020 00:00:00 +0000'],
    ["From: \"adele\" <bert\@x.example>\nTo: c\@x.example\n" .
	"Subject: [list] Beta (fwd)\nDate: Wed, 1 Jan 2020 10:00:00 +0000\n",
	300, '01-Jan-2020 00:00:00 +0000'],
    ["Subject: \n", 200, '01-Jan-2020 11:30:00 +0000']);
is sorted('ARRIVAL'), '3 4 2 1', 'ARRIVAL';
is sorted('REVERSE ARRIVAL'), '1 2 4 3', 'REVERSE ARRIVAL';
is sorted('DATE'), '3 4 1 2', 'DATE, in UTC, INTERNALDATE where there is none';
is sorted('FROM'), '4 2 3 1', 'FROM is the mailbox';
is sorted('TO'), '4 2 1 3', 'TO';
is sorted('CC'), '1 3 4 2', 'CC';
is sorted('SIZE'), '4 2 3 1', 'SIZE';
is sorted('REVERSE SIZE'), '1 3 2 4', 'REVERSE SIZE';
is sorted('SUBJECT'), '4 2 1 3', 'SUBJECT is the base subject';
is sorted('SUBJECT REVERSE DATE'), '4 2 1 3', 'two keys';
is sorted('SUBJECT DATE'), '4 2 3 1', 'the second counts';
is sorted('DISPLAYFROM'), '4 3 1 2', 'DISPLAYFROM';
is sorted('DISPLAYTO'), '4 2 3 1', 'DISPLAYTO';
is sorted('ARRIVAL', 'NOT 4'), '3 2 1', 'with a search';
is sorted('ARRIVAL', 'SUBJECT none'), '', 'of nothing';
is join(' ', @{ $c->cmd('UID SORT (SIZE) US-ASCII UID 2:4')->numbers }),
    '4 2 3', 'UID SORT';
$c->no('charset', 'SORT (SIZE) X-NO ALL');
$c->bad($_, $_) for 'SORT () UTF-8 ALL', 'SORT (NOPE) UTF-8 ALL',
    'SORT (SIZE) UTF-8', 'SORT (REVERSE) UTF-8 ALL', 'SORT SIZE UTF-8 ALL',
    'THREAD NOPE UTF-8 ALL', 'THREAD REFS UTF-8';

# ESORT
sub esort {
	my $r = $c->cmd(@_)->expect;
	my @v = @{ ($r->untagged('ESEARCH'))[0]{data} };
	return join ' ', map { ref ? "(@$_)" : $_ } @v[1 .. $#v];
}
is esort('SORT RETURN (ALL COUNT) (SIZE) UTF-8 ALL'), 'ALL 4,2:3,1 COUNT 4',
    'ESORT keeps the order';
is esort('SORT RETURN (MIN MAX) (SIZE) UTF-8 ALL'), 'MIN 4 MAX 1',
    'MIN and MAX are the first and the last';
is esort('UID SORT RETURN (PARTIAL 2:3) (SIZE) UTF-8 ALL'),
    'UID PARTIAL (2:3 2:3)', 'PARTIAL';
is esort('UID SORT RETURN (PARTIAL -1:-2) (REVERSE SIZE) UTF-8 ALL'),
    'UID PARTIAL (-1:-2 2,4)', 'from the end';

# RFC 6203
folder(map { "Subject: $_\n" } 'say hello to all of us', 'Hello',
    'Re: hello there', 'good bye');
my $hello = 'UTF-8 FUZZY SUBJECT "hello"';
is join(' ', @{ $c->cmd("SORT (RELEVANCY) $hello")->expect->numbers }),
    '2 3 1', 'the best first';
is join(' ', @{ $c->cmd("SORT (REVERSE RELEVANCY) $hello")->expect
    ->numbers }), '1 3 2', 'and last';
is esort("SORT RETURN (RELEVANCY ALL) (RELEVANCY) $hello"),
    'ALL 2:3,1 RELEVANCY (100 83 76)', 'with scores in that order';
is esort("SORT RETURN (RELEVANCY PARTIAL 2:3) (RELEVANCY) $hello"),
    'PARTIAL (2:3 3,1) RELEVANCY (83 76)', 'of a page';
is esort('SORT RETURN (RELEVANCY ALL) (ARRIVAL) UTF-8 OR '
    . 'FUZZY SUBJECT "good bye" FUZZY (SUBJECT hello SUBJECT there)'),
    'ALL 3:4 RELEVANCY (83 100)', 'of two keys';
$c->bad('RELEVANCY without FUZZY', 'SORT (RELEVANCY) UTF-8 SUBJECT hello');

# ---- ORDEREDSUBJECT
sub m { return "Subject: $_[0]\nDate: Wed, 1 Jan 2020 00:$_[1]:00 +0000\n" .
    "Message-Id: <$_[2]\@x>\n" . ($_[3] ? "References: $_[3]\n" : '') }
sub ids { return join ' ', map { "<$_\@x>" } @_ }

folder(main::m('b', '05', 1), main::m('a', '01', 2), main::m('Re: b', '07', 3),
    main::m('Re: a', '09', 4), main::m('Re: b', '03', 5),
    main::m('c', '02', 6));
is thread('ORDEREDSUBJECT'), '(2 4)(6)(5 (1)(3))', 'ORDEREDSUBJECT';
is thread('ORDEREDSUBJECT', 'NOT 5'), '(2 4)(6)(1 3)', 'of a search';
is thread('ORDEREDSUBJECT', 'SUBJECT none'), '', 'of nothing';

# ---- REFERENCES
folder(main::m('t', '01', 'a'), main::m('Re: t', '02', 'b', ids('a')),
    main::m('Re: t', '03', 'c', ids(qw(a b))),
    main::m('Re: t', '04', 'd', ids('a')), main::m('other', '05', 'e'));
is thread('REFERENCES'), '(1 (2 3)(4))(5)', 'REFERENCES';
is thread('REFS'), '(1 (2 3)(4))(5)', 'REFS';
is $c->ok('UID THREAD', 'UID THREAD REFERENCES UTF-8 UID 2:3')
    ->{got}[0]{raw}, '* THREAD (2 3)', 'UID THREAD of a part';

# a parent that is not there: one child takes its place, two share it
folder(main::m('Re: x', '01', 'a', ids('gone')), main::m('Re: x', '02', 'b',
    ids('gone')), main::m('y', '03', 'c', ids('lost')));
is thread('REFERENCES'), '((1)(2))(3)', 'a missing parent';
is thread('REFS'), '((1)(2))(3)', 'also of REFS';
# joined by subject
folder(main::m('hello', '01', 'a'), main::m('Re: hello', '02', 'b'),
    main::m('hello', '03', 'c'), main::m('z', '04', 'd'));
is thread('REFERENCES'), '((1 2)(3))(4)', 'threads of one subject are joined';
is thread('REFS'), '(1)(2)(3)(4)', 'not by REFS';
# by In-Reply-To; a loop; two with one id; itself
folder("Subject: q\nMessage-Id: <a\@x>\nDate: Wed, 1 Jan 2020 00:00:00 +0000\n",
    "Subject: r\nMessage-Id: <b\@x>\nIn-Reply-To: <a\@x>\n" .
    "Date: Wed, 1 Jan 2020 00:01:00 +0000\n");
is thread('REFERENCES'), '(1 2)', 'In-Reply-To';
folder(main::m('l1', '01', 'a', ids('b')), main::m('l2', '02', 'b', ids('a')),
    main::m('l3', '03', 'c', ids('c')), main::m('l4', '04', 'c'));
like thread('REFERENCES'), qr/^[\d ()]+$/, 'a loop ends';
my @numbers = thread('REFERENCES') =~ /\d+/g;
is join(' ', sort @numbers), '1 2 3 4',
    'and every message is there once';
# dates decide the order, within a thread and of threads
folder(main::m('t', '30', 'a'), main::m('Re: t', '50', 'b', ids('a')),
    main::m('Re: t', '40', 'c', ids('a')), main::m('u', '10', 'd'),
    main::m('Re: u', '59', 'e', ids('d')));
is thread('REFERENCES'), '(4 5)(1 (3)(2))', 'by date';
is thread('REFS'), '(1 (3)(2))(4 5)', 'REFS: by the latest of a thread';
# deep
folder(map { main::m("s$_", sprintf('%02d', $_ % 60), $_, $_ > 1 ?
    ids($_ - 1) : '') } 1 .. 60);
is thread('REFERENCES'), '(' . join(' ', 1 .. 60) . ')', 'a deep thread';
done_testing;
