package Postrider::ZoneServer;

# The server of Postrider::Zone: answers from its zones as RFC 1034 section
# 4.3.2 and RFC 4035 section 3.1 say, or goes wrong as it is told.

use strict;
use warnings;

use IO::Select;
use JSON::PP ();
use Net::DNS;
use Net::DNS::ZoneFile;
use Time::HiRes qw(time);

# the records of a master file
sub records {
	my ($text) = @_;
	open my $fh, '<', \$text or die "zone: $!\n";
	return Net::DNS::ZoneFile->new($fh)->read;
}

sub new {
	my ($class, $text, $fault) = @_;
	my $self = bless { zones => {}, fault => { %$fault }, log => [],
	    later => [], held => [] }, $class;
	$self->set_zone($_, $text->{$_}) for keys %$text;
	return $self;
}

# by which names are in canonical order (RFC 4034 section 6.1)
sub order { return join "\0", reverse split /\./, lc $_[0] }

sub set_zone {
	my ($self, $name, $text) = @_;
	my %z = (name => lc $name, rr => {}, sig => {}, exists => {});
	for my $rr (records($text)) {
		my ($owner, $type) = (lc $rr->owner, $rr->type);
		if ($type eq 'RRSIG') {
			push @{ $z{sig}{$owner}{ $rr->typecovered } }, $rr;
			next;
		}
		push @{ $z{rr}{$owner}{$type} }, $rr;
		while ($owner ne $z{name} && !$z{exists}{$owner}++) {
			last unless $owner =~ s/^[^.]+\.//;
		}
	}
	$z{exists}{ $z{name} } = 1;
	$z{nsec} = [sort { order($a->owner) cmp order($b->owner) }
	    map { @{ $_->{NSEC} || [] } } values %{ $z{rr} }];
	$self->{zones}{ lc $name } = \%z;
	return;
}

# ---- faults ----------------------------------------------------------------

sub fault {
	my ($self, $name, $type) = @_;
	my $f = $self->{fault};
	for my $key ("$name/$type", $name) {
		return $f->{$key} if defined $f->{$key};
	}
	my $up = $name;
	while ($up =~ s/^[^.]+\.//) {
		return $f->{"*.$up"} if defined $f->{"*.$up"};
	}
	return $f->{'*'} // '';
}

# ---- what a zone says ------------------------------------------------------

sub zone_of {
	my ($self, $name, $type) = @_;
	# a DS is its parent's
	$name =~ s/^[^.]+\.// if $type eq 'DS' && $self->{zones}{$name};
	while (1) {
		return $self->{zones}{$name} if $self->{zones}{$name};
		$name =~ s/^[^.]+\.// or return;
	}
}

# records and their signatures, of another name where a wildcard made them
sub with_sigs {
	my ($z, $owner, $type, $as) = @_;
	my @rr = (@{ $z->{rr}{$owner}{$type} || [] },
	    @{ $z->{sig}{$owner}{$type} || [] });
	return @rr unless defined $as;
	return map { my $c = Net::DNS::RR->new($_->plain); $c->owner($as); $c }
	    @rr;
}

# the NSEC that is at the name, or proves that it is not there
sub nsec {
	my ($z, $name) = @_;
	my $found;
	for my $rr (@{ $z->{nsec} }) {
		last if order($rr->owner) gt order($name);
		$found = $rr;
	}
	return unless $found;
	return with_sigs($z, lc $found->owner, 'NSEC');
}

sub unique {
	my %seen;
	return grep { !$seen{ $_->plain }++ } @_;
}

# nothing of that type, or no such name
sub negative {
	my ($z, $r, $name, $wild) = @_;
	my @auth = with_sigs($z, $z->{name}, 'SOA');
	push @auth, nsec($z, $name);
	push @auth, nsec($z, $wild) if defined $wild;
	$r->push(authority => unique(@auth));
	return;
}

