package Postrider::Dovecot;

# Debian's Dovecot as a private instance on loopback, to compare with: IMAP and
# LMTP on ports that the kernel gave, Maildirs, users in a passwd-file, tuned
# as an administrator with experience would.  Needs root (its login processes
# change their ids) and the packages dovecot-imapd and dovecot-lmtpd.
#
#   my $d = Postrider::Dovecot->new(users => { ann => 'pw' });
#   $d->start; $d->port('imap'); $d->maildir('ann'); $d->stop;
#
# For the benchmark write_config, start_cmd, stop_cmd and pid are enough.

use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Postrider::Ports;
use Time::HiRes qw(sleep time);

our $UID = 5000;		# owner of the mailboxes, no account needed

sub available {
	return $> == 0 && -x '/usr/sbin/dovecot' && -x '/usr/lib/dovecot/lmtp';
}

# users     { NAME => PASSWORD }; a NAME without @ is in the first domain
# hash      true: the passwords are crypt(3) hashes
# domains   [ ... ]
# dir       where it lies; a new temporary directory without it
# sessions  how many at a time there is room for (1200)
# fsync     mail_fsync: optimized (data and expunges, Dovecot's default) or
#           always (changes of flags, too)
# hibernate seconds after which an idle session's process ends; 0: never
# pop3      true: POP3, too (dovecot-pop3d)
# isolated  true: processes as Dovecot has them unless told: one for each login
#           and one for each session, started when it comes
sub new {
	my ($class, %arg) = @_;
	my $self = bless { users => {}, domains => ['example.test'],
		sessions => 1200, fsync => 'optimized', hibernate => 0,
		pop3 => 0, isolated => 0, %arg, owner => $$ }, $class;
	if (!$self->{dir}) {
		$self->{tmp} = tempdir('postrider-d.XXXXXXXX', TMPDIR => 1);
		chmod 0711, $self->{tmp};
		$self->{dir} = "$self->{tmp}/i";
	}
	$self->{port} = { map { $_ => _free_port() } qw(imap lmtp pop3) };
	$self->write_config if $self->{tmp};
	return $self;
}

sub _free_port {
	return Postrider::Ports::spare();
}

sub port { return $_[0]{port}{ $_[1] } // die "port $_[1]?\n" }
sub dir { return $_[0]{dir} }

sub full_name {
	my ($self, $user) = @_;
	return $user =~ /@/ ? $user : "$user\@$self->{domains}[0]";
}

sub home {
	my ($self, $user) = @_;
	my ($local, $domain) = split /@/, $self->full_name($user);
	return "$self->{dir}/mail/$domain/$local";
}

sub maildir { return $_[0]->home($_[1]) . '/Maildir' }
sub owner { return ($UID, $UID) }

sub _spew {
	my ($path, $text) = @_;
	open my $fh, '>', $path or die "$path: $!\n";
	print {$fh} $text;
	close $fh or die "$path: $!\n";
	return;
}

sub _passwd {
	my ($self) = @_;
	my $scheme = $self->{hash} ? '{CRYPT}' : '{PLAIN}';
	return join '', map { $self->full_name($_) .
		":$scheme$self->{users}{$_}:$UID:$UID\::" . $self->home($_) .
		"::\n" } sort keys %{ $self->{users} };
}

# What differs from Dovecot's defaults, and why, is in t/bench/README.md.
sub _config {
	my ($self) = @_;
	my ($d, $n) = @$self{qw(dir sessions)};
	my $domain = $self->{domains}[0];
	my $many = $n + 200;
	my $wide = $n * 4 + 1000;
	# a process that serves again would not go while its session idles
	my ($reuse, $spare) = $self->{isolated} ? (1, 0) :
	    $self->{hibernate} ? (1, 2) : (1000, 8);
	my ($protocols, $pop3) = $self->{pop3} ?
	    ('imap lmtp pop3', $self->_pop3($reuse, $spare)) :
	    ('imap lmtp', '');
	my $login = $self->_login($wide);
	return <<"END";
base_dir = $d/run
state_dir = $d/state
instance_name = postrider-test
protocols = $protocols
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
log_path = $d/dovecot.log
verbose_proctitle = no
shutdown_clients = yes
import_environment =
default_process_limit = $many
default_client_limit = $wide
mail_max_userip_connections = 0
first_valid_uid = 1
postmaster_address = postmaster\@$domain

auth_mechanisms = plain login
auth_default_realm = $domain
auth_failure_delay = 0
auth_cache_size = 16 M
auth_cache_ttl = 1 hour
passdb {
  driver = passwd-file
  args = username_format=%u $d/users
}
userdb {
  driver = passwd-file
  args = username_format=%u $d/users
}

mail_location = maildir:~/Maildir
mail_fsync = $self->{fsync}
mmap_disable = no
maildir_very_dirty_syncs = yes
maildir_copy_with_hardlinks = yes
maildir_stat_dirs = no
mailbox_list_index = yes
mail_prefetch_count = 0
lmtp_save_to_detail_mailbox = no
imap_hibernate_timeout = $self->{hibernate} s
namespace inbox {
  inbox = yes
  separator = /
}

service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = $self->{port}{imap}
  }
  inet_listener imaps {
    port = 0
  }
$login}
service imap {
  service_count = $reuse
  process_min_avail = $spare
  process_limit = $many
  vsz_limit = 2 G
  unix_listener imap-master {
    user = dovecot
  }
  extra_groups = dovecot
}
${pop3}service imap-hibernate {
  process_limit = 2
  client_limit = $wide
  unix_listener imap-hibernate {
    mode = 0666
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $self->{port}{lmtp}
  }
  process_min_avail = 2
  service_count = 1000
}
service auth {
  client_limit = $wide
}
service anvil {
  client_limit = $wide
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  client_limit = $wide
}
END
}

