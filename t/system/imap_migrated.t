#!/usr/bin/perl
# A Maildir of another server, seen for the first time: UIDs are given at once,
# files are renamed later, and whoever is killed in between changes nothing.
use strict;
use warnings;
use Postrider::ImapState qw(login whole_state);
use Postrider::ImapTest qw(server slurp spew);
use Test::More;
use Time::HiRes qw(sleep time);

my $N = 3000;
my $s = server(users => { ann => 'pw-ann' });
plan skip_all => 'about our own store' if $s->isa('Postrider::Dovecot');
# so that the Maildir is there, with its owner
login($s, 'ann')->ok('the Maildir is made', 'SELECT INBOX');
my $cur = $s->maildir('ann') . '/cur';
my ($uid, $gid) = (stat $cur)[4, 5];
for my $i (1 .. $N) {
	my $text = "Subject: $i\n\n" . 'x' x ($i % 50) . "\n";
	my $f = sprintf '%s/%d.old,S=%d,W=%d:2,%s', $cur, 1_600_000_000 + $i,
	    length $text, length($text) + 3, ('', 'S', 'FS', 'R')[$i % 4];
	spew($f, $text);
	chown $uid, $gid, $f if $> == 0;
	utime 1_600_000_000 + $i, 1_600_000_000 + $i, $f;
}

# \Recent is the first session's alone
sub all_of {
	my ($client) = @_;
	my $m = $client->fetch("1:$N", '(UID FLAGS INTERNALDATE RFC822.SIZE)');
	$_->{FLAGS} = [sort grep { $_ ne '\Recent' } @{ $_->{FLAGS} }]
	    for values %$m;
	return $m;
}

sub named { return scalar grep { /,U=\d+:2,/ } glob "$cur/*" }

# sessions, not the process that forks them
sub kill_sessions {
	my %nursery = map { $_ => 1 } $s->pids_of('imapd');
	for my $p (map { m{(\d+)} } glob '/proc/[0-9]*') {
		my ($parent) = (eval { slurp("/proc/$p/stat") } // '') =~
		    /^\d+ \(.*\) \S (\d+) /;
		kill 'KILL', $p if $nursery{ $parent // '' };
	}
	return;
}

my $c = login($s, 'ann');
my $r = $c->ok('all are seen', 'SELECT INBOX');
is $r->num('EXISTS'), $N, 'at once';
my $validity = $r->code('UIDVALIDITY');
my $first = all_of($c);
kill_sessions();
$c->close;

# killed again and again while it renames
my ($half, $bad) = (0, 0);
for my $round (1 .. 8) {
	$c = login($s, 'ann');
	$r = $c->cmd('SELECT INBOX')->expect;
	$bad++ if $r->code('UIDVALIDITY') != $validity ||
	    $r->num('EXISTS') != $N;
	$c->start('CHECK');
	sleep 0.002 * $round;
	kill_sessions();
	$c->close;
	my $n = named();
	$half++ if $n > 0 && $n < $N;
}
note "$half times in the middle";
is $bad, 0, 'each session sees the same mailbox';
$c = login($s, 'ann');
$c->ok('SELECT', 'SELECT INBOX');
is_deeply all_of($c), $first, 'UIDs, flags, dates and sizes are as they were';
$r = $c->ok('bodies are read', 'UID FETCH 1:* BODY.PEEK[]');
is scalar(keys %{ $r->fetched }), $N, 'all of them';
my $state = whole_state($s, 'ann');
# silence: the session does what waits
my $end = time + 120;
sleep 0.2 while named() < $N && time < $end;
is named(), $N, 'a session that idles gives all their names';
is_deeply whole_state($s, 'ann'), $state, 'which nobody sees';
$r = $c->ok('the session', 'NOOP');
is_deeply [$r->untagged('EXPUNGE'), $r->untagged('FETCH')], [],
    'is told nothing';
$c->logout;
$s->stop;
done_testing;
