#!/usr/bin/perl
# ACL (RFC 4314), LIST-MYRIGHTS (RFC 8440): folders shared with other users,
# public folders, and what rights allow.
use strict;
use warnings;
use Postrider::Imap qw(lit);
use Postrider::Instance;
use Test::More;

my $s = Postrider::Instance->new(users => { map { $_ => "pw-$_" }
    qw(fred chris boss) });
$s->set_conf('imapd.conf', public_admins => 'boss@example.test',
    share_anyone => 'users');
$s->start;

sub login {
	my ($user) = @_;
	my $c = Postrider::Imap->new(port => $s->port('imap'));
	$c->login($user, "pw-$user")->expect;
	return $c;
}
sub text { return "Subject: $_[0]\r\n\r\n$_[0]\r\n" }
sub one { return [map { $_->{data} } $_[0]->untagged($_[1])]->[0] }
sub names { return [sort map { $_->{data}[2] } $_[0]->untagged('LIST')] }

my $f = login('fred');
my $c = login('chris');
my $theirs = 'user/fred@example.test';
is_deeply one($f->cmd('NAMESPACE'), 'NAMESPACE'),
    [[['', '/']], [['user/', '/']], [['Public/', '/']]],
    'three name spaces';
$f->ok('folders are made', "CREATE $_") for qw(Drafts Job Job/Deep);
is_deeply one($f->ok('a list', 'GETACL Drafts'), 'ACL'),
    ['Drafts', 'fred@example.test', 'lrswipkxtea'], 'the owner has all';
is_deeply one($f->ok('own rights', 'MYRIGHTS INBOX'), 'MYRIGHTS'),
    ['INBOX', 'lrswipkxtea'], 'in INBOX, too';
is_deeply one($f->ok('what may be given', 'LISTRIGHTS Drafts chris'),
    'LISTRIGHTS'), ['Drafts', 'chris', '', qw(l r s w i p t e a)],
    'rights one by one';
is_deeply one($f->cmd('LISTRIGHTS Drafts fred'), 'LISTRIGHTS'),
    ['Drafts', 'fred', 'lrswipkxtea'], 'the owner always has all';
$f->no('no such mailbox', 'SETACL None chris lr');
$f->bad('no such right', 'SETACL Drafts chris lrq');
$f->no('folders are not made by others', 'SETACL Drafts chris lrk');
$f->no('the owner keeps all', 'SETACL Drafts fred lr');
$f->ok('rights are given', 'SETACL Drafts Chris lrswi');
$f->ok('more', 'SETACL Drafts chris +te');
$f->ok('less', 'SETACL Drafts chris -e');
is_deeply one($f->cmd('GETACL Drafts'), 'ACL'), ['Drafts',
    'fred@example.test', 'lrswipkxtea', 'chris@example.test', 'lrswit'],
    'added to and taken from';
$f->ok('a message', 'APPEND Drafts (\Seen) ', lit(text('one')));
$f->ok('and in the INBOX', 'APPEND INBOX ', lit(text('inbox')));
$f->ok('and in Job', 'APPEND Job ', lit(text('work')));

$c->no('not before the next login', "SELECT $theirs/Drafts");
$c->logout;
$c = login('chris');
is_deeply names($c->cmd('LIST "" "user/*"')),
    [$theirs, "$theirs/Drafts"], 'the shared folder is listed';
is_deeply one($c->cmd(qq(LIST "" "$theirs/Drafts" RETURN (MYRIGHTS))),
    'MYRIGHTS'), ["$theirs/Drafts", 'lrswit'], 'LIST-MYRIGHTS';
$c->no('INBOX is not shared', "SELECT $theirs");
$c->no('nor the folder beside', "SELECT $theirs/Job");
is $c->no('which is not told', "MYRIGHTS $theirs/Job")->{code}[0],
    'NONEXISTENT', 'as if it were not there';