# how many connections a login process has
sub _login {
	my ($self, $wide) = @_;
	return <<"END" if $self->{isolated};
  service_count = 1
  process_min_avail = 0
END
	return <<"END";
  service_count = 0
  process_min_avail = 2
  process_limit = 4
  client_limit = $wide
  vsz_limit = 512 M
END
}

sub _pop3 {
	my ($self, $reuse, $spare) = @_;
	my $login = $self->_login($self->{sessions} * 4 + 1000);
	return <<"END";
service pop3-login {
  inet_listener pop3 {
    address = 127.0.0.1
    port = $self->{port}{pop3}
  }
  inet_listener pop3s {
    port = 0
  }
$login}
service pop3 {
  service_count = $reuse
  process_min_avail = $spare
}
END
}

sub write_config {
	my ($self) = @_;
	my $d = $self->{dir};
	make_path("$d/state", "$d/mail");
	chmod 0755, $d;
	for my $u (keys %{ $self->{users} }) {
		make_path($self->home($u));
	}
	system('chown', '-R', "$UID:$UID", "$d/mail") == 0
	    or die "chown $d/mail failed\n";
	_spew("$d/users", $self->_passwd);
	_spew("$d/dovecot.conf", $self->_config);
	return;
}

sub start_cmd { return ('/usr/sbin/dovecot', '-c', "$_[0]{dir}/dovecot.conf") }
sub stop_cmd { return ($_[0]->start_cmd, 'stop') }

sub pid {
	my ($self) = @_;
	open my $fh, '<', "$self->{dir}/run/master.pid" or return;
	my ($pid) = (<$fh> // '') =~ /^(\d+)/;
	return $pid;
}

sub version {
	my $v = `/usr/sbin/dovecot --version`;
	return $v =~ /^(\S+)/ ? $1 : '?';
}

sub greets {
	my ($self) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', Timeout => 5,
	    PeerPort => $self->port('imap')) or return 0;
	my $line = <$s> // '';
	return $line =~ /^\* OK/;
}

sub start {
	my ($self) = @_;
	system($self->start_cmd) == 0 or die "dovecot does not start\n";
	$self->{started} = 1;
	my $end = time + 60;
	until ($self->greets) {
		die "dovecot does not answer\n" . $self->log if time > $end;
		sleep 0.05;
	}
	return $self;
}

sub log {
	my ($self) = @_;
	open my $fh, '<', "$self->{dir}/dovecot.log" or return '';
	local $/;
	return scalar(<$fh>) // '';
}

sub stop {
	my ($self) = @_;
	return unless delete $self->{started};
	my $pid = $self->pid // return;
	system($self->stop_cmd);
	for (1 .. 500) {
		return unless kill 0, $pid;
		sleep 0.02;
	}
	kill 'KILL', $pid;
	return;
}

sub DESTROY {
	my ($self) = @_;
	return if $self->{owner} != $$;
	local ($?, $@, $!);
	$self->stop;
	remove_tree($self->{tmp}) if $self->{tmp};
	return;
}

1;
