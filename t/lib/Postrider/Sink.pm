package Postrider::Sink;

# qmgr with agents for other hosts: one transport, `smtp', whose connections
# each hold one request after the other and say that they keep theirs.  What
# the local part of a recipient says is done, as in Postrider::Queue: ok, defer,
# fail, trouble; also
#
#   busy*     deferred, 4.7.0 too many connections
#   full*     deferred, 4.2.2 mailbox full
#   here*     deferred, 4.3.0 open /srv: no
#   half*     the first recipients are said to have failed, then it dies, once
#
# While the file `closed' is there nobody is answered.  A next hop
# NAME.SITE.test is served by SITE.

use strict;
use warnings;
use IO::Select;
use POSIX ();
use Time::HiRes qw(sleep time);

use Postrider::Ipc;
use Postrider::Queue;
our @ISA = ('Postrider::Queue');

sub new {
	my ($class, %arg) = @_;
	my $self = Postrider::Queue::new($class, %arg);
	my $l = Postrider::Ipc->listen($self->path('smtp'));
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		delete $self->{life};
		$SIG{TERM} = 'DEFAULT';
		eval { _work($self->dir, $l); 1 } or warn "sink: $@";
		POSIX::_exit(0);
	}
	$l->close;
	$self->{fakes}{smtp} = $pid;
	return $self;
}

my %answer = (defer => ['deferred', '4.2.1', 'come again'],
    fail => ['failed', '5.1.1', 'no such user'],
    trouble => ['deferred', '4.4.1', 'unreachable', 'yes'],
    busy => ['deferred', '4.7.0', 'too many connections'],
    full => ['deferred', '4.2.2', 'mailbox full'],
    here => ['deferred', '4.3.0', 'open /srv: no']);

sub _answer {
	my ($dir, $p) = @_;
	my ($m, $c) = @{$p}{qw(m c)};
	my @to = @{ $m->{l}{addr} };
	for my $i (0 .. $#to) {
		my $k = $to[$i] =~ /^([a-z]+)/ ? $1 : '';
		if ($k eq 'half' && $i == $#to &&
		    Postrider::Queue::_once("$dir/half.$to[$i]")) {
			$c->send('more', [i => 0, status => 'failed',
			    dsn => '5.1.1', text => 'no', peer => 'mx']);
			return 0;
		}
		my $a = $answer{$k} or next;
		$c->send('more', [i => $i, status => $a->[0], dsn => $a->[1],
		    text => $a->[2], peer => $k eq 'here' ? '' : 'mx.test',
		    dest_trouble => $a->[3] // 'no']);
	}
	my ($site) = ($m->{f}{nexthop} // '') =~ /^\w+\.(\w+)\.test$/;
	$c->send('ok', [keep => 'yes', site => $site // '']);
	return 1;
}

sub _work {
	my ($dir, $l) = @_;
	my $sel = IO::Select->new($l->fh);
	my (%conn, %queue, $count);
	open my $log, '>>', "$dir/sink.log" or die "$dir: $!\n";
	$log->autoflush(1);
	my $drop = sub {
		my ($n) = @_;
		my $c = delete $conn{$n} or return;
		delete $queue{$n};
		$sel->remove($c->fh);
		$c->close;
		print {$log} "x $n\n";
	};
	while (1) {
		for my $fh ($sel->can_read(0.02)) {
			if ($fh == $l->fh) {
				my $c = $l->accept or next;
				$conn{ ++$count } = $c;
				$sel->add($c->fh);
				next;
			}
			my ($n) = grep { $conn{$_}->fh == $fh } keys %conn;
			my $m = defined $n && $conn{$n}->recv;
			if (!$m) {
				$drop->($n) if defined $n;
				next;
			}
			push @{ $queue{$n} }, { m => $m, c => $conn{$n} };
			my ($hop, $from) = @{ $m->{f} }{qw(nexthop sender)};
			printf {$log} "+ %d %s %s %s\n", $n, $hop // '',
			    join(',', @{ $m->{l}{addr} }), $from // '';
		}
		next if -e "$dir/closed";
		for my $n (sort { $a <=> $b } keys %queue) {
			my $p = shift @{ $queue{$n} // [] } or next;
			printf {$log} "- %d %s\n", $n,
			    $p->{m}{f}{nexthop} // '';
			_answer($dir, $p) or $drop->($n);
		}
	}
	return;
}

sub gate {
	my ($self, $open) = @_;
	my $f = $self->dir . '/closed';
	if ($open) {
		unlink $f;
	} else {
		open my $fh, '>', $f or die "$f: $!\n";
	}
	return;
}

# what has happened: [sign, connection, next hop, recipients, sender]
sub events {
	my ($self) = @_;
	open my $fh, '<', $self->dir . '/sink.log' or return;
	return map { chomp; [split / /] } <$fh>;
}

# since the last call
sub news {
	my ($self) = @_;
	my @e = $self->events;
	my @new = @e[$self->{seen} // 0 .. $#e];
	$self->{seen} = @e;
	return @new;
}

# connections at work at the same time, at most, for next hops that match
sub most {
	my ($re, @events) = @_;
	my ($most, %busy) = (0);
	for (@events) {
		my ($what, $n, $hop) = @$_;
		next if $what ne 'x' && $hop !~ $re;
		$busy{$n}++ if $what eq '+';
		delete $busy{$n} if $what eq 'x' || ($what eq '-' &&
		    $busy{$n} && --$busy{$n} == 0);
		$most = keys %busy if keys %busy > $most;
	}
	return $most;
}

sub wait_requests {
	my ($self, $n) = @_;
	return $self->wait_for(sub {
		$n <= grep { $_->[0] eq '+' } $self->events;
	});
}

# a message for the transport smtp
sub mail {
	my ($self, $to, %more) = @_;
	my $n = ref $to ? @$to : 1;
	return $self->put($to, transport => [('smtp') x $n], %more);
}

1;
