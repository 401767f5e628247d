#!/usr/bin/perl
# NOTIFY (RFC 5465): a client is told of its folders without a command.
use strict;
use warnings;
use Postrider::Imap qw(lit);
use Postrider::Instance;
use Test::More;

my $s = Postrider::Instance->new(users => { fred => 'pw-fred' });
$s->start;

sub login {
	my $c = Postrider::Imap->new(port => $s->port('imap'));
	$c->login('fred', 'pw-fred')->expect;
	return $c;
}
sub text { return "Subject: $_[0]\r\n\r\n$_[0]\r\n" }

my $other = login();
$other->ok("$_ is made", "CREATE $_") for qw(misc Lists Lists/Lemonade);
$other->ok('a message', 'APPEND INBOX ', lit(text('first')));
my $c = login();

# the first untagged response of that name that re matches
sub told {
	my ($name, $re, $want) = @_;
	my $r = $c->wait_untagged(sub { $_->{name} eq $name &&
	    $_->{raw} =~ $re });
	ok $r, $want;
	return $r;
}
sub silent {
	my ($want) = @_;
	my $r = $c->wait_untagged(undef, 0.3);
	ok !$r, $want or diag $r->{raw};
	return;
}

$c->bad('new without expunge', 'NOTIFY SET (personal (MessageNew))');
$c->bad('flags alone', 'NOTIFY SET (personal (FlagChange))');
$c->bad('selected has no names', 'NOTIFY SET (selected (MailboxName))');
$c->bad('items for others', 'NOTIFY SET '
    . '(personal (MessageNew (UID) MessageExpunge))');
is_deeply $c->no('unknown event', 'NOTIFY SET (personal (AnnotationChange))')
    ->{code}[0], 'BADEVENT', 'is named';
$c->ok('INBOX', 'SELECT INBOX');
my $r = $c->ok('all is watched', 'NOTIFY SET STATUS (selected '
    . '(MessageNew (UID BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge '
    . 'FlagChange)) (subtree Lists (MessageNew MessageExpunge)) '
    . '(personal (MailboxName SubscriptionChange MessageNew MessageExpunge '
    . 'FlagChange))');
is_deeply [sort map { $_->{data}[0] } $r->untagged('STATUS')],
    [qw(Lists Lists/Lemonade misc)], 'STATUS of the others first';

