#!/usr/bin/perl
# Policy servers (Postfix's protocol; a server of our own that misbehaves, and
# Debian's postgrey), XCLIENT, XFORWARD, and postrider test --client, which
# shows what the rules would say and counts nothing.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use FindBin;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Postrider::Instance;
use Postrider::Ports;
use Postrider::Smtp;

my $dir = tempdir('postrider-p.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;

# a policy server: what it answers is said by the sender's local part
my %says = (
	dunno => 'DUNNO', ok => 'OK', no => 'REJECT not $you',
	code => '554 5.7.7 gone', later => 'DEFER_IF_PERMIT come again',
	hold => 'HOLD look at it', field => 'PREPEND X-Policy: seen',
	odd => 'EXPLODE now', long => 'x' x 20000,
);
my $listen = IO::Socket::UNIX->new(Local => "$dir/policy", Listen => 20)
    or die "policy socket: $!";
chmod 0666, "$dir/policy";
my $server = fork // die;
if ($server == 0) {
	my $n = 0;
	while (my $c = $listen->accept) {
		$n++;
		next if fork;
		$c->autoflush(1);
		my %a;
		while (my $l = <$c>) {
			chomp $l;
			if ($l ne '') {
				my ($k, $v) = split /=/, $l, 2;
				$a{$k} = $v;
				next;
			}
			open my $log, '>>', "$dir/asked";
			print $log join(' ', $n, map { "$_=" . ($a{$_} // '?') }
			    qw(request protocol_state protocol_name
			    client_address client_name helo_name sender
			    recipient sasl_username size instance)), "\n";
			close $log;
			my ($who) = $a{sender} =~ /^([^@]*)/;
			exit 0 if $who eq 'close';
			if ($who eq 'silent') {
				1 while <$c>;
				exit 0;
			}
			print $c 'action=', $says{$who} // 'DUNNO', "\n\n";
			exit 0 if $who eq 'once';
			%a = ();
		}
		exit 0;
	}
	exit 0;
}
close $listen;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
	conf => { 'smtpd.conf' => { xclient_networks => '127.0.0.9/32',
	    xforward_networks => '127.0.0.9', reverse_dns => 'no',
	    trusted_networks => '192.0.2.77', rcpt_rules => <<"R",

    permit if login
    reject "you are \$client" if client is 192.0.2.66
    ask unix:$dir/policy timeout 500ms default "DEFER by default"
      if sender is silent\@x.example
    ask unix:$dir/policy timeout 1m default "DEFER by default"
      if recipient is ann\@example.test
    tag asked
    reject "too many from \$sender_domain" if sender matches /long[.]example\$/
      and rate sender 1/1h
    defer "greylisted" if recipient is bob\@example.test and
      greylist delay 1h
R
	} });
$i->start;

sub try {
	my ($sender, %arg) = @_;
	my $c = Postrider::Smtp->new(port => $i->port('smtp'),
	    from => $arg{client} // '127.0.0.2');
	$c->cmd($_) for @{ $arg{first} // [] };
	$c->send(from => $sender =~ /@/ ? $sender : "$sender\@x.example",
	    to => $arg{to} // 'ann@example.test');
	my $last = $c->last;
	$last =~ s/\s+\z//;
	$last =~ s/as \w+$/as Q/;
	$c->close;
	return $last;
}
my $good = '250 2.0.0 Ok: queued as Q';
sub asked { return -e "$dir/asked" ? split /\n/, $i->slurp("$dir/asked") : () }

is try('dunno'), $good, 'a policy server has nothing against it';
like +(asked())[-1], qr/^\d+\ request=smtpd_access_policy\ protocol_state=RCPT
    \ protocol_name=ESMTP\ client_address=127\.0\.0\.2\ client_name=unknown
    \ helo_name=\S+\ sender=dunno\@x\.example
    \ recipient=ann\@example\.test\ sasl_username=\ size=0
    \ instance=[0-9a-f]{16}$/x,
    '... and was told';
is try('ok'), $good, 'OK';
my $two = Postrider::Smtp->new(port => $i->port('smtp'));
is $two->send(from => "ok\@x.example", to => 'ann@example.test'), 250,
    'one session' for 1, 2;
$two->quit;
my ($n, $m) = map { /^(\d+)/ } (asked())[-2, -1];
is $n, $m, '... asks on one connection';
is try('no'), '550 5.7.1 not $you', 'REJECT';
is try('code'), '554 5.7.7 gone', 'a code';
is try('later'), '450 4.7.1 come again', 'DEFER_IF_PERMIT';
ok $i->wait_log(qr/reject .*from=later\@\S+ to=\S+ rule=smtpd\.conf:\d+ /),
    '... by that rule';
is try('field'), $good, 'PREPEND';
my ($seen) = grep { /^X-Policy: seen$/m } map { $i->slurp($_) }
    $i->wait_mails('ann', 5);
ok $seen, '... is there';
is try('hold'), $good, 'HOLD';
like $i->queue('list'), qr/hold\@x\.example/, '... holds';
my $long = 'x@' . ('a' x 60 . '.') x 2;
is try("$_->[0]"), $_->[1], "a rate by a long sender: $_->[2]"
    for ["$long${\('b' x 60)}.1.long.example", $good, 'one'],
	["$long${\('b' x 60)}.2.long.example", $good, 'another'];
like try("$long${\('b' x 60)}.1.long.example"), qr/^550 .*too many/,
    '... and the first again';
like try('odd'), qr/^451 4\.3\.5 /, 'an action that nobody knows';
like try('long'), qr/^450 4\.7\.1 by default/, 'an answer without end';
is try('once'), $good, 'it closes the connection behind an answer';
is try('dunno'), $good, '... and is asked on a new one';
is try('close'), '450 4.7.1 by default', 'no answer';
is try('silent'), '450 4.7.1 by default', 'not in time';
ok $i->wait_log(qr/accepted .*from=dunno\@x\.example .*tags=asked/),
    'the rules behind it are run';

# XCLIENT
is try('dunno', client => '127.0.0.9', first => [
    'EHLO p.example', 'XCLIENT ADDR=192.0.2.66 NAME=far.example']),
    '550 5.7.1 you are 192.0.2.66', 'XCLIENT: rules see that client';
my $c = Postrider::Smtp->new(port => $i->port('smtp'), from => '127.0.0.9');
like $c->ehlo->{XCLIENT}, qr/^NAME ADDR PORT PROTO HELO LOGIN /, 'offered';
is scalar $c->cmd('XCLIENT ADDR=nowhere'), 501, 'no address';
is scalar $c->cmd('XCLIENT ADDR=IPV6:2001:db8::5 HELO=h.example'), 220,
    'IPv6';
is scalar $c->cmd('MAIL FROM:<dunno@x.example>'), 250, '... with its HELO';
is scalar $c->cmd('XCLIENT ADDR=192.0.2.1'), 503, 'not in a transaction';
is scalar $c->cmd('RCPT TO:<ann@example.test>'), 250, '... which goes on';
like +(asked())[-1], qr/client_address=2001:db8::5 .*helo_name=h\.example /,
    '... as that client';
is scalar $c->cmd('RCPT TO:<a@elsewhere.example>'), 554, 'no relaying';
is scalar $c->cmd('RSET'), 250, 'and again';
is scalar $c->cmd('XCLIENT ADDR=192.0.2.77 NAME=[UNAVAILABLE]'), 220,
    'one that is trusted';
$c->ehlo;
is scalar $c->cmd('MAIL FROM:<dunno@x.example>'), 250, '... sends';
is scalar $c->cmd('RCPT TO:<a@elsewhere.example>'), 250, '... to anywhere';
is scalar $c->cmd('RSET'), 250, 'one more';
for my $none ('[UNAVAILABLE]', '[TEMPUNAVAIL]') {
	is scalar $c->cmd("XCLIENT ADDR=$none NAME=$none REVERSE_NAME=$none " .
	    "PORT=$none HELO=$none LOGIN=$none PROTO=ESMTP"), 220,
	    "an address that is $none";
	$c->ehlo;
	is $c->send(from => 'none@x.example', to => 'ann@example.test'), 250,
	    '... sends to us';
	like +(asked())[-1], qr/client_address=unknown client_name=unknown /,
	    '... and rules are told so';
	is scalar $c->cmd('MAIL FROM:<none@x.example>'), 250, '... but';
	is scalar $c->cmd('RCPT TO:<a@elsewhere.example>'), 554,
	    '... is trusted no more';
	is scalar $c->cmd('RSET'), 250;
}
$i->wait_log(qr/accepted .*client=unknown .*from=none\@/);
is scalar $c->cmd('XCLIENT ADDR=192.0.2.77'), 220, 'the other again';
$c->ehlo;
is scalar $c->cmd('XFORWARD ADDR=198.51.100.1 NAME=s.example ' .
    'HELO=a+20b IDENT=ABC'), 250, 'XFORWARD';
is $c->send(from => 'fw@x.example', to => 'ann@example.test'), 250,
    '... and a message';
ok $i->wait_log(qr/accepted\ .*from=fw\@.*orig_client=198\.51\.100\.1
    \ orig_client_name=s\.example\ orig_helo="a\ b"\ orig_id=ABC/x),
    '... in the log';
is $c->send(from => 'fw2@x.example', to => 'ann@example.test'), 250,
    'another';
unlike $i->wait_log(qr/accepted .*from=fw2\@/), qr/orig_client/,
    '... is not from there';
$c->quit;
$c = Postrider::Smtp->new(port => $i->port('smtp'), from => '127.0.0.2');
ok !exists $c->ehlo->{XCLIENT}, 'others are not offered it';
is scalar $c->cmd('XCLIENT ADDR=192.0.2.77'), 550, '... and may not';
is scalar $c->cmd('XFORWARD ADDR=192.0.2.77'), 550, '... either';
$c->quit;

# what would happen
sub would {
	my ($st, $out) = $i->ctl('test', @_, '--no-dns');
	$out =~ s/^(\S+) +/$1: /mg;
	return ($st, $out);
}
my ($st, $out) = would('--client', '192.0.2.66,x.example', '--rcpt',
    'ann@example.test');
is $st, 1, 'postrider test: refused';
like $out, qr/^stage:\ rcpt\n(smtpd\.conf:\d+):\ permit\ if\ login\n
    \1:\ login:\ no\n(smtpd\.conf:\d+):\ reject\ .*\n
    \2:\ client:\ 192\.0\.2\.66\n\2:\ client\ is\ 192\.0\.2\.66:\ yes\n
    reply:\ 550\ 5\.7\.1\ you\ are\ 192\.0\.2\.66\ \(\2\)\n\z/mx,
    '... with each step';
($st, $out) = would('--client', '192.0.2.5,x.example', '--sender',
    'field@x.example', '--rcpt', 'Ann@example.test');
is $st, 0, 'accepted';
like $out, qr/answers PREPEND X-Policy: seen/, '... the policy server said';
like $out, qr/^prepend:\ X-Policy:\ seen\ \(rule\ smtpd\.conf:\d+\)\n
    tag:\ asked\nreply:\ 250\ 2\.0\.0\ Ok\naddress:\ /mx,
    '... and what becomes of it';
($st, $out) = would('--client', '192.0.2.5,x.example', '--rcpt',
    'a@elsewhere.example');
is $st, 1, 'no relaying';
like $out, qr/^reply: 5\.7\.1 .*the server itself/m, '... says the server';
for (1, 2) {
	($st, $out) = would('--client', '192.0.2.5,x.example', '--rcpt',
	    'bob@example.test');
	like $out, qr/seen for the first time/, 'nothing is counted';
}
is $st, 75, 'later';
($st, $out) = would('--client', 'x');
is $st, 2, 'no address';

# Debian's postgrey
my $port = Postrider::Ports::spare();
my $peers = $ENV{POSTRIDER_PEERS} // "$dir/peers";
system('bash', '-c', '. "$1/packaging/deps.sh" && unpack_peers "$2"', 'sh',
    "$FindBin::Bin/../..", $peers) == 0 or die "no peers\n";
mkdir "$dir/$_" for qw(db lists);
$i->spew("$dir/lists/none", '');
my $grey = fork // die;
if ($grey == 0) {
	open STDOUT, '>', "$dir/postgrey.log";
	open STDERR, '>&', \*STDOUT;
	exec 'perl', '-T', "$peers/usr/sbin/postgrey", "--inet=127.0.0.1:$port",
	    "--dbdir=$dir/db", '--delay=1', '--user=' . getpwuid($>),
	    '--group=' . getgrgid($)), "--pidfile=$dir/pid",
	    "--whitelist-clients=$dir/lists/none",
	    "--whitelist-recipients=$dir/lists/none";
	exit 1;
}
ok $i->wait_for(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
    PeerPort => $port) }), 'postgrey runs'
    or diag $i->slurp("$dir/postgrey.log");
$i->set_conf('smtpd.conf', rcpt_rules => "\n    ask inet:127.0.0.1:$port\n");
$i->reload;
like try('grey', client => '127.0.0.20'), qr/^450 4\.[27]\.[01] Greylisted/,
    'postgrey: greylisted';
my $later = '';
$i->wait_for(sub {
	$later = try('grey', client => '127.0.0.20');
	return $later eq $good;
});
is $later, $good, '... and later taken';
my ($with) = grep { /^Return-Path: <grey\@/ } map { $i->slurp($_) }
    $i->wait_mails('ann', 14);
like $with, qr/^X-Greylist: delayed \d+ seconds by postgrey/m,
    '... with its field';
kill 'KILL', $grey, $server;
waitpid $_, 0 for $grey, $server;
like try('grey2'), qr/^451 4\.3\.5 /, 'without it: later';
done_testing;
