#!/usr/bin/perl
# Sessions of TLS from their first octet to their last: tickets, certificates
# of clients, much data, ends of all kinds, floods.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(time sleep);
use Postrider::Instance;
use Postrider::Ipc;
use Postrider::Tls;

my $i = Postrider::Instance->new;
my $t = Postrider::Tls->new($i);
$t->cert('ca', is_ca => 1, names => ['ca.test'], cn => 'Clients');
$t->cert('ann', ca => 'ca', cn => 'Ann', names => ['email:ann@example.test',
    'otherName:1.3.6.1.5.5.7.8.9;UTF8:an@example.test', 'ann.test']);
$t->cert('eve', cn => 'Eve', names => ['email:ann@example.test']);
$t->cert('ec', names => ['mail.test']);
$t->cert('rsa', type => 'rsa', names => ['mail.test']);
$i->set_conf('keyd.conf', certificates => 'tls/ec.pem tls/rsa.pem');
$i->set_conf('tlsd.conf', client_ca => 'tls/ca.pem');
$i->set_conf('common.conf', log_level => 'debug');
$i->start;
my $port = $t->serve(service => 'imap');

sub tlsd_pids {
	return grep {
		$i->slurp("/proc/$_/cmdline") =~ m{^(?:[^\0]*/)?tlsd\0}
	} $i->pids;
}
# is a session open?  Each of the processes answers now and then.
sub busy {
	return grep { Postrider::Ipc->connect($i->dir . '/run/private/tlsd')
	    ->call('stat')->{f}{sessions} } 1 .. 20;
}

