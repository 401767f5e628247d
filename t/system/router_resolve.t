#!/usr/bin/perl
# What a client is told about a recipient.
use strict;
use warnings;
use Test::More;
use Postrider::Solo;

my $s = Postrider::Solo->new('router',
	common => { domains => 'example.test, b.test', default_quota => '9K' },
	conf => { mailboxes => 'text:boxes', aliases => 'text:aliases',
	    quota_cache => '0s' });
my $conf = $s->dir . '/conf';

sub table {
	my ($name, @rows) = @_;
	open my $fh, '>', "$conf/$name.new" or die "$name: $!\n";
	print {$fh} map { "$_\n" } @rows;
	close $fh;
	chmod 0644, "$conf/$name.new";
	rename "$conf/$name.new", "$conf/$name" or die "$name: $!\n";
	return;
}

table(boxes => 'ann@example.test', 'full@b.test quota=1M',
    'gone@b.test disabled=yes');
table(aliases => 'sales: ann@example.test, far@away.example', 'loop: loop',
    'prog: ann@example.test |/bin/sh', 'left: gone@b.test, nobody',
    'half: nobody, ann', 'long: ' . join(' ', map { "no$_" } 1 .. 200));
$s->fake(local => sub {
	my ($m, $c) = @_;
	my $full = $m->{f}{mailbox} =~ /full/;
	$c->send('ok', [used => $full ? 1_060_000 : 1,
	    full => $full ? 'yes' : 'no']);
});
$s->start(clients => 1000);
my $c = $s->connect;

# the answer as one line
sub resolve {
	my ($addr, @more) = @_;
	my $r = $c->call('resolve', [addr => $addr, @more]) or return 'closed';
	return join ' ', grep { defined } $r->{f}{dsn}, $r->{f}{text},
	    $r->{f}{class}, $r->{f}{addr};
}

is resolve('ann+x@Example.Test'), 'virtual ann+x@example.test', 'a mailbox';
is resolve('ann'), 'virtual ann@example.test',
    'a bare name gets the default domain';
is resolve('nobody@b.test'), '5.1.1 no such user', 'an unknown user';
is resolve('gone@b.test'), '5.2.1 mailbox disabled', 'a disabled account';
is resolve('full@b.test'), '5.2.2 mailbox full', 'a full mailbox';
is resolve('x@away.example'), '5.7.1 relaying denied', 'no relay';
is resolve('x@away.example', relay => 'yes'), 'relay x@away.example',
    'but for whom it is permitted';
is resolve('x%away.example@b.test', relay => 'yes'), '5.7.1 relaying denied',
    'no percent hack for anybody';
is resolve('sales@b.test'), 'alias sales@b.test', 'an alias';
is resolve('loop'), '4.3.5 alias loop@example.test: leads nowhere',
    'an alias that must be mended';
like resolve('prog'), qr/^4\.3\.5 .*commands/,
    'also where a part of it would do';
is resolve('left'), '5.1.1 no such user', 'an alias of nobody';
is resolve('half'), 'alias half@example.test', 'an alias of somebody';
is resolve('long'), 'alias long@example.test',
    'a long one is not followed to its end';
is resolve('postmaster@b.test'), 'alias postmaster@b.test', 'postmaster';
like resolve('a b@b.test'), qr/^5\.1\.3 /, 'not an address';
my @asked = $s->asked('local');
is_deeply [map { "$_->{f}{mailbox} $_->{f}{quota}" } @asked],
    ['example.test/ann 9216', 'example.test/ann 9216', 'b.test/full 1048576'],
    'local was asked with the quota of the account, else the default';

sub percent {
	my $r = $c->call('resolve', [addr => $_[0], want_quota => 'yes',
	    relay => 'yes']);
	return $r->{f}{dsn} // $r->{f}{used_percent} // 0;
}
is percent('full@b.test'), 101, 'asked how full it is: that is no refusal';
is percent('ann'), 0, 'one octet of 9K';
is percent($_), 0, "no mailbox here: $_" for 'sales@b.test', 'x@away.example';
is percent('nobody'), '5.1.1', 'of nobody nothing is told';

my $r = $c->call('route', [addr => ['sales', 'nobody@b.test', 'full@b.test']]);
is_deeply [map {
	my $f = $_->{f};
	join ' ', $f->{n} // 0, $f->{addr}, map { $_ // '-' } @$f{qw(transport
	    nexthop mailbox quota aliased failed dsn)}
} @{ $r->{more} }], [
	'0 ann@example.test local example.test example.test/ann 9216 yes - -',
	'0 far@away.example smtp away.example - - yes - -',
	'1 nobody@b.test - - - - - yes 5.1.1',
	'2 full@b.test local b.test b.test/full 1048576 - - -',
], 'every final place, in order';

$s->stop;
$s->_conf('router', mailboxes => 'text:boxes', aliases => 'text:aliases',
    quota_timeout => '300ms', quota_cache => '0s');
$s->start(clients => 1000);
$c = $s->connect;
$s->fake(local => sub { sleep 600 });
my $t = time;
is resolve('ann'), 'virtual ann@example.test',
    'a local that does not answer refuses nobody';
is resolve('full@b.test'), 'virtual full@b.test',
    'and is not asked again at once';
is percent('full@b.test'), -1, 'but how full it is, is not known';
cmp_ok time - $t, '<', 30, 'so nobody waits long';

table(boxes => 'bob@example.test');
my $end = time + 60;
select undef, undef, undef, 0.1
    while resolve('bob') ne 'virtual bob@example.test' && time < $end;
is resolve('bob'), 'virtual bob@example.test', 'a replaced table is noticed';
is resolve('ann'), '5.1.1 no such user', 'as a whole';
unlink "$conf/boxes";
sleep 1;
is resolve('bob'), 'virtual bob@example.test', 'a lost one stays in use';
ok $s->wait_log(qr/table table=text:boxes level=warn|table level=warn table=/),
    'and that is said';

my $bad = $s->connect;
$bad->send_raw('nonsense');
is $bad->recv, undef, 'a malformed message closes its own connection';
is resolve('bob'), 'virtual bob@example.test', 'and no other';
done_testing;
