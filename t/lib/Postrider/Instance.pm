package Postrider::Instance;

# A private Postrider for one test: made, started and removed by the one
# command that people use, ctl/postrider of the build tree.
#
#   my $i = Postrider::Instance->new(users => { ann => 'pw' });
#   $i->start;
#   is $i->send(to => 'ann@example.test', message => "Subject: x\n\nhi\n"),
#       250, 'accepted';
#   my ($file) = $i->wait_mails('ann', 1);
#
# Everything dies on trouble of the test itself (no build, no start).  What it
# started is stopped by pid at the end; the directory is removed, but kept,
# with the end of its log shown, where the test failed.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use POSIX ();
use Scalar::Util ();
use Test::Builder;
use Time::HiRes qw(sleep time);

use Postrider::Complaints;
use Postrider::Pop3;
use Postrider::Ports;
use Postrider::Smtp;

our $TIMEOUT = $ENV{POSTRIDER_TEST_TIMEOUT} || 60;	# seconds, for one wait
my $top = abs_path(dirname(__FILE__) . '/../../..');
my (%alive, $stage);

# The build tree: of the environment, or the source tree itself.
sub build {
	my $b = $ENV{POSTRIDER_BUILD} || $top;
	-x "$b/ctl/postrider" or die "no $b/ctl/postrider: build first, or " .
	    "set POSTRIDER_BUILD\n";
	return abs_path($b);
}

# users      { NAME => PASSWORD }, NAME a local part or a full address
# domains    [ ... ], the first is the default one
# conf       { FILE => { NAME => VALUE } }: settings changed after init; a NAME
#            "section/name" belongs into [section]
# single_uid true: run by nobody also where the test is root
sub new {
	my ($class, %arg) = @_;
	my $self = bless {
		users => $arg{users} || {},
		domains => $arg{domains} || ['example.test'],
		conf => $arg{conf} || {},
		single_uid => ($arg{single_uid} || $> != 0) ? 1 : 0,
		owner => $$, build => build(), started => 0, pids => {},
	}, $class;

	$self->{tmp} = tempdir('postrider-t.XXXXXXXX', TMPDIR => 1);
	# the programs run under other ids when root starts them
	chmod 0711, $self->{tmp} or die "chmod $self->{tmp}: $!\n";
	$self->{dir} = "$self->{tmp}/i";
	if ($self->{single_uid} && $> == 0) {
		my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
		chown $uid, $gid, $self->{tmp} or die "chown: $!\n";
		$self->{prefix} = ['setpriv', "--reuid=$uid",
		    "--regid=$gid", '--clear-groups', '--'];
		$self->{build} = _reachable($self->{build}, $uid);
	}
	$alive{$self} = $self;
	Scalar::Util::weaken($alive{$self});
	$self->_init;
	return $self;
}

# Where the build tree lies in a closed directory, nobody gets a copy of the
# programs.
sub _reachable {
	my ($build, $uid) = @_;
	system('setpriv', "--reuid=$uid", '--clear-groups', '--',
	    'test', '-x', "$build/ctl/postrider");
	return $build if $? == 0;
	return $stage if $stage;
	$stage = tempdir('postrider-b.XXXXXXXX', TMPDIR => 1, CLEANUP => 0);
	chmod 0755, $stage;
	for my $f (glob("$build/*/*")) {
		my ($d) = $f =~ m{([^/]+)/[^/]+$};
		next if $d =~ /^(?:lib|t|build|autom4te.cache|build-aux)$/;
		next unless -f $f && (-x _ || $f =~ /\.conf$/);
		mkdir "$stage/$d";
		system('cp', '-a', $f, "$stage/$d/") == 0 or die "cp $f\n";
	}
	return $stage;
}

sub _init {
	my ($self) = @_;
	$self->{base} = Postrider::Ports::free_base();
	$self->ctl_ok('!init', $self->{dir},
	    (map { ('--domain', $_) } @{ $self->{domains} }),
	    (map { ('--user', "$_:$self->{users}{$_}") }
	    sort keys %{ $self->{users} }),
	    '--port-base', $self->{base});
	# a delivery that hangs does not hold up the end of a test
	$self->set_conf('qmgr.conf', drain_timeout => '2s');
	for my $file (sort keys %{ $self->{conf} }) {
		$self->set_conf($file, %{ $self->{conf}{$file} });
	}
	return;
}

