#!/usr/bin/perl
# LIST, LSUB, subscriptions, STATUS, special uses.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus quote);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;
my $c = Postrider::Imap->new(port => $i->port('imap'));
$c->login('ann', 'pw')->expect;

# { name => 'sorted attributes' }
sub list {
	my ($args, $word) = @_;
	$word //= 'LIST';
	my $r = $c->cmd("$word $args")->expect;
	return { map { ($_->{data}[2] => join ' ', sort @{ $_->{data}[0] }) }
	    $r->untagged($word) };
}

sub names { return join ' ', sort keys %{ list(@_) } }

my $r = $c->ok('LIST "" ""', 'LIST "" ""');
is_deeply $r->{got}[0]{data}, [['\Noselect'], '/', ''], 'the separator';
is_deeply list('"" *'), { INBOX => '\HasNoChildren' }, 'a new mailbox';
$c->ok("CREATE $_", "CREATE $_") for qw(a/b a/c/d e INBOX/x foo2);
is names('"" *'), 'INBOX INBOX/x a a/b a/c a/c/d e foo2', '*';
is names('"" %'), 'INBOX a e foo2', '%';
is names('"" %/%'), 'INBOX/x a/b a/c', '%/%';
is names('a/ %'), 'a/b a/c', 'a reference';
is names('"" "inbox"'), 'INBOX', 'INBOX in any case';
is names('"" a/*'), 'a/b a/c a/c/d', 'a/*';
is names('"" A'), '', 'other names have their case';
is names('"" "*c*"'), 'a/c a/c/d', '*c*';
is names('"" ("a" "e" "f*")'), 'a e foo2', 'several patterns';
is_deeply list('"" a*'), { a => '\HasChildren \Noselect',
	'a/b' => '\HasNoChildren', 'a/c' => '\HasChildren \Noselect',
	'a/c/d' => '\HasNoChildren' }, 'attributes';
is names('"" ' . quote('%' x 1000)), 'INBOX a e foo2', 'a pattern bomb';

# ---- subscriptions
$c->ok("SUBSCRIBE $_", "SUBSCRIBE $_") for qw(a/b a/c/d e gone inbox);
$c->ok('twice', 'SUBSCRIBE e');
is names('"" *', 'LSUB'), 'INBOX a/b a/c/d e gone', 'LSUB *';
is_deeply list('"" %', 'LSUB'), { INBOX => '\HasChildren',
	a => '\HasChildren \Noselect', e => '\HasNoChildren',
	gone => '\HasNoChildren \Noselect' }, 'LSUB % has parents';
is_deeply list('"" a/%', 'LSUB'), { 'a/b' => '\HasNoChildren',
	'a/c' => '\HasChildren \Noselect' }, 'LSUB a/%';
is_deeply list('(SUBSCRIBED) "" *'), { INBOX => '\HasChildren \Subscribed',
	'a/b' => '\HasNoChildren \Subscribed',
	'a/c/d' => '\HasNoChildren \Subscribed',
	e => '\HasNoChildren \Subscribed',
	gone => '\HasNoChildren \NonExistent \Subscribed' },
    'LIST (SUBSCRIBED)';
like list('"" e RETURN (SUBSCRIBED CHILDREN)')->{e}, qr/\\Subscribed/,
    'RETURN (SUBSCRIBED)';
unlike list('"" foo2 RETURN (SUBSCRIBED)')->{foo2}, qr/\\Subscribed/,
    'not what is not';
$r = $c->ok('RECURSIVEMATCH', 'LIST (SUBSCRIBED RECURSIVEMATCH) "" %');
my %info = map { ($_->{data}[2] => $_->{data}[3]) } $r->untagged('LIST');
is join(' ', sort keys %info), 'INBOX a e gone', 'has a';
is_deeply $info{a}, ['CHILDINFO', ['SUBSCRIBED']], 'with CHILDINFO';
is $info{e}, undef, 'which e has not';
$c->bad('RECURSIVEMATCH alone', 'LIST (RECURSIVEMATCH) "" *');
is names('(REMOTE) "" e'), 'e', 'REMOTE';
$c->bad("LIST $_", "LIST $_") for '""', '(NOPE) "" *',
    '"" * RETURN (NOPE)', '"" * RETURN', '"" * x';
