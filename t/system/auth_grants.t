#!/usr/bin/perl
# Who has the right password may still not do everything: app passwords,
# services, disabled accounts, master users; and better hashes are kept.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep);
use Postrider::Instance;

my $i = Postrider::Instance->new(users => { ann => 'geheim', bob => 'pw' },
	conf => { 'auth.conf' => { failure_delay => '0s',
	    failure_delay_max => '0s', masters => 'text:masters',
	    allow_plain_storage => 'yes' } });
my $old = crypt 'alt', '$5$rounds=1000$salz$';
my $users = $i->conf_dir . '/users';
sub append {
	my ($path, @line) = @_;
	open my $fh, '>>', $path or die "$path: $!\n";
	print {$fh} map { "$_\n" } @line;
	close $fh;
	return;
}
append($users, '# imported', "old\@example.test pass=$old",
    'blf@example.test pass={BLF-CRYPT}' . crypt('alt', '$2b$05$' . 'a' x 22),
    'plain@example.test pass={PLAIN}alt');
my $master = crypt 'alt', '$5$rounds=1000$pfeffer$';
append($i->conf_dir . '/masters',
    "root pass=$master users=\@example.test services=imap",
    "gone pass=$master disabled=yes",
    "few pass=$master users=bob\@example.test",
    "near pass=$master networks=10.1.0.0/16 networks=2001:db8::/32");
chmod 0644, $i->conf_dir . '/masters';