sub delegation {
	my ($z, $name) = @_;
	while ($name ne $z->{name}) {
		return $name if $z->{rr}{$name}{NS};
		last unless $name =~ s/^[^.]+\.//;
	}
	return;
}

sub refer {
	my ($z, $r, $at) = @_;
	my @ns = @{ $z->{rr}{$at}{NS} };
	$r->header->aa(0);
	$r->push(authority => @ns, with_sigs($z, $at, 'DS'));
	$r->push(authority => nsec($z, $at)) unless $z->{rr}{$at}{DS};
	$r->push(additional => map { @{ $z->{rr}{ lc $_->nsdname }{A} || [] } }
	    @ns);
	return;
}

# the name, or the wildcard that stands for it, or none of them
sub match {
	my ($z, $name) = @_;
	return ($name) if $z->{exists}{$name};
	my $up = $name;
	while ($up =~ s/^[^.]+\.//) {
		return $z->{exists}{"*.$up"} ? ("*.$up", $name) :
		    (undef, "*.$up") if $z->{exists}{$up};
	}
	return (undef, "*.$z->{name}");
}

sub answer {
	my ($self, $r, $name, $type) = @_;
	my $z = $self->zone_of($name, $type);
	if (!$z) {
		$r->header->rcode('NXDOMAIN');
		$r->push(authority => Net::DNS::RR->new(
		    '. 60 SOA . . 1 3600 600 86400 60'));
		return;
	}
	my $cut = delegation($z, $name);
	return refer($z, $r, $cut) if defined $cut && !($cut eq $name &&
	    $type eq 'DS');
	my ($owner, $as) = match($z, $name);
	if (!defined $owner) {
		$r->header->rcode('NXDOMAIN');
		return negative($z, $r, $name, $as);
	}
	my $have = $z->{rr}{$owner} || {};
	my ($got) = grep { $have->{$_} } $type, 'CNAME';
	return negative($z, $r, $name, defined $as ? $owner : undef) if !$got;
	$r->push(answer => with_sigs($z, $owner, $got, $as));
	$r->push(authority => nsec($z, $name)) if defined $as;
	return;
}

# ---- messages --------------------------------------------------------------

sub spoil {
	my ($rr) = @_;
	return $rr if $rr->type ne 'RRSIG';
	my $bad = Net::DNS::RR->new($rr->plain);
	my $bytes = $bad->sigbin;
	substr($bytes, 5, 1) = chr(ord(substr $bytes, 5, 1) ^ 0x55);
	$bad->sigbin($bytes);
	return $bad;
}

# a reply without signatures, or with false ones
sub change {
	my ($r, $how) = @_;
	for my $section (qw(answer authority)) {
		my @rr = $section eq 'answer' ? $r->answer : $r->authority;
		1 while $r->pop($section);
		$r->push($section => $how eq 'bogus' ? map { spoil($_) } @rr :
		    grep { $_->type !~ /^(?:RRSIG|NSEC)$/ } @rr);
	}
	return;
}

# what kind of reply; the message where there is one
sub reply {
	my ($self, $bytes, $tcp) = @_;
	my ($q) = Net::DNS::Packet->decode(\$bytes);
	return ('drop') unless $q && $q->question;
	my ($question) = $q->question;
	my ($name, $type) = (lc $question->qname, $question->qtype);
	push @{ $self->{log} }, "$name $type " . ($tcp ? 'tcp' : 'udp');
	my $fault = $self->fault($name, $type);
	my $r = $q->reply(65535);
	$r->header->ra(1) if $q->header->rd;
	$r->header->aa(1);
	$r->header->rcode('NOERROR');
	my $do = $q->edns->size && $q->header->do;
	if ($fault =~ /^(?:servfail|refused|notimp)$/) {
		$r->header->rcode(uc $fault);
	} elsif ($fault eq 'lame') {
		$r->header->aa(0);
		$r->header->ra(0);
		$r->push(authority => Net::DNS::RR->new(
		    '. 3600 NS a.root-servers.net.'));
	} else {
		$self->answer($r, $name, $type);
		change($r, $do ? $fault : 'nosig')
		    if !$do || $fault eq 'bogus' || $fault eq 'nosig';
	}
	my $room = $q->edns->size || 512;
	my $data = $r->data;
	if (!$tcp && ($fault =~ /^(?:truncate|notcp)$/ ||
	    length $data > $room)) {
		my $short = $q->reply;
		$short->header->aa(1);
		$short->header->rcode('NOERROR');
		$short->header->tc(1);
		$data = $short->data;
	}
	$data = substr($data, 0, 2) . "\xc0" x 30 if $fault eq 'garbage';
	return ($fault, $data);
}

