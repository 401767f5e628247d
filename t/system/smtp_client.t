#!/usr/bin/perl
# smtp against a server of the test: what is said, and what comes of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Postrider::Instance;
use Postrider::Outbound;
use Postrider::Zoo;

my $i = Postrider::Instance->new;
$i->start;
my $o = Postrider::Outbound->new($i);
my @all = qw(PIPELINING 8BITMIME DSN SMTPUTF8 ENHANCEDSTATUSCODES);
my $wire = $Postrider::Outbound::TEXT =~ s/\n/\r\n/gr;

my $z = Postrider::Zoo->new(offer => [@all, 'SIZE 1000000']);
is $o->deliver($z, 'a@example.net'), 'ok keep', 'sent';
my ($m) = $z->took;
is $m->{from}, 's@example.org', 'the sender';
is_deeply $m->{rcpt}, ['a@example.net'], 'the recipient';
is $m->{content}, $wire, 'the content, without our own fields';
is $m->{param}, 'SIZE=' . length $wire, 'its size';
is $o->deliver($z, 'b@example.net'), 'ok keep', 'a second message';
is $z->connections, 1, '... over the same connection';
my $log = $i->wait_log(qr/ sent .*to=b\@example\.net/);
like $log, qr/ q=$o->{q} /, 'logged';
done_testing;