# app passwords of another program, each with a salt of its own
sub verifier {
	my ($pass, $salt) = @_;
	my $s = my $u = hmac_sha256($salt . pack('N', 1), $pass);
	$s ^= $u = hmac_sha256($u, $pass) for 2 .. 4096;
	my @b64 = map { encode_base64($_, '') } $salt, sha256(
	    hmac_sha256('Client Key', $s)), hmac_sha256('Server Key', $s);
	return "SCRAM-SHA-256\$4096:$b64[0]\$$b64[1]:$b64[2]";
}
append($users, 'many@example.test ' . join ' ', map { qq{app="id0$_ } .
    '2026-01-01 imap ' . verifier("app$_", "salt$_") . ' x"' } 1 .. 6);
$i->ctl_ok('map', 'users');
$i->start;

# a change of a table is seen within a second
sub edit {
	my (@arg) = @_;
	my $text = $i->ctl_ok(@arg);
	sleep 1.1;
	return $text;
}

# "user login", or the dsn
sub try {
	my ($user, $pass, $service, $client) = @_;
	my ($st, $out, $err) = $i->ctl('call', 'auth', 'pass',
	    "user=$user", "pass=$pass", "service=$service",
	    'client_addr=' . ($client // ''));
	return join ' ', $out =~ /^(?:user|login)=(.+)$/mg if $st == 0;
	return "$out$err" =~ /(5\.7\.\d+|4\.\d\.\d)/ ? $1 : "$out$err";
}

sub plain {
	my ($authzid, $user, $pass, $service) = @_;
	my ($st, $out, $err) = $i->ctl('call', 'auth', 'sasl', 'mech=PLAIN',
	    'has_data=yes', "service=$service",
	    'data=' . encode_base64("$authzid\0$user\0$pass", ''));
	return join ' ', $out =~ /^(?:user|login)=(.+)$/mg if $st == 0;
	return "$out$err" =~ /(5\.7\.\d+|4\.\d\.\d)/ ? $1 : "$out$err";
}

# --- app passwords
my $out = $i->ctl_ok('user', 'app', 'add', '--services', 'imap,smtp',
    '--label', 'telephone of "Ann"', 'ann');
my ($id) = $out =~ /app password (\w+) for imap,smtp/;
my ($app) = $out =~ /^password\s+(\S+)$/m;
like $app, qr/^(?:[a-z2-9]{5}-){3}[a-z2-9]{5}$/, 'an app password is shown';
unlike $i->slurp($users), qr/\Q$app\E/, 'and not stored';
like $i->slurp($users), qr/^# imported$/m, 'notes stay';
is try('ann', 'geheim', 'imap'), 'ann@example.test', 'the password';
is try('ann', $app, 'imap'), 'ann@example.test', 'the app password';
is try('ann', $app, 'smtp'), 'ann@example.test', 'for its other service';
is try('ann', $app, 'pop3'), '5.7.8', 'but no other';
is try('bob', $app, 'imap'), '5.7.8', 'nor another account';
is try('many', "app$_", 'imap'), 'many@example.test', "imported: $_"
    for 1 .. 4;
is try('many', 'app5', 'imap'), '5.7.8', 'by four salts, and no more';
my $list = decode_json($i->ctl_ok('user', 'app', 'list', '--json', 'ann'));
is $list->[0]{label}, 'telephone of "Ann"', 'listed';
cmp_ok $list->[0]{used}, '>', time - 60, 'with its last use';
like $i->ctl_ok('user', 'app', 'list', 'ann'), qr/^$id +\d{4}-\d\d-\d\d .*ago/m,
    'for people, too';
like $i->log, qr/ login .*app=$id /, 'and in the log';
like $i->log, qr/reason="an app password for other services"/, 'why not, too';

edit('user', 'app', 'add', '--services', 'pop3', 'ann') =~
    /^password\s+(\S+)$/m;
my $second = $1;
is try('ann', $second, 'pop3'), 'ann@example.test', 'a second one';
edit('user', 'services', 'ann', '--app-only', 'yes');
is try('ann', 'geheim', 'imap'), '5.7.8', 'only app passwords';
is try('ann', $app, 'imap'), 'ann@example.test', 'they work';
edit('user', 'services', 'ann', '--app-only', 'no');
$i->add_user('ann', 'neu', verb => 'password');
sleep 1.1;
is try('ann', $app, 'imap'), 'ann@example.test',
    'they outlive a change of the password';
edit('user', 'app', 'revoke', 'ann', $id);
is try('ann', $app, 'imap'), '5.7.8', 'revoked';
is try('ann', $second, 'pop3'), 'ann@example.test', 'the other stays';
my ($st, undef, $err) = $i->ctl('user', 'app', 'revoke', 'ann', 'xxxx');
is $st, 1, 'revoked once';
($st, undef, $err) = $i->ctl('user', 'app', 'add', '--services', 'imp',
    'ann');
like $err, qr/did you mean imap/, 'an unknown service';

# --- accounts
edit('user', 'services', 'bob', 'imap,smtp');
is try('bob', 'pw', 'pop3'), '5.7.13', 'no POP3';
is try('bob', 'pw', 'smtp'), 'bob@example.test', 'but this';
is try('bob', 'wrong', 'pop3'), '5.7.8', 'told to who has the password';
edit('user', 'disable', 'bob');
is try('bob', 'pw', 'smtp'), '5.7.13', 'disabled';
edit('user', 'enable', 'bob');
is try('bob', 'pw', 'smtp'), 'bob@example.test', 'enabled';
$i->ctl_ok('user', 'limits', 'bob', 'hour=10', 'new=3');
my $shown = decode_json($i->ctl_ok('user', 'show', '--json', 'bob'));
is "$shown->{limit_hour} $shown->{limit_day} $shown->{limit_new}", '10 0 3',
    'limits';
like $i->map('get', 'mailboxes', 'bob@example.test'),
    qr/limit_hour=10 limit_new=3/, 'for all to see';
like $i->ctl_ok('user', 'limits', 'bob', 'hour=0', 'new=0'), qr/new limits/,
    'and none again';
$i->ctl_ok('user', 'services', 'bob', 'all');
($st, undef, $err) = $i->ctl('user', 'show', 'bobb');
like $err, qr/did you mean bob\@example\.test/, 'did you mean';
($st, undef, $err) = $i->ctl('user', 'add', 'carl', 'secret');
is $st, 2, 'no password on a command line';
$i->ctl_ok('user', 'add', '--generate', 'carl') =~ /^password\s+(\S+)$/m;
is try('carl', $1, 'imap'), 'carl@example.test', 'a generated one';

# --- masters
is try('bob*root', 'alt', 'imap'), 'bob@example.test root', 'a master';
is try('bob*root', 'alt', 'pop3'), '5.7.8', 'of one service';
is try('bob*root', 'pw', 'imap'), '5.7.8', 'with its own password';
is try('nobody*root', 'alt', 'imap'), '5.7.8', 'of accounts that are there';
is try('bob*gone', 'alt', 'imap'), '5.7.8', 'a disabled one';
is try('ann*few', 'alt', 'imap'), '5.7.8', 'one of few accounts';
is try('bob*few', 'alt', 'smtp'), 'bob@example.test few', 'one of these';
is try('bob*near', 'alt', 'imap', $_->[0]), $_->[1], "from $_->[0]" for
    ['10.1.2.3', 'bob@example.test near'], ['10.2.2.3', '5.7.8'],
    ['2001:db8::7', 'bob@example.test near'], ['', '5.7.8'];
is plain('bob', 'root', 'alt', 'imap'), 'bob@example.test root',
    'by the identity to act as';
is plain('bob', 'ann', 'neu', 'imap'), '5.7.8', 'no user is a master';
is plain('ann@example.test', 'ann', 'neu', 'imap'), 'ann@example.test',
    'but oneself in another spelling';
is try('root', 'alt', 'imap'), '5.7.8', 'and no master a user';
like $i->log, qr/ login .*user=bob\@example\.test login=master by=root /,
    'in the log';

# --- better hashes
my $db = $i->dir . '/spool/auth/state.db';
sub rows { return scalar `sqlite3 '$db' 'select v from better'` }
is try('old', 'alt', 'imap'), 'old@example.test', 'an old hash';
like rows(), qr/^\$y\$.*\nSCRAM-SHA-256\$10000:/, 'better ones are kept';
my $n = () = rows() =~ /^\$y\$/mg;
is try($_, 'alt', 'imap'), "$_\@example.test", "$_: the old form" for
    qw(blf plain blf plain);
is scalar(() = rows() =~ /^\$y\$/mg), $n + 2, '... is hashed anew, once';
unlike rows(), qr/PLAIN/, '... and not kept beside it';
is try('old', 'alt', 'imap'), 'old@example.test', 'and used';
is try('old', 'Alt', 'imap'), '5.7.8', 'nothing else is right';
my $text = $i->slurp($users);
my $other = crypt 'anders', '$5$rounds=1000$salz$';
$text =~ s/\Q$old\E/$other/;
$i->spew($users, $text);
edit('map', 'users');
is try('old', 'alt', 'imap'), '5.7.8', 'a change of the table wins';
is try('old', 'anders', 'imap'), 'old@example.test', 'at once';
unlike $i->log, qr/geheim|anders|\Q$app\E/, 'no password is logged';
done_testing;
