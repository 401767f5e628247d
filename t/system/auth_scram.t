#!/usr/bin/perl
# SCRAM with verifiers of every form, and a name that nobody has looks like one.
use strict;
use warnings;
use Digest::SHA qw(sha256 hmac_sha256);
use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More;
use Time::HiRes qw(time);
use Postrider::Solo;

sub b64 { return encode_base64($_[0], '') }

sub salted {
	my ($pass, $salt, $n) = @_;
	my $u = hmac_sha256($salt . pack('N', 1), $pass);
	my $t = $u;
	$t ^= $u = hmac_sha256($u, $pass) for 2 .. $n;
	return $t;
}

sub verifier {
	my ($pass, $salt, $n) = @_;
	$n //= 4096;
	my $s = salted($pass, $salt, $n);
	return "SCRAM-SHA-256\$$n:" . b64($salt) . '$' .
	    b64(sha256(hmac_sha256('Client Key', $s))) . ':' .
	    b64(hmac_sha256('Server Key', $s));
}

my $four = verifier('geheim', 'salz');
my $five = verifier('geheim', 's' x 20, 5000);
my $crypt = crypt 'geheim', '$6$rounds=1000$salt$';
my $s = Postrider::Solo->new('auth',
	common => { domains => 'b.test', scram_iterations => 4096 },
	conf => { users => 'text:users text:more', failure_delay => '0s',
	    failure_delay_max => '0s', upgrade => 'no', max_failures => 100 });
open my $fh, '>', $s->dir . '/conf/users' or die "users: $!\n";
print {$fh} "ann\@b.test pass=$crypt pass=$four\n",
    (map { ("u$_\@b.test pass=$five\n", "v$_\@b.test pass=$four\n") } 1 .. 30),
    "crypt\@b.test pass=$crypt\n",
    "locked\@b.test pass=! pass=$four\n";
close $fh;
open $fh, '>', $s->dir . '/conf/more' or die "more: $!\n";
print {$fh} "ann\@b.test pass=x\n",
    "more\@b.test pass=" . verifier('geheim', 'mehr') . "\n";
close $fh;
$s->start(clients => 1);
my @who = (service => 'imap', client_addr => '192.0.2.9', session => 'x1');

