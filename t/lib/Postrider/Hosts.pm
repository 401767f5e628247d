package Postrider::Hosts;

# One bad or good server (Zoo.pm) that is many hosts: it listens on all of
# 127/8, and what it does depends on the address that a client came to.
#
#   my $h = Postrider::Hosts->new(tls => $tls,
#       hosts => { '127.0.0.12' => { greeting => '421 4.3.2 not now' },
#           '127.0.0.13' => { cert => 'late' } });
#   ... port => $h->port
#   $h->came                   addresses clients came to, in order
#   $h->from                   and where they came from
#   $h->sent                   of messages: "host rcpt clear|TLS"
#
# A host with `cert' (a name of Tls.pm's) offers STARTTLS; `proto' is the only
# version that it speaks ('TLSv1_2').  `refuse' is what it says to STARTTLS,
# `offer' a list of other EHLO keywords.

use strict;
use warnings;
use parent -norequire, 'Postrider::Zoo';
use IO::Socket::SSL;

use Postrider::Zoo;

sub new {
	my ($class, %arg) = @_;
	return $class->SUPER::new(addr => '0.0.0.0', %arg, at => {
	    greeting => \&_greet, ehlo => \&_offer, starttls => \&_starttls,
	    tls => \&_tls, dot => \&_dot, %{ $arg{at} || {} } });
}

sub _host {
	my ($self) = @_;
	$self->{host} //= $self->{s}->sockhost;
	return $self->{hosts}{ $self->{host} } || {};
}

sub _greet {
	my ($self) = @_;
	my $h = $self->_host;
	$self->_note('came', "$self->{host}\n");
	$self->_note('from', $self->{s}->peerhost . "\n");
	return $h->{greeting} // "220 $self->{host} ESMTP";
}

sub _offer {
	my ($self) = @_;
	my $h = $self->_host;
	return join "\n", "250 $self->{name}", map { "250 $_" }
	    @{ $h->{offer} || $self->{offer} },
	    $h->{cert} && !$self->{wrapped} ? 'STARTTLS' : ();
}

sub _starttls { return $_[0]->_host->{refuse} // '220 go' }

sub _tls {
	my ($self) = @_;
	my $h = $self->_host;
	my $file = $self->{tls}->path("$h->{cert}.pem");
	my $s = IO::Socket::SSL->start_SSL($self->{s}, SSL_server => 1,
	    SSL_cert_file => $file, SSL_key_file => "$file.key",
	    $h->{proto} ? (SSL_version => $h->{proto}) : ());
	$self->_note('names', "$self->{host} " .
	    ($s ? $s->get_servername // '' : 'failed') . "\n");
	$self->over unless $s;
	$self->{wrapped} = 1;
	return '';
}

sub _dot {
	my ($self) = @_;
	my $h = $self->_host;
	$self->_note('sent', join(' ', $self->{host},
	    join(',', @{ $self->{t}{rcpt} }),
	    $self->{wrapped} ? 'TLS' : 'clear') . "\n");
	return $h->{dot} // '250 2.0.0 taken';
}

# the lines of a list; they are gone then
sub _lines {
	my ($self, $name) = @_;
	open my $fh, '<', "$self->{dir}/$name" or return;
	chomp(my @l = <$fh>);
	unlink "$self->{dir}/$name";
	return @l;
}

sub came { return $_[0]->_lines('came') }
sub from { return $_[0]->_lines('from') }
sub sent { return $_[0]->_lines('sent') }
sub names { return $_[0]->_lines('names') }	# "host SNI"

1;
