#!/usr/bin/perl
# What system passes on: each account is a destination of its own there, what
# was done is not done again, and nobody else may move anything.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Queue;
use Test::More;

my $s = Postrider::Queue->new(conf => { first_retry => '1h',
    transport_limits => 'system:1:8:32:32' });
my $open = $s->dir . '/open.command';
# all* are moved, part* in part, both at once, but all2* at the second attempt;
# others are delivered
$s->fake(system => sub {
	my ($m, $c) = @_;
	my @to = @{ $m->{l}{addr} };
	for my $i (0 .. $#to) {
		my ($how) = $to[$i] =~ /^(all|part)/ or next;
		$c->send('more', [i => $i, status => $to[$i] =~ /^all2/ &&
		    Postrider::Queue::_once($s->dir . "/$to[$i]") ?
		    'deferred' : 'moved', dsn => '4.3.0', text => 'soon',
		    partly => $how eq 'part' ? 'yes' : 'no']);
	}
	$c->send('ok');
});
# one at a time, once it is open; the first attempt of late* is deferred
$s->fake(command => sub {
	my ($m, $c) = @_;
	select undef, undef, undef, 0.02 while !-e $open;
	my $to = $m->{l}{addr}[0];
	$c->send('more', [i => 0, status => $to =~ /bad/ ? 'moved' :
	    'deferred', dsn => '4.3.0', text => 'later', partly => 'yes'])
	    if $to =~ /bad/ ||
	    $to =~ /late/ && Postrider::Queue::_once($s->dir . "/$to");
	$c->send('ok');
});
$s->fake(local => sub {
	my ($m, $c) = @_;
	$c->send('more', [i => 0, status => 'moved']);
	$c->send('ok');
});
$s->start;

# of an account, to the system
sub mail {
	my ($login, @to) = @_;
	return $s->put(\@to, transport => [('system') x @to],
	    nexthop => [('') x @to], mailbox => [($login) x @to]);
}
# "addr>mailbox" of what that service was asked
sub asked {
	my ($name) = @_;
	return join ' ', sort map { my $l = $_->{l};
	    map { "$l->{addr}[$_]>$l->{mailbox}[$_]" } 0 .. $#{ $l->{addr} } }
	    $s->asked($name);
}

mail('kim', "all$_\@h.test") for 1 .. 4;
mail('lee', 'all5@h.test', 'ok@h.test');
ok $s->wait_log(qr/deferred .*to=all2\@/), 'one waits at system';
ok $s->wait_for(sub { 5 == (() = $s->list =~ /=/g) }), '... four elsewhere';
$s->call('flush');
my $want = join ' ', (map { "all$_\@h.test>command:kim" } 1 .. 4),
    'all5@h.test>command:lee';
ok $s->wait_for(sub { $want eq join ' ', map { "$_->{f}{rcpt}>$_->{f}{dest}" }
    @{ $s->call('list')->{more} } }), 'shown where they are';
open my $fh, '>', $open or die;
close $fh;
ok $s->wait_empty, 'they end';
is asked('command'), join(' ', (map { "all$_\@h.test>kim" } 1 .. 4),
    'all5@h.test>lee'), 'as they were asked for';

# what was done by half is not begun again
mail('kim', 'partlate@h.test');
ok $s->wait_log(qr/deferred .*to=partlate\@h\.test transport=command dest=kim/),
    'the rest is tried';
$s->crash;
$s->again;
$s->call('flush');
ok $s->wait_empty, 'and tried again';
is scalar(() = asked('system') =~ /partlate/g), 1, 'alone';
is scalar(() = asked('command') =~ /partlate\@h\.test>kim:\|/g), 2,
    '... and the mailbox says so';

# who may not
mail('kim', 'allbad@h.test');
ok $s->wait_log(qr/deferred .*to=allbad\@h.test transport=command .*can not/),
    'nothing is moved from there';
$s->put('x@a.test', mailbox => ['kim']);
ok $s->wait_log(qr/deferred .*to=x\@a\.test transport=local .*can not be/),
    'nor by others';
mail('kim:|', 'partx@h.test');
ok $s->wait_log(qr/deferred .*to=partx\@h\.test transport=system .*can not/),
    'nor twice';
mail('kim', 'alllate@h.test');
ok $s->wait_log(qr/deferred .*to=alllate\@h\.test transport=command/), 'kept';
$s->call('flush');
ok $s->wait_for(sub { asked('command') =~ /alllate.*alllate/ }),
    'all of it is tried again there';
done_testing;
