#!/usr/bin/perl
# postrider user: accounts change, and only they; a mistake changes nothing.
use strict;
use warnings;
use JSON::PP;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' });
my $users = $i->conf_dir . '/users';

sub hash { return ($i->slurp($users) =~ /^\Q$_[0]\E pass=(\S+)/m)[0] // '' }
sub is_password {
	my ($user, $pw) = @_;
	my $h = hash($user);
	return crypt($pw, $h) eq $h;
}

ok is_password('ann@example.test', 'pw'), 'the hash of init is right';
is $i->add_user('bob', 'geheim', options => ['--quota', '5M']),
    "bob\@example.test: added\n", 'add';
ok is_password('bob@example.test', 'geheim'), 'with its password';
is $i->map('get', 'mailboxes', 'bob@example.test'), "quota=5M\n",
    'compiled at once';
my ($st, $out, $err) = $i->ctl_in('x', 'user', 'add', 'bob');
is $st, 1, 'not twice';
like $err, qr/bob\@example\.test is there already/, 'told';

open my $fh, '>>', $users or die;
print {$fh} "# a note\ncarl\@example.test\n  quota=1K\n  pass=!\n";
close $fh;
$i->add_user('carl', 'neu', verb => 'password');
ok is_password('carl@example.test', 'neu'), 'password';
like $i->slurp($users), qr/^# a note\ncarl\@example\.test .*quota=1K\n\z/m,
    'the rest of the row, and notes, stay';
$i->ctl_ok('user', 'quota', 'carl', '2G');
like $i->ctl_ok('user', 'show', 'carl'), qr/^quota\s+2\.0G$/m, 'quota';
my $list = decode_json($i->ctl_ok('user', 'list', '--json'));
is join(' ', map { $_->{name} } sort { $a->{name} cmp $b->{name} } @$list),
    'ann@example.test bob@example.test carl@example.test', 'list';
unlike $i->ctl_ok('user', 'list'), qr/\$y\$/, 'no list shows hashes';
$i->ctl_ok('user', 'delete', 'carl');
unlike $i->slurp($users), qr/carl/, 'delete';
is(($i->ctl('user', 'delete', 'carl'))[0], 1, 'gone is gone');

my $h = crypt 'x', '$6$rounds=1000$abcdefgh$';
$i->spew("$i->{tmp}/list", "# old server\n" .
    join('', map { "u$_:$h:1000:1000::/home/u$_:/bin/sh\n" } 1 .. 1000));
chmod 0644, "$i->{tmp}/list";
is $i->ctl_ok('user', 'import', "$i->{tmp}/list"),
    "imported 1000 accounts\n", 'a thousand hashes';
ok is_password('u777@example.test', 'x'), 'any of them';
my $before = $i->slurp($users);
$i->spew("$i->{tmp}/list", "new:$h\nu1:$h\n");
($st, $out, $err) = $i->ctl('user', 'import', "$i->{tmp}/list");
is $st, 1, 'one that is there already';
like $err, qr/users:\d+: .*nothing was imported/s, 'is told with its line';
is $i->slurp($users), $before, 'and nothing changed';
$i->spew("$i->{tmp}/list", "new:secret\n");
is(($i->ctl('user', 'import', "$i->{tmp}/list"))[0], 1,
    'a password is not taken for a hash');

for my $bad ('x@', '@example.test', 'a@b..c', "a\@b\nc\@d", "a\tb") {
	($st, $out, $err) = $i->ctl_in('pw', 'user', 'add', $bad);
	isnt $st, 0, 'no account: ' . $bad =~ s/\n/\\n/r;
}
is $i->slurp($users), $before, 'all as before';
for my $odd ('a b:c', 'say "hi"', '#1') {
	$i->add_user($odd, 'pw');
	like $i->ctl_ok('user', 'show', $odd), qr/^login\s+yes$/m,
	    "quoted where it must be: $odd";
	$i->ctl_ok('user', 'delete', $odd);
}
is $i->slurp($users), $before, 'and gone again';
($st, $out, $err) = $i->ctl('user', 'pasword', 'ann');
is $st, 2, 'an unknown verb';
like $err, qr/did you mean "password"/, 'did you mean';
done_testing;
