#!/usr/bin/perl
# Before login: what is served, how logins are answered, and that the client
# goes to auth with all that it sent.
use strict;
use warnings;
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;

package Login;
use parent -norequire, 'Postrider::Solo';
use IO::Socket::INET;
use Postrider::Pop3;
use Postrider::Solo;

sub new {
	my ($class, %arg) = @_;
	my $self = $class->SUPER::new('pop3-login', %arg);
	$self->{program} = 'pop3d/pop3-login';
	return $self;
}

sub listener {
	my ($self) = @_;
	my $l = IO::Socket::INET->new(Listen => 64, Proto => 'tcp',
	    LocalAddr => '127.0.0.1', LocalPort => 0);
	$self->{port} = $l->sockport;
	return bless { s => $l }, 'Postrider::Ipc';
}

sub client { return Postrider::Pop3->new(port => $_[0]{port}) }

package main;

# the fake auth: ann's password is "ge heim", others say what goes wrong
my %why = (gone => ['perm', '5.7.13', 'account is disabled'],
	sick => ['temp', '4.7.0', 'the table of accounts can not be read']);
sub refuse {
	my ($conn, $kind, $dsn, $text) = @_;
	$conn->send('err', [kind => $kind, dsn => $dsn, text => $text]);
	return;
}

sub auth {
	my ($m, $conn) = @_;
	my %f = %{ $m->{f} };
	return '' if Postrider::Solo::mechs($m, $conn);
	if ($m->{verb} eq 'pass') {
		return refuse($conn, @{ $why{ $f{user} } }) if $why{ $f{user} };
		return refuse($conn, 'perm', '5.7.8', 'no') if
		    $f{user} ne 'ann' || $f{pass} ne 'ge heim';
		$conn->send('ok', [done => 'yes', user => 'ann@example.test']);
	} elsif ($m->{verb} eq 'sasl') {
		my $d = decode_base64($f{data} // '');
		return refuse($conn, 'perm', '5.5.4', 'malformed base64') if
		    ($f{data} // '') eq '!';
		return $conn->send('ok', [challenge => 'VXNlcg==']) && '' if
		    !$f{has_data};
		return refuse($conn, 'perm', '5.7.8', 'no') if
		    $d ne "\0ann\0ge heim";
		$conn->send('ok', [done => 'yes', user => 'ann@example.test']);
	} else {
		return refuse($conn, 'temp', '4.3.0', 'no session program') if
		    $f{input} && decode_base64($f{input}) =~ /^FAIL/;
		syswrite $m->{fd}, "+OK logged in\r\n";
		$conn->send('ok');
	}
	return '';
}

my $s = Login->new(conf => { max_bad_logins => 2, expire => 7 });
$s->fake(auth => \&auth);
$s->start;

my $p = $s->client;
is $p->greeting, '+OK mx.example.test POP3 ready', 'the greeting';
my (undef, $capa) = $p->multi('CAPA');
is $capa, join('', map { "$_\n" } 'USER', 'TOP', 'UIDL', 'SASL PLAIN LOGIN',
    'UTF8 USER', 'PIPELINING', 'RESP-CODES', 'AUTH-RESP-CODE',
    'LOGIN-DELAY 0', 'EXPIRE 7', 'IMPLEMENTATION Postrider'), 'CAPA';
is $p->cmd('UTF8'), '+OK UTF-8 it is', 'UTF8';
is(($p->multi('AUTH'))[1], "PLAIN\nLOGIN\n", 'AUTH alone lists');
like $p->cmd($_), qr/^-ERR /, "$_: an error" for 'PASS x', 'USER',
    'NOOP', 'STAT', 'STLS';
is $p->cmd('QUIT'), '+OK good-bye', 'QUIT';
ok $p->closed, 'closes';

$p = $s->client;
is $p->login('ann', 'wrong'), '-ERR [AUTH] wrong name or password',
    'a wrong password';
like $p->cmd('PASS ge heim'), qr/^-ERR USER comes first/,
    'needs another USER';
is $p->login('gone', 'x'), '-ERR [SYS/PERM] account is disabled',
    'a disabled account';
is $p->login('sick', 'x'),
    '-ERR [SYS/TEMP] the table of accounts can not be read', 'trouble';
is $p->login('bob', 'x'), '-ERR [AUTH] wrong name or password, good-bye',
    'the second wrong one is the last';
ok $p->closed, 'closed';
ok $s->wait_log(qr/disconnect .* end=auth bad_logins=2 /), 'and logged';
unlike $s->log, qr/wrong|heim/, 'without any password';

$p = $s->client;
is $p->login('ann', 'ge heim'), '+OK logged in', 'USER and PASS';
my ($h) = grep { $_->{verb} eq 'handover' } $s->asked('auth');
is_deeply [@{ $h->{f} }{qw(service client_addr local_addr)}],
    ['pop3', '127.0.0.1', '127.0.0.1'], 'the client is given away';
unlink $s->dir . '/asked.auth';

$p = $s->client;
my $plain = encode_base64("\0ann\0ge heim", '');
$p->put("CAPA\r\nAUTH PLAIN $plain\r\nSTAT\r\nQUIT\r\n");
$p->line;
$p->body;
is $p->line, '+OK logged in', 'AUTH with an initial response, pipelined';
($h) = grep { $_->{verb} eq 'handover' } $s->asked('auth');
is decode_base64($h->{f}{input}), "STAT\r\nQUIT\r\n",
    'what follows goes along';

$p = $s->client;
is $p->cmd('AUTH PLAIN'), '+ VXNlcg==', 'AUTH without: a challenge';
is $p->cmd('*'), '-ERR login cancelled', 'which may be cancelled';
is $p->cmd('AUTH PLAIN !'), '-ERR malformed base64', 'nonsense';
is $p->cmd('AUTH EXTERNAL'), '-ERR unknown mechanism', 'EXTERNAL';
is $p->cmd('AUTH plain'), '+ VXNlcg==', 'in lower case';
is $p->cmd('x' x 13000), '-ERR that is no response', 'too long';
is $p->cmd('AUTH PLAIN ='), '-ERR [AUTH] wrong name or password',
    'an empty response';
$p->cmd('AUTH PLAIN');
is $p->cmd($plain), '+OK logged in', 'and the right one';

$p = $s->client;
$p->put("USER ann\r\nPASS ge heim\r\nFAIL\r\n");
like $p->line, qr/^\+OK/, 'USER';
is $p->line, '-ERR [SYS/TEMP] no session program',
    'a client that can not be given away';
like $p->line, qr/^-ERR unknown/, 'stays';
$s->unfake('auth');
like $p->login('ann', 'x'), qr/^-ERR \[SYS\/TEMP\] /, 'no auth';
is $p->cmd('QUIT'), '+OK good-bye', 'and is served';

my $t = Login->new(conf => { auth_plaintext => 'never' });
$t->start;
$p = $t->client;
unlike +($p->multi('CAPA'))[1], qr/^(?:USER|SASL)/m,
    'auth_plaintext = never offers no login';
like $p->cmd($_), qr/^-ERR \[SYS\/PERM\]/, "and takes none: $_" for
    'USER ann', 'AUTH PLAIN';
$t->stop;
$t->_conf('pop3-login', timeout => '1s');
$t->start;
$p = $t->client;
like $p->line, qr/^-ERR idle too long/, 'an idle client';
ok $p->closed, 'is closed';
done_testing;
