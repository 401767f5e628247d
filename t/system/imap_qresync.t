#!/usr/bin/perl
# QRESYNC: VANISHED instead of EXPUNGE, SELECT (QRESYNC ...), FETCH VANISHED.
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
$d->cmd('APPEND INBOX ', lit_plus("Subject: $_\r\n\r\nx\r\n"))->expect
    for 1 .. 10;
$d->cmd('SELECT INBOX')->expect;
$c->bad('QRESYNC before ENABLE', 'SELECT INBOX (QRESYNC (1 1))');
my $r = $c->ok('ENABLE QRESYNC', 'ENABLE QRESYNC');
ok +(grep { $_ eq 'QRESYNC' } @{ ($r->untagged('ENABLED'))[0]{data} }),
    'ENABLED';
$r = $c->ok('SELECT', 'SELECT INBOX');
my ($v, $m) = map { scalar $r->code($_) } qw(UIDVALIDITY HIGHESTMODSEQ);

# live
$d->cmd('STORE 2,4:5 +FLAGS.SILENT (\Deleted)');
$d->cmd('STORE 7 +FLAGS.SILENT (\Seen)');
$d->cmd('EXPUNGE');
$r = $c->ok('FETCH with numbers', 'FETCH 10 FLAGS');
is scalar $r->untagged('VANISHED'), 0, 'tells no VANISHED';
is_deeply $c->search('ALL'), [1, 3, 6 .. 10], 'nor SEARCH, numbers stay';
$r = $c->ok('NOOP', 'NOOP');
is_deeply [map { $_->{data} } $r->untagged('VANISHED')], [['2,4:5']],
    'VANISHED';
is scalar $r->untagged('EXPUNGE'), 0, 'instead of EXPUNGE';
$d->cmd('STORE 4 +FLAGS (new)');
$r = $c->ok('NOOP', 'NOOP');
is_deeply [sort keys %{ $r->fetched->{4} }], ['FLAGS', 'MODSEQ', 'UID'],
    'FETCH has UID and MODSEQ';
is $r->fetched->{4}{UID}, 7, 'the right one';
$c->cmd('UID STORE 1 +FLAGS.SILENT (\Deleted)');
$r = $c->ok('UID EXPUNGE', 'UID EXPUNGE 1');
is_deeply [map { $_->{data} } $r->untagged('VANISHED')], [[1]], 'VANISHED';
is $r->{code}[0], 'HIGHESTMODSEQ', 'HIGHESTMODSEQ';

# SELECT (QRESYNC ...)
sub resync {
	my ($args) = @_;
	my $e = client();
	$e->cmd('ENABLE QRESYNC')->expect;
	my $rep = $e->ok("SELECT (QRESYNC ($args))",
	    "SELECT INBOX (QRESYNC ($args))");
	my @van = $rep->untagged('VANISHED');
	my $f = $rep->fetched;
	is scalar(grep { !$_->{UID} || !$_->{MODSEQ} } values %$f), 0,
	    'UID and MODSEQ in every FETCH';
	my @order = map { $_->{name} } grep { $_->{name} =~
	    /^(?:EXISTS|VANISHED|FETCH)$/ } @{ $rep->{got} };
	is_deeply \@order, [sort { index('EVF', substr $a, 0, 1) <=>
	    index('EVF', substr $b, 0, 1) } @order], 'in order';
	$e->close;
	return (join('+', map { "@{ $_->{data}[0] } $_->{data}[1]" } @van),
	    join(' ', sort { $a <=> $b } map { $_->{UID} } values %$f));
}
is_deeply [resync("$v $m")], ['EARLIER 1:2,4:5', 7], 'what went and changed';
is_deeply [resync("$v $m 1:3,7")], ['EARLIER 1:2', 7], 'of known UIDs';
is_deeply [resync("$v $m 8:10")], ['', ''], 'of others';
is_deeply [resync("$v $m 1:10 (1:3 1:3)")], ['EARLIER 1:2,4:5', 7],
    'with numbers';
is_deeply [resync(($v + 1) . " $m")], ['', ''], 'another UIDVALIDITY';
my $now = $c->cmd('STATUS INBOX (HIGHESTMODSEQ)')->{got}[0]{data}[1][1];
is_deeply [resync("$v $now")], ['', ''], 'since now nothing';
my ($gone, $changed) = resync("$v 1");
like $gone, qr/^EARLIER 1:2,4:5/, 'from the beginning: all that went';
is $changed, '3 6 7 8 9 10', 'and all there is';

# FETCH (CHANGEDSINCE n VANISHED)
$r = $c->ok('VANISHED', "UID FETCH 1:* (FLAGS) (CHANGEDSINCE $m VANISHED)");
is_deeply [map { $_->{data} } $r->untagged('VANISHED')],
    [[['EARLIER'], '1:2,4:5']], 'VANISHED (EARLIER)';
is $r->{got}[0]{name}, 'VANISHED', 'comes first';
is_deeply [map { $_->{UID} } values %{ $r->fetched }], [7], 'then FETCH';
$r = $c->ok('*', "UID FETCH * (FLAGS) (CHANGEDSINCE 1 VANISHED)");
is_deeply [map { $_->{UID} } values %{ $r->fetched }], [10],
    'the last one is *';
$d->cmd('SELECT INBOX');
$d->cmd('UID STORE 10 +FLAGS.SILENT (\Deleted)');
$d->cmd('EXPUNGE');
$c->cmd('NOOP');
$r = $c->ok('*', "UID FETCH *:9 (FLAGS) (CHANGEDSINCE 1 VANISHED)");
is_deeply [map { $_->{UID} } values %{ $r->fetched }], [9],
    'also behind one that went';
$c->bad($_, $_) for "FETCH 1 FLAGS (CHANGEDSINCE $m VANISHED)",
    'UID FETCH 1 FLAGS (VANISHED)', 'SELECT INBOX (QRESYNC)',
    'SELECT INBOX (QRESYNC (0 1))', "SELECT INBOX (QRESYNC ($v x))",
    "SELECT INBOX (QRESYNC ($v 1 (1 1))";
$r = $c->ok('SELECT again', 'SELECT INBOX');
is $r->{got}[0]{code}[0], 'CLOSED', 'CLOSED is told first';
is scalar @{ $c->ok('CLOSE', 'CLOSE')->{got} }, 0, 'CLOSE says nothing';
done_testing;
