# Pauses and limits set while qmgr runs, by the admin and by rules; bounce,
# expire, reroute.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Sink;
use Test::More;

my %conf = (transport_limits => 'smtp:10:2:5:5', reply_rules => 'rules',
    destination_suspend => '1h', suspend_max => '1h');
my $s = Postrider::Sink->new(conf => \%conf);
open my $fh, '>', $s->dir . '/conf/rules' or die;
print {$fh} <<'RULES';
# a comment
/TOO many connections/i concurrency=1 for=1h
/^4\.(?:2\.1 come|3\.0 open)/ permanent
/(a+)+$/ temporary
/^5\.1\.1 no such/ pause=1h after=2/10m site
RULES
close $fh;
$s->start;

sub dests {
	my %d = map { my $f = $_->{f};
	    ("$f->{transport}:" . ($f->{nexthop} // ''), $f) }
	    @{ $s->call('dests', @_)->{more} };
	return \%d;
}

sub limits {
	return join ' ', sort map { $_->{f}{name} }
	    @{ $s->call('limits')->{more} };
}

sub requests { return scalar grep { $_->[0] eq '+' } $s->events }

# A destination where nothing waits leaves memory at the tick of a second, with
# a row at the next transaction; this makes one.
sub left_memory {
	my ($is_there) = @_;
	my $r = $s->wait_for(sub {
		$s->call('limit', name => 'smtp:any.test', concurrency => 9);
		return !$is_there->();
	});
	$s->call('resume', name => 'smtp:any.test');
	return $r;
}

# a pause
is $s->call('limit', name => 'smtp:p.test', paused => 'yes',
    reason => 'work at their site')->{verb}, 'ok', 'paused';
my $p = $s->mail('ok@p.test');
$s->mail('ok@q.test');
ok $s->wait_for(sub { $s->list !~ /q\.test/ }), 'others go';
is requests(), 1, 'that one does not';
my $d = dests()->{'smtp:p.test'};
is "@$d{qw(paused text waiting)}", 'yes work at their site 1', 'and is shown';
like $s->log, qr/limit dest=smtp:p\.test action=pause .*their site/, 'logged';
is $s->call('flush')->{verb}, 'ok', 'a flush';
$s->crash;
$s->again;
is limits(), 'smtp:p.test', 'it survives a crash';
my $p2 = $s->mail('ok2@p.test');
like $s->list, qr/ok\@p\.test=\w+ ok2\@p\.test/, 'both wait';
is requests(), 1, 'neither was tried';
is $s->call('resume', name => 'smtp:p.test')->{verb}, 'ok', 'resumed';
ok $s->wait_empty, 'delivered';
is limits(), '', 'nothing is limited';
is $s->call('resume', name => 'smtp:p.test')->{verb}, 'err',
    'nothing to resume';

# a whole transport, and a site that is known
# what waits there keeps the site known: a destination without mail is
# forgotten at the next second
my $stays = $s->mail('full@d1.prov.test');
ok $s->wait_for(sub { $s->list =~ /^full\S+=deferred$/ }),
    'the site is told';
$s->mail('ok@local.test', transport => ['local']);
$s->call('limit', name => 'site:prov', paused => 'yes');
$s->mail('ok@d1.prov.test');
$s->mail('ok@else.test');
ok $s->wait_for(sub { $s->list =~
    /^full\S+ ok\@d1\.prov\.test=\w+$/ }), 'a site is paused'
    or diag $s->list;
$s->call('resume', name => 'site:prov');
ok $s->wait_for(sub { $s->list =~ /^full\S+$/ }), 'and resumed';
$s->call('limit', name => 'smtp:', paused => 'yes');
my $n = requests();
$s->mail("ok\@$_.test") for qw(t1 t2);
ok $s->wait_for(sub { 2 == (() = $s->list =~ /ready/g) }),
    'a transport is paused';
is requests(), $n, 'nothing goes';
ok $s->wait_for(sub { $s->call('limit', name => 'smtp:', paused => 'yes',
    until => time + 2)->{verb} eq 'ok' }), 'for two seconds more';
ok $s->wait_for(sub { $s->list =~ /^full\S+$/ }), 'until its time is over';

for my $bad ([name => 'x'], [name => 'site:'], [name => 'a b:c'],
    [name => 'smtp:x', messages => 5], [name => 'smtp:x', until => 5],
    [name => 'smtp:x']) {
	my @f = (concurrency => $bad->[0] eq 'name' && @$bad == 2 &&
	    $bad->[1] eq 'smtp:x' ? 0 : 1, @$bad);
	is $s->call('limit', @f)->{verb}, 'err', "refused: @$bad";
}

# rules
$s->mail('busy@r1.test');
ok $s->wait_log(qr/rule q=\w+ rule=2 .*dest=r1\.test/), 'a rule was met';
ok $s->wait_for(sub { limits() eq 'smtp:r1.test' }), 'it slows down';
$s->gate(0);
$s->mail('ok@r1.test');		# while it is in memory
ok $s->wait_for(sub { (dests(name => 'r1.test')->{'smtp:r1.test'}{limit} // 0)
    == 1 }), 'to one at a time';
$s->gate(1);
my $r2 = $s->mail('defer@r2.test');
ok $s->wait_log(qr/failed q=$r2 .*dsn=5\.2\.1 reason="come again"/),
    'temporary becomes permanent';
my $here = $s->mail('here@r2.test');
ok $s->wait_log(qr{failed q=$here .*dsn=5\.3\.0 .* last: 4\.3\.0 open /srv}),
    '... and is still our trouble';
$s->mail('fail1@r3.prov.test');
ok $s->wait_log(qr/to=fail1\@r3/), 'the first of two';
unlike limits(), qr/prov/, '... does nothing';
# it counts what it met before the destination was forgotten
ok left_memory(sub { dests()->{'smtp:r3.prov.test'} }), 'forgotten';
$s->mail('fail2@r3.prov.test');
ok $s->wait_for(sub { limits() =~ /site:prov/ }), 'the second pauses all';
$s->mail('ok@d1.prov.test');
ok $s->wait_for(sub { (dests()->{'smtp:d1.prov.test'}{paused} // '') eq
    'yes' }), '... of the site';
$s->call('resume', name => $_) for split ' ', limits();
is limits(), '', 'all can be undone';
$s->delete_all;
ok $s->wait_empty, 'empty';

# a suspension is undone, too
$s->mail('trouble@s.test');
ok $s->wait_log(qr/suspended .*dest=s\.test/), 'suspended';
ok dests()->{'smtp:s.test'}{until} > time, 'shown';
# also when nothing of it is in memory any more
ok left_memory(sub { dests()->{'smtp:s.test'}{window} }),
    'it has left memory';
$s->call('limit', name => 'smtp:s.test', paused => 'yes', reason => 'later');
$d = dests()->{'smtp:s.test'};
is join(' ', map { $_ // '' } @$d{qw(window paused text)}),
    ' yes later', 'there, a pause is shown';
$s->call('resume', name => 'smtp:s.test');
isnt dests()->{'smtp:s.test'}{paused} // '', 'yes', '... and its end';
is $s->call('resume', name => 'smtp:s.test')->{verb}, 'ok', 'resumed';
ok !dests()->{'smtp:s.test'}{until}, 'open';
$s->delete_all;

# bounce, expire, reroute: of what waits, in rows or in memory only
$s->call('limit', name => 'smtp:b.test', paused => 'yes');
my $b = $s->mail(['ok1@b.test', 'ok2@b.test', 'ok3@b.test'],
    notify => ['', 'never', '']);
ok $s->wait_for(sub { 3 == (() = $s->list =~ /ready/g) }), 'three wait';
my $r = $s->call('bounce', q => $b, to => 'ok1@b.test',
    text => 'they moved away');
is "@{ $r->{f} }{qw(messages rcpts)}", '1 1', 'one is bounced';
ok $s->wait_log(qr/failed q=$b to=ok1\@b\.test .*they moved away; last: /),
    'with the text';
ok $s->wait_for(sub { grep { ($_->{f}{addr} // '') eq 'ok1@b.test' &&
    $_->{f}{dsn} eq '5.7.0' } $s->asked('bounce') }), 'reported';
is $s->call('expire', q => $b, to => 'ok2@b.test')->{f}{rcpts}, 1, 'expired';
ok $s->wait_for(sub { $s->list(q => $b) eq 'ok3@b.test=ready' }),
    'one is left';
$r = $s->call('reroute', dest => 'smtp:b.test', transport => 'smtp',
    nexthop => 'c.test');
is $r->{f}{rcpts}, 1, 'rerouted';
ok $s->wait_empty, 'delivered';
is +(grep { $_->[0] eq '+' } $s->events)[-1][2], 'c.test', 'to its new place';
like $s->log, qr/rerouted q=$b to=ok3\@b\.test .*dest=c\.test/, 'logged';

# more than one call takes
$s->call('limit', name => "smtp:$_.test", paused => 'yes') for qw(m n);
my $c = $s->connect;
my %many = @{ Postrider::Queue::fields('', [map { "$_\@m.test" } 1 .. 550],
    transport => [('smtp') x 550]) };
delete @many{qw(q sender size wsize created)};
$c->send('rcpt', [%many]) or die 'rcpt';
my $m = $s->content(Postrider::Queue::id());
my %one = @{ Postrider::Queue::fields($m, 'x') };
is $c->call('enqueue', [%one, %many])->{verb}, 'ok', 'a long list';
ok $s->wait_for(sub { (dests()->{'smtp:m.test'}{waiting} // 0) == 1100 }),
    'eleven hundred wait in rows';
sub reroute {
	$c->send('reroute', [q => $m, transport => 'smtp',
	    nexthop => 'n.test']);
	# the log is read meanwhile, so that its pipe does not fill up
	$s->wait_for(sub { $s->log;
		IO::Select->new($c->fh)->can_read(0) });
	return $c->recv->{f}{rcpts} // 0;
}
my @moved = map { reroute() } 1 .. 3;
cmp_ok $moved[0], '<=', 1000, 'one call takes not all of them';
is "$moved[2] " . ($moved[0] + $moved[1]), '0 1100', 'the next takes others'
    or diag "@moved";
$s->call('delete', q => $m);

$s->gate(0);
$s->call('limit', name => 'smtp:f.test', concurrency => 1);
my @q = map { $s->mail("ok$_\@f.test") } 1 .. 6;
ok $s->wait_for(sub { 2 == grep { $_->[0] eq '+' && $_->[2] eq 'f.test' }
    $s->events }), 'two are in its hands';
is $s->call('bounce', dest => 'f.test', q => $q[5])->{f}{rcpts}, 1,
    'one that is in memory only';
is $s->call('reroute', q => $q[4], transport => 'local', nexthop => 'g.test')
    ->{f}{rcpts}, 1, 'another gets another transport';
$r = $s->call('expire', dest => 'smtp:f.test');
is $r->{f}{rcpts}, 2, 'those in its hands are left alone';
$s->gate(1);
ok $s->wait_empty, 'all end';
is scalar(grep { /ok5\@f/ } $s->deliveries('local')), 1, 'one of them there';
is scalar(grep { $_->[0] eq '-' && $_->[2] eq 'f.test' } $s->events), 2,
    'and only two here';
$s->crash;
$s->again;
is $s->list, '', 'nothing comes back';
done_testing;
