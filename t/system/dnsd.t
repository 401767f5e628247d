#!/usr/bin/perl
# dnsd with a name server of ours: what happened to a question is told apart,
# what is proven is secure, answers are kept, limits hold, and a killed dnsd
# comes again.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Ipc;
use Postrider::Solo;
use Postrider::Zone;

my %TYPE = (A => 1, NS => 2, CNAME => 5, PTR => 12, MX => 15, TXT => 16,
	AAAA => 28, SRV => 33, TLSA => 52);
my $chain = join '', map { "c$_ CNAME c" . ($_ + 1) . "\n" } 1 .. 4;
my $dns = Postrider::Zone->new(
	zones => {
		'example.org' => "\@ MX 10 mail\n\@ MX 20 MX2.Example.ORG.\n" .
		    "mail A 127.0.0.2\nmail AAAA 2001:db8::1\n" .
		    "_25._tcp.mail TLSA 3 1 1 ABCD01\nalias CNAME mail\n" .
		    "*.w A 127.0.0.3\nbad A 127.0.0.4\nbare A 127.0.0.4\n" .
		    "out CNAME www.plain.example.\nsub NS ns.sub\n" .
		    "ns.sub A 127.0.0.1\n",
		'sub.example.org' => "\@ A 127.0.0.7\n",
		'old.example' => "\@ A 127.0.0.9\n",
		'plain.example' => "\@ MX 0 .\nwww A 127.0.0.5\n" .
		    "t TXT \"a b\" \"c\\\\d\\195\\169\\\"\"\n" .
		    "s SRV 1 2 25 www\n" .
		    "\@ NS www\n${chain}c5 A 127.0.0.6\nloop1 CNAME loop2\n" .
		    "loop2 CNAME loop1\ntcp A 127.0.0.8\n" .
		    "short 1 A 127.0.0.8\n" .
		    "xn--bcher-kva A 127.0.0.10\nslow A 127.0.0.11\n" .
		    join('', map { "n$_ A 127.0.1.$_\n" } 1 .. 64),
		'big.example' => join('', map { sprintf "\@ TXT \"%03d%s\"\n",
		    $_, 'x' x 200 } 1 .. 60) . join('', map {
		    sprintf "huge TXT \"%03d%s\"\n", $_,
		    "\\001" x 240 } 1 .. 60),
		(map { ("$_.example" => "\@ A 127.0.0.12\n") }
		    qw(lame trash refuse)),
		'dead.example' => join('',
		    map { "live$_ A 127.0.0.12\n" } 1 .. 12),
		'127.in-addr.arpa' => "2.0.0 PTR Mail.example.org.\n",
		'8.b.d.0.1.0.0.2.ip6.arpa' => '1.' . '0.' x 22 .
		    "0 PTR six.example.org.\n",
	},
	signed => ['example.org'], expired => ['old.example'],
	fault => { 'bad.example.org/A' => 'bogus',
	    'bare.example.org/A' => 'nosig', 'fail.plain.example' => 'servfail',
	    'tcp.plain.example' => 'truncate',
	    '*.lame.example' => 'lame', 'lame.example' => 'lame',
	    'trash.example' => 'garbage', 'refuse.example' => 'refused',
	    'dead.example' => 'drop' });
my $i = Postrider::Instance->new;
$dns->configure($i, retry_time => '100ms');
$i->start;
my $socket = $i->dir . '/run/private/dnsd';

