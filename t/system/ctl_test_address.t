#!/usr/bin/perl
# postrider test: the way of an address, and why.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;

my $pr = Postrider::Instance->new(
	users => { ann => 'pw' },
	conf => { 'router.conf' => { relay_domains => 'inner.example',
	    transport => 'text:transport', relayhost => 'smart.example',
	    sender_relayhost => 'inline:@b.example=out.example' } });
$pr->spew($pr->conf_dir . '/transport', ".example.org lmtp:unix:/run/x\n");
$pr->spew($pr->conf_dir . '/aliases', "team: ann, far\@away.example\n" .
    "half: ann, nobody\nloop: loop\n");
$pr->start;

# (exit status, the lines without the width of their first column)
sub test {
	my ($st, $out) = $pr->ctl('test', @_);
	$out =~ s/^(\S+) +/$1: /mg;
	return $st, $out;
}

my ($st, $out) = test('Team@EXAMPLE.test');
is $st, 0, 'an alias: exit status';
is $out, <<'END', '... and its way';
address: Team@example.test
domain: example.test: ours, virtual mailboxes
alias: team: ann, far@away.example
address: ann@example.test
domain: example.test: ours, virtual mailboxes
mailbox: ann@example.test: example.test/ann
address: far@away.example
domain: away.example: of others
relayhost: smart.example
deliver: ann@example.test by local to example.test/ann, next hop example.test
deliver: far@away.example by smtp, next hop smart.example
result: accepted
END
($st, $out) = test('far@away.example');
is $st, 1, 'no relay';
like $out, qr/^result: refused: 5\.7\.1 relaying denied$/m, '... is said';
($st, $out) = test('--relay', '--sender', 'x@b.example', 'far@away.example');
is $st, 0, 'but for whom it is permitted';
like $out, qr/^sender_relayhost: row \@b\.example: out\.example$/m,
    '... by the sender';
($st, $out) = test('a@x.example.org', '--relay');
like $out, qr/^transport: row \.example\.org: lmtp:unix:\/run\/x$/m,
    'by the recipient';
like $out, qr/^deliver: \S+ by lmtp, next hop unix:\/run\/x$/m, '... to it';
($st, $out) = test('nobody@example.test');
is $st, 1, 'an unknown user';
like $out, qr/^fails: \S+ 5\.1\.1 no such user\nresult: refused: 5\.1\.1/m,
    '... fails';
($st, $out) = test('half');
is $st, 1, 'half an alias';
like $out, qr/^result: accepted, but not all/m, '... is said';
($st, $out) = test('loop');
is $st, 75, 'an alias to be mended';
($st, $out) = test('box@inner.example');
like $out, qr/^domain: inner\.example: relayed for$/m, 'a relay domain';
($st, $out) = $pr->ctl('test', '--json', 'ann');
like $out, qr/^\{"what":"result","text":"accepted"\}$/m, 'as JSON';
is((test())[0], 2, 'no address');
done_testing;