$other->ok('news', 'APPEND INBOX ', lit(text('hello')));
is told('EXISTS', qr/^\* 2 EXISTS/, 'EXISTS')->{num}, 2, 'the number';
$r = told('FETCH', qr/Subject/, 'with the items');
like $r->{raw}, qr/UID 2 .*Subject: hello/s, 'the subject and the UID';
$other->ok('selected there', 'SELECT INBOX');
$other->ok('flags', 'STORE 1 +FLAGS (\Flagged)');
told('FETCH', qr/^\* 1 FETCH \(.*\\Flagged/, 'flags are told');
$other->ok('deleted', 'STORE 1 +FLAGS (\Deleted)');
$other->ok('gone', 'EXPUNGE');
told('EXPUNGE', qr/^\* 1 EXPUNGE/, 'EXPUNGE at once');
$other->ok('elsewhere', 'APPEND misc ', lit(text('m')));
$r = told('STATUS', qr/misc/, 'STATUS of another folder');
like $r->{raw}, qr/MESSAGES 1 UIDNEXT 2 /, 'its figures';
$other->ok('open', 'SELECT misc');
$other->ok('flags', 'STORE 1 +FLAGS (\Seen)');
told('STATUS', qr/misc .*UNSEEN 0/, 'flags elsewhere');
$other->ok('a list', 'APPEND Lists/Lemonade ', lit(text('l')));
told('STATUS', qr/Lemonade/, 'in a subtree');
$other->ok('open', 'SELECT Lists/Lemonade');
$other->ok('flags', 'STORE 1 +FLAGS (\Seen)');
silent('no flags there: the first group counts');
$other->ok('made', 'CREATE NewMailbox');
told('LIST', qr/^\* LIST \(\) "\/" NewMailbox\z/, 'a new folder');
$other->ok('mail in it', 'APPEND NewMailbox ', lit(text('n')));
told('STATUS', qr/NewMailbox/, 'is watched');
$other->ok('renamed', 'RENAME NewMailbox Renamed');
told('LIST', qr/^\* LIST \(\) "\/" Renamed \("OLDNAME" \(NewMailbox\)\)\z/,
    'a rename');
$other->ok('mail in it', 'APPEND Renamed ', lit(text('r')));
told('STATUS', qr/Renamed/, 'is still watched');
$other->ok('subscribed', 'SUBSCRIBE Renamed');
told('LIST', qr/^\* LIST \(\\Subscribed\) "\/" Renamed/, 'subscription');
$other->ok('not', 'UNSUBSCRIBE Renamed');
told('LIST', qr/^\* LIST \(\) "\/" Renamed/, 'its end');
$other->ok('deleted', 'DELETE Renamed');
told('LIST', qr/^\* LIST \(\\NonExistent\) "\/" Renamed/, 'the end of all');

# annotations
$c->bad('not of the selected one',
    'NOTIFY SET (selected (MailboxMetadataChange))');
$c->ok('annotations', 'NOTIFY SET (personal (MailboxMetadataChange '
    . 'ServerMetadataChange))');
silent('nothing at first');
$other->ok('INBOX has one', 'SETMETADATA INBOX (/shared/comment "x")');
told('METADATA', qr{^\* METADATA "?INBOX"? /shared/comment\z}, 'its name');
$other->ok('two', 'SETMETADATA misc (/private/comment "a" /shared/b "c")');
my %names;
for (1 .. 2) {	# in one response or in two
	last if keys %names == 2;
	$r = $c->wait_untagged(sub { $_->{raw} =~ /METADATA "?misc/ })
	    or last;
	$names{$_}++ for $r->{raw} =~ m{ (/\S+)}g;
}
is_deeply \%names, { '/private/comment' => 1, '/shared/b' => 1 },
    'two of another folder';
$other->ok('changed', 'SETMETADATA misc (/shared/b "d")');
told('METADATA', qr{^\* METADATA "?misc"? /shared/b\z}, 'only what changed');
$other->ok('removed', 'SETMETADATA misc (/shared/b NIL)');
told('METADATA', qr{^\* METADATA "?misc"? /shared/b\z}, 'what is removed');
$other->ok('the server', 'SETMETADATA "" (/private/x "y")');
told('METADATA', qr{^\* METADATA "" /private/x\z}, 'of the server');
$other->ok('mail', 'APPEND misc ', lit(text('m')));
silent('messages are no annotations');
$r = $c->ok('our own', 'SETMETADATA misc (/private/own "1")');
is scalar(grep { $_->{raw} =~ m{/private/own} } $r->untagged('METADATA')), 0,
    'is not told in the command';
silent('nor behind it');
$other->ok('made', 'CREATE Later');
silent('a new folder');
$other->ok('set', 'SETMETADATA Later (/shared/comment "x")');
told('METADATA', qr/Later/, 'is watched');
$other->ok('deleted', 'DELETE Later');
$c->ok('the server alone', 'NOTIFY SET (inboxes (ServerMetadataChange))');
$other->ok('a folder', 'SETMETADATA INBOX (/shared/comment "z")');
silent('is not told');
$c->ok('all again', 'NOTIFY SET (selected (MessageNew MessageExpunge '
    . 'FlagChange)) (personal (MessageNew MessageExpunge FlagChange))');

# in IDLE
ok $c->idle_start, 'IDLE';
$other->ok('elsewhere', 'APPEND misc ', lit(text('m')));
told('STATUS', qr/misc \(MESSAGES 3/, 'told while idle');
$other->ok('INBOX', 'APPEND INBOX ', lit(text('i')));
told('EXISTS', qr/^\* 2 EXISTS/, 'and of the selected one');
is $c->idle_done->{status}, 'OK', 'DONE';

# delayed
$c->ok('delayed', 'NOTIFY SET (selected-delayed (MessageNew MessageExpunge))'
    . ' (inboxes (MessageNew MessageExpunge))');
$other->ok('INBOX', 'SELECT INBOX');
$other->ok('deleted', 'STORE 1 +FLAGS.SILENT (\Deleted)');
$other->ok('gone', 'EXPUNGE');
ok !$c->wait_untagged(sub { $_->{name} eq 'EXPUNGE' }, 0.3),
    'EXPUNGE waits for a command';
is scalar($c->cmd('NOOP')->untagged('EXPUNGE')), 1, 'which tells it';
$c->ok('none', 'NOTIFY NONE');
$other->ok('silence', 'APPEND misc ', lit(text('m')));
silent('nothing is told');
$_->logout for $c, $other;
$s->finish;
done_testing;
