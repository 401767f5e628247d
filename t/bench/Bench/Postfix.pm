package Bench::Postfix;

# Debian's Postfix as a private instance on loopback: virtual(8) Maildirs,
# Postfix's own durability, chroot off, no DNS.  Two profiles: "default" is
# what Postfix does unless told; "tuned" is what an administrator with
# experience and this load would set.

use strict;
use warnings;
use parent -norequire, 'Bench::Server';
use Bench::Server;
use Bench::Util qw(spew run capture free_port slurp);
use File::Path 'make_path';

our $UID = 5000;		# owner of the mailboxes, no account needed

my @SERVICES = (		# name type private unpriv chroot wakeup max cmd
	'pickup unix n - n 60 1 pickup',
	'cleanup unix n - n - 0 cleanup',
	'qmgr unix n - n 300 1 qmgr',
	'tlsmgr unix - - n 1000? 1 tlsmgr',
	'rewrite unix - - n - - trivial-rewrite',
	'bounce unix - - n - 0 bounce',
	'defer unix - - n - 0 bounce',
	'trace unix - - n - 0 bounce',
	'verify unix - - n - 1 verify',
	'flush unix n - n 1000? 0 flush',
	'proxymap unix - - n - - proxymap',
	'proxywrite unix - - n - 1 proxymap',
	'smtp unix - - n - - smtp',
	'relay unix - - n - - smtp',
	'showq unix n - n - - showq',
	'error unix - - n - - error',
	'retry unix - - n - - error',
	'discard unix - - n - - discard',
	'local unix - n n - - local',
	'virtual unix - n n - - virtual',
	'lmtp unix - - n - - lmtp',
	'anvil unix - - n - 1 anvil',
	'scache unix - - n - 1 scache',
	'postlog unix-dgram n - n - 1 postlogd');

sub available { return Bench::Util::is_root() && -x '/usr/sbin/postfix' }
sub mailroot { return "$_[0]{dir}/mail" }
sub spool { return "$_[0]{dir}/spool" }
sub stored_in { return ($_[0]->mailroot, $_[0]->spool) }

sub version {
	my $v = capture({ quiet => 1 }, '/usr/sbin/postconf', '-d', '-h',
	    'mail_version');
	chomp $v;
	return "Postfix $v (Debian's package)";
}

# Install the package without letting it start anything.
sub setup {
	die "--setup needs root\n" unless Bench::Util::is_root();
	if (-x '/usr/sbin/postfix') {
		print "Postfix is installed already\n";
		return;
	}
	my $policy = '/usr/sbin/policy-rc.d';
	my $ours = !-e $policy;
	if ($ours) {
		spew($policy, "#!/bin/sh\nexit 101\n");
		chmod 0755, $policy;
	}
	local $ENV{DEBIAN_FRONTEND} = 'noninteractive';
	my $ok = eval {
		run('sh', '-c', "echo 'postfix postfix/main_mailer_type "
		    . "select No configuration' | debconf-set-selections");
		run(qw(apt-get install -q -y --no-install-recommends postfix));
		1;
	};
	my $why = $@;
	unlink $policy if $ours;
	die $why unless $ok;
	return;
}

sub _main_cf {
	my ($self) = @_;
	my $d = $self->{dir};
	my %c = (compatibility_level => '3.6',
		queue_directory => "$d/spool", data_directory => "$d/data",
		maillog_file => "$d/mail.log", maillog_file_prefixes => $d,
		inet_interfaces => '127.0.0.1', inet_protocols => 'ipv4',
		myhostname => 'mx.local.test', mydestination => '',
		mynetworks => '127.0.0.0/8', alias_maps => '',
		alias_database => '', local_recipient_maps => '',
		disable_dns_lookups => 'yes', smtpd_peername_lookup => 'no',
		smtp_dns_support_level => 'disabled',
		virtual_mailbox_domains => 'local.test',
		virtual_mailbox_base => "$d/mail",
		virtual_mailbox_maps => "hash:$d/etc/mailboxes",
		virtual_uid_maps => "static:$UID",
		virtual_gid_maps => "static:$UID",
		relay_domains => 'queue.test rare.test sink.test',
		relay_recipient_maps => '',
		transport_maps => "hash:$d/etc/transport");
	%c = (%c, _postscreen($d)) if $self->{name} =~ /postscreen/;
	return %c unless $self->{opt}{tuned};
	return (%c, in_flow_delay => '0', default_process_limit => 200,
		virtual_destination_concurrency_limit => 50,
		default_destination_concurrency_limit => 50,
		initial_destination_concurrency => 20,
		qmgr_message_active_limit => 100000,
		qmgr_message_recipient_limit => 100000,
		virtual_mailbox_limit => 0, max_use => 1000,
		smtpd_client_connection_count_limit => 0);
}

