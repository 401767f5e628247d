package Postrider::Complaints;

# The one test of an account: nothing in it is wrong.  Where something is, the
# name of the test says what, for often no more is seen of it; and at the end
# of all output, behind the end of the log (Instance.pm), stands each complaint
# with the lines of the log about its message.
#
#   no_complaints($r->{bad}, 'all was delivered', $i);
#
# The first word of a complaint that looks like a name (m101x3-1) is searched in
# the log, and all that has the q= of those lines; and between them who died of
# those that a message goes through.

use strict;
use warnings;
use Exporter 'import';
use Test::Builder;

our @EXPORT_OK = qw(no_complaints);
my ($MOST, $LINES, $NAME) = (20, 40, 1500);
my $ENDS = qr/ crashed .*service=(?:smtpd|cleanup|qmgr|local) | replayed /;
my @last_words;

# the lines about it, in their order
sub _lines {
	my ($log, $complaint) = @_;
	my ($word) = $complaint =~ /(?<![\w\@-])([A-Za-z]+\d\w*(?:-\d+)?)/
	    or return;
	my $re = qr/(?<![\w-])\Q$word\E(?![\w-])/;
	my %q = map { / (q=\w+)/ ? ($1 => 1) : () } grep { /$re/ } @$log;
	my @at = grep { $log->[$_] =~ $re || ($log->[$_] =~ / (q=\w+)/ &&
	    $q{$1}) } 0 .. $#$log;
	return if !@at;
	my %is = map { $_ => 1 } @at;
	return map { $log->[$_] } grep { $is{$_} || $log->[$_] =~ $ENDS }
	    $at[0] .. $at[-1];
}

# without what all lines have: "27:43.660 local[27022]: delivered to=..."
sub _short {
	my ($line) = @_;
	$line =~ s/^\S+T\d\d:(\S{9})\d*Z/$1/;
	return substr $line, 0, 200;
}

# one test: is that list empty?  $s: whose log, if it has one
sub no_complaints {
	my ($bad, $name, $s) = @_;
	my $t = Test::Builder->new;
	return $t->ok(1, $name) if !@$bad;

	my @log = $s && $s->can('log_lines') ? $s->log_lines : ();
	my $n = @$bad;
	my @show = splice @{ [@$bad] }, 0, $MOST;
	my (%told, @said);
	for my $b (@show) {
		my @l = _lines(\@log, $b);
		splice @l, $LINES;
		push @said, [$b, @l && $told{"@l"}++ ? '(as above)' : @l];
	}
	my $long = "$name: $n wrong: " . join('; ', splice @show, 0, 3) .
	    '. Log: ' . join ' | ', map { _short($_) }
	    @{ $said[0] }[1 .. $#{ $said[0] }];
	$long =~ s/[#\n]/ /g;
	push @last_words, "what is wrong ($n), and the log of it:",
	    map { my ($b, @l) = @$_; ("* $b", map { "    $_" } @l) } @said;
	return $t->ok(0, substr $long, 0, $NAME);
}

# Instance.pm calls it when all has been said
sub last_words {
	Test::Builder->new->diag($_) for splice @last_words;
	return;
}

1;
