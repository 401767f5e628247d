#!/usr/bin/perl
# UNAUTHENTICATE (RFC 8437): one connection, one user after another; what the
# session before had is forgotten, and imap-login believes nothing that comes
# on the socket by which clients come back.
use strict;
use warnings;
use Compress::Raw::Zlib;
use IO::Socket::INET;
use MIME::Base64;
use Postrider::Imap qw(lit_plus);
use Postrider::Instance;
use Postrider::Ipc;
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw2' },
    conf => { 'auth.conf' => { failure_delay => '10ms' } })->start;
my $path = $i->dir . '/run/private/imap-login';

sub client { return Postrider::Imap->new(port => $i->port('imap'), @_) }

sub caps {
	my ($c) = @_;
	return { map { $_ => 1 } map { @{ $_->{data} } }
	    $c->cmd('CAPABILITY')->untagged('CAPABILITY') };
}

my $c = client();
ok !caps($c)->{UNAUTHENTICATE}, 'is not announced before login';
$c->bad('nor possible', 'UNAUTHENTICATE');
$c->login('bob', 'pw2')->expect;
$c->ok("bob's mail", 'APPEND INBOX ', lit_plus("Subject: of bob\n\nhi\n"))
    for 1 .. 3;
$c->logout;

$c = client();
$c->login('ann', 'pw')->expect;
ok caps($c)->{UNAUTHENTICATE}, 'announced after login';
$c->bad('an argument', 'UNAUTHENTICATE now');
$c->ok("ann's mail", 'APPEND INBOX (\Deleted) ',
    lit_plus("Subject: of ann\n\nhi\n"));
$c->ok('ENABLE', 'ENABLE QRESYNC UTF8=ACCEPT UIDONLY');
is $c->ok('SELECT', 'SELECT INBOX')->num('EXISTS'), 1, 'ann has one';
$c->ok('UID SEARCH is kept', 'UID SEARCH RETURN (SAVE) ALL');

# all in one segment
$c->put("a UNAUTHENTICATE\r\nb CAPABILITY\r\nc LOGIN bob pw2\r\n" .
    "d SELECT INBOX\r\ne FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n");
my $r = $c->finish('a');
is $r->{status}, 'OK', 'UNAUTHENTICATE';
is scalar(@{ $r->{got} }), 0, 'tells of nothing';
$r = $c->finish('b');
my %cap = map { $_ => 1 } map { @{ $_->{data} } } $r->untagged('CAPABILITY');
ok $cap{'AUTH=PLAIN'}, 'passwords are taken: its address is still its own';
ok !$cap{IDLE}, 'it is logged in no more';
is scalar(grep { $_->{name} eq 'OK' } @{ $r->{got} }), 0, 'no greeting';
is $c->finish('c')->{status}, 'OK', 'LOGIN as another';
$r = $c->finish('d');
is $r->num('EXISTS'), 3, "bob's mail";
$r = $c->finish('e');
is $r->{status}, 'OK', 'a FETCH without UID: UIDONLY is forgotten';
unlike $r->{raw} . join('', map { $_->{raw} } @{ $r->{got} }), qr/of ann/,
    'nothing of ann';
like join('', map { $_->{raw} } @{ $r->{got} }), qr/of bob/, 'but of bob';
$r = $c->ok('STORE', 'STORE 1 +FLAGS (\Flagged)');
unlike join('', map { $_->{raw} } @{ $r->{got} }), qr/MODSEQ/,
    'CONDSTORE is forgotten';
$r = $c->ok('SEARCH of a result', 'SEARCH $');
is_deeply $r->numbers, [], 'it is forgotten, too';
$r = $c->ok('ENABLE anew', 'ENABLE QRESYNC');
like join('', map { $_->{raw} } @{ $r->{got} }), qr/ENABLED QRESYNC/,
    'was not enabled';

# again and again, and by AUTHENTICATE
for my $n (1 .. 5) {
	$c->ok("UNAUTHENTICATE $n", 'UNAUTHENTICATE');
	$c->bad('SELECT is of no user', 'SELECT INBOX');
	my ($u, $p) = $n % 2 ? qw(ann pw) : qw(bob pw2);
	$c->ok('AUTHENTICATE', 'AUTHENTICATE PLAIN ' .
	    encode_base64("\0$u\0$p", ''));
	is $c->ok('SELECT', 'SELECT INBOX')->num('EXISTS'), $n % 2 ? 1 : 3,
	    "the mail of $u: nothing was expunged";
}
like $i->log, qr/imap-login.*\bback\b.*client=127\.0\.0\.1.*\bfrom=/,
    'the log names it';
$c->logout;
$c = client();
$c->login('ann', 'pw')->expect;
$c->ok('UNAUTHENTICATE', 'UNAUTHENTICATE');
ok $c->cmd('LOGOUT')->untagged('BYE'), 'LOGOUT after it';

# more input than goes along: the session goes on
$c = client();
$c->login('ann', 'pw')->expect;
my $noops = join '', map { "n$_ NOOP\r\n" } 1 .. 2500;
$c->put("x UNAUTHENTICATE\r\n$noops");
like $c->finish('x')->{status}, qr/^(?:OK|BAD)$/, 'much input is answered';
$c->close;

