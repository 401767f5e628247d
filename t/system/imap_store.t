#!/usr/bin/perl
# STORE and EXPUNGE: flags and keywords, .SILENT, two sessions.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;

sub client {
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login('ann', 'pw')->expect;
	return $c;
}

my ($c, $d) = (client(), client());
$c->cmd("APPEND INBOX ", lit_plus("Subject: $_\r\n\r\nx\r\n"))->expect
    for 1 .. 5;
$_->cmd('SELECT INBOX')->expect for $c, $d;

sub flags {
	my ($r, $n) = @_;
	my $f = $r->fetched->{$n} // return 'nothing';
	return join ' ', sort grep { $_ ne '\Recent' } @{ $f->{FLAGS} // [] };
}

is flags($c->ok('FLAGS', 'STORE 1 FLAGS (\Seen a)'), 1), '\Seen a', 'sets';
is flags($c->ok('+FLAGS', 'STORE 1 +FLAGS \Flagged b'), 1),
    '\Flagged \Seen a b', 'adds, without parentheses, too';
is flags($c->ok('-FLAGS', 'STORE 1 -FLAGS (\Seen A none)'), 1),
    '\Flagged b', 'takes away, in any case';
is flags($c->ok('FLAGS ()', 'STORE 1 FLAGS ()'), 1), '', 'sets none';
is scalar @{ $c->ok('.SILENT', 'STORE 1:2 +FLAGS.SILENT (\Seen)')->{got} }, 0,
    'is silent';
my $r = $d->ok('NOOP', 'NOOP');
is flags($r, 1) . flags($r, 2), '\Seen\Seen', 'but not to others';
is flags($c->ok('lower case', 'store 3 +flags (\sEEN \dRAFT $Forwarded)'), 3),
    '$Forwarded \Draft \Seen', 'names as they are written';
is flags($c->ok('\Recent', 'STORE 3 FLAGS (\Recent)'), 3), '',
    'can not be set';
$r = $c->ok('UID STORE', 'UID STORE 2,4 +FLAGS (\Answered)');
is_deeply [sort map { $_->{UID} } values %{ $r->fetched }], [2, 4],
    'tells UIDs';
$c->ok('UID STORE of nothing', 'UID STORE 100:200 +FLAGS (\Seen)');
$c->bad("STORE $_", "STORE $_") for '1 FLAGS', '1 +FLAGS (\Nope)', '6 FLAGS ()',
    '1 FLAG (a)', '1 +FLAGS (a', '1 ++FLAGS (a)', '1 FLAGS (a(b)';
$c->no('a keyword that is too long', 'STORE 1 +FLAGS (' . 'k' x 200 . ')');
is flags($c->cmd('FETCH 1 FLAGS'), 1), '\Seen', 'nothing happened';

# many keywords
my @k = map { "key$_" } 1 .. 40;
is flags($c->ok('40 keywords', "STORE 1 +FLAGS (@k)"), 1),
    join(' ', sort '\Seen', @k), 'are kept';
is flags($d->ok('NOOP', 'NOOP'), 1), join(' ', sort '\Seen', @k),
    'and seen by others';

# EXPUNGE
$c->ok('STORE', 'STORE 2,4:5 +FLAGS.SILENT (\Deleted)');
$r = $c->ok('UID EXPUNGE', 'UID EXPUNGE 3:4');
is_deeply [map { $_->{num} } $r->untagged('EXPUNGE')], [4],
    'takes only what is named';
$r = $d->cmd('STORE 4 +FLAGS (x)');
is $r->code('EXPUNGEISSUED'), 1, 'STORE of what another expunged';
is scalar $r->untagged('EXPUNGE'), 0, 'does not tell it';
$r = $c->ok('EXPUNGE', 'EXPUNGE');
is_deeply [map { $_->{num} } $r->untagged('EXPUNGE')], [2, 3], 'the others';
is_deeply [map { $_->{num} } $d->cmd('NOOP')->untagged('EXPUNGE')],
    [2, 3, 3], 'in the other session';
is_deeply [sort keys %{ $d->uid_fetch('1:*', 'UID') }], [1, 3], 'what stays';
is scalar @{ $c->ok('nothing to expunge', 'EXPUNGE')->{got} }, 0, 'silent';

# both change one message
$c->put("x1 STORE 1 +FLAGS (from_c)\r\n");
$d->put("x1 STORE 1 +FLAGS (from_d)\r\n");
for ($c, $d) {
	my $a;
	do { $a = $_->response } until $a->{tag} eq 'x1';
	is $a->{name}, 'OK', 'a change at the same time';
}
$_->cmd('NOOP') for $c, $d;
for ($c, $d) {
	my $f = flags($_->cmd('FETCH 1 FLAGS'), 1);
	ok $f =~ /from_c/ && $f =~ /from_d/, 'both are there';
}

# flags survive
$c->logout;
$c = client();
$c->cmd('SELECT INBOX');
is flags($c->cmd('FETCH 1 FLAGS'), 1), join(' ', sort '\Seen', @k, 'from_c',
    'from_d'), 'a new session sees them';
done_testing;
