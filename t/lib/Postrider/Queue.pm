package Postrider::Queue;

# qmgr alone, with agents that do what the local part of a recipient says:
#
#   ok*       delivered
#   defer*    deferred, 4.2.1
#   fail*     failed, 5.1.1
#   trouble*  deferred, and the whole destination is in trouble
#   die*      the agent closes the connection, once for each recipient
#   slow*     delivered after half a second
#   gate*     delivered once the file `open' is in the directory; they have a
#             transport of their own, for its agent waits
#
# and a bounce that reports, unless the file `bounce.fails' is there (its
# content is temp or perm), and not as long as `bounce.waits' is.

use strict;
use warnings;
use Time::HiRes qw(sleep time);

use POSIX ();

use Postrider::Solo;
our @ISA = ('Postrider::Solo');

sub new {
	my ($class, %arg) = @_;
	my $self = Postrider::Solo::new($class, 'qmgr', conf => { @{[
	    result_delay => '0s', shared_agents => 'local system gate',
	    %{ $arg{conf} || {} }]} },
	    common => $arg{common});
	my $dir = $self->dir;
	$self->fake($_ => sub { _agent($dir, @_) })
	    for 'gate', @{ $arg{agents} || ['local'] };
	$self->fake(bounce => sub { _bounce($dir, @_) });
	return $self;
}

sub _once {
	my ($file) = @_;
	return 0 if -e $file;
	open my $fh, '>', $file or die "$file: $!\n";
	return 1;
}

sub _agent {
	my ($dir, $m, $c) = @_;
	my @to = @{ $m->{l}{addr} };
	for my $i (0 .. $#to) {
		my $k = $to[$i] =~ /^([a-z]+)/ ? $1 : '';
		return 'close' if $k eq 'die' &&
		    _once("$dir/died.$to[$i]");
		sleep 0.5 if $k eq 'slow';
		while ($k eq 'gate' && !-e "$dir/open") {
			sleep 0.02;
		}
		my @r = $k eq 'fail' ? (status => 'failed', dsn => '5.1.1',
		    text => 'no such user') :
		    $k eq 'defer' ? (status => 'deferred', dsn => '4.2.1',
		    text => 'come again') :
		    $k eq 'trouble' ? (status => 'deferred', dsn => '4.4.1',
		    text => 'unreachable', dest_trouble => 'yes') : next;
		$c->send('more', [i => $i, @r, peer => 'mx.test']);
	}
	$c->send('ok');
	return;
}

sub _bounce {
	my ($dir, $m, $c) = @_;
	sleep 0.02 while -e "$dir/bounce.waits";
	if (open my $fh, '<', "$dir/bounce.fails") {
		$c->send('err', [kind => scalar <$fh>, dsn => '4.3.0',
		    text => 'not now']);
	} else {
		$c->send('ok', [q => '00000000099']);
	}
	return;
}

my @digits = (0 .. 9, 'A' .. 'Z', 'a' .. 'z');

# a queue id of that many seconds ago
my $count = 0;
sub id {
	my ($age) = @_;
	my $v = (int((time - ($age || 0)) * 1e6) << 12) + ++$count % 4096;
	my $id = '';
	for (1 .. 11) {
		$id = $digits[$v % 62] . $id;
		$v = int $v / 62;
	}
	return $id;
}

sub file {
	my ($self, $id) = @_;
	my %n = map { $digits[$_] => $_ } 0 .. 61;
	my $v = 0;
	{
		use integer;
		$v = $v * 62 + $n{$_} for split //, $id;
		$v &= 255;
	}
	return sprintf '%s/spool/content/%02x/%s', $self->dir, $v, $id;
}

sub content {
	my ($self, $id) = @_;
	my $f = $self->file($id);
	open my $fh, '>', $f or die "$f: $!\n";
	print {$fh} "Return-Path: <s\@example.org>\n\nbody of $id\n";
	close $fh;
	chown 65534, 65534, $f;
	return $id;
}

