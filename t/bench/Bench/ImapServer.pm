package Bench::ImapServer;

# What t/bench/imap wants of a server beyond Bench::Server: mailboxes that are
# put in place before anybody has seen them, and the removal of what the server
# derives from them.  A subclass gives home, owner (uid, gid), derived (the
# files that may go), smtp_hello and smtp_port.

use strict;
use warnings;
use parent -norequire, 'Bench::Server';
use Bench::Server;
use Bench::Util qw(run);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;

sub maildir { return $_[0]->home($_[1]) . '/Maildir' }

# users of all rounds and of the scenarios with many sessions
sub names {
	my ($self) = @_;
	return map { sprintf 'u%03d', $_ } 0 .. $self->{opt}{users} - 1;
}

sub greets {
	my ($self) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', Timeout => 5,
	    PeerPort => $self->port) or return 0;
	my $line = <$s> // '';
	print {$s} "a LOGOUT\r\n";
	my $bye = <$s>;
	return $line =~ /^\* OK/;
}

# This server's own copy of generated mail, with its owner; mailboxes are hard
# links to it.
sub master_copy {
	my ($self, $from) = @_;
	my ($name) = $from =~ m{([^/]+)$};
	my $to = "$self->{dir}/master-$name";
	return $to if -d $to;
	my ($uid, $gid) = $self->owner;
	run('cp', '-r', '--preserve=timestamps', $from, $to);
	run('chown', '-R', "$uid:$gid", $to) if $> == 0;
	run('chmod', '-R', 'u=rwX,go=', $to);
	return $to;
}

# a mailbox with that mail, which the server has never seen
sub install {
	my ($self, $user, $from) = @_;
	my $to = $self->maildir($user);
	my $home = $self->home($user);
	my ($uid, $gid) = $self->owner;
	make_path($home, { mode => 0711,
		$> == 0 ? (owner => $uid, group => $gid) : () });
	run('rm', '-rf', $to);
	run('cp', '-al', $self->master_copy($from), $to);
	return;
}

# nobody may be in the mailbox
sub drop_derived {
	my ($self, $user) = @_;
	remove_tree($self->derived($user));
	return;
}

1;
