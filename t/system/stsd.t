#!/usr/bin/perl
# stsd and sts-fetch with a policy host of the test's own: good and bad
# policies, new ones, hosts that are down or slow, what survives a restart
# and a kill.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Ipc;
use Postrider::PolicyHost;
use Postrider::Tls;
use Postrider::Zone;

my @bad = qw(late name redir large html garbage empty);
my @domains = (qw(good other slow down two short away inner), @bad);
my $i = Postrider::Instance->new(conf => {
	'stsd.conf' => { check_interval => '1s', retry => '1s', wait => '1m',
	    fetch_timeout => '15s', refresh => '1h' } });
my $tls = Postrider::Tls->new($i);
$tls->cert('ca', is_ca => 1, cn => 'CA of a test');
$tls->cert('web', ca => 'ca', names => [map { "mta-sts.$_.peer" }
    grep { !/^(?:late|name)$/ } @domains]);
$tls->cert('late', ca => 'ca', names => ['mta-sts.late.peer'], days => -1);
$tls->cert('name', ca => 'ca', names => ['www.name.peer']);
my %cert = ('' => [map { $tls->path("web.pem$_") } '', '.key']);
$cert{"mta-sts.$_.peer"} = [$tls->path("$_.pem"), $tls->path("$_.pem.key")]
    for qw(late name);
my $web = Postrider::PolicyHost->new(cert => \%cert);

my %id = map { $_ => "v=STSv1; id=1;" } @domains;
sub zone {
	return join '', (map { qq(_mta-sts.$_ 1 TXT "$id{$_}"\n) }
	    sort keys %id), (map { "mta-sts.$_ A 127.0.0." .
	    ($_ eq 'down' ? 9 : $_ eq 'inner' ? 2 : 1) . "\n" } @domains),
	    qq(_mta-sts.two 1 TXT "v=STSv1; id=2"\nnone TXT "x"\n);
}
my $dns = Postrider::Zone->new(zones => { peer => zone() });
$dns->configure($i);
$i->set_conf('tlsd.conf', ca_file => $tls->path('ca.pem'));
$i->set_conf('sts-fetch.conf', https_port => $web->port,
    private_networks => '127.0.0.1,127.0.0.9');

my $mx = "version: STSv1\r\nmode: enforce\r\nmx: mail.good.peer\r\n" .
    "mx: *.good.peer\r\nmax_age: 86400\r\n";
$web->policy("mta-sts.$_.peer", $mx) for @domains;
my $moved = "HTTP/1.1 302 Found\r\nLocation: " .
    "https://mta-sts.good.peer/x\r\nContent-Length: 0\r\n\r\n";
$web->answer('mta-sts.redir.peer', $moved);
$web->policy('mta-sts.large.peer', $mx . 'x: y' x 20000);
$web->policy('mta-sts.html.peer', $mx, 'text/html');
$web->policy('mta-sts.garbage.peer', "<html>\n");
$web->policy('mta-sts.empty.peer', '');
$web->answer('mta-sts.slow.peer', '!drip');
$web->policy('mta-sts.short.peer', "version: STSv1\nmode: testing\n" .
    "mx: mx.short.peer\nmax_age: 2\n");
$i->start;

