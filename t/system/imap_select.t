#!/usr/bin/perl
# SELECT, EXAMINE, CLOSE, UNSELECT, CREATE, DELETE, RENAME, and what two
# sessions see of each other.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;

sub client {
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login('ann', 'pw')->expect;
	return $c;
}

my ($c, $d) = (client(), client());

# ---- an empty mailbox
$c->bad('FETCH with nothing selected', 'FETCH 1 FLAGS');
my $r = $c->ok('SELECT', 'SELECT inbox');
is $r->{code}[0], 'READ-WRITE', 'for writing';
is $r->num('EXISTS'), 0, 'no message';
is $r->num('RECENT'), 0, 'no recent one';
is_deeply [sort map { @{ $_->{data}[0] } } $r->untagged('FLAGS')],
    [sort qw(\Answered \Flagged \Deleted \Seen \Draft $Forwarded)],
    'its FLAGS';
ok +(grep { $_ eq '\*' } @{ scalar $r->code('PERMANENTFLAGS') }),
    'new keywords may be';
ok $r->code('UIDVALIDITY') > 0, 'UIDVALIDITY';
is $r->code('UIDNEXT'), 1, 'UIDNEXT';
ok $r->code('HIGHESTMODSEQ') > 0, 'HIGHESTMODSEQ';
ok !defined $r->code('UNSEEN'), 'no UNSEEN';
like $r->code('MAILBOXID')->[0], qr/^[\w-]+$/, 'MAILBOXID';
$c->bad('FETCH of message 1', 'FETCH 1 FLAGS');
$c->ok('UID FETCH of an empty mailbox', 'UID FETCH 1:* FLAGS');
$c->bad('SELECT without a name', 'SELECT');
$c->ok('the mailbox is still open', 'CHECK');

# ---- messages; \Recent belongs to one session
$i->send(to => 'ann@example.test', message => "Subject: $_\n\nhi\n")
    for 1 .. 2;
$i->wait_mails('ann', 2);
$d->ok('the second session selects', 'EXAMINE INBOX');
$r = $c->ok('NOOP', 'NOOP');
is $r->num('EXISTS'), 2, 'NOOP tells of new messages';
is $r->num('RECENT'), 2, 'which are recent';
$r = $d->ok('NOOP', 'NOOP');
is_deeply $d->fetch('1:2', 'FLAGS'),
    { map { $_ => { FLAGS => ['\Recent'] } } 1, 2 },
    'read-only does not take \Recent away';
my $e = client();
$r = $e->ok('a third session', 'SELECT INBOX');
is $r->num('RECENT'), 0, 'finds none recent';
is $r->code('UNSEEN'), 1, 'the first unseen';
is $r->code('UIDNEXT'), 3, 'UIDNEXT';
$e->close;

# ---- changes of others
$r = $c->ok('STORE', 'STORE 1 +FLAGS (\Seen key)');
ok +(grep { grep { $_ eq 'key' } @{ $_->{data}[0] } } $r->untagged('FLAGS')),
    'a new keyword is told in FLAGS';
is $r->{got}[0]{name}, 'FLAGS', 'before it is used';
$r = $d->ok('NOOP in the other session', 'NOOP');
is_deeply [sort @{ $r->fetched->{1}{FLAGS} }], ['\Recent', '\Seen', 'key'],
    'tells the flags';
ok +(grep { grep { $_ eq 'key' } @{ $_->{data}[0] } } $r->untagged('FLAGS')),
    'and the keyword';
$r = $d->ok('NOOP again', 'NOOP');
is scalar @{ $r->{got} }, 0, 'only once';

# ---- EXAMINE changes nothing
is $d->ok('EXAMINE', 'EXAMINE INBOX')->{code}[0], 'READ-ONLY', 'read-only';
$r = $d->ok('EXAMINE again', 'EXAMINE INBOX');
is_deeply $r->code('PERMANENTFLAGS'), [], 'no permanent flags';
is $r->{got}[0]{code}[0], 'CLOSED', 'CLOSED comes first';
$d->no('STORE', 'STORE 1 +FLAGS (\Deleted)');
$d->no('EXPUNGE', 'EXPUNGE');
$d->fetch(2, 'BODY[]');
ok !(grep { $_ eq '\Seen' } @{ $d->fetch(2, 'FLAGS')->{2}{FLAGS} }),
    'BODY[] sets no \Seen';

# ---- EXPUNGE of others is told where it may be
$i->send(to => 'ann@example.test', message => "Subject: 3\n\nhi\n");
$i->wait_mails('ann', 3);
$_->cmd('NOOP') for $c, $d;
$c->ok('STORE', 'STORE 1 +FLAGS.SILENT (\Deleted)');
$r = $c->ok('EXPUNGE', 'EXPUNGE');
is_deeply [map { $_->{num} } $r->untagged('EXPUNGE')], [1], 'EXPUNGE';
for my $cmd ('FETCH 2 UID', 'SEARCH ALL', 'STORE 2 +FLAGS (\Flagged)',
    'SORT (ARRIVAL) UTF-8 ALL', 'THREAD REFERENCES UTF-8 ALL') {
	$r = $d->cmd($cmd);
	is scalar $r->untagged('EXPUNGE'), 0, "no EXPUNGE during $cmd";
}
is $d->cmd('FETCH 1 FLAGS')->code('EXPUNGEISSUED'), 1,
    'FETCH of the message that went';
