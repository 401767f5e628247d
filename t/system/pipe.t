#!/usr/bin/perl
# Delivery to commands: what they read, see and inherit, and how they end.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;
use Postrider::Delivery;
use Postrider::Instance;

my $dir = tempdir('postrider-p.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0777, $dir;

sub agent {
	my (%conf) = @_;
	return Postrider::Delivery->new(program => 'pipe',
	    conf => { directory => $dir, %conf })->start;
}

sub script {
	my ($name, $text) = @_;
	open my $fh, '>', "$dir/$name" or die "$name: $!\n";
	print {$fh} "#!/bin/sh\n$text\n";
	close $fh;
	chmod 0755, "$dir/$name";
	return "$dir/$name";
}

sub slurp {
	my ($name) = @_;
	open my $fh, '<', "$dir/$name" or return '';
	local $/;
	return scalar(<$fh>) // '';
}

sub appears {
	my ($name) = @_;
	for (1 .. 600) {
		return 1 if -s "$dir/$name";
		select undef, undef, undef, 0.1;
	}
	return 0;
}

my $text = "Return-Path: <s\@example.org>\nDelivered-To: a\@x\n" .
    "Received: y\n\nFrom here\n.\nF\nFrom";

# --- a transport of its own --------------------------------------
my $keep = script('keep', 'for a; do echo "[$a]"; done > args; ' .
    'env > env; cat > in; ls -l /proc/self/fd > fds; umask > umask');
my $p = agent(command => "$keep -f \${sender} to=\${recipient} \${user} " .
    "\${extension} \${domain} \${queue_id} \${size} \$\$", recipients => 10);
my $m = $p->message($text);
my %to = (orig => ["first\@example.test", ''],
    addr => ["ann+x\@example.test", "\"o'\$(id) `id`\"\@example.test"]);
is $p->deliver($m, ['ann', 'odd'], %to), '0 delivered 2.0.0 ; ' .
    '1 delivered 2.0.0 ; ok', 'two recipients are one run';
is slurp('args'), join('', map { "[$_]\n" } '-f', 's@example.org',
    'to=ann+x@example.test', "to=\"o'\$(id) `id`\"\@example.test", 'ann',
    "o'\$(id) `id`", 'x', '', ('example.test') x 2, $m->{q}, length $text,
    '$'), 'arguments, no shell between';
is slurp('in'), $text =~ s/Delivered-To.*\n//r, 'the content as it is';
like slurp('env'), qr/^SENDER=s\@example\.org$/m, 'the environment';
like slurp('env'), qr/^PATH=\/usr\/local\/bin:\/usr\/bin:\/bin$/m, '... PATH';
unlike slurp('env'), qr/ASAN|^HOME=\/root/m, '... nothing of ours';
is slurp('umask'), "0077\n", 'umask';
is +(() = slurp('fds') =~ /-> /g), 4, 'no descriptors (but that of ls)';
$p = agent(command => "$keep \${recipient}");
like $p->deliver($p->message("x\n\n"), ['ann'], addr => ['-rf@example.test'],
    orig => ['']), qr/^0 failed 5\.1\.3 /, '... never begins an argument';

# --- the forms of the content ------------------------------------
$p = agent(command => $keep, from_line => 'yes', line_end => 'crlf',
    original_to => 'yes');
$m = $p->message($text);
is $p->deliver($m, ['ann'], orig => ['first@example.test']),
    '0 delivered 2.0.0 ; ok', 'as mbox with CRLF';
is slurp('in'), join("\r\n", 'From s@example.org  Tue Nov 14 22:13:20 2023',
    'Return-Path: <s@example.org>', 'X-Original-To: first@example.test',
    'Delivered-To: ann@example.test', 'Received: y', '', '>From here', '.',
    'F', 'From', '', ''), 'From_ line, quotes, trace, empty line';
my $big = "Return-Path: <s\@example.org>\n\n" .
    join '', map { ('x' x ($_ % 97)) . "\nFrom $_\n" } 1 .. 20000;
$p = agent(command => $keep, from_line => 'yes', delivered_to => 'no');
is $p->deliver($p->message($big), ['ann'], orig => ['']),
    '0 delivered 2.0.0 ; ok', 'a large one';
is slurp('in') =~ s/\AFrom .*\n//r, ($big =~ s/^From />From /mgr) . "\n",
    '... every line that begins with From';

# --- how it ends -------------------------------------------------
# the command of an alias: by the shell, as that login
my $nobody = $> == 0 ? 'nobody' : getpwuid $>;
$p = agent(user => $nobody, size_limit => '1K');
sub result {
	my ($command, %arg) = @_;
	return $p->deliver($arg{message} || $p->message("x\n\n"), ['ann'],
	    mailbox => ["$nobody:|$command"], orig => ['']) =~
	    s/; ok$//r;
}
is result("cat > a; echo \"\$USER \$RECIPIENT\" > b"),
    '0 delivered 2.0.0 ', 'a command line of a shell';
is slurp('b'), "$nobody ann\@example.test\n", '... as that login';
my $ok = '0 delivered 2.0.0 ';
is result('exit 0 < /dev/null'), $ok, 'who reads nothing may take it';
is result("head -c1; kill -9 \$\$"), '0 deferred 4.3.0 command was killed by ' .
    'signal 9', 'a signal';
is result('echo 5.7.1 Go away; exit 1'), '0 failed 5.7.1 Go away',
    'its own status';
is result('echo 5.7.1 Go away; exit 75'), '0 deferred 4.3.0 temporary ' .
    'failure; here: 5.7.1 Go away', '... not against what it asks for';
is result('echo; echo no, sorry >&2; exit 67'),
    '0 failed 5.1.1 user unknown; here: no, sorry',
    'sysexits, and its first line';
is result('exit 73'), '0 deferred 4.3.0 can not create output file',
    'trouble of this machine';
is result('exit 3'), '0 failed 5.3.0 command ended with status 3', 'others';
like result('/nowhere/x'), qr/^0 deferred 4\.3\.5 command not found/,
    'a command that is gone';
is result('x', message => $p->message("x\n\n" . 'y' x 2000)),
    '0 failed 5.2.3 message is too large for this command', 'too large';
is result('(sleep 20; exit 1) & exit 0'), $ok, 'who leaves something behind';
is result('setsid yes & exit 0'), $ok, '... that never stops to print';
$p = agent(user => $nobody, time_limit => '1s');
is result('sleep 60 & sleep 60'), '0 deferred 4.3.0 command took more than ' .
    'time_limit', 'too slow';
is result('yes; exit 1'), '0 deferred 4.3.0 command took more than time_limit',
    '... also while it prints';
$p = agent(command => "$dir/nothing");
is $p->deliver($p->message("x\n\n"), ['ann'], orig => ['']),
    '0 deferred 4.3.5 command can not be run; ok', 'no such program';
like $p->log, qr/not-run .*program=\S+nothing user=nobody/, '... is logged';
$p = agent(user => $nobody, unknown_exit => 'defer');
like result('exit 3'), qr/^0 deferred 4\.3\.0 /, 'unknown_exit = defer';

# --- who it may be -----------------------------------------------
is $p->deliver($p->message("x\n\n"), ['ann'], orig => [''],
    mailbox => ["root:|id"]) =~ s/(deferred 4\.3\.5).*/$1/r,
    '0 deferred 4.3.5', 'never root';
is $p->deliver($p->message("x\n\n"), ['ann'], orig => [''],
    mailbox => ["nobody"]), '0 deferred 4.3.5 no command is configured; ok',
    'no command';

# --- killed with the suite ---------------------------------------
$p->ask($p->message("x\n\n"), ['ann'], orig => [''],
    mailbox => ["$nobody:|echo \$\$ > pid; exec sleep 600"]);
appears('pid');
my $pid = slurp('pid');
kill 'KILL', $p->pid;
my $gone = 0;
for (1 .. 300) {
	last if $gone = !kill 0, $pid + 0;
	select undef, undef, undef, 0.1;
}
ok $pid > 0 && $gone, 'the command ends with who asked for it';

# out of reach of who kills it; a pipe would hold 64 KiB of the message
for my $who ('who feeds it', 'who started it') {
	unlink "$dir/began", "$dir/go", "$dir/all", "$dir/end";
	my $late = script('late', 'echo x > began; until test -e go; ' .
	    'do sleep 0.1; done; cat > all; echo x > end');
	$p->stop;
	delete $p->{c};
	unlink $p->path('pipe');
	$p->start;
	$m = $p->message($big);
	$p->ask($m, ['ann'], orig => [''],
	    mailbox => ["$nobody:|exec setsid -w $late"]);
	ok appears('began'), 'a command begins';
	my $pid = $p->pid;
	chomp($pid = `pgrep -P $pid -x pipe`) if $who =~ /start/;
	ok kill('KILL', $pid), "... $who is killed";
	script('go', '');
	ok appears('end'), '... the command goes on';
	is length slurp('all'), length($big) + length(
	    "Delivered-To: ann\@example.test\n"), '... and has all';
}

# --- in a suite --------------------------------------------------
my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
    'router.conf' => { relay_domains => 'archive.test',
    transport => 'inline:archive.test=archive:x' } });
