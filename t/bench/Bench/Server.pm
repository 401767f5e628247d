package Bench::Server;

# What is measured: one mail server with its own directory, group of
# processes and port.  A subclass gives init, start_cmds, stop_cmds,
# mailroot, spool, active_count, deferred_count, list_cmd, version.

use strict;
use warnings;
use Bench::Group;
use Bench::Util qw(wait_until run capture free_port);
use IO::Socket::INET;

# name, dir; opt: what the scenario wants of the server (sessions, users ...)
sub new {
	my ($class, $name, $dir, %opt) = @_;
	my $self = bless { name => $name, dir => $dir, opt => \%opt }, $class;
	$self->{group} = Bench::Group->new($name);
	return $self;
}

sub name { return $_[0]{name} }
sub port { return $_[0]{port} }
sub group { return $_[0]{group} }
sub rcpt { return 'u%03d@local.test' }
sub queue_rcpt { return 'q%03d@queue.test' }
# a foreign domain; its next hop is this port of 127.0.0.1
sub sink_rcpt { return 'u%03d@sink.test' }
sub sink_port { return $_[0]{sink_port} //= free_port() }
sub rare_rcpt { return 'r%03d@rare.test' }

sub start {
	my ($self) = @_;
	for my $cmd ($self->start_cmds) {
		my $status = $self->{group}->system(@$cmd);
		die "$self->{name}: start failed: status $status\n" if $status;
	}
	$self->{group}->set_roots($self->root_pids)
	    if $self->{group}->kind eq 'proc';
	wait_until(20, sub { $self->greets })
	    or die "$self->{name}: no greeting on port $self->{port}\n";
	$self->{running} = 1;
	return;
}

sub stop {
	my ($self) = @_;
	return unless $self->{running};
	for my $cmd ($self->stop_cmds) {
		$self->{group}->system(@$cmd);
	}
	$self->{running} = 0;
	wait_until(30, sub { !$self->{group}->pids })
	    or warn "$self->{name}: processes left after stop: "
	    . join(' ', $self->{group}->pids) . "\n";
	return;
}

sub destroy {
	my ($self) = @_;
	eval { $self->stop; 1 } or warn $@;
	$self->{group}->destroy;
	return;
}

# a whole greeting and a goodbye
sub greets {
	my ($self) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', Timeout => 1,
	    PeerPort => $self->{port}) or return 0;
	my $line = <$s> // '';
	print {$s} "QUIT\r\n";
	my $bye = <$s>;
	return $line =~ /^220/;
}

# Take all mail out, keep the mailboxes.  It is moved aside, not deleted: a file
# system that has just freed thousands of inodes (ext4 without a journal
# passes over them for minutes) would slow down the run that comes next.
sub clean_mail {
	my ($self) = @_;
	my $attic = "$self->{dir}/attic";
	mkdir $attic;
	print "\$ mv $self->{dir}/mail/.../{new,cur}/* $attic\n";
	my $list = capture({ quiet => 1 }, 'find', $self->mailroot, '-type',
	    'f', '(', '-path', '*/new/*', '-o', '-path', '*/cur/*', ')',
	    '-print0');
	for my $file (split /\0/, $list) {
		my $n = $self->{moved}++;
		rename $file, "$attic/$n" or die "rename $file: $!\n";
	}
	return;
}

# nothing on the way: true within the limit
sub wait_drained {
	my ($self, $limit) = @_;
	return wait_until($limit, sub {
		my $busy = $self->active_count;
		select(undef, undef, undef, 0.3) if $busy;
		return !$busy;
	});
}

1;
