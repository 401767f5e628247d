package Postrider::Starttls;

# TLS under the raw clients of Line.pm, and what the tests of STARTTLS need to
# know of each protocol.
#
#   my $c = raw($i, 'imap');              greeting read, no TLS
#   my $c = starttls($i, 'imap');         the same after STARTTLS
#   my $c = wrapped($i, 'imaps');         TLS from the start
#   my $tls = tls($c, SSL_hostname => 'x');  the handshake alone: true or false
#
# Certificates are not checked unless the test says so.

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::SSL;
use Postrider::Imap;
use Postrider::Pop3;
use Postrider::Ports;
use Postrider::Smtp;

our @EXPORT_OK = qw(tls raw starttls wrapped with_lmtp protocols begin said
    login_plain);

# begin: the command; go: what says yes to it; hello: makes the session ready;
# probe: a command, got: its answer before login.  wrapped: port with TLS
my %proto = (
	smtp => { class => 'Postrider::Smtp', begin => 'STARTTLS',
		go => qr/^220 2\.0\.0 /, hello => 'EHLO c.example',
		probe => 'NOOP', got => qr/^250 / },
	pop3 => { class => 'Postrider::Pop3', begin => 'STLS',
		go => qr/^\+OK /, probe => 'UTF8', got => qr/^\+OK /,
		wrapped => 'pop3s' },
	imap => { class => 'Postrider::Imap', begin => 's STARTTLS',
		go => qr/^s OK /, probe => 'p NOOP', got => qr/^p OK /,
		wrapped => 'imaps' },
);
$proto{submission} = { %{ $proto{smtp} }, wrapped => 'smtps' };
$proto{lmtp} = { %{ $proto{smtp} }, hello => 'LHLO c.example' };

sub protocols { return sort keys %proto }
sub begin { return $proto{ $_[0] }{begin} }

# an instance that serves LMTP on TCP, too, at base + 24
sub with_lmtp {
	my ($i) = @_;
	my $port = $i->{base} + 24;
	Postrider::Ports::is_free($port) or die "port $port is taken\n";
	$Postrider::Ports::OFFSET{lmtp} = 24;
	$i->set_conf('master.conf',
	    'lmtp/listen' => "local:lmtp inet:127.0.0.1:$port");
	return $i;
}

sub raw {
	my ($i, $name) = @_;
	return $proto{$name}{class}->new(port => $i->port($name));
}

sub tls {
	my ($c, %opt) = @_;
	return IO::Socket::SSL->start_SSL($c->fh, SSL_verify_mode => 0,
	    Timeout => 60, %opt);
}

# what the server said last: all lines of one answer
sub said {
	my ($c, $name, $cmd) = @_;
	$c->put("$cmd\r\n") if defined $cmd;
	my $all = '';
	while (defined(my $l = $c->line)) {
		$all .= "$l\n";
		last if $name eq 'pop3' || ($name eq 'imap' ?
		    $l =~ /^(?!\*)/ : $l =~ /^\d{3} /);
	}
	return $all;
}

sub starttls {
	my ($i, $name, %opt) = @_;
	my $c = raw($i, $name);
	my $p = $proto{$name};
	said($c, $name, $p->{hello}) if $p->{hello};
	my $r = said($c, $name, $p->{begin});
	$r =~ $p->{go} or die "$name: $p->{begin}: $r\n";
	tls($c, %opt) or die "$name: handshake: $SSL_ERROR\n";
	return $c;
}

sub wrapped {
	my ($i, $name, %opt) = @_;
	my ($proto) = grep { ($proto{$_}{wrapped} // '') eq $name }
	    keys %proto;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $i->port($name), Proto => 'tcp') or die "$name: $!\n";
	IO::Socket::SSL->start_SSL($s, SSL_verify_mode => 0, Timeout => 60,
	    %opt) or die "$name: handshake: $SSL_ERROR\n";
	return $proto{$proto}{class}->new(fh => $s);
}

# the last line of the answer to a login with a password; right: it is good
sub login_plain {
	my ($c, $name, $user, $password) = @_;
	my $plain = MIME::Base64::encode_base64("\0$user\0$password", '');
	my $r = $name eq 'imap' ? said($c, $name, "l LOGIN $user $password") :
	    $name eq 'pop3' ? $c->login($user, $password) :
	    said($c, $name, "AUTH PLAIN $plain");
	chomp $r;
	return $r;
}

# a command that needs no login gets its answer: the session is alive
sub alive {
	my ($c, $name) = @_;
	my $p = $proto{$name};
	return said($c, $name, $p->{probe}) =~ $p->{got} ? 1 : 0;
}

1;
