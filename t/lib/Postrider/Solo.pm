package Postrider::Solo;

# One program of the suite alone, started as master starts it, its neighbours
# played by the test: for what neighbours never do while all is well.
#
#   my $s = Postrider::Solo->new('cleanup');
#   $s->fake(router => sub { my ($m, $conn) = @_; ... });
#   $s->start;
#   my $c = $s->connect;
#
# A fake is a child process that answers each message by its code; what it
# was asked can be read with asked('router'), one hash a message.

use strict;
use warnings;
use Fcntl;
use File::Temp qw(tempdir);
use IO::Select;
use POSIX ();
use Scalar::Util ();
use Storable ();
use Test::Builder;
use Time::HiRes qw(sleep time);

use Postrider::Instance;
use Postrider::Ipc;

my (%alive, $complaints);

# conf: { name => value } of the program's own file; common: of common.conf
sub new {
	my ($class, $name, %arg) = @_;
	my $dir = tempdir('postrider-s.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless { name => $name, dir => $dir, fakes => {},
	    owner => $$, build => Postrider::Instance::build() }, $class;
	$alive{$self} = $self;
	Scalar::Util::weaken($alive{$self});
	mkdir "$dir/$_" for qw(conf run run/private spool spool/content mail
	    log);
	mkdir sprintf "$dir/spool/content/%02x", $_ for 0 .. 255;
	my %common = (hostname => 'mx.example.test',
	    domains => 'example.test', %{ $arg{common} || {} });
	# as nobody in single-uid mode where the test is root
	$self->_conf('common', %common);
	$self->_conf($name, %{ $arg{conf} || {} });
	if ($> == 0) {
		my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
		system 'chown', '-R', "$uid:$gid", $dir;
		chmod 0755, $dir;
		$self->{prefix} = ['setpriv', "--reuid=$uid",
		    "--regid=$gid", '--clear-groups', '--'];
		$self->{build} = Postrider::Instance::_reachable(
		    $self->{build}, $uid);
	}
	return $self;
}

sub _conf {
	my ($self, $file, %set) = @_;
	open my $fh, '>', "$self->{dir}/conf/$file.conf" or die "$file: $!\n";
	print {$fh} map { "$_ = $set{$_}\n" } sort keys %set;
	close $fh;
	return;
}

sub dir { return $_[0]{dir} }
sub path { return "$_[0]{dir}/run/private/$_[1]" }
sub pid { return $_[0]{pid} }

# what the program serves; its own socket, unless a subclass knows better
sub listener {
	my ($self) = @_;
	return Postrider::Ipc->listen($self->path($self->{name}));
}

# clients: connections of one process; seal: the key of seals (proto/seal.h)
sub start {
	my ($self, %arg) = @_;
	pipe my $log, my $log_w or die "pipe: $!\n";
	pipe my $status, my $status_w or die "pipe: $!\n";
	pipe my $life, my $life_w or die "pipe: $!\n";
	my $l = $self->listener;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		_place($log_w, $status_w, $life, _board(), $l->fh,
		    defined $arg{seal} ? _held($arg{seal}) : ());
		chdir '/';
		my $n = $self->{name};
		my @cmd = (@{ $self->{prefix} || [] }, "$self->{build}/" .
		    ($self->{program} // "$n/$n"),
		    '-c', "$self->{dir}/conf", '-M', "service=$n",
		    '-M', 'user=queue', '-M', 'listeners=1',
		    '-M', 'clients=' . ($arg{clients} || 10),
		    '-M', 'seal=' . (defined $arg{seal} ? 'yes' : 'no'));
		# the leak check needs what the jail forbids
		$ENV{ASAN_OPTIONS} //= 'detect_leaks=0';
		exec { $cmd[0] } @cmd or POSIX::_exit(127);
	}
	close $_ for $log_w, $status_w, $life, $l->fh;
	@$self{qw(pid log_fh life log)} = ($pid, $log, $life_w, '');
	$self->{status} = $status;
	sysread $status, my $ready, 8 or
	    die "$self->{name} did not start\n" . $self->log;
	return $self;
}

# a status board of one slot: master's is memory, eight bytes and one a child
sub _board {
	open my $fh, '+>', undef or die "open: $!\n";
	truncate $fh, 9 or die "truncate: $!\n";
	return $fh;
}

# a file that holds that
sub _held {
	my ($text) = @_;
	open my $fh, '+>', undef or die "open: $!\n";
	syswrite $fh, $text;
	return $fh;
}

# descriptors where the program looks for them: 2, 3, 4, 5, 6, 7
sub _place {
	my (@from) = @_;
	my @fd = map { fcntl $_, F_DUPFD, 20 } @from;
	POSIX::dup2($fd[$_], 2 + $_) for 0 .. $#fd;
	POSIX::close($_) for 2 + @fd .. 40;
	return;
}

sub connect {
	my ($self) = @_;
	return Postrider::Ipc->connect($self->path($self->{name}));
}

