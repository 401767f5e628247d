package Postrider::Proxy;

# A before-queue filter that speaks SMTP: it hands each command on to a server
# and the answer back, puts a field in front of the content, and refuses a
# subject "bad" at the end.  Or, of its own, any answer: set(RCPT => '550 no').
#
#   my $p = Postrider::Proxy->new(dir => $dir, to => $port, xforward => 1);
#   $p->port, $p->heard, $p->set(MAIL => '450 4.2.0 later', ...)

use strict;
use warnings;

use IO::Socket::INET;

use Postrider::Puppet;
our @ISA = ('Postrider::Puppet');

sub new {
	my ($class, %arg) = @_;
	my $self = Postrider::Puppet::new($class, 'proxy', %arg);
	$self->set;
	return $self->run;
}

sub set {
	my ($self, %say) = @_;
	open my $fh, '>', $self->_file('say') or die "say: $!\n";
	print {$fh} "$_\t$say{$_}\n" for sort keys %say;
	close $fh;
	return $self->forget;
}

sub _read_reply {
	my ($h) = @_;
	my $all = '';
	while (defined(my $l = <$h>)) {
		$all .= $l;
		return $all if $l =~ /^\d{3}[ \r]/;
	}
	die "the server is gone\n";
}

sub _content {
	my ($self, $c, $up, $say) = @_;
	my ($text, $bad) = ('');
	while (defined(my $l = <$c>)) {
		$text .= $l;
		last if $l eq ".\r\n";
	}
	$self->_note($text);
	my $no = $say->{END} || ($text =~ /^Subject: bad/mi ?
	    '554 5.7.1 a bad subject' : '');
	print {$up} "X-Proxy: seen\r\n$text" unless $no;
	print {$c} $no ? "$no\r\n" : _read_reply($up);
	return !$no;
}

sub _serve {
	my ($self, $c) = @_;
	my %say = do {
		open my $fh, '<', $self->_file('say') or die;
		local $/;
		map { split /\t/, $_, 2 } split /\n/, <$fh> // '';
	};
	my $up = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $self->{to}) or die "up: $!\n";
	binmode $_ for $c, $up;
	$c->autoflush(1);
	$up->autoflush(1);
	# a name of its own: mail to ours would be a loop
	my $hello = _read_reply($up) =~ s/^220 \S+/220 proxy.test/r;
	print {$c} $say{CONNECT} ? "$say{CONNECT}\r\n" : $hello;
	while (defined(my $l = <$c>)) {
		$self->_note($l);
		my ($verb) = $l =~ /^(\w+)/;
		if ($say{$verb}) {
			return if $say{$verb} eq 'close';
			print {$c} "$say{$verb}\r\n";
			next;
		}
		if ($verb eq 'XFORWARD') {
			print {$c} "250 2.0.0 Ok\r\n";
			next;
		}
		print {$up} $l;
		my $r = _read_reply($up);
		$r =~ s/^250-\S+/250-proxy.test/ if $verb eq 'EHLO';
		my $x = '250-XFORWARD NAME ADDR PORT HELO PROTO IDENT';
		$r =~ s/^(250-.*\n)/$1$x\r\n/ if $verb eq 'EHLO' &&
		    $self->{xforward};
		# what it does not understand
		$r =~ s/^250-(?:STARTTLS|CHUNKING)\b.*\n//mg;
		$r =~ s/^250-PIPELINING\r\n//m if $verb eq 'EHLO' &&
		    $self->{lockstep};
		print {$c} $r;
		$verb eq 'DATA' && $r =~ /^354/ && !$self->_content($c, $up,
		    \%say) and last;
		last if $verb eq 'QUIT';
	}
	return;
}

1;
