#!/usr/bin/perl
# LOGIN and AUTHENTICATE: what is accepted, how it is answered, and what is
# pipelined behind it.
use strict;
use warnings;
use MIME::Base64;
use Postrider::Imap qw(lit lit_plus quote);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'p"w\\1',
	"b\x{c3}\x{b6}b" => "s\x{c3}\x{b6}" });
$i->set_conf('imap-login.conf', max_bad_logins => 3);
$i->set_conf('auth.conf', failure_delay => '10ms');
$i->start;

sub client { return Postrider::Imap->new(port => $i->port('imap')) }
sub plain { return encode_base64("\0$_[0]\0$_[1]", '') }

my $c = client();
my @caps = $c->greeting->{code};
is $caps[0][0], 'CAPABILITY', 'the greeting has capabilities';
my %cap = map { $_ => 1 } @{ $caps[0] };
ok $cap{$_}, "before login: $_" for qw(IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+
    ENABLE ID AUTH=PLAIN);
ok !$cap{LOGINDISABLED}, 'loopback may log in';
is_deeply [map { @{ $_->{data} } }
    $c->ok('CAPABILITY', 'CAPABILITY')->untagged('CAPABILITY')],
    [@{ $caps[0] }[1 .. $#{ $caps[0] }]], 'CAPABILITY says the same';
$c->bad('SELECT before login', 'SELECT INBOX');
$c->bad('an unknown command', 'FOO');
$c->bad('LOGIN without a password', 'LOGIN ann');
$c->bad('LOGIN with three arguments', 'LOGIN ann b c');
is $c->no('a bad password', 'LOGIN ann wrong')->code('AUTHENTICATIONFAILED'),
    1, 'with its code';
my $r = $c->ok('LOGIN with quoted strings', 'LOGIN "ann" "p\\"w\\\\1"');
is $r->{code}[0], 'CAPABILITY', 'the answer has capabilities';
ok +(grep { $_ eq 'IDLE' } @{ $r->{code} }), 'those after login';
ok !(grep { /^AUTH=/ } @{ $r->{code} }), 'no mechanisms';
$c->bad('LOGIN twice', 'LOGIN ann x');
ok $c->logout->untagged('BYE'), 'LOGOUT says BYE';

$c = client();
$c->ok('LOGIN with literals', 'LOGIN ', lit('ann'), ' ', lit('p"w\\1'));
$c = client();
$c->ok('LOGIN with LITERAL+', 'LOGIN ', lit_plus('ann'), ' ',
    lit_plus('p"w\\1'));
$c = client();
$c->ok('LOGIN with UTF-8 in quotes', 'LOGIN "b' . "\x{c3}\x{b6}" .
    'b" "s' . "\x{c3}\x{b6}" . '"');
$c = client();
$c->ok('stray blanks', 'LOGIN  ann   "p\\"w\\\\1" ');
$c = client();
$c->put("x LOGIN ann {5}\n");
is $c->wait_plus('x'), 'OK', 'a line that ends with LF';
$c->put("p\"w\\1\n");
is $c->finish('x')->{name}, 'OK', 'and the next one';
$c = client();
$c->put("x NOOP\n");
is $c->finish('x')->{name}, 'OK', 'LF alone';
$c = client();
$c->no('a literal that is too long', 'LOGIN ann ', lit('x' x 5000));
$c->ok('and it goes on', 'NOOP');

# pipelined behind LOGIN: the session has it
$c = client();
my @r = $c->pipeline('CAPABILITY', 'LOGIN ann "p\\"w\\\\1"', 'SELECT INBOX',
    ['APPEND INBOX ', lit_plus("Subject: x\r\n\r\nbody\r\n")],
    'FETCH 1 RFC822.SIZE', 'LOGOUT');
is_deeply [map { $_->{status} } @r], [('OK') x 6], 'a whole session at once';
is $r[4]->fetched->{1}{'RFC822.SIZE'}, 20, 'with its answers';

# SASL
$c = client();
$c->ok('AUTHENTICATE with an initial response', 'AUTHENTICATE PLAIN ' .
    plain('ann', 'p"w\\1'));
$c = client();
my $tag = $c->start('AUTHENTICATE plain');
is $c->wait_plus($tag), '', 'an empty challenge';
$c->put(plain('ann', 'p"w\\1') . "\r\n");
is $c->finish($tag)->{status}, 'OK', 'AUTHENTICATE in two steps';
$c = client();
$tag = $c->start('AUTHENTICATE PLAIN');
$c->wait_plus($tag);
$c->put("*\r\n");
is $c->finish($tag)->{status}, 'BAD', 'cancelled';
$tag = $c->start('AUTHENTICATE PLAIN');
$c->wait_plus($tag);
$c->put("!!!\r\n");
is $c->finish($tag)->{status}, 'BAD', 'no base64';
$c->no('an unknown mechanism', 'AUTHENTICATE X-NO');
$c->no('a wrong password', 'AUTHENTICATE PLAIN ' . plain('ann', 'no'));
$c->ok('and then the right one', 'AUTHENTICATE PLAIN ' .
    plain('ann', 'p"w\\1'));
$c->ok('the session is there', 'SELECT INBOX');

# tags come back as they are
for my $t ('A1', 'a.b-c', '[x]', 'x]y', '1') {
	$c = client();
	$c->put("$t LOGIN ann \"p\\\"w\\\\1\"\r\n");
	my $a;
	do { $a = $c->response } until $a->{tag} ne '*';
	is "$a->{tag} $a->{name}", "$t OK", "tag $t";
}

# three bad passwords
$c = client();
$c->no("bad password $_", 'LOGIN ann wrong') for 1, 2;
$r = $c->no('bad password 3', 'LOGIN ann wrong');
ok $r->untagged('BYE'), 'BYE after the third';
ok !defined $c->response, 'and the end';

# no login without TLS
$i->set_conf('imap-login.conf', auth_plaintext => 'never');
$i->reload;
$c = client();
my @now = @{ $c->greeting->{code} };
ok +(grep { $_ eq 'LOGINDISABLED' } @now), 'LOGINDISABLED';
ok !(grep { /^AUTH=(?:PLAIN|LOGIN)$/ } @now), 'and no way to send one';
is $c->no('LOGIN', 'LOGIN ann x')->code('PRIVACYREQUIRED'), 1, 'refused';
$c->no('AUTHENTICATE', 'AUTHENTICATE PLAIN ' . plain('ann', 'x'));
done_testing;
