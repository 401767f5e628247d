#!/usr/bin/perl
# What an alias may lead to, by real messages: lists with an owner, files of
# addresses, a mailbox by name, forwarding with and without a copy, copies that
# nobody named, other senders.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Ipc;

my $pr = Postrider::Instance->new(
	users => { map { $_ => 'pw' } qw(ann bob cid dan eve log) },
	domains => ['example.test'],
	conf => { 'router.conf' => { recipient_bcc => 'inline:' .
	    'crew@example.test=log@example.test',
	    sender_bcc => 'inline:@copied.example=log',
	    canonical_sender => 'inline:old@away.example=new@away.example' } });
my $conf = $pr->conf_dir;
mkdir "$conf/lists" or die;
$pr->spew("$conf/lists/crew", "# who is here\nBob <bob\@example.test>, " .
    "<cid>\ndan\n\n");
$pr->spew("$conf/aliases", "team: ann, bob\nowner-team: eve\n" .
    "crew: :include:$conf/lists/crew\n" .
    "eve: bob\nonly: \\dan\n");
$pr->map('aliases');
$pr->start;

my $n = 0;
my %had;
# send one, and who got it: "user sender", sorted
sub got {
	my ($from, $to, %o) = @_;
	my $mark = 'mark' . ++$n;
	is scalar($pr->send(from => $from, to => $to,
	    message => "Subject: $mark\n\nx\n")), 250, "to $to";
	my %who = map { /(.*?) (.*)/; $1 => $_ } @{$o{want}};
	for my $user (sort keys %who) {
		$pr->wait_mails($user, ++$had{$user});
	}
	my @got;
	for my $user (qw(ann bob cid dan eve log)) {
		for ($pr->mails($user)) {
			my $text = $pr->slurp($_);
			next unless $text =~ /^Subject: $mark$/m;
			$text =~ /^Return-Path: <(.*)>$/m;
			push @got, "$user $1";
		}
	}
	is_deeply \@got, $o{want}, $o{name};
}

my $far = 'x@away.example';
got($far, 'team@example.test', name => 'a list: reports go to its owner',
    want => ["ann owner-team\@example.test", "bob owner-team\@example.test"]);
got($far, ['cid@example.test', 'team@example.test', 'crew@example.test'],
    name => 'and who was named beside it has the sender',
    want => ["ann owner-team\@example.test", "bob owner-team\@example.test",
	"cid $far", "dan $far", "log $far"]);
like $pr->wait_log(qr/cleanup.*: part .*from=owner-team/),
    qr/part=\S+ from=owner-team\@example\.test nrcpt=2/,
    'as two messages in the queue';
got('', 'team@example.test', name => 'a report has no sender still',
    want => ['ann ', 'bob ']);
got($far, 'crew@example.test', name => 'a file of addresses, and its copy',
    want => ["bob $far", "cid $far", "dan $far", "log $far"]);
$pr->spew("$conf/lists/crew", "cid\n");
got($far, 'crew@example.test', name => 'the file is read anew',
    want => ["cid $far", "log $far"]);
got('old@away.example', 'only@example.test', name => 'another sender',
    want => ['dan new@away.example']);
got('me@copied.example', 'cid@example.test', name => 'a copy by sender',
    want => ['cid me@copied.example', 'log me@copied.example']);

my $c = $pr->smtp;
$c->cmd('EHLO test');
$c->cmd('MAIL FROM:<dan@example.test> ENVID=x');
$c->cmd('RCPT TO:<team@example.test> NOTIFY=SUCCESS');
$c->cmd('DATA');
like join(' ', $c->cmd("Subject: r\r\n\r\nx\r\n.")), qr/^250 /,
    'a receipt is asked for';
my @report = $pr->wait_mails('dan', ++$had{dan});
ok scalar(grep { /^Action: expanded$/m && !/^Action: delivered/m }
    map { $pr->slurp($_) } @report), 'of a list it says that it is one';
$pr->wait_mails($_, ++$had{$_}) for qw(ann bob);

$pr->ctl_ok('user', 'forward', 'ann', 'cid', '--no-keep');
$pr->ctl_ok('user', 'forward', 'cid', 'ann@example.test');
$pr->ctl_ok('user', 'forward', 'dan', 'eve');
ok $pr->wait_for(sub { $pr->call('router', 'route',
    addr => 'dan@example.test') =~ /^addr=eve/m }), 'forwarded';
got($far, 'dan@example.test', name => 'forwarded, and kept',
    want => ["dan $far", "eve $far"]);
got($far, 'ann@example.test', name => 'a circle ends with a copy for all',
    want => ["ann $far", "cid $far"]);
like $pr->ctl_ok('user', 'show', 'ann'), qr/forward\s+cid.*not kept/,
    'shown';
$pr->ctl_ok('user', 'forward', 'dan', '--off');
ok $pr->wait_for(sub { $pr->call('router', 'route',
    addr => 'dan@example.test') !~ /^addr=eve/m }), 'no more';

# Who does not read a long answer yet, as cleanup does not while a client sends
# its message, holds up nobody, himself neither.
$pr->spew("$conf/lists/crew", join '', map { "n$_\@away.example\n" } 1 .. 2000);
my ($slow, $other) = map { Postrider::Ipc->connect(
    "$pr->{dir}/run/private/router") } 1, 2;
$slow->send('route', [addr => 'crew@example.test', sender => $far]);
is $other->call('resolve', [addr => 'bob@example.test'])->{verb}, 'ok',
    'while somebody does not read, another is answered';
my ($count, $m) = 0;
$count++ while ($m = $slow->recv) && $m->{verb} eq 'more';
is "$count " . ($m && $m->{verb}), '2001 ok',
    '... and his answer is still whole, with a copy for who gets all of it';
is $slow->call('resolve', [addr => 'bob@example.test'])->{verb}, 'ok',
    '... and he goes on';
done_testing;
