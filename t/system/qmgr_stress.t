# Everything at once, by chance: mail of all kinds, orders of the admin, agents
# that die, kill -9.  At the end nothing is left, neither in the database nor
# on the disk.  (Seed: QMGR_SEED; seconds: QMGR_SECONDS.)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Queue;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = srand($ENV{QMGR_SEED} // time);
diag "QMGR_SEED=$seed";
my %conf = map { $_ => '1s' } qw(first_retry min_retry max_retry
    destination_suspend suspend_max transport_retry sweep_interval);
my $s = Postrider::Queue->new(conf => { %conf, lifetime => '5s',
    bounce_lifetime => '4s', delay_warning => '2s', active_limit => 100,
    destination_backlog => 10, result_delay => '20ms' });
open my $fh, '>', $s->dir . '/open' or die;
close $fh;
$s->start;

my @kinds = (('ok') x 60, ('defer') x 10, ('fail') x 10, ('trouble') x 4,
    'die', 'slow', ('gate') x 8, ('nobody') x 6);
my (@id, $n);

sub any { return $_[rand @_] }

sub some_mail {
	my @to = map { any(@kinds) . ++$n . '@d' . int(rand 8) . '.test' }
	    1 .. 1 + int rand(rand() < 0.03 ? 300 : 4);
	my %m = (priority => int(rand 19) - 9,
	    transport => [map { /^nobody/ ? 'nosuch' :
	    /^gate/ ? 'gate' : 'local' } @to],
	    notify => [map { any('', 'never', 'success', 'failure,delay') }
	    @to]);
	$m{sender} = '' if rand() < 0.2;
	$m{hold} = 1 if rand() < 0.1;
	$m{release_at} = int(time) + int rand 4 if rand() < 0.1;
	push @id, $s->put(\@to, %m);
	return;
}

sub some_order {
	my $verb = any(qw(list flush hold release delete show settle));
	my @f = rand() < 0.5 ? (to => 'd' . int(rand 8) . '.test') :
	    rand() < 0.5 ? (state => any(qw(active ready deferred hold
	    scheduled))) : (limit => int rand 20);
	@f = (q => any(@id)) if $verb =~ /^s/ || rand() < 0.5;
	$s->call($verb, @f) or die "qmgr has gone\n";
	return;
}

sub files { return glob $s->dir . '/spool/content/*/*' }

# After a crash: content whose envelope had just gone.  It stays for the sweep,
# which takes nothing so young.
my %orphan;
sub find_orphans {
	my %left = map { m{([^/]+)$} => $_ } files();
	my $after = '';
	do {
		my $r = $s->call('list', after => $after);
		delete $left{$_->{f}{q}} for @{ $r->{more} };
		$after = $r->{f}{next} // '';
	} while ($after ne '');
	$orphan{$_} = 1 for values %left;
	return;
}

my ($end, $crashes) = (time + ($ENV{QMGR_SECONDS} || 6), 0);
some_mail();
while (time < $end) {
	rand() < 0.6 ? some_mail() : some_order();
	$s->log;
	next if rand() > 0.004;
	$s->crash;
	$s->again;
	find_orphans();
	$crashes++;
}
diag scalar(@id) . " messages, $n recipients, $crashes crashes";
sub settled {
	$s->log;
	$s->delete_all if time > $end + 8;
	$s->delete_all(state => 'hold');
	return $s->list eq '';
}
$Postrider::Ipc::TIMEOUT = 60 if $Postrider::Ipc::TIMEOUT < 60;
ok $s->wait_for(\&settled), 'nothing is listed at the end';
my $stat = $s->call('stat')->{f};
is join(' ', map { $_ // 0 } @$stat{qw(messages rcpts active held)}),
    '0 0 0 0', 'nothing is counted';
is join(' ', grep { !$orphan{$_} } files()), '', 'no content is left';
unlike $s->log, qr/commit-failed|level=error/, 'and nothing went wrong';
done_testing;
