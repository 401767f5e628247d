#!/usr/bin/perl
# Who may log in, and what those learn who may not.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);
use Postrider::Solo;

my $hash = crypt 'geheim', '$6$rounds=1000$salt$';
my $s = Postrider::Solo->new('auth',
	common => { domains => 'example.test, b.test' },
	conf => { users => 'text:users', failure_delay => '400ms',
	    failure_delay_max => '1s', max_failures => 3 });
open my $fh, '>', $s->dir . '/conf/users' or die "users: $!\n";
print {$fh} "ann\@example.test pass=$hash quota=1M\n",
    "bob\@b.test pass=$hash\n", "gone\@b.test pass=$hash disabled=yes\n",
    "locked\@b.test pass=!$hash\n", "none\@b.test\n";
close $fh;
$s->start(clients => 1);

my @who = (service => 'pop3', client_addr => '192.0.2.9', session => 'abc1');

# a connection of its own; the answer as one line
sub try {
	my ($user, $pass) = @_;
	my $r = $s->connect->call('pass', [user => $user, pass => $pass,
	    @who]) or return 'closed';
	return join ' ', grep { defined } @{ $r->{f} }{qw(dsn text user)};
}

sub b64 { return encode_base64($_[0], '') }

my $wrong = '5.7.8 authentication credentials invalid';
my @cases = (
	['ann@example.test', 'geheim', 'ann@example.test', 'full address'],
	['Ann@EXAMPLE.test', 'geheim', 'ann@example.test', 'folded'],
	['ann', 'geheim', 'ann@example.test', 'local part'],
	['bob@b.test', 'geheim', 'bob@b.test', 'another domain'],
	['bob', 'geheim', $wrong, 'local part of another domain'],
	['ann', 'Geheim', $wrong, 'wrong password'],
	['ann', 'x' x 600, $wrong, 'over-long password'],
	['', 'geheim', $wrong, 'empty name'],
	['nobody', 'geheim', $wrong, 'unknown user'],
	['a b@@', 'geheim', $wrong, 'no address'],
	['x' x 300, 'geheim', $wrong, 'over-long name'],
	['ann+x', 'geheim', $wrong, 'extension'],
	['locked@b.test', 'geheim', $wrong, 'locked account'],
	['none@b.test', 'geheim', $wrong, 'account without a password'],
	['gone@b.test', 'geheim', '5.7.13 account disabled', 'disabled'],
	['gone@b.test', 'x', $wrong, 'disabled, wrong password'],
);
for my $case (@cases) {
	my ($user, $pass, $want, $name) = @$case;
	my ($got, $ms);
	for (1 .. 20) {		# a busy machine adds something now and then
		my $t = time;
		$got = try($user, $pass);
		$ms = 1000 * (time - $t);
		last if $ms < 900 || $got ne $want;
	}
	is $got, $want, $name;
	next if $want !~ /^5/;
	ok $ms >= 290 && $ms < 900, "$name: answered after the delay" or
	    diag "$ms ms";
}
my $tail = 'service=pop3 mech=PASS client=192\.0\.2\.9';
like $s->log, qr/ login s=abc1 user=bob\@b\.test $tail$/m, 'a login is logged';
my $why = 'reason="unknown user"';
like $s->log, qr/ login-failed s=abc1 user=nobody $tail $why$/m,
    'a failure too';
unlike $s->log, qr/[Gg]eheim/, 'no password is';

my $c = $s->connect;
my $r = $c->call('sasl', [mech => 'PLAIN', has_data => 'yes',
	data => b64("\0ann\0geheim"), @who]);
is "$r->{f}{done} $r->{f}{user}", 'yes ann@example.test', 'PLAIN';
$r = $c->call('sasl', [mech => 'PLAIN', @who]);
is $r->{f}{dsn}, '5.5.1', 'once is enough';

$c = $s->connect;
$r = $c->call('sasl', [mech => 'login', @who]);
is $r->{f}{challenge}, b64('Username:'), 'LOGIN asks for the name';
$r = $c->call('sasl', [data => b64('bob@b.test'), has_data => 'yes', @who]);
is $r->{f}{challenge}, b64('Password:'), 'and for the password';
$r = $c->call('sasl', [data => b64('geheim'), has_data => 'yes', @who]);
is $r->{f}{user}, 'bob@b.test', 'LOGIN';

$c = $s->connect;
$r = $c->call('sasl', [mech => 'PLAIN', has_data => 'yes', data => '*!', @who]);
is $r->{f}{dsn}, '5.5.4', 'malformed base64';
$r = $c->call('sasl', [mech => 'CRAM-MD5', @who]);
is $r->{f}{dsn}, '5.5.4', 'unknown mechanism';
$r = $c->call('sasl', [data => 'AAAA', has_data => 'yes', @who]);
is $r->{f}{dsn}, '5.5.4', 'a step without an exchange';
$r = $c->call('sasl', [mech => 'PLAIN', has_data => 'yes',
	data => b64("bob\0ann\0geheim"), @who]);
is $r->{f}{dsn}, '5.7.8', 'as somebody else';
$r = $c->call('sasl', [mech => 'PLAIN', has_data => 'yes', data => '', @who]);
is $r->{f}{dsn}, '5.7.8', 'an empty response';
my $t = time;
$r = $c->call('pass', [user => 'ann', pass => 'x', @who]);
cmp_ok time - $t, '>', 0.7, 'the delay grows with each failure';
$r = $c->call('pass', [user => 'ann', pass => 'geheim', @who]);
is "$r->{f}{dsn} $r->{f}{text}", '4.7.0 too many failed logins',
    'until nothing is checked any more';
undef $c;
is try('ann', 'geheim'), 'ann@example.test', 'which hurts nobody else';

$c = $s->connect;
$c->send_raw('nonsense');
is $c->recv, undef, 'so is who sends nonsense';
undef $c;
is try('ann', 'geheim'), 'ann@example.test', 'the next one is served';

rename $s->dir . '/conf/users', $s->dir . '/conf/u';
is try('ann', 'geheim'), 'ann@example.test', 'a lost table stays in use';
rename $s->dir . '/conf/u', $s->dir . '/conf/users';

$s->stop;
$s->_conf('auth', users => 'text:users', step_timeout => '1s');
$s->start(clients => 1);
$c = $s->connect;
$c->call('sasl', [mech => 'PLAIN', @who]);
is $c->recv, undef, 'who stops in an exchange is cut off';
done_testing;
