# Who is told what: failure, success, delay; and who is not.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Queue;
use Test::More;
use Time::HiRes qw(sleep);

my %conf = (first_retry => '1s', min_retry => '1s', transport_retry => '1s',
    suspend_max => '2s');
my $s = Postrider::Queue->new(conf => { %conf });
$s->start;

my $id = $s->put(['fail1@a.test', 'ok@a.test', 'fail2@b.test'],
    orcpt => ['rfc822;x', '', ''], ret => 'hdrs', envid => 'e1',
    orig => ['list@a.test', 'ok@a.test', 'fail2@b.test']);
ok $s->wait_empty, 'two failed, one did not';
ok $s->wait_log(qr/failed q=$id to=fail1\@a\.test orig=list\@a\.test /),
    'logged';
my @b = $s->asked('bounce');
is scalar @b, 1, 'one report';
my $f = $b[0]{f};
is "@$f{qw(q sender ret envid)}", "$id s\@example.org hdrs e1",
    'of that message';
is +($f->{kind} // 'failure'), 'failure', 'about a failure';
is "@{ $b[0]{l}{addr} } @{ $b[0]{l}{dsn} } @{ $b[0]{l}{orcpt} }",
    'fail1@a.test fail2@b.test 5.1.1 5.1.1 rfc822;x ', 'of both';
like $b[0]{content}, qr/body of $id/, 'the content comes along';
ok !-e $s->file($id), 'then it is gone';

$s->put(['fail@a.test', 'ok@a.test'], notify => ['never', 'success,delay']);
ok $s->wait_empty, 'NOTIFY';
@b = $s->asked('bounce');
is "$b[1]{f}{kind} $b[1]{f}{addr}", 'success ok@a.test',
    'a success is reported where it is asked for';
is scalar @b, 2, 'and a failure not where it is not';

$s->put('fail@a.test', sender => '');
$s->put('no@a.test', sender => '', dsn => ['5.1.1'], text => ['no']);
ok $s->wait_empty, 'the null sender';
is scalar($s->asked('bounce')), 2, 'gets no report';
ok $s->wait_log(qr/bounce-dropped .*to=fail\@a\.test/), 'which is logged';

$id = $s->put(['no@a.test', 'ok@a.test'], dsn => ['5.1.1', ''],
    text => ['no such user', ''], transport => ['', 'local']);
ok $s->wait_empty, 'failed at routing';
@b = $s->asked('bounce');
is "$b[2]{f}{q} $b[2]{f}{addr} $b[2]{f}{text}",
    "$id no\@a.test no such user", 'is reported, too';

# delay, once
$s->stop;
$s->again(%conf, delay_warning => '1s');
$id = $s->put(['defer1@a.test', 'defer2@a.test'], notify => ['', 'failure']);
ok $s->wait_for(sub { @b = $s->asked('bounce'); @b > 3 }), 'a delay';
is "$b[3]{f}{kind} @{ $b[3]{l}{addr} }", 'delay defer1@a.test',
    'is told of where NOTIFY does not say no';
ok $b[3]{f}{expires} > time + 86400, 'with the end of the trials';
ok $s->wait_log(qr/deferred q=$id to=defer1\S* .*attempts=3/), 'later';
is scalar(grep { $_->{f}{kind} eq 'delay' } $s->asked('bounce')), 1,
    'but once';
$s->delete_all;

# nothing was tried: the transport is not there
$s->put('wait@a.test', transport => ['nowhere']);
ok $s->wait_for(sub { @b = $s->asked('bounce'); @b > 4 }),
    'a delay without any attempt';
is "$b[4]{f}{kind} $b[4]{f}{addr} $b[4]{f}{dsn}", 'delay wait@a.test 4.3.5',
    'is told of, too';
$s->delete_all;

# with VERP each has a sender of his own, whom a delay is told, too
$id = $s->put(['defer1@v.test', 'defer2@v.test', 'defer3@v.test'],
    verp => '+=', notify => ['', 'failure', ''],
    created => int((time - 50) * 1e6));
ok $s->wait_log(qr/deferred q=$id to=defer3\S* .*attempts=3/), 'VERP';
is join(' ', map { "$_->{f}{kind} $_->{f}{sender}" }
    grep { $_->{f}{q} eq $id } $s->asked('bounce')),
    'delay s+defer1=v.test@example.org delay s+defer3=v.test@example.org',
    'each gets his report, once';
$s->delete_all;

# why an administrator has stopped it is not for the sender to know
$s->call('limit', name => 'local:p.test', paused => 'yes',
    reason => 'their bill is not paid');
$id = $s->put('ok@p.test', created => int((time - 50) * 1e6));
ok $s->wait_for(sub { @b = grep { $_->{f}{q} eq $id } $s->asked('bounce') }),
    'a pause delays';
is "$b[0]{f}{kind} $b[0]{f}{text}", 'delay delivery there is put off',
    'which is all that is told';
$s->delete_all;

# Its report is queued here, by a cleanup that was not connected before: who
# ends meanwhile still takes it, and the next does not ask for another.
my $waits = $s->dir . '/bounce.waits';
open my $w, '>', $waits or die;
close $w;
$id = $s->put('fail@w.test');
sub reports { return scalar(grep { $_->{f}{q} eq $id } $s->asked('bounce')) }
ok $s->wait_for(sub { reports() == 1 }), 'a report is made';
kill 'TERM', $s->pid;
sleep 0.5;	# until it looks
my $own = Postrider::Queue::id();
my $late = $s->connect->call('enqueue', Postrider::Queue::fields(
    $own, 'ok@w.test', floating => 'yes'),
    Postrider::Queue::floating("Return-Path: <s\@example.org>\n\n" .
    "body of $own\n"));
is $late->{verb}, 'ok', 'who ends takes what is new until then';
unlink $waits;
is $s->wait_exit, 0, '... and ends with the report';
$s->again;
ok $s->wait_empty, '... whose message is done with';
is reports(), 1, '... and which is not made again';
is scalar(grep { $_->{f}{q} eq $own } $s->asked('local')), 1,
    'what was new is delivered';

# bounce in trouble
open my $fh, '>', $s->dir . '/bounce.fails' or die;
print {$fh} 'temp';
close $fh;
$id = $s->put('fail@a.test');
ok $s->wait_log(qr/report-failed .*q=$id/), 'bounce can not';
like $s->list, qr/^fail\@a\.test=/, 'the recipient is kept';
$s->crash;
$s->again;
like $s->list, qr/^fail\@a\.test=/, 'also over a crash';
unlink $s->dir . '/bounce.fails';
ok $s->wait_empty, 'until it can';
is scalar(grep { $_->{f}{q} eq $id } $s->asked('local')), 1,
    'without another delivery';
$s->unfake('bounce');
$id = $s->put('fail@a.test');
ok $s->wait_log(qr/transport-down .*transport=bounce/), 'no bounce at all';
$s->fake(bounce => sub { $_[1]->send('err', [kind => 'perm',
    text => 'no way']); return });
ok $s->wait_log(qr/held .*q=$id reason="bounce refuses/), 'a refusal';
is $s->list, 'fail@a.test=hold', 'puts the message on hold';
$s->fake(bounce => sub { $_[1]->send('ok'); return });
is $s->call('release')->{f}{messages}, 1, 'released';
ok $s->wait_empty, 'and reported';
done_testing;