# the fields of an enqueue; rest overrides
sub fields {
	my ($id, $to, %more) = @_;
	my @to = ref $to ? @$to : $to;
	my $n = @to;
	my %f = (q => $id, sender => 's@example.org', size => 50, wsize => 53,
	    created => int(time * 1e6), addr => \@to, orig => \@to,
	    orcpt => [('') x $n], notify => [('') x $n],
	    transport => [map { /^gate/ ? 'gate' : 'local' } @to],
	    nexthop => [map { /@(.*)/ ? $1 : '' } @to],
	    mailbox => [('') x $n], quota => [(0) x $n], dsn => [('') x $n],
	    text => [('') x $n], %more);
	return [%f];
}

# content in memory, sealed unless told otherwise: see memfd_create(2)
use constant { ADD_SEALS => 1033, ALL_SEALS => 15 };
sub floating {
	my ($text, %arg) = @_;
	my $nr = (POSIX::uname())[4] eq 'x86_64' ? 319 : 279;
	my $name = "test\0";
	my $fd = syscall $nr, $name, 2;
	die "memfd_create: $!\n" if $fd < 0;
	open my $fh, '+<&=', $fd or die "$fd: $!\n";
	syswrite $fh, $text;
	sysseek $fh, 0, 0;
	$arg{open} or fcntl $fh, ADD_SEALS, ALL_SEALS or die "seal: $!\n";
	return $fh;
}

# a message in: its id.  floats => its content has no file.
sub put {
	my ($self, $to, %more) = @_;
	my $id = delete $more{id} || id(delete $more{age});
	my $fh;
	if (delete $more{floats}) {
		$fh = floating("Return-Path: <s\@example.org>\n\n" .
		    "body of $id\n");
		$more{floating} = 'yes';
	} elsif (!delete $more{empty}) {
		$self->content($id);
	}
	$self->{c} //= $self->connect;
	my $r = $self->{c}->call('enqueue', fields($id, $to, %more), $fh) or
	    die "qmgr closed the connection\n" . $self->log;
	die "enqueue: $r->{f}{text}\n" if $r->{verb} ne 'ok';
	return $id;
}

sub call {
	my ($self, $verb, @fields) = @_;
	$self->{c} //= $self->connect;
	my $r = $self->{c}->call($verb, \@fields);
	$r->{more} = [map { _items($_->{l}) } @{ $r->{more} }]
	    if $verb eq 'list' || $verb eq 'show';
	return $r;
}

# parallel lists as one record an item
sub _items {
	my ($l) = @_;
	return map {
		my $i = $_;
		{ f => { map { $_ => $l->{$_}[$i] } keys %$l } }
	} 0 .. $#{ $l->{q} // [] };
}

# "rcpt state" of what is there, in order
sub list {
	my ($self, @filter) = @_;
	my $r = $self->call('list', @filter);
	return join ' ', map { "$_->{f}{rcpt}=$_->{f}{state}" }
	    @{ $r->{more} };
}

sub wait_for {
	my ($self, $code) = @_;
	my $end = time + $Postrider::Ipc::TIMEOUT;
	while (time < $end) {
		return 1 if $code->();
		sleep 0.02;
	}
	return 0;
}

sub wait_empty {
	my ($self) = @_;
	return $self->wait_for(sub { $self->list eq '' });
}

# what an agent was asked to deliver: "rcpt,rcpt" of each request
sub deliveries {
	my ($self, $agent) = @_;
	return map { join ',', @{ $_->{l}{addr} } }
	    $self->asked($agent || 'local');
}

# A call does what it can in some milliseconds, then another goes on.
sub delete_all {
	my ($self, %which) = @_;
	my $next = '';
	do {
		my $r = $self->call('delete', after => $next, %which);
		$next = $r->{f}{next} // '';
	} while ($next ne '');
	return;
}

# crash and start again
sub crash {
	my ($self) = @_;
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	delete $self->{c};
	return;
}

sub again {
	my ($self, %conf) = @_;
	delete $self->{c};
	$self->_conf('qmgr', result_delay => '0s',
	    shared_agents => 'local system gate', %conf) if %conf;
	return $self->start;
}

1;
