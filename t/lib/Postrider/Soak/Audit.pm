package Postrider::Soak::Audit;

# What the ledgers promise, against what lies in the mailboxes and at the sink.
#
# Of each message that was answered 250 a recipient's mailbox had one copy, and
# what its owner did to it since has been done: copies in a folder and in all
# are between bounds, which are one number unless a session was cut between a
# command and its answer.  Of one in SMTP's window either all recipients have
# it or none.  What was refused nobody has.
#
# Twice may come, and only where somebody was killed between: what a host was
# given, where smtp, qmgr or all were, or qmgr was told to end (it said 250, and
# that was not on our disk yet); a report, where bounce or cleanup was, too;
# what a session moved that was cut while it did (postrider-store(5)).  What is
# delivered to mailboxes never comes twice.

use strict;
use warnings;

use Postrider::Soak;

# { bad => [...], calm => [...]: what failed though nothing was killed, n =>
# {counts}, did => {counts} }
sub audit {
	my ($s) = @_;
	my $r = { bad => [], calm => [], n => {}, s => $s };
	read_ledgers($r, $s->ledger);
	my $got = mailboxes($r);
	messages($r, $got);
	relayed($r);
	reports($r);
	return $r;
}

sub bad { my ($r, @what) = @_; push @{ $r->{bad} }, join ' ', @what; return }

sub read_ledgers {
	my ($r, @line) = @_;
	my ($calm, $since) = (0, 0);
	for my $l (@line) {
		my ($t, $who, $verb, @w) = @$l;
		$r->{n}{$verb}++;
		if ($verb eq 'try') {
			my ($token, $how, @to) = @w;
			$r->{try}{$token} = { t => $t, how => $how,
			    to => \@to };
		} elsif ($verb eq 'ok' || $verb eq 'no') {
			my ($token, @to) = @w;
			my $m = $r->{try}{$token} or next;
			$m->{is}{$_} = $verb for @to ? @to : @{ $m->{to} };
		} elsif ($verb eq 'here') {
			my ($u, $f, $token, $min, $max) = @w;
			my $b = $r->{want}{$u}{$token}{in}{$f} //= [0, 0];
			$b->[0] += $min;
			$b->[1] += $max;
		} elsif ($verb eq 'sum') {
			my ($u, $token, $min, $max) = @w;
			my $b = $r->{want}{$u}{$token}{sum} //= [0, 0];
			$b->[0] += $min;
			$b->[1] += $max;
			# one that was there twice: of which is a flag?
			$r->{want}{$u}{$token}{copied} = 1 if $max > 0;
		} elsif ($verb eq 'flag') {
			$r->{flag}{ $w[0] }{ $w[1] } = $w[2];
		} elsif ($verb eq 'took') {
			my ($token, @to) = @w;
			push @{ $r->{took}{$token}{$_} }, $t for @to;
		} elsif ($verb eq 'failed') {
			push @{ $r->{failed}{ $w[0] } }, $t;
		} elsif ($verb eq 'trouble') {
			push @{ $r->{trouble} }, [$t, @w];
		} elsif ($verb eq 'calm' || $verb eq 'rough') {
			($calm, $since) = ($verb eq 'calm', $t);
		} elsif ($verb eq 'bad') {
			bad($r, "$who:", @w);
		} elsif ($verb eq 'err' && $calm && $t > $since + 45) {
			# what began before may end in that time
			push @{ $r->{calm} }, join ' ', int($t - $since),
			    $who, @w;
		} elsif ($verb eq 'did') {
			$r->{did}{ $w[0] }++;
		}
	}
	return;
}

sub mailboxes {
	my ($r) = @_;
	my $i = $r->{s}{i};
	my %got;
	my $base = $i->dir . '/mail/' . $i->{domains}[0];
	opendir my $dh, $base or return {};
	for my $u (grep { !/^\./ } readdir $dh) {
		next if $u eq 'reports';
		for my $f ('', '.Alpha', '.Beta') {
			my $name = $f eq '' ? 'INBOX' : $f =~ s/^\.//r;
			for my $file ($i->mails($u, $f)) {
				my ($token, $why) = Postrider::Soak::examine(
				    $i->slurp($file));
				bad($r, "$file $why") if !defined $token;
				next if !defined $token;
				$r->{n}{files}++;
				$got{$u}{$token}{in}{$name}++;
				$got{$u}{$token}{sum}++;
				$got{$u}{$token}{flag} = $file =~
				    /:2,[A-Z]*F/ ? 1 : 0;
			}
		}
	}
	return \%got;
}