sub dir { return $_[0]{dir} }

# was it built with sanitizers?
sub sanitized {
	my ($self) = @_;
	return $self->slurp("$self->{build}/config.status") =~
	    /SAN_CFLAGS.*-fsanitize=address/;
}

sub conf_dir {
	my ($self) = @_;
	for my $d (qw(conf etc)) {
		return "$self->{dir}/$d" if -d "$self->{dir}/$d";
	}
	return $self->{dir};
}

sub port {
	my ($self, $name) = @_;
	my $off = $Postrider::Ports::OFFSET{$name} || die "port $name?\n";
	return $self->{base} + $off;
}

# ---- files ---------------------------------------------------------------

sub slurp {
	my ($self, $path) = @_;
	open my $fh, '<:raw', $path or die "$path: $!\n";
	local $/;
	return scalar <$fh>;
}

sub spew {
	my ($self, $path, $text) = @_;
	open my $fh, '>:raw', $path or die "$path: $!\n";
	print {$fh} $text;
	close $fh or die "$path: $!\n";
	return;
}

# Set options in a file of the instance; one that is there is replaced where
# it stands (with its continuation lines), a new one goes to the end of its
# section.  Takes effect at start or reload.
sub set_conf {
	my ($self, $file, %set) = @_;
	my $path = $self->conf_dir . "/$file";
	my @line = -e $path ? split(/^/, $self->slurp($path)) : ();
	for my $key (sort keys %set) {
		my ($sect, $name) = $key =~ m{^(?:([^/]+)/)?(.+)$};
		@line = _set_line($sect // '', $name, $set{$key}, @line);
	}
	my ($mode) = -e $path ? (stat _)[2] & 07777 : 0644;
	$self->spew($path, join '', @line);
	chmod $mode, $path;
	return;
}

sub _set_line {
	my ($want, $name, $value, @line) = @_;
	my ($sect, $done, $skip, @out) = ('', 0, 0);
	my $new = "$name = $value\n";
	for my $l (@line) {
		if ($l =~ /^\[\s*([^\]\s]+)/) {
			if ($sect eq $want && !$done) {
				push @out, $new;
				$done = 1;
			}
			($sect, $skip) = ($1, 0);
		} elsif ($skip && $l =~ /^[ \t]+\S/) {
			next;
		} else {
			$skip = 0;
			if ($sect eq $want && $l =~ /^\Q$name\E\s*=/) {
				push @out, $new unless $done;
				($done, $skip) = (1, 1);
				next;
			}
		}
		push @out, $l;
	}
	$out[-1] .= "\n" if @out && $out[-1] !~ /\n\z/;
	return @out if $done;
	push @out, "[$want]\n" if $sect ne $want;
	return (@out, $new);
}

# ---- the admin command ---------------------------------------------------

# Run a command as the instance's starter: (exit status, stdout, stderr).
# The status of one that a signal ended is 128 + the signal.
sub run {
	my ($self, @cmd) = @_;
	my ($out, $err) = map { File::Temp->new } 1 .. 2;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		open STDIN, '<', $self->{stdin} // '/dev/null';
		open STDOUT, '>&', $out;
		open STDERR, '>&', $err;
		chdir $self->{tmp};
		unshift @cmd, @{ $self->{prefix} || [] };
		no warnings 'exec';
		exec { $cmd[0] } @cmd;
		POSIX::_exit(127);
	}
	waitpid $pid, 0;
	my $st = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return ($st, $self->slurp("$out"), $self->slurp("$err"));
}

# postrider -i DIR ...; a first word with '!' goes without -i DIR
sub ctl {
	my ($self, @arg) = @_;
	my @i = $arg[0] =~ s/^!// ? () : ('-i', $self->{dir});
	return $self->run("$self->{build}/ctl/postrider", @i, @arg);
}

# What one program says of its configuration, as `postrider check' has it said
# by each: with sanitizers that is two seconds.
sub check_by {
	my ($self, $folder, $program, @arg) = @_;
	return $self->run("$self->{build}/$folder/$program", '-n', '-c',
	    $self->conf_dir, @arg);
}

