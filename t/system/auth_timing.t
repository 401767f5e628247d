#!/usr/bin/perl
# How long a failed login takes does not tell whether there is such a user:
# without any delay, for each scheme, by a sent password and by SCRAM.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More;
use Time::HiRes qw(time);
use Postrider::Instance;
use Postrider::Ipc;

my $ROUNDS = 12;

# the quickest but one: others on the machine can only make it slower
sub quick {
	my @v = sort { $a <=> $b } @_;
	return $v[1];
}

my ($i, $c);

sub try_pass {
	my ($user) = @_;
	my $t = time;
	my $r = $c->call('pass', [user => $user, pass => 'wrong',
	    service => 'imap', client_addr => '127.0.0.1']);
	my $s = time - $t;
	die "not refused: $r->{verb}\n" if ($r->{f}{dsn} // '') ne '5.7.8';
	return $s;
}

sub scram {
	my ($user) = @_;
	my @more = (service => 'imap', client_addr => '127.0.0.1',
	    has_data => 'yes');
	my $t = time;
	my $r = $c->call('sasl', [mech => 'SCRAM-SHA-256',
	    data => encode_base64("n,,n=$user,r=abcdef", ''), @more]);
	my $first = decode_base64($r->{f}{challenge} // '');
	my ($nonce) = $first =~ /^r=([^,]+)/ or die "no challenge\n";
	$r = $c->call('sasl', [@more, data => encode_base64(
	    "c=biws,r=$nonce,p=" . encode_base64('x' x 32, ''), '')]);
	my $s = time - $t;
	die "not refused\n" if ($r->{f}{dsn} // '') ne '5.7.8';
	return ($s, length $first);
}

sub quickest {
	my %took;
	for (1 .. $ROUNDS) {	# side by side, so that load is shared
		push @{ $took{$_} }, try_pass($_)
		    for qw(ann bob nobody), 'x@y.z';
	}
	return map { $_ => 1000 * quick(@{ $took{$_} }) } keys %took;
}

for my $scheme (qw(yescrypt argon2id)) {
	$i = Postrider::Instance->new(users => {}, conf => {
	    'common.conf' => { password_scheme => $scheme },
	    'auth.conf' => { failure_delay => '0s',
		failure_delay_max => '0s', max_failures => 1000 } });
	$i->add_user($_, 'right') for qw(ann bob);
	$i->ctl_ok('user', 'disable', 'bob');
	$i->start;
	$c = Postrider::Ipc->connect($i->dir . '/run/private/auth');
	pass('ann') for 1 .. 3;
	# somebody else may take the processor for a while
	my %m;
	for (1 .. 8) {
		%m = quickest();
		last unless grep { $_ / $m{ann} <= 0.75 ||
		    $_ / $m{ann} >= 1.33 } values %m;
	}
	diag join ' ', $scheme, map { sprintf '%s=%.1fms', $_, $m{$_} }
	    sort keys %m;
	for my $who ('bob', 'nobody', 'x@y.z') {
		my $ratio = $m{$who} / $m{ann};
		ok $ratio > 0.75 && $ratio < 1.33,
		    "$scheme: $who takes as long as ann" or diag $ratio;
	}
	next if $scheme ne 'yescrypt';
	my ($a, $b, %n);
	for (1 .. 8) {
		my %s;
		for (1 .. 4 * $ROUNDS) {
			for my $who (qw(ann nobody)) {
				my ($t, $len) = scram($who);
				push @{ $s{$who} }, $t;
				$n{$who} = $len;
			}
		}
		($a, $b) = map { 1000 * quick(@{ $s{$_} }) }
		    qw(ann nobody);
		last if abs($a - $b) < 0.4;
	}
	cmp_ok abs($a - $b), '<', 0.4, 'SCRAM: no difference' or
	    diag "$a ms, $b ms";
	is $n{nobody}, $n{ann}, 'nor in what is said';
}
done_testing;
