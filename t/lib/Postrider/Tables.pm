package Postrider::Tables;

# Tables of mapd in a test, and the servers behind them.
#
#   my $pg = Postrider::Tables->daemon('postgres');   # runs as this account
#   $pg->start($program, @arguments);  $pg->stop;
#
#   my $t = Postrider::Tables->new($instance, 'pgsql');
#   $t->table(users => for => 'auth', ...);  $t->use;
#   $t->query('users', 'ann@example.test');

use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Postrider::Ports;
use Test::More ();
use Time::HiRes qw(sleep time);

# ---- a server: a program in the foreground, in a directory of its own --------

sub daemon {
	my ($class, $user) = @_;
	my $dir = tempdir('postrider-d.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless { dir => $dir, owner => $$ }, $class;
	chmod 0711, $dir;
	# whatever ends the test ends the server
	my @as = ('--pdeathsig', 'KILL');
	if ($> == 0) {
		my ($uid, $gid) = (getpwnam $user)[2, 3];
		chown $uid, $gid, $dir or die "chown: $!\n";
		push @as, "--reuid=$uid", "--regid=$gid", '--clear-groups';
	}
	$self->{prefix} = ['setpriv', @as, '--'];
	$self->{port} = free_port();
	return $self;
}

sub dir { return $_[0]{dir} }
sub port { return $_[0]{port} }

sub free_port { return Postrider::Ports::spare() }

sub spew {
	my ($self, $path, $text) = @_;
	open my $fh, '>', $path or die "$path: $!\n";
	print {$fh} $text;
	close $fh;
	chmod 0644, $path;
	return;
}

sub _fork {
	my ($self, @cmd) = @_;
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', "$self->{dir}.log";
	open STDERR, '>&', \*STDOUT;
	chdir $self->{dir};
	$ENV{HOME} = $self->{dir};
	unshift @cmd, @{ $self->{prefix} || [] };
	exec { $cmd[0] } @cmd or POSIX::_exit(127);
}

# one command as the account: true where it succeeded
sub run {
	my ($self, @cmd) = @_;
	waitpid $self->_fork(@cmd), 0;
	return $? == 0;
}

sub start {
	my ($self, @cmd) = @_;
	$self->{pid} = $self->_fork(@cmd);
	return;
}

sub wait {
	my ($self, $sub) = @_;
	my $end = time + 60;
	until ($sub->()) {
		return 0 if time > $end;
		sleep 0.05;
	}
	return 1;
}

sub stop {
	my ($self, $sig) = @_;
	my $pid = delete $self->{pid} or return;
	kill $sig || 'TERM', $pid;
	my $end = time + 10;
	until (waitpid($pid, POSIX::WNOHANG()) == $pid) {
		kill 'KILL', $pid if time > $end;
		sleep 0.02;
	}
	return;
}

sub DESTROY {
	my ($self) = @_;
	return if $self->{owner} != $$;
	local ($?, $@, $!);
	$self->stop('QUIT') if $self->{dir};
	if ($self->{dir} && ${^GLOBAL_PHASE} ne 'DESTRUCT' &&
	    !eval { Test::More->builder->is_passing }) {
		if (open my $fh, '<', "$self->{dir}.log") {
			my @l = <$fh>;
			splice @l, 0, @l - 30 if @l > 30;
			Test::More::diag('server: ', @l);
		}
	}
	unlink "$self->{dir}.log" if $self->{dir};
	return;
}

# ---- tables -------------------------------------------------------------

sub new {
	my ($class, $instance, $type) = @_;
	return bless { pr => $instance, type => $type, names => [],
	    owner => $$ }, $class;
}

# conf/NAME.TYPE
sub table {
	my ($self, $name, %o) = @_;
	my $path = $self->{pr}->conf_dir . "/$name.$self->{type}";
	$self->{pr}->spew($path, join '', map { "$_ = $o{$_}\n" }
	    sort keys %o);
	chmod 0600, $path;
	my ($uid, $gid) = (stat $self->{pr}->conf_dir)[4, 5];
	chown $uid, $gid, $path;
	push @{ $self->{names} }, $name;
	return;
}

sub use {
	my ($self) = @_;
	$self->{pr}->set_conf('mapd.conf', tables =>
	    join ' ', map { "$self->{type}:$_.$self->{type}" }
	    @{ $self->{names} });
	return;
}

# what `postrider map query` says, or its exit status and error
sub query {
	my ($self, $name, $key) = @_;
	my ($st, $out, $err) = $self->{pr}->ctl('map', 'query',
	    "$self->{type}:$name.$self->{type}", $key);
	chomp($out, $err);
	return $st == 0 ? $out : "$st $err";
}

sub absent { return qr/^1 postrider: \w+:\S+: no / }

# keys that mean something to somebody
sub hostile {
	return ("x' OR '1'='1", "' UNION SELECT version() --",
	    "x'; DROP TABLE account; --", '%', '_', '*', '\\', '"', '$1', '?1',
	    '*)(objectClass=*', ')(|(mail=*', '\\2a', '*)(uid=*))(|(uid=*',
	    "ann\@example.test\x01", "\xff\xfe\@example.test",
	    "\$\$", "x' || pg_sleep(9) || '",
	    'x' x 1000, "'" x 1000, '(' x 1000, 'x' x 2000, '@', '@@',
	    "\xc3\xa4\@example.test", 'ann@example.test,x', '=', '#');
}

# a port that accepts and says nothing, until the end
# what nobody has is in none of these tables, however it is written
sub none {
	my ($self, @names) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	for my $name (@names) {
		# all of them by one command: what is there would be told
		my ($st, $out, $err) = $self->{pr}->ctl('map', 'query',
		    "$self->{type}:$name.$self->{type}", $self->hostile);
		Test::More::is("$st $out$err", '1 ',
		    "$name: nothing that a hostile key finds");
	}
	return;
}

# a server that says nothing, with this error, costs its timeout once
sub mute {
	my ($self, $name, $why) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $from = time;
	Test::More::like($self->query($name, 'x@y'), $why, "$name: no answer");
	Test::More::cmp_ok(time - $from, '<', 30, 'costs its timeout');
	Test::More::like($self->query($name, 'x@y'), qr/asked again in/,
	    'and is avoided then');
	return;
}

# an account of the table, and an alias that leads to it and to one of ours
sub mail {
	my ($self) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $pr = $self->{pr};
	Test::More::is(scalar($pr->send(to => 'ann@example.test',
	    message => "Subject: a\n\nx\n")), 250, 'mail to an account');
	Test::More::is(scalar($pr->wait_mails('ann', 1)), 1, 'arrives');
	Test::More::is(scalar($pr->send(to => 'team@example.test',
	    message => "Subject: b\n\nx\n")), 250, 'to an alias');
	Test::More::is(scalar($pr->wait_mails('own', 1)), 1, 'too');
	return;
}

sub silent {
	my ($self) = @_;
	my $s = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1')
	    or die "listen: $!\n";
	push @{ $self->{keep} }, $s;
	return $s->sockport;
}

# a port where nobody listens
sub dead_port {
	my ($self) = @_;
	my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    Proto => 'tcp') or die "bind: $!\n";
	push @{ $self->{keep} }, $s;
	return $s->sockport;
}