# in front of smtpd, as many held as come; loopback is tested, too
sub _postscreen {
	my ($d) = @_;
	return (postscreen_access_list => '', postscreen_dnsbl_sites => '',
		postscreen_greet_action => 'enforce',
		postscreen_cache_map => "btree:$d/data/postscreen_cache",
		postscreen_pre_queue_limit => 10000,
		postscreen_post_queue_limit => 10000);
}

sub _front {
	my ($self, $max) = @_;
	my $at = "127.0.0.1:$self->{port} inet n - n -";
	return "$at $max smtpd" unless $self->{name} =~ /postscreen/;
	return ("$at 1 postscreen", 'smtpd pass - - n - 1000 smtpd',
	    'dnsblog unix - - n - 0 dnsblog',
	    'tlsproxy unix - - n - 0 tlsproxy');
}

sub init {
	my ($self) = @_;
	my $d = $self->{dir};
	make_path(map { "$d/$_" } qw(etc spool data mail/local.test));
	$self->{port} = free_port();
	my $users = $self->{opt}{users};
	spew("$d/etc/mailboxes", join('', map { sprintf
	    "u%03d\@local.test local.test/u%03d/Maildir/\n", $_, $_ }
	    0 .. $users - 1));
	spew("$d/etc/transport", "queue.test smtp:[127.0.0.9]:9\n"
	    . "rare.test smtp:[127.0.0.10]:9\n"
	    . 'sink.test smtp:[127.0.0.1]:' . $self->sink_port . "\n");
	my %c = $self->_main_cf;
	spew("$d/etc/main.cf", join('', map { "$_ = $c{$_}\n" } sort keys %c));
	my $max = $self->{opt}{idle} ? $self->{opt}{sessions} + 20 : '-';
	spew("$d/etc/master.cf", join("\n",
	    $self->_front($max), @SERVICES, ''));
	my $postfix = getpwnam('postfix') // die "no user postfix\n";
	chown $postfix, -1, "$d/data";
	chown $UID, $UID, "$d/mail", "$d/mail/local.test";
	run('/usr/sbin/postmap', '-c', "$d/etc", "hash:$d/etc/mailboxes",
	    "hash:$d/etc/transport");
	return;
}

sub start_cmds { return ['/usr/sbin/postfix', '-c', "$_[0]{dir}/etc", 'start'] }

# abort ends sessions at once; stop waits for them
sub stop_cmds { return ['/usr/sbin/postfix', '-c', "$_[0]{dir}/etc", 'abort'] }

sub root_pids {
	my ($self) = @_;
	return (slurp("$self->{dir}/spool/pid/master.pid") // '') =~ /(\d+)/;
}

sub _files {
	my ($self, @queues) = @_;
	my @dirs = grep { -d } map { "$self->{dir}/spool/$_" } @queues;
	my $out = capture({ quiet => 1 }, 'find', @dirs, '-type', 'f',
	    '-printf', 'x');
	return length $out;
}

sub active_count { return $_[0]->_files(qw(maildrop incoming active)) }
sub deferred_count { return $_[0]->_files('deferred') }

# Nothing narrower exists: postqueue lists all, a filter picks.
sub list_cmd {
	my ($self, $domain) = @_;
	return ('sh', '-c', "/usr/sbin/postqueue -c $self->{dir}/etc -j | "
	    . "grep -F '\@$domain\"'");
}

sub list_count {
	my ($self, $out) = @_;
	return scalar(() = $out =~ /^\{/mg);
}

# its queue is dead by configuration: 127.0.0.9:9 refuses
sub break_queue { return }

1;
