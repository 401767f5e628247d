package Postrider::Milter;

# A milter that does what a test tells it, good or bad, and notes what it was
# told.  A process of its own; one client after another.
#
#   my $m = Postrider::Milter->new;               its address: $m->address
#   $m->script({ M => 'r' });         answer to MAIL: reject; else continue
#   $m->heard                         what it was told: "C unknown 4 ..."
#   $m->idle                          no session is open
#
# A script is a hash: by the letter of a command a list of answers, in order;
# each is the letter and data of a packet, or one of
#   ['raw', octets]  ['close']  ['hang']  ['none']
# 'O' is the answer to the options: [version, actions, protocol, more].

use strict;
use warnings;

use JSON::PP ();
use Time::HiRes qw(sleep time);

use Postrider::Puppet;
our @ISA = ('Postrider::Puppet');

sub new {
	my ($class, %arg) = @_;
	my $self = Postrider::Puppet::new($class, 'milter',
	    dir => $arg{dir});
	$self->script({});
	return $self->run;
}

sub _client {
	my ($self, $c) = @_;
	$self->_count('+');
	$self->_note("connected\n");
	eval { $self->_serve($c) };
	$self->_note("ended: $@\n") if $@ && $@ !~ /^over/;
	# its end is to be seen before it counts as idle
	close $c;
	return $self->_count('-');
}

sub address { return "inet:127.0.0.1:$_[0]{port}" }

sub script {
	my ($self, $script) = @_;
	open my $fh, '>', $self->_file('new') or die "script: $!\n";
	print {$fh} JSON::PP->new->canonical->latin1->encode($script);
	close $fh;
	rename $self->_file('new'), $self->_file('script') or die "$!\n";
	return $self->forget;
}

sub _count {
	my ($self, $sign) = @_;
	open my $fh, '>>:raw', $self->_file('sessions') or die;
	syswrite $fh, $sign;
	return;
}

# no session is open, or none of those that were taken
sub idle {
	my ($self) = @_;
	open my $fh, '<', $self->_file('sessions') or return 1;
	return (<$fh> // '') !~ /\+\z/;
}

sub _script {
	my ($self) = @_;
	open my $fh, '<:raw', $self->_file('script') or die;
	local $/;
	return JSON::PP->new->latin1->decode(<$fh>);
}

sub _read {
	my ($c, $n) = @_;
	my $b = '';
	while (length $b < $n) {
		sysread $c, $b, $n - length $b, length $b or die "over\n";
	}
	return $b;
}

sub _packet { return pack('N', length $_[0]) . $_[0] }

sub _say {
	my ($c, @what) = @_;
	for my $w (@what) {
		if (!ref $w) {
			syswrite $c, _packet($w);
		} elsif ($w->[0] eq 'raw') {
			syswrite $c, $w->[1];
		} elsif ($w->[0] eq 'close') {
			die "over\n";
		} elsif ($w->[0] eq 'hang') {
			sysread $c, my $b, 1 while sleep(0.02) &&
			    !_gone($c);
			die "over\n";
		}
	}
	return;
}

sub _gone {
	my ($c) = @_;
	my $r = '';
	vec($r, fileno $c, 1) = 1;
	return 0 unless select($r, undef, undef, 0.05);
	return !sysread $c, my $b, 65536;
}

sub _serve {
	my ($self, $c) = @_;
	my $script = {};
	while (1) {
		my $n = unpack 'N', _read($c, 4);
		my $p = _read($c, $n);
		my ($cmd, $data) = (substr($p, 0, 1), substr $p, 1);
		# a connection may be used again, by another script
		$script = $self->_script if $cmd =~ /[OC]/;
		if ($cmd eq 'O') {
			my @f = unpack 'N3', $data;
			$self->_note(sprintf "O %d %x %x\n", @f);
			my $s = $script->{O} || [];
			if (ref $s->[0]) {
				_say($c, @$s);
				next;
			}
			_say($c, 'O' . pack('N3', $s->[0] // 6,
			    $s->[1] // 0x1ff, $s->[2] // 0) . ($s->[3] // ''));
			next;
		}
		my $shown = $data;
		if ($cmd eq 'C') {
			my ($host, $rest) = $data =~ /^([^\0]*)\0(.*)$/s;
			$shown = "$host " . substr($rest, 0, 1) . ' ' .
			    (length $rest > 1 ? substr($rest, 3) : '');
		}
		$shown =~ s/\0$//;
		$shown =~ s/\0/|/g;
		$shown =~ s/\r/\\r/g;
		$shown =~ s/\n/\\n/g;
		$self->_note("$cmd $shown\n");
		return if $cmd eq 'Q';
		my $s = $script->{$cmd};
		next if $cmd =~ /[ADK]/ && !$s;
		# a list of answers, or one
		_say($c, !defined $s ? 'c' : ref $s eq 'ARRAY' ? @$s : $s);
	}
}

1;
