package Postrider::Peers;

# Debian's Postfix, Exim and OpenSMTPD as hosts of their own beside the suite,
# in one network namespace: each with a loopback address, port 25 and a name in
# the test's own zone.  Their packages conflict with each other, so they are
# unpacked into a directory (packaging/deps.sh, unpack_peers) and laid over
# /usr for this process and its children only; nothing is installed.
#
#   Postrider::Peers::enter();          runs the test again, inside
#   my $p = Postrider::Peers->new;
#   $p->start('exim');
#   $p->domain('exim'), $p->address('exim'), $p->mails('exim')
#
# Each has a mailbox bob@NAME.test, and relays for whoever is on 127.0.0.0/8.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

my %ADDRESS = (postfix => '127.0.0.2', exim => '127.0.0.3',
    osmtpd => '127.0.0.4');
my ($UID, $GID) = (61200, 61200);

# The peers' own accounts; uid = gid.
my %ACCOUNT = (postfix => 61101, postdrop => 61102, 'Debian-exim' => 61103,
    opensmtpd => 61104, opensmtpq => 61105, bob => $UID);

sub names { my @n = sort keys %ADDRESS; return @n }

# Where the packages lie unpacked.
sub _unpacked {
	return abs_path($ENV{POSTRIDER_PEERS}) if $ENV{POSTRIDER_PEERS};
	my $dir = ($ENV{TMPDIR} || '/tmp') . '/postrider-peers';
	my $top = abs_path(__FILE__ =~ s{[^/]+$}{}r . '../../..');
	system('bash', '-c', '. "$1/packaging/deps.sh" && unpack_peers "$2"',
	    'sh', $top, $dir) == 0 or die "the peers' packages: $?\n";
	return $dir;
}

# a program of one of the packages, which runs as it is
sub program {
	my ($class, $name) = @_;
	return _unpacked() . "/usr/sbin/$name";
}

sub _do {
	system(@_) == 0 or die "@_: status $?\n";
	return;
}

# In a namespace of its own; returns there, and never outside.
sub enter {
	if (!$ENV{POSTRIDER_IN_NS}) {
		$ENV{POSTRIDER_PEERS} = _unpacked();
		$ENV{POSTRIDER_IN_NS} = 1;
		exec('unshare', '--net', '--mount', $^X, (map { "-I$_" }
		    grep { !ref } @INC), $0, @ARGV) or
		    die "unshare: $!\n";
	}
	_do(qw(ip link set lo up));
	# Postfix wants addresses that an interface has; OpenSMTPD asks DNS
	# for addresses only where one is not 127.*
	_do(qw(ip address add), $_, qw(dev lo))
	    for '192.0.2.1/32', map { "$_/8" } sort values %ADDRESS;
	return;
}

sub new {
	my ($class) = @_;
	my $d = tempdir('postrider-p.XXXXXXXX', TMPDIR => 1, CLEANUP => 0);
	my $self = bless { dir => $d, pids => [], owner => $$ }, $class;

	# what they write, in memory and gone with the namespace
	_do('mount', '-t', 'tmpfs', 'peers', $d);
	chmod 0755, $d;
	make_path(map { "$d/$_" } qw(etc.up etc.work var.up var.work bob mail));
	my $x = $ENV{POSTRIDER_PEERS};
	_do('mount', '-t', 'overlay', 'peers', '-o', "lowerdir=$x/usr:/usr",
	    '/usr');
	for my $top (qw(etc var)) {
		my $low = -d "$x/$top" ? "$x/$top:/$top" : "/$top";
		_do('mount', '-t', 'overlay', 'peers', '-o', "lowerdir=$low,"
		    . "upperdir=$d/$top.up,workdir=$d/$top.work", "/$top");
	}
	$self->_accounts;
	chown $UID, $GID, "$d/bob", "$d/mail";
	return $self;
}

sub _accounts {
	my ($self) = @_;
	open my $pw, '>>', '/etc/passwd' or die "passwd: $!\n";
	open my $gr, '>>', '/etc/group' or die "group: $!\n";
	for my $n (sort keys %ACCOUNT) {
		next if getpwnam $n;
		my $home = $n eq 'bob' ? "$self->{dir}/bob" : '/nonexistent';
		my $shell = $n eq 'bob' ? '/bin/sh' : '/usr/sbin/nologin';
		print {$gr} "$n:x:$ACCOUNT{$n}:\n" if !getgrnam $n;
		print {$pw} "$n:x:$ACCOUNT{$n}:$ACCOUNT{$n}::$home:$shell\n";
	}
	close $pw;
	close $gr;
	return;
}