# what it has logged so far
sub log {
	my ($self) = @_;
	my $fh = $self->{log_fh} or return '';
	while (IO::Select->new($fh)->can_read(0)) {
		sysread($fh, $self->{log}, 65536, length $self->{log}) or
		    last;
	}
	return $self->{log};
}

sub wait_log {
	my ($self, $re) = @_;
	my $end = time + $Postrider::Ipc::TIMEOUT;
	while (time < $end) {
		return 1 if $self->log =~ $re;
		sleep 0.02;
	}
	Test::Builder->new->diag("no $re in\n" . $self->log);
	return 0;
}

# content files in the spool; what a refused message leaves until its
# connection ends or begins another is empty
sub content {
	my ($self) = @_;
	return grep { -s } glob "$self->{dir}/spool/content/*/*";
}

# Answer for a neighbour.  code($message, $connection) is called for each
# message, in a process of its own; returning 'close' closes the connection,
# 'exit' ends the process.
sub fake {
	my ($self, $name, $code) = @_;
	$self->unfake($name);
	my $file = "$self->{dir}/asked.$name";
	my $l = Postrider::Ipc->listen($self->path($name));
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		delete $self->{life};
		$SIG{TERM} = 'DEFAULT';
		eval { _serve($l, $code, $file); 1 } or warn "fake: $@";
		POSIX::_exit(0);
	}
	$l->close;
	$self->{fakes}{$name} = $pid;
	return;
}

# for a fake auth: the answer to `mechs'; false for other verbs
sub mechs {
	my ($m, $conn) = @_;
	return 0 if $m->{verb} ne 'mechs';
	my $may = grep { ($m->{f}{$_} // 'no') eq 'yes' } qw(plaintext tls);
	$conn->send('ok', $may ? [mechs => 'PLAIN LOGIN'] : []);
	return 1;
}

sub unfake {
	my ($self, $name) = @_;
	my $pid = delete $self->{fakes}{$name} or return;
	kill 'KILL', $pid;
	waitpid $pid, 0;
	unlink $self->path($name);
	return;
}

sub _serve {
	my ($l, $code, $file) = @_;
	my $sel = IO::Select->new($l->fh);
	my %conn;
	while (1) {
		for my $fh ($sel->can_read) {
			if ($fh == $l->fh) {
				my $c = $l->accept or next;
				$conn{ $c->fh } = $c;
				$sel->add($c->fh);
				next;
			}
			my $c = $conn{$fh};
			my $m = $c->recv;
			my $r = $m ? _answer($c, $m, $code, $file) : 'close';
			return if $r eq 'exit';
			if ($r eq 'close') {
				$sel->remove($fh);
				delete $conn{$fh};
				$c->close;
			}
		}
	}
	return;
}

sub _answer {
	my ($c, $m, $code, $file) = @_;
	my %seen = %$m;
	if (my $fd = delete $seen{fd}) {
		local $/;
		# what has no file is one open file for all who get it
		if (-f $fd && seek $fd, 0, 0) {
			$seen{content} = <$fd>;
		}
	}
	open my $fh, '>>', $file or die "$file: $!\n";
	Storable::store_fd(\%seen, $fh);
	close $fh;
	return $code->($m, $c) // '';
}

# the messages that a fake was sent, in order
sub asked {
	my ($self, $name) = @_;
	open my $fh, '<', "$self->{dir}/asked.$name" or return;
	my @m;
	until (eof $fh) {
		push @m, Storable::fd_retrieve($fh);
	}
	return @m;
}

# the process has ended by itself, within the time: its status
sub wait_exit {
	my ($self, $secs) = @_;
	my $end = time + ($secs || $Postrider::Ipc::TIMEOUT);
	while (time < $end) {
		if (waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid}) {
			my $st = $?;
			undef $self->{pid};
			return $st;
		}
		sleep 0.02;
	}
	return;
}

# master wants this generation to end
sub drain {
	my ($self) = @_;
	close delete $self->{life};
	return;
}

sub stop {
	my ($self) = @_;
	return unless $self->{pid};
	kill 'TERM', $self->{pid};
	my $st = $self->wait_exit;
	if ($self->{pid}) {
		kill 'KILL', $self->{pid};
		waitpid $self->{pid}, 0;
		undef $self->{pid};
	}
	return $st;
}

# What a sanitizer or an assertion says fails the test.
sub finish {
	my ($self) = @_;
	return if $self->{owner} != $$ || $self->{finished}++;
	local ($?, $@, $!);
	$self->stop;
	$self->unfake($_) for keys %{ $self->{fakes} };
	my $log = $self->log;
	my $bad = $log =~ /Sanitizer|runtime error:|Assertion `/;
	my $tb = Test::Builder->new;
	$tb->diag("log of $self->{name}:\n$log")
	    if $bad || !$tb->is_passing;
	$complaints++ if $bad;
	delete $alive{$self};
	return;
}

sub DESTROY {
	$_[0]->finish;
	return;
}

END {
	my $exit = $?;
	$_->finish for grep { defined } values %alive;
	$? = $exit || ($complaints ? 1 : 0);
}

1;
