package Postrider::PolicyHost;

# A web server with TLS for policies of MTA-STS and for reports, on 127.0.0.1
# and a port of the kernel; each name has its certificate and its answer.
#
#   my $w = Postrider::PolicyHost->new(cert => { 'mta-sts.a.test' =>
#       [$cert, $key] });
#   $w->policy('mta-sts.a.test', "version: STSv1\n...");
#   $w->answer('mta-sts.a.test', "HTTP/1.1 301 Moved\r\n...");
#   $w->answer('mta-sts.a.test', '!drip');	an octet now and then
#   my @r = $w->requests;	"GET mta-sts.a.test /path", all so far
#   my @p = $w->posts;		[host, path, type, body]
#
# The server ends with the test that started it.

use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep);

sub new {
	my ($class, %arg) = @_;
	my $self = bless { owner => $$, cert => $arg{cert},
	    dir => tempdir('postrider-w.XXXXXXXX', TMPDIR => 1, CLEANUP => 1),
	}, $class;
	my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    LocalPort => 0, Proto => 'tcp', Listen => 64, ReuseAddr => 1)
	    or die "socket: $!\n";
	$self->{port} = $l->sockport;
	$self->{pid} = fork // die "fork: $!\n";
	if (!$self->{pid}) {
		eval { $self->_run($l); 1 } or print {*STDERR} $@;
		POSIX::_exit(0);
	}
	return $self;
}

sub port { return $_[0]{port} }

sub answer {
	my ($self, $host, $text) = @_;
	open my $fh, '>:raw', "$self->{dir}/new" or die "new: $!\n";
	print {$fh} $text;
	close $fh or die "new: $!\n";
	rename "$self->{dir}/new", "$self->{dir}/$host" or die "$host: $!\n";
	return;
}

sub policy {
	my ($self, $host, $text, $type) = @_;
	return $self->answer($host, "HTTP/1.1 200 OK\r\nContent-Type: " .
	    ($type // 'text/plain') . "\r\nContent-Length: " . length($text) .
	    "\r\n\r\n$text");
}

sub _lines {
	my ($self) = @_;
	open my $fh, '<:raw', "$self->{dir}/log" or return;
	my @all = map { JSON::PP::decode_json($_) } <$fh>;
	return @all;
}

sub requests { return map { "$_->[0] $_->[1] $_->[2]" } $_[0]->_lines }

sub posts {
	my ($self) = @_;
	return map { [$_->[1], $_->[2], $_->[3], pack 'H*', $_->[4]] }
	    grep { $_->[0] eq 'POST' } $self->_lines;
}

# ---- the server ----------------------------------------------------------

sub _run {
	my ($self, $l) = @_;
	local $SIG{CHLD} = 'IGNORE';
	local $SIG{PIPE} = 'IGNORE';
	while (getppid() == $self->{owner}) {
		my $in = '';
		vec($in, fileno($l), 1) = 1;
		next unless select($in, undef, undef, 1) > 0;
		my $c = $l->accept or next;
		my $pid = fork;
		if (!$pid) {
			eval { $self->_serve($c) };
			POSIX::_exit(0);
		}
		close $c;
	}
	return;
}

sub _serve {
	my ($self, $c) = @_;
	my %crt = map { $_ => $self->{cert}{$_}[0] } keys %{ $self->{cert} };
	my %key = map { $_ => $self->{cert}{$_}[1] } keys %{ $self->{cert} };
	alarm 60;
	IO::Socket::SSL->start_SSL($c, SSL_server => 1,
	    SSL_cert_file => \%crt, SSL_key_file => \%key) or return;
	my $first = <$c> // return;
	my ($verb, $path) = $first =~ m{^(\w+) (\S+) HTTP/1.1\r\n} or return;
	my %f;
	while (defined(my $line = <$c>)) {
		last if $line eq "\r\n";
		$f{lc $1} = $2 if $line =~ /^([\w-]+): (.*)\r\n/;
	}
	my $body = '';
	read $c, $body, $f{'content-length'} if $f{'content-length'};
	open my $log, '>>:raw', "$self->{dir}/log" or return;
	syswrite $log, JSON::PP::encode_json([$verb, $f{host}, $path,
	    $f{'content-type'} // '', unpack 'H*', $body]) . "\n";
	close $log;
	return $self->_answer($c, $f{host});
}

sub _answer {
	my ($self, $c, $host) = @_;
	open my $fh, '<:raw', "$self->{dir}/$host" or
	    return print {$c} "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
	local $/;
	my $text = <$fh>;
	if ($text eq '!drip') {
		print {$c} "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" .
		    "Content-Length: 60000\r\n\r\n";
		print {$c} 'x' and sleep 0.2 for 1 .. 250;
		return;
	}
	print {$c} $text;
	close $c;
	return;
}

sub DESTROY {
	my ($self) = @_;
	return if $self->{owner} != $$ || !$self->{pid};
	local ($?, $!, $@);
	kill 'KILL', $self->{pid};
	waitpid delete $self->{pid}, 0;
	return;
}

1;
