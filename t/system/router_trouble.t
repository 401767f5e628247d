#!/usr/bin/perl
# What our own machine lacks is a temporary error, whatever the address.
use strict;
use warnings;
use Test::More;
use Postrider::Solo;

my $s = Postrider::Solo->new('router', common => { domains => 'example.test' },
	conf => { aliases => 'inline:many=ann' });
$s->start(clients => 10);
my $c = $s->connect;

# kind and status code; what is not on the wire is the default
sub why {
	my ($r) = @_;
	return join ' ', $r->{verb}, $r->{f}{kind} // 'temp',
	    $r->{f}{dsn} // '4.3.0';
}

for my $addr ('ann@example.test', 'nobody', 'postmaster') {
	my $r = $c->call('resolve', [addr => $addr]);
	is why($r), 'err temp 4.3.0', "$addr without the table of mailboxes";
	$r = $c->call('route', [addr => $addr]);
	is why($r), 'err temp 4.3.0', 'to be routed too';
	is scalar @{ $r->{more} }, 0, 'no place is named';
}
my @lines = grep { /mailboxes/ } split /\n/, $s->log;
is scalar @lines, 1, 'it is logged once';

my $empty = Postrider::Solo->new('router',
	common => { domains => 'example.test' },
	conf => { mailboxes => 'inline:', aliases => '' });
$empty->start(clients => 10);
$c = $empty->connect;
my $r = $c->call('resolve', [addr => 'abuse@example.test']);
is why($r), 'err temp 4.3.0', 'nobody at all: abuse waits';
$r = $c->call('resolve', [addr => 'ann@example.test']);
is why($r), 'err perm 5.1.1', 'and others are unknown';

my @many = map { $empty->connect } 1 .. 9;
is scalar(grep { $_->call('ping', [])->{verb} eq 'ok' } @many), 9,
    'connections beside each other';
done_testing;