# zones of all of them; ours has its mail server at 127.0.0.1
sub zones {
	my ($self, $ours) = @_;
	my %z = ($ours => "\@ MX 10 mx\nmx A 127.0.0.1\n");
	$z{"$_.test"} = "\@ MX 10 mx\nmx A $ADDRESS{$_}\n" for names();
	return \%z;
}

# the name server that their resolvers ask
sub resolver {
	my ($self, $address) = @_;
	_put('/etc/resolv.conf', "nameserver $address\n");
	return;
}

sub domain { return "$_[1].test" }
sub address { return $ADDRESS{ $_[1] } }

sub _put {
	my ($path, $text) = @_;
	open my $fh, '>', $path or die "$path: $!\n";
	print {$fh} $text;
	close $fh or die "$path: $!\n";
	return;
}

# files that lie in bob's mailbox there
sub mails {
	my ($self, $name) = @_;
	my $box = $name eq 'osmtpd' ? "$self->{dir}/bob/Maildir" :
	    "$self->{dir}/mail/$name";
	my @f = glob "$box/new/*";
	return @f;
}

sub start {
	my ($self, $name) = @_;
	my $fn = $self->can("_start_$name") or die "what is $name?\n";
	$fn->($self, "$self->{dir}/$name", $ADDRESS{$name});
	my $end = time + 60;
	until (IO::Socket::INET->new(PeerAddr => $ADDRESS{$name},
	    PeerPort => 25, Timeout => 1)) {
		die "$name does not listen\n" if time > $end;
		sleep 0.05;
	}
	return;
}

# a program in the foreground, ended with the test
sub _spawn {
	my ($self, @cmd) = @_;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$self->{dir}/log";
		open STDERR, '>>', "$self->{dir}/log";
		exec { $cmd[0] } @cmd or POSIX::_exit(127);
	}
	push @{ $self->{pids} }, $pid;
	return;
}

sub _start_postfix {
	my ($self, $d, $address) = @_;
	make_path(map { "$d/$_" } qw(etc spool data));
	my %c = (compatibility_level => '3.6', queue_directory => "$d/spool",
	    data_directory => "$d/data", maillog_file => "$self->{dir}/log",
	    maillog_file_prefixes => $self->{dir},
	    inet_interfaces => $address, smtp_bind_address => $address,
	    inet_protocols => 'ipv4', mynetworks => '127.0.0.0/8',
	    myhostname => 'mx.postfix.test', mydestination => '',
	    alias_maps => '', alias_database => '',
	    local_recipient_maps => '', smtp_host_lookup => 'dns',
	    virtual_mailbox_domains => 'postfix.test',
	    virtual_mailbox_base => "$self->{dir}/mail",
	    virtual_mailbox_maps => 'inline:{bob@postfix.test=postfix/}',
	    virtual_uid_maps => "static:$UID",
	    virtual_gid_maps => "static:$GID", in_flow_delay => 0,
	    minimal_backoff_time => '5s', queue_run_delay => '5s');
	_put("$d/etc/main.cf", join '', map { "$_ = $c{$_}\n" } sort keys %c);
	_put("$d/etc/master.cf", join "\n", "25 inet n - n - - smtpd",
	    'pickup unix n - n 60 1 pickup', 'cleanup unix n - n - 0 cleanup',
	    'qmgr unix n - n 300 1 qmgr', 'tlsmgr unix - - n 1000? 1 tlsmgr',
	    'rewrite unix - - n - - trivial-rewrite',
	    (map { "$_ unix - - n - 0 bounce" } qw(bounce defer trace)),
	    'verify unix - - n - 1 verify', 'flush unix n - n 1000? 0 flush',
	    'proxymap unix - - n - - proxymap', 'smtp unix - - n - - smtp',
	    'relay unix - - n - - smtp', 'error unix - - n - - error',
	    'retry unix - - n - - error', 'virtual unix - n n - - virtual',
	    'local unix - n n - - local', 'anvil unix - - n - 1 anvil',
	    'scache unix - - n - 1 scache',
	    'postlog unix-dgram n - n - 1 postlogd', '');
	chown $ACCOUNT{postfix}, -1, "$d/data" if !getpwnam 'postfix';
	chown scalar getpwnam('postfix'), -1, "$d/data";
	system("/usr/sbin/postfix -c $d/etc start >>$self->{dir}/log 2>&1")
	    == 0 or die "postfix: status $?\n", $self->log_tail;
	$self->{postfix} = "$d/etc";
	return;
}