# postrider, as ctl has it; dies unless it exits 0; its standard output
sub ctl_ok {
	my ($self, @arg) = @_;
	my ($st, $out, $err) = $self->ctl(@arg);
	$st == 0 or die "postrider @arg: exit $st\n$out$err";
	return $out;
}

# the same as ctl, with a text on its standard input
sub ctl_in {
	my ($self, $text, @arg) = @_;
	my $in = File::Temp->new;
	print {$in} $text;
	close $in;
	local $self->{stdin} = "$in";
	return $self->ctl(@arg);
}

# a new account, or (verb => 'password') a new password
sub add_user {
	my ($self, $name, $password, %arg) = @_;
	my ($st, $out, $err) = $self->ctl_in("$password\n", 'user',
	    $arg{verb} // 'add', @{ $arg{options} || [] }, $name);
	$st == 0 or die "user $name: exit $st\n$out$err";
	return $out;
}

# `PROGRAM -J`, as master would run that service, of a session in the mailbox
# $self->{mailbox}; what it is asked to try: "read PATH".  As run.
sub run_probe {
	my ($self, $service, @ask) = @_;
	my $in = File::Temp->new;
	print {$in} map { "$_\n" } @ask;
	close $in;
	local $self->{stdin} = "$in";
	my (%set, $section);
	for (split /\n/, $self->slurp($self->conf_dir . '/master.conf')) {
		$section = $1 if /^\[(.*)\]/;
		$set{$1} = $2 if ($section // '') eq $service &&
		    /^(\w+)\s*=\s*(.*?)\s*$/;
	}
	my $folder = { 'pop3-login' => 'pop3d',
	    'imap-login' => 'imapd', 'auth-pam' => 'auth',
	    'sts-fetch' => 'stsd' }
	    ->{$set{program}} // $set{program};
	my @launch = map { ('-M', "$_=$set{$_}") } grep { defined $set{$_} }
	    qw(user conf fsuid_store);
	return $self->run(
	    "$self->{build}/$folder/$set{program}", '-J', '-c',
	    $self->conf_dir, '-M', "service=$service", @launch,
	    $set{program} =~ /^(?:pop3d|imapd)$/ && $self->{mailbox} ?
	    $self->{mailbox} : ());
}

# its lines
sub probe {
	my ($self, $service, @ask) = @_;
	my ($rc, $out, $err) = $self->run_probe($service, @ask);
	die "$service: -J ended with $rc: $err\n" if $rc;
	return split /\n/, $out;
}

sub queue { my $self = shift; return $self->ctl_ok('queue', @_) }
sub map { my $self = shift; return $self->ctl_ok('map', @_) }
sub reload { return $_[0]->ctl_ok('reload') }

# call('qmgr', 'status', name => value): output of `postrider call`
sub call {
	my ($self, $socket, $verb, @kv) = @_;
	my @field;
	while (my ($k, $v) = splice @kv, 0, 2) {
		push @field, "$k=$v";
	}
	return $self->ctl_ok('call', $socket, $verb, @field);
}

# ---- start, stop ---------------------------------------------------------

sub start {
	my ($self) = @_;
	my ($st, $out, $err) = $self->ctl('start');
	for (1 .. 3) {
		last if $st == 0 || $self->{started};
		last if ($out . $err . $self->log) !~ /address.*in use/i;
		# somebody was faster: other ports, all of it anew
		remove_tree($self->{dir});
		$self->_init;
		($st, $out, $err) = $self->ctl('start');
	}
	$st == 0 or die "start: exit $st\n$out$err" . $self->log_tail(40);
	$self->{started} = 1;
	$self->pids;
	return $self;
}

# process ids of the running suite, master first
sub pids {
	my ($self) = @_;
	my ($st, $out) = $self->ctl('status', '--pids');
	my @pid = $st == 0 ? $out =~ /^(\d+)/mg : ();
	$self->{pids}{$_} = 1 for @pid;
	return @pid;
}

sub master_pid {
	my ($self) = @_;
	my ($pid) = $self->pids;
	return $pid;
}

# pids of a program by its name
sub pids_of {
	my ($self, $name) = @_;
	return grep {
		(readlink("/proc/$_/exe") || (_cmdline($_))[0] || '') =~
		    m{(?:^|/)\Q$name\E(?: \(del.*)?$}
	} $self->pids;
}

# what a jailed process shows to who is not root; () where it is dead
sub _cmdline {
	my ($pid) = @_;
	open my $fh, '<:raw', "/proc/$pid/cmdline" or return;
	local $/;
	return split /\0/, scalar(<$fh>) // '';
}

# is it a live process of this instance?  Numbers come back: another may have
# it meanwhile, also one of this build.
sub _ours {
	my ($self, $pid) = @_;
	my (undef, $c, $conf) = _cmdline($pid);
	return ($c // '') eq '-c' && index("$conf/", "$self->{dir}/") == 0;
}

sub stop {
	my ($self) = @_;
	return 1 unless $self->{started};
	$self->pids;
	my ($st, $out, $err) = $self->ctl('stop');
	my $end = time + $TIMEOUT;
	my @left;
	while (@left = grep { $self->_ours($_) } keys %{ $self->{pids} }) {
		last if time > $end;
		sleep 0.02;
	}
	kill 'KILL', @left if @left;
	$self->{started} = 0;
	$self->{pids} = {};
	return $st == 0 && !@left;
}

# ---- waiting -------------------------------------------------------------

# poll until sub returns true: its value, or false after the time
sub wait_for {
	my ($self, $sub, $secs) = @_;
	my $end = time + ($secs || $TIMEOUT);
	local $self->{waiting} = 1;
	while (1) {
		my $v = $sub->();
		return $v if $v;
		return $v if time > $end;
		sleep 0.02;
	}
}

sub log_file { return "$_[0]{dir}/log/mail.log" }

# What a program says is in the pipe to logd when it answers, and some
# milliseconds later in the file.  A line of our own goes the same way, so all
# before it is there when it is.
sub _sync_log {
	my ($self) = @_;
	return if $self->{waiting} || !$self->{started};
	my ($pid) = eval { $self->slurp("$self->{dir}/run/master.pid") } // '';
	$pid =~ /^(\d+)$/m or return;
	my ($to, $at) = ("/proc/$1/fd/2", -s $self->log_file || 0);
	(readlink $to // '') =~ /^pipe:/ or return;
	my $mark = sprintf 'test[%d]: mark n=%d', $$, ++$self->{marks};
	open my $pipe, '>>', $to or return;
	syswrite $pipe, "$mark\n";
	close $pipe;
	my $end = time + 10;
	until ($self->_log_from($at) =~ / \Q$mark\E\n/) {
		# it may have been moved, or its disk may be full
		last if time > $end;
		sleep 0.002;
	}
	return;
}

sub _log_from {
	my ($self, $from) = @_;
	open my $fh, '<:raw', $self->log_file or return '';
	seek $fh, $from || 0, 0;
	local $/;
	return scalar(<$fh>) // '';
}

# the whole log, or from a byte offset on: all that was said until now
sub log {
	my ($self, $from) = @_;
	$self->_sync_log;
	return $self->_log_from($from) =~
	    s/^\S+ test\[\d+\]: mark n=\d+\n//mgr;
}

sub log_lines { my $self = shift; return split /\n/, $self->log(@_) }

# where the log ends now: for the $from of log and wait_log
sub log_mark {
	my ($self) = @_;
	$self->_sync_log;
	return -s $self->log_file || 0;
}

# the first line of the log that matches; '' and a note after the time
sub wait_log {
	my ($self, $re, $secs, $from) = @_;
	my ($at, $file) = ($from || 0, '');
	my $line = $self->wait_for(sub {
		# only what is new, unless another file is there
		my @st = stat $self->log_file or return;
		$at = $from || 0 if $file ne "@st[0, 1]" && $file;
		$file = "@st[0, 1]";
		my $new = $self->_log_from($at) =~ s/[^\n]*\z//r;
		$at += length $new;
		my ($l) = grep { /$re/ } split /\n/, $new;
		return $l;
	}, $secs);
	Test::Builder->new->diag("no log line matches $re") unless $line;
	return $line // '';
}

sub log_tail {
	my ($self, $n) = @_;
	my @l = split /\n/, $self->_log_from;
	splice @l, 0, @l - $n if @l > $n;
	return join '', map { "$_\n" } @l;
}

# ---- mail ----------------------------------------------------------------

sub maildir {
	my ($self, $user) = @_;
	my ($local, $domain) = split /@/, $user, 2;
	$domain //= $self->{domains}[0];
	return "$self->{dir}/mail/$domain/$local/Maildir";
}

# the message files of a user, sorted; folder '.Sent', or the inbox
sub mails {
	my ($self, $user, $folder) = @_;
	my $d = $self->maildir($user) . ($folder ? "/$folder" : '');
	my @f;
	for my $sub (qw(cur new)) {
		opendir my $dh, "$d/$sub" or next;
		push @f, map { "$d/$sub/$_" } grep { !/^\./ } readdir $dh;
	}
	return sort { ($a =~ m{([^/]+)$})[0] cmp ($b =~ m{([^/]+)$})[0] } @f;
}

# wait until a user has at least n messages; the files
sub wait_mails {
	my ($self, $user, $n, $secs) = @_;
	my @f;
	$self->wait_for(sub { @f = $self->mails($user); @f >= $n }, $secs);
	Test::Builder->new->diag("$user has " . @f . " messages, not $n")
	    if @f < $n;
	return @f;
}

sub smtp {
	my ($self, $port) = @_;
	return Postrider::Smtp->new(port => $self->port($port || 'smtp'));
}

sub pop3 {
	my ($self) = @_;
	return Postrider::Pop3->new(port => $self->port('pop3'));
}

# Send one message: from (''), to (one or a list), message (LF or CRLF lines);
# the code of the reply that decided, the whole reply in list context.
sub send {
	my ($self, %arg) = @_;
	my $c = $self->smtp($arg{port});
	return $c->send(from => 'sender@example.org', %arg);
}

# ---- the end -------------------------------------------------------------

# What a sanitizer or an assertion says goes to the log; it fails the test.
sub _complaints {
	my ($self) = @_;
	return grep {
		/AddressSanitizer|LeakSanitizer|runtime error:|Assertion `/
	} split /\n/, $self->_log_from;
}

# At the end of a test nobody waits for what it left connected: master would,
# for two seconds, before it asks sessions again.
sub _stop_now {
	my ($self) = @_;
	return if !$self->{started};
	my @pid = $self->pids;
	my $asker = fork // die "fork: $!\n";
	if (!$asker) {
		sleep 0.3;
		kill 'TERM', grep { $_ != $pid[0] && $self->_ours($_) &&
		    (readlink("/proc/$_/exe") // (_cmdline($_))[0] // '') =~
		    m{/(?:smtpd|pop3d|imapd|\w+-login)$} } @pid;
		POSIX::_exit(0);
	}
	$self->stop;
	kill 'KILL', $asker;
	waitpid $asker, 0;
	return;
}

sub finish {
	my ($self) = @_;
	return 0 if $self->{owner} != $$ || $self->{finished}++;
	local ($?, $@, $!);
	$self->_stop_now;
	my $tb = Test::Builder->new;
	my @bad = $self->_complaints;
	my $failed = @bad || !$tb->is_passing || $self->{exit};
	if ($failed) {
		$tb->diag("kept: $self->{dir}; the end of its log:\n" .
		    $self->log_tail(60));
		$tb->diag("complaint: $_") for @bad;
	} else {
		remove_tree($self->{tmp}, { safe => 0 });
	}
	delete $alive{$self};
	return scalar @bad;
}

sub DESTROY {
	my ($self) = @_;
	$Postrider::Instance::complaints += $self->finish;
	return;
}

our $complaints = 0;
END {
	my $exit = $?;
	for my $i (grep { defined } values %alive) {
		$i->{exit} = $exit;
		$complaints += $i->finish;
	}
	Postrider::Complaints::last_words();
	remove_tree($stage) if $stage;
	$? = $exit || ($complaints ? 1 : 0);
}

1;
