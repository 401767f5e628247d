#!/usr/bin/perl
# Guessing is made slow and then impossible; whoever has the password gets in
# from where nobody guessed, and always from where he was before.
use strict;
use warnings;
use IO::Select;
use Digest::SHA qw(sha256 hmac_sha256);
use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More;
use Time::HiRes qw(time sleep);
use Postrider::Instance;
use Postrider::Ipc;

my $i = Postrider::Instance->new(users => { map { $_ => 'pw' }
	qw(ann bob carl) }, conf => { 'auth.conf' => {
	    failure_delay => '100ms', failure_delay_max => '800ms',
	    address_failures => '3/1h', network_failures => '6/1h',
	    known_failures => '4/1h', account_failures => '5/1h',
	    token_failures => '6/1h',
	    masters => 'text:masters',
	    oauth_introspection => 'text:tokens' } });
$i->spew($i->conf_dir . '/tokens', "ours ann\@example.test\n");
chmod 0644, $i->conf_dir . '/tokens';
$i->spew($i->conf_dir . '/masters', "root pass=!\n");
chmod 0644, $i->conf_dir . '/masters';
$i->start;
my $socket = $i->dir . '/run/private/auth';
my $ms;

sub enter {
	my ($addr, $user, $pass) = @_;
	my $t = time;
	my $m = Postrider::Ipc->connect($socket)->call('pass',
	    [user => $user, pass => $pass, service => 'imap',
	    client_addr => $addr, session => 'abc']);
	$ms = 1000 * (time - $t);
	return $m->{verb} eq 'ok' ? 'yes' : $m->{f}{dsn};
}
# 'yes' when it is done at once, or was but for a busy machine
sub at_once {
	my $said;
	for (1 .. 10) {
		$said = enter(@_);
		return $said if $said ne 'yes' || $ms < 350;
	}
	return "$said after $ms ms";
}
my $n = 0;
sub wrong { return enter($_[0], $_[1], 'wrong' . $n++) }
sub wrongs { my ($addr, $user, $k) = @_; return join ' ',
    map { wrong($addr, $user) } 1 .. $k }

