package Postrider::Enqueue;

# cleanup alone, with a router and a queue manager that say yes unless the
# test gives others; and the steps of a client.

use strict;
use warnings;
use Exporter qw(import);
use Postrider::Solo;

our @EXPORT = qw(cleanup_alone route_ok route_one queue_ok submit put);

# one record for the i-th address of a request
sub route_one {
	my ($c, $n, $addr, @more) = @_;
	my ($domain) = $addr =~ /@(.*)$/;
	$c->send('more', [n => $n, addr => $addr, transport => 'local',
	    nexthop => $domain, mailbox => $addr, @more]);
	return;
}

sub route_ok {
	my ($m, $c) = @_;
	return $c->send('ok', [addr => $m->{l}{addr}, idle => 'yes'])
	    if $m->{verb} eq 'rewrite';
	my $n = 0;
	route_one($c, $n++, $_) for @{ $m->{l}{addr} };
	$c->send('ok');
	return;
}

sub queue_ok {
	my ($m, $c) = @_;
	$c->send('ok') if $m->{verb} eq 'enqueue';
	$c->send('ok', [queued => $m->{f}{q} eq '00000000001' ? 'yes' : 'no'])
	    if $m->{verb} eq 'settle';
	return;
}

sub cleanup_alone {
	my (%arg) = @_;
	my $s = Postrider::Solo->new('cleanup', conf => $arg{conf} || {});
	$s->fake(router => $arg{router} || \&route_ok);
	$s->fake(qmgr => $arg{qmgr} || \&queue_ok);
	return $s->start(%arg);
}

# all bytes into the descriptor that begin gave
sub put {
	my ($r, $text) = @_;
	my $off = 0;
	while ($off < length $text) {
		$off += syswrite($r->{fd}, $text, 65536, $off) //
		    die "write: $!\n";
	}
	close $r->{fd};
	return;
}

# One message: rcpt (one or a list), content, begin => [more fields].  The last
# recipient goes with begin, or, with tell => 1, before it like the others.  The
# answer that decided; $_[1] of the list is that of begin.
sub submit {
	my ($c, %arg) = @_;
	my @rcpt = ref $arg{rcpt} ? @{ $arg{rcpt} } : $arg{rcpt};
	my $n = @rcpt;
	my @last;
	if (@rcpt && !$arg{tell}) {
		my $r = pop @rcpt;
		my %f = ref $r ? @$r : (addr => $r);
		@last = (rcpt => delete $f{addr}, %f);
	}
	for my $r (@rcpt) {
		$c->send('rcpt', ref $r ? $r : [addr => $r]);
	}
	my $b = $c->call('begin', [sender => $arg{from} // 'joe@example.org',
	    rcpts => $n, @last, helo => 'client.example.org',
	    client_addr => '192.0.2.7', proto => 'ESMTP',
	    @{ $arg{begin} || [] }]);
	return wantarray ? ($b, $b) : $b if $b->{verb} ne 'ok';
	put($b, $arg{content});
	my $r = $c->call('commit', [size => length $arg{content}]);
	return wantarray ? ($r, $b) : $r;
}

1;
