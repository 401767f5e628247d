#!/usr/bin/perl
# CONTEXT=SEARCH, CONTEXT=SORT (RFC 5267): searches whose answers are kept up
# to date; INPROGRESS (RFC 9585).
use strict;
use warnings;
use Postrider::Imap qw(lit lit_plus);
use Postrider::Instance;
use Test::More;

my $s = Postrider::Instance->new(users => { ann => 'pw-ann' });
$s->set_conf('imapd.conf', progress_interval => '1ms');
$s->start;

sub login {
	my $c = Postrider::Imap->new(port => $s->port('imap'));
	$c->login('ann', 'pw-ann')->expect;
	return $c;
}
sub add { return ['APPEND INBOX ', lit_plus("Subject: $_[0]\r\n\r\nx\r\n")] }
my ($c, $o) = (login(), login());
$_->expect for $o->pipeline(map { add($_) } qw(delta alpha echo bravo));
$_->ok('INBOX', 'SELECT INBOX') for $c, $o;

# the updates of a reply: "TAG ADDTO ..."
sub updates {
	my ($r, $t) = @_;
	return [map { /^\* ESEARCH \(TAG "\Q$t\E"\) (?:UID )?(.*)/ ? $1 : () }
	    map { $_->{raw} } $r->untagged('ESEARCH')];
}

my $r = $c->ok('a context', 'UID SEARCH RETURN (UPDATE CONTEXT COUNT) UNSEEN');
my $t = $r->{tag};
like $r->{got}[0]{raw}, qr/UID COUNT 4/, 'the answer';
$o->ok('seen', 'STORE 2:3 +FLAGS.SILENT (\Seen)');
is_deeply updates($c->cmd('NOOP'), $t), ['REMOVEFROM (0 2:3)'],
    'what matches no longer';
$o->ok('not seen', 'STORE 3 -FLAGS.SILENT (\Seen)');
is_deeply updates($c->cmd('NOOP'), $t), ['ADDTO (0 3)'], 'and does again';
$_->expect for $o->pipeline(add('new'));
$r = $c->cmd('NOOP');
is_deeply updates($r, $t), ['ADDTO (0 5)'], 'a new message';
is $r->{got}[0]{name}, 'EXISTS', 'after EXISTS';
is_deeply updates($c->cmd('STORE 1 +FLAGS (\Seen)'), $t),
    ['REMOVEFROM (0 1)'], 'own changes';
$o->ok('deleted', 'STORE 5 +FLAGS.SILENT (\Deleted)');
$c->cmd('NOOP');
$o->ok('gone', 'EXPUNGE');
$r = $c->cmd('NOOP');
is_deeply updates($r, $t), ['REMOVEFROM (0 5)'], 'expunged';
is_deeply [map { $_->{name} } @{ $r->{got} }], ['ESEARCH', 'EXPUNGE'],
    'before EXPUNGE';
is_deeply updates($c->cmd('NOOP'), $t), [], 'and nothing more';

$r = $c->ok('a sorted one', 'UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 '
    . 'NOT DELETED');
my $u = $r->{tag};
like $r->{got}[0]{raw}, qr/ALL 2,4,1,3/, 'alpha bravo delta echo';
$_->expect for $o->pipeline(add('charlie'));
is_deeply updates($r = $c->cmd('NOOP'), $u), ['ADDTO (3 6)'], 'charlie';
is_deeply updates($r, $t), ['ADDTO (0 6)'], 'the other one, too';
$o->ok('deleted', 'STORE 2,4 +FLAGS.SILENT (\Deleted)');
is_deeply updates($c->cmd('NOOP'), $u), ['REMOVEFROM (2 4 1 2)'],
    'positions, the last first';
$o->ok('not', 'STORE 2,4 -FLAGS.SILENT (\Deleted)');
is_deeply updates($c->cmd('NOOP'), $u), ['ADDTO (1 2 2 4)'],
    'positions, the first first';
ok $c->idle_start, 'IDLE';
$o->ok('seen', 'UID STORE 6 +FLAGS.SILENT (\Seen)');
ok $c->wait_untagged(sub { $_->{raw} =~ /TAG "$t"\) UID REMOVEFROM \(0 6\)/ }),
    'in IDLE';
is $c->idle_done->{status}, 'OK', 'DONE';
$c->ok('cancelled', "CANCELUPDATE \"$t\" \"$u\"");
$c->bad('twice', "CANCELUPDATE \"$t\"");
$o->ok('seen', 'UID STORE 4 +FLAGS.SILENT (\Seen)');
is_deeply updates($c->cmd('NOOP'), $t), [], 'no more updates';

$t = $c->ok('numbers', 'SEARCH RETURN (UPDATE ALL) FLAGGED')->{tag};
$o->ok('flagged', 'STORE 2:3 +FLAGS.SILENT (\Flagged)');
is_deeply updates($c->cmd('NOOP'), $t), ['ADDTO (0 2:3)'], 'message numbers';
sub noupdate { return [grep { ($_->{code}[0] // '') eq 'NOUPDATE' }
    @{ $_[0]{got} }] }
is scalar(@{ noupdate($c->ok('set', 'SEARCH RETURN (UPDATE ALL) 1:2')) }), 1,
    'what is of message numbers is not kept';
my @r = map { $c->cmd('SEARCH RETURN (UPDATE COUNT) ALL') } 1 .. 16;
is scalar(map { @{ noupdate($_) } } @r), 1, 'and no more than 16';
$c->ok('closed', 'UNSELECT');
$c->bad('all end with it', "CANCELUPDATE \"$t\"");

$_->expect for $o->pipeline(map { add($_) } 1 .. 200);
$c->ok('INBOX', 'SELECT INBOX');
$c->ok('more', 'COPY 1:* INBOX') for 1 .. 3;
$r = $c->ok('a slow search', 'SEARCH BODY zz');
my @p = grep { ($_->{code}[0] // '') eq 'INPROGRESS' } @{ $r->{got} };
cmp_ok scalar(@p), '>', 0, 'INPROGRESS is told';
is $p[0]{code}[1][0], $r->{tag}, 'with the tag';
is $p[0]{code}[1][2], 8 * 205, 'and how many there are';
$_->logout for $c, $o;
$s->finish;
done_testing;
