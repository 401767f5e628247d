package Postrider::Tls;

# Certificates, a server behind tlsd, and clients, for tests of TLS.
#
#   my $t = Postrider::Tls->new($instance);
#   $t->cert('ec', names => ['a.test']);	  # $t->path('ec.pem')
#   my $port = $t->serve(service => 'imap');   # t/bench/tlsecho.c
#   my $c = $t->client($port, '-servername', 'a.test');
#   $c->facts->{sni}; $c->say('x'); $c->line; $c->close;
#
# Clients are `openssl s_client`; '-commands': it understands R, K, k.

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);
use IPC::Open3;
use IO::Select;
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Time::HiRes qw(time sleep);

our $TIMEOUT = $ENV{POSTRIDER_TEST_TIMEOUT} || 60;

sub new {
	my ($class, $i) = @_;
	my $self = bless { i => $i, pids => [], serial => 1 }, $class;
	$self->{dir} = $i->conf_dir . '/tls';
	$self->{tmp} = tempdir('postrider-tls.XXXXXX', TMPDIR => 1,
	    CLEANUP => 1);
	return $self;
}

sub path { return "$_[0]{dir}/$_[1]" }

sub openssl {
	my ($self, @arg) = @_;
	my $pid = open3(my $in, my $out, undef, 'openssl', @arg);
	close $in;
	local $/;
	my $text = <$out>;
	waitpid $pid, 0;
	die "openssl @arg: $text\n" if $?;
	return $text;
}

