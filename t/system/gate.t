#!/usr/bin/perl
# gate: who speaks first, lists, limits, proxies; what is known stays known;
# who waits for a session; what held clients cost.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Ports;
use Postrider::Smtp;
use Postrider::Zone;

my $dns = Postrider::Zone->new(
	zones => { 'key.bl.example' => "66.0.0.127 A 127.0.0.3\n" .
	    "67.0.0.127 A 127.0.0.10\n",
	    'white.example' => "77.0.0.127 A 127.0.1.2\n",
	    'mute.example' => "\@ A 127.0.0.1\n" },
	fault => { '*.mute.example' => 'drop' });
my %conf = (except => '127.0.0.1', greet_wait => '4s',
	dnsbl => 'bl:key.bl.example=127.0.0.[2..4]*3 ' .
	'white.example=127.0.[0..3].2*-2 mute.example*9',
	dnsbl_threshold => 3, dnswl_threshold => -2, dnsbl_timeout => '2s',
	proxy_networks => '127.0.0.99', proxy_timeout => '4s',
	allow => 'text:gate_allow', deny => 'text:gate_deny',
	address_connections => 3, network_connections => 0, queue => 2);
my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
	'master.conf' => { 'gate/enabled' => 'yes',
	    'smtpd/listen' => 'gate:smtpd', 'smtpd/process_limit' => 6 },
	'smtpd.conf' => { xclient_networks => '127.0.0.77/32',
	    rcpt_rules => "\n    reject 550 5.7.1 " .
	    '"gate: $gate_score $gate_lists" if gate_score < 0' },
	'gate.conf' => \%conf });
$dns->configure($i);
$i->spew($i->conf_dir . '/gate_allow', "192.0.2.9 ok\n127.0.0.55 ok\n");
$i->spew($i->conf_dir . '/gate_deny',
    "127.0.0.30 go away\n198.51.100.0/24 no\n");
$i->start;

sub client {
	my ($last, %arg) = @_;
	return Postrider::Smtp->new(port => $i->port('smtp'),
	    from => "127.0.0.$last", greeting => 0, %arg);
}
sub look {
	my ($addr) = @_;
	return { $i->call('gate', 'look', addr => $addr) =~ /^(\w+)=(.*)$/mg };
}
sub stat_of {
	my ($key) = @_;
	my %s = $i->call('gate', 'stat') =~ /^(\w+)=(\d+)$/mg;
	return $s{$key} // 0;
}

# --- tests, side by side
my %c;
$c{$_} = client($_) for 10, 30, 66, 67, 77;
$c{20} = client(20);
$c{20}->put("EHLO early.example\r\nMAIL FROM:<e\@early.example>\r\n");
$c{1} = client(1);
$c{13} = client(13);
is join('', $c{1}->reply), '220' . ($c{1}->last =~ /^220 (.*)/)[0],
    'who is exempt is greeted in one line';
my ($code) = $c{30}->reply;
is $code, 521, 'denied';
like $c{30}->last, qr/^521 5\.7\.1 \S+ client \[127\.0\.0\.30\] go away\n$/,
    'with the text of the table';
ok $c{30}->closed, 'and closed';

is $c{66}->reply, 220, 'who is on a list is greeted';
is $c{66}->cmd('HELO bad.example'), 250, 'may say who it is';
is $c{66}->cmd('MAIL FROM:<a@bad.example>'), 250, 'from whom';
is $c{66}->cmd('RCPT TO:<ann@example.test>'), 550, 'but not to whom';
like $c{66}->last, qr/^550 5\.7\.1 .*\[127\.0\.0\.66\] blocked using bl\n$/,
    'by which list, without its key';