# the last reply of a POP3 login
sub login {
	my ($self, $user, $pass) = @_;
	my $p = $self->{pr}->pop3;
	$p->cmd("USER $user");
	return $p->cmd("PASS $pass");
}

# logs in by each protocol, and is refused with another password
sub logins {
	my ($self, $user, $pass) = @_;
	my $pr = $self->{pr};
	Test::More::like($self->login($user, $pass), qr/^\+OK/,
	    'login by POP3');
	Test::More::like($self->login($user, 'wrong'), qr/^-ERR/,
	    'not with another password');
	for my $c ([imap => 'a LOGIN "%s" "%s"', qr/^a OK/m],
	    [submission => 'AUTH PLAIN %3$s', qr/^235/m]) {
		my ($port, $cmd, $good) = @$c;
		my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		    PeerPort => $pr->port($port)) or die "connect: $!\n";
		my $b64 = do {
			require MIME::Base64;
			MIME::Base64::encode_base64("\0$user\0$pass", '');
		};
		<$s>;
		print {$s} "EHLO x\r\n" if $port eq 'submission';
		no warnings 'redundant';
		printf {$s} "$cmd\r\n", $user, $pass, $b64;
		my $got = '';
		while (my $l = <$s>) {
			$got .= $l;
			last if $l =~ /^(?:a |235|5\d\d |4\d\d )/;
		}
		Test::More::like($got, $good, "login by $port");
		next if $port ne 'submission';
		for my $line ("MAIL FROM:<$user>", "RCPT TO:<$user>") {
			print {$s} "$line\r\n";
			Test::More::like(scalar <$s>, qr/^250/, $line);
		}
	}
	return;
}

1;