my $keeper = script('keeper', "mkdir $dir/box 2> $dir/null; " .
    "cat > $dir/box/\$QUEUE_ID; echo 5.7.1 No \$2; test \$2 != bob");
chmod 0777, $dir;
open my $conf, '>>', $i->conf_dir . '/master.conf' or die;
print {$conf} "\n[archive]\nprogram = pipe\nconf = archive.conf\n" .
    "listen = private:archive\nuser = out\nprocess_limit = 2\n" .
    "clients = 1\norder = 55\n";
close $conf;
$i->set_conf('archive.conf', command => "$keeper \${sender} \${user}",
    directory => $dir);
$i->start;
is $i->send(from => 'ann@example.test', to => ['ann@archive.test',
    'bob@archive.test'], message => "Subject: kept\n\nx\n"), 250, 'sent';
ok $i->wait_log(qr/delivered .*to=ann\@archive\.test transport=archive /),
    'a transport of the suite delivers';
ok $i->wait_log(qr/ failed .*to=bob\@archive\.test .*reason="No bob"/),
    'and refuses';
my ($report) = $i->wait_mails('ann', 1);
like $i->slurp($report), qr/bob\@archive\.test.*5\.7\.1.*No bob/s,
    'the sender hears why';
like slurp('box/' . (split m{/}, (glob "$dir/box/*")[0])[-1]),
    qr/\AReturn-Path: <ann\@example\.test>\n.*Subject: kept\n\nx\n\z/s,
    'what was kept';
$i->stop;

# --- the configuration -------------------------------------------
for (['command' => 'prog', qr/expected a program with its path/],
    ['command' => '/x ${rcpt}', qr/no word \$\{rcpt\}/],
    ['command' => '/x ${sender', qr/expected \$\{WORD\}/],
    ['command' => '/${user}', qr/the program has no words/],
    ['recipients' => '5', qr/command names none/]) {
	my ($name, $value, $re) = @$_;
	my $d = Postrider::Delivery->new(program => 'pipe',
	    conf => { $name => $value });
	my $out = `$d->{build}/pipe/pipe -n -c $d->{dir}/conf 2>&1`;
	like $out, $re, "$name = $value";
}
done_testing;
