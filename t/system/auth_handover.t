#!/usr/bin/perl
# The client goes to the session program after a login, once, and with the ids
# and the place that belong to the account.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Socket;
use Test::More;
use Postrider::Solo;

my $hash = crypt 'geheim', '$6$rounds=1000$salt$';
my $s = Postrider::Solo->new('auth',
	common => { default_quota => '7K' },
	conf => { users => 'text:users', failure_delay => '0s' });
open my $fh, '>', $s->dir . '/conf/users' or die "users: $!\n";
print {$fh} "\"Ann./b\@example.test\" pass=$hash\n",
    "bob\@example.test pass=$hash quota=1M\n",
    "smtp\@example.test pass=$hash\n";
close $fh;
$s->start(clients => 1);

# auth serves one connection at a time: the one before must be gone
my $c;
sub login {
	my ($user, $service) = @_;
	undef $c;
	$c = $s->connect;
	my $r = $c->call('pass', [user => $user, pass => 'geheim',
	    service => $service, session => 's1', client_addr => '192.0.2.9']);
	is $r->{verb}, 'ok', "$user logged in for $service";
	return;
}

sub client {
	socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, 0 or die "pair: $!\n";
	return ($a, $b);
}

sub handover {
	my ($c, $client, %field) = @_;
	my $r = $c->call('handover', [service => 'pop3', input => 'Tk9PUA==',
	    client_addr => '192.0.2.9', client_port => 1234, session => 'evil',
	    %field], $client) or return 'closed';
	return join ' ', $r->{verb}, grep { defined } @{ $r->{f} }{qw(dsn
	    text)};
}

my ($ours, $theirs) = client();
$c = $s->connect;
is handover($c, $theirs), 'err 4.7.0 not authenticated', 'not without a login';

undef $c;	# or the fake would keep it open
$s->fake(pop3d => sub {
	my ($m, $conn) = @_;
	syswrite $m->{fd}, "+OK hello\r\n" if $m->{fd};
	$conn->send('ok');
	delete $m->{fd};
});
login('bob@example.test', 'pop3');
is handover($c, $theirs, service => 'ftp'),
    'err 5.5.4 no such service: ftp', 'no unknown service';
is handover($c, $theirs, service => 'imap'),
    'err 5.5.4 logged in for pop3, not for imap', 'not another one';
open my $file, '<', $s->dir . '/conf/common.conf';
is handover($c, $file), 'err 5.5.4 that is no client', 'no file';
is handover($c, $theirs), 'ok', 'a client';
sysread $ours, my $got, 100;
is $got, "+OK hello\r\n", 'which the session program then serves';
is handover($c, $theirs), 'err 5.5.1 handover: only once', 'only once';

my ($m) = $s->asked('pop3d');
my ($uid, $gid) = (stat $s->dir . '/conf/common.conf')[4, 5];
my $mail = $s->dir . '/mail';
is_deeply $m->{f}, { user => 'bob@example.test', uid => $uid, gid => $gid,
	home => "$mail/example.test/bob", mailbox => 'example.test/bob',
	quota => 1048576, input => 'Tk9PUA==', client_addr => '192.0.2.9',
	session => 's1', client_port => 1234 },
    'with the facts of the account and of the login';

login('"Ann./b"@example.test', 'pop3');
is handover($c, $theirs), 'ok', 'a strange name';
$m = ($s->asked('pop3d'))[-1];
is "$m->{f}{mailbox} $m->{f}{home} $m->{f}{quota}",
    "example.test/ann./b $mail/example.test/ann.%2Fb 7168",
    'has its place below its domain, and the default quota';

login('smtp@example.test', 'smtp');
is handover($c, $theirs, service => 'smtp'),
    'err 5.5.4 no such service: smtp', 'a sender has no session program';

undef $c;
$s->unfake('pop3d');
login('bob@example.test', 'pop3');
like handover($c, $theirs), qr/^err/, 'no session program';
ok $s->wait_log(qr/handover .*user=bob\@example\.test service=pop3/),
    'is logged';
$s->fake(pop3d => sub { $_[1]->send('ok') });
is handover($c, $theirs), 'ok', 'and may be tried again';

# A reload between a login and the hand-over of its client.  What is asked first
# may come before the end of the generation is seen, the second does not.
undef $c;
$s->unfake('pop3d');
$s->fake(pop3d => sub { $_[1]->send('ok') });
login('bob@example.test', 'pop3');
$s->drain;
is handover($c, $theirs, service => 'ftp'),
    'err 5.5.4 no such service: ftp', 'the generation ends';
is handover($c, $theirs), 'ok', '... when the client was handed over';
undef $c;
is $s->wait_exit, 0, '... and no later';
$s->start(clients => 1);
$c = $s->connect;
for (['', mech => 'LOGIN'], ['', data => encode_base64('bob@example.test', '')],
    ['yes', data => encode_base64('geheim', '')]) {
	my ($done, @field) = @$_;
	my $r = $c->call('sasl', [service => 'pop3', session => 's1',
	    client_addr => '192.0.2.9', @field]) or last;
	is $r->{verb} . ($r->{f}{done} // ''), "ok$done", "LOGIN: $field[1]";
	$s->drain if $s->{life};
}
is handover($c, $theirs), 'ok', 'nor is an exchange cut';
undef $c;
is $s->wait_exit, 0, '... but waited for';
$s->start;

undef $c;
$s->stop;
$s->_conf('auth', users => 'text:users', failure_delay => '0s',
    handover_timeout => '1s');
$s->start(clients => 1);
$s->fake(pop3d => sub { sleep 600 });
login('bob@example.test', 'pop3');
like handover($c, $theirs), qr/^err 4/, 'a session program that is stuck';
is handover($c, $theirs), 'err 5.5.1 already handed over',
    'may have the client, so nobody else gets it';
login('bob@example.test', 'pop3');
$s->drain;
is $s->wait_exit, 0, 'who never hands over is not waited for long';
done_testing;
