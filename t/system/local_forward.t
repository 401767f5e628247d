#!/usr/bin/perl
# ~/.forward of system accounts: addresses, commands, files, loops.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;
use Postrider::Instance;

my $base = tempdir('postrider-h.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $base;
mkdir "$base/$_" for 'home', 'files';
my @accounts;
for my $n (0, 1) {
	my $name = ('kim', 'lee')[$n];
	my ($uid, $gid) = $> == 0 ? (61001 + $n) x 2 : ($>, $) + 0);
	mkdir $_, 0700 for "$base/home/$name", "$base/files/$name";
	chown $uid, $gid, "$base/home/$name", "$base/files/$name";
	push @accounts, "$name:$uid:$gid:$base/home/$name\n";
}
my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
	'master.conf' => { 'system/process_limit' => 1 },
	'router.conf' => { alias_commands => 'yes', alias_user => 'lee' },
	'common.conf' => { system_domains => 'host.test', first_uid => 500,
	    system_users => "text:$base/accounts" },
	'system.conf' => { home_dirs => "$base/home",
	    file_dirs => "$base/files" } });
$i->spew("$base/accounts", join '', @accounts);
chmod 0644, "$base/accounts";
my $until = "until test -e $base/files/go; do sleep 0.1; done";
$i->spew($i->conf_dir . '/aliases', "hang: \"|$until\"\n" .
    "quick: \"|cat > $base/files/lee/quick\"\n");
$i->map('aliases');
$i->start;

