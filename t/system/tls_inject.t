#!/usr/bin/perl
# What an attacker on the way, or a broken client, may do around a handshake:
# plain text behind STARTTLS, in its segment and in the next; no TLS where it
# should be and TLS where it should not; half a handshake and silence.  Each
# time the connection ends, nothing of it is obeyed, others are served, and the
# log has one line of it.
use strict;
use warnings;
use IO::Socket::INET;
use Postrider::Instance;
use Postrider::Line;
use Postrider::Starttls qw(tls raw starttls wrapped with_lmtp protocols
    begin said);
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Test::More;
use Time::HiRes qw(sleep time);

my $i = with_lmtp(Postrider::Instance->new(users => { ann => 'pw' }));
$i->set_conf($_, tls_timeout => '4s') for qw(smtpd.conf submission.conf
    lmtp.conf pop3-login.conf imap-login.conf);
$i->start;

# what each protocol would do in plain text, and what it would answer
my %evil = (imap => ["e1 LOGIN ann pw\r\n", qr/^(?:e1 |\* CAPA)/m],
	pop3 => ["USER ann\r\nPASS pw\r\n", qr/^\+OK.*^\+OK/ms],
	map { ($_ => ["RSET\r\n", qr/^250 2\.0\.0/m]) }
	    qw(smtp submission lmtp));

# all that still comes
sub rest {
	my ($c) = @_;
	my $all = '';
	while (defined(my $l = $c->line)) {
		$all .= "$l\n";
	}
	return $all;
}

# a raw client that has said hello
sub client {
	my ($name) = @_;
	my $c = raw($i, $name);
	setsockopt $c->fh, IPPROTO_TCP, TCP_NODELAY, 1;
	said($c, $name, ($name eq 'lmtp' ? 'LHLO' : 'EHLO') . ' c.example')
	    if $c->isa('Postrider::Smtp');
	return $c;
}

# lines of the log about failed handshakes since then
sub failures {
	my ($from) = @_;
	return grep { /handshake-failed|tls-failed|tls-injected/ }
	    $i->log_lines($from);
}

# Nothing was obeyed, the connection is closed, there is one line of log, and
# the next client is served.
sub over {
	my ($c, $name, $what, $from, $log) = @_;
	my $all = eval { rest($c) } // "STILL OPEN: $@";
	unlike $all, $evil{$name}[1], "$name: $what: not obeyed";
	unlike $all, qr/STILL OPEN/, '... closed';
	$i->wait_for(sub { failures($from) });
	my @l = failures($from);
	is scalar @l, 1, '... one line of log' or diag(@l);
	like $l[0] // '', $log, '... which says it';
	return;
}

# `start' has tried the listeners that begin with TLS
$i->wait_for(sub { failures(0) == 3 });
for my $name (protocols()) {
	my $from = $i->log_mark;
	my $c = client($name);
	$c->put(begin($name) . "\r\n" . $evil{$name}[0]);
	over($c, $name, 'plain text in the same segment', $from,
	    qr/tls-injected .*client=127\.0\.0\.1/);

	$from = $i->log_mark;
	$c = client($name);
	$c->put(begin($name) . "\r\n" . $evil{$name}[0] .
	    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
	over($c, $name, '... and a ClientHello behind it', $from,
	    qr/tls-injected /);

	$from = $i->log_mark;
	$c = client($name);
	$c->put(begin($name) . "\r\n");
	$c->put($evil{$name}[0]);
	over($c, $name, 'in the next segment', $from,
	    qr/tls-injected |handshake-failed .*plain text/);

	$from = $i->log_mark;
	$c = client($name);
	said($c, $name, begin($name));
	$c->put($evil{$name}[0]);
	over($c, $name, 'after the answer', $from,
	    qr/handshake-failed .*plain text/);

	# what came in plain text must not be found under TLS
	$c = client($name);
	$c->put($name eq 'imap' ? 's STARTT' : $name eq 'pop3' ? 'ST' :
	    'START');
	sleep 0.05;
	like said($c, $name, $name eq 'imap' ? 'LS' : $name eq 'pop3' ? 'LS' :
	    'TLS'), qr/^(?:220 |\+OK |s OK )/, 'the command in two segments';
	ok tls($c), '... is one';
	ok Postrider::Starttls::alive($c, $name), '... in step with the client';

	$from = $i->log_mark;
	$c = client($name);
	said($c, $name, begin($name));
	shutdown $c->fh, 1;
	over($c, $name, 'half closed before the handshake', $from,
	    qr/handshake-failed .*closed/);
}

# ---- handshakes that are none ----------------------------------------------
for my $p (['smtps', 'submission'], ['pop3s', 'pop3'], ['imaps', 'imap']) {
	my ($port, $name) = @$p;
	my $connect = sub {
		return Postrider::Line->connect_to(port => $i->port($port));
	};
	my $from = $i->log_mark;
	my $c = $connect->();
	$c->put($evil{$name}[0]);
	over($c, $name, "$port: plain text instead of a ClientHello", $from,
	    qr/handshake-failed .*plain text/);

	$from = $i->log_mark;
	$c = $connect->();
	$c->put(join '', map { chr(($_ * 37 + 11) % 256) } 1 .. 4000);
	over($c, $name, '... garbage', $from, qr/handshake-failed /);

	$from = $i->log_mark;
	$c = $connect->();
	my $start = time;
	$c->put("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
	over($c, $name, '... a ClientHello that stops', $from,
	    qr/handshake-failed .*too long/);
	my $took = time - $start;
	ok $took > 3 && $took < 50, '... after tls_timeout' or diag $took;

	$from = $i->log_mark;
	$c = $connect->();
	$start = time;
	over($c, $name, '... silence', $from,
	    qr/handshake-failed .*too long/);
	$took = time - $start;
	ok $took > 3 && $took < 50, '... after tls_timeout' or diag $took;

	# a hello where none is expected
	$c = client($name);
	$c->put("\x16\x03\x01\x00\x30" . "\x01" x 48 . "\r\n");
	like $c->line, qr/^(?:5\d\d |-ERR |\S+ BAD )/,
	    "$name: a ClientHello on the plain port is an error";

	# the client goes in the middle; so does the session
	$c = wrapped($i, $port);
	$from = $i->log_mark;
	$c->fh->close(SSL_no_shutdown => 1);
	ok $i->wait_log(qr/disconnect .*end=(?:eof|lost)/, undef, $from),
	    "$port: gone without a close_notify";
	$c = wrapped($i, $port);
	ok Postrider::Starttls::alive($c, $name), '... the next one is served';
}

# ---- no way to renegotiate -------------------------------------------------
my $c = wrapped($i, 'imaps', SSL_version => 'TLSv1_2');
ok Postrider::Starttls::alive($c, 'imap'), 'TLS 1.2';
my $ssl = $c->fh->_get_ssl_object;
Net::SSLeay::renegotiate($ssl);
is Net::SSLeay::do_handshake($ssl), -1, 'renegotiation fails';
like Net::SSLeay::ERR_error_string(Net::SSLeay::ERR_get_error()),
    qr/no renegotiation/, '... as the server says';

is $i->smtp->greeting, 220, 'all are still served';
done_testing;
