#!/usr/bin/perl
# What a session has of the suite: no group by which its sockets are reached,
# and no descriptor but its client's, the log and what was opened for it.
use strict;
use warnings;
use Test::More;
use Postrider::Imap;
use Postrider::Instance;

# of the user itself
my $mailbox = qr{^/.*/mail/example\.test/ann/(?:Maildir|\.index)(?:/|$)};

# kinds of descriptors above 2, but of that; "socket 2" where there are two
sub kinds {
	my ($pid) = @_;
	my %n;
	for my $fd (glob "/proc/$pid/fd/*") {
		next if $fd =~ m{/[012]$};
		my $to = readlink $fd // next;
		$n{$to =~ s/:.*//r}++ unless $to =~ $mailbox;
	}
	return join ', ', map { "$_ $n{$_}" } sort keys %n;
}

sub status {
	my ($pid, $name) = @_;
	open my $fh, '<', "/proc/$pid/status" or return '';
	my ($line) = grep { /^$name:/ } <$fh>;
	return join ' ', (split ' ', $line)[1 .. (split ' ', $line) - 1];
}

sub std {
	my ($pid) = @_;
	return join ' ', map { (readlink "/proc/$pid/fd/$_") =~ s/:.*//r }
	    0 .. 2;
}

# of a nursery
sub forked {
	return map { open my $fh, '<', "/proc/$_/task/$_/children"; split ' ',
	    readline($fh) // '' } @_;
}

for my $single (0, 1) {
	my $i = Postrider::Instance->new(users => { ann => 'pw' },
	    single_uid => $single)->start;
	my $how = $i->{single_uid} ? 'one uid' : 'own uids';
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login('ann', 'pw')->expect;
	my ($p) = forked($i->pids_of('imapd'));
	my @uid = split ' ', status($p, 'Uid');
	my ($store) = (stat $i->maildir('ann'))[4];
	is_deeply \@uid, [($store) x 4], "$how: imapd's session has its uid";
	if (!$i->{single_uid}) {
		is status($p, 'Groups'), status($p, 'Gid') =~ s/ .*//r,
		    "$how: and no other group";
	}
	is std($p), '/dev/null /dev/null pipe', "$how: standard descriptors";
	is kinds($p), 'anon_inode 1, socket 3', "$how: stop, client, " .
	    'imap-login, notifyd' or diag `ls -l /proc/$p/fd`;
	$c->ok("$how: SELECT", 'SELECT INBOX');
	unlike kinds($p), qr/pipe|memfd/, "$how: nothing of master's";

	my $m = $i->pop3;
	like $m->cmd('USER ann'), qr/^\+OK/, "$how: USER";
	like $m->cmd('PASS pw'), qr/^\+OK/, "$how: PASS";
	my ($q) = forked($i->pids_of('pop3d'));
	@uid = split ' ', status($q, 'Uid');
	is_deeply \@uid, [($store) x 4], "$how: pop3d's session has its uid";
	if (!$i->{single_uid}) {
		is status($q, 'Groups'), status($q, 'Gid') =~ s/ .*//r,
		    "$how: pop3d's has no other group";
	}
	is std($q), '/dev/null /dev/null pipe', "$how: standard descriptors";
	is kinds($q), 'anon_inode 1, socket 1', "$how: stop, client"
	    or diag `ls -l /proc/$q/fd`;
	$i->stop;
}
done_testing;
