#!/usr/bin/perl
# A message from a login to another host, through the whole suite.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Postrider::Instance;
use Postrider::Zoo;

my $z = Postrider::Zoo->new(offer => [qw(PIPELINING 8BITMIME)]);
my $i = Postrider::Instance->new(users => { ann => 'pw' },
    conf => { 'router.conf' => { relayhost => $z->nexthop } });
$i->start;

sub submit {
	my ($n) = @_;
	return scalar $i->send(port => 'submission', auth => ['ann', 'pw'],
	    from => 'ann@example.test', to => "joe$n\@example.net",
	    message => "From: ann\@example.test\nSubject: $n\n\nhi\n");
}

is submit(1), 250, 'accepted';
ok $i->wait_for(sub { (my @m = $z->took) == 1 }), 'relayed';
my ($m) = $z->took;
is $m->{from}, 'ann@example.test', 'the sender';
like $m->{content}, qr/^Received: .*Subject: 1\r\n\r\nhi\r\n\z/s,
    'the content';
ok $i->wait_log(qr/ sent .*to=joe1\@example\.net relay=\S+/), 'logged';
ok $i->wait_for(sub { $i->queue('list') !~ /joe1/ }), 'the queue is empty';
done_testing;
