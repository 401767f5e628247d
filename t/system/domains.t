#!/usr/bin/perl
# Domains: limits of mailboxes, quotas and sending, their admins, other names.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;

my $i = Postrider::Instance->new(domains => ['example.test', 'b.test'],
	users => { ann => 'pw', bob => 'pw2', 'kim@b.test' => 'pw3' },
	conf => { 'auth.conf' => { domain_admins => 'yes',
	    failure_delay => '0s', failure_delay_max => '0s' },
	    'submission.conf' => { auth_plaintext => 'loopback' } });

sub ctl {
	my (@arg) = @_;
	my ($rc, $out, $err) = $i->ctl(@arg);
	return $rc == 0 ? $out : "$rc: $err";
}

# --- rows --------------------------------------------------------
is ctl('domain', 'set', 'example.test', 'mailboxes=3', 'storage=10M',
    'quota=1M', 'quota_max=4M', 'admin=ann@example.test'),
    "example.test: set\n", 'a row';
is ctl('domain', 'set', 'example.net', 'alias_of=example.test'),
    "example.net: set\n", 'another';
like ctl('domain', 'set', 'example.test', 'mailboxs=3'),
    qr/mailboxs=3: nothing .* so; did you mean mailboxes/,
    'a word that is none';
like ctl('domain', 'set', 'example.test', 'mailboxes=many'),
    qr/mailboxes = many: expected a number/, 'a value that is none';
like ctl('domain', 'remove', 'exampel.net'),
    qr/no row exampel\.net; did you mean example\.net/, 'a row that is none';
like ctl('domain', 'set', 'far.test', 'relay=there.test'),
    qr{domains:\d+: far\.test: relay without a class}, 'relay= of a domain ' .
    'that nothing makes ours';
is ctl('domain', 'set', 'far.test', 'relay=there.test', 'class=relay'),
    "far.test: set\n", '... with its class';
is ctl('domain', 'set', 'b.test', 'relay=there.test'), "b.test: set\n",
    '... of one in a list';
