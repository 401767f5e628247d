# One who sends very much makes nobody wait but himself: in a destination, in
# memory, and in what is loaded from the database.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Sink;
use Test::More;

my $s = Postrider::Sink->new(conf => { transport_limits => 'smtp:1:1:1:1',
    active_limit => 100, sender_active => 10, destination_backlog => 40,
    large_message => '1K' });
$s->start;

sub flood {
	my ($n, $to, $from) = @_;
	$s->mail("ok$_\@$to", sender => $from) for 1 .. $n;
	return;
}

# place of a recipient among the requests since the last look
sub places {
	my %at;
	my @new = grep { $_->[0] eq '+' } $s->news;
	$at{ $new[$_][3] } //= $_ for 0 .. $#new;
	return \%at;
}

sub active { return $s->call('list', state => 'active', to => $_[0])->{f}
    {rcpts} // 0 }

# in memory: senders of a destination, and destinations
$s->gate(0);
flood(9, 'f.test', 'flood@x.test');
$s->mail('okay@f.test', sender => 'small@x.test');
$s->mail('okey@f.test', sender => 'other@y.test');
$s->gate(1);
ok $s->wait_empty, 'delivered';
my $at = places();
cmp_ok $at->{'okay@f.test'}, '<=', 6, 'a sender beside the flood of another';
cmp_ok $at->{'okey@f.test'}, '<=', 4, 'one of another domain';

# the one agent is connected there, and goes on for some time
$s->gate(0);
flood(9, 'f.test', "flood$_\@x.test") for 1 .. 4;
$s->mail('ok@g.test', sender => 'flood1@x.test');
$s->gate(1);
ok $s->wait_empty, 'delivered';
$at = places();
my @g = grep { $_->[0] eq '+' } $s->events;
my ($i) = grep { $g[$_][3] eq 'ok@g.test' } 0 .. $#g;
cmp_ok $i - (@g - 37), '<=', 22, 'another destination has its turn';

# more than memory takes
$s->gate(0);
flood(150, 'f.test', 'flood@x.test');
cmp_ok $s->call('stat')->{f}{active}, '<=', 40,
    'a flood does not take the memory';
$s->mail('okay@g.test', sender => 'small@x.test');
is active('okay@g.test'), 1, 'there is room for others';
my @later = map { $s->mail("later$_\@f.test", sender => "s$_\@z.test") }
    1 .. 3;
$s->call('hold', q => $_) for @later;
$s->call('release', q => $_) for @later;
ok $s->wait_for(sub { 3 == active('later*') }),
    'what was filed behind it is loaded before it' or
    diag $s->call('stat')->{f}{active};
cmp_ok active('ok*@f.test'), '<', 60, 'which is loaded in part';
$s->gate(1);
ok $s->wait_empty, 'delivered';
$at = places();
cmp_ok $at->{"later$_\@f.test"}, '<=', 12, "its turn comes soon: $_" for 1 .. 3;
is scalar(grep { /^ok\d+\@f/ } keys %$at), 150, 'and all of the flood';

# large mail has the places of old mail
$s->gate(0);
$s->mail('okfirst@h.test');
ok $s->wait_for(sub { active('okfirst*') }), 'one at work';
$s->mail("oklarge$_\@h.test", size => 4096) for 1 .. 5;
$s->mail("oksmall$_\@h.test") for 1 .. 5;
$s->gate(1);
ok $s->wait_empty, 'delivered';
$at = places();
my $before = grep { $at->{"oklarge$_\@h.test"} < $at->{'oksmall5@h.test'} }
    1 .. 5;
cmp_ok $before, '<=', 2, 'small mail does not wait for large mail';
done_testing;
