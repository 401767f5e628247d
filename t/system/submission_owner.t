#!/usr/bin/perl
# Who has authenticated sends as itself: envelope, From and Sender.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
	conf => { 'router.conf' => { senders => 'text:senders' } });
open my $fh, '>>', $i->conf_dir . '/aliases' or die;
print {$fh} "sales: ann, bob\nlist: sales\@example.test\n" .
    "only: bob\n";
close $fh;
$i->spew($i->conf_dir . '/senders', "\@shop.example: bob\@example.test\n" .
    "news\@away.example: ann, carl\@example.test\n");
chmod 0644, $i->conf_dir . '/senders';
$i->start;

my $n = 0;
# (code, text) of a message by ann
sub sent {
	my ($from, @head) = @_;
	$n++;
	my $m = join '', map { "$_\n" } @head, "Subject: $n";
	my ($code, @text) = $i->send(port => 'submission',
	    auth => ['ann', 'pw'],
	    from => $from, to => 'bob@example.test', message => "$m\n\nx\n");
	return "$code " . join ' ', @text;
}
# the header that bob got
sub got {
	my ($f) = $i->wait_mails('bob', 1);
	my ($h) = $i->slurp($f) =~ /^(.*?\n)\n/s;
	unlink $f;
	return $h;
}

for my $own (qw(ann@example.test Ann@EXAMPLE.test ann ann+x@example.test
    sales@example.test list@example.test news@away.example)) {
	like sent($own, "From: <$own>"), qr/^250/, "envelope and From: $own";
	like got(), qr/^Return-Path: <\Q$own\E/mi, '... as it was said';
}
for my $foreign (qw(bob@example.test only@example.test nobody@example.test
    ann@elsewhere.example x@shop.example)) {
	like sent($foreign),
	    qr/^550 5\.7\.1 <\Q$foreign\E>: .*not owned by user/,
	    "envelope: $foreign";
	like sent('ann@example.test', "From: Ann <$foreign>"),
	    qr/^550 5\.7\.1 From: <\Q$foreign\E>: address not owned by user/,
	    "From: $foreign";
}
$i->wait_log(qr/reject.*cmd=MAIL.*login=ann\@example\.test dsn=5\.7\.1/);
my $own = 'ann@example.test';
for (
	[250, 'an alias', 'From: Sales <sales@example.test>'],
	[250, 'own and alias', 'From: ann@example.test, sales@example.test'],
	[250, 'folded, with comments', "From: \"Bob, not\"\n  (x) <ann\@" .
	    "example.test>"],
	[550, 'two authors', 'From: ann@example.test, bob@example.test'],
	[550, 'two authors, and Sender', 'Sender: ann@example.test',
	    'From: bob@example.test, ann@example.test'],
	[550, 'a Sender is no author', 'Sender: ann@example.test',
	    'From: bob@example.test'],
	[550, 'the Sender of another', 'Sender: bob@example.test',
	    'From: ann@example.test'],
	[550, 'the Sender of another, no From', 'Sender: bob@example.test'],
	[550, 'two Senders, no From', 'Sender: ann@example.test',
	    'Sender: bob@example.test'],
	[250, 'a Sender, no From', 'Sender: ann@example.test'],
	[250, 'neither'],
	[550, 'a second From', 'From: ann@example.test',
	    'From: bob@example.test'],
	[550, 'From with a blank', 'From : bob@example.test'],
	[550, 'a group', 'From: us: bob@example.test;'],
	[550, 'nobody', 'From: nobody:;'],
	[550, 'nothing', 'From: '],
	[550, 'nonsense', 'From: <ann@example.test'],
	[550, 'two, the other broken', 'From: ann@example.test, <bob@'],
	[550, 'an address in front of the address',
	    'From: bob@example.test <ann@example.test>'],
	[550, 'an address behind it',
	    'From: <ann@example.test> bob@example.test'],
	[550, 'a group with an address as its name',
	    'From: bob@example.test: ann@example.test;'],
	[250, 'a quoted name', 'From: "bob@example.test" <ann@example.test>'],
	[550, 'two Senders', 'Sender: ann@example.test, sales@example.test',
	    'From: ann@example.test'],
) {
	my ($want, $name, @head) = @$_;
	like sent($own, @head), qr/^$want/, "$want for $name";
	got() if $want == 250;
}

$i->set_conf('cleanup.conf', other_authors => 'yes');
$i->reload;
for (
	[250, 'two authors, and Sender', 'Sender: ann@example.test',
	    'From: bob@example.test, ann@example.test'],
	[550, 'two authors', 'From: ann@example.test, bob@example.test'],
	[550, 'a Sender is no author', 'Sender: ann@example.test',
	    'From: bob@example.test'],
	[550, 'the Sender of another', 'Sender: bob@example.test',
	    'From: ann@example.test, bob@example.test'],
) {
	my ($want, $name, @head) = @$_;
	like sent($own, @head), qr/^$want/, "other_authors: $want for $name";
	got() if $want == 250;
}

like sent($own), qr/^250/, 'no From';
my $h = got();
like $h, qr/^From: <ann\@example\.test>$/m, '... is added';
like $h, qr/^Date: .*^Message-ID: </ms, 'Date and Message-ID, too';
like sent('', 'From: ann@example.test'), qr/^250/, 'the null sender';
got();
like sent('', 'From: bob@example.test'), qr/^550 5\.7\.1/, '... as another';
like sent(''), qr/^250/, '... without From';
like got(), qr/^From: <ann\@example\.test>$/m, '... the login is put there';
is scalar(() = $i->mails('bob')), 0, 'nothing else came';
like $h, qr/^Received: from client\.example\.org \(\[127/m, 'the client';

$i->set_conf('submission.conf', sender_check => 'envelope',
    null_sender => 'no', hide_client => 'yes');
$i->reload;
like sent($own, 'From: bob@example.test'), qr/^250/, 'envelope alone';
$h = got();
like $h, qr/^Received: from localhost \(authenticated as /m, 'a hidden client';
unlike $h, qr/127\.0\.0\.1|client\.example\.org/, '... is not named';
like sent('bob@example.test'), qr/^550/, '... envelope of another';
like sent(''), qr/^550 5\.7\.1 the null sender/, 'no null sender';
$i->set_conf('submission.conf', sender_check => 'header');
$i->reload;
like sent('bob@example.test', 'From: ann'), qr/^250/, 'header alone';
got();
like sent('bob@example.test', 'From: bob'), qr/^550/, '... of another';
like sent('bob@example.test'), qr/^550/, '... made of the envelope';
$i->set_conf('submission.conf', sender_check => 'off');
$i->reload;
like sent('bob@example.test', 'From: bob@example.test'), qr/^250/, 'off';
is $i->send(from => 'ann@example.test', to => 'bob@example.test',
    message => "From: x\@y.example\n\nx\n"), 250, 'mx is as it was';
$i->wait_mails('bob', 2);
unlink $i->mails('bob');
$i->set_conf('smtpd.conf', auth => 'yes', sender_check => 'both');
$i->reload;
is $i->send(auth => ['ann', 'pw'], from => $own, to => 'bob@example.test',
    message => "Subject: x\nno field\nFrom: bob\@example.test\n\nx\n"), 250,
    'mx with a login: a header with a line that is no field';
$h = got();
like $h, qr/^From: <ann\@example\.test>$/m, '... gets its From';
unlike $h, qr/^From: bob/m, '... and ends there';
unlink $i->conf_dir . '/senders';
$i->set_conf('submission.conf', sender_check => 'both');
$i->reload;
like sent('x@y.example'), qr/^451 4\.3\.0/, 'a table that is not there';
done_testing;
