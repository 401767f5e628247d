package Postrider::Clients;

# Other people's mail clients against an instance, set up to change as little
# as they can: swaks, curl and sendmail send; curl, fetchmail and getmail6
# read.  A sender gives true where the client says that the message was taken;
# a reader gives the messages as it stored them, LF line ends.

use strict;
use warnings;

use Exporter 'import';
use File::Path qw(make_path);

our @EXPORT_OK = qw(send_swaks send_curl send_sendmail read_curl
    read_fetchmail read_getmail getmail_whole
    in_parallel fetchmail_form getmail_form);

sub spew {
	my ($path, $text) = @_;
	open my $fh, '>:raw', $path or die "$path: $!\n";
	print {$fh} $text;
	close $fh or die "$path: $!\n";
	return $path;
}

sub slurp {
	my ($path) = @_;
	open my $fh, '<:raw', $path or die "$path: $!\n";
	local $/;
	return scalar(<$fh>) // '';
}

# run with standard input from a file, all output into DIR/out; exit status
sub quiet {
	my ($dir, $in, @cmd) = @_;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		open STDIN, '<', $in;
		open STDOUT, '>>', "$dir/out";
		open STDERR, '>&', \*STDOUT;
		exec { $cmd[0] } @cmd or exit 127;
	}
	waitpid $pid, 0;
	return $?;
}

# Call sub with each item, in n processes; the items for which it was false.
sub in_parallel {
	my ($n, $sub, @items) = @_;
	my @pipe;
	for my $k (0 .. $n - 1) {
		pipe my $r, my $w or die "pipe: $!\n";
		my $pid = fork // die "fork: $!\n";
		if (!$pid) {
			close $r;
			for my $i (grep { $_ % $n == $k } 0 .. $#items) {
				print {$w} "$i\n" unless $sub->($items[$i]);
			}
			close $w;
			require POSIX;
			POSIX::_exit(0);
		}
		close $w;
		push @pipe, [$r, $pid];
	}
	my @bad;
	for (@pipe) {
		my ($r, $pid) = @$_;
		push @bad, <$r>;
		waitpid $pid, 0;
		die "a sender died\n" if $?;
	}
	return map { $items[$_] } @bad;
}

# ---- senders: instance, work directory, sender, recipient, text --------------

# --no-data-fixup: swaks sends the file as it is; so it gets the wire's form
sub send_swaks {
	my ($i, $dir, $from, $to, $text) = @_;
	$text =~ s/^\./../mg;
	$text .= "\n" if $text !~ /\n\z/;
	$text =~ s/\n/\r\n/g;
	my $f = spew("$dir/swaks.$$", "$text.");
	return !quiet($dir, '/dev/null', 'swaks', '--silent', '2',
	    '--suppress-data', '--server', '127.0.0.1', '--port',
	    $i->port('smtp'), '--helo', 'client.test', '--from', $from, '--to',
	    $to, '--no-data-fixup', '--timeout', '120', '--data', "\@$f");
}

sub send_curl {
	my ($i, $dir, $from, $to, $text) = @_;
	$text =~ s/\n/\r\n/g;
	my $f = spew("$dir/curl.$$", $text);
	return !quiet($dir, '/dev/null', 'curl', '--silent', '--show-error',
	    '--max-time', '120', '--mail-from', $from, '--mail-rcpt', $to,
	    '--upload-file', $f,
	    'smtp://127.0.0.1:' . $i->port('smtp') . '/client.test');
}

# command: the sendmail personality and what it needs to find the instance
sub send_sendmail {
	my ($command, $dir, $from, $to, $text) = @_;
	my $f = spew("$dir/sendmail.$$", $text);
	return !quiet($dir, $f, @$command, '-i', '-f', $from, $to);
}

# ---- readers: instance, work directory, user, password, number of messages ---

sub read_curl {
	my ($i, $dir, $user, $pass, $n) = @_;
	make_path("$dir/curl");
	quiet($dir, '/dev/null', 'curl', '--silent', '--show-error',
	    '--max-time', '300', '--user', "$user:$pass", '--output',
	    "$dir/curl/#1", 'pop3://127.0.0.1:' . $i->port('pop3') .
	    "/[1-$n]");
	return map { s/\r\n/\n/gr } map { slurp($_) } glob "$dir/curl/*";
}

