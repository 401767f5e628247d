#!/usr/bin/perl
# Children are started when they are needed, kept ready as `spare' says,
# bounded by process_limit, and gone after max_idle.
use strict;
use warnings;
use JSON::PP;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(conf => { 'master.conf' => {
	'smtpd/spare' => 3, 'submission/process_limit' => 2,
	'submission/max_idle' => '1s', 'submission/uses' => 0 } })->start;

sub service {
	my ($name) = @_;
	my $j = decode_json($i->ctl_ok('status', '--json'));
	my ($s) = grep { $_->{service} eq $name } @{ $j->{services} };
	return $s;
}

is service('smtpd')->{spare}, 3, 'the setting is known';
ok $i->wait_for(sub { service('smtpd')->{processes} >= 3 }),
    'three are kept ready';
is service('lmtp')->{processes}, 0, 'none where nobody has come';

my $a = $i->smtp('submission');
is $a->greeting, 220, 'a client is served by a child made for it';
# a child may greet before master has read that it is ready
ok $i->wait_for(sub { service('submission')->{busy} == 1 }), 'which is busy';
my $b = $i->smtp('submission');
is $b->greeting, 220, 'a second at once';
my $c = Postrider::Smtp->new(port => $i->port('submission'), greeting => 0);
ok !eval { $c->fill(0.5); 1 }, 'a third waits: process_limit is 2';
ok $i->wait_log(qr/master\[\d+\]: limit .*service=submission/),
    'the limit is told';
$a->quit;
is scalar($c->reply), 220, 'and is served when one has become idle';
my @pid = @{ service('submission')->{pids} };
is @pid, 2, 'by one of the two';
$_->quit for $b, $c;
ok $i->wait_for(sub { service('submission')->{processes} == 0 }),
    'after max_idle both have gone';
is service('submission')->{crashes}, 0, 'in order';

my @many = map { $i->smtp } 1 .. 12;
is scalar(grep { $_->greeting == 220 } @many), 12, 'twelve at a time';
ok $i->wait_for(sub { service('smtpd')->{busy} == 12 }),
    'are twelve processes';
ok $i->wait_for(sub { service('smtpd')->{processes} >= 15 }),
    'and spare ones beside them';
ok $i->stop, 'stopped with clients connected';
done_testing;