$c->ok('UNSUBSCRIBE', 'UNSUBSCRIBE gone');
is names('"" *', 'LSUB'), 'INBOX a/b a/c/d e', 'is taken away';
$c->ok('DELETE', 'DELETE e');
is names('(SUBSCRIBED) "" e'), 'e', 'DELETE leaves the subscription';
$c->ok('DELETE', 'DELETE a/c/d');
is list('"" a/c')->{'a/c'} // 'nothing', 'nothing',
    'what was only a parent goes with its last child';

# a folder with children that is deleted is only a name
$c->ok('CREATE', 'CREATE a');
$c->ok('DELETE', 'DELETE a');
is list('"" a')->{a}, '\HasChildren \Noselect', '\Noselect';
$c->no('SELECT of it', 'SELECT a');

# ---- names
my $name = '&ZeVnLIqe-/x & y';
$c->no('a bare &', 'CREATE ' . quote($name));
$name =~ s/ & / &- /;
$c->ok('CREATE of a name in Japanese', 'CREATE ' . quote($name));
is names('"" *y'), $name, 'comes back';
$c->ok('SELECT', 'SELECT ' . quote($name));
$c->ok('CREATE with a dot', 'CREATE "a.b"');
is names('"" a.b'), 'a.b', 'a dot is a character';
$c->ok('CREATE by literal', 'CREATE ', lit_plus('lit "x\\'));
is names('"" lit*'), 'lit "x\\', 'quoted as it must be';

# ---- special use
$c->ok('CREATE-SPECIAL-USE', 'CREATE Sent (USE (\Sent))');
like list('"" Sent')->{Sent}, qr/\\Sent/, '\Sent';
is names('(SPECIAL-USE) "" *'), 'Sent', 'LIST (SPECIAL-USE)';
like list('"" * RETURN (SPECIAL-USE)')->{Sent}, qr/\\Sent/,
    'RETURN (SPECIAL-USE)';
is $c->no('unknown', 'CREATE s2 (USE (\Nope))')->code('USEATTR'), 1,
    'USEATTR';
is names('"" s2'), '', 'nothing is made';
$c->bad('CREATE (NOPE)', 'CREATE s3 (NOPE)');

# ---- STATUS
$c->ok('APPEND', 'APPEND Sent (\Seen \Deleted) ', lit_plus("a: b\r\n\r\nc"));
$c->ok('APPEND', 'APPEND Sent ', lit_plus("a: b\r\n\r\ncd"));
$r = $c->ok('STATUS', 'STATUS Sent (MESSAGES UNSEEN UIDNEXT UIDVALIDITY ' .
    'DELETED SIZE RECENT HIGHESTMODSEQ MAILBOXID APPENDLIMIT ' .
    'DELETED-STORAGE)');
my ($st) = $r->untagged('STATUS');
is $st->{data}[0], 'Sent', 'names the mailbox';
my %st = @{ $st->{data}[1] };
is_deeply [@st{qw(MESSAGES UNSEEN UIDNEXT DELETED SIZE RECENT),
    'DELETED-STORAGE'}], [2, 1, 3, 1, 19, 2, 9], 'and counts';
my $sel = $c->cmd('EXAMINE Sent');
is $st{UIDVALIDITY}, $sel->code('UIDVALIDITY'), 'UIDVALIDITY';
is $st{HIGHESTMODSEQ}, $sel->code('HIGHESTMODSEQ'), 'HIGHESTMODSEQ';
is_deeply $st{MAILBOXID}, scalar $sel->code('MAILBOXID'), 'MAILBOXID';
is $c->no('STATUS of nothing', 'STATUS nope (MESSAGES)')
    ->code('NONEXISTENT'), 1, 'NONEXISTENT';
$c->bad("STATUS $_", "STATUS $_") for 'Sent', 'Sent ()', 'Sent (NOPE)',
    'Sent MESSAGES';

# LIST-STATUS
$r = $c->ok('LIST-STATUS', 'LIST "" (Sent a) RETURN (STATUS (MESSAGES))');
is_deeply [map { $_->{name} . ' ' . $_->{data}[$_->{name} eq 'LIST' ? 2 : 0] }
    @{ $r->{got} }], ['LIST Sent', 'STATUS Sent', 'LIST a'],
    'STATUS follows LIST, not for \Noselect'
    or diag explain $r->{got};
$r = $c->ok('NAMESPACE', 'NAMESPACE');
is_deeply $r->{got}[0]{data}[0], [['', '/']], 'personal names';
done_testing;