ctl('domain', 'remove', $_) for qw(far.test b.test);
my $list = ctl('domain', 'list');
like $list, qr/^example\.test +2 of 3 +2\.0M of 10M +mailboxes=3 /m, 'list';
like ctl('domain', 'list', '--json', 'example.net'),
    qr/^\[\{"domain":"example\.net","row":"alias_of=example\.test",/,
    'as JSON, one';

# --- limits of mailboxes -----------------------------------------
like ctl('user', 'add', '--no-password', '--quota', '9M', 'dan'),
    qr/quotas of example\.test may sum up to 10M, and would be 11M/,
    'too much storage';
like ctl('user', 'add', '--no-password', 'dan'), qr/^dan\@example\.test: added/,
    'a third';
like ctl('user', 'add', '--no-password', 'eve'),
    qr/example\.test may have 3 mailboxes, and would have 4/, 'no fourth';
ctl('domain', 'set', 'example.test', 'mailboxes=1');
like ctl('user', 'quota', 'dan', '2M'), qr/new quota/,
    'what is there already may change';
like ctl('user', 'quota', 'dan', '9M'), qr/would be 11M/, '... not for all';
ctl('domain', 'set', 'example.test', 'quota=', 'mailboxes=');
like ctl('user', 'add', '--no-password', 'eve'),
    qr/each of its mailboxes needs a quota/, 'limited storage wants quotas';
ctl('domain', 'set', 'example.test', 'quota=1M', 'mailboxes=6');

# --- admins ------------------------------------------------------
my @ann = ('--as', 'Ann@Example.test');
like ctl(@ann, 'user', 'add', '--no-password', '--quota', '2M', 'eve'),
    qr/added/, 'an admin adds an account';
like ctl(@ann, 'user', 'quota', 'eve', '5M'),
    qr/may give a mailbox of example\.test up to 4\.0M/, '... has a limit';
like ctl(@ann, 'user', 'disable', 'kim@b.test'),
    qr/does not administer b\.test/, '... and no other domain';
like ctl('--as', 'bob@example.test', 'user', 'delete', 'ann'),
    qr/does not administer/, 'who is none may nothing';
my @seen = ctl(@ann, 'user', 'list') =~ /^(\S+@\S+)/mg;
is join(' ', sort @seen),
    join(' ', map { "$_\@example.test" } qw(ann bob dan eve)),
    'sees the own accounts';
unlike ctl(@ann, 'domain', 'list'), qr/example\.net/, '... and domains';
like ctl(@ann, 'domain', 'set', 'example.test', 'quota_max='),
    qr/may not change domains/, '... changes none';
like ctl(@ann, 'queue', 'list'), qr/--as is for the verbs/, 'nothing else';
like ctl(@ann, 'user', 'add', '--quota', '1M', '--hash',
    "x\nmallory\@b.test:pass=x", 'may'), qr/control characters in a row/,
    '... no row within a row';
unlike ctl('user', 'list'), qr/^(?:mallory|may)@/m, '... and nothing stays';
ctl('user', 'quota', 'dan', '5M');
like ctl(@ann, 'user', 'disable', 'dan'), qr/^dan\@example\.test: disabled/,
    'one that has more by others is managed';
like ctl(@ann, 'user', 'quota', 'dan', '6M'), qr/may give/, '... gets no more';
ctl('user', 'quota', 'dan', '1M');

is ctl('domain', 'set', 'example.test', 'admin=' .
    join(',', map { "$_\@example.test" } qw(ann ghost bob))),
    "example.test: set\n", 'two admins more';
like ctl('--as', 'ghost@example.test', 'user', 'disable', 'dan'),
    qr/ghost\@example\.test is no account/, 'one who has no account is none';
like ctl('--as', 'bob@example.test', 'user', 'disable', 'dan'),
    qr/disabled/, 'one who has is';
ctl('user', 'disable', 'bob');
like ctl('--as', 'bob@example.test', 'user', 'disable', 'dan'),
    qr/bob\@example\.test is no account/, '... until he is disabled';
ctl('user', 'enable', 'bob');
ctl('domain', 'set', 'example.test', 'admin=ann@example.test');

# --- what a suite makes of it ------------------------------------
ctl('domain', 'set', 'old.test', 'alias_of=example.test', 'disabled=yes');
$i->start;
sub try {
	my ($user, $pass) = @_;
	my ($st, $out, $err) = $i->ctl('call', 'auth', 'pass', "user=$user",
	    "pass=$pass", 'service=imap');
	return $1 if $st == 0 && $out =~ /^user=(.+)$/m;
	return "$out$err" =~ /([45]\.\d\.\d+)/ ? $1 : "$out$err";
}
is try('bob@example.net', 'pw2'), 'bob@example.test',
    'login by another name of the domain';
is try('bob@example.test*ann@example.test', 'pw'), 'bob@example.test',
    'an admin is one of the domain';
is try('kim@b.test*ann@example.test', 'pw'), '5.7.8', '... of no other';
is try('ann@example.test*bob@example.test', 'pw2'), '5.7.8',
    'who is none is nobody else';
like try('bob@old.test', 'pw2'), qr/^5\.7/, '... not where that is disabled';
is $i->send(to => 'bob@example.net', message => "x\n"), 250,
    'mail by the other name';
$i->wait_mails('bob@example.test', 1);

# --- how much a domain sends -------------------------------------
ctl('domain', 'set', 'example.test', 'limit_hour=3');
sub submit {
	my ($user, $pass, @to) = @_;
	my $c = Postrider::Smtp->new(port => $i->port('submission'));
	$c->ehlo;
	$c->auth_plain($user, $pass);
	my @r = $c->cmd("MAIL FROM:<$user>");
	$c->cmd("RCPT TO:<$_>") for @to;
	return join ' ', $c->cmd('DATA');
}
sub done {
	my ($user, $pass, @to) = @_;
	my $c = Postrider::Smtp->new(port => $i->port('submission'));
	$c->ehlo;
	$c->auth_plain($user, $pass);
	return $c->send(from => $user, to => \@to, message => "x\n", ehlo => 0);
}
ok $i->wait_for(sub { $i->call('router', 'owns', login => 'ann@example.test') =~
    /^domain_hour=3$/m }), 'router knows the limit';
is submit('ann@example.test', 'pw', map { "$_\@b.test" } qw(kim postmaster)) =~
    s/ .*//r, 354, 'two recipients';
is scalar(done('ann@example.test', 'pw', 'kim@b.test', 'postmaster@b.test')),
    250, '... are counted when the message comes';
like submit('bob@example.test', 'pw2', map { "$_\@b.test" }
    qw(kim postmaster)),
    qr/^450 4\.7\.1 example\.test may send to 3 recipients an hour, and 2/,
    'another account of the domain has what is left';
is submit('kim@b.test', 'pw3', map { "$_\@example.test" } qw(ann bob dan eve))
    =~ s/ .*//r, 354, 'another domain has no limit';

ctl('domain', 'set', 'example.test', 'disabled=yes');
ok $i->wait_for(sub { try('bob@example.test', 'pw2') eq '5.7.8' ||
    try('bob@example.test', 'pw2') =~ /^5\.7/ }),
    'nobody logs in to a disabled domain';
ok $i->wait_for(sub { $i->send(to => 'bob@example.test',
    message => "x\n") == 550 }), '... nor gets mail';
is try('kim@b.test', 'pw3'), 'kim@b.test', 'others do';
done_testing;