my $r = $c->ok('it opens', "SELECT $theirs/Drafts");
is $r->num('EXISTS'), 1, 'one message';
ok grep({ ($_->{code}[0] // '') eq 'READ-WRITE' } $r), 'for writing';
like $c->fetch(1, 'BODY.PEEK[]')->{1}{'BODY[]'}, qr/one/, 'it can be read';
$c->ok('flags', 'STORE 1 +FLAGS (\Flagged \Deleted)');
$c->no('no expunge', 'EXPUNGE');
$c->no('no MOVE', 'MOVE 1 INBOX');
$c->ok('COPY out', 'COPY 1 INBOX');
$c->ok('APPEND in', "APPEND $theirs/Drafts ", lit(text('two')));
$c->no('no list', "GETACL $theirs/Drafts");
$c->no('no list is set', "SETACL $theirs/Drafts chris lra");
$c->no('no folder is made', "CREATE $theirs/Mine");
$c->no('none removed', "DELETE $theirs/Drafts");
$c->no('none renamed', "RENAME $theirs/Drafts Mine");
$c->ok('subscribed', "SUBSCRIBE $theirs/Drafts");
is_deeply [map { $_->{data}[2] } $c->cmd('LSUB "" "user/*"')
    ->untagged('LSUB')], ["$theirs/Drafts"], 'LSUB has it';
$f->ok('the owner looks', 'SELECT Drafts');
my $by = $f->fetch('1:*', 'FLAGS');
is_deeply [sort grep { !/Recent/ } @{ $by->{1}{FLAGS} }],
    ['\Deleted', '\Flagged', '\Seen'], 'flags are the folder\'s';
is scalar(keys %$by), 2, 'and both messages';
$c->logout;

# read only, INBOX, negative rights
$f->ok('INBOX for all', 'SETACL INBOX anyone lr');
$f->ok('only seen', 'SETACL Drafts chris lrsi');
$f->ok('Job for all', 'SETACL Job anyone lrs');
$f->ok('but one', 'SETACL Job -chris s');
$f->ok('invisible', 'SETACL Job/Deep chris i');
$c = login('chris');
$r = $c->ok('INBOX of another', "SELECT $theirs");
is $r->{code}[0], 'READ-ONLY', 'for reading';
like $c->fetch(1, 'BODY[]')->{1}{'BODY[]'}, qr/inbox/, 'its message';
$c->no('nothing is stored', 'STORE 1 +FLAGS (\Seen)');
$c->no('nothing is appended', "APPEND $theirs ", lit(text('x')));
is $c->ok('negative', "SELECT $theirs/Job")->{code}[0], 'READ-ONLY',
    'rights are taken away';
is_deeply one($c->cmd("MYRIGHTS $theirs/Job"), 'MYRIGHTS'),
    ["$theirs/Job", 'lr'], 'MYRIGHTS knows';
$c->ok('what can not be seen may take mail',
    "APPEND $theirs/Job/Deep (\\Seen \\Flagged) ", lit(text('drop')));
is_deeply [grep { /Deep/ } @{ names($c->cmd('LIST "" *')) }], [],
    'and is not listed';
$c->no('nor opened', "SELECT $theirs/Job/Deep");
$c->ok('some rights', "SELECT $theirs/Drafts");
$c->ok('FLAGS sets what may be set', 'STORE 2 FLAGS (\Seen \Draft)');
$f->ok('again', 'NOOP');
$by = $f->fetch('1:*', 'FLAGS');
is_deeply [sort grep { !/Recent/ } @{ $by->{2}{FLAGS} }], ['\Seen'],
    'only \Seen came';
$c->ok('FLAGS keeps the rest', 'STORE 1 FLAGS ()');
$f->ok('again', 'NOOP');
is_deeply [sort grep { !/Recent/ } @{ $f->fetch(1, 'FLAGS')->{1}{FLAGS} }],
    ['\Deleted', '\Flagged'], 'only \Seen went';
$c->no('no right at all', 'STORE 1 +FLAGS (\Draft)');
$c->ok('own message', 'APPEND INBOX (\Seen \Flagged work) ',
    lit(text('three')));
$c->ok('own folder', 'SELECT INBOX');
$c->ok('COPY in', "COPY 2 $theirs/Drafts");
$f->ok('again', 'NOOP');
is_deeply [sort grep { !/Recent/ } @{ $f->fetch(3, 'FLAGS')->{3}{FLAGS} }],
    ['\Seen'], 'COPY sets what may be set';
$f->ok('drop folder', 'SELECT Job/Deep');
is_deeply [grep { !/Recent/ } @{ $f->fetch(1, 'FLAGS')->{1}{FLAGS} }], [],
    'APPEND sets no flag without its right';

# renamed, revoked
$f->ok('renamed', 'RENAME Job Project');
$f->ok('revoked', 'DELETEACL Drafts chris');
$c->no('at once', "STATUS $theirs/Drafts (MESSAGES)");
$c->logout;
$c = login('chris');
is_deeply [grep { /fred.test|fred/ } @{ names($c->cmd('LIST "" *')) }],
    [$theirs, "$theirs/Project"], 'the new name, not the revoked one';

# public
my $b = login('boss');
$c->no('not everybody makes public folders', 'CREATE Public/News');
$b->ok('the administrator does', 'CREATE Public/News');
$b->ok('and shares it', 'SETACL Public/News anyone lrsp');
$b->ok('fills it', 'APPEND Public/News ', lit(text('news')));
$b->ok('and another', 'CREATE Public/Board');
is_deeply names($b->cmd('LIST "" "Public/%"')),
    ['Public/Board', 'Public/News'], 'both are listed';
$c->logout;
$c = login('chris');
is_deeply names($c->cmd('LIST "" "Public/%"')), ['Public/News'],
    'what is shared is listed';
is $c->ok('opened', 'SELECT Public/News')->num('EXISTS'), 1, 'read';
$c->ok('seen', 'STORE 1 +FLAGS (\Seen)');
$c->no('but not written', 'STORE 1 +FLAGS (\Deleted)');
$b->ok('renamed', 'RENAME Public/News Public/Old');
$b->ok('removed', 'DELETE Public/Board');
$c->logout;
$c = login('chris');
is_deeply names($c->cmd('LIST "" "Public/%"')), ['Public/Old'],
    'under its new name';

# the index is derived
system 'rm', '-rf', $s->dir . '/mail/.shared';
$s->ctl_ok('mailbox', 'repair', 'fred');
$c->logout;
$c = login('chris');
is_deeply [grep { /fred/ } @{ names($c->cmd('LIST "" *')) }],
    [$theirs, "$theirs/Project"], 'made anew by postrider mailbox repair';
is((stat $s->dir . '/mail/.shared')[4], (stat $s->maildir('fred'))[4],
    'and the store\'s');

# who may share with all
$s->set_conf('imapd.conf', share_anyone => 'admins');
$s->reload;
$_->logout for $f, $c, $b;
($f, $b) = (login('fred'), login('boss'));
is $f->no('not with all', 'SETACL Drafts anyone lr')->{code}[0], 'NOPERM',
    'which is told';
$f->no('under no name', "SETACL Drafts $_ lr") for qw(authenticated ANYONE);
$f->no('nor by adding to it', 'SETACL INBOX anyone +s');
is_deeply one($f->cmd('LISTRIGHTS Drafts anyone'), 'LISTRIGHTS'),
    ['Drafts', 'anyone', ''], 'nothing can be given';
$f->ok('but with one', 'SETACL Drafts chris lr');
$f->ok('rights are taken', 'SETACL INBOX anyone -r');
$f->ok('all of them', 'DELETEACL INBOX anyone');
$f->ok('and denied', 'SETACL Drafts -anyone s');
$b->ok('an administrator may', 'SETACL Public/Old anyone lrs');
$s->set_conf('imapd.conf', share_anyone => 'nobody');
$s->reload;
$_->logout for $f, $b;
$b = login('boss');
$b->no('until nobody may', 'SETACL Public/Old anyone lrsp');
$b->logout;
$s->finish;
done_testing;
