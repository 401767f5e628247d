package Bench::Dovecot;

# Debian's Dovecot as Postrider::Dovecot makes it.  Profiles: "dovecot", and
# "dovecot-hibernate", where the processes of idle sessions end after five
# seconds; "dovecot-always" syncs changes of flags, too; "dovecot-default" has
# Dovecot's own processes: each login and each session one of its own.

use strict;
use warnings;
use parent -norequire, 'Bench::ImapServer';
use Bench::ImapServer;
use Bench::Util qw(spew run capture);
use Postrider::Dovecot;

my @PACKAGES = qw(dovecot-imapd dovecot-lmtpd dovecot-pop3d);

sub available {
	return Postrider::Dovecot::available() && -x '/usr/lib/dovecot/pop3';
}
sub mailroot { return "$_[0]{dir}/mail" }
sub stored_in { return ($_[0]->mailroot) }

sub version {
	return 'Dovecot ' . Postrider::Dovecot::version() .
	    " (Debian's package)";
}

# Install the packages without letting them start anything.
sub setup {
	die "--setup needs root\n" unless Bench::Util::is_root();
	if (available()) {
		print "Dovecot is installed already\n";
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
		run(qw(apt-get install -q -y --no-install-recommends),
		    @PACKAGES);
		1;
	};
	my $why = $@;
	unlink $policy if $ours;
	die $why unless $ok;
	return;
}

sub init {
	my ($self) = @_;
	my $hash = crypt('pw', '$6$rounds=1000$postriderbench$');
	$self->{dovecot} = Postrider::Dovecot->new(dir => $self->{dir},
	    domains => ['local.test'], hash => 1,
	    users => { map { $_ => $hash } $self->names },
	    sessions => $self->{opt}{sessions} + 100,
	    fsync => $self->{name} =~ /always/ ? 'always' : 'optimized',
	    hibernate => $self->{name} =~ /hibernate/ ? 5 : 0, pop3 => 1,
	    isolated => $self->{name} =~ /default/ ? 1 : 0);
	$self->{port} = $self->{dovecot}->port('imap');
	$self->{dovecot}->write_config;
	return;
}

sub home { return $_[0]{dovecot}->home($_[1]) }
sub owner { return $_[0]{dovecot}->owner }
sub start_cmds { return [$_[0]{dovecot}->start_cmd] }
sub stop_cmds { return [$_[0]{dovecot}->stop_cmd] }
sub root_pids { return $_[0]{dovecot}->pid // () }
sub smtp_port { return $_[0]{dovecot}->port('lmtp') }
sub pop3_port { return $_[0]{dovecot}->port('pop3') }
sub smtp_hello { return 'LHLO' }

# The uid list stays: it is what a restore would bring back.
sub derived {
	my ($self, $user) = @_;
	my $dir = $self->maildir($user);
	return split /\0/, capture({ quiet => 1 }, 'find', $dir, '-name',
	    'dovecot.index*', '-print0', '-o', '-name',
	    'dovecot.list.index*', '-print0');
}

1;
