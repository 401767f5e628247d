#!/usr/bin/perl
# qmgr is killed before the N-th call that changes a file or a name, or syncs
# one, from the enqueue of a message until nothing is left of it.  Whoever asks
# then what became of it hears the truth: yes, and it is delivered, or no, and
# it never was and never will be.
use strict;
use warnings;
use File::Copy qw(copy);
use Postrider::Faults::Page;
use Postrider::Queue;
use Test::More;

my $s = Postrider::Queue->new(conf => { sync_interval => '10ms' });
my $page = Postrider::Faults::Page->new($s->dir . '/faults');
chmod 0666, $s->dir . '/faults';
my %env = $page->env;
# where nobody can read it, too
copy($env{LD_PRELOAD}, $s->dir . '/shim.so') or die "shim: $!\n";
$env{LD_PRELOAD} = $s->dir . '/shim.so';

sub begin {
	local %ENV = (%ENV, %env);
	$s->again;
	return;
}

sub dead {
	return waitpid($s->pid, POSIX::WNOHANG()) != 0;
}

# how often an agent was asked to deliver it
sub tries {
	my ($q) = @_;
	return scalar grep { $_->{f}{q} eq $q } $s->asked('local');
}

# the whole way of one; what is wrong with it, or undef: it was not killed
sub killed {
	my ($n, $put, $to, @how) = @_;
	my $q = Postrider::Queue::id();
	$page->arm('qmgr', 'kill', $n);
	my $ok = eval { $s->put($to, id => $q, @how); 1 };
	$s->wait_for(sub { $page->fired || $s->log =~ /removed q=$q/ });
	return if !$page->disarm;

	$s->wait_for(\&dead) or return 'it lives';
	my $before = tries($q);
	begin();
	my $is = $s->call('settle', q => $q, $put ? (put => 'yes') : ());
	my $in = ($is->{f}{queued} // 'no') eq 'yes';
	$s->wait_empty or return 'it stays';
	my $tries = tries($q);
	return $tries ? '' : 'it was, but is not delivered' if $in;
	return '' if !$ok && !$tries;
	return ($ok ? 'taken' : 'not answered') . ", delivered ($before " .
	    "before the end, $tries in all), but it says that it never was";
}

begin();
for ([1, 'content that floats', 'ok@a.test', floats => 1],
    [1, 'a file that was put', ['ok@a.test', 'ok@b.test']],
    [0, 'a file', ['ok@a.test', 'ok@b.test']],
    [1, 'some that fails', ['ok@a.test', 'fail@b.test'],
	notify => ['', 'never']],
    [1, 'a report', ['fail@b.test']]) {
	my ($put, $what, $to, @how) = @$_;
	my ($n, @wrong) = (0);
	while (++$n < 100) {
		my $bad = killed($n, $put, $to, @how) // last;
		push @wrong, "before call $n: $bad" if $bad;
	}
	cmp_ok $n, '>', 5, "$what: killed before " . ($n - 1) . ' calls';
	is join("\n", @wrong), '', '... and the truth is told';
}
done_testing;
