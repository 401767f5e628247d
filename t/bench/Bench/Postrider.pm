package Bench::Postrider;

# Postrider as a private instance, through its own instance commands only.

use strict;
use warnings;
use parent -norequire, 'Bench::Server';
use Bench::Server;
use Bench::Util qw(spew slurp run capture port_base);
use JSON::PP ();

our $CTL;			# the postrider command

sub available { return -x $CTL }
sub mailroot { return "$_[0]{dir}/mail" }
sub spool { return "$_[0]{dir}/spool" }
sub stored_in { return ($_[0]->mailroot, $_[0]->spool) }

sub version {
	my $v = capture({ quiet => 1, may_fail => 1 }, 'sh', '-c',
	    '"$1" --version 2>&1 | head -1', 'sh', $CTL);
	chomp $v;
	return "Postrider ($v)";
}

sub _ctl { my ($self, @a) = @_; return ($CTL, '-i', $self->{dir}, @a) }

# one password hash for all: what is measured is mail, not crypt(3)
sub _users {
	my ($self) = @_;
	my $hash = crypt('pw', '$6$rounds=1000$postriderbench$');
	my @names = map { sprintf 'u%03d@local.test', $_ }
	    0 .. $self->{opt}{users} - 1;
	push @names, map { (sprintf('q%03d@queue.test', $_),
	    sprintf('r%03d@rare.test', $_)) } 0 .. 99;
	return join('', map { "$_:$hash\n" } @names);
}

# set an option in a section of a configuration file
sub _set {
	my ($self, $file, $section, $name, $value) = @_;
	my $path = "$self->{dir}/conf/$file";
	my $text = slurp($path) // die "$path: $!\n";
	$text =~ s/^(\[\Q$section\E\]\n(?:[^\[]*\n)?)\Q$name\E\s*=.*\n
	    /$1$name = $value\n/mx
	    or $text =~ s/^(\[\Q$section\E\]\n)/$1$name = $value\n/m
	    or die "$path: no section [$section]\n";
	spew($path, $text);
	print "postrider: $file [$section] $name = $value\n";
	return;
}

sub init {
	my ($self) = @_;
	my $base = port_base();
	$self->{port} = $base + 25;
	run($CTL, 'init', $self->{dir}, '--domain', 'local.test', '--domain',
	    'queue.test', '--domain', 'rare.test', '--port-base', $base,
	    $self->{name} =~ /gate/ ? '--gate' : ());
	$self->_count_all if $self->{name} =~ /counted/;
	spew("$self->{dir}/conf/gate.conf", "except =\n")
	    if $self->{name} =~ /gate-open/;
	spew("$self->{dir}/users.import", $self->_users);
	run($self->_ctl('user', 'import', "$self->{dir}/users.import"));
	$self->_configure;
	return;
}

# gate as for clients of others: counted by address, known
sub _count_all {
	my ($self) = @_;
	spew("$self->{dir}/conf/gate.conf", "except =\naddress_connections = " .
	    "10000\nnetwork_connections = 10000\npregreet = off\n");
	return;
}

sub start_cmds { return [$_[0]->_ctl('start')] }
sub stop_cmds { return [$_[0]->_ctl('stop')] }

sub root_pids {
	my ($self) = @_;
	return split ' ', capture($self->_ctl('status', '--pids'));
}

sub _stats {
	my ($self) = @_;
	return JSON::PP::decode_json(capture({ quiet => 1 },
	    $self->_ctl('queue', 'stats', '--json')));
}

# what is neither deferred nor held
sub active_count {
	my ($self) = @_;
	my $q = $self->_stats;
	return $q->{messages} - $q->{deferred} - $q->{held};
}

sub deferred_count { return $_[0]->_stats->{deferred} }

sub list_cmd {
	my ($self, $domain) = @_;
	return $self->_ctl('queue', 'list', '--to', $domain);
}

# Trouble with our own disk is always temporary: a plain file where the
# domains' mail directories should be defers all their mail.
sub break_queue {
	my ($self) = @_;
	for my $domain ('queue.test', 'rare.test') {
		my $path = $self->mailroot . "/$domain";
		run('rm', '-rf', $path);
		spew($path, "no directory: the benchmark wants deferrals\n");
	}
	return;
}

# append a line to a flat file of the instance
sub _option {
	my ($self, $file, $line) = @_;
	my $path = "$self->{dir}/conf/$file";
	my ($name) = $line =~ /^(\w+)/;
	my $text = slurp($path) // '';
	$text =~ s/^\Q$name\E\s*=.*\n//mg;
	spew($path, "$text$line\n");
	print "postrider: $file $line\n";
	return;
}

# Room for the sessions that the scenario opens, and what relaying needs;
# nothing else is tuned.
sub _configure {
	my ($self) = @_;
	if ($self->{opt}{relay}) {
		$self->_option('smtpd.conf', 'trusted_networks = 127.0.0.0/8');
		$self->_option('router.conf', 'transport = inline:sink.test='
		    . 'smtp:[127.0.0.1]:' . $self->sink_port);
	}
	my $n = $self->{opt}{idle} ? $self->{opt}{sessions} : 0;
	$self->_set('master.conf', 'smtpd', 'process_limit', $n + 50)
	    if $n >= 1000;
	return;
}

1;