# ---- the loop --------------------------------------------------------------

sub send_later {
	my ($self, $fault, $send) = @_;
	return push @{ $self->{held} }, $send if $fault eq 'hold';
	return $send->() if $fault !~ /^slow:([\d.]+)$/;
	push @{ $self->{later} }, [time + $1, $send];
	return;
}

sub on_udp {
	my ($self, $udp) = @_;
	my $from = $udp->recv(my $bytes, 65535) // return;
	my ($fault, $data) = $self->reply($bytes, 0);
	return if $fault eq 'drop' || !defined $data;
	$self->send_later($fault, sub { $udp->send($data, 0, $from) });
	return;
}

# false: the connection ends
sub on_stream {
	my ($self, $c) = @_;
	sysread $c, $self->{in}{$c}, 65535, length($self->{in}{$c} // '')
	    or return 0;
	while ($self->{in}{$c} =~ /^(..)/s) {
		my $n = unpack 'n', $1;
		last if length $self->{in}{$c} < 2 + $n;
		my $bytes = substr $self->{in}{$c}, 2, $n;
		substr($self->{in}{$c}, 0, 2 + $n) = '';
		my ($fault, $data) = $self->reply($bytes, 1);
		return 0 if $fault eq 'notcp';
		next if $fault eq 'drop' || !defined $data;
		$self->send_later($fault, sub {
			syswrite $c, pack('n', length $data) . $data;
		});
	}
	return 1;
}

sub on_control {
	my ($self, $c) = @_;
	my $line = <$c> // return 0;
	my ($op, @arg) = @{ JSON::PP::decode_json($line) };
	my @out;
	if ($op eq 'zone') {
		$self->set_zone(@arg);
	} elsif ($op eq 'fault') {
		my %new = @arg;
		$self->{fault}{$_} = $new{$_} for keys %new;
		$_->() for splice @{ $self->{held} };
	} else {
		@out = @{ $self->{log} };
		$self->{log} = [];
	}
	syswrite $c, JSON::PP::encode_json(\@out) . "\n";
	return 1;
}

sub run_later {
	my ($self) = @_;
	my $now = time;
	my @due = grep { $_->[0] <= $now } @{ $self->{later} };
	$self->{later} = [grep { $_->[0] > $now } @{ $self->{later} }];
	$_->[1]->() for @due;
	return;
}

# until the control socket is closed
sub run {
	my ($self, $udp, $tcp, $control) = @_;
	my $select = IO::Select->new($udp, $tcp, $control);
	local $SIG{PIPE} = 'IGNORE';
	while (1) {
		$self->run_later;
		for my $fh ($select->can_read(@{ $self->{later} } ? 0.01 :
		    undef)) {
			if ($fh == $udp) {
				$self->on_udp($udp);
			} elsif ($fh == $tcp) {
				my $c = $tcp->accept or next;
				$select->add($c);
			} elsif ($fh == $control) {
				$self->on_control($control) or return;
			} elsif (!$self->on_stream($fh)) {
				delete $self->{in}{$fh};
				$select->remove($fh);
				close $fh;
			}
		}
	}
}

1;
