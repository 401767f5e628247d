# Content files that cleanup keeps ready: on disk before begin is answered,
# no messages, and gone when cleanup ends.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Enqueue;
use Postrider::Instance;
use Test::More;

my @to = (rcpt => 'ann@example.test', content => "A: b\n\nx\n");
for my $end (qw(drain stop)) {
	my $s = cleanup_alone();
	my $c = $s->connect;
	is submit($c, @to)->{verb}, 'ok', "message $_" for 1 .. 4;
	is scalar(my @ready = $s->ready), 3, 'files are kept ready';
	is scalar(grep { (stat)[2] & 0777 ^ 0640 } @ready), 0,
	    '... mode 0640';
	my ($dir) = $ready[0] =~ m{(.*)/};
	is scalar(grep { m{^\Q$dir/\E} } @ready), 3, '... in one directory';
	my ($r, $b) = submit($c, @to);
	is scalar(grep { /\Q$b->{f}{q}\E$/ } @ready), 1, 'one is taken';
	is scalar(() = $s->ready), 2, '... the others stay';

	# under way: swept by qmgr as if the clock had leapt
	$b = $c->call('begin', [rcpts => 1, rcpt => 'ann@example.test']);
	unlink grep { /\Q$b->{f}{q}\E$/ } $s->content;
	put($b, "A: b\n\nx\n");
	$r = $c->call('commit', [size => 8]);
	is "@{ $r->{f} }{qw(kind dsn)}", 'temp 4.3.0',
	    'content that is gone is not taken';
	ok $s->wait_log(qr/content was removed/), '... and the log says why';
	is scalar(grep { $_->{f}{q} eq $b->{f}{q} } $s->asked('qmgr')), 0,
	    '... qmgr never hears of it';
	is scalar(() = $s->ready), 1, 'one is left';
	if ($end eq 'drain') {
		$s->drain;
		is $s->wait_exit, 0, 'drained';
	} else {
		is $s->stop, 0, 'stopped';
	}
	is scalar(() = $s->ready), 0, '... and none is left';
	is scalar(() = $s->content), 5, '... but the messages';
}

# inside a suite
my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;
my $dir = $i->dir . '/spool/content';
my $sent = 0;
until ($sent >= 100 || grep { -z } glob "$dir/*/*") {
	last if $i->send(to => 'ann@example.test') != 250;
	$sent++;
}
is scalar(my @f = $i->wait_mails('ann', $sent)), $sent, 'all are delivered';
ok $i->wait_for(sub { $i->queue('list') eq "no messages\n" }),
    'an empty queue';
ok $i->wait_for(sub { !grep { -s } glob "$dir/*/*" }),
    '... and no content';
my @ready = grep { -z } glob "$dir/*/*";
isnt scalar(@ready), 0, '... though there are files kept ready';
kill 'KILL', $i->pids_of('qmgr');
ok $i->wait_for(sub { ($i->ctl('queue', 'list'))[1] eq "no messages\n" }),
    '... also for a new qmgr';
is scalar(grep { -e } @ready), scalar @ready, '... which leaves them there';
$i->stop;
my @left = map { "$_ " . -s } glob "$dir/*/*";
is "@left", '', 'nothing stays in the spool';
done_testing;
