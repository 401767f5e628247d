#!/usr/bin/perl
# A company: 1000 mailboxes in two domains, lists, a catch-all, a command, and
# a third domain whose mailboxes lie partly at another site.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;
use Postrider::Instance;

my $base = tempdir('postrider-p.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0777, $base;

# --- the other site has the rest of c.test ----------------------------------
my $tenant = Postrider::Instance->new(domains => ['c.test'],
	users => { 'carl@c.test' => 'pw' },
	conf => { 'common.conf' => { hostname => 'mx.c.test' } });
$tenant->start;
my $there = 'smtp:[127.0.0.1]:' . $tenant->port('smtp');

# --- the company --------------------------------------------------------------
my $i = Postrider::Instance->new(domains => ['a.test', 'b.test', 'c.test'],
	users => { 'ann@a.test' => 'pw', 'cora@c.test' => 'pw' }, conf => {
	'common.conf' => { recipient_delimiter => '+-' },
	'router.conf' => { alias_commands => 'yes', alias_user => 'nobody',
	    relocated => 'inline:gone@a.test=gone@elsewhere.example',
	    further_aliases => 'pcre:patterns' },
	'pipe.conf' => { directory => $base } });
my $conf = $i->conf_dir;
my @all = map { my $n = sprintf 'u%03d', $_; map { "$n\@$_" } 'a.test',
    'b.test' } 1 .. 499;
my $hash = crypt 'pw', '$5$rounds=1000$company$';
$i->spew("$base/import", join '', map { "$_:$hash\n" } @all);
is $i->ctl_ok('user', 'import', "$base/import"), "imported 998 accounts\n",
    '1000 mailboxes with two that were there';
mkdir "$conf/lists";
$i->spew("$conf/lists/a", join '', map { "$_\n" } grep { /a\.test$/ } @all);
$i->spew("$conf/aliases", <<"T");
sales: u001, u001\@b.test, sales-archive
"sales-archive": "|cat >> archive"
owner-all: ann
all: :include:$conf/lists/a
boss: ann
T
$i->spew("$conf/patterns", '/^helpdesk-(\d+)@a\.test$/ u$1@b.test' . "\n");
$i->ctl_ok('map', 'aliases');
$i->ctl_ok('domain', 'set', 'b.test', 'catch_all=u002@b.test',
    'mailboxes=600');
$i->ctl_ok('domain', 'set', 'c.test', "relay=$there");
$i->ctl_ok('domain', 'set', 'b2.test', 'alias_of=b.test');
$i->ctl_ok('user', 'forward', 'u003@a.test', 'u004@b.test', '--keep');
$i->start;

my $n = 0;
# a message through the company; its subject
sub mail {
	my ($to, $code) = @_;
	my ($got, @text) = $i->send(from => 'x@away.example', to => $to,
	    message => 'Subject: note ' . ++$n . "\n\nx\n");
	is $got, $code || 250, "to $to: @text";
	return "note $n";
}
# the newest of that user's, with that subject
sub comes {
	my ($user, $subject, $where) = @_;
	my $s = $where || $i;
	my $text;
	ok $s->wait_for(sub {
		($text) = grep { /^Subject: \Q$subject\E$/m }
		    map { $s->slurp($_) } $s->mails($user);
		return $text;
	}), "... comes to $user";
	return $text // '';
}

comes('u017@b.test', mail('u017@b.test'));
comes('u017@b.test', mail('u017+x@b.test'));
comes('u017@b.test', mail('u017-x@b.test'));
my $s = mail('sales@a.test');
comes($_, $s) for 'u001@a.test', 'u001@b.test';
ok $i->wait_for(sub { -s "$base/archive" && $i->slurp("$base/archive") =~
    /^From x\@away\.example .*^Subject: \Q$s\E$/ms }), '... and a command';
comes('u042@b.test', mail('helpdesk-042@a.test'));
comes('u002@b.test', mail('whoever@b.test'));
comes('u005@b.test', mail('u005@b2.test'));
mail('whoever@a.test', 550);
mail('gone@a.test', 550);
$s = mail('u003@a.test');
comes($_, $s) for 'u003@a.test', 'u004@b.test';

# hybrid: those who are here, and the others
comes('cora@c.test', mail('cora@c.test'));
like comes('carl@c.test', mail('carl@c.test'), $tenant),
    qr/^Received: from.*\n(?:\s.*\n)*\s*.*\[127\.0\.0\.1\]/m,
    'who is not here is at the other site';

# one message to 499, reports go to the owner
$s = mail('all@a.test');
like comes('u499@a.test', $s), qr/\AReturn-Path: <owner-all\@a\.test>/,
    'its reports go to the owner';
my @late;
ok $i->wait_for(sub {
	@late = grep { !grep { $i->slurp($_) =~ /^Subject: \Q$s\E$/m }
	    $i->mails($_) } @late ? @late : grep { /a\.test/ } @all;
	return !@late;
}), 'each of 499 has it' or diag "@late[0 .. 3]";

for (['whoever@b.test', qr/catch-all.*u002\@b\.test/s],
    ['helpdesk-7@a.test', qr/u7\@b\.test/],
    ['sales@a.test', qr/sales-archive.*cat >> archive/s],
    ['carl@c.test', qr/\Q$there\E|127\.0\.0\.1\]:\d+/],
    ['u005@b2.test', qr/b\.test.*u005\@b\.test/s]) {
	my ($addr, $re) = @$_;
	like +($i->ctl('test', '--no-dns', $addr))[1], $re,
	    "postrider test $addr";
}
done_testing;
