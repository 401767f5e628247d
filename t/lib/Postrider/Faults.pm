package Postrider::Faults;

# An instance whose programs have t/fault/shim.so in front of the C library,
# and another host to relay to.  One call of one program fails, then a message,
# or an IMAP session, is put through its whole life.
#
#   my $f = Postrider::Faults->new;
#   $f->arm('qmgr', 'sync', 2);          the second fsync or the like of qmgr
#   my @wrong = $f->mail_life(300);      what is not as it must be: ()
#   $f->disarm                           how often it failed: 0 or 1

use strict;
use warnings;
use Time::HiRes qw(sleep time);

use Postrider::Imap qw(lit);
use Postrider::Instance;
use Postrider::Zoo;

# of fault/control.h
my @class = qw(none short space sync read name files memory eintr clock);
my %class = map { $class[$_] => $_ } 0 .. $#class;
my %soon = (first_retry => '1s', min_retry => '1s', max_retry => '1s',
    transport_retry => '1s', destination_suspend => '1s', suspend_max => '1s');

sub new {
	my ($class) = @_;
	my $zoo = Postrider::Zoo->new(offer => [qw(PIPELINING 8BITMIME)],
	    at => { rcpt => sub {
		return $_[1] =~ /bad/ ? '550 5.1.1 no' : '250 2.1.5 ok' } });
	my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
	    conf => { 'router.conf' => { relayhost => $zoo->nexthop },
	    'qmgr.conf' => \%soon, 'smtp.conf' => { tls_level => 'none' },
	    'submission.conf' => { map { ("limit_$_" => 0) }
		qw(hour day new) },
	    'master.conf' => { throttle_max => '1s' } });
	my $self = bless { i => $i, zoo => $zoo, n => 0,
	    control => "$i->{tmp}/faults" }, $class;
	$i->spew($self->{control}, "\0" x 4096);
	my $shim = Postrider::Instance::build() . '/t/fault/shim.so';
	-f $shim or die "no $shim\n";
	local $ENV{LD_PRELOAD} = $shim;
	local $ENV{POSTRIDER_FAULTS} = $self->{control};
	local $ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (),
	    'verify_asan_link_order=0';
	$i->start;
	return $self;
}

sub instance { return $_[0]{i} }

sub _control {
	my ($self, $at, $bytes) = @_;
	open my $fh, '+<:raw', $self->{control} or die "control: $!\n";
	sysseek $fh, $at, 0;
	if (defined $bytes) {
		syswrite($fh, $bytes) == length $bytes or die "control: $!\n";
		return;
	}
	sysread $fh, $bytes, 48;
	return unpack 'Z32 L l L l', $bytes;
}

