# Trouble of our own machine is temporary: each neighbour missing, dying or
# refusing, at each point.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;

my $s = Postrider::Smtpd->new(conf => { settle_time => '3s',
    service_timeout => '3s', cleanup_timeout => '3s' }, start => 0);
my $took = "$s->{dir}/took";
# the sender says at which verb cleanup dies, and whether it had queued
my $n = 0;
my $fake = sub {
	my ($m, $c) = @_;
	my $who = $m->{f}{sender} // $c->{sender} // '';
	$c->{sender} = $who if $m->{verb} eq 'begin';
	return 'close' if $who =~ /^die-$m->{verb}\@/;
	if ($m->{verb} eq 'commit' && $who =~ /^lost/) {
		rename "$took/$c->{q}.content", "$took/$c->{q}.done"
		    if $who =~ /^lost-queued/;
		return 'close';
	}
	if ($m->{verb} eq 'settle') {
		my $q = $m->{f}{q};
		$c->send('ok', [queued => -e "$took/$q.done" ?
		    'yes' : 'no']);
		return '';
	}
	sleep 5 if $m->{verb} eq 'commit' && $who =~ /^slow/;
	return Postrider::Smtpd::cleanup($took, \$n, $m, $c);
};
$s->fake(cleanup => $fake);
$s->start;
my $c = $s->session;
sub message {
	my ($from) = @_;
	my @r = $c->pipeline("MAIL FROM:<$from\@example.org>",
	    'RCPT TO:<ann@example.test>', 'DATA');
	return "@r" if $r[-1] != 354;
	$c->put("x\r\n.\r\n");
	return scalar $c->reply;
}
is message('a'), 250, 'all is well';
is message('die-begin'), 451, 'cleanup dies at begin';
like $c->last, qr/^451 4\.3\.0 /, '... 4.3.0';
is message('a'), 250, '... and is back';
is message('die-commit'), 451, 'cleanup dies at commit, nothing queued';
is message('lost'), 451, 'the same, settled';
is message('lost-queued'), 250, 'the answer to commit is lost, settled';
is message('slow'), 250, 'the answer to commit is too late, settled';
is message('a'), 250, '... and is back';
$s->wait_log(qr/settled .*queued=yes/);
like $s->log, qr/settled .*queued=yes/, 'what was settled is logged';

$s->unfake('cleanup');
$c->quit;
sleep 1;		# until the last answer about room is forgotten
sleep 1;
$c = $s->session;
is scalar $c->cmd('MAIL FROM:<a@example.org>'), 451, 'no cleanup: MAIL';
unlike $c->last, qr{/}, '... no path in the reply';
ok $s->wait_log(qr{unreachable level=warn .*private/cleanup}),
    '... logged';
$s->fake(cleanup => $fake);
is message('a'), 250, '... and is back';
$s->unfake('router');
$c->cmd('MAIL FROM:<a@example.org>');
is scalar $c->cmd('RCPT TO:<ann@example.test>'), 451, 'no router: RCPT';
$s->fake(router => sub { return 'close' });
is scalar $c->cmd('RCPT TO:<ann@example.test>'), 451, 'it dies: RCPT';
$s->fake(router => sub { sleep 600; return '' });
is scalar $c->cmd('RCPT TO:<ann@example.test>'), 451, 'it is slow: RCPT';
$s->fake(router => sub {
	$_[1]->send('ok', [addr => $_[0]{f}{addr}]);
	return '';
});
is scalar $c->cmd('RCPT TO:<ann@example.test>'), 250, '... and is back';
is scalar $c->data("x\n"), 250, 'accepted';
$c->quit;

# no room
$s->fake(cleanup => sub {
	$_[1]->send('err', [kind => 'temp', dsn => '4.3.1',
	    text => 'disk full']);
	return '';
});
sleep 1;
sleep 1;
$c = $s->session;
is scalar $c->cmd('MAIL FROM:<a@example.org>'), 452, 'no room: MAIL';
like $c->last, qr/^452 4\.3\.1 not enough disk space/, '... 4.3.1';
$c->quit;

# a content file that can not be written
$s->fake(cleanup => sub {
	my ($m, $conn) = @_;
	open my $full, '>', '/dev/full' or die;
	$conn->send('ok', [q => 'FULL'], $m->{verb} eq 'begin' ? $full :
	    undef) unless $m->{verb} eq 'rcpt';
	return '';
});
$c = $s->session;
is message('a'), 452, 'a full disk behind the data';
like $c->last, qr/^452 4\.3\.1 /, '... 4.3.1';
is scalar $c->cmd('NOOP'), 250, '... in step';
$c->pipeline('MAIL FROM:<a@example.org>', 'RCPT TO:<ann@example.test>',
    'DATA');
$c->put("x\r\n" x 100_000);
is scalar $c->cmd('.'), 452, 'the same with a large one';
is scalar $c->cmd('NOOP'), 250, '... in step';
$c->quit;
done_testing;