# bob by SCRAM-SHA-256: the answer, and whether the server knew the password
sub scram {
	my ($addr, $pass) = @_;
	my $c = Postrider::Ipc->connect($socket);
	my $step = sub {
		my ($data, @more) = @_;
		return $c->call('sasl', [@more, has_data => 'yes', data =>
		    encode_base64($data, ''), service => 'imap',
		    client_addr => $addr, session => 'abc'])->{f};
	};
	my $r = $step->('n,,n=bob,r=x', mech => 'SCRAM-SHA-256');
	my $first = decode_base64($r->{challenge});
	my ($nonce, $salt, $n) = $first =~ /^r=(.+),s=(.+),i=(\d+)$/;
	my $final = "c=biws,r=$nonce";
	my $msg = "n=bob,r=x,$first,$final";
	my $u = hmac_sha256(decode_base64($salt) . pack('N', 1), $pass);
	my $salted = $u;
	$salted ^= $u = hmac_sha256($u, $pass) for 2 .. $n;
	my $key = hmac_sha256('Client Key', $salted);
	my $proof = $key ^ hmac_sha256($msg, sha256($key));
	$r = $step->("$final,p=" . encode_base64($proof, ''));
	my $proven = $r->{challenge} ? 'proven' : 'unproven';
	$r = $step->('') if $r->{challenge};
	return ($r->{dsn} // 'yes') . " $proven";
}

# --- by address
is wrongs('192.0.2.1', 'ann', 3), '5.7.8 5.7.8 5.7.8', 'three guesses';
ok $ms > 250, 'each waits longer' or diag $ms;
is enter('192.0.2.1', 'ann', 'pw'), '4.7.0', 'then the right one is refused';
is enter('192.0.2.1', 'carl', 'pw'), '4.7.0', 'as is another account';
like $i->wait_log(qr/auth-blocked.*user=ann\@example\.test/),
    qr/level=warn.*client=192\.0\.2\.1 key="auth-addr 192\.0\.2\.1" wait_ms/,
    'logged';
is enter('198.51.100.1', 'ann', 'pw'), 'yes', 'from elsewhere it is right';
is wrongs('192.0.2.2', 'nobody', 3), '5.7.8 5.7.8 5.7.8',
    'three for who does not exist';
is wrong('192.0.2.2', 'nobody'), '4.7.0', 'then refused, the same';
is enter('192.0.2.200', 'bob', 'pw'), '4.7.0', 'six of a network block it';
like $i->wait_log(qr/auth-blocked.*client=192\.0\.2\.200/),
    qr{key="auth-net 192\.0\.2\.0/24"}, 'logged';
is enter('192.0.3.1', 'bob', 'pw'), 'yes', 'not the next one';
is wrongs($_, 'bob', 1), '5.7.8', "a guess from $_"
    for qw(2001:db8::1 2001:db8::2:1 2001:db8::ffff:0:0:1);
is enter('2001:db8::1234', 'bob', 'pw'), '4.7.0', 'IPv6: /64 is an address';
is enter('2001:db8:0:1::1', 'bob', 'pw'), 'yes', '... and the next is not';
is enter('::ffff:192.0.2.1', 'bob', 'pw'), '4.7.0', 'IPv4 in IPv6';
is wrongs('127.0.0.1', 'zoe', 5), join(' ', ('5.7.8') x 5),
    'guesses from this host';
is enter('127.0.0.1', 'carl', 'pw'), 'yes', '... block nobody';
is wrongs('127.0.0.1', 'carl', 5), join(' ', ('5.7.8') x 5),
    'more of them, where carl has been';
is enter('127.0.0.1', 'carl', 'pw'), 'yes', '... block nobody';

# --- SCRAM: the password is not known, and the right one proves nothing
# (the connections of a mail reader, which come at once, are one guess)
is scram('192.0.4.1', 'wrong'), '5.7.8 unproven', 'SCRAM: one guess' for 1 .. 5;
like $i->ctl_ok('limits', 'list', 'auth-addr 192.0.4.1'),
    qr/^auth-addr 192\.0\.4\.1 +1 /m, '... counts once';
is scram('192.0.4.1', 'wrong'), '5.7.8 unproven', 'SCRAM: further ones'
    for 1 .. 2;
is scram('192.0.4.1', 'pw'), '4.7.0 unproven', 'SCRAM: then refused';
is scram('198.51.200.1', 'pw'), 'yes proven', 'SCRAM: from elsewhere';

# --- a master user is one account, whomever he wants to be
wrong("198.51.101.$_", "u$_*root") for 1 .. 2;
like $i->ctl_ok('limits', 'list', 'auth-account master'),
    qr/^auth-account master:root +2 /m, 'guesses at a master user';

# ... and who has an account is that account, whoever he wants to be
my $r = Postrider::Ipc->connect($socket)->call('sasl', [mech => 'PLAIN',
    has_data => 'yes', data => encode_base64("x\@y\0carl\0wrong", ''),
    service => 'imap', client_addr => '198.51.102.1', session => 'abc']);
is $r->{f}{dsn}, '5.7.8', 'a guess with another identity to act as';
unlike $i->ctl_ok('limits', 'list', 'auth-account'), qr/master:carl/,
    '... counts for the account';

# --- tokens are not guessed: they are counted apart, and each once
sub token {
	my ($token) = @_;
	my $c = Postrider::Ipc->connect($socket);
	my @same = (has_data => 'yes', service => 'imap', client_addr =>
	    '192.0.6.1', session => 'abc');
	my $r = $c->call('sasl', [mech => 'OAUTHBEARER', @same, data =>
	    encode_base64("n,,\1auth=Bearer $token\1\1", '')]);
	return $r->{f}{user} if $r->{f}{user};
	return $c->call('sasl', [@same, data => 'AQ=='])->{f}{dsn};
}
is token("old$_"), '5.7.8', 'a token that has ended' for 1 .. 5, (5) x 3;
is token('ours'), 'ann@example.test', '... and one that has not';
is enter('192.0.6.1', 'bob', 'pw'), 'yes', 'they block no password';
is token('old6'), '5.7.8', 'the sixth';
is token($_), '4.7.0', '... then none is looked at' for qw(old6 ours);
like $i->wait_log(qr/auth-blocked.*client=192\.0\.6\.1/),
    qr/key="auth-token 192\.0\.6\.1"/, '... which is logged';
is enter('192.0.6.1', 'bob', 'pw'), 'yes', '... but passwords are';

# --- by account
is enter('203.0.113.5', 'ann', 'pw'), 'yes', 'ann comes from here';
wrong("100.64.$_.1", 'ann') for 1 .. 12;
wrong("100.65.$_.1", 'nobody') for 1 .. 12;
is at_once('203.0.113.5', 'ann', 'pw'), 'yes',
    'under attack: from here, at once';
is enter('198.18.0.1', 'ann', 'pw'), 'yes', 'from a new place, too';
ok $ms >= 390, '... but later' or diag $ms;
is wrong('198.18.9.1', 'nobody'), '5.7.8', 'an account that is none';
ok $ms >= 290, '... waits, too' or diag $ms;
is at_once('198.18.0.1', 'ann', 'pw'), 'yes',
    'the new place is known now, and quick';

# --- who shares an address
is wrongs('203.0.113.5', 'bob', 3), '5.7.8 5.7.8 5.7.8', 'guesses next door';
is enter('203.0.113.5', 'bob', 'pw'), '4.7.0', '... refused';
is enter('203.0.113.5', 'ann', 'pw'), 'yes', '... and ann is let in';
is wrongs('203.0.113.5', 'ann', 4), join(' ', ('5.7.8') x 4),
    'guesses at her account from there';
is enter('203.0.113.5', 'ann', 'pw'), '4.7.0', '... end, too';
is enter('198.18.0.1', 'ann', 'pw'), 'yes', '... not from elsewhere';

# --- an old password
is enter('198.18.1.1', 'carl', 'old'), '5.7.8', 'an old password' for 1 .. 9;
is enter('198.18.1.1', 'carl', 'pw'), 'yes', 'is one guess, however often';

# --- the admin
my $list = $i->ctl_ok('limits', 'list', 'auth-addr');
like $list, qr/^key +count +window\n/, 'limits list';
like $list, qr/^auth-addr 192\.0\.2\.1 +3 +1h$/m, '... an address';
unlike $list, qr/auth-account/, '... by prefix';
like $i->ctl_ok('limits', 'list', '--json'),
    qr/^\{"key":"auth-known 203\.0\.113\.5 ann\@example\.test","count":4,/m,
    '... for programs';
my ($st, $out, $err) = $i->ctl('limits', 'forget', '203.0.113.5');
is $st, 0, 'limits forget';
like $out, qr/^forgot auth-addr 203\.0\.113\.5$/m, '... says what';
is enter('203.0.113.5', 'bob', 'pw'), 'yes', '... who was refused may come';
($st, undef, $err) = $i->ctl('limits', 'forget', 'nothing');
is $st, 1, 'nothing to forget';
like $err, qr/nothing is counted for nothing/, '... is told';
$i->reload;
is enter('192.0.2.1', 'ann', 'pw'), '4.7.0', 'known after a reload';

# --- a password is nowhere
my $all = $i->log . $i->slurp($i->dir . '/spool/limit/state');
unlike $all, qr/wrong\d/, 'no password in the log or on disk';

# --- many at a time hold up nobody
$i->set_conf('auth.conf', failure_delay => '10s', failure_delay_max => '10s',
    address_failures => '1000/1h', network_failures => '1000/1h');
$i->reload;
my ($since, @answered) = time;
my @c = map {
	my $c = Postrider::Ipc->connect($socket);
	$c->send('pass', [user => "u$_", pass => 'x', service => 'imap',
	    client_addr => "100.70.$_.1", session => 'abc']);
	$c;
} 1 .. 60;
sleep 2;
is enter('198.18.0.1', 'ann', 'pw'), 'yes', 'while 60 wait';
@answered = IO::Select->new(map { $_->fh } @c)->can_read(0);
cmp_ok scalar(@answered), '<', 60 + (time - $since > 8),
    '... not behind them';
is scalar(grep { (eval { $_->recv->{f}{dsn} } // '') eq '5.7.8' } @c), 60,
    '... who are all answered';

# --- through a protocol
$i->set_conf('auth.conf', failure_delay => '100ms',
    failure_delay_max => '800ms', address_failures => '2/1h',
    exempt_networks => '10.0.0.0/8');
$i->reload;
my @code = map { scalar $i->send(port => 'submission', to => 'bob',
    from => 'ann', auth => ['dora', "guess$_"]) } 1 .. 3;
is "@code", '535 535 454', 'submission: refused for now';

for (['pop3', qr/-ERR \[SYS\/TEMP\]/], ['imap', qr/NO \[UNAVAILABLE\]/]) {
	my ($proto, $want) = @$_;
	my (undef, undef, $said) = $i->run('curl', '-sSkv', '--ssl-reqd',
	    '--login-options', 'AUTH=PLAIN', '-u', 'bob:pw',
	    "$proto://127.0.0.1:" . $i->port($proto) . '/');
	like $said, $want, "$proto: a temporary error";
}

# --- without limitd
sub stuck { kill 'STOP', $i->pids_of('limitd') }
sub goes_on { kill 'CONT', $i->pids_of('limitd') }
stuck();
is enter('192.0.2.1', 'ann', 'pw'), 'yes', 'without limitd everybody may try';
ok $i->wait_log(qr/auth\S* no-limits level=warn/), '... which is said';
$i->set_conf('auth.conf', limits_needed => 'yes');
goes_on();
$i->reload;
stuck();
is enter('198.18.0.1', 'ann', 'pw'), '4.7.0', 'limits_needed: nobody';
goes_on();
ok $i->wait_for(sub { enter('198.18.0.1', 'ann', 'pw') eq 'yes' }),
    '... until it is back';
done_testing;
