#!/usr/bin/perl
# imapd --stdio: for tunnels, as the caller, without a login.
use strict;
use warnings;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IPC::Open3;
use Test::More;

use Postrider::Instance;

my $instance = Postrider::Instance->new(domains => ['local.test']);
my $conf = $instance->dir . '/conf';
my $dir = tempdir('postrider-stdio.XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
my $imapd = "$dir/imapd";
copy(Postrider::Instance::build() . '/imapd/imapd', $imapd) or die $!;
chmod 0755, $imapd;

# root becomes nobody; the configuration must be readable then
my @as = ();
my $home = "$dir/home";
mkdir $home;
if ($> == 0) {
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
	mkdir "$dir/conf";
	chmod 0755, "$dir/conf";
	for my $f (glob "$conf/*.conf") {
		copy($f, "$dir/conf/") or die $!;
	}
	chmod 0644, glob "$dir/conf/*";
	$conf = "$dir/conf";
	chown $uid, $gid, $home;
	@as = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups');
}

sub run {
	my ($home, $input, @as) = @_;
	# who refuses to serve may be gone before it is spoken to
	local $SIG{PIPE} = 'IGNORE';
	my $pid = open3(my $in, my $out, undef, 'timeout', 20, @as, 'env',
	    "HOME=$home", 'ASAN_OPTIONS=detect_leaks=0', $imapd, '--stdio',
	    '-c', $conf);
	print $in $input;
	close $in;
	my $got = do { local $/; <$out> };
	waitpid $pid, 0;
	return ($got // '', $? >> 8);
}

my $mail = "Subject: by stdio\r\n\r\nbody\r\n";
my $n = length $mail;
my ($got, $rc) = run($home, "a APPEND INBOX {$n+}\r\n$mail\r\n" .
    "b SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\nd LOGOUT\r\n", @as);
like($got, qr/^\* PREAUTH \[CAPABILITY IMAP4rev1 /m, 'no login');
like($got, qr/^a OK \[APPENDUID \d+ 1\]/m, 'APPEND');
like($got, qr/^\* 1 EXISTS\r$/m, 'SELECT');
like($got, qr/BODY\[\] \{$n\}\r\n\Q$mail\E/, 'the message');
like($got, qr/^\* BYE .*^d OK /ms, 'LOGOUT');
is($rc, 0, 'status');
is(scalar(my @f = glob("$home/Maildir/cur/*")), 1, 'a file in the Maildir');

($got, $rc) = run($home, "a NOOP\r\n", @as);
like($got, qr/^a OK/m, 'the end of input');
is($rc, 0, 'ends the session');

if ($> == 0) {
	($got, $rc) = run($home, "a NOOP\r\n");
	like($got, qr/not as root/, 'root is refused');
	is($rc, 78, 'status');
}
done_testing();
