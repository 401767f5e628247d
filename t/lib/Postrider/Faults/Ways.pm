package Postrider::Faults::Ways;

# What takes all ways that a message of Faults.pm does not: in through gate, a
# filter and TLS, by a login that PAM knows; to an alias that mapd has, a
# command, an account of the system, and by MX, TLS and MTA-STS to another host.

use strict;
use warnings;

use IO::Socket::SSL;
use Postrider::Hosts;
use Postrider::Milter;
use Postrider::PolicyHost;
use Postrider::Pop3;
use Postrider::Smtp;
use Postrider::Tls;
use Postrider::Zone;

# domains that have a policy; then they are used again
my $DOMAINS = 300;

sub _accounts {
	my ($self) = @_;
	my $i = $self->{i};
	my $base = $self->{base} = "$i->{tmp}/home";
	my ($text, $n) = ('', 0);
	mkdir $base;
	for my $name (qw(kim lee)) {
		my ($uid, $gid) = $> == 0 ? (61001 + $n++) x 2 : ($>, $) + 0);
		mkdir "$base/$name", 0700;
		chown $uid, $gid, "$base/$name";
		$text .= "$name:$uid:$gid:$base/$name\n";
	}
	$i->spew("$base/accounts", $text);
	chmod 0644, "$base/accounts";
	return;
}

# kim logs in by PAM, where a program looks at the password
sub _pam {
	my ($self) = @_;
	my ($i, $dir) = ($self->{i}, "$self->{base}/pam");
	mkdir $dir;
	$i->spew("$dir/check", "#!/bin/sh\nread -r p\n" .
	    "[ \"\$PAM_USER \$p\" = 'kim geheim' ]\n");
	chmod 0755, "$dir/check";
	$i->spew("$dir/postrider", "auth requisite pam_exec.so " .
	    "expose_authtok quiet $dir/check\n" .
	    "account required pam_permit.so\n");
	$i->set_conf('auth.conf', pam => 'yes');
	$i->set_conf('auth-pam.conf', pam_dir => $dir);
	return;
}

# the policies of those domains: TLS if there is some
sub _policies {
	my ($self) = @_;
	my ($i, $tls) = ($self->{i}, $self->{tls});
	my @name = map { "mta-sts.d$_.far.test" } 0 .. $DOMAINS - 1;
	$tls->cert('ca', is_ca => 1, cn => 'CA of a test');
	$tls->cert('web', ca => 'ca', names => \@name);
	my $web = $self->{web} = Postrider::PolicyHost->new(cert => { '' =>
	    [map { $tls->path("web.pem$_") } '', '.key'] });
	$web->policy($_, "version: STSv1\nmode: testing\nmx: a.far.test\n" .
	    "max_age: 86400\n") for @name;
	$i->set_conf('tlsd.conf', ca_file => $tls->path('ca.pem'));
	$i->set_conf('sts-fetch.conf', https_port => $web->port,
	    private_networks => '127.0.0.1');
	return;
}

# before the instance starts
sub ways_begin {
	my ($self) = @_;
	my $i = $self->{i};
	my $tls = $self->{tls} = Postrider::Tls->new($i);
	$tls->cert('self', names => ['a.far.test']);
	$self->{hosts} = Postrider::Hosts->new(tls => $tls,
	    hosts => { '127.0.0.11' => { cert => 'self' } });
	my $dns = $self->{dns} = Postrider::Zone->new(zones => {
	    'far.test' => "a A 127.0.0.11\n" });
	$dns->configure($i);
	$self->{milter} = Postrider::Milter->new(dir => $i->{tmp});
	$self->_accounts;
	$self->_pam;
	$self->_policies;
	$i->spew($i->conf_dir . '/aliases',
	    "cmd: \"|cat >> $self->{base}/lee/piped\"\n");
	$i->map('aliases');
	my $db = $i->conf_dir . '/alias.db';
	system('sqlite3', $db, 'CREATE TABLE a (n TEXT, t TEXT); INSERT ' .
	    "INTO a VALUES ('many\@example.test', 'bob\@example.test')") == 0
	    or die "sqlite3\n";
	chmod 0644, $db;
	$i->spew($i->conf_dir . '/alias.sqlite', "for = maps net\n" .
	    "path = $db\nquery = SELECT t FROM a WHERE n = %s\n" .
	    "retry = 100ms\nretry_max = 200ms\n");
	$i->set_conf('mapd.conf', tables => 'sqlite:alias.sqlite');
	$i->set_conf('router.conf', further_aliases => 'sqlite:alias.sqlite',
	    alias_commands => 'yes', alias_user => 'lee',
	    transport => 'inline:.far.test=smtp:');
	$i->set_conf('common.conf', system_domains => 'host.test',
	    first_uid => 500, system_users => "text:$self->{base}/accounts");
	$i->set_conf("$_.conf", home_dirs => $self->{base})
	    for qw(system command);
	$i->set_conf('smtp.conf', tls_level => 'may', own_addresses =>
	    '127.0.0.1', port => $self->{hosts}->port);
	$i->set_conf('stsd.conf', retry => '1s');
	$i->set_conf('filter.conf', 'one/address' =>
	    $self->{milter}->address, 'one/retry' => 0);
	$i->set_conf('smtpd.conf', filters => 'one');
	$i->set_conf('master.conf', 'gate/enabled' => 'yes',
	    'smtpd/listen' => 'gate:smtpd');
	return;
}