my $home = "$base/home/kim";
sub forward {
	my ($text, $name, $of) = @_;
	my $f = "$base/home/" . ($of // 'kim') . '/' . ($name // '.forward');
	$i->spew($f, $text);
	my ($uid, $gid) = (stat "$base/home/" . ($of // 'kim'))[4, 5];
	chown $uid, $gid, $f;
	chmod 0600, $f;
	return;
}

sub slurp {
	my ($f) = @_;
	open my $fh, '<', $f or return '';
	local $/;
	return scalar(<$fh>) // '';
}

my $n = 0;
sub mail {
	my ($to, $text) = @_;
	my $mark = $i->log_mark;
	$n++;
	is $i->send(from => 'ann@example.test', to => $to,
	    message => "Subject: number $n\n\n" . ($text // "x\n")), 250,
	    "mail $n";
	my $q = $1 if $i->wait_log(qr/smtpd\[\d+\]: accepted .*from=ann@/,
	    undef, $mark) =~ / q=(\S+)/;
	ok $i->wait_log(qr/qmgr\[\d+\]: removed .*q=$q /, undef, $mark),
	    '... is done';
	return $mark;
}
my $seen = 0;
# the new messages of ann's
sub ann {
	my ($more) = @_;
	my @f = $i->wait_mails('ann', $seen += $more);
	is scalar(@f), $seen, "ann has $more more";
	return map { $i->slurp($_) } @f;
}

mail('kim@host.test');
is scalar(() = glob "$home/Maildir/new/*"), 1, 'without .forward: mailbox';

# --- addresses -----------------------------------------------------------
forward("# where it goes\nann\@example.test, \\kim\n");
my $mark = mail('kim@host.test');
is scalar(() = glob "$home/Maildir/new/*"), 2, 'a copy stays';
my ($t) = grep { /^Subject: number 2$/m } ann(1);
like $t, qr{\AReturn-Path:\ <ann\@example\.test>\nDelivered-To:\ ann\@.*\n
    Received:\ from\ localhost\n?\s+by[^;]*;.*\nDelivered-To:\ kim\@host\.test
    \nReceived:}x, 'and one has its trace';
like $i->wait_log(qr/forwarded /, undef, $mark),
    qr/ to=kim\@host\.test as=\S+ nrcpt=1/, '... logged';
forward("nobody\@nowhere.invalid.example.test\n", '.forward+list');
forward("ann\@example.test\n", '.forward+x');
mail('kim+x@host.test');
ok +(grep { /^Subject: number 3$/m } ann(1)), 'by extension';
is scalar(() = glob "$home/Maildir/new/*"), 2, '... and nothing else';

# --- files and commands ------------------------------------------------------
forward("$home/box\n\"|cat > $home/piped; echo \$LOGNAME \$EXTENSION >> " .
    "$home/piped\"\n$base/files/kim/dir/, /dev/null\n");
mail('kim+q@host.test', "From me\n\nFrom you");
mail('kim@host.test', 'last');
my $box = slurp("$home/box");
like $box, qr/\AFrom\ ann\@example\.test\ \ \w{3}\ .*\nReturn-Path:.*\n(?s:.*)
    \n>From\ me\n\n>From\ you\n\nFrom\ ann(?s:.*)last\n\n\z/x, 'mbox';
is sprintf('%o %d', (stat "$home/box")[2] & 0777, (stat _)[4]),
    '600 ' . (stat $home)[4], '... of the account';
like slurp("$home/piped"), qr/^From .*\nlast\n\nkim\n\z/s, 'a command';
is +(stat "$home/piped")[4], (stat $home)[4], '... as the account';
is scalar(() = glob "$base/files/kim/dir/new/*"), 2, 'a Maildir';
is scalar(() = glob "$home/Maildir/new/*"), 2, 'not the mailbox';

forward("\"|echo no such thing; exit 67\"\n");
mail('kim@host.test');
my ($report) = grep { /user unknown/ } ann(1);
like $report, qr/Status: 5\.1\.1.*user unknown$/ms,
    'a command that refuses: the sender hears of it, not what it printed';

# --- commands that take their time -------------------------------------------
# 30 of kim's, and 4 of an alias; the first one ends by itself, before the rest
forward("\\kim\n\"|echo >> $home/begun; mkdir $home/first 2> /dev/null || " .
    "$until\"\n");
my $slow = $i->log_mark;
my $had = () = glob "$home/Maildir/new/*";
my $many = $i->smtp;
$many->cmd('EHLO test');
for my $to (('kim@host.test') x 30, ('hang@example.test') x 4) {
	$many->cmd($_) for 'MAIL FROM:<many@example.test>', "RCPT TO:<$to>",
	    'DATA';
	is +($many->cmd("Subject: many\r\n\r\nx\r\n."))[0], 250, "one for $to";
}
ok $i->wait_for(sub { $had + 30 == (() = glob "$home/Maildir/new/*") }),
    'its mailbox has all of them, whatever the command does';
mail('lee@host.test');
is scalar(() = glob "$base/home/lee/Maildir/new/*"), 1, 'so has another one';
forward("\"|cat > $base/home/lee/piped\"\n", '.forward', 'lee');
mail('lee@host.test');
like slurp("$base/home/lee/piped"), qr/^x$/m, '... whose own command runs';
mail('quick@example.test');
like slurp("$base/files/lee/quick"), qr/^x$/m, '... as that of another alias';
ok $i->wait_log(qr/command\[\d+\]: delivered .*to=kim\@host\.test/, undef,
    $slow), 'the first command ends, and it counts';
ok $i->wait_for(sub { slurp("$home/begun") eq "\n" x 3 }), 'two are at it';
# of the many, by what the log says of each
sub done {
	my ($n) = @_;
	return $i->wait_for(sub {
		my @l = $i->log_lines($slow);
		my %q = map { / accepted .*q=(\S+) .*from=many@/ ? ($1, 1) :
		    () } @l;
		return keys %q == 34 && $n == grep {
			/qmgr\[\d+\]: removed .*?q=(\S+)/ && $q{$1} } @l;
	});
}
ok done(1), '... and nothing else is done';
$i->spew("$base/files/go", '');
ok done(34), 'all end, when they do';
is slurp("$home/begun"), "\n" x 30, '... one for each';
is scalar(() = glob "$home/Maildir/new/*"), $had + 30, '... and the mailbox '.
    'has none of them twice';
ok $i->wait_log(qr/qmgr\[\d+\]: narrow transport=system agents=4 places=1/),
    'qmgr knows how many processes there are';
unlink "$base/home/lee/.forward";

# --- what nobody can want ---------------------------------------------------
forward("lee\@host.test\n");
forward("kim\@host.test\n", undef, 'lee');
mail('kim@host.test');
($report) = grep { /forwarding\s+loop/ } ann(1);
like $report // '', qr/5\.4\.6/, 'a loop is returned, once';
forward("ann\@example.test\n");
chmod 0666, "$home/.forward";
$mark = mail('kim@host.test');
is scalar(() = glob "$home/Maildir/new/*"), $had + 31,
    'a file that others write';
ok $i->wait_log(qr/forward-ignored .*login=kim file=\.forward reason="every/,
    undef, $mark), '... is ignored, and logged';
if ($> == 0) {
	chmod 0664, "$home/.forward";
	mail('kim@host.test');
	ann(1);	# the account has its group for itself
	chown 61001, 61002, "$home/.forward";
	chmod 0664, "$home/.forward";
	$mark = mail('kim@host.test');
	ok $i->wait_log(qr/forward-ignored .*reason="a group may/, undef,
	    $mark), '... as one that another group may write';
	$had++;
}
forward("ann\@example.test, <\@\@>\n");
mail('kim@host.test');
is scalar(() = glob "$home/Maildir/new/*"), $had + 32,
    'so is what makes no sense';
unlink "$home/.forward";
symlink '/etc/passwd', "$home/.forward";
mail('kim@host.test');
is scalar(() = glob "$home/Maildir/new/*"), $had + 33, 'and a link';
unlink "$home/.forward";
forward("/etc/postrider-test\n");
$mark = $i->log_mark;
is $i->send(to => 'kim@host.test', message => "x\n"), 250, 'a file elsewhere';
ok $i->wait_log(qr/deferred .*to=kim\@host\.test .*dsn=4\.3\.0/, undef,
    $mark), '... can not be reached';
done_testing;