$c = client();
$c->login('ann', 'pw')->expect;
$c->ok('COMPRESS', 'COMPRESS DEFLATE');
my ($def) = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15,
    -AppendOutput => 1);
my ($inf) = Compress::Raw::Zlib::Inflate->new(-WindowBits => -15,
    -AppendOutput => 1);
my ($out, $plain) = ('', '');
$def->deflate("x CAPABILITY\r\ny UNAUTHENTICATE\r\n", $out);
$def->flush($out, Z_SYNC_FLUSH);
$c->put($out);
alarm 60;
until ($plain =~ /^y \w+/m) {
	sysread $c->fh, my $buf, 65536 or last;
	$inf->inflate($buf, $plain);
}
alarm 0;
unlike $plain, qr/ UNAUTHENTICATE\b/, 'not announced while compressed';
like $plain, qr/^y BAD/m, 'nor possible';
$c->close;

# ---- the socket --------------------------------------------------------------

sub peer_pair {
	my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
	    or die "listen: $!";
	my $ours = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $l->sockport) or die "connect: $!";
	my $theirs = $l->accept;
	return ($ours, $theirs, $l);
}

sub hostile {
	my ($name, $verb, $pairs, $fh) = @_;
	my $m = eval { Postrider::Ipc->inbox($path)
	    ->call($verb, $pairs, $fh) };
	ok !$m || $m->{verb} eq 'err', "refused: $name";
	return;
}

my ($ours, $theirs, $listener) = peer_pair();
socketpair my $u1, my $u2, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die;
open my $file, '<', '/etc/passwd' or die;
hostile('no descriptor', 'back', []);
hostile('a file', 'back', [], $file);
hostile('a UNIX socket', 'back', [], $u1);
hostile('a socket that listens', 'back', [], $listener);
hostile('another verb', 'begin', [], $theirs);
hostile('input that is no base64', 'back', [input => '!!'], $theirs);
hostile('too much input', 'back', [input =>
    encode_base64('x' x 40000, '')], $theirs);
# nor anything but a connection
for my $what ([file => $file], [stream => $u1], [listener => $listener]) {
	my $k = Postrider::Ipc->inbox($path, $what->[1]);
	ok !eval { $k->send('back', [], $theirs); $k->recv },
	    "not a $what->[0]";
}
my $ch = Postrider::Ipc->inbox($path);
$ch->send_raw("no message at all\0\0=\xff", $theirs);
my $m = eval { $ch->recv };
ok !$m || $m->{verb} eq 'err', 'refused: noise';

# what it may do: a client that is not logged in, whatever is said of it
$m = Postrider::Ipc->inbox($path)->call('back', [session => "x\ny user=root",
    input => encode_base64("a SELECT INBOX\r\nb CAPABILITY\r\n", ''),
    user => 'bob', client_addr => '192.0.2.1', tls => 'yes'], $theirs);
is $m->{verb}, 'ok', 'a TCP connection is taken';
close $theirs;
my $h = Postrider::Imap->new(fh => $ours, greeting => 0);
is $h->finish('a')->{status}, 'BAD', 'it is not logged in';
ok !(grep { $_ eq 'IDLE' } map { @{ $_->{data} } }
    $h->finish('b')->untagged('CAPABILITY')), 'nothing is open to it';
$h->no('LOGIN needs the password', 'LOGIN bob wrong');
$h->ok('LOGIN', 'LOGIN bob pw2');
unlike $i->log, qr/192\.0\.2\.1/, 'its address is that of the descriptor';
unlike $i->log, qr/^y user=root/m, 'the log is not forged';
# a sender that says nothing is sent away
my $mark = $i->log_mark;
$ch = Postrider::Ipc->inbox($path);
ok $i->wait_log(qr/imap-login.*refused.*timeout/, undef,
    $mark), 'a silent sender';

# ---- nobody takes it -------------------------------------------------------

$c = client();
$c->login('ann', 'pw')->expect;
$c->ok('UNAUTHENTICATE', 'UNAUTHENTICATE');
kill KILL => $i->pids_of('imap-login');
ok $c->closed, 'a client ends with the imap-login that has it';
$c = client();
$c->login('ann', 'pw')->expect;
kill KILL => $i->pids_of('imap-login');
$c->put("x UNAUTHENTICATE\r\ny LOGIN bob pw2\r\n");
is $c->finish('x')->{status}, 'OK', 'UNAUTHENTICATE, all of imap-login dead';
# master waits longer and longer before it starts what dies
like $c->line, qr/^(?:y OK|\* BYE) /, 'the next one takes it, or BYE';

$c = client();
$c->login('ann', 'pw')->expect;
unlink $path or die "$path: $!";
$c->put("x UNAUTHENTICATE\r\ny NOOP\r\n");
is $c->finish('x')->{status}, 'OK', 'UNAUTHENTICATE needs no path any more';
is $c->finish('y')->{status}, 'OK', 'imap-login has it';
$c = client();
$c->login('ann', 'pw')->expect;
ok !caps($c)->{UNAUTHENTICATE}, 'is not announced without imap-login';
$c->bad('nor possible', 'UNAUTHENTICATE');
$c->ok('the session goes on', 'NOOP');
done_testing;
