package Bench::Report;

# Collects figures by server and prints medians, the range, and the ratio to
# the first server.

use strict;
use warnings;
use Bench::Util 'median';
use JSON::PP ();

sub new {
	my ($class, %opt) = @_;
	return bless { figures => {}, servers => [], keys => [], %opt }, $class;
}

# one run of one server: key => number, or key => text
sub add {
	my ($self, $server, %v) = @_;
	push @{ $self->{servers} }, $server
	    unless grep { $_ eq $server } @{ $self->{servers} };
	for my $k (sort keys %v) {
		push @{ $self->{figures}{$server}{$k} }, $v{$k};
	}
	return unless $self->{out};
	open(my $f, '>>', $self->{out}) or die "$self->{out}: $!\n";
	print {$f} JSON::PP->new->canonical->encode({ server => $server,
		scenario => $self->{title}, time => time, %v }), "\n";
	close($f);
	return;
}

sub _num {
	my ($v) = @_;
	return '-' unless defined $v;
	my $a = abs $v;
	return sprintf($a >= 1000 ? '%.0f' : $a >= 10 ? '%.1f' : '%.3g', $v);
}

sub _cell {
	my ($v) = @_;
	return '-' unless $v && @$v;
	my @s = sort { $a <=> $b } @$v;
	return _num($s[0]) if @s == 1;
	return sprintf('%s [%s-%s]', _num(median(@s)), _num($s[0]),
	    _num($s[-1]));
}

# keys: list of [key, label]; the ratio is first server / other
sub print {
	my ($self, @keys) = @_;
	my @s = @{ $self->{servers} };
	print "\n$self->{title}\n";
	printf "%-26s" . (' %-26s' x @s) . "%s\n", '', @s,
	    @s > 1 ? " $s[0] : others" : '';
	for my $k (@keys) {
		my ($key, $label) = @$k;
		my @v = map { $self->{figures}{$_}{$key} } @s;
		next unless grep { defined } @v;
		my @m = map { $_ ? median(@$_) : undef } @v;
		my @r = map { defined $m[0] && $m[$_] ?
		    sprintf('%.2f', $m[0] / $m[$_]) : '-' } 1 .. $#s;
		printf "%-26s" . (' %-26s' x @s) . "%s\n", $label,
		    (map { _cell($_) } @v), @r ? ' ' . join(' ', @r) : '';
	}
	STDOUT->flush;
	return;
}

1;
