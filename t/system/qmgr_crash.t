# Nothing that was answered is lost: kill -9, dying agents, missing content,
# a full disk, the hand-over to a successor.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Queue;
use Test::More;
use Time::HiRes qw(sleep time);

my $s = Postrider::Queue->new(conf => { first_retry => '1s',
    sweep_age => '1h', sweep_interval => '1s' });
$s->start;

$s->put('defer@a.test');
ok $s->wait_for(sub { ($s->call('stat')->{f}{commits} // 0) > 1 }),
    'one is deferred';
$s->put("gate$_\@a.test") for 1 .. 5;
$s->crash;
$s->again;
is scalar(() = $s->list =~ /=/g), 6, 'all are there after a kill'
    or diag $s->list;
open my $fh, '>', $s->dir . '/open' or die;
close $fh;
ok $s->wait_for(sub { $s->list !~ /gate/ }), 'and delivered';
my %again = map { $_->{f}{addr} => $_->{f}{again} // 'no' }
    $s->asked('gate');
is join(' ', map { $again{"gate$_\@a.test"} } 1 .. 5),
    'yes yes yes yes yes', 'the agent is told to look first';
$s->call('flush');
ok $s->wait_log(qr/attempts=2/), 'the other one';
is +($s->asked('local'))[-1]{f}{again}, 'yes', 'the same';
$s->delete_all;

my $id = $s->put(['die1@a.test', 'ok@a.test']);
ok $s->wait_empty, 'an agent that dies';
my @m = grep { $_->{f}{q} eq $id } $s->asked('local');
is scalar @m, 2, 'is asked again';
is $m[1]{f}{again}, 'yes', 'to look first';
ok $s->wait_log(qr/agent-lost level=warn transport=local requests=1/),
    'logged';
unlike $s->log, qr/deferred q=$id/, 'no attempt is lost';
$id = $s->put(['die2@a.test', 'die3@a.test', 'die4@a.test']);
ok $s->wait_log(qr/deferred q=$id .*agent died/),
    'a message at which agents die is put off';
ok $s->wait_empty, 'delivered at last';

# an envelope without content
my $no = $s->put('ok@a.test', empty => 1);
ok $s->wait_log(qr/held level=error q=$no reason="content file is missing"/),
    'a missing content file is loud';
is $s->list, 'ok@a.test=hold', 'and the envelope is kept';
is $s->call('list')->{more}[0]{f}{text}, 'content file is missing',
    'with the reason';
$s->content($no);
$s->call('release');
ok $s->wait_empty, 'released, once it is there again';

# content without envelope
my $old = $s->content(Postrider::Queue::id(7200));
utime time - 7200, time - 7200, $s->file($old);
my $young = $s->content(Postrider::Queue::id(7200));
my $kept = $s->put('ok@a.test', id => $s->content(Postrider::Queue::id(7200)),
    hold => 1);
utime time - 7200, time - 7200, $s->file($kept);
ok $s->wait_log(qr/orphan-removed level=warn q=$old/), 'an orphan';
ok !-e $s->file($old), 'is removed';
sleep 1;
ok -e $s->file($young), 'not one that was written lately';
ok -e $s->file($kept), 'and not one of a message';
$s->delete_all;

# settle
my ($q1, $q2) = ($s->put('slow@a.test'), Postrider::Queue::id());
is $s->call('settle', q => $q1)->{f}{queued}, 'yes', 'it is queued';
ok $s->wait_empty, 'delivered';
is $s->call('settle', q => $q1)->{f}{queued}, 'yes', 'it was';
is +($s->call('settle', q => $q2)->{f}{queued} // 'no'), 'no',
    'it was never';
for my $when ('now', 'after a crash') {
	my $r = $s->call(enqueue => @{ Postrider::Queue::fields($q2,
	    'ok@a.test') });
	is "$r->{verb} $r->{f}{kind}", 'err temp', "and never will be $when";
	next if $when ne 'now';
	$s->crash;
	$s->again;
}
is $s->call('settle', q => $q1)->{f}{queued}, 'yes',
    'an older one whose content has gone was';
my $q3 = Postrider::Queue::id();
$s->crash;
$s->again;
is $s->call('settle', q => $q3, put => 'yes')->{f}{queued} // 'no', 'no',
    '... but where it was to be put, there may have been no content';
is $s->call('settle', q => $q1, put => 'yes')->{f}{queued}, 'yes',
    'what left the queue is known after a crash, too';

# none of many pushes another out
my @many = map { $s->put("ok$_\@a.test", floats => 1) } 1 .. 1000;
ok $s->wait_empty, 'a thousand are delivered';
is scalar(grep { ($s->call('settle', q => $_, put => 'yes')->{f}{queued} //
    'no') ne 'yes' } @many), 0, '... which is known of each';

# a successor
unlink $s->dir . '/open';
$s->put("gate$_\@a.test") for 1 .. 3;
$s->put('slow@b.test');
$s->drain;
open $fh, '>', $s->dir . '/open' or die;
close $fh;
is $s->wait_exit, 0, 'an old generation ends by itself';
$s->again;
is $s->list, '', 'what was under way is done with' or diag $s->list;

# SIGTERM: what is under way is waited for, or it would be done again
unlink $s->dir . '/open';
my $at = $s->asked('gate');
$s->put('gate8@a.test');
ok $s->wait_for(sub { $s->asked('gate') > $at }), 'one is under way';
kill 'TERM', $s->pid;
is join(' ', map { eval { $s->call('stat')->{verb} } } 1, 2), 'ok ok',
    'it does not end at once';
open $fh, '>', $s->dir . '/open' or die;
close $fh;
is $s->wait_exit, 0, '... but when that is done';
$s->again(drain_timeout => '10m', first_retry => '1s');
is $s->list, '', '... which is on the disk';
is scalar(my @a = $s->asked('gate')), $at + 1, '... and not done again';
unlink $s->dir . '/open';
$s->put('gate9@a.test');
ok $s->wait_for(sub { $s->asked('gate') > $at + 1 }), 'another';
for (1, 2) {
	# of two that come at once it sees one
	kill 'TERM', $s->pid;
	$s->wait_for(sub {
		open my $p, '<', '/proc/' . $s->pid . '/status' or return 1;
		return !grep { /^ShdPnd:\s*\w*[4-7c-f]\w{3}$/ } <$p>;
	});
}
is $s->wait_exit, 0, 'a second SIGTERM waits for nothing';
open $fh, '>', $s->dir . '/open' or die;
close $fh;
$s->again;
ok $s->wait_empty, 'it is done by the next';

# a damaged database
$s->stop;
open $fh, '+<', $s->dir . '/spool/queue.db' or die;
seek $fh, 0, 0;
print {$fh} 'x' x 100;
close $fh;
ok !eval { $s->again; 1 }, 'a damaged database is refused';
like $s->log, qr/start level=error .*not a database/, 'loudly';
done_testing;