# the n-th call of a program, of any process of it; jump: seconds
sub arm {
	my ($self, $program, $class, $n, $jump) = @_;
	$self->disarm;
	$self->_control(36, pack 'l L l', $n, 0, $jump // 0);
	$self->_control(0, pack 'a32', $program);
	$self->_control(32, pack 'L', $class{$class} // die "$class?\n");
	$self->{mark} = $self->{i}->log_mark;
	return;
}

sub fired { return ($_[0]->_control(0))[3] }

sub disarm {
	my ($self) = @_;
	$self->_control(32, pack 'L', 0);
	return $self->fired;
}

# what was logged of it since
sub told {
	my ($self) = @_;
	return grep { /level=(?:warn|error|fatal)|\bdeferred |\breject / }
	    $self->{i}->log_lines($self->{mark});
}

# ---- mail --------------------------------------------------------------------

sub _send {
	my ($self, $token, $bytes, @to) = @_;
	return eval {
		local $Postrider::Line::TIMEOUT = 30;
		my $c = $self->{i}->smtp('submission');
		scalar $c->send(auth => ['bob', 'pw'],
		    from => 'bob@example.test', to => \@to,
		    message => "From: bob\@example.test\nSubject: $token\n\n" .
		    ('x' x 63 . "\n") x ($bytes / 64));
	} // 0;
}

# the files of a mailbox that have the token
sub _have {
	my ($self, $user, $token) = @_;
	return grep {
		my $t = eval { $self->{i}->slurp($_) } // '';
		$t =~ /^Subject: \Q$token\E$/m;
	} $self->{i}->mails($user);
}

sub _relayed {
	my ($self, $token) = @_;
	return grep { $_->{content} =~ /^Subject: \Q$token\E\r$/m }
	    $self->{zoo}->took;
}

# A message from a login to a mailbox, to another host, and to somebody there
# who does not exist.  What was answered with 250 gets there, once; all goes on.
sub mail_life {
	my ($self, $bytes, %may) = @_;
	my ($i, @wrong, %n) = ($self->{i});
	my $token = 'm' . ++$self->{n} . 'x';
	my $code = $self->_send($token, $bytes, 'ann@example.test',
	    "ok$token\@example.net", "bad$token\@example.net");
	push @wrong, "answer $code" if $code && $code != 250 && $code < 400 ||
	    $code >= 500;
	if ($code == 250) {
		$i->wait_for(sub {
			%n = (ann => scalar $self->_have('ann', $token),
			    relay => scalar $self->_relayed($token),
			    bounce => scalar $self->_have('bob', $token));
			return !grep { !$_ } values %n;
		}, 40);
		$i->wait_for(sub { $i->queue('list') !~ /$token/ }, 20) or
		    push @wrong, 'still in the queue';
		for my $w (sort keys %n) {
			push @wrong, "$w: $n{$w}" if $n{$w} < 1 ||
			    $n{$w} > ($may{$w} // 1);
		}
	}
	$self->{fired} = $self->disarm;
	push @wrong, "answer $code, not logged" if $code != 250 && !$self->told;
	return (@wrong, $self->goes_on);
}

# ---- IMAP --------------------------------------------------------------------

# a reply, or undef where the connection ended
sub _imap {
	my ($self, @cmd) = @_;
	my $r = eval { $self->{imap}->cmd(@cmd) };
	return $r if $r && $r->{status} ne 'EOF';
	delete $self->{imap};
	return;
}

sub _session {
	my ($self) = @_;
	my $ok = eval {
		local $Postrider::Line::TIMEOUT = 30;
		my $c = $self->{imap} = Postrider::Imap->new(
		    port => $self->{i}->port('imap'));
		my $r = $c->login('ann', 'pw');
		$r && $r->{status} eq 'OK';
	};
	delete $self->{imap} unless $ok;
	return $ok;
}

# subjects => flags of a folder, in a session of its own
sub _folder {
	my ($self, $name) = @_;
	my $r = $self->_session && $self->_imap("SELECT $name");
	my %m;
	if ($r && $r->{status} eq 'OK') {
		my $all = $self->{imap}->uid_fetch('1:*',
		    '(FLAGS BODY.PEEK[])');
		for my $m (values %$all) {
			my ($s) = $m->{'BODY[]'} =~ /^Subject: (\w+)\r$/m;
			push @{ $m{$s // '?'} }, join ' ', sort
			    grep { $_ ne '\\Recent' } @{ $m->{FLAGS} };
		}
	}
	eval { (delete $self->{imap})->logout } if $self->{imap};
	return \%m;
}

# Messages `one' to `three' of the inbox are read, marked, copied, added to,
# removed.  What was answered with OK is so, once; what with NO is as it was, or
# done; nothing else is lost.
sub imap_life {
	my ($self) = @_;
	my ($i, $n, @wrong, %did) = ($self->{i}, ++$self->{n});
	my ($r, $had, $no);
	my $try = sub {
		my ($name, @cmd) = @_;
		$r = $self->{imap} && $self->_imap(@cmd);
		push @wrong, "$name: $r->{text}" if $r &&
		    $r->{status} !~ /^(?:OK|NO)$/;
		$no ||= !$r || $r->{status} ne 'OK';
		return $did{$name} = $r && $r->{status} eq 'OK' ? 1 : 0;
	};
	if ($self->_session) {
		$try->('create', "CREATE new$n");
		$try->('select', 'SELECT INBOX') ||
		    $try->('select', 'SELECT INBOX');
		$had = $try->('fetch', 'FETCH 1:* (FLAGS ENVELOPE BODY[])') ?
		    $r : undef;
		push @wrong, 'fetch: not all' if $had &&
		    3 > grep { ($_->{name} // '') eq 'FETCH' } @{ $had->{got} };
		$try->('store', 'STORE 1 +FLAGS (\Flagged word)');
		$try->('append', "APPEND new$n ",
		    lit("Subject: app$n\r\n\r\nx\r\n"));
		$try->('copy', "COPY 2 new$n");
		$try->('search', 'SEARCH TEXT "one"');
		$try->('delete', 'STORE 3 +FLAGS.SILENT (\Deleted)');
		$try->('expunge', 'EXPUNGE');
		$try->('move', "MOVE 2 new$n") if $did{expunge};
		$try->('logout', 'LOGOUT');
	}
	$no ||= !$did{create};
	delete $self->{imap};
	$self->{fired} = $self->disarm;
	push @wrong, 'answered with NO, not logged' if $no && !$self->told;
	my ($in, $new) = map { $self->_folder($_) } 'INBOX', "new$n";
	my $is = sub {
		my ($folder, $subject, @n) = @_;
		my $have = @{ $folder->{$subject} || [] };
		push @wrong, "$subject: $have, not @n" if
		    !grep { $_ == $have } @n;
	};
	$is->($in, 'one', 1);
	$is->($new, "app$n", $did{append} ? 1 : (0, 1));
	$is->($new, 'two', $did{move} && $did{copy} ? 2 :
	    $did{move} || $did{copy} ? (1, 2) : (0, 1, 2));
	push @wrong, 'two: gone' if !$in->{two} && !$new->{two};
	$is->($in, 'two', 0) if $did{move};
	$is->($in, 'three', 0) if $did{delete} && $did{expunge};
	$is->($in, 'three', 1) if !defined $did{delete};
	push @wrong, "one: $in->{one}[0]" if $did{store} &&
	    ($in->{one}[0] // '') !~ /\\Flagged.*word/;
	return @wrong;
}

# three messages in the inbox, nothing else
sub imap_begin {
	my ($self) = @_;
	$self->_session or return 0;
	my $c = $self->{imap};
	$c->cmd('SELECT INBOX');
	$c->cmd('STORE 1:* +FLAGS.SILENT (\Deleted)');
	$c->cmd('EXPUNGE');
	for my $w (qw(one two three)) {
		$c->cmd('APPEND INBOX ', lit("Subject: $w\r\n\r\n$w\r\n"))
		    ->{status} eq 'OK' or return 0;
	}
	(delete $self->{imap})->logout;
	return 1;
}

# ordinary mail, when what died is there again
sub goes_on {
	my ($self) = @_;
	my $token = 'g' . ++$self->{n} . 'x';
	my $code;
	$self->{i}->wait_for(sub {
		$code = $self->_send($token, 100, 'ann@example.test');
		return $code == 250;
	}, 20);
	return "afterwards $code" if $code != 250;
	$self->{i}->wait_for(sub { $self->_have('ann', $token) == 1 }, 30) or
	    return 'afterwards: not delivered';
	unlink $self->{i}->mails('ann'), $self->{i}->mails('bob');
	return;
}

1;
