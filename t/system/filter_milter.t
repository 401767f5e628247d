#!/usr/bin/perl
# A milter, good and hostile: what it is told, and what its answers do to the
# client and to the message.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Milter;
use Postrider::Smtp;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
	conf => { 'smtpd.conf' => { filters => 'one', reverse_dns => 'no',
	    xforward_networks => '127.0.0.5',
	    auth => 'yes', auth_plaintext => 'loopback' } });
my $m = Postrider::Milter->new(dir => $i->{tmp});
$i->set_conf('filter.conf', 'one/address' => $m->address,
	'one/retry' => 0, 'one/daemon_name' => 'MX');
$i->start;

# codes of greeting, EHLO, MAIL, RCPT to ann and bob, DATA, the end
sub talk {
	my ($message) = @_;
	my $c = Postrider::Smtp->new(port => $i->port('smtp'));
	my @r = $c->greeting;
	$r[0] == 220 or return "$r[0]";
	push @r, scalar $c->cmd('EHLO me');
	push @r, scalar $c->cmd('MAIL FROM:<x@example.org> SIZE=100');
	push @r, map { scalar $c->cmd("RCPT TO:<$_\@example.test>") }
	    qw(ann bob) if $r[-1] == 250;
	push @r, scalar $c->cmd('DATA') if grep { $_ == 250 } @r[3 .. $#r];
	push @r, ($c->cmd(($message // "Subject:  two\r\nTo: a,\r\n b\r\n" .
	    "\r\nhello\r\n..dot\r\n") . '.'))[0] if $r[-1] == 354;
	my $last = $c->last;
	$c->cmd('QUIT');
	return wantarray ? ("@r[1 .. $#r]", $last) : "@r[1 .. $#r]";
}
# until the milter has heard the end of the session; a script begins when that
# of the one before was heard
sub script {
	my ($script) = @_;
	$i->wait_for(sub { $m->idle });
	return $m->script($script);
}
sub heard {
	my $t;
	$i->wait_for(sub { $t = $m->heard; $t =~ /^Q|ended/m });
	$t =~ s/^connected\n//;
	return $t;
}
# the text of ann's newest message, once it is there
my $mails = 0;
sub got {
	my @f = $i->wait_mails('ann', ++$mails);
	my ($new) = sort { (stat $b)[9] <=> (stat $a)[9] || $b cmp $a } @f;
	return $i->slurp($new);
}

# --- what it is told ---
script({});
is talk(), '250 250 250 250 354 250', 'a message through a milter';
my $t = heard();
my $p = qr/\d+/;
like $t, qr/^O\ 6\ 1ff\ 1fffff\n
    D\ Cj\|\S+\|_\|unknown\ \[127\.0\.0\.1\]\|v\|Postrider\|
	\{daemon_name\}\|MX\|\{daemon_addr\}\|127\.0\.0\.1\|
	\{daemon_port\}\|$p\|\{client_addr\}\|127\.0\.0\.1\|
	\{client_name\}\|unknown\|\{client_port\}\|$p\|
	\{client_ptr\}\|unknown\n
    C\ \[127\.0\.0\.1\]\ 4\ 127\.0\.0\.1\n
    H\ me\n
    D\ M\{mail_addr\}\|x\@example\.org\|\{mail_host\}\|example\.org\|
	\{mail_mailer\}\|esmtp\n
    M\ <x\@example\.org>\|SIZE=100\n
    D\ R\{rcpt_addr\}\|ann\@example\.test\|.*\n
    R\ <ann\@example\.test>\n
    D\ R.*\n
    R\ <bob\@example\.test>\n
    T\ \n
    L\ Subject\|\ two\n
    L\ To\|a,\\n\ b\n
    D\ Ni\|\w{11}\n
    N\ \n
    B\ hello\\r\\n\.dot\\r\\n\n
    D\ Ei\|\w{11}\n
    E\ \n
    Q\ \n$/x, 'all callbacks and macros, in their order';
got();

# --- XFORWARD: it is asked about the client behind the client ---
script({});
my $fw = Postrider::Smtp->new(port => $i->port('smtp'), from => '127.0.0.5');
$fw->ehlo('between');
is $fw->cmd('XFORWARD ADDR=198.51.100.300'), 501, 'XFORWARD of no address';
for (['XFORWARD ADDR=IPV6:2001:db8::9 NAME=far.example HELO=far PORT=77 '
    . 'PROTO=SMTP', 'far.example 6 IPv6:2001:db8::9', 'far'],
    [undef, '[127.0.0.5] 4 127.0.0.5', 'between']) {
	my ($said, $client, $helo) = @$_;
	is $fw->cmd($said), 250, 'XFORWARD' if $said;
	script({});
	is $fw->send(from => 'x@example.org', to => 'ann@example.test'), 250,
	    $said ? '... and a message' : 'the next is not from there';
	$t = $m->heard;
	like $t, qr/^C \Q$client\E$/m, '... a milter is told its client';
	like $t, qr/^H \Q$helo\E$/m, '... and HELO';
	got();
}
is $fw->cmd('QUIT'), 221;
script({ O => [6, 0x1ff, 0x1fffff & ~0xfff | 0x100000 | 0x400] });
is talk(), '250 250 250 250 354 250', 'one that answers only the end';
like heard(), qr/^L Subject\|  two\nL To\| a,\\n b\n/m,
    'with HDR_LEADSPC values are as they came';
got();
script({ O => [2, 0x3f, 0x7f & ~0x10], B => 'c' });
is talk(), '250 250 250 250 354 250', 'version 2, only the body';
is heard() =~ s/^[OD].*\n//mgr, "B hello\\r\\n.dot\\r\\n\nE \nQ \n",
    'is shown only that';
got();
script({ O => [6, 0x1ff, 0x800] });
my $c = Postrider::Smtp->new(port => $i->port('smtp'));
$c->ehlo('me');
$c->cmd('MAIL FROM:<x@example.org>');
is $c->cmd('RCPT TO:<nobody@example.test>'), 550, 'a refused recipient';
is $c->cmd('RSET'), 250;
is $c->cmd('QUIT'), 221;
like heard(), qr/\{rcpt_mailer\}\|error\n
    R\ <nobody\@example\.test>\nA\ \nQ/x, '... is told with RCPT_REJ';
script({ O => [6, 0x1ff, 0, pack('N', 0) . "j {client_addr}\0" .
    pack('N', 2) . "{auth_type}\0" . pack('N', 5) . "i j\0"] });
is talk(), '250 250 250 250 354 250', 'macros by SETSYMLIST';
$t = heard();
unlike $t, qr/^D M|daemon_name/m, '... what it does not want is not sent';
like $t, qr/^D Ei\|\w+\|j\|/m, '... and those that it wants are';
got();
script({});
my $login = Postrider::Smtp->new(port => $i->port('smtp'));
is $login->send(auth => ['ann', 'pw'], from => 'ann@example.test',
    to => 'ann@example.test'), 250, 'a client that has authenticated';
$login->cmd('QUIT');
like heard(), qr/^D M\{auth_type\}\|PLAIN\|/m, '... and how';
got();

script({ U => "y502 5.5.1 not you\0" });
$c = Postrider::Smtp->new(port => $i->port('smtp'));
$c->ehlo('me');
is $c->cmd('WHAT is'), 502, 'an unknown command';
$c->cmd('QUIT');
like heard(), qr/^U WHAT\nQ/m, '... is told';
$m->script({ U => '4' });
$c = Postrider::Smtp->new(port => $i->port('smtp'));
$c->ehlo('me');
is $c->cmd('WHAT is'), 421, '... which may be the end';
is scalar $c->reply, 0, '... of the session';
$m->script({});
$c = Postrider::Smtp->new(port => $i->port('smtp'));
is $c->send(from => 'x@example.org', to => ['ann@example.test',
    'ann@example.test']), 250, 'a recipient who is named twice';
$c->cmd('QUIT');
is scalar(() = heard() =~ /^R <ann/mg), 1, '... is told once';
got();

# --- filter itself is lost in the middle ---
script({});
$c = Postrider::Smtp->new(port => $i->port('smtp'));
$c->ehlo('me');
is $c->cmd('MAIL FROM:<again@example.org>'), 250;
my %old = map { $_ => 1 } $i->pids_of('filter');
kill 'KILL', keys %old;
$i->wait_for(sub { !grep { kill 0, $_ } keys %old });
is $c->cmd('RCPT TO:<ann@example.test>'), 250, 'filter was killed';
is $c->data("Subject: again\n\nx\n"), 250, '... another does its work';
$c->cmd('QUIT');
is scalar(() = $m->heard =~ /^M <again/mg), 2, '... told of all before';
got();

# --- refusals ---
for my $case (
	['reject at connect', { C => 'r' }, '554'],
	['tempfail at connect', { C => 't' }, '421'],
	['accept at connect', { C => 'a', M => 'r' },
	    '250 250 250 250 354 250', 1],
	['reject at HELO', { H => 'r' }, '550 503'],
	['reject at MAIL', { M => 'r' }, '250 550'],
	['reply at MAIL', { M => "y450 4.2.0 not now\0" }, '250 450'],
	['tempfail at RCPT', { R => 't' }, '250 250 451 451'],
	['accept at MAIL', { M => 'a', R => 'r' },
	    '250 250 250 250 354 250', 1],
	['discard at RCPT', { R => 'd' }, '250 250 250 250 354 250'],
	['reject at DATA', { T => 'r' }, '250 250 250 250 550'],
	['reject at a field', { L => 't' }, '250 250 250 250 354 451'],
	['reject at the body', { B => 'r' }, '250 250 250 250 354 550'],
	['reject at the end', { E => 'r' }, '250 250 250 250 354 550'],
	['tempfail at the end', { E => 't' }, '250 250 250 250 354 451'],
	['discard at the end', { E => 'd' }, '250 250 250 250 354 250'],
	['shutdown', { M => '4' }, '250 421'],
    ) {
	my ($name, $script, $want, $mail) = @$case;
	script($script);
	is talk(), $want, $name;
	got() if $mail;
}
script({ E => "y552-5.2.3 100%% too\r\n552 5.2.3 big\0" });
like +(talk())[1], qr/^552-5\.2\.3 100% too\n552 5\.2\.3 big$/,
    'a reply of its own, of two lines';
is scalar(() = $i->mails('ann')), $mails, 'what was discarded is not there';

# --- changes ---
script({ O => [6, 0x1ff, 0x100000], E => [
	"hX-Added\0 last\0", "i" . pack('N', 0) . "X-Top\0 top\0",
	"i" . pack('N', 1) . "X-First\0 first\0",
	"m" . pack('N', 1) . "Subject\0 other\0",
	"m" . pack('N', 1) . "X-Two\0\0", "m" . pack('N', 2) . "X-Two\0\0",
	"m" . pack('N', 1) . "X-New\0 a\r\n\tb\r\nBad: c\0",
	"bnew bo", "bdy\r\nof two\r", "b\nlines\r\n",
	"e<y\@example.org>\0", "-<bob\@example.test>\0", 'p', 'c'] });
is talk("X-Two: a\r\nSubject: x\r\nX-Two: b\r\nX-Two: c\r\n\r\nold\r\n"),
    '250 250 250 250 354 250', 'many changes';
$t = got();
like $t, qr/^Return-Path:\ <y\@example\.org>\n(?:Delivered-To:.*\n)?
    X-Top:\ top\nReceived:\ .*\n(?:\s.*\n)*
    X-First:\ first\nSubject:\ other\nX-Two:\ c\nX-Added:\ last\n
    X-New:\ a\n\tb\n\tBad:\ c\n\nnew\ body\nof\ two\nlines\n$/x,
    '... are all in the message';
script({ E => ["+<bob\@example.test>\0", "2<ann\@example.test>\0X=Y\0",
	"qwait for it\0", 'a'] });
$c = Postrider::Smtp->new(port => $i->port('smtp'));
is $c->send(from => 'x@example.org', to => 'ann@example.test'), 250,
    'a recipient more, and quarantine';
like $i->wait_log(qr/ edited .*nrcpt=[23] .*wait for it/), qr/filter one/,
    '... logged by whom';
like $i->ctl_ok('queue', 'list'), qr/hold/, 'it is on hold';
$c->cmd('QUIT');

# --- hostile ones: the default action, and soon ---
my $huge = ['raw', pack('N', 0x7fffffff) . 'c'];
my @bad = (
	['closes at the options', { O => [['close']] }, '250 451'],
	['silent at the options', { O => [['hang']] }, '250 451'],
	['another version', { O => [99] }, '250 451'],
	['protocol never offered', { O => [6, 0, 0x2000000] }, '250 451'],
	['garbage at connect', { C => [['raw', 'HTTP/1.1 400 Bad']] },
	    '250 451'],
	['silent at HELO', { H => [['hang']] }, '250 451'],
	['huge at MAIL', { M => [$huge] }, '250 451'],
	['empty at MAIL', { M => [['raw', "\0\0\0\0"]] }, '250 451'],
	['unknown at MAIL', { M => 'Z' }, '250 451'],
	['a change at MAIL', { M => "hX\0y\0" }, '250 451'],
	['a reply of code 250', { M => "y250 2.0.0 ok\0" }, '250 451'],
	['closes at RCPT', { R => [['close']] }, '250 250 451 451'],
	['silent at a field', { L => [['hang']] }, '250 250 250 250 354 451'],
	['half an answer', { B => [['raw', "\0\0\0\5c"], ['close']] },
	    '250 250 250 250 354 451'],
	['silent at the end', { E => [['hang']] }, '250 250 250 250 354 451'],
	['no name in a change', { E => ["h\0\0", 'c'] },
	    '250 250 250 250 354 451'],
	['a bad name', { E => ["hX Y\0z\0", 'c'] },
	    '250 250 250 250 354 451'],
	['a short index', { E => ["m\0\0", 'c'] }, '250 250 250 250 354 451'],
	['too many changes', { E => [("hX\0y\0") x 1001, 'c'] },
	    '250 250 250 250 354 451'],
);
# A busy milter is not silent: only what waits for those that are has an end
# soon, at a stage behind which the answer is the same anyhow.
for my $short ('', 'content', 'command') {
	if ($short) {
		$i->set_conf('filter.conf', map { ("one/timeout_$_" =>
		    /^$short|^connect/ && ($short eq 'command' || !/connect/) ?
		    '300ms' : '1m') } qw(connect command content));
		$i->ctl_ok('reload');
	}
	for my $case (@bad) {
		my ($name, $script, $want) = @$case;
		my $at = $name !~ /^silent/ ? '' : $want =~ /354/ ? 'content' :
		    'command';
		next if $at ne $short;
		script($script);
		is talk(), $want, "hostile: $name";
	}
}
$i->set_conf('filter.conf', map { ("one/timeout_$_" => '1m') }
    qw(connect command content));
is scalar(() = $i->mails('ann')), $mails, 'nothing of these was delivered';
like scalar $i->log,
    qr/filter\[\d+\]: failed level=warn s=\w+ q=\w+ filter=one .*at=content/,
    '... each is logged';

# --- other ways in: LMTP, sendmail(1) and submission ---
$i->set_conf('filter.conf', map { ("one/timeout_$_" => '30s') }
    qw(connect command content));
$i->set_conf("$_.conf", filters => 'one') for qw(lmtp sendmail submission);
$i->set_conf('submission.conf', auth_plaintext => 'loopback');
$i->ctl_ok('reload');
sub sendmail {
	my ($text, @arg) = @_;
	$i->spew("$i->{tmp}/in", $text);
	chmod 0644, "$i->{tmp}/in";
	my ($st, $out, $err) = $i->run('sh', '-c', 'in=$1; shift; exec "$@" '
	    . '<$in', 'sh', "$i->{tmp}/in", 'env', 'POSTRIDER_INSTANCE=' .
	    $i->dir, "$i->{build}/ctl/sendmail", @arg);
	return ($st, "$out$err");
}
# a client that knows its way, the replies it wants to a message that is
# refused, and what the milter is told of it
my %way = (
	lmtp => sub {
		my $l = Postrider::Smtp->new(path => $i->dir .
		    '/run/private/lmtp');
		$l->ehlo('front', 'LHLO');
		$l->cmd('MAIL FROM:<x@example.org>');
		$l->cmd("RCPT TO:<$_\@example.test>") for qw(ann bob);
		my @r = $l->data($_[0], 2);
		$l->cmd('QUIT');
		return "@r";
	},
	sendmail => sub {
		my ($st, $said) = sendmail($_[0], '-f', 'ann@example.test',
		    'ann');
		return $st == 0 ? 'sent' : $said =~ /(5\.7\.9 not this)/ ? $1 :
		    $said;
	},
	submission => sub {
		my $l = Postrider::Smtp->new(port => $i->port('submission'));
		my $r = $l->send(auth => ['ann', 'pw'], message => $_[0],
		    from => 'ann@example.test', to => 'ann@example.test');
		$l->cmd('QUIT');
		return $r;
	});
for (['lmtp', '250 250', '550 550', qr/^H front$/m],
    ['sendmail', 'sent', '5.7.9 not this',
	qr/^C localhost 4 127\.0\.0\.1$/m],
    ['submission', '250', '550', qr/^D M\{auth_type\}\|PLAIN/m]) {
	my ($name, $good, $bad, $told) = @$_;
	$m->script({ E => ["hX-Way\0 $name\0", 'c'] });
	my $r = $way{$name}->("Subject: by $name\n\nx\n");
	my ($new) = grep { /^Subject: by $name$/m }
	    map { $i->slurp($_) } $i->wait_mails('ann', ++$mails);
	is $r, $good, "by $name";
	like $new, qr/^X-Way: $name$/m, '... a milter adds its field';
	like heard(), $told, '... is told who it is';
	$m->script({ E => "y550 5.7.9 not this\0" });
	is $way{$name}->("Subject: by $name\n\nx\n"), $bad, '... and refuses';
}

# --- what is wrong with a message is said for good ---
$i->set_conf('cleanup.conf', header_limit => '4M');
$i->ctl_ok('reload');
$m->script({});
my $over;
$i->wait_for(sub {
	$over = (talk("Subject: x\r\nX-A: x\r\n" .
	    (' ' . 'x' x 900 . "\r\n") x 1200 . "\r\nx\r\n"))[1];
	return $over !~ /256|262144/;	# until cleanup has the new limit
});
like $over, qr/^552 5\.3\.4 the header is too long/,
    'a header that filters can not be shown';

# --- and with other defaults ---
# the milter has one client at a time: a second process would wait for the
# connection that the first one keeps
$i->set_conf('master.conf', 'filter/process_limit' => 1);
$i->set_conf('filter.conf', 'one/default_action' => 'accept',
    'one/reuse' => 'yes', 'one/max_size' => 50);
$i->ctl_ok('reload');
$m->script({ E => 't' });
is talk("Subject: big\r\n\r\n" . 'x' x 70 . "\r\n"),
    '250 250 250 250 354 250', 'too large for it: not shown';
got();
like $i->wait_log(qr/ skipped .*too large/), qr/filter=one .*size=85/,
    '... and logged';
# the process of before the reload may have it yet
$m->script({});
ok $i->wait_for(sub { talk("Subject: x\r\n\r\n");
    $m->heard =~ /^K \n(?:(?!O |connected).*\n)*C /m }),
    'a connection serves one client after another';
$m->script({ K => [['close']] });
is talk("Subject: x\r\n\r\n"), '250 250 250 250 354 250',
    "... one that is closed meanwhile does no harm, number $_" for 1, 2;
$i->wait_for(sub { $m->heard =~ /^ended|^K/m });
$mails = () = $i->mails('ann');
$m->script({ E => ["hX-Half\0y\0", ['close']] });
is talk(), '250 250 250 250 354 250', 'default_action = accept';
unlike got(), qr/X-Half/, '... and nothing of what it had begun';
$i->set_conf('filter.conf', 'one/default_action' => 'reject',
    'one/retry' => '1h');
$i->ctl_ok('reload');
is talk(), '250 250 250 250 354 550', 'default_action = reject';
# each process of filter finds it out for itself
ok $i->wait_for(sub { talk() eq '250 550' }),
    'one that failed is not asked again at once';
like $i->wait_log(qr/ skipped .*a moment ago/), qr/filter=one/,
    '... and that is logged';
$m->stop;
$i->set_conf('filter.conf', 'one/default_action' => 'quarantine');
$i->ctl_ok('reload');
is talk(), '250 250 250 250 354 250', 'default_action = quarantine, and it '
    . 'is not there';
ok $i->wait_for(sub { 2 == (() = $i->ctl_ok('queue', 'list') =~ /hold/g) }),
    '... holds the message';
my %got = map { split /\t/, $_, 2 } $i->probe('filter');
is join(' ', grep { !/^call / && $got{$_} eq 'possible' }
    sort keys %got),
    'inet-socket unix-connect',
    'its jail: sockets of the network, and no UNIX socket to connect';

# --- smtpd has less patience than the filter has time ---
my $slow = Postrider::Milter->new(dir => $i->{tmp});
$i->set_conf('filter.conf', 'one/address' => $slow->address,
    'one/timeout_content' => '1h', 'one/timeout_command' => '10m',
    'one/timeout_connect' => '1m', 'one/default_action' => 'tempfail',
    'one/retry' => '1h');
$i->set_conf('smtpd.conf', filter_timeout => '1s');
$i->ctl_ok('reload');
$slow->script({ E => [['hang']] });
ok $i->wait_for(sub { talk() eq '250 250 250 250 354 451' }),
    'smtpd gives up';
ok $i->wait_log(qr/filter\[\d+\]: failed .*at=content .*given up/),
    '... which ends the work for it';
$slow->script({});
ok $i->wait_for(sub { talk() eq '250 250 250 250 354 250' }),
    '... and its process serves the next client, who is shown to the filter';

$i->set_conf('smtpd.conf', filters => 'one, two');
like join('', $i->ctl('check')), qr/filter\.conf has no section \[two\]/,
    'a filter that nobody described is found by check';
like join('', $i->ctl('check')), qr{/smtpd\.conf:\d+: filter\.conf has},
    '... with its place';
$i->set_conf('smtpd.conf', filters => 'one', data_rules =>
    "\n    permit if login\n    filter one three if trusted\n");
my ($code, @said) = $i->ctl('check');
isnt $code, 0, '... so is one in a rule';
my ($at) = "@said" =~
    /smtpd\.conf:(\d+): filter: filter\.conf has no section \[three\]/;
like((split /\n/, $i->slurp($i->conf_dir . '/smtpd.conf'))[($at // 1) - 1],
    qr/^ +filter one three/, '... with its place');
$i->set_conf('filter.conf', 'three/address' => $slow->address);
is +($i->ctl('check'))[0], 0, '... until it is described';
done_testing;
