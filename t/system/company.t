#!/usr/bin/perl
# The company of doc/examples/company, its files as they are: 1000 mailboxes,
# roles, lists, a catch-all, a split domain, rules, rspamd and clamd.  Messages
# of others and of its people go in by swaks, curl and sendmail and come out by
# POP3 and IMAP; a scanner is killed under a stream of mail.
use strict;
use warnings;
use File::Temp qw(tempdir);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use Postrider::Company;
use Postrider::Scanners;
use Postrider::Smtp;
use Postrider::Zone;

my $base = tempdir('postrider-p.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0777, $base;
mkdir "$base/archive" and chmod 0777, "$base/archive";
my $pass = $Postrider::Company::PASSWORD;

# --- the world outside ------------------------------------------------------
my $scan = Postrider::Scanners->new($base, qw(rspamd clamd));
my $dns = Postrider::Zone->new(zones => {
	'example.edu' => "\@ MX 10 mail\nmail A 127.0.51.25\n" .
	    "list A 127.0.51.99\n",
	'127.in-addr.arpa' => "25.51.0 PTR mail.example.edu.\n" .
	    "99.51.0 PTR list.example.edu.\n",
	'dnsbl.example' => "99.51.0.127.zen A 127.0.0.4\n" });
# the cloud provider of example.org
my $tenant = Postrider::Instance->new(domains => ['example.org'],
	users => { 'carl@example.org' => 'pw' },
	conf => { 'common.conf' => { hostname => 'tenant.mail.example' } });
$tenant->start;

# --- the company --------------------------------------------------------------
my $i = Postrider::Company->new;
# what takes as many cycles for others' programs as for ours is for one build
my $small = $i->sanitized;
my $there = 'smtp:[127.0.0.1]:' . $tenant->port('smtp');
my $archive = "$base/archive/sales";
my %place = ('/var/mail/archive' => "$base/archive",
	'/usr/local/bin/ticket --new' => "cat >> $base/tickets");
$i->copy(%place);
my @people = $i->addresses(500);
is scalar(grep { /\@example\.(?:com|net)$/ } @people), 1000, '1000 people';
$i->spew("$base/people", join '',
    map { "$_:$Postrider::Company::HASH\n" } @people);
is $i->ctl_ok('user', 'import', "$base/people"), "imported 1001 accounts\n",
    'their mailboxes';
$i->ctl_ok('map', 'aliases', 'domains');
my ($st, $said, $err) = $i->ctl('check');
is "$st $err", '0 ', 'the files are right as they are';
like $said, qr/\Athe configuration in \S+ is good\n\z/, '... all of them';

$i->copy(%place, 'smtp:tenant.mail.example' => $there,
    'unix:/run/clamav/clamd.ctl' => $scan->address('clamd'),
    'inet:127.0.0.1:11333' => $scan->address('rspamd'),
    'greylist delay 5m' => 'greylist delay 1s');
$i->set_conf('smtpd.conf', reverse_dns_except => '',
    reverse_dns_timeout => '20s');
$i->set_conf('router.conf', quota_cache => '0s');
$i->set_conf('auth.conf', failure_delay => '0s');
$i->set_conf('filter.conf', "$_/retry" => '100ms') for qw(clamd rspamd);
$dns->configure($i);
my @staff = grep { /^u.*com$/ } @people;
splice @staff, 50 if $small;
$i->spew($i->conf_dir . '/lists/staff', $i->example('lists/staff') .
    join '', map { "$_\n" } @staff);
$i->ctl_ok('user', 'forward', 'u003@example.net', 'u004@example.net',
    '--keep');
$i->ctl_ok('user', 'quota', 'u005@example.net', '64K');
$i->start;
$scan->wait;

# --- how it is sent and read ----------------------------------------------
my ($n, $swaks, %comes) = (0, 0);
# what somebody outside hears: the reply that decided
sub outside {
	my (%m) = (client => '127.0.51.25', helo => 'mail.example.edu',
	    from => 'kit@example.edu', body => 'hello', @_);
	my $text = ($m{head} // '') . "Subject: $m{subject}\n" .
	    "From: Kit <kit\@example.edu>\nTo: $m{to}\n\n$m{body}\n";
	if ($small || $swaks++ % 6 || $m{helo} !~ /\./) {
		my $c = Postrider::Smtp->new(port => $i->port('smtp'),
		    from => $m{client});
		$c->send(%m, message => $text);
		return $c->last =~ s/\s+\z//r;
	}
	$i->spew("$base/message", $text);
	my (undef, $said) = $i->run('swaks', '--server', '127.0.0.1',
	    '--port', $i->port('smtp'), '-li', $m{client}, '--helo', $m{helo},
	    '--from', $m{from}, '--to', $m{to}, '--data',
	    "\@$base/message");
	my @r = $said =~ /^<(?:-|\*\*)  ?(\d{3} .*)$/mg;
	pop @r if @r > 1 && $r[-1] =~ /^221 /;
	return $r[-1] // $said;
}
# a message of the stage that is meant, and to whom it comes
sub mail {
	my ($to, $want, $who, %m) = @_;
	my $subject = $m{subject} // 'note ' . ++$n;
	my $r = outside(to => $to, %m, subject => $subject);
	like $r, ref $want ? $want : qr/^$want\b/, $m{name} //
	    "to $to: " . ($r =~ s/ as \w+$//r);
	push @{ $comes{$_} }, $subject for @{ $who || [] };
	return $r =~ /queued as (\w+)/ ? $1 : '';
}
sub curl {
	my ($url, @arg) = @_;
	my ($st, $out, $err) = $i->run('curl', '-sS', '--max-time', 60, @arg,
	    $url);
	return wantarray ? ($st, $out, $err) : $out;
}
# one of ours sends: true, or what was said
sub submit {
	my ($login, $from, $to, $text) = @_;
	$i->spew("$base/submit", $text =~ s/\n/\r\n/gr);
	my ($rc, undef, $log) = curl('smtp://127.0.0.1:' .
	    $i->port('submission'), '-v', '-u', "$login:$pass",
	    '--mail-from', $from, '--mail-rcpt', $to, '-T', "$base/submit");
	return $rc ? join "\n", $log =~ /^< ([45]\d\d .*?)\r?$/mg : 1;
}
# what postrider test says of it
sub told {
	my ($re, @arg) = @_;
	my (undef, $out, $err) = $i->ctl('test', '--no-dns', @arg);
	like $out . $err, $re, "postrider test @arg";
	return;
}
# all messages of a mailbox, as a client sees them
my $turn = 0;
sub read_all {
	my ($user) = @_;
	my $count = () = $i->mails($user);
	return '' unless $count;
	my $text = $turn++ % 2 ?
	    curl('pop3://127.0.0.1:' . $i->port('pop3') . "/[1-$count]",
	    '-u', "$user:$pass") :
	    curl('imap://127.0.0.1:' . $i->port('imap') .
	    "/INBOX;MAILINDEX=[1-$count]", '-u', "$user:$pass");
	return $text =~ s/\r\n/\n/gr;
}

# --- addresses ------------------------------------------------------------
mail('u017@example.net', 250, ['u017@example.net']);
mail("u017$_\@example.net", 250, ['u017@example.net']) for '+x', '-x-y';
mail('Ann.Burke@example.com', 250, ['ann@example.com']);
mail('sales@example.net', 250, ['bob@example.com', 'cora@example.net']);
mail('helpdesk-042@example.com', 250, ['u042@example.net']);
mail('fax.4711@example.com', 250, ['office@example.net']);
mail('whoever@example.net', 250, ['office@example.net']);
mail('bob@projects.example.com', 250, ['ann@example.com',
    'projects@example.net']);
mail('u018@example.info', 250, ['u018@example.net']);
mail('u003@example.net', 250, ['u003@example.net', 'u004@example.net']);
mail('tickets@example.com', 250);
mail('postmaster@example.org', 250, ['ann@example.com']);
mail('whoever@example.com', '550 5\.1\.1');
mail('zoe@example.com', qr/^550 5\.1\.6 .*zoe\@elsewhere\.example/);
mail('kit@example.edu', '554 5\.7\.1');
mail('olga@example.org', 250, ['olga@example.org']);
my $carl = mail('carl@example.org', 250);
mail('carl@example.com', 250);
mail('nobody@example.org', '550 5\.1\.1');

# --- who may write ----------------------------------------------------------
mail($_, '550 5\.7\.2') for qw(staff@example.com STAFF+x@Example.COM);
mail('u017@example.net', '554 5\.7\.1 listed: zen', [], client =>
    '127.0.51.99', helo => 'list.example.edu');
mail('postmaster@example.net', 250, ['ann@example.com'],
    client => '127.0.51.99', helo => 'list.example.edu');
mail('u017@example.net', '554 5\.7\.1 no mail from', [],
    client => '127.0.113.7');
mail('u017@example.net', '550 5\.7\.1 you are not example\.com', [],
    helo => 'example.com');
mail('u017@example.net', '550 5\.7\.1 too much is wrong', [],
    client => '127.0.51.66', helo => 'pc');
mail('u017@example.net', '550 5\.1\.8', [], from => 'x@nowhere.example');
mail('u017@example.net', '550 5\.7\.1 ann@example\.com is ours', [],
    from => 'ann@example.com');
mail('u017@example.net', qr/^450 4\.7\.1 greylisted, come again in 1s/, [],
    client => '127.0.51.66', subject => 'grey');
my $grey;
$i->wait_for(sub { $grey = outside(to => 'u017@example.net',
    client => '127.0.51.66', subject => 'grey');
    return $grey !~ /^450/ });
like $grey, qr/^250 /, 'it comes again';
push @{ $comes{'u017@example.net'} }, 'grey';
# a printer of ours
mail('carl@example.org', 250, [], client => '127.0.2.20', helo => 'printer',
    from => 'scan@printer.example.com');

# --- what they send ---------------------------------------------------------
my $gtube = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-' .
    'ANTI-UBE-TEST-EMAIL*C.34X';
my $eicar = Postrider::Scanners::eicar();
my $virus = qr/^550 5\.7\.1 .*virus.*Test\.Eicar/i;
mail('bob@example.com', $virus, [], body => $eicar, name => 'EICAR');
mail('bob@example.com', $virus, [], name => 'EICAR in a part', head =>
    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
    body => "--b\nContent-Type: application/octet-stream\n\n$eicar\n--b--");
mail('bob@example.com', '550 5\.7\.1', [], body => $gtube, name => 'GTUBE');
mail('bob@example.com', 250, ['bob@example.com'], subject => 'maybe spam');
mail('bob@example.com', qr/^550 5\.7\.1 not another parcel/, [],
    subject => 'Your parcel is waiting: pay');
mail('bob@example.com', qr/^550 5\.7\.1 no \.exe here/, [], head =>
    "MIME-Version: 1.0\nContent-Type: text/plain; name=\"a.exe\"\n");
mail('bob@example.com', 250, ['bob@example.com'], subject => 'forged',
    head => "X-Company-Internal: yes\n");
mail('u005@example.net', 250, ['u005@example.net'],
    body => join "\n", ('x' x 799) x 81);
is scalar(() = $i->wait_mails('u005@example.net', 1)), 1, '... which is full';
my $full;
$i->wait_for(sub {
	$full = outside(to => 'u005@example.net', subject => 'full');
	return $full =~ /^552/ || !push @{ $comes{'u005@example.net'} }, 'full';
});
like $full, qr/^552 5\.2\.2 u005\@example\.net has no room/,
    '... and gets no more';

# --- our own people -----------------------------------------------------------
my $mark = $i->log_mark;
is submit('ann@example.com', 'ann@example.com', 'cora@example.net',
    "From: Ann <ann\@example.com>\nSubject: names\n\nx\n"), 1, 'ann writes';
push @{ $comes{'cora@example.net'} }, 'names';
is submit('ann@example.com', 'board@example.com', 'bob@example.com',
    "From: board\@example.com\nSubject: secret\n\nx\n"), 1,
    '... as the board, whose mail is kept';
push @{ $comes{$_} }, 'secret' for 'bob@example.com', 'archive@example.com';
is submit('bob@example.com', 'news@example.com', 'staff@example.com',
    "From: news\@example.com\nSubject: news\n\nx\n"), 1,
    'bob writes to everybody as news';
push @{ $comes{$_} }, 'news' for 'ann@example.com', 'bob@example.com',
    'cora@example.net', 'u001@example.com';
like submit('bob@example.com', 'cora@example.net', 'ann@example.com',
    "From: cora\@example.net\nSubject: x\n\nx\n"), qr/^550 5\.7\.1 /m,
    'bob is not cora';
like submit('bob@example.com', 'bob@example.com', 'ann@example.com',
    "From: cora\@example.net\nSubject: x\n\nx\n"), qr/^550 5\.7\.1 /m,
    '... in a header neither';
like submit('bob@example.com', 'bob@example.com', 'kit@example.edu',
    "From: bob\@example.com\nSubject: x\n\n$eicar\n"), $virus,
    'no virus leaves';
($st) = curl('smtp://127.0.0.1:' . $i->port('submission'), '-u',
    'bob@example.com:wrong', '--mail-from', 'bob@example.com', '--mail-rcpt',
    'ann@example.com', '-T', '/dev/null');
isnt $st, 0, 'who does not know the password does not';
$i->spew("$base/mail", "From: root\@db1.example.com\nTo: hr\@example.com\n" .
    "Subject: cron\n\nx\n");
($st) = $i->run('sh', '-c', "POSTRIDER_INSTANCE='$i->{dir}' exec " .
    "'$i->{build}/ctl/sendmail' -i -f root\@db1.example.com hr <'$base/mail'");
is $st, 0, 'sendmail';
push @{ $comes{'hr@example.com'} }, 'cron';

# --- hr makes a mailbox -------------------------------------------------------
my @hr = ('--as', 'hr@example.com', 'user', 'add');
is +($i->ctl_in("$pass\n", @hr, 'new@example.com'))[0], 0,
    'hr makes a mailbox';
push @hr, '--no-password';
like +($i->ctl(@hr, 'new@example.net'))[2], qr/administer/, '... in no other';
like +($i->ctl(@hr, '--quota', '30G', 'big@example.com'))[2],
    qr/up to 20G/, '... not of any size';
$i->ctl_ok('domain', 'set', 'example.com', 'mailboxes=501');
like +($i->ctl(@hr, 'more@example.com'))[2], qr/may have 501 mailboxes/,
    '... and not any number';
ok $i->wait_for(sub { outside(to => 'new@example.com', subject => 'welcome')
    =~ /^250 / }), 'mail for it is taken';
push @{ $comes{'new@example.com'} }, 'welcome';

# --- a scanner is killed, and comes again -------------------------------------
# messages, each sent again until it is taken, until there is FILE.end
sub stream {
	my ($name) = @_;
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	open my $fh, '>', "$base/$name" or POSIX::_exit(2);
	$fh->autoflush(1);
	for (my $k = 1; !-e "$base/$name.end"; $k++) {
		my $r;
		do {
			sleep 0.02;
			($r) = eval { my $c = Postrider::Smtp->new(
			    port => $i->port('smtp'), from => '127.0.51.25');
			    $c->send(helo => 'mail.example.edu',
			    from => 'kit@example.edu', to =>
			    'u040@example.net', message =>
			    "Subject: $name-$k.\n\nx\n"); $c->last };
			print {$fh} $r // "none\n";
		} until ($r // '') =~ /^[25]/;
	}
	POSIX::_exit(0);
}
sub replies {
	my ($name, $re) = @_;
	return grep { /$re/ } -e "$base/$name" ?
	    split /\n/, $i->slurp("$base/$name") : ();
}
# so many more of them
sub more {
	my ($n, $name, $re) = @_;
	my $had = replies($name, $re);
	return $i->wait_for(sub { replies($name, $re) >= $had + $n });
}
for (['clamd', qr/^451 4\.7\.1/], ['rspamd', qr/^250/]) {
	my ($name, $meanwhile) = @$_;
	my $pid = stream($name);
	ok more(2, $name, qr/^250/), "$name: mail is taken";
	$scan->stop($name);
	ok more(4, $name, $meanwhile), '... and killed: ' .
	    ($name eq 'clamd' ? 'put off' : 'taken');
	$scan->start($name);
	ok more(2, $name, qr/^250/), '... and taken again';
	$i->spew("$base/$name.end", '');
	waitpid $pid, 0;
	is $?, 0, '... all of it in the end';
	is join('', replies($name, qr/^(?!250|$meanwhile)/)), '',
	    '... nothing is refused';
	push @{ $comes{'u040@example.net'} }, map { "$name-$_." }
	    1 .. replies($name, qr/^250/);
}
my @again = (to => 'u099@example.net', subject => 'x');
ok $i->wait_for(sub { outside(@again, body => $gtube) =~ /^550/ }),
    'rspamd looks again';
like outside(@again, body => $eicar), $virus, '... and so does clamd';

# --- what came ---------------------------------------------------------------
ok $i->wait_for(sub { $i->queue('list') !~ /\@/ }, 60), 'nothing is left';
my %text;
for my $user (sort keys %comes) {
	$text{$user} = read_all($user);
	is_deeply [sort $text{$user} =~ /^Subject: (.*)$/mg],
	    [sort @{ $comes{$user} }], "$user has what was sent, once";
}
is scalar(grep { () = $i->mails($_) } @staff), scalar @staff,
    'each of ' . @staff . ' has the news';
like $text{'u001@example.com'}, qr/^Return-Path: <owner-staff\@example\.com>/m,
    '... and reports go to the owner';
like $text{'cora@example.net'},
    qr/^Return-Path:\ <Ann\.Burke\@example\.com>\n.*
    ^From:\ Ann\ <Ann\.Burke\@example\.com>\nSubject:\ names\n/msx,
    'how ann is seen';
like $text{'bob@example.com'},
    qr/^Subject: maybe spam\n(?:.+\n)*X-Spam: Yes\n/m,
    'what may be spam is marked';
unlike $text{'bob@example.com'}, qr/X-Company-Internal/,
    'what only we may say is not there';
like $text{'hr@example.com'}, qr/^From: root\@example\.com$/m,
    'the host is not seen';
unlike $text{'cora@example.net'}, qr/^Received: .*127\.0\.0\.1(?!.*sales)/,
    'nor where ann is';
like $i->slurp("$base/tickets"), qr/^From kit\@example\.edu /, 'a ticket';
is scalar(my @a = glob "$archive/new/*"), 1, 'an archive';
my @carl = $tenant->wait_mails('carl@example.org', 4);
is scalar @carl, 4, 'carl has his at the provider';
my $carls = join '', map { $tenant->slurp($_) } @carl;
like $carls, qr/^Return-Path: <scan\@example\.com>/m, '... of the printer, too';

# --- the log and postrider test -----------------------------------------------
my $log = $i->ctl_ok('log', '--q', $carl);
is scalar(() = $log =~ /\]:\ (?:accepted .*from=kit\@example\.edu|sent
    .*to=carl\@example\.org|removed)\b/xg), 3,
    'the log tells the way of a message' or diag $log;
like $i->log($mark), qr/ accepted .*login=ann\@example\.com$/m, '... and login';
like $i->log, qr/ found .*name=Test\.Eicar/, '... virus';
like $i->log, qr/ score .*action=reject/, '... and spam';
told(qr/catch-all.*office\@example\.net/s, 'whoever@example.net');
told(qr/u7\@example\.net/, 'helpdesk-7@example.com');
told(qr/alias.*\Q$archive\E/s, 'sales@example.com');
told(qr/\Q$there\E/, 'carl@example.org');
told(qr/moved to zoe\@elsewhere/, 'zoe@example.com');
told(qr/include.*lists\/staff.*owner-staff/s, 'staff@example.com')
    unless $small;
told(qr/listed: zen/, '--client', '127.0.51.99,list.example.edu', '--helo',
    'list.example.edu', '--sender', 'kit@example.edu', '--rcpt',
    'bob@example.com');
ok $i->stop, 'it ends before who it is connected to';
done_testing;
