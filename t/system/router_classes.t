#!/usr/bin/perl
# Kinds of domains and of targets in a running suite: what a client is told at
# RCPT, where real messages end, and what postrider test says about it.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;
use Postrider::Instance;
use Postrider::Zoo;

my $out = tempdir('postrider-r.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0777, $out;
my $z = Postrider::Zoo->new(offer => [qw(PIPELINING 8BITMIME)]);
my $pr = Postrider::Instance->new(
	users => { map { $_ => 'pw' } qw(ann bob in@half.test) },
	domains => ['example.test', 'half.test'],
	conf => { 'router.conf' => { alias_commands => 'yes',
	    alias_user => $> == 0 ? 'nobody' : scalar getpwuid $>,
	    alias_files => 'yes', relocated => 'inline:' .
	    'gone@example.test=new@away.example',
	    further_aliases => 'pcre:patterns',
	    always_bcc => 'bob' },
	    'system.conf' => { file_dirs => $out } });
my $conf = $pr->conf_dir;
my $hop = $z->nexthop;
$pr->spew("$conf/domains", "half.test relay=$hop\n" .
    "other.test alias_of=example.test\nalias.test class=alias\n" .
    "caught.test class=virtual catch_all=ann\n" .
    "off.test class=virtual disabled=yes\n" .
    "pass.test class=relay relay=$hop\n");
$pr->spew("$conf/patterns", "/^(.+)-list\@example\\.test\$/ \$1\n");
$pr->spew("$conf/aliases", "info\@alias.test: ann\n" .
    "cmd: \"|cat > $out/cmd\", \"|echo \$RECIPIENT > $out/rcpt\"\n" .
    "box: $out/box, ann\n");
$pr->map('aliases');
$pr->map('domains');
$pr->start;

sub rcpt {
	my ($addr) = @_;
	my $c = $pr->smtp;
	$c->cmd('EHLO test');
	$c->cmd('MAIL FROM:<x@away.example>');
	return join ' ', $c->cmd("RCPT TO:<$addr>");
}
for (['ann+x@other.test', qr/^250 /, 'another name of a domain'],
    ['nobody@other.test', qr/^550 5\.1\.1 /, 'nobody there'],
    ['info@alias.test', qr/^250 /, 'a domain of aliases'],
    ['ann@alias.test', qr/^550 5\.1\.1 /, 'has no mailboxes'],
    ['any@caught.test', qr/^250 /, 'caught'],
    ['ann@off.test', qr/^550 5\.2\.1 .*disabled/, 'a disabled domain'],
    ['out@half.test', qr/^250 /, 'the other half of a domain'],
    ['any@pass.test', qr/^250 /, 'a relay domain'],
    ['gone@example.test', qr/^55\d 5\.1\.6 .*moved to new\@away/, 'moved'],
    ['bob-list@example.test', qr/^250 /, 'a pattern'],
    ['no-list@example.test', qr/^550 5\.1\.1 /, 'that leads nowhere']) {
	my ($addr, $want, $name) = @$_;
	like rcpt($addr), $want, $name;
}

sub sent {
	my ($to) = @_;
	is scalar($pr->send(from => 'x@away.example', to => $to,
	    message => "Subject: to $to\n\nhi\n")), 250, "sent to $to";
}
sub found {
	my ($file, $re, $name) = @_;
	my $text = '';
	$pr->wait_for(sub { $text = -e $file ? $pr->slurp($file) : '';
	    $text =~ $re });
	like $text, $re, $name;
}
sent('cmd@example.test');
found("$out/cmd", qr/^Return-Path: <x\@away.example>\n.*\n\nhi\n\n?\z/ms,
    'a command gets it');
found("$out/rcpt", qr/^cmd\@example\.test$/, '... and so does the other');
sent('box@example.test');
found("$out/box", qr/^From .*^Subject: to box/ms, 'a file');
is scalar($pr->wait_mails('ann', 1)), 1, 'and a mailbox';
sent($_) for 'in@half.test', 'out@half.test';
is scalar($pr->wait_mails('in@half.test', 1)), 1, 'hybrid: here';
ok $pr->wait_for(sub { (my @m = $z->took) == 1 }), 'hybrid: there';
my ($m) = $z->took;
is $m->{from}, 'x@away.example', 'which believes our senders';
is scalar($pr->wait_mails('bob', 4)), 4, 'copies of all of it';

# (exit status, the lines without the width of their first column)
sub test {
	my ($st, $text) = $pr->ctl('test', '--no-dns', '--sender',
	    'x@away.example', @_);
	$text =~ s/^(\S+) +/$1: /mg;
	return $st, $text;
}
is_deeply [test('out@half.test')], [0, <<"END"], 'postrider test: hybrid';
address: out\@half.test
domain: half.test: ours, virtual mailboxes
hybrid: not here: to $hop
deliver: out\@half.test by smtp, next hop $hop
always_bcc: bob
address: bob\@example.test
domain: example.test: ours, virtual mailboxes
mailbox: bob\@example.test: example.test/bob
copy: bob\@example.test by local to example.test/bob, next hop example.test
result: accepted
END
my ($st, $text) = test('gone@other.test');
is $st, 1, 'moved: status';
like $text, qr/^result: refused: 5\.1\.6 user has moved to new/m, '... why';
like $text, qr/^domain: other\.test is another name of example\.test$/m,
    '... each step';
done_testing;
