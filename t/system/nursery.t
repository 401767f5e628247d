#!/usr/bin/perl
# The process that forks the sessions outlives what the machine lacks for a
# moment: its end would be that of all of them.
use strict;
use warnings;
use POSIX ();
use Test::More;
use Postrider::Imap;
use Postrider::Instance;

my $nursery;

sub children {
	open my $fh, '<', "/proc/$nursery/task/$nursery/children" or return;
	return split ' ', readline($fh) // '';
}

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' })
    ->start;
my $port = $i->port('imap');
my $c = Postrider::Imap->new(port => $port);
$c->login('ann', 'pw')->expect;
$c->ok('a session', 'SELECT INBOX');
($nursery) = $i->pids_of('imapd');
my %used = map { m{/(\d+)$} => 1 } glob "/proc/$nursery/fd/*";
my ($free) = grep { !$used{$_} } 0 .. 1000;
is system('prlimit', "--nofile=$free:4096", "--pid=$nursery"), 0,
    'no descriptor is left for a client';

my $mark = $i->log_mark;
my $late = Postrider::Imap->new(port => $port);
my $tag = $late->start('LOGIN bob pw');
ok $i->wait_log(qr/imapd\[\Q$nursery\E\]: crowded .*reason=/, undef, $mark),
    'the log says so';
$c->ok('the session goes on', 'NOOP');
is_deeply [$i->pids_of('imapd')], [$nursery], 'so does its parent';
is system('prlimit', '--nofile=1024:4096', "--pid=$nursery"), 0,
    'there are some again';
is $late->finish($tag)->{status}, 'OK', 'who waited gets in';
$late->ok('and is served', 'SELECT INBOX');
$c->ok('beside the other', 'NOOP');

# Whoever is told to end as soon as it is born ends alone: what wakes its parent
# is not what wakes it.
my $spinner = fork // die "fork: $!";
if (!$spinner) {
	my %old = map { $_ => 1 } children();
	my $end = time + 60;
	while (time < $end) {
		for (children()) {
			kill TERM => $_ unless $old{$_}++;
		}
	}
	POSIX::_exit(0);
}
for (1 .. 150) {
	my $k = Postrider::Imap->new(port => $port);
	$k->put("a LOGIN ann pw\r\n");
	$k->line;
	$k->close;
}
kill KILL => $spinner;
waitpid $spinner, 0;
is_deeply [$i->pids_of('imapd')], [$nursery], 'the parent goes on';
$c->ok('and so does who was there', 'NOOP');
$late = Postrider::Imap->new(port => $port);
$late->login('bob', 'pw')->expect;
$late->ok('who comes is served', 'SELECT INBOX');
done_testing;