# (the answer to the last step, the server's salt, its signature is right)
sub scram {
	my ($user, $pass, %arg) = @_;
	my $head = $arg{head} // 'n,,';
	my $bare = "n=$user,r=klient";
	my $c = $arg{conn} || $s->connect;
	my @ch = @{ $arg{channel} || [] };
	my $r = $c->call('sasl', [mech => $arg{mech} || 'SCRAM-SHA-256',
	    has_data => 'yes', data => b64($head . $bare), @who, @ch]);
	my $first = decode_base64($r->{f}{challenge} // '');
	my ($nonce, $salt, $n) = $first =~ /^r=(klient.+),s=(.+),i=(\d+)$/ or
	    return $r;
	my $final = 'c=' . b64($head . ($arg{bind} // '')) . ",r=$nonce";
	my $msg = "$bare,$first,$final";
	my $salted = salted($pass, decode_base64($salt), $n);
	my $key = hmac_sha256('Client Key', $salted);
	my $proof = $key ^ hmac_sha256($msg, sha256($key));
	$r = $c->call('sasl', [has_data => 'yes',
	    data => b64("$final,p=" . b64($proof)), @who]);
	my $sig = 'v=' . b64(hmac_sha256($msg,
	    hmac_sha256('Server Key', $salted)));
	my $good = ($r->{f}{challenge} // '') eq b64($sig);
	$r = $c->call('sasl', [has_data => 'yes', data => '', @who])
	    if $r->{f}{challenge};
	return ($r, $salt, $good);
}

# salt and iterations that a name gets
sub first {
	my ($name) = @_;
	my $c = $s->connect;
	my $r = $c->call('sasl', [mech => 'SCRAM-SHA-256', has_data => 'yes',
	    data => b64("n,,n=$name,r=klient"), @who]);
	return [decode_base64($r->{f}{challenge}) =~ /,s=(.+),i=(\d+)$/];
}

my ($r, $salt, $good) = scram('ann', 'geheim');
is $r->{f}{user}, 'ann@b.test', 'SCRAM-SHA-256';
ok $good, 'the server proved itself';
($r) = scram('more@b.test', 'geheim');
is $r->{f}{user}, 'more@b.test', 'from the second table';
($r) = scram('ann', 'Geheim');
is $r->{f}{dsn}, '5.7.8', 'a wrong password';
($r) = scram('locked', 'geheim');
is $r->{f}{dsn}, '5.7.8', 'one that is locked locks all';

my (@salts, %why);
for my $name ('nobody', 'NOBODY@b.test', 'nobody', 'crypt', 'other') {
	($r, $salt) = scram($name, 'geheim');
	is $r->{f}{dsn}, '5.7.8', "$name: refused as a wrong password is";
	push @salts, $salt;
}
is $salts[0], $salts[2], 'a made-up salt stays the same';
is $salts[0], $salts[1], 'in every spelling of the name';
isnt $salts[0], $salts[4], 'another name has another one';

# by the first message nobody can be told from who exists
my (%shape, %first);
for my $name (map { "none$_" } 1 .. 40) {
	my $m = first($name);
	$first{$name} = $m->[0] . $m->[1];
	$shape{"$m->[1] " . length decode_base64($m->[0])}++;
}
is join(', ', sort keys %shape), '4096 4, 5000 20',
    'a name that nobody has has the count and length of some account';
cmp_ok $shape{'5000 20'}, '>', 3, '... of each as often as accounts have it';
is first($_)->[0] . first($_)->[1], $first{$_}, '... always the same'
    for 'none1', 'none2';
$s->stop;
$s->start(clients => 1);
is first($_)->[0] . first($_)->[1], $first{$_}, '... and after a start'
    for 'none1', 'none2';

sub mechs {
	my (@ch) = @_;
	my $r = $s->connect->call('mechs', [service => 'imap', @ch]);
	return $r->{f}{mechs} // '';
}
my @tls = (tls => 'yes', exporter => b64('E' x 32),
    end_point => b64('e' x 32));
is mechs(), 'SCRAM-SHA-256', 'no password goes in the clear';
is mechs(plaintext => 'yes'), 'SCRAM-SHA-256 PLAIN LOGIN',
    'but where that is allowed';
is mechs(tls => 'yes'), 'SCRAM-SHA-256 PLAIN LOGIN', 'under TLS, too';
is mechs(@tls), 'SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN',
    'with a binding';
($r) = scram('ann', 'geheim', mech => 'SCRAM-SHA-256-PLUS', channel => \@tls,
    head => 'p=tls-exporter,,', bind => 'E' x 32);
is $r->{f}{user}, 'ann@b.test', 'bound by the exporter';
($r) = scram('ann', 'geheim', mech => 'SCRAM-SHA-256-PLUS', channel => \@tls,
    head => 'p=tls-server-end-point,,', bind => 'e' x 32);
is $r->{f}{user}, 'ann@b.test', 'bound by the certificate';
($r) = scram('ann', 'geheim', mech => 'SCRAM-SHA-256-PLUS', channel => \@tls,
    head => 'p=tls-exporter,,', bind => 'F' x 32);
is $r->{f}{dsn}, '5.7.8', 'another channel';
($r) = scram('ann', 'geheim', mech => 'SCRAM-SHA-256-PLUS',
    head => 'p=tls-exporter,,', bind => 'E' x 32);
is $r->{f}{dsn}, '5.5.4', 'what was not offered is not there';
($r) = scram('ann', 'geheim', channel => \@tls, head => 'y,,');
is $r->{f}{dsn}, '5.7.8', 'a downgrade';
($r) = scram('ann', 'geheim', head => 'y,,');
is $r->{f}{user}, 'ann@b.test', 'no downgrade where nothing was offered';
$r = $s->connect->call('sasl', [mech => 'SCRAM-SHA-1', @who]);
is $r->{f}{dsn}, '5.5.4', 'SCRAM-SHA-1 is off';
like $s->log, qr/reason="downgrade: /, 'and logged';
like $s->log, qr/ login s=x1 user=ann\@b\.test .*mech=SCRAM-SHA-256-PLUS/,
    'so is a login';
done_testing;