# in through gate and the filter
sub _in {
	my ($self, $token, @to) = @_;
	return eval {
		local $Postrider::Line::TIMEOUT = 30;
		my $c = $self->{i}->smtp;
		scalar $c->send(from => 'x@far.test', to => \@to,
		    message => "Subject: $token\n\nx\n");
	} // 0;
}

# out by MX, from a login over TLS
sub _out {
	my ($self, $token, $to) = @_;
	return eval {
		local $Postrider::Line::TIMEOUT = 30;
		my $c = Postrider::Smtp->new(fh => IO::Socket::SSL->new(
		    PeerAddr => '127.0.0.1', Timeout => 30,
		    PeerPort => $self->{i}->port('smtps'),
		    SSL_verify_mode => 0) || die "TLS\n");
		scalar $c->send(auth => ['kim@host.test', 'geheim'],
		    from => 'kim@host.test', to => $to,
		    message => "From: kim\@host.test\n" .
		    "Subject: $token\n\nx\n");
	} // 0;
}

sub _text {
	my ($self, @file) = @_;
	return join '', map { eval { $self->{i}->slurp($_) } // '' } @file;
}

# how often it is at each place
sub _places {
	my ($self, $token) = @_;
	my $base = $self->{base};
	my %n = (ann => scalar(() = $self->_have('ann', $token)),
	    many => scalar(() = $self->_have('bob', $token)),
	    system => scalar(() = $self->_text(
		glob "$base/kim/Maildir/new/*") =~ /^Subject: $token$/mg),
	    command => scalar(() = $self->_text("$base/lee/piped") =~
		/^Subject: $token$/mg));
	return %n;
}

sub ways_life {
	my ($self, %may) = @_;
	my ($i, @wrong, %n) = ($self->{i});
	my $token = 'w' . ++$self->{n} . 'x';
	my $in = $self->_in($token, map({ "$_\@example.test" }
	    qw(ann many cmd)), 'kim@host.test');
	# a domain that nobody has asked for
	my $d = 'd' . $self->{n} % $DOMAINS;
	$self->{dns}->set('far.test' => "a A 127.0.0.11\n$d MX 10 a\n" .
	    "_mta-sts.$d TXT \"v=STSv1; id=$token\"\n" .
	    "mta-sts.$d A 127.0.0.1\n");
	my $out = $self->_out("${token}o", "r\@$d.far.test");
	for ($in, $out) {
		push @wrong, "answer $_" if $_ && $_ != 250 && $_ < 400 ||
		    $_ >= 500;
	}
	my $all = sub {
		%n = $in == 250 ? $self->_places($token) : ();
		$n{far} = () = grep { $_->{content} =~
		    /^Subject: ${token}o\r$/m } $self->{hosts}->took
		    if $out == 250;
		return !grep { !$_ } values %n;
	};
	$i->wait_for($all, 40);
	$i->wait_for(sub { $self->_queue !~ /far\.test/ }, 20) or
	    push @wrong, 'still in the queue';
	$all->();
	for my $w (sort keys %n) {
		push @wrong, "$w: $n{$w}" if $n{$w} < 1 ||
		    $n{$w} > ($may{$w} // 1);
	}
	$self->{fired} = $self->disarm;
	push @wrong, "answers $in $out, not logged" if
	    ($in != 250 || $out != 250) && !$self->_told_or_mute;
	return @wrong;
}

1;
