#!/usr/bin/perl
# FILTERS (RFC 5466): searches that are kept as annotations; LIST-METADATA (RFC
# 9590).
use strict;
use warnings;
use Postrider::Imap qw(lit);
use Postrider::Instance;
use Test::More;

my $s = Postrider::Instance->new(users => { ann => 'pw-ann' });
$s->start;
my $c = Postrider::Imap->new(port => $s->port('imap'));
$c->login('ann', 'pw-ann')->expect;
$c->ok("from $_", 'APPEND INBOX ', lit("From: $_\@example.test\r\n"
    . "Subject: $_ writes\r\n\r\nhello\r\n")) for qw(boss kid boss spam);
$c->ok('INBOX', 'SELECT INBOX');

sub set { return $c->ok("filter $_[0]", 'SETMETADATA "" '
    . "(/$_[0] ", Postrider::Imap::lit8($_[1]), ')') }
set('private/filters/values/boss', 'FROM "boss"');
set('private/filters/values/kids', 'CHARSET UTF-8 OR FROM kid FROM spam');
set('shared/filters/values/boss', 'FROM "kid"');
set('shared/filters/values/news', 'UNSEEN');
set('private/filters/values/both', 'OR FILTER boss FILTER kids');
set('private/filters/values/loop', 'FILTER loop');
set('private/filters/values/wrong', 'FROM');
set('private/filters/values/b0', 'ALL');
set("private/filters/values/b$_", join ' ', ('FILTER b' . ($_ - 1)) x 20)
    for 1 .. 6;

is_deeply $c->search('FILTER boss'), [1, 3], 'a filter';
is_deeply $c->search('FILTER BOSS'), [1, 3], 'in any case';
is_deeply $c->search('NOT FILTER boss'), [2, 4], 'not';
is_deeply $c->search('FILTER kids SUBJECT spam'), [4], 'and another key';
is_deeply $c->search('OR FROM kid FROM spam SUBJECT spam'), [4], 'unspliced';
is_deeply $c->search('FILTER both'), [1, 2, 3, 4], 'filters in a filter';
is_deeply $c->search('FILTER news'), [1, 2, 3, 4], 'a shared one';
is_deeply [$c->cmd('SORT (SUBJECT) UTF-8 FILTER kids')->untagged('SORT')]
    ->[0]{data}, [2, 4], 'SORT, too';
is_deeply $c->no('none', 'SEARCH FILTER none')->{code},
    ['UNDEFINED-FILTER', 'none'], 'there is no such filter';
is $c->no('not a search', 'SEARCH FILTER wrong')->{code}[0],
    'UNDEFINED-FILTER', 'nor one that is none';
is $c->no('a loop', 'SEARCH FILTER loop')->{code}[0], 'LIMIT', 'ends';
is $c->no('a bomb', 'SEARCH FILTER b6')->{code}[0], 'LIMIT', 'too';

$c->ok('a folder', 'CREATE foo');
$c->ok('a comment', 'SETMETADATA foo (/shared/comment "Our foo")');
my $r = $c->ok('LIST-METADATA', 'LIST "" % RETURN (METADATA '
    . '("/shared/comment" "/private/comment"))');
is_deeply { map { @{ $_->{data} } } $r->untagged('METADATA') },
    { INBOX => ['/shared/comment', undef, '/private/comment', undef],
	foo => ['/shared/comment', 'Our foo', '/private/comment', undef] },
    'values, or NIL';
$c->logout;
$s->finish;
done_testing;
