# Peers that break off half-way: what they said counts, what they did not say
# is not made up.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Postrider::Instance;
use Postrider::Ipc;
use Postrider::Smtp;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' });
$i->spew($i->conf_dir . '/aliases', 'many: ' .
    join(', ', map { "u$_\@far.test" } 1 .. 2600) . "\n");
$i->start;
my $run = $i->dir . '/run';

# an agent that has delivered to one recipient, says so, and then fails
my $agent = Postrider::Ipc->listen("$run/private/smtp");
my $c = Postrider::Smtp->new(path => "$run/public/sendmail");
$c->ehlo;
$c->send(from => 'ann@example.test', to => ['a@far.test', 'b@far.test'],
    message => "Subject: two\n\nhi\n");
my $s = $agent->accept;
my $r = $s->recv;
is_deeply $r->{l}{addr}, ['a@far.test', 'b@far.test'], 'both in a request';
$s->send('more', [i => 0, status => 'delivered', dsn => '2.0.0']);
$s->send('err', [kind => 'temp', dsn => '4.3.0', text => 'no more']);
my @l;
ok $i->wait_for(sub {
	@l = @{ decode_json($i->queue('list', '--json')) };
	return @l == 1 && $l[0]{state} eq 'deferred';
}), 'one waits' or diag explain \@l;
is $l[0]{to}, 'b@far.test', 'that which was not delivered';

# one that does not answer: all that waits of a large message is bounced
$i->queue('slow', 'smtp:', '--concurrency', 1);
$i->send(from => 'x@y.test', to => 'many@example.test',
    message => "Subject: many\n\nhi\n");
$s->recv;
like $i->queue('bounce', '--from', 'x@y.test'),
    qr/^failed: 1 message, 2[0-9]{3} recipients$/m, 'however many wait';

# a qmgr that takes a message of an import and is gone before it says so
$i->stop;
my $qmgr = Postrider::Ipc->listen("$run/private/qmgr");
my $q = '8lFQUxx5naN';
my $env = join '', map { length($_) . "\n$_" }
    "verb=enqueue\0q=$q\0sender=\0size=3\0";
my $pid = fork // die "fork: $!\n";
if ($pid == 0) {
	alarm 120;
	my $s = $qmgr->accept;
	$s->recv;
	$s->send('ok', [known => 'no']);
	$s->recv;
	$s = $qmgr->accept;
	$s->recv;
	POSIX::_exit(0);
}
my ($st, $out, $why) = $i->ctl_in("postrider-queue 1\nM $q " . length($env) .
    " 3\n${env}hi\nE\n", 'queue', 'import');
waitpid $pid, 0;
isnt $st, 0, 'not known whether it was taken';
is $out, "postrider-queue 1\n", 'and so no answer' or diag $why;
done_testing;
