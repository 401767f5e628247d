package Postrider::Delivery;

# local, or another agent (program => 'pipe'), alone; the test plays qmgr.
#
#   my $l = Postrider::Delivery->new;
#   my $m = $l->message("Subject: x\n\nhi\n");
#   is $l->deliver($m, ['ann']), 'ok', 'delivered';
#   is $l->deliver($m, ['ann', 'bob']), '1 deferred 4.3.0 ...; ok', ...
#
# Recipients are local parts of example.test, or with system => 1 accounts.

use strict;
use warnings;
use parent -norequire, 'Postrider::Solo';
use Time::HiRes qw(time);

use Postrider::Solo;

my @digit = ('0' .. '9', 'A' .. 'Z', 'a' .. 'z');
my $last = 0;

# a queue id and its number
sub _qid {
	my $n = (int(time * 1e6) << 12) | ($last++ & 0xfff);
	my ($q, $x) = ('', $n);
	for (1 .. 11) {
		use integer;
		$q = $digit[$x % 62] . $q;
		$x /= 62;
	}
	return ($q, $n);
}

sub new {
	my ($class, %arg) = @_;
	my $self = $class->SUPER::new($arg{program} || 'local', %arg);
	$self->{system} = $arg{system};
	return $self;
}

# a message as cleanup leaves it in the spool
sub message {
	my ($self, $text) = @_;
	my ($q, $n) = _qid();
	my $path = sprintf '%s/spool/content/%02x/%s', $self->{dir},
	    $n & 0xff, $q;
	open my $fh, '>:raw', $path or die "$path: $!\n";
	print {$fh} $text;
	close $fh or die "$path: $!\n";
	my ($uid, $gid) = (stat "$self->{dir}/spool")[4, 5];
	chown $uid, $gid, $path;
	chmod 0440, $path;
	my $lf = $text =~ tr/\n//;
	return { q => $q, path => $path, size => length $text,
	    wsize => $lf + length $text };
}

# ask without waiting for the answer
sub ask {
	my ($self, $m, $to, %arg) = @_;
	$self->{c} ||= $self->connect;
	open my $fh, '<', delete $arg{file} || $m->{path} or
	    die "content: $!\n";
	my $at = $self->{system} ? '' : 'example.test/';
	my %f = (q => $m->{q}, sender => 's@example.org', size => $m->{size},
	    wsize => $m->{wsize}, created => 1700000000 * 1e6,
	    session => 's1', n => [1 .. @$to],
	    addr => [map { "$_\@example.test" } @$to],
	    mailbox => [map { "$at$_" } @$to], %arg);
	$self->{c}->send('deliver', [%f], $fh);
	return;
}

# what came back: "INDEX STATUS DSN TEXT" for each that was not delivered,
# then ok or the error
sub answer {
	my ($self) = @_;
	my @r;
	while (my $m = $self->{c}->recv) {
		my %f = %{ $m->{f} };
		if ($m->{verb} eq 'more') {
			push @r, join ' ', $f{i} // 0,
			    map { $f{$_} // '' } qw(status dsn text);
			next;
		}
		return join '; ', @r, $m->{verb} eq 'ok' ? 'ok' :
		    "err $f{dsn} $f{text}";
	}
	delete $self->{c};
	return join '; ', @r, 'closed';
}

sub deliver {
	my ($self, @arg) = @_;
	$self->ask(@arg);
	return $self->answer;
}

sub maildir { return "$_[0]{dir}/mail/example.test/$_[1]/Maildir" }

sub files {
	my ($self, $user, $sub) = @_;
	opendir my $dh, $self->maildir($user) . '/' . ($sub // 'new') or
	    return;
	my @f = sort grep { !/^\./ } readdir $dh;
	return @f;
}

1;
