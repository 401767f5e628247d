#!/usr/bin/perl
# postrider test: the way of an address, and why.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Zone;

my $dns = Postrider::Zone->new(zones => {
	'smart.example' => "\@ MX 10 a\n\@ MX 20 b.plain.example.\n" .
	    "a A 127.0.0.2\na AAAA 2001:db8::2\n" .
	    "_25._tcp.a TLSA 3 1 1 ABCD\n",
	'plain.example' => "b A 127.0.0.3\n_25._tcp.b TLSA 3 1 1 EF\n" .
	    "host A 127.0.0.4\nnull MX 0 .\n",
    }, signed => ['smart.example'],
    fault => { 'broken.plain.example/MX' => 'servfail' });
my $pr = Postrider::Instance->new(
	users => { ann => 'pw' },
	conf => { 'router.conf' => { relay_domains => 'inner.example',
	    transport => 'text:transport', relayhost => 'smart.example',
	    sender_relayhost => 'inline:@b.example=out.example' } });
my %hop = (host => '[host.plain.example]:2525', addr => '[127.0.0.1]',
	null => 'null.plain.example', none => 'none.smart.example:26',
	broken => 'broken.plain.example');
$pr->spew($pr->conf_dir . '/transport', join '',
    ".example.org lmtp:unix:/run/x\n",
    map { "$_.hop.example smtp:$hop{$_}\n" } sort keys %hop);
$pr->spew($pr->conf_dir . '/aliases', "team: ann, far\@away.example\n" .
    "half: ann, nobody\nloop: loop\n");
$dns->configure($pr);
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
mx: smart.example 10 a.smart.example (proven by DNSSEC)
mx: smart.example 20 b.plain.example (proven by DNSSEC)
host: a.smart.example has 127.0.0.2 (proven by DNSSEC)
host: a.smart.example has 2001:db8::2 (proven by DNSSEC)
tlsa: _25._tcp.a.smart.example 3 1 1 abcd (proven by DNSSEC)
host: b.plain.example has 127.0.0.3 (not proven)
tlsa: _25._tcp.b.plain.example 3 1 1 ef (not proven: not used)
mta-sts: smart.example none
END
sub facts {
	my ($hop) = @_;
	my ($rc, $text) = test("a\@$hop.hop.example", '--relay');
	return join '', $text =~ /^((?:mx|host|tlsa|dns|mta-sts): .*\n)/mg;
}
is facts('host'),
    "host: host.plain.example has 127.0.0.4 (not proven)\n", 'a host';
is facts('addr'), '', 'an address: DNS knows nothing of it';
is facts('null'), "mx: null.plain.example 0 . (not proven)\n" .
    "mta-sts: null.plain.example none\n", 'no mail is taken there';
is facts('none'), 'dns: none.smart.example: no such domain ' .
    "name (proven by DNSSEC)\nmta-sts: none.smart.example none\n",
    'a name that does not exist';
like facts('broken'),
    qr/^dns: broken\.plain\.example MX: name servers fail: .*\(servfail\)$/m,
    'servers that fail';
($st, $out) = test('far@away.example', '--relay', '--no-dns');
unlike $out, qr/^(?:mx|dns|mta-sts)/m, 'without DNS';
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
like $out, qr/^deliver: \S+ by lmtp-client, next hop unix:\/run\/x$/m,
    '... to it';
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
