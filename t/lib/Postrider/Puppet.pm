package Postrider::Puppet;

# A server that a test plays: a process of its own that takes one client after
# another and notes what it was told.  A subclass has _serve($connection); its
# files are DIR/NAME.PORT.KIND.

use strict;
use warnings;

use IO::Socket::INET;

# %self with its dir
sub new {
	my ($class, $name, %self) = @_;
	my $s = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1',
	    Proto => 'tcp') or die "$name: $!\n";
	return bless { %self, name => $name, port => $s->sockport,
	    socket => $s, owner => $$ }, $class;
}

# once what it says is set
sub run {
	my ($self) = @_;
	$self->{pid} = fork // die "fork: $!\n";
	if (!$self->{pid}) {
		$SIG{$_} = 'DEFAULT' for qw(TERM INT);
		$SIG{PIPE} = 'IGNORE';
		while (1) {
			my $c = $self->{socket}->accept or next;
			$self->_client($c);
			close $c;
		}
	}
	close delete $self->{socket};
	return $self;
}

sub _client {
	my ($self, $c) = @_;
	return eval { $self->_serve($c) };
}

sub port { return $_[0]{port} }
sub _file { return "$_[0]{dir}/$_[0]{name}.$_[0]{port}.$_[1]" }

# nothing was heard yet
sub forget {
	my ($self) = @_;
	open my $fh, '>', $self->_file('heard') or die "heard: $!\n";
	return;
}

sub heard {
	my ($self) = @_;
	open my $fh, '<:raw', $self->_file('heard') or die "heard: $!\n";
	local $/;
	my $t = <$fh>;
	return $t;
}

sub _note {
	my ($self, $text) = @_;
	open my $fh, '>>:raw', $self->_file('heard') or die;
	syswrite $fh, $text;
	return;
}

sub stop {
	my ($self) = @_;
	return unless $self->{pid} && $self->{owner} == $$;
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	$self->{pid} = 0;
	return;
}

sub DESTROY { local ($?, $!, $@); $_[0]->stop; return }

1;
