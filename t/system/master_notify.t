#!/usr/bin/perl
# The foreground mode, and what a service manager is told.
use strict;
use warnings;
use IO::Select;
use Postrider::Instance;
use Socket;
use Test::More;

my $i = Postrider::Instance->new(conf => { 'logd.conf' =>
	{ to => 'stdout' } });
socket my $s, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!\n";
my $path = "$i->{tmp}/notify";
bind $s, pack_sockaddr_un($path) or die "bind: $!\n";
chmod 0777, $path;

sub told {
	my ($re) = @_;
	my $all = '';
	return $i->wait_for(sub {
		IO::Select->new($s)->can_read(0.05) or return;
		recv $s, my $m, 4096, 0;
		$all .= "$m\n";
		return $all =~ $re;
	});
}

my $pid = fork // die;
if (!$pid) {
	$ENV{NOTIFY_SOCKET} = $path;
	open STDOUT, '>', "$i->{tmp}/out";
	open STDERR, '>', "$i->{tmp}/err";
	exec @{ $i->{prefix} || [] }, "$i->{build}/master/master", '-f', '-c',
	    $i->conf_dir or POSIX::_exit(127);
}
ok told(qr/^READY=1$/m), 'READY=1';
is $i->slurp($i->dir . '/run/master.pid'), "$pid\n", 'it has not forked';
is $i->smtp->greeting, 220, 'it serves';
kill 'HUP', $pid;
ok told(qr/^RELOADING=1\nMONOTONIC_USEC=\d+\n.*^READY=1$/ms),
    'RELOADING=1, then READY=1';
kill 'TERM', $pid;
ok told(qr/^STOPPING=1$/m), 'STOPPING=1';
waitpid $pid, 0;
is $?, 0, 'exit status 0';
like $i->slurp("$i->{tmp}/out"),
    qr/Z master\[$pid\]: starting .*Z master\[$pid\]: stopped\n/s,
    'the log went to standard output';
done_testing;