# A key and a certificate as NAME.pem and NAME.pem.key.
# type: ec (the default), rsa, ed25519; names; ca: NAME of the issuer's;
# is_ca; days; ext: lines; one: both in one file
sub cert {
	my ($self, $name, %arg) = @_;
	my ($crt, $key) = map { $self->path($_) } "$name.pem", "$name.pem.key";
	my $type = $arg{type} || 'ec';
	my $tmp = "$self->{tmp}/" . $self->{serial}++;
	my @names = @{ $arg{names} || [$name] };
	my $san = join ',', map { /:/ ? $_ : "DNS:$_" } @names;
	my @gen = $type eq 'rsa' ? ('RSA', '-pkeyopt', 'rsa_keygen_bits:2048')
	    : $type eq 'ec' ? ('EC', '-pkeyopt', 'ec_paramgen_curve:P-256') :
	    ('ED25519');
	$self->openssl('genpkey', '-out', "$tmp.key", '-algorithm', @gen)
	    unless $arg{keep};
	$self->openssl('req', '-new', '-key', $arg{keep} || "$tmp.key", '-subj',
	    '/CN=' . ($arg{cn} // 'test'), '-out', "$tmp.csr");
	my $ext = join "\n", "subjectAltName=$san", $arg{is_ca} ?
	    'basicConstraints=critical,CA:TRUE' :
	    'basicConstraints=CA:FALSE', @{ $arg{ext} || [] };
	open my $fh, '>', "$tmp.ext" or die;
	print {$fh} "$ext\n";
	close $fh;
	my @by = $arg{ca} ? ('-CA', $self->path("$arg{ca}.pem"), '-CAkey',
	    $self->path("$arg{ca}.pem.key")) : ('-signkey', $arg{keep} ||
	    "$tmp.key");
	$self->openssl('x509', '-req', '-in', "$tmp.csr", @by, '-days',
	    $arg{days} // 30, '-extfile', "$tmp.ext", '-set_serial',
	    int(rand(1 << 30)), '-out', "$tmp.crt");
	my $text = $self->{i}->slurp("$tmp.crt");
	$text .= $self->{i}->slurp($self->path("$arg{ca}.pem")) if $arg{ca};
	my $secret = $arg{keep} ? '' : $self->{i}->slurp("$tmp.key");
	$text .= $secret if $arg{one};
	$self->put($key, $secret, 0600) unless $arg{keep} || $arg{one};
	$self->put($crt, $text, $arg{one} ? 0600 : 0644);
	return;
}

# a new file in the place of an old one; keyd may read it
# what servers of others may have: good, late (expired) and other (of another
# name) of the CA ca, and self, which nobody has signed
sub servers {
	my ($self, $names, @self) = @_;
	$self->cert('ca', is_ca => 1, names => ['ca.test'], cn => 'Servers');
	$self->cert('good', ca => 'ca', names => $names);
	$self->cert('late', ca => 'ca', names => $names, days => -1);
	$self->cert('other', ca => 'ca', names => ['other.test']);
	$self->cert('self', names => @self ? \@self : $names);
	return;
}

sub _pem {
	my ($text, $what) = @_;
	my ($b64) = $text =~ /BEGIN $what-----\n(.*?)-----END/s;
	return decode_base64($b64);
}

# a certificate, and its key, as TLSA records digest them
sub der {
	my ($self, $name) = @_;
	return _pem($self->{i}->slurp($self->path("$name.pem")),
	    'CERTIFICATE');
}
sub spki {
	my ($self, $name) = @_;
	return _pem(scalar $self->openssl('x509', '-in',
	    $self->path("$name.pem"), '-noout', '-pubkey'), 'PUBLIC KEY');
}

# DANE-EE, SHA-256 of the key
sub tlsa {
	my ($self, $name) = @_;
	return '3 1 1 ' . sha256_hex($self->spki($name));
}

sub put {
	my ($self, $path, $text, $mode) = @_;
	$self->{i}->spew("$path~", $text);
	my ($uid, $gid) = (getpwnam($self->{i}{single_uid} ? 'nobody' :
	    'postrider-key'))[2, 3];
	chown $uid, $gid, "$path~" if $> == 0;
	chmod $mode, "$path~";
	rename "$path~", $path or die "$path: $!\n";
	return;
}

sub tool {
	my ($self) = @_;
	return ("$self->{i}{build}/t/bench/bench_tlsecho",
	    $self->{i}->conf_dir);
}

# the port of an echo server behind tlsd
sub serve {
	my ($self, %arg) = @_;
	my @o = map { "$_=$arg{$_}" } sort keys %arg;
	my $pid = open my $fh, '-|', $self->tool, 'serve', @o;
	my ($port) = (<$fh> // '') =~ /port (\d+)/ or die "no server\n";
	push @{ $self->{pids} }, $pid;
	$self->{out}{$port} = $fh;
	return $port;
}

# the next line that the server of a port says ("failed ...")
sub server_line {
	my ($self, $port) = @_;
	my $fh = $self->{out}{$port};
	return IO::Select->new($fh)->can_read($TIMEOUT) ? scalar <$fh> : undef;
}

# our own client: tls_connect
sub connect {
	my ($self, $port, @o) = @_;
	return Postrider::Tls::Client->new($self->tool, 'connect', $port, @o);
}

sub client {
	my ($self, $port, @arg) = @_;
	my @words = grep { $_ eq '-commands' } @arg;
	@arg = grep { $_ ne '-commands' } @arg;
	return Postrider::Tls::Client->new('openssl', 's_client', '-connect',
	    "127.0.0.1:$port", @words ? () : '-nocommands', @arg);
}

# what all that a client says in a short session matches
sub all {
	my ($self, $port, @arg) = @_;
	my $c = $self->client($port, @arg);
	$c->until(qr/FACTS version|errno=|^\w+:error:/m);
	$c->done;
	return $c->{text};
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $!);
	kill 'KILL', @{ $self->{pids} };
	waitpid $_, 0 for @{ $self->{pids} };
	return;
}

package Postrider::Tls::Client;

use strict;
use warnings;
use IPC::Open3;
use IO::Select;
use Time::HiRes qw(time);

sub new {
	my ($class, @cmd) = @_;
	my $self = bless { text => '', at => 0 }, $class;
	$self->{pid} = open3($self->{in}, $self->{out}, undef, @cmd);
	binmode $self->{$_} for qw(in out);
	return $self;
}

# read until what has come since the last match matches: true, or false at
# the end or after the time
sub until {
	my ($self, $re, $secs) = @_;
	my $end = time + ($secs // $Postrider::Tls::TIMEOUT);
	my $sel = IO::Select->new($self->{out});
	while (1) {
		if (substr($self->{text}, $self->{at}) =~ $re) {
			$self->{at} += $+[0];
			return 1;
		}
		my $left = $end - time;
		return 0 if $left <= 0 || !$sel->can_read($left);
		sysread($self->{out}, my $buf, 65536) or return 0;
		$self->{text} .= $buf;
	}
}

# the facts that the server found, or none
sub facts {
	my ($self) = @_;
	return $self->{facts} if $self->{facts};
	$self->until(qr/FACTS version=.*\n/) or return {};
	my ($line) = $self->{text} =~ /FACTS (version=.*)$/m;
	my %f;
	while ($line =~ /(\w+)=("(?:[^"\\]|\\.)*"|\S*)/g) {
		my ($k, $v) = ($1, $2);
		$v =~ s/^"(.*)"$/$1/;
		$v =~ s/\\(["\\])/$1/g;
		$f{$k} = $v;
	}
	return $self->{facts} = \%f;
}

sub say {
	my ($self, $text) = @_;
	local $SIG{PIPE} = 'IGNORE';
	return syswrite $self->{in}, "$text\n";
}

# does the server send this line back?
sub echo {
	my ($self, $text) = @_;
	$self->say($text) or return 0;
	# a whole line: a certificate in PEM form has lines that end in x
	return $self->until(qr/^\Q$text\E\r?\n/m);
}

sub half { return close $_[0]{in} }

# wait for its own end: true where it came
sub ends {
	my ($self, $secs) = @_;
	my $r = $self->until(qr/(?!)/, $secs);
	return eof_of($self);
}

sub eof_of {
	my ($self) = @_;
	return IO::Select->new($self->{out})->can_read(0) &&
	    !sysread($self->{out}, my $buf, 1) ? 1 : 0;
}

sub done {
	my ($self) = @_;
	return if !$self->{pid};
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	delete $self->{pid};
	return;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $!);
	$self->done;
	return;
}

1;
