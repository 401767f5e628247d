package Postrider::Outbound;

# smtp in a running suite; the test plays qmgr.
#
#   my $o = Postrider::Outbound->new($instance);
#   is $o->deliver($zoo, 'a@example.net'), 'ok keep', 'sent';
#   is $o->deliver($zoo, ['a@example.net', 'b@example.net']),
#       '1 deferred 4.7.1 450 4.7.1 come back later; ok keep', ...
#
# Fields of the request (proto/agent.h) and text => content follow.

use strict;
use warnings;
use Time::HiRes qw(time);

use Postrider::Ipc;

our $TEXT = "Received: from a by b; Sun, 22 Nov 2026 12:00:00 +0000\n" .
    "Subject: hello\n\nhi\n.dot\n";

sub new {
	my ($class, $instance, %arg) = @_;
	return bless { i => $instance, service => 'smtp', n => 0, %arg },
	    $class;
}

sub _content {
	my ($self, $text) = @_;
	open my $fh, '+>', undef or die "open: $!\n";
	binmode $fh;
	print {$fh} $text;
	$fh->flush;
	return $fh;
}

# ask without waiting; where: a Zoo or a next hop
sub ask {
	my ($self, $where, $to, %arg) = @_;
	$to = [$to] unless ref $to;
	$self->{c} ||= Postrider::Ipc->connect(
	    "$self->{i}{dir}/run/private/$self->{service}");
	my $text = delete $arg{text} // $TEXT;
	my $sender = $arg{sender} // 's@example.org';
	$text = "Return-Path: <$sender>\n" . (@$to == 1 ?
	    "Delivered-To: $to->[0]\n" : '') . $text;
	my $q = sprintf '4bX%08d', ++$self->{n};
	my %f = (q => $q, sender => $sender,
	    nexthop => ref $where ? $where->nexthop : $where,
	    size => length $text, wsize => ($text =~ tr/\n//) + length $text,
	    created => int(time * 1e6), session => 's1',
	    n => [1 .. @$to], addr => $to, orig => $to,
	    mailbox => [('') x @$to], quota => [(0) x @$to],
	    orcpt => [('') x @$to], notify => [('') x @$to], %arg);
	$self->{quiet} = !grep { /success/i } @{ $f{notify} };
	$self->{c}->send('deliver', [%f], $self->_content($text)) or
	    die "smtp: $!\n";
	return $q;
}

# records of the answer: results by index; who is delivered may be told early,
# and counts only where that was asked for
sub answer {
	my ($self) = @_;
	my %r = (more => {});
	while (my $m = $self->{c}->recv(60)) {
		if ($m->{verb} eq 'more') {
			$r{more}{ $m->{f}{i} // 0 } = $m->{f} unless
			    $self->{quiet} &&
			    ($m->{f}{status} // 'delivered') eq 'delivered';
			next;
		}
		@r{qw(verb f)} = @$m{qw(verb f)};
		return \%r;
	}
	delete $self->{c};
	return;
}

sub text {
	my ($r) = @_;
	return 'closed' unless $r;
	my @r = map {
		my $f = $r->{more}{$_};
		join ' ', $_, $f->{status} // 'delivered',
		    grep { defined } @$f{qw(dsn text)},
		    ($f->{dest_trouble} // '') eq 'yes' ? '!' : undef
	} sort { $a <=> $b } keys %{ $r->{more} };
	push @r, $r->{verb} eq 'ok' ? 'ok' .
	    (($r->{f}{keep} // '') eq 'yes' ? ' keep' : '') :
	    "err $r->{f}{dsn} $r->{f}{text}";
	return join '; ', @r;
}

sub deliver {
	my ($self, @arg) = @_;
	$self->{q} = $self->ask(@arg);
	return text($self->{last} = $self->answer);
}

# How much TLS a domain got: "policy verified", as smtp logs it, "clear", or the
# error
sub tls {
	my ($self, $domain, @more) = @_;
	my $mark = $self->{i}->log_mark;
	my $r = $self->deliver($domain, "r\@$domain", @more);
	return $1 if $r =~ /^0 \w+ (\d\S+ .*?)(?: !)?; ok/;
	my ($line) = $self->{i}->wait_log(qr/ sent .*q=\Q$self->{q}\E /, undef,
	    $mark);
	return 'clear' unless $line =~ / tls=/;
	return join ' ', $line =~ /policy=(\S+)/, $line =~ /verified=(\w+)/;
}

sub close { delete $_[0]{c}; return }

1;