sub _start_exim {
	my ($self, $d, $address) = @_;
	# another file than its own would cost it its rights
	make_path("$d/spool", '/etc/exim4');
	chown scalar getpwnam('Debian-exim'), scalar getgrnam('Debian-exim'),
	    $d, "$d/spool";
	_put('/etc/exim4/exim4.conf', <<"X");
primary_hostname = mx.exim.test
domainlist local_domains = exim.test
hostlist relay_from = 127.0.0.0/8
local_interfaces = $address
daemon_smtp_ports = 25
spool_directory = $d/spool
log_file_path = $d/%slog
acl_smtp_rcpt = rcpt
tls_advertise_hosts = *
keep_environment =
never_users = root
host_lookup =
rfc1413_hosts =
begin acl
rcpt:
  accept domains = +local_domains
         verify = recipient
  deny   domains = +local_domains
         message = no such user
  accept hosts = +relay_from
  deny   message = relay not permitted
begin routers
local:
  driver = accept
  domains = +local_domains
  local_parts = bob
  transport = maildir
dns:
  driver = dnslookup
  domains = ! +local_domains
  self = send
  transport = remote
  no_more
begin transports
maildir:
  driver = appendfile
  directory = $self->{dir}/mail/exim
  maildir_format
  create_directory
  user = $UID
  group = $GID
remote:
  driver = smtp
  interface = $address
begin retry
* * F,1h,5s
X
	$self->_spawn('/usr/sbin/exim4', '-bdf', '-q5s');
	return;
}

sub _start_osmtpd {
	my ($self, $d, $address) = @_;
	make_path($d, '/var/spool/smtpd', '/var/empty', '/var/lib/opensmtpd');
	chmod 0711, '/var/spool/smtpd';
	for (['', 'opensmtpq'], ['offline', 'opensmtpq', 0770],
	    ['purge', 'root', 0700, 'opensmtpq'], ['queue', 'root', 0700,
	    'opensmtpq'], ['corrupt', 'root', 0700, 'opensmtpq'],
	    ['incoming', 'root', 0700, 'opensmtpq'],
	    ['temporary', 'root', 0700, 'opensmtpq']) {
		my ($sub, $group, $mode, $user) = @$_;
		next if $sub eq '';
		make_path("/var/spool/smtpd/$sub");
		chown $user ? scalar getpwnam($user) : 0,
		    scalar getgrnam($group), "/var/spool/smtpd/$sub";
		chmod $mode, "/var/spool/smtpd/$sub";
	}
	_put("$d/conf", <<"X");
listen on $address port 25 hostname mx.osmtpd.test
action "in" maildir "~/Maildir"
action "out" relay src $address helo mx.osmtpd.test
match from any for domain "osmtpd.test" action "in"
match from src 127.0.0.0/8 for any action "out"
X
	chmod 0600, "$d/conf";
	$self->_spawn('/usr/sbin/smtpd', '-d', '-f', "$d/conf");
	return;
}

sub stop {
	my ($self) = @_;
	return if $$ != $self->{owner};
	system("/usr/sbin/postfix -c $self->{postfix} abort "
	    . ">/dev/null 2>&1") if $self->{postfix};
	delete $self->{postfix};
	kill 'TERM', @{ $self->{pids} };
	waitpid $_, 0 for splice @{ $self->{pids} };
	return if $self->{stopped}++;
	system('umount', '-l', '-R', $self->{dir});
	rmdir $self->{dir};
	return;
}

sub log_tail {
	my ($self) = @_;
	return `tail -n 40 $self->{dir}/log $self->{dir}/exim/*log 2>&1`;
}

sub DESTROY { local ($?, $!, $@); $_[0]->stop; return }

1;