# an MDA writes each message to a file; nothing is added, nothing rewritten
sub read_fetchmail {
	my ($i, $dir, $user, $pass, $n) = @_;
	make_path("$dir/fetchmail");
	chmod 0777, "$dir/fetchmail";
	spew("$dir/mda", "#!/bin/sh\nexec cat >\"\$(mktemp " .
	    "$dir/fetchmail/m.XXXXXXXX)\"\n");
	chmod 0755, "$dir/mda";
	my $rc = spew("$dir/fetchmailrc", "set invisible\nset no bouncemail\n" .
	    "poll 127.0.0.1 protocol pop3 service " . $i->port('pop3') .
	    " bad-header accept\n" .
	    "  user \"$user\" password \"$pass\" keep fetchall no rewrite\n" .
	    "  no mimedecode no dropstatus no dropdelivered pass8bits\n" .
	    "  sslproto '' fetchlimit 0 limit 0\n" .
	    "  mda \"$dir/mda\"\n");
	chmod 0600, $rc;
	local $ENV{FETCHMAILHOME} = $dir;
	# root's has one lock for all of the host, but where one is named
	my $st = quiet($dir, '/dev/null', 'fetchmail', '--nosyslog', '-f',
	    $rc, '--pidfile', "$dir/fetchmail.pid", '-i', "$dir/fetchids");
	my @text = map { slurp($_) } glob "$dir/fetchmail/*";
	warn "fetchmail: status $st\n" . slurp("$dir/out") if @text != $n;
	return @text;
}

# getmail delivers for no root: a prefix that makes it nobody, and the files
# nobody's
sub as_nobody {
	my @files = @_;
	return if $> != 0;
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
	chown $uid, $gid, grep { -e } @files;
	return ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups',
	    '--');
}

# getmail misses the end of its own delivery process now and then (the
# condition may be notified before it is waited for) and gives up: then, and
# only then, all of it once more, without what it has left (patterns of files).
# Returns what the last run, a function, returned: status and texts.
sub getmail_whole {
	my ($run, @left) = @_;
	my @r;
	for (1 .. 8) {
		@r = $run->();
		last if join('', grep { defined } @r) !~
		    /waiting child pid \d+ timed out/;
		unlink map { glob } @left;
	}
	return @r;
}

sub read_getmail {
	my ($i, $dir, $user, $pass, $n) = @_;
	my $d = "$dir/getmail";
	make_path("$d/$_") for qw(new cur tmp);
	getmail_whole(sub { _run_getmail($i, $d, $user, $pass);
	    return slurp("$d/out") }, "$d/new/*", "$d/oldmail*");
	return map { slurp($_) } glob "$d/new/*";
}

sub _run_getmail {
	my ($i, $dir, $user, $pass) = @_;
	my $rc = spew("$dir/getmailrc", <<"END");
[retriever]
type = SimplePOP3Retriever
server = 127.0.0.1
port = ${\ $i->port('pop3') }
username = $user
password = $pass
timeout = 15
[destination]
type = Maildir
path = $dir/
[options]
read_all = true
delete = false
delivered_to = false
received = false
verbose = 1
END
	chmod 0600, $rc;
	spew("$dir/out", '');
	my @as = as_nobody($rc, map { "$dir$_" } '', qw(/out /new /cur /tmp));
	quiet($dir, '/dev/null', @as, 'getmail', "--getmaildir=$dir",
	    "--rcfile=$rc");
	return;
}

# ---- what the clients themselves change -----------------------------------

# fetchmail, of a message as the server has it: a message without an empty
# line gets one at its end, a line "From " of a mailbox file within the header
# goes, and dots at the start of header lines stay doubled.
sub fetchmail_form {
	my ($text) = @_;
	my ($head, $body) = $text =~ /\A(.*?\n)(\n.*)\z/s;
	($head, $body) = ($text, "\n") unless defined $body;
	$head =~ s/^From [^\n]*\n//mg;
	$head =~ s/^\./../mg;
	return $head . $body;
}

# getmail: the message goes through Python's email package, which folds long
# fields and repairs broken MIME
my $REFLOW = <<'END';
import email, sys
for path in sys.argv[1:]:
    with open(path, 'rb') as f:
        m = email.message_from_bytes(f.read())
    sender = m['Return-Path'].strip().strip('<>')
    del m['Return-Path']
    with open(path, 'wb') as f:
        f.write(('Return-Path: <%s>\n' % sender).encode())
        f.write(m.as_bytes(policy=m.policy.clone(linesep='\n')))
END

sub getmail_form {
	my ($dir, $text) = @_;
	my $f = spew("$dir/reflow", $text);
	system('python3', '-c', $REFLOW, $f) == 0 or die "python3: $?\n";
	return slurp($f);
}

1;
