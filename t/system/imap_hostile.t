#!/usr/bin/perl
# What a client that means harm can ask for after login: it gets a NO, and
# nobody else notices.
use strict;
use warnings;
use Postrider::Imap qw(lit lit_plus quote);
use Postrider::Instance;
use Test::More;
use Time::HiRes 'time';

my $s = Postrider::Instance->new(users => { ann => 'pw-ann' },
    conf => { 'imapd.conf' => { search_time => '1s' } });
$s->add_user('bob', 'pw-bob', options => ['--quota', '1M']);
$s->start;

sub login {
	my ($user) = @_;
	my $c = Postrider::Imap->new(port => $s->port('imap'));
	$c->login($user, "pw-$user")->expect;
	return $c;
}

# ---- searches -------------------------------------------------------------
my $ann = login('ann');
my $big = "Subject: big\r\n\r\n" . ('lorem ipsum dolor sit amet ' x 20 .
    "\r\n") x 20_000;
$ann->ok('a large message', 'APPEND INBOX ', lit($big)) for 1 .. 2;
$ann->ok('selected', 'SELECT INBOX');
my $start = time;
my $r = $ann->no('a thousand looks at one message',
    'SEARCH ' . join ' ', map { "NOT BODY ab${_}x" } 1 .. 1500);
like $r->{text}, qr/too long/, 'the reason';
cmp_ok time - $start, '<', 30, 'it ends';
$start = time;
$ann->cmd('SEARCH ' . join ' ', map { "NOT TEXT q${_}" } 1 .. 4000);
cmp_ok time - $start, '<', 30, 'many questions to the index';
$ann->ok('the session goes on', 'NOOP');

# ---- the quota is for what is on its way, too --------------------------------
my $bob = login('bob');
my $maildir = $s->dir . '/mail/example.test/bob/Maildir';
my $part = "Subject: part\r\n\r\n" . ('x' x 70 . "\r\n") x 4000;
$r = $bob->no('many messages at once, each of which fits', 'APPEND INBOX ',
    map { (lit_plus($part), ' ') } 1 .. 9);
is $r->{code} && $r->{code}[0], 'OVERQUOTA', 'for they are too much';
my $used = 0;
$used += -s $_ for glob "$maildir/tmp/*";
is $used, 0, 'nothing stays';
$bob->ok('what fits', 'APPEND INBOX ', lit($part)) for 1 .. 3;
$r = $bob->no('what does not', 'APPEND INBOX ', lit($part x 2));
is $r->{code} && $r->{code}[0], 'OVERQUOTA', 'is refused';
$bob->ok('and the connection is fine', 'NOOP');

# ---- folders that others rename and remove -----------------------------
my $more = login('ann');
my $note = "Subject: note\r\n\r\nnote\r\n";
sub messages {
	my ($st) = map { $_->{data} } $more->cmd("STATUS $_[0] (MESSAGES)")
	    ->untagged('STATUS');
	my %st = @{ $st->[1] };
	return $st{MESSAGES};
}
$ann->ok('a folder', 'CREATE Work');
$ann->ok('a message to it', 'APPEND Work ', lit($note));
$more->ok('another session renames it', 'RENAME Work Old');
$r = $ann->no('there is no such folder now', 'APPEND Work ', lit($note));
is $r->{code} && $r->{code}[0], 'TRYCREATE', 'which is said';
$more->ok('one of the same name', 'CREATE Work');
$ann->ok('a message to the new one', 'APPEND Work ', lit($note));
is messages('Work') . messages('Old'), '11', 'each is where it belongs';
$ann->ok('selected', 'SELECT Work');
$more->ok('removed', 'DELETE Work');
$more->ok('and made again', 'CREATE Work');
$r = $ann->ok('a copy into it', 'APPEND Work ', lit($note));
is messages('Work'), 1, 'is there';
is scalar($r->untagged('BYE')), 1, 'but what was selected is not';

# ---- whatever is forgotten here ---------------------------------------
# of those that serve somebody
sub memory {
	my ($program) = @_;
	my @pids = $s->pids_of($program);
	push @pids, split ' ', $s->slurp("/proc/$_/task/$_/children")
	    for @pids;
	my %max = map { $_ => 1 } map { $s->slurp("/proc/$_/limits") =~
	    /^Max address space +(\d+)/m } @pids;
	return join ' ', sort keys %max;
}
SKIP: {
	skip 'no such limits with sanitizers', 2 unless memory('smtpd');
	is memory('imapd'), 4 << 30, 'a session has a bound of memory';
	is memory('imap-login'), 256 << 20, 'so have clients before login';
}
done_testing;