is_deeply $d->search('ALL'), [2, 3], 'numbers stay';
is $d->fetch(3, 'UID')->{3}{UID}, 3, 'and name the same messages';
$r = $d->ok('UID FETCH', 'UID FETCH 2:3 FLAGS');
is_deeply [map { $_->{num} } $r->untagged('EXPUNGE')], [1],
    'UID FETCH tells EXPUNGE';
is $r->{got}[-1]{name}, 'EXPUNGE', 'behind its answers';
is $d->fetch(1, 'UID')->{1}{UID}, 2, 'numbers moved';

# two at once: numbers of EXPUNGE count those before as gone
$c->cmd('STORE 1:2 +FLAGS.SILENT (\Deleted)');
$r = $c->ok('EXPUNGE of two', 'EXPUNGE');
is_deeply [map { $_->{num} } $r->untagged('EXPUNGE')], [1, 1], 'one and one';
$r = $d->ok('NOOP', 'NOOP');
is_deeply [map { $_->{num} } $r->untagged('EXPUNGE')], [1, 1], 'for both';

# ---- CLOSE and UNSELECT
$c->ok('CREATE', 'CREATE box');
$c->ok('APPEND', 'APPEND box (\Deleted) ', lit_plus("a: b\r\n\r\nc\r\n"))
    for 1 .. 2;
$c->ok('SELECT', 'SELECT box');
$c->ok('UNSELECT', 'UNSELECT');
$c->bad('nothing is selected', 'CLOSE');
is $c->ok('EXAMINE', 'EXAMINE box')->num('EXISTS'), 2,
    'UNSELECT expunges nothing';
$c->ok('CLOSE', 'CLOSE');
is $c->ok('SELECT', 'SELECT box')->num('EXISTS'), 2,
    'nor CLOSE of what is read-only';
$r = $c->ok('CLOSE', 'CLOSE');
is scalar @{ $r->{got} }, 0, 'CLOSE tells nothing';
is $c->ok('SELECT', 'SELECT box')->num('EXISTS'), 0, 'but expunges';
$c->no('SELECT of what is not there', 'SELECT nothing');
$c->bad('leaves none selected', 'CHECK');

# ---- folders
like $c->ok('CREATE', 'CREATE a/b/')->code('MAILBOXID')->[0], qr/^[\w-]+$/,
    'its id';
is $c->no('CREATE again', 'CREATE a/b')->code('ALREADYEXISTS'), 1,
    'ALREADYEXISTS';
$c->no("CREATE $_", "CREATE $_") for 'INBOX', '""', '"../x"', '"a//b"', '"/x"',
    '&bad', '"a' . "\x01" . 'b"';
is $c->no('DELETE', 'DELETE nothing')->code('NONEXISTENT'), 1,
    'NONEXISTENT';
$c->no('DELETE INBOX', 'DELETE INBOX');
is $c->no('RENAME', 'RENAME nothing x')->code('NONEXISTENT'), 1,
    'RENAME of nothing';
$c->no('RENAME over one', 'RENAME a/b box');
$c->ok('RENAME', 'RENAME a/b c');
$c->ok('SELECT', 'SELECT c');
$c->ok('RENAME INBOX', 'RENAME INBOX old');
is $c->ok('STATUS', 'STATUS INBOX (MESSAGES)')->{status}, 'OK',
    'INBOX is there';

# the selected mailbox is deleted by another session
for my $name ('NOOP', 'UID FETCH 1:* FLAGS', 'a message', 'renamed before') {
	my $cmd = $name =~ /^[A-Z]/ ? $name : 'NOOP';
	my $e = client();
	$d->ok('CREATE', 'CREATE gone');
	$d->ok('APPEND', 'APPEND gone ', lit_plus("Subject: x\r\n\r\nx\r\n"))
	    if $name eq 'a message';
	$e->ok('SELECT', 'SELECT gone');
	if ($name eq 'renamed before') {
		$d->ok('RENAME', 'RENAME gone went');
		$e->ok('which changes nothing', 'NOOP');
		$d->ok('DELETE', 'DELETE went');
	} else {
		$d->ok('DELETE', 'DELETE gone');
	}
	$r = $e->cmd($cmd);
	is scalar($r->untagged('BYE')), 1, "$name: BYE";
	is scalar(grep { /^EX/ } map { $_->{name} } @{ $r->{got} }), 0,
	    'and nothing of an empty one';
	ok $e->closed, 'and the end';
}
my $idler = client();
$d->ok('CREATE', 'CREATE gone');
$idler->ok('SELECT', 'SELECT gone');
$idler->idle_start;
$d->ok('DELETE', 'DELETE gone');
ok $idler->wait_untagged(sub { $_->{name} eq 'BYE' }), 'IDLE: BYE';
$c->ok('another', 'SELECT box');
$c->ok('DELETE of the selected one', 'DELETE box');
$c->bad('which is closed', 'CHECK');
$c->ok('bye', 'LOGOUT');
done_testing;