# "name type" ... -> one text an answer, in the order asked
sub text {
	my ($m) = @_;
	my $f = { status => 'ok', secure => 'no', canon => '', %{ $m->{f} } };
	return join ' ', $f->{status}, $f->{secure} eq 'yes' ? 'secure' : (),
	    map { "[$_]" } sort @{ $m->{l}{rr} || [] };
}
sub pairs {
	my (@q) = @_;
	my @name = map { (split / /)[0] } @q;
	my @type = map { my $t = (split / /)[1]; $TYPE{$t} // $t } @q;
	return [name => \@name, type => \@type];
}
sub ask_raw {
	my ($opt, @q) = @_;
	my $m = Postrider::Ipc->connect($socket)->call('query',
	    [@{ pairs(@q) }, %$opt]);
	$m->{verb} eq 'ok' or return $m;
	my @a;
	$a[$_->{f}{i} // 0] = $_ for @{ $m->{more} };
	return @a;
}
sub ask { return map { text($_) } ask_raw({}, @_) }

my %want = (
	'example.org MX' => 'ok secure [10 mail.example.org] ' .
	    '[20 mx2.example.org]',
	'MAIL.Example.Org. A' => 'ok secure [127.0.0.2]',
	'mail.example.org AAAA' => 'ok secure [2001:db8::1]',
	'_25._tcp.mail.example.org TLSA' => 'ok secure [3 1 1 abcd01]',
	'_25._tcp.other.example.org TLSA' => 'nxdomain secure',
	'mail.example.org MX' => 'nodata secure',
	'_tcp.mail.example.org A' => 'nodata secure',
	'none.example.org A' => 'nxdomain secure',
	'alias.example.org A' => 'ok secure [127.0.0.2]',
	'any.w.example.org A' => 'ok secure [127.0.0.3]',
	'any.w.example.org MX' => 'nodata secure',
	'out.example.org A' => 'ok [127.0.0.5]',
	'sub.example.org A' => 'ok [127.0.0.7]',
	'bad.example.org A' => 'bogus',
	'bare.example.org A' => 'bogus',
	'old.example A' => 'bogus',
	'plain.example MX' => 'ok [0 .]',
	'plain.example A' => 'nodata',
	'plain.example NS' => 'ok [ns.plain.example] ' .
	    '[www.plain.example]',
	'none.plain.example A' => 'nxdomain',
	'fail.plain.example A' => 'servfail',
	't.plain.example TXT' => 'ok [a bc\092d\195\169"]',
	's.plain.example SRV' => 'ok [1 2 25 www.plain.example]',
	'c1.plain.example A' => 'ok [127.0.0.6]',
	'c1.plain.example CNAME' => 'ok [c2.plain.example]',
	'loop1.plain.example A' => 'servfail',
	'tcp.plain.example A' => 'ok [127.0.0.8]',
	"b\xc3\xbccher.plain.example A" => 'ok [127.0.0.10]',
	'refuse.example A' => 'servfail',
	'lame.example A' => 'servfail',
	'huge.big.example TXT' => 'servfail',
	'2.0.0.127.in-addr.arpa PTR' => 'ok [mail.example.org]',
	'1.' . '0.' x 23 . '8.b.d.0.1.0.0.2.ip6.arpa PTR' =>
	    'ok [six.example.org]',
	'nowhere.invalid A' => 'nxdomain',
	'a..b A' => 'nxdomain',
	'x' x 64 . '.example.org A' => 'nxdomain',
	'plain.example 6' => 'ok [\# ',
);
my @asked = sort keys %want;
my @got = ask(@asked);
for my $n (0 .. $#asked) {
	my $want = $want{ $asked[$n] };
	if ($want =~ / $/) {
		is substr($got[$n], 0, length $want), $want, $asked[$n];
	} else {
		is $got[$n], $want, $asked[$n];
	}
}
my ($big) = ask_raw({}, 'big.example TXT');
is scalar @{ $big->{l}{rr} }, 60, 'more than fits into a datagram';
is text(ask_raw({}, 'huge.big.example TXT')), 'servfail',
    'more than fits into a message';
my ($a) = ask_raw({}, 'c1.plain.example A');
is $a->{f}{canon}, 'c5.plain.example', 'the name behind aliases';
($a) = ask_raw({}, 'bad.example.org A');
like $a->{f}{why}, qr/signature/, 'why it is bogus';
like $i->wait_log(qr/unanswered .*name=fail/),
    qr/type=1 status=servfail reason=".*SERVFAIL"/, 'a failure is logged';
like $i->wait_log(qr/unanswered .*name=bad/), qr/level=warn .*status=bogus/,
    'so is what is false';

# --- the cache -------------------------------------------------------------
$dns->queries;
ask(grep { !/short|dead/ && $want{$_} !~ /^[sbt]/ } @asked);
is join(' ', $dns->queries), '', 'answers are kept';
($a) = ask_raw({}, 'short.plain.example A');
is $a->{f}{ttl}, 1, 'a short life';
ok $i->wait_for(sub {
	ask('short.plain.example A');
	grep { /short/ } $dns->queries;
}), '... is over soon';
$dns->set('plain.example' => "www A 127.0.0.99\n");
is_deeply [ask('www.plain.example A')], ['ok [127.0.0.5]'], 'still the old';
$i->ctl_ok('dns', 'flush', 'plain.example');
is_deeply [ask('www.plain.example A')], ['ok [127.0.0.99]'], 'flushed';
my ($st, $out) = $i->ctl('dns', 'example.org', 'mx', 'A');
like $out, qr/^example\.org MX: ok secure ttl=\d+\n    \d0 m/,
    'postrider dns';
like $out, qr/^example\.org A: nodata secure ttl=60$/m, '... two types';
is $st, 0, '... there is something';
($st, $out) = $i->ctl('dns', '127.0.0.2');
like $out, qr/PTR: ok ttl=\d+\n    mail\.example\.org\n/, '... by address';
($st, $out) = $i->ctl('dns', '--json', 'none.example.org', 'A');
like $out, qr/"status":"nxdomain","secure":true,.*"rr":\[\]/, '... as JSON';
is $st, 1, '... there is nothing';

# --- requests --------------------------------------------------------------
$dns->set('plain.example' => join '', "slow A 127.0.0.11\n",
    map { "n$_ A 127.0.1.$_\n" } 1 .. 64);
$i->ctl_ok('dns', 'flush');
$dns->fault('slow.plain.example' => 'hold');
$dns->queries;
my $c = Postrider::Ipc->connect($socket);
$c->send('query', pairs('slow.plain.example A', 'n1.plain.example A'));
$c->send('query', pairs('n2.plain.example A'));
my @order = ($c->recv);
$dns->fault('slow.plain.example' => '');
push @order, map { $c->recv } 2 .. 5;
is join(' ', map { $_->{verb} eq 'ok' ? 'ok' : $_->{l}{rr}[0] } @order),
    '127.0.1.1 127.0.0.11 ok 127.0.1.2 ok',
    'each answer when it is known, requests in their order';
my $m = $c->call('query', [name => 'a.b', type => 'MX']);
is $m->{verb}, 'err', 'a type is a number';
my @all = map { "n$_.plain.example A" } 1 .. 64;
$i->ctl_ok('dns', 'flush');
my @c = map { Postrider::Ipc->connect($socket) } 1 .. 20;
$_->send('query', pairs(@all)) for @c;
my $good = 0;
for my $one (@c) {
	while (my $r = $one->recv) {
		last if $r->{verb} eq 'ok';
		my $n = ($r->{f}{i} // 0) + 1;
		$good++ if text($r) eq "ok [127.0.1.$n]";
	}
}
is $good, 20 * 64, 'many callers at a time';
my @n7 = grep { $_ eq 'n7.plain.example A udp' } $dns->queries;
cmp_ok scalar @n7, '<', 5, '... and a name is not asked for each of them';

# --- what does not answer --------------------------------------------------
$dns->fault('*.gone.plain.example' => 'drop');
is_deeply [map { text($_) } ask_raw({ timeout => 300 },
    'a.gone.plain.example A', 'n1.plain.example A')],
    ['timeout', 'ok [127.0.1.1]'], 'the deadline of a request';
like text(ask_raw({ timeout => 300 }, 'trash.example A')),
    qr/^(?:servfail|timeout)$/, 'garbage is no answer';

# --- killed ----------------------------------------------------------------
$dns->fault('slow.plain.example' => 'drop');
$i->ctl_ok('dns', 'flush');
$dns->queries;
my $pid = open my $pipe, '-|';
if (!$pid) {
	print +($i->ctl('dns', 'slow.plain.example', 'A'))[2];
	close STDOUT;
	POSIX::_exit(0);
}
$i->wait_for(sub { grep { /^slow/ } $dns->queries });
my ($old) = $i->pids_of('dnsd');
kill 'KILL', $old;
like join('', <$pipe>), qr/^postrider: name service: .*closed$/,
    'who had asked a killed dnsd hears it';
is_deeply [ask('www.plain.example A')], ['nxdomain'], '... and asks the next';
isnt +($i->pids_of('dnsd'))[0], $old, '... which is another';

# servers that do not answer take their time, less where they had answered
# quickly before: read at the end, from a dnsd that has long been replaced
ask("live$_.dead.example A") for 1 .. 12;
my $dead = Postrider::Ipc->connect($socket);
$dead->send('query', pairs('dead.example A'));
$i->wait_for(sub { grep { /^dead/ } $dns->queries });

# --- limits, and no servers of ours ----------------------------------------
$dns->fault('*.gone.plain.example' => '', '*' => 'hold');
$i->set_conf('dnsd.conf', questions => 66, connection_questions => 64);
$i->reload;
@c = map { Postrider::Ipc->connect($socket) } 1 .. 2;
$c[0]->send('query', pairs(@all));
$c[0]->send('query', pairs('www.plain.example A'));
ask('a..b A');	# so they have been read
$c[1]->send('query', pairs(map { "m$_.plain.example A" } 1 .. 3));
my $third = $c[1]->recv;
$dns->fault('*' => '');
my %seen;
$seen{ $_->{f}{why} // ($_->{l}{rr} ? 'well' : $_->{verb}) }++
    for map { $c[0]->recv } 1 .. 67;
is_deeply \%seen, { well => 64, ok => 2,
	'too many questions of one caller are under way' => 1 },
    'questions of one caller';
is join(' ', map { text($_) } $third, map { $c[1]->recv } 2, 3),
    'servfail nxdomain nxdomain', 'questions of all';
$i->spew($i->conf_dir . '/records', "; ours\nhere.example. IN A 127.0.0.20\n" .
    "here.example. IN MX 5 mx.here.example.\n");
$i->set_conf('dnsd.conf', local_data => 'records',
    insecure => 'bare.example.org');
$i->reload;
is join(', ', ask('here.example A', 'here.example MX', 'bare.example.org A',
    'example.org MX')), 'ok [127.0.0.20], ok [5 mx.here.example], ' .
    'ok [127.0.0.4], ok secure [10 mail.example.org] ' .
    '[20 mx2.example.org]', 'records of our own, a zone that is not checked';
for my $bad ([stub => 'x.example', qr/stub: x\.example: expected ZONE=/],
    [forward => '1.2.3.4@0', qr/forward: 1\.2\.3\.4\@0: expected ADDRESS/],
    [trust_anchors => 'none', qr/none: No such file/],
    [local_data => 'dnsd.conf', qr/local-data/]) {
	my ($name, $value, $re) = @$bad;
	my $text = $i->slurp($i->conf_dir . '/dnsd.conf');
	$i->set_conf('dnsd.conf', $name => $value);
	my ($rc, undef, $said) = $i->ctl('check');
	like $said, $re, "check: $name";
	$i->spew($i->conf_dir . '/dnsd.conf', $text);
}
$i->set_conf('dnsd.conf', forward => '', stub => '', insecure => '',
    trust_anchors => '/usr/share/dns/root.key', dnssec => 'yes');
$i->reload;
is scalar(ask_raw({ timeout => 500 }, 'a.invalid A')), 1,
    'from the root, there or not';
is text($dead->recv), 'timeout', 'a server that does not answer';
is $dead->recv->{verb}, 'ok', '... though dnsd was reloaded meanwhile';

# ---- the servers of this host, in a mount namespace with a file of ours ------
my $s = Postrider::Solo->new('dnsd', conf => { resolv_conf => 'yes',
    dnssec => 'no', qname_minimisation => 'no', retry_time => '150ms' });
my $file = $s->dir . '/resolv.conf';
$i->spew($file, "# nameserver 127.0.0.9\nsearch example\n" .
    'nameserver  ' . $dns->at . "\noptions edns0\n");
chmod 0644, $file;
$s->{prefix} = ['unshare', '-m', $> == 0 ? () :
    qw(-U --map-current-user --keep-caps), 'sh', '-c',
    'mount --bind "$0" /etc/resolv.conf && exec "$@"', $file,
    @{ $s->{prefix} || [] }];
$s->start;
$dns->queries;
$socket = $s->path('dnsd');
is +(ask('mail.example.org A'))[0], 'ok [127.0.0.2]',
    'resolv_conf: who it names';
ok scalar(grep { /mail\.example\.org/ } $dns->queries), '... is asked';
$s->stop;
$i->spew($file, "search example\n");
my $log = eval { $s->start; '' } // $@;
like $log, qr/resolv\.conf names no server/, '... and it has to name one';
done_testing;