is $c{66}->cmd('DATA'), 503, 'no DATA';
is $c{66}->cmd('STARTTLS'), 502, 'no TLS';
is $c{66}->cmd('x' x 3000), 500, 'no long line';
is $c{66}->cmd('QUIT'), 221, 'QUIT';
ok $c{66}->closed, 'and closed';
like $i->wait_log(qr/gate\[.*\breject\b.*client=127\.0\.0\.66/),
    qr/helo=bad\.example from=<?a\@bad\.example>? to=<?ann\@example\.test/,
    'logged with helo, from and to';
like $i->wait_log(qr/gate\[.*\brefuse\b.*client=127\.0\.0\.66/),
    qr/test=dnsbl action=enforce score=3 lists=bl /, 'and why';

$c{66} = client(66);
is $c{66}->reply, 220, 'once more';
$c{66}->put('x' x 50000);
ok $c{66}->closed, 'who sends no line ends is not read for ever';
ok $i->wait_log(qr/gate\[.*disconnect .*client=127\.0\.0\.66 .*end=commands/),
    'and logged';

is $c{20}->reply, 220, 'who speaks first is greeted';
is $c{20}->reply, 250, 'what it said is answered';
is $c{20}->reply, 250, 'all of it';
is $c{20}->cmd('RCPT TO:<ann@example.test>'), 550, 'but refused';
like $c{20}->last, qr/spoke before it was greeted/, 'with the reason';
like $i->wait_log(qr/\bpregreet\b.*client=127\.0\.0\.20/),
    qr/said="EHLO early\.example/, 'what it said is logged';

is $c{77}->reply, 220, 'a good one';
is $c{77}->cmd('EHLO good.example'), 250, 'which speaks';
like $i->wait_log(qr/gate\[.*\bpass\b.*client=127\.0\.0\.77/),
    qr/how=tested score=-2 lists=white\.example silent=[01] /,
    'passes by its list';
$c{77}->pipeline('MAIL FROM:<x@good.example>', 'RCPT TO:<ann@example.test>');
like $c{77}->last, qr/^550 5\.7\.1 .*gate: -2 white\.example/,
    'rules of smtpd know what was found';
is $c{77}->cmd('RSET'), 250;
is $c{77}->cmd('XCLIENT ADDR=192.0.2.1'), 220, 'XCLIENT behind gate';
ok !look('127.0.0.77')->{pregreet}, 'without the other test';

my @line = $c{10}->reply;
is $line[0], 220, 'a new client';
is scalar(@line), 3, 'is greeted in two lines';
like $c{10}->last, qr/^220-\S+ one moment.*\n220 \S+ ESMTP/, 'in order';
is $c{10}->send(from => 'x@elsewhere.example', to => 'ann@example.test'),
    250, 'and sends mail';
is scalar($i->wait_mails('ann', 1)), 1, 'which is delivered';
is $c{67}->reply, 220, 'an answer that the filter does not know is none';
is $c{13}->reply, 220, 'one who is greeted';
$c{13}->put('EHLO');
$c{13}->put(' x.example') if !$c{13}->pending(0.1);
ok !look('127.0.0.13')->{pregreet}, 'and says no whole line is not known';
ok stat_of('held') >= 1, 'but held';
$c{13}->put("\r\n");
is $c{13}->reply, 250, 'until the line is there';
ok look('127.0.0.13')->{pregreet}, 'then it is known';
my $known = look('127.0.0.10');
ok $known->{pregreet} > 80000, 'who was silent is known for a day';
ok !$known->{dnsbl}, 'not by lists, of which one was mute';
$_->close for values %c;

# --- known: lists are asked again, the greeting does not wait
$i->set_conf('gate.conf', dnsbl => '');
$i->reload;
my $c = client(10);
is(($c->reply)[0], 220, 'once more');
unlike $c->last, qr/one moment/, 'it is known after a reload';
$c->quit;
my ($id) = $i->wait_log(qr/gate\[.*\bpass\b.*client=127\.0\.0\.10 /) =~
    / s=(\w+)/;
ok $i->wait_log(qr/smtpd\[.*disconnect s=$id/),
    'the same id in the log of the session';

# --- killed while it holds somebody, and its file cut off
my $held = client(11);
$held->line;
my ($pid) = $i->pids_of('gate');
kill 'KILL', $pid;
ok $held->closed, 'who was held by a gate that is killed is gone';
$i->wait_for(sub {
	my ($new) = $i->pids_of('gate');
	return defined $new && $new != $pid;
}) or diag 'no new gate';
ok look('127.0.0.10')->{pregreet} > 80000, 'what was known still is';

# --- a reload: who is held hears it, who has a session stays
my $session = client(10);
is $session->reply, 220, 'a session';
$held = client(11);
$held->line;
$i->reload;
is +($held->line // '') =~ /^421 4\.3\.2/ ? 421 : 0, 421,
    'who is held is told to come again';
is $session->cmd('NOOP'), 250, 'the session goes on';
$session->quit;

# --- connections of one address: held ones and sessions
$i->wait_for(sub { !look('127.0.0.10')->{connections} });
my @many = map { client(10) } 1 .. 3;
$_->reply for @many;
is client(10)->reply, 421, 'one too many';
like $i->wait_log(qr/\brefuse\b.*client=127\.0\.0\.10/),
    qr/limit=address_connections times=1/, 'logged';
is look('127.0.0.10')->{connections}, 3, 'sessions are counted';
(shift @many)->quit;
ok $i->wait_for(sub { (look('127.0.0.10')->{connections} // 0) == 2 }),
    'until they end';
push @many, client(10);
is $many[-1]->reply, 220, 'then there is room';

# --- all six sessions are busy: as many as the kernel keeps wait in the
# listener, two more here, further ones hear it
push @many, map { client(1) } 1 .. 3;
$_->reply for @many[3 .. 5];
open my $fh, '<', '/proc/sys/net/unix/max_dgram_qlen' or die $!;
my $room = <$fh> + 1;
my @wait = map { client(1) } 1 .. $room + 2;
ok $i->wait_for(sub { stat_of('waiting') == 2 }), 'two wait here';
is client(1)->reply, 421, 'the next hears that it is too much';
$_->quit for @many;
is $wait[0]->reply, 220, 'who waits is served when a session ends';
$_->close for @wait;
ok $i->wait_for(sub { stat_of('waiting') == 0 }), 'nobody waits any more';

# --- proxies
sub proxied {
	my ($header, %arg) = @_;
	my $p = client(99);
	$p->put($header);
	return $p;
}
my $mark = $i->log_mark;
my $p = proxied("PROXY TCP4 192.0.2.9 192.0.2.1 4321 25\r\nEHLO me\r\n");
is $p->reply, 220, 'version 1';
is $p->reply, 250, 'what came with it is there';
is $p->send(from => 'x@elsewhere.example', to => 'ann@example.test'), 250,
    'and mail is taken';
$p->quit;
ok $i->wait_log(qr/smtpd\[.*disconnect .*client=192\.0\.2\.9 /, undef, $mark),
    'the session has the address';
my @m = $i->wait_mails('ann', 2);
like join('', map { $i->slurp($_) } @m), qr/\[192\.0\.2\.9\]/,
    'in Received, too';
my $sig = "\r\n\r\n\0\r\nQUIT\n";
$p = proxied($sig . pack('C C n a4 a4 n n', 0x21, 0x11, 12,
    "\xc6\x33\x64\x07", "\xc0\x00\x02\x01", 4321, 25));
is $p->reply, 521, 'version 2: who is denied by its network';
$p = proxied($sig . pack('C C n', 0x20, 0, 0));
is $p->reply, 220, 'a proxy that speaks for itself';
$p->close;
$p = proxied("EHLO me\r\n");
ok $p->closed, 'a proxy without a header';
$p = client(99);
$p->put(substr "PROXY TCP4 192.0.2.9 1", 0, 15);
ok $p->closed, 'or with a half one';
$p = client(10);
$p->put("PROXY TCP4 192.0.2.9 192.0.2.1 4321 25\r\n");
is $p->reply, 220, 'who is no proxy';
is $p->reply, 500, 'has no header';
$p->close;

# --- a thousand that are held: kilobytes of the process
sub pss {
	my ($gate) = $i->pids_of('gate');
	my ($kb) = $i->slurp("/proc/$gate/smaps_rollup") =~ /^Pss:\s+(\d+)/m;
	return $kb;
}
$i->set_conf('gate.conf', greet_wait => '1m', address_connections => 0);
$i->reload;
client(12)->line;		# what the first one needs
my $before = pss();
my @held = map {
	Postrider::Smtp->new(port => $i->port('smtp'), greeting => 0,
	    from => '127.1.' . int($_ / 250) . '.' . ($_ % 250 + 1))
} 1 .. 1000;
ok $i->wait_for(sub { stat_of('held') >= 1000 }), 'a thousand are held';
my $each = (pss() - $before) / 1000;
# with a sanitizer, what is freed is kept for a while
my ($gate) = $i->pids_of('gate');
my $most = $i->slurp("/proc/$gate/maps") =~ /libasan/ ? 16 : 4;
cmp_ok $each, '<', $most, "for $each kB each";
$i->set_conf('gate.conf', pregreet => 'off');
$i->reload;
is +($held[999]->line && $held[999]->line // '') =~ /^421/ ? 1 : 0, 1,
    'and told to go';
done_testing;