# --- tickets: of one process, used at another
my @tlsd = tlsd_pids();
is scalar(@tlsd), 2, 'two processes';
my $file = "$t->{tmp}/session";
for my $v ('-tls1_3', '-tls1_2') {
	my %who;
	my $resumed = 0;
	for my $n (1 .. 8) {
		# now the one, now the other
		kill 'STOP', $tlsd[$n % 2];
		my $c = $t->client($port, $v, $n == 1 ? () :
		    ('-sess_in', $file), '-sess_out', $file);
		my $f = $c->facts;
		$resumed++ if ($f->{resumed} // '') eq 'yes';
		ok $c->echo("round $n"), "$v: session $n";
		$c->half;
		$c->until(qr/(?!)/, 5);
		kill 'CONT', @tlsd;
	}
	is $resumed, 7, "$v: all but the first were resumed";
	my $log = $i->log;
	$who{$1} = 1 while $log =~ /tlsd\[(\d+)\]: handshake /g;
	is scalar(keys %who), 2, 'by both processes';
}

# --- TLS 1.3: one ticket, in front of the data
my $messages = "$t->{tmp}/messages";
my $one = $t->client($port, '-tls1_3', '-msg', '-msgfile', $messages);
ok $one->echo('x'), 'a session of TLS 1.3';
undef $one;
my @tickets = $i->slurp($messages) =~ /NewSessionTicket/g;
is scalar(@tickets), 1, 'has one ticket';

# behind STARTTLS nobody says anything: it comes all the same
unlink $file;
my $silent = $t->client($i->port('smtp'), '-starttls', 'smtp', '-tls1_3',
    '-sess_out', $file);
ok $i->wait_for(sub { -s $file }), 'also where there is no data';
undef $silent;

# --- what a resumed session is bound to: the certificate of its first
for my $v ('-tls1_3', '-tls1_2') {
	for my $how ('ECDSA+SHA256', 'RSA-PSS+SHA256') {
		my @o = ($v, '-sigalgs', $how);
		my $c = $t->client($port, @o, '-sess_out', $file);
		my $first = $c->facts->{end_point};
		$c->echo('x');
		$c->half;
		$c->until(qr/(?!)/, 5);
		$c = $t->client($port, @o, '-sess_in', $file);
		my $f = $c->facts;
		is "$f->{resumed} $f->{end_point}", "yes $first",
		    "$v, $how: tls-server-end-point is that of the first";
	}
}

# --- certificates of clients
my $ask = $t->serve(service => 'imap', ask => 'yes');
my @ann = ('-cert', $t->path('ann.pem'), '-key', $t->path('ann.pem.key'));
$t->cert('srv', ca => 'ca', cn => 'Ann', names =>
    ['email:ann@example.test'], ext => ['extendedKeyUsage=serverAuth']);
$t->cert('past', ca => 'ca', cn => 'Ann', names =>
    ['email:ann@example.test'], days => -1);
my @eve = ('-cert', $t->path('eve.pem'), '-key', $t->path('eve.pem.key'));
my $f = $t->client($ask)->facts;
is $f->{subject}, '', 'a client without a certificate';
is $f->{verified}, 'no', 'is not verified';
for my $v ('-tls1_3', '-tls1_2') {
	$f = $t->client($ask, $v, @ann, '-sess_out', $file)->facts;
	is $f->{verified}, 'yes', "$v: a good one is";
	is $f->{subject}, 'CN=Ann', 'its subject';
	is $f->{issuer}, 'CN=Clients', 'and issuer';
	is $f->{mailboxes}, 'ann@example.test, an@example.test', 'mailboxes';
	(my $fp = lc $t->openssl('x509', '-in', $t->path('ann.pem'), '-noout',
	    '-fingerprint', '-sha256')) =~ s/.*=|[:\s]//g;
	is $f->{fingerprint}, $fp, 'fingerprint';
	ok length $f->{voucher}, 'and a voucher';
	like $i->call('keyd', 'check', voucher => $f->{voucher}),
	    qr/fingerprint=$fp/, 'that keyd knows as its own';
}
my $c = $t->client($ask, '-tls1_3', @ann, '-sess_out', $file);
ok $c->echo('x'), 'a session';
$c->half;
$c->until(qr/(?!)/, 5);
$f = $t->client($ask, '-tls1_3', '-sess_in', $file)->facts;
is "$f->{resumed} $f->{verified}", 'yes yes', 'resumed: still verified';
$f = $t->client($port, '-tls1_3', '-sess_in', $file)->facts;
is "$f->{resumed} $f->{verified}", 'no no', 'not where none is asked for';
# one that ends soon, made by `openssl ca`, as x509 counts in days
$t->cert('bob', names => ['bob.test']);
$i->spew("$t->{tmp}/$_", '') for qw(ca.txt ca.txt.attr);
$i->spew("$t->{tmp}/ca.cnf", "[ca]\ndatabase=$t->{tmp}/ca.txt\n" .
    "new_certs_dir=$t->{tmp}\nrand_serial=yes\npolicy=any\n" .
    "[any]\ncommonName=supplied\n");
$t->openssl('req', '-new', '-key', $t->path('bob.pem.key'), '-subj',
    '/CN=Bob', '-out', "$t->{tmp}/bob.csr");
my $ends = time + 20;
$t->openssl('ca', '-batch', '-notext', '-name', 'ca', '-config',
    "$t->{tmp}/ca.cnf", '-in', "$t->{tmp}/bob.csr", '-cert',
    $t->path('ca.pem'), '-keyfile', $t->path('ca.pem.key'), '-md', 'sha256',
    '-enddate', strftime('%Y%m%d%H%M%SZ', gmtime $ends), '-out',
    $t->path('bob.pem'));
my @bob = ('-cert', $t->path('bob.pem'), '-key', $t->path('bob.pem.key'));
for my $v ('-tls1_3', '-tls1_2') {
	my $c = $t->client($ask, $v, @bob, '-sess_out', "$file$v");
	is $c->facts->{verified}, 'yes', "$v: one that is good for seconds";
	$c->echo('x');
	$c->half;
	$c->until(qr/(?!)/, 5);
}
$f = $t->client($ask, @eve)->facts;
is $f->{verified}, 'no', 'who made it alone is not verified';
is $f->{voucher}, '', 'and not vouched for';
for (['srv', qr/purpose/], ['past', qr/expired/]) {
	my ($name, $why) = @$_;
	$f = $t->client($ask, '-cert', $t->path("$name.pem"), '-key',
	    $t->path("$name.pem.key"))->facts;
	is $f->{verified}, 'no', "nor is the one called $name";
	like $f->{why}, $why, 'and why';
}
$f = $t->client($ask, @eve)->facts;
like $f->{why}, qr/self.signed/, 'and why';
is eval { $i->call('keyd', 'check', voucher => 'AAAA' x 20) }, undef,
    'a made-up voucher is refused';

# --- much data, both ways
my $n = 40_000_000;
$c = $t->client($port, '-quiet');
$c->facts;
$c->say("SOURCE $n");
my $got = 0;
while ($got < $n) {
	IO::Select->new($c->{out})->can_read(60) or last;
	my $r = sysread $c->{out}, my $buf, 1 << 20 or last;
	$got += $r;
}
is $got, $n, 'forty megabytes to the client';
$c->say("SINK $n");
my $chunk = 'x' x 1_000_000;
for (1 .. $n / length $chunk) {
	my $at = 0;
	$at += syswrite $c->{in}, $chunk, length($chunk) - $at, $at
	    while $at < length $chunk;
}
ok $c->until(qr/^OK$/m), 'and from it';

# --- who reads nothing costs a bounded number of octets
my ($big) = sort { $b <=> $a } map { rss($_) } tlsd_pids();
my @slow = map { $t->client($port, '-quiet') } 1 .. 10;
for (@slow) {
	$_->facts;
	$_->say("SOURCE $n");
}
sleep 1.5;
my ($now) = sort { $b <=> $a } map { rss($_) } tlsd_pids();
cmp_ok $now - $big, '<', 20_000, 'ten clients that do not read: kB more';
ok $t->client($port)->echo('hello'), 'others are served';
undef @slow;

sub rss { return $i->slurp("/proc/$_[0]/status") =~ /VmRSS:\s*(\d+)/ && $1 }

# --- ends
$c = $t->client($port);
ok $c->echo('one'), 'a session';
$c->half;			# s_client sends close_notify
ok $c->until(qr/DONE|closed/), 'ends in order';
ok $i->wait_log(qr/session-end .*what=closed/), 'and is told so';
$c = $t->client($port);
ok $c->echo('two'), 'a session';
$c->done;
ok $i->wait_log(qr/session-end .*what=(?:truncated|broken)/),
    'that is cut off is told, too';
ok $i->wait_for(sub { !busy() }), 'none is left';

# --- floods
$c = $t->client($port, '-tls1_3', '-commands');
ok $c->echo('before'), 'a client';
for (1 .. 60) {
	$c->say('K') or last;
	sleep 0.01;
}
ok $i->wait_log(qr/session-end .*why="too many key updates"/),
    'that sends nothing but KeyUpdates is cut off';
$c = $t->client($port, '-tls1_3', '-commands');
ok $c->echo('before'), 'another';
for (1 .. 5) {
	$c->say('K');
	sleep 0.05;
}
ok $c->echo('after'), 'a few are fine';

# --- the certificate that was good for seconds
sleep 0.1 while time < $ends + 1;
for my $v ('-tls1_3', '-tls1_2') {
	$f = $t->client($ask, $v, '-sess_in', "$file$v")->facts;
	is "$f->{resumed} $f->{verified}", 'no no',
	    "$v: not resumed when it has ended";
}
done_testing;
