# What router seals at RCPT is what it would say when cleanup asks, of one place
# alone; and how long that holds in a suite: over another router, not over
# another configuration.
use strict;
use warnings;
use Postrider::Instance;
use Postrider::Solo;
use Test::More;

# --- which have one ----------------------------------------------------------
my %conf = (mailboxes => 'text:boxes', aliases => 'text:aliases',
	sender_relayhost => 'inline:@b.example=[192.0.2.9]:26;' .
	    '@bad.example=/',
	transport => 'inline:far.example=smtp:[192.0.2.8]',
	sender_bcc => 'inline:watched@c.example=ann',
	recipient_bcc => 'inline:copied@example.test=ann',
	canonical_sender => 'inline:old@c.example=new@c.example',
	canonical_recipient => 'inline:was@example.test=ann@example.test;' .
	    'twin@example.test=ann@example.test');
my $key = 'k' x 16;

sub router {
	my (%more) = @_;
	my $s = Postrider::Solo->new('router',
	    common => { domains => 'example.test', default_quota => '9K' },
	    conf => { %conf, %more });
	for ([boxes => 'ann@example.test', 'copied@example.test',
	    'twin@example.test',
	    'fwd@example.test forward=ann keep=yes',
	    'lmtp@example.test transport=lmtp-client:[192.0.2.7]:24'],
	    [aliases => 'one: ann@example.test', 'two: ann, copied']) {
		my ($name, @row) = @$_;
		open my $fh, '>', $s->dir . "/conf/$name" or die $!;
		print {$fh} map { "$_\n" } @row;
		close $fh;
		chmod 0644, $s->dir . "/conf/$name";
	}
	$s->fake(local => sub { $_[1]->send('ok', [used => 1, full => 'no']) });
	return $s;
}

# the fields of a seal, or undef
sub seal {
	my ($c, $to, $from) = @_;
	my $r = $c->call('resolve', [addr => $to, relay => 'yes',
	    seal => 'yes', sender => $from]);
	is $r->{verb}, 'ok', "$to from $from" or diag explain $r;
	my (undef, undef, @f) = split /\t/, $r->{f}{seal} // '', -1;
	return unless @f;
	$f[0] = $r->{f}{addr} if $f[0] eq '';
	return join ' ', @f;
}

# all that route says
sub route {
	my ($c, $to, $from) = @_;
	my $r = $c->call('route', [addr => $to, sender => $from,
	    single => 'yes']);
	my @m = (@{ $r->{more} || [] },
	    ($r->{f}{single} // '') eq 'yes' ? $r : ());
	return map { my $f = $_->{f}; join ' ',
	    (map { $f->{$_} // '' } qw(addr transport nexthop mailbox)),
	    $f->{quota} // 0 } @m;
}

my $s = router()->start(seal => $key);
my $c = $s->connect;
for (['ann@example.test', ''], ['ann@Example.Test', 'joe@a.example'],
    ['ann+x@example.test', 'joe@a.example'], ['ann', 'joe@a.example'],
    ['lmtp@example.test', ''], ['x@far.example', 'joe@b.example'],
    ['x@y.example', 'joe@b.example'], ['"a b"@y.example', 'joe@a.example']) {
	my ($to, $from) = @$_;
	my @r = route($c, $to, $from);
	is scalar @r, 1, 'one place, in one answer';
	is seal($c, $to, $from), $r[0], '... and the seal says it';
}
for (['one@example.test', ''], ['two@example.test', 'joe@a.example'],
    ['fwd@example.test', 'joe@a.example'],
    ['postmaster@example.test', 'joe@a.example'],
    ['ann@example.test', 'watched@c.example'],
    ['copied@example.test', 'joe@a.example'],
    ['ann@example.test', 'old@c.example'],
    ['was@example.test', 'joe@a.example'],
    # the host is another name of the domain, and there he has another form
    ['twin@mx.example.test', 'joe@a.example'],
    ['x@y.example', 'joe@bad.example']) {
	is seal($c, @$_), undef, '... is not all, or not as it was named';
}
is scalar(route($c, 'two@example.test', '')), 2, 'several places';
my $r = $c->call('resolve', [addr => 'ann', sender => 'a@b.example']);
is $r->{f}{seal} // '', '', 'who does not ask gets none';
is seal(router()->start->connect, 'ann', ''), undef, 'nor is there a key';
is seal(router(always_bcc => 'ann')->start(seal => $key)->connect, 'ann',
    ''), undef, 'copies of all';
is seal(router(seal_time => 0)->start(seal => $key)->connect, 'ann', ''),
    undef, 'seal_time = 0';

# --- in a suite --------------------------------------------------------------
my $i = Postrider::Instance->new(
	users => { map { $_ => 'pw' } qw(ann bob) },
	conf => { 'router.conf' => { seal_time => '60s' } })->start;
my (@stopped, %key);
END { kill 'CONT', @stopped if @stopped }

# a client that has said RCPT, and the end of its message
sub to {
	my ($rcpt) = @_;
	my $m = $i->smtp;
	$m->ehlo;
	is $m->cmd($_), 250, $_ for 'MAIL FROM:<joe@example.org>',
	    "RCPT TO:<$rcpt\@example.test>";
	return $m;
}

sub finish {
	my ($m, $text) = @_;
	is $m->cmd('DATA'), 354, "DATA of $text";
	$m->put("Subject: $text\r\n\r\n$text\r\n.\r\n");
	is $m->reply, 250, '... is taken';
	$m->cmd('QUIT');
	return;
}

sub has {
	my ($user, $text) = @_;
	return grep { $i->slurp($_) =~ /^Subject: \Q$text\E$/m }
	    $i->mails($user);
}

# who has the key
for my $pid ($i->pids) {
	my (undef, @arg) = Postrider::Instance::_cmdline($pid) or next;
	next if !grep { /^service=/ } @arg;
	my ($name) = map { /^service=(.*)/ } @arg;
	$key{$name} = 1 if grep { $_ eq 'seal=yes' } @arg;
}
is join(' ', sort keys %key), 'cleanup router', 'these two have a key';

my $m = to('ann');
my %old = map { $_ => 1 } $i->pids_of('router');
kill 'TERM', keys %old;
ok $i->wait_for(sub {
	@stopped = grep { !$old{$_} } $i->pids_of('router');
	return @stopped && ($i->ctl('call', 'router', 'ping'))[0] == 0;
}), 'another router';
kill 'STOP', @stopped;
finish($m, 'stopped');
ok $i->wait_for(sub { has('ann', 'stopped') }),
    'delivered, while router says nothing';
kill 'CONT', @stopped;
@stopped = ();

# two clients have named bob, and then his mail is forwarded
my @m = map { to('bob') } 1 .. 2;
$i->ctl_ok('user', 'forward', 'bob', 'ann@example.test', '--no-keep');
ok $i->wait_for(sub {
	$i->call('router', 'route', addr => 'bob@example.test') =~
	    /ann\@example/;
}), 'router knows';
finish($m[0], 'sealed');
ok $i->wait_for(sub { has('bob', 'sealed') }),
    'what was found at RCPT holds for seal_time';
%old = map { $_ => 1 } map { $i->pids_of($_) } qw(router cleanup);
$i->reload;
ok $i->wait_for(sub {
	!grep { $old{$_} } map { $i->pids_of($_) } qw(router cleanup);
}), 'another configuration';
finish($m[1], 'reloaded');
ok $i->wait_for(sub { has('ann', 'reloaded') }),
    '... and what the old one said is void';
done_testing;
