package Postrider::Zoo;

# An SMTP (or LMTP) server as bad as it is told to be, for one address of
# 127/8 and a port from the kernel.
#
#   my $z = Postrider::Zoo->new(offer => ['PIPELINING', 'SIZE 1000'],
#       at => { rcpt => '450 4.7.1 come back later' });
#   ... $z->nexthop                      "[127.0.0.1]:port"
#   ($z->took)[0]{from}, {rcpt}, {content}     what it has said 250 to
#   $z->said                             all commands: "CONNECTION LINE"
#
# at: what happens instead of the usual reply, at one of greeting ehlo helo
# starttls tls mail rcpt data bdat body (the content begins) dot rset noop quit
# auth.  A string is the reply, lines parted by \n; or code($z, $line), which
# returns one, or undef after it has done what it wants with $z->put, hang,
# drip, reset; or a list of these, used one after the other, the last for ever.
# `body' and `tls' come before anything is read.
#
# Each connection is a process; what is remembered lies in a directory.

use strict;
use warnings;
use Fcntl qw(:flock);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);
use Storable ();
use Time::HiRes qw(sleep time);

# lmtp, eol ("\r\n"), serial (a command is read only when the one before was
# answered, the rest is thrown away), once (closes after a message), unix,
# addr, name
sub new {
	my ($class, %arg) = @_;
	my $self = bless { at => {}, offer => [], eol => "\r\n",
	    addr => '127.0.0.1', name => 'zoo.example.net', %arg,
	    owner => $$ }, $class;
	$self->{dir} = tempdir('postrider-z.XXXXXXXX', TMPDIR => 1,
	    CLEANUP => 1);
	chmod 0755, $self->{dir};
	my $l = $arg{unix} ? IO::Socket::UNIX->new(Listen => 64,
	    Local => "$self->{dir}/socket") :
	    IO::Socket::INET->new(Listen => 64, ReuseAddr => 1,
	    LocalAddr => $self->{addr}, LocalPort => $arg{port} // 0);
	$l or die "zoo: $!\n";
	chmod 0666, "$self->{dir}/socket" if $arg{unix};
	$self->{port} = $l->sockport unless $arg{unix};
	$self->{pid} = fork // die "fork: $!\n";
	if (!$self->{pid}) {
		setpgrp 0, 0;
		$SIG{TERM} = 'DEFAULT';
		$SIG{CHLD} = 'IGNORE';
		$SIG{PIPE} = 'IGNORE';
		eval { $self->_serve($l); 1 } or warn "zoo: $@";
		POSIX::_exit(0);
	}
	close $l;
	return $self;
}

sub port { return $_[0]{port} }
sub nexthop {
	my ($self) = @_;
	return $self->{unix} ? "unix:$self->{dir}/socket" :
	    "[$self->{addr}]:$self->{port}";
}

sub _serve {
	my ($self, $l) = @_;
	for (my $n = 1; ; $n++) {
		my $c = $l->accept or next;
		my $pid = fork // die "fork: $!\n";
		if (!$pid) {
			close $l;
			setsockopt $c, IPPROTO_TCP, TCP_NODELAY, 1
			    unless $self->{unix};
			@$self{qw(s n buf count)} = ($c, $n, '', {});
			eval { $self->_session; 1 } or $@ eq "over\n" or
			    warn "zoo: $@";
			close $self->{s};
			POSIX::_exit(0);
		}
		close $c;
	}
	return;
}

# ---- what a session does ---------------------------------------------------

sub put {
	my ($self, $bytes) = @_;
	while (length $bytes) {
		my $n = syswrite $self->{s}, $bytes;
		die "over\n" unless $n;
		substr $bytes, 0, $n, '';
	}
	return;
}

# say nothing until the other goes
sub hang {
	my ($self) = @_;
	1 while sysread $self->{s}, my $b, 65536;
	die "over\n";
}

sub over { die "over\n" }

# a byte now and then
sub drip {
	my ($self, $bytes, $secs) = @_;
	for my $b (split //, $bytes) {
		$self->put($b);
		sleep $secs;
	}
	return;
}

sub reset {
	my ($self) = @_;
	setsockopt $self->{s}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
	close $self->{s};
	die "over\n";
}

# no more can be read from us, but we still read
sub half_close {
	my ($self) = @_;
	shutdown $self->{s}, 1;
	return $self->hang;
}

sub _note {
	my ($self, $file, $bytes) = @_;
	open my $fh, '>>', "$self->{dir}/$file" or die "$file: $!\n";
	flock $fh, LOCK_EX;
	syswrite $fh, $bytes;
	close $fh;
	return;
}

sub _fill {
	my ($self) = @_;
	my $n = sysread $self->{s}, $self->{buf}, 65536, length $self->{buf};
	die "over\n" unless $n;
	$self->{reads}++;
	return;
}

sub line {
	my ($self) = @_;
	$self->_fill until $self->{buf} =~ s/^([^\n]*?)\r?\n//;
	my $l = $1;
	$self->_note('said', "$self->{n} $l\n");
	$self->{buf} = '' if $self->{serial};
	return $l;
}

sub _reply {
	my ($self, $text) = @_;
	my @l = split /\n/, $text;
	for my $i (0 .. $#l - 1) {
		$l[$i] =~ s/^(\d{3}) /$1-/;
	}
	return $self->put(join '', map { "$_$self->{eol}" } @l);
}

# what is to be said at a stage; undef where the code has seen to all
sub _decide {
	my ($self, $stage, $line, $usual) = @_;
	my $do = $self->{at}{$stage} // $usual;
	if (ref $do eq 'ARRAY') {
		# counted over all connections
		$self->_note("count.$stage", '.');
		my $n = -s "$self->{dir}/count.$stage";
		$do = $do->[$n > @$do ? -1 : $n - 1] // $usual;
	}
	$do = $do->($self, $line) if ref $do eq 'CODE';
	return $do;
}

sub _at {
	my ($self, @arg) = @_;
	return $self->_say($self->_decide(@arg));
}

# true: it was a good one
sub _say {
	my ($self, $do) = @_;
	return 0 unless defined $do;
	$self->_reply($do) if $do ne '';
	die "over\n" if $do =~ /^421/m;
	return $do =~ /^[23]/;
}

sub _session {
	my ($self) = @_;
	$self->_note('said', "$self->{n} CONNECT\n");
	$self->_at('greeting', '', "220 $self->{name} ESMTP");
	while (1) {
		$self->_command($self->line);
	}
	return;
}

sub _command {
	my ($self, $l) = @_;
	my ($verb) = $l =~ /^(\w+)/;
	my $fn = $self->can('_do_' . lc($verb // ''));
	return $self->_reply('500 5.5.1 what?') unless $fn;
	return $self->$fn($l);
}

sub _do_ehlo {
	my ($self, $l) = @_;
	$self->_at('ehlo', $l, join "\n", "250 $self->{name}",
	    map { "250 $_" } @{ $self->{offer} });
	return;
}
*_do_lhlo = \&_do_ehlo;

sub _do_helo {
	my ($self, $l) = @_;
	$self->_at('helo', $l, "250 $self->{name}");
	return;
}

sub _do_starttls {
	my ($self, $l) = @_;
	$self->_at('starttls', $l, '220 go') or return;
	$self->_at('tls', '', '');
	return;
}

sub _do_auth {
	my ($self, $l) = @_;
	$self->_at('auth', $l, '235 2.7.0 in');
	return;
}

sub _do_noop { $_[0]->_at('noop', $_[1], '250 ok'); return }
sub _do_rset {
	my ($self, $l) = @_;
	delete $self->{t};
	$self->_at('rset', $l, '250 ok');
	return;
}

sub _do_quit {
	my ($self, $l) = @_;
	$self->_at('quit', $l, '221 bye');
	die "over\n";
}

sub _do_mail {
	my ($self, $l) = @_;
	$self->_at('mail', $l, '250 2.1.0 ok') or return;
	my ($from, $param) = $l =~ /^MAIL FROM:<(.*?)> ?(.*)$/;
	$self->{t} = { from => $from, param => $param, rcpt => [], rparam => [],
	    connection => $self->{n}, content => '' };
	return;
}

sub _do_rcpt {
	my ($self, $l) = @_;
	return $self->_reply('503 5.5.1 MAIL first') unless $self->{t};
	$self->_at('rcpt', $l, '250 2.1.5 ok') or return;
	my ($to, $param) = $l =~ /^RCPT TO:<(.*?)> ?(.*)$/;
	push @{ $self->{t}{rcpt} }, $to;
	push @{ $self->{t}{rparam} }, $param;
	return;
}

sub _do_data {
	my ($self, $l) = @_;
	my $n = @{ ($self->{t} // {})->{rcpt} // [] };
	$self->_at('data', $l, $n ? '354 go' : '554 5.5.1 no recipients') or
	    return;
	$self->_at('body', '', '');
	my $text = '';
	while (1) {
		$self->_fill until $self->{buf} =~ s/^([^\n]*\n)//;
		my $b = $1;
		last if $b eq ".\r\n";
		$b =~ s/^\.//;
		$text .= $b;
	}
	return $self->_end($text);
}

sub _do_bdat {
	my ($self, $l) = @_;
	my ($n, $last) = $l =~ /^BDAT (\d+)( LAST)?/;
	$self->_fill while length $self->{buf} < $n;
	my $b = substr $self->{buf}, 0, $n, '';
	return $self->_reply('503 5.5.1 RCPT first')
	    unless @{ ($self->{t} // {})->{rcpt} // [] };
	$self->{t}{content} .= $b;
	$self->{t}{chunks}++;
	if (!$last) {
		$self->_at('bdat', $l, "250 2.0.0 $n octets") or
		    delete $self->{t};
		return;
	}
	return $self->_end($self->{t}{content});
}

# remember it; `taken' in a hook does so before the reply
sub taken {
	my ($self) = @_;
	my $t = delete $self->{t} or return;
	$self->_note('took', pack('N/a*', Storable::freeze($t)));
	return;
}

sub _end {
	my ($self, $text) = @_;
	$self->{t}{content} = $text;
	my @rcpt = $self->{lmtp} ? @{ $self->{t}{rcpt} } : '';
	for my $r (@rcpt) {
		$self->_note('ends', '.');
		my $do = $self->_decide('dot', $r, '250 2.0.0 taken');
		$self->taken if ($do // '') =~ /^2/;
		$self->_say($do);
	}
	delete $self->{t};
	die "over\n" if $self->{once};
	return;
}

# ---- what it remembers -------------------------------------------------------

sub took {
	my ($self) = @_;
	open my $fh, '<:raw', "$self->{dir}/took" or return;
	local $/;
	my $all = <$fh> // '';
	return map { Storable::thaw($_) } unpack '(N/a*)*', $all;
}

# commands as they came; of one verb: without the connection's number
sub said {
	my ($self, $verb) = @_;
	open my $fh, '<:raw', "$self->{dir}/said" or return;
	chomp(my @l = <$fh>);
	return @l unless $verb;
	return map { /^\d+ (\Q$verb\E\b.*)/i ? $1 : () } @l;
}

# contents that came to their end
sub ends { return -s "$_[0]{dir}/ends" || 0 }
sub connections {
	my @c = $_[0]->said('CONNECT');
	return scalar @c;
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	kill 'KILL', -$pid, $pid;
	waitpid $pid, 0;
	return;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $!, $@);
	$self->stop if $self->{owner} == $$;
	return;
}

1;
