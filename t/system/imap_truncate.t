#!/usr/bin/perl
# A foreign program cuts off the file of a message while it is read: that is
# the end of one answer, and of nobody's session but perhaps the reader's.
use strict;
use warnings;
use Postrider::Imap qw(lit);
use Postrider::Instance;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' })
    ->start;
my $port = $s->port('imap');
sub login {
	my ($user) = @_;
	my $c = Postrider::Imap->new(port => $port);
	$c->login($user, 'pw')->expect;
	return $c;
}
my ($nursery) = $s->pids_of('imapd');
my $bob = login('bob');
my $c = login('ann');
$c->ok('a large message', 'APPEND INBOX ', lit("Subject: large\r\n\r\n" .
    ("x" x 70 . "\r\n") x 400000));
$c->ok('opened', 'SELECT INBOX');
my ($file) = $s->mails('ann');
# the answer is more than the sockets between us hold
$c->put("a FETCH 1 BODY.PEEK[]\r\n");
sysread $c->fh, my $got, 1000 or die "read: $!";
like $got, qr/^\* 1 FETCH \(BODY\[\] \{28[\d]+\}\r\nSubject: large/,
    'the answer has begun';
sleep 0.5;
truncate $file, 100000 or die "$file: $!";
alarm 60;
while (sysread $c->fh, my $buf, 1 << 20) {
	$got .= $buf;
}
alarm 0;
cmp_ok length $got, '<', 28_000_000, 'it ends where the file does';
unlike $got, qr/\0/, 'nothing is made up';
unlike $got, qr/^a OK/m, 'nor said to be all';
$bob->ok('another session goes on', 'SELECT INBOX');
is_deeply [$s->pids_of('imapd')], [$nursery], 'so does their parent';
unlike $s->log, qr/imapd.*\bdied\b/, 'no process died of it';
$c = login('ann');
$c->ok('the next session reads on', 'SELECT INBOX');
like $c->cmd('FETCH 1 BODY.PEEK[]')->{status}, qr/^(?:OK|NO)$/,
    'what is there, or says why not';
$c->ok('and goes on', 'NOOP');
is $nursery, ($s->pids_of('imapd'))[0], 'from the same parent';
done_testing;