# what was sent, as bounds for the mailboxes of its recipients
sub deliveries {
	my ($r, $got) = @_;
	my $n = $r->{n};
	for my $token (keys %{ $r->{try} }) {
		my $m = $r->{try}{$token};
		my @here = grep { !/\@/ } @{ $m->{to} };
		my ($took, $none) = (0, 0);
		for my $u (@here) {
			my $is = $m->{is}{$u} // 'window';
			my $w = $r->{want}{$u}{$token} //= {};
			my $min = $is eq 'ok' ? 1 : 0;
			my $max = $is eq 'no' ? 0 : 1;
			$n->{"mailbox-$is"}++;
			# all or none: one that is there says it of all
			if ($is eq 'window' && $m->{how} ne 'sendmail') {
				my $touched = %$w || $got->{$u}{$token};
				$took++ if $touched;
				$none++ if !$touched;
			}
			for my $b ($w->{in}{INBOX} //= [0, 0],
			    $w->{sum} //= [0, 0]) {
				$b->[0] += $min;
				$b->[1] += $max;
			}
		}
		bad($r, "$token: in the window, $took have it, $none not")
		    if $took && $none && $m->{how} ne 'lmtp';
		$n->{'window-taken'}++ if $took;
	}
	return;
}

sub messages {
	my ($r, $got) = @_;
	deliveries($r, $got);
	for my $u (keys %{ $r->{want} }) {
		for my $token (keys %{ $r->{want}{$u} }) {
			one_message($r, $u, $token, $r->{want}{$u}{$token},
			    delete $got->{$u}{$token} // {});
		}
	}
	for my $u (keys %$got) {
		bad($r, "$_ in the mailbox of $u: nobody sent it")
		    for keys %{ $got->{$u} };
	}
	return;
}

sub between {
	my ($n, $b) = @_;
	return $n >= $b->[0] && $n <= $b->[1];
}

sub one_message {
	my ($r, $u, $token, $w, $g) = @_;
	my $sum = $w->{sum} // [0, 0];
	my $n = $g->{sum} // 0;
	bad($r, "$token, $u: $n copies in all, not $sum->[0] to $sum->[1]")
	    if !between($n, $sum);
	$r->{n}{exact}++ if $sum->[0] == $sum->[1];
	for my $f (qw(INBOX Alpha Beta)) {
		my $have = $g->{in}{$f} // 0;
		my $b = $w->{in}{$f} // [0, 0];
		bad($r, "$token, $u: $have in $f, not $b->[0] to $b->[1]")
		    if !between($have, $b);
	}
	my $flag = $r->{flag}{$u}{$token} // '?';
	bad($r, "$token, $u: \\Flagged is $g->{flag}, not $flag")
	    if $n == 1 && !$w->{copied} && $flag ne '?' &&
	    $flag ne $g->{flag};
	$r->{n}{'flag-sure'}++ if $n == 1 && !$w->{copied} && $flag ne '?';
	return;
}

# was one of these killed in that time?
sub excused {
	my ($r, $re, $from, $to) = @_;
	# the clocks are one, but what is told is told a moment before
	return grep { $_->[0] > $from - 1 && $_->[0] < $to + 1 &&
	    $_->[1] =~ /^(?:TERM qmgr|stop|KILL (?:$re))\b/ }
	    @{ $r->{trouble} };
}

sub relayed {
	my ($r) = @_;
	for my $token (keys %{ $r->{try} }) {
		my $m = $r->{try}{$token};
		for my $to (grep { /\@/ && !/^bad-/ } @{ $m->{to} }) {
			my @t = @{ delete $r->{took}{$token}{$to} // [] };
			my $is = $m->{is}{$to} // 'window';
			my $n = @t;
			$r->{n}{"relay-$is"}++;
			bad($r, "$token to $to: answered 250, not relayed")
			    if $is eq 'ok' && !$n;
			bad($r, "$token to $to: refused, but relayed")
			    if $is eq 'no' && $n;
			next if $n < 2;
			$r->{n}{'relayed-twice'} += $n - 1;
			bad($r, "$token to $to: $n times, nothing was killed")
			    if !excused($r, 'smtp|qmgr|master|all', $t[0],
			    $t[-1]);
		}
	}
	for my $token (keys %{ $r->{took} }) {
		bad($r, "$token to $_ at the sink: nobody sent it")
		    for keys %{ $r->{took}{$token} };
	}
	return;
}

# a report for each recipient that the sink did not want
sub reports {
	my ($r) = @_;
	my $i = $r->{s}{i};
	my %got;
	for my $f ($i->mails('reports')) {
		my $text = $i->slurp($f);
		my ($token) = $text =~ /^X-Soak: (\S+)/m;
		my $own = $text =~ /\A(?:(?!\n\n).)*^X-Soak:/ms;
		if (!defined $token || $own) {
			bad($r, "$f: is no report");
			next;
		}
		$got{$token}++;
	}
	for my $token (keys %{ $r->{try} }) {
		my $m = $r->{try}{$token};
		my ($to) = grep { /^bad-/ } @{ $m->{to} } or next;
		my $is = $m->{is}{$to} // 'window';
		my $n = delete $got{$token} // 0;
		$r->{n}{reports} += $n;
		bad($r, "$token: no report") if $is eq 'ok' && !$n;
		bad($r, "$token: refused, but there is a report")
		    if $is eq 'no' && $n;
		next if $n < 2;
		my $t = $r->{failed}{$token} // [0];
		$r->{n}{'reports-twice'} += $n - 1;
		bad($r, "$token: $n reports, nothing was killed")
		    if !excused($r, 'smtp|qmgr|master|all|bounce|cleanup',
		    $t->[0], $t->[-1] + 20);
	}
	bad($r, "$_: a report, nobody sent it") for keys %got;
	return;
}

# ---- growth -----------------------------------------------------------------

sub median {
	my @v = sort { $a <=> $b } @_ or return 0;
	return $v[@v / 2];
}

# The second and the last quarter: medians of a measure, in all and of each
# program; ([what, then, now] ...)
sub quarters {
	my (@m) = @_;
	my $n = int(@m / 4);
	my @a = @m[$n .. 2 * $n - 1];
	my @b = @m[3 * $n .. $#m];
	my @out;
	for my $what (qw(procs pss fds disk)) {
		push @out, [$what, median(map { $_->{$what} } @a),
		    median(map { $_->{$what} } @b)];
	}
	my %name = map { map { $_ => 1 } keys %{ $_->{by} } } @m;
	for my $p (sort keys %name) {
		my @of = map { [grep { defined } map { $_->{by}{$p} } @$_] }
		    \@a, \@b;
		push @out, ["$p processes", map { median(map {
		    $_->{by}{$p}{n} // 0 } @$_) } \@a, \@b];
		for my $what (qw(pss fds)) {
			push @out, ["$p $what each", map { median(map {
				int($_->{$what} / $_->{n}) } @$_) } @of];
		}
	}
	return @out;
}

# What grew in single processes that lived through most of a calm stretch:
# ([program, processes, median kB, median descriptors, median seconds] ...)
sub growth {
	my ($seen, $least) = @_;
	my %by;
	for my $o (values %$seen) {
		next if !$o->{calm} || $o->{last} - $o->{first} < $least;
		push @{ $by{ $o->{program} } }, $o;
	}
	return map { my @o = @{ $by{$_} }; [$_, scalar @o,
	    median(map { $_->{pss2} - $_->{pss} } @o),
	    median(map { $_->{fds2} - $_->{fds} } @o),
	    median(map { int($_->{last} - $_->{first}) } @o)] }
	    sort keys %by;
}

1;
