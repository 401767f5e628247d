package Postrider::Soak::Sink;

# The host that mail is relayed to: it takes most, and now and then says that
# it can not now, or hangs up where it likes.  A recipient bad* is none of its
# own.  While there is the file `kind' it takes everything.

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($soak, $sel, %peer);

# forks; the port
sub start {
	my ($s) = @_;
	my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64,
	    Proto => 'tcp') or die "sink: $!\n";
	$s->spawn('sink', sub { serve($s, $l) }, once => 1);
	return $l->sockport;
}

sub serve {
	my ($s, $l) = @_;
	($soak, $sel) = ($s, IO::Select->new($l));
	while (1) {
		for my $fh ($sel->can_read) {
			if ($fh == $l) {
				my $c = $l->accept or next;
				$peer{$c} = { in => '', to => [] };
				$sel->add($c);
				say_to($c, '220 sink.example');
				next;
			}
			my $p = $peer{$fh} or next;
			if (!sysread $fh, $p->{in}, 65536, length $p->{in}) {
				hang_up($fh);
				next;
			}
			one($fh, $p) while $peer{$fh} &&
			    ($p->{data} ? $p->{in} =~ /\r\n\.\r\n/ :
			    $p->{in} =~ /\n/);
		}
	}
	return;
}

sub say_to { my ($fh, $l) = @_; return syswrite $fh, "$l\r\n" }

sub hang_up {
	my ($fh) = @_;
	delete $peer{$fh};
	$sel->remove($fh);
	return close $fh;
}

sub moody {
	my ($share) = @_;
	return rand() < $share && !-e "$soak->{dir}/kind";
}

sub one {
	my ($fh, $p) = @_;
	return content($fh, $p) if $p->{data};
	$p->{in} =~ s/^(.*?)\r?\n// or return;
	my $l = $1;
	return hang_up($fh) if moody(0.005);
	return say_to($fh, "250-sink\r\n250 PIPELINING") if $l =~ /^EHLO/i;
	if ($l =~ /^MAIL FROM:/i) {
		$p->{to} = [];
		$p->{mail} = !moody(0.03);
		return say_to($fh, $p->{mail} ? '250 2.1.0 ok' :
		    '451 4.3.0 not now');
	}
	if ($l =~ /^RCPT TO:<(\S+)>/i) {
		my $to = $1;
		return say_to($fh, '503 5.5.1 from whom?') if !$p->{mail};
		if ($to =~ /^bad-(\w+)\@/) {
			$soak->note('failed', $1, $to);
			return say_to($fh, '550 5.1.1 nobody');
		}
		return say_to($fh, '452 4.2.2 full') if moody(0.04);
		push @{ $p->{to} }, $to;
		return say_to($fh, '250 2.1.5 ok');
	}
	if ($l =~ /^DATA/i) {
		return say_to($fh, '503 5.5.1 to whom?') if !@{ $p->{to} };
		$p->{data} = 1;
		# so that an empty content ends, too
		$p->{in} = "\r\n$p->{in}";
		return say_to($fh, '354 go');
	}
	if ($l =~ /^QUIT/i) {
		say_to($fh, '221 2.0.0 bye');
		return hang_up($fh);
	}
	$p->{mail} = 0;
	$p->{to} = [];
	return say_to($fh, '250 2.0.0 ok');
}

sub content {
	my ($fh, $p) = @_;
	$p->{in} =~ s/\A\r\n(.*?\r\n)\.\r\n//s;
	my $text = $1;
	$p->{data} = $p->{mail} = 0;
	return hang_up($fh) if moody(0.03);
	return say_to($fh, '451 4.3.0 later') if moody(0.04);
	$text =~ s/^\.//mg;
	my ($token, $why) = Postrider::Soak::examine($text);
	$soak->note('bad', "relayed: $why") if !defined $token;
	$soak->note('took', $token // '?', @{ $p->{to} });
	return say_to($fh, '250 2.0.0 taken');
}

1;