my $socket = $i->dir . '/run/private/stsd';
sub ask {
	my ($domain, %more) = @_;
	return Postrider::Ipc->connect($socket)->call('policy',
	    [domain => $domain, %more]);
}
# mode, names and lines
sub policy {
	my $r = ask(@_);
	return "$r->{verb} " . ($r->{f}{text} // '') if $r->{verb} ne 'ok';
	return join ' ', $r->{f}{mode} // 'none', @{ $r->{l}{mx} || [] };
}
sub fetches { return scalar grep { /good/ } $web->requests }
sub flush { return $i->ctl_ok('call', 'dnsd', 'flush', 'name=.') }

my $good = 'enforce mail.good.peer *.good.peer';
my $r = ask('Good.Peer.');
is policy('good.peer'), $good, 'a policy';
is join('|', @{ $r->{l}{text} }), 'version: STSv1|mode: enforce|' .
    'mx: mail.good.peer|mx: *.good.peer|max_age: 86400', 'its lines';
ok $r->{f}{max_age} > 80000 && $r->{f}{max_age} <= 86400, 'what is left';
is fetches(), 1, 'fetched once';
is +($web->requests)[0], 'GET mta-sts.good.peer /.well-known/mta-sts.txt',
    'from where it has to be';
is policy('none.peer'), 'none', 'none without a record';
is policy('two.peer'), 'none', 'nor with two';
ok $i->wait_log(qr/no-policy domain=two.peer .*2 records/), '... is logged';
is policy('short.peer'), 'testing mx.short.peer', 'one that soon ends';
$web->answer('mta-sts.short.peer', $moved);
is policy($_), 'none', "$_: none"
    for '[127.0.0.1]', 'example.test', 'localhost', 'a b', '';
is scalar(grep { /two|none|example/ } $web->requests), 0,
    'nobody was asked for them';

# who waits for a slow host waits alone
my $slow = Postrider::Ipc->connect($socket);
$slow->send('policy', [domain => 'slow.peer', timeout => '1500']);
is policy('other.peer'), $good, 'another domain meanwhile';
my %why = (late => 'webpki.*expired', name => 'webpki',
	redir => 'fetch.*status 302', large => 'fetch.*too large',
	html => 'fetch.*text/html', garbage => 'invalid.*without a name',
	empty => 'invalid.*version is missing', down => 'fetch.*connect',
	inner => 'fetch.*127\.0\.0\.2 is not a public address');
for my $d (@bad, qw(down inner)) {
	is policy("$d.peer"), 'none', "$d: none";
	ok $i->wait_log(qr/fetch-failed \S+ domain=$d.peer result=$why{$d}/),
	    "... $why{$d}";
}
is scalar(grep { m{ /x$} } $web->requests), 0, 'no redirection was followed';
$r = $slow->recv;
is $r->{f}{mode} // 'none', 'none', 'slow: none, after its time';

ok $i->wait_for(sub { policy('short.peer') eq 'none' }),
    'a policy that has ended is none';

# our own trouble is no absence of a policy, unless one is known
my $away = $i->dir . '/run/private';
for my $p ('sts-fetch', 'dnsd') {
	flush();
	rename "$away/$p", "$away/x" or die;
	like policy('away.peer'), qr/^err .*away\.peer: $p: /, "$p is away";
	is policy('good.peer'), $good, '... what is known, holds';
	rename "$away/x", "$away/$p" or die;
}
ok $i->wait_for(sub { policy('away.peer') eq $good }), '... it is back';

# a new id
my $testing = $mx =~ s/enforce/testing/r;
$web->policy('mta-sts.good.peer', $testing);
is policy('good.peer'), $good, 'the same id: nothing is asked';
$id{good} = 'v=STSv1; id=2;';
$dns->set(peer => zone());
flush();
ok $i->wait_for(sub { policy('good.peer') =~ /^testing/ }),
    'a new id, a new policy';
is fetches(), 2, 'fetched again';

# what it has, it keeps
$web->answer('mta-sts.good.peer', $moved);
$id{good} = 'v=STSv1; id=3;';
$dns->set(peer => zone());
flush();
ok $i->wait_for(sub { policy('good.peer') && $i->log =~
    /fetch-failed \S+ domain=good.peer .*kept=yes/ }), 'its host has trouble';
like policy('good.peer'), qr/^testing/, '... the old one is kept';
my $list = $i->ctl_ok('tls-policy', 'list');
like $list, qr/^good\.peer +testing +\w+ +mail\S+ +.*302/m, 'list';
like $list, qr/^redir\.peer +- +- +HTTP status 302/m, '... of trouble, too';
like $i->ctl_ok('tls-policy', 'list', '--json'),
    qr/"domain":"other\.peer","id":"1","mode":"enforce","mx":\["mail/,
    '... as JSON';
delete $id{good};
$dns->set(peer => zone());
flush();
like policy('good.peer'), qr/^testing/, '... without a record, too';

ok $i->stop, 'stop';
$i->start;
like policy('good.peer'), qr/^testing/, 'and across a restart';
my ($pid) = $i->pids_of('stsd');
kill 'KILL', $pid;
$i->wait_for(sub { my ($p) = $i->pids_of('stsd'); $p && $p != $pid });
like policy('good.peer'), qr/^testing/, '... and a kill';

$id{good} = 'v=STSv1; id=4;';
$dns->set(peer => zone());
flush();
$web->policy('mta-sts.good.peer', $mx);
like $i->ctl_ok('tls-policy', 'refresh', 'good.peer'),
    qr/^good\.peer: mode: enforce$/m, 'refresh';

# a damaged file is made anew
ok $i->stop, 'stop';
$i->spew($i->dir . '/spool/sts/state.db', 'x' x 10000);
$i->start;
is policy('good.peer'), $good, 'a damaged file costs only the time to fetch';
like $i->ctl_ok('tls-policy', 'list'), qr/^good\.peer/m, '... and is new';
is sprintf('%o', (stat $i->dir . '/spool/sts/state.db')[2] & 0777), '600',
    'it is its own';
done_testing;
