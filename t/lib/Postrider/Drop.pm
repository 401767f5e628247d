package Postrider::Drop;

# pop3d alone with the mailbox of ann@example.test; the test plays auth and
# the client, and other programs that use the Maildir.
#
#   my $d = Postrider::Drop->new(conf => { timeout => '1s' });
#   $d->put('new/1.a', "Subject: x\n\nhi\n");
#   my $p = $d->session;                 a Postrider::Pop3; its greeting is
#   is $p->greeting, '+OK ...';          the answer to the login
#   $d->files                            ('new/1.a', ...)

use strict;
use warnings;
use parent -norequire, 'Postrider::Solo';
use MIME::Base64 qw(encode_base64);
use Socket;

use Postrider::Ipc;
use Postrider::Pop3;
use Postrider::Solo;

sub new {
	my ($class, %arg) = @_;
	my $self = $class->SUPER::new('pop3d', %arg);
	$self->{sessions} = [];
	$self->{maildir} = "$self->{dir}/mail/example.test/ann/Maildir";
	return $self;
}

sub maildir { return $_[0]{maildir} }

# make what is missing of the Maildir, as the owner of the rest
sub make {
	my ($self) = @_;
	my ($uid, $gid) = (stat "$self->{dir}/mail")[4, 5];
	my $path = $self->{dir};
	for my $part (qw(mail example.test ann Maildir)) {
		$path .= "/$part";
		mkdir $path, 0700 and chown $uid, $gid, $path;
	}
	for my $sub (qw(tmp new cur .state)) {
		mkdir "$path/$sub", 0700 and
		    chown $uid, $gid, "$path/$sub";
	}
	return ($uid, $gid);
}

sub put {
	my ($self, $name, $text) = @_;
	my ($uid, $gid) = $self->make;
	open my $fh, '>:raw', "$self->{maildir}/$name" or
	    die "$name: $!\n";
	print {$fh} $text;
	close $fh or die "$name: $!\n";
	chown $uid, $gid, "$self->{maildir}/$name";
	return;
}

sub move {
	my ($self, $from, $to) = @_;
	rename "$self->{maildir}/$from", "$self->{maildir}/$to" or
	    die "$from: $!\n";
	return;
}

sub files {
	my ($self) = @_;
	my @f;
	for my $sub (qw(new cur)) {
		opendir my $dh, "$self->{maildir}/$sub" or next;
		push @f, map { "$sub/$_" } grep { !/^\./ } readdir $dh;
	}
	@f = sort @f;
	return @f;
}

# a process of its own for each session; input: what login had read ahead
sub session {
	my ($self, %arg) = @_;
	my $pid = $self->{pid};
	push @{ $self->{sessions} }, $pid if $pid;
	$self->start(clients => 1);	# one session each
	socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0 or
	    die "socketpair: $!\n";
	my ($uid, $gid) = (stat "$self->{dir}/conf")[4, 5];
	my $c = $self->connect;
	$c->send('begin', [user => 'ann@example.test', uid => $uid,
	    gid => $gid, home => "$self->{dir}/mail/example.test/ann",
	    mailbox => 'example.test/ann', client_addr => '192.0.2.9',
	    session => 's1', input => encode_base64($arg{input} // '', ''),
	    %{ $arg{fields} || {} }], $theirs);
	close $theirs;
	my $r = $c->recv;
	$r && $r->{verb} eq 'ok' or die 'no session: ' .
	    ($r ? $r->{f}{text} : 'closed') . "\n";
	return Postrider::Pop3->new(fh => $ours);
}

sub stop {
	my ($self) = @_;
	for my $pid (splice @{ $self->{sessions} || [] }) {
		kill 'TERM', $pid;
		waitpid $pid, 0;
	}
	return $self->SUPER::stop;
}

1;
