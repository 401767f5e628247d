#!/usr/bin/perl
# The tables of doc/security.md are what the programs do: ids and capabilities
# of running ones, jails, files, and which uid is refused which verb.
use strict;
use warnings;
use FindBin;
use Postrider::Instance;
use Postrider::Ipc;
use Test::More;

my $root = $> == 0;
my $pr = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' });
my $dir = $pr->dir;
my %cap = (chown => 0, dac_override => 1, dac_read_search => 2, fowner => 3,
    fsetid => 4, kill => 5, setgid => 6, setuid => 7, ipc_lock => 14,
    sys_chroot => 18, sys_nice => 23, sys_resource => 24, audit_write => 29);

# ---- the page --------------------------------------------------------------

# rows of the table whose header begins with that word, as lists of cells
sub table {
	my ($first) = @_;
	my (@row, $on);
	for (split /\n/, $pr->slurp("$FindBin::Bin/../../doc/security.md")) {
		my @cell = map { s/^\s+|\s+$//gr } split /\|/, $_, -1;
		if (!/^\|/) {
			$on = 0;
		} elsif ($cell[1] eq $first) {
			$on = 1;
		} elsif ($on && !/^\| ---/) {
			push @row, [@cell[1 .. $#cell - 1]];
		}
	}
	return @row;
}

my %jail = map { $_->[0] => $_ } table('service');
my %is;		# service => what it runs as
for my $s (keys %jail) {
	my ($role, $caps) = split /: /, $jail{$s}[1];
	my $bits = 0;
	$bits |= 1 << $cap{$_} for split / /, $caps // '';
	$is{$s} = { role => $role, caps => $bits };
}
my %section = map { $_ => 1 } $pr->slurp($pr->conf_dir . '/master.conf') =~
    /^\[(.*)\]/mg;
is join(' ', sort keys %jail), join(' ', sort keys %section),
    'every service is in the table';

# ---- what can be opened ------------------------------------------------------

$pr->start;
my %mail;
for my $u (qw(ann bob)) {
	is $pr->send(to => "$u\@example.test", message => "Subject: x\n\nx\n"),
	    250, 'a message';
	($mail{$u}) = $pr->wait_mails($u, 1);
}
my $store = (getpwnam 'postrider-store')[2];
$pr->spew("$dir/conf/credentials", "x y z\n");
chmod 0600, "$dir/conf/credentials";
chown scalar(getpwnam 'postrider-auth'), -1, "$dir/conf/credentials" if $root;
$pr->{mailbox} = 'example.test/ann';

my %path = ("a session's message" => $mail{ann},
    "another's message" => $mail{bob},
    "a session's new/" => $pr->maildir('ann') . '/new',
    "another's new/" => $pr->maildir('bob') . '/new');
my @file = table('file');
sub path_of {
	my ($name) = @_;
	return $path{$name} // ($name =~ m{^/} ? $name : "$dir/$name");
}
my @ask;
for my $f (@file) {
	my $p = path_of($f->[0]);
	ok -e $p, "there is $f->[0]" or diag $p;
	push @ask, "read $p", (-d $p ? 'create' : 'write') . " $p";
}
push @ask, "connect $dir/run/private/limitd";

my (%said, %opened);
for my $s (sort keys %jail) {
	for ($pr->probe($s, @ask)) {
		my ($what, $how) = split /\t/;
		push @{ $said{$s}{$what} }, $how;
		$opened{$what}{$s} = 1 if $how eq 'possible';
	}
}
for my $f (@file) {
	my ($name, @who) = @$f;
	my $p = path_of($name);
	for my $way ([read => $who[0]],
	    [-d $p ? 'create' : 'write', $who[1]]) {
		my @can = sort keys %{ $opened{"$way->[0] $p"} };
		# without root uids keep nobody apart
		@can = grep { " $way->[1] " =~ / $_ / } @can unless $root;
		is "@can", join(' ', sort split / /, $way->[1]),
		    "who can $way->[0] $name" if $root || $name !~ m{^/};
	}
}
for my $s (sort keys %jail) {
	is !!$opened{"connect $dir/run/private/limitd"}{$s},
	    $jail{$s}[2] =~ /\bunix\b/ && $is{$s}{role} ne 'store',
	    "$s reaches sockets of the suite as the table says";
}

# ---- what the jails are made of ---------------------------------------------

# a call that shows a group: the groups that have it
my %group = (flock => 'files', renameat2 => 'write',
    fdatasync => 'write sqlite', memfd_create => 'memfd',
    timerfd_create => 'epoll', inotify_init1 => 'inotify', bind => 'inet',
    'socket-inet' => 'inet', 'socket-unix' => 'unix',
    socketpair => 'unix pair', fchmod => 'chmod', wait4 => 'fork',
    clone => 'fork thread', execve => 'exec', setresuid => 'ids',
    landlock_create_ruleset => 'relock', getsid => 'plugin');
my %letter = (read => 'r', write => 'w', create => 'c', link => 'l',
    exec => 'x');
for my $s (sort keys %jail) {
	my (undef, undef, $calls, $paths, $ports) = @{ $jail{$s} };
	my %want = map { (split ' ', $_, 2)[1, 0] } split /, /, $paths;
	my %got;
	for (@{ $said{$s}{'jail path'} || [] }) {
		my @w = split ' ';
		my $p = pop(@w) =~ s{^\Q$dir\E/}{}r =~
		    s{^mail/example\.test/ann}{MAILBOX}r;
		my %l = map { $_ => 1 } split(//, $got{$p} // ''),
		    @letter{@w};
		$got{$p} = join '', grep { $l{$_} } qw(r w c l x);
	}
	delete @want{grep { m{^/} && !-e } keys %want};
	is join(' ', map { s/\s+$//r } @{ $said{$s}{'jail calls'} }), $calls,
	    "$s: groups of calls" if $root || $s ne 'imapd';
	my %has = map { $_ => 1 } split / /, $said{$s}{'jail calls'}[0];
	is join(' ', grep { ($said{$s}{"call $_"} // ['?'])->[0] eq
	    'possible' } sort keys %group), join(' ', grep {
	    grep { $has{$_} } split / /, $group{$_} } sort keys %group),
	    "$s: a call of each of them, and of no other";
	is join(', ', map { "$got{$_} $_" } sort keys %got),
	    join(', ', map { "$want{$_} $_" } sort keys %want), "$s: paths";
	is join(' ', @{ $said{$s}{'jail port'} || [] }), $ports, "$s: ports";
}

# ---- what runs --------------------------------------------------------------

my @bad;
for my $pid ($root ? $pr->pids : ()) {
	my ($s) = $pr->slurp("/proc/$pid/cmdline") =~ /\0service=([\w-]+)\0/
	    or next;
	my %h = $pr->slurp("/proc/$pid/status") =~ /^(\w+):\s*(.*)$/mg;
	my $i = $is{$s};
	my ($uid, $gid) = $i->{role} eq 'root' ? (0, 0) :
	    (getpwnam "postrider-$i->{role}")[2, 3];
	my $served = $s !~ /^(?:pop3d|imapd)$/;	# in their sessions
	my %want = (Uid => "$uid $uid $uid " .
	    ($s eq 'cleanup' ? $store : $uid),
	    Gid => join(' ', ($gid) x 4),
	    (map { $_ => $i->{caps} } qw(CapPrm CapEff CapBnd)),
	    CapInh => 0, CapAmb => 0,
	    NoNewPrivs => $served ? 1 : 0, Seccomp => $served ? 2 : 0);
	$want{Groups} = join ' ', sort $gid, scalar getgrnam 'postrider'
	    if $uid;
	$i->{ran} = 1;
	for my $k (sort keys %want) {
		my $got = join ' ', split ' ', $h{$k};
		$got = join ' ', sort split ' ', $got if $k eq 'Groups';
		$got = hex $got if $k =~ /^Cap/;
		push @bad, "$s: $k $got, not $want{$k}" if $got ne $want{$k};
	}
}
is join("\n", @bad), '', 'ids, capabilities and jails of what runs';
is scalar(grep { $_->{ran} } values %is) >= 15, $root,
    'enough of them ran to mean something';

# ---- verbs ------------------------------------------------------------------

my (%verbs, %may);
for my $row (table('socket')) {
	my ($sock, $verbs, $who) = @$row;
	$may{$sock}{$_} = $who for split / /, $verbs;
}
my %code;
for my $s (grep { $section{$_} } keys %said) {
	for my $v (grep { /^verb / } keys %{ $said{$s} }) {
		$code{$s}{substr $v, 5} = $said{$s}{$v}[0] =~ s/^root ?//r;
	}
}
delete $code{gate};	# is not in the default configuration
for my $s (sort keys %code) {
	is join(', ', map { "$_: " . join ' ', sort split / /, $code{$s}{$_} }
	    sort keys %{ $code{$s} }), join(', ', map { "$_: " .
	    join ' ', sort split / /, $may{$s}{$_} } sort keys %{ $may{$s} }),
	    "$s: who may send what";
}
is join(' ', sort keys %may), join(' ', sort keys %code), 'of all sockets';

sub permitted {
	my ($role, $s, $v) = @_;
	return grep { $_ eq $role || ($_ eq 'suite' && $role ne 'stranger') }
	    split / /, $may{$s}{$v};
}

# What a role may not ask; a refusal ends the connection, so each verb has one
# of its own.  `stranger' is in the group of the suite, and no role.
my @silent = ('auth client-end', 'cleanup edit', 'cleanup rcpt');
sub refused {
	my ($role, $uid) = @_;
	my ($n, @wrong) = (0);
	for my $s (sort keys %may) {
		for my $v (sort keys %{ $may{$s} }) {
			next if permitted($role, $s, $v);
			my $c = Postrider::Ipc->connect(
			    "$dir/run/private/$s");
			my $r = $c->call($v);
			$n++;
			# where there is no answer, the log has the refusal
			push @wrong, "$s $v" if $r ? $r->{f}{text} ne
			    "$v: not permitted to uid $uid" || $c->recv :
			    !grep { $_ eq "$s $v" } @silent;
			$c->close;
		}
	}
	return (scalar(@wrong), $n, @wrong);
}

# the users of roles, as common.conf(5) has them
my %user = $pr->slurp("$FindBin::Bin/../../master/common.conf.5") =~
    /^\.It Ic (\w+)_user = string Pq (postrider-\w+)$/mg;
is join(' ', sort keys %user), join(' ', grep { $_ ne 'root' }
    sort keys %{ { map { $_->{role} => 1 } values %is } }),
    'a service runs as each of them';
$user{stranger} = 'nobody';

# Without root all of it has one uid, to which every verb is permitted: there
# the tables of verbs above are what was checked.
diag 'not root: verbs are not tried as each role' unless $root;
my $suite = getgrnam 'postrider';
for my $role ($root ? sort keys %user : ()) {
	my $uid = getpwnam $user{$role};
	my $mark = $pr->log_mark;
	pipe my $r, my $w or die "pipe: $!\n";
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		($(, $)) = ($suite, "$suite $suite");
		($<, $>) = ($uid, $uid);
		my ($bad, $n, @wrong) = eval { refused($role, $uid) };
		syswrite $w, join(', ', $bad // $@, @wrong) . " of $n\n";
		POSIX::_exit(0);
	}
	close $w;
	waitpid $pid, 0;
	like scalar(<$r>), qr/^0 of [3-9]\d$/,
	    "$role is refused each verb that is not its own";
	for (@silent) {
		my ($s, $v) = split / /;
		next if permitted($role, $s, $v);
		ok $pr->wait_log(qr/ bad-request .*\buid=$uid .*"$v: not p/,
		    undef, $mark), "... $_, too";
	}
}
done_testing;
