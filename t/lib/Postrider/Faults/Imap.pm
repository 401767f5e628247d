package Postrider::Faults::Imap;

# An IMAP session while a call fails; see Faults.pm.

use strict;
use warnings;

use Postrider::Imap qw(lit);

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

# the untagged responses of that name
sub _named {
	my ($r, $name) = @_;
	return grep { ($_->{name} // '') eq $name } @{ $r->{got} || [] };
}

sub _folders {
	my ($self) = @_;
	my $r = $self->_imap('LIST "" *') or return;
	return grep { $_ ne 'INBOX' } map { $_->{data}[2] } _named($r, 'LIST');
}

# subjects => flags of a folder that is selected now
sub _folder {
	my ($self, $name) = @_;
	my $r = $self->{imap} && $self->_imap("SELECT $name");
	my %m;
	return \%m if !$r || $r->{status} ne 'OK';
	my $all = $self->{imap}->uid_fetch('1:*', '(FLAGS BODY.PEEK[])');
	for my $m (values %$all) {
		my ($s) = $m->{'BODY[]'} =~ /^Subject: (\w+)\r$/m;
		push @{ $m{$s // '?'} }, join ' ', sort
		    grep { $_ ne '\\Recent' } @{ $m->{FLAGS} };
	}
	return \%m;
}

# three messages in the inbox, nothing else
sub imap_begin {
	my ($self) = @_;
	$self->_session or return 0;
	my $c = $self->{imap};
	$c->cmd("DELETE $_") for $self->_folders;
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

# one command of the session: is it OK?
sub _try {
	my ($self, $name, @cmd) = @_;
	my $s = $self->{session};
	my $r = $self->{imap} && $self->_imap(@cmd);
	push @{ $s->{wrong} }, "$name: $r->{text}" if $r &&
	    $r->{status} !~ /^(?:OK|NO)$/;
	$s->{no} ||= "$name" if !$r || $r->{status} ne 'OK';
	$s->{did}{$name} = $r && $r->{status} eq 'OK' ? 1 : 0;
	return $s->{did}{$name} ? $r : undef;
}

# IDLE: what another session appends is told
sub _idle {
	my ($self, $n) = @_;
	my $c = $self->{imap} or return;
	my ($told, $new);
	my $ok = eval {
		local $Postrider::Line::TIMEOUT = 30;
		$c->idle_start or return 0;
		local $self->{imap};
		$new = $self->_session && ($self->_imap('APPEND INBOX ',
		    lit("Subject: idle$n\r\n\r\nx\r\n")) // {})->{status};
		$self->{imap}->logout if $self->{imap};
		$told = $c->wait_untagged(sub { $_->{name} eq 'EXISTS' })
		    if ($new // '') eq 'OK';
		$c->put("DONE\r\n");
		($c->finish($c->{idle}) // {})->{status} eq 'OK';
	};
	my $s = $self->{session};
	$s->{no} ||= 'idle' if !$ok || ($new // '') ne 'OK';
	$s->{did}{idle} = ($new // '') eq 'OK' ? 1 : 0;
	push @{ $s->{wrong} }, 'idle: no news' if $ok && $new eq 'OK' &&
	    !$told;
	delete $self->{imap} unless $ok;
	return;
}

sub _commands {
	my ($self, $n) = @_;
	my $r = $self->_try(list => 'LIST "" *');
	$self->_try(create => "CREATE new$n");
	$self->_try(select => 'SELECT INBOX') ||
	    $self->_try(select => 'SELECT INBOX');
	$r = $self->_try(fetch => 'FETCH 1:* (FLAGS ENVELOPE BODY[])');
	push @{ $self->{session}{wrong} }, 'fetch: not all'
	    if $r && 3 > _named($r, 'FETCH');
	$self->_try(store => 'STORE 1 +FLAGS (\Flagged word)');
	$self->_try(append => "APPEND new$n ",
	    lit("Subject: app$n\r\n\r\nx\r\n"));
	$self->_try(copy => "COPY 2 new$n");
	$r = $self->_try(search => 'SEARCH TEXT "one"');
	push @{ $self->{session}{wrong} }, 'search: not found'
	    if $r && "@{ $r->numbers }" !~ /\b1\b/;
	$self->_try(delete => 'STORE 3 +FLAGS.SILENT (\Deleted)');
	$self->_try(expunge => 'EXPUNGE');
	$self->_try(move => "MOVE 2 new$n") if $self->{session}{did}{expunge};
	$self->_try(meta => "SETMETADATA new$n (/private/comment \"m$n\")");
	$self->_try(getmeta => "GETMETADATA new$n /private/comment");
	$self->_try(acl => "SETACL new$n bob\@example.test lrs");
	$self->_try(getacl => "GETACL new$n");
	$self->_try(rename => "RENAME new$n ren$n");
	$self->_try(other => "CREATE gone$n");
	$self->_try(remove => "DELETE gone$n");
	$self->_idle($n);
	$self->_try(logout => 'LOGOUT');
	return;
}

# Messages `one' to `three' of the inbox are read, marked, copied, added to,
# removed, the folder that some go to is named otherwise.  What was answered
# with OK is so, once; what with NO is as it was, or done; nothing else is lost.
sub imap_life {
	my ($self) = @_;
	my ($n, %did) = (++$self->{n});
	my $s = $self->{session} = { wrong => [], did => \%did };
	if ($self->_session) {
		$self->_commands($n);
	} else {
		$s->{no} = 'login';
	}
	delete $self->{imap};
	$self->{fired} = $self->disarm;
	push @{ $s->{wrong} }, "$s->{no}: answered with NO, not logged"
	    if $s->{no} && !$self->_told_or_mute;
	$self->_session or return (@{ $s->{wrong} }, 'afterwards: no session');
	return (@{ $s->{wrong} }, $self->_is_so($n, \%did));
}

sub _is_so {
	my ($self, $n, $did) = @_;
	my (@wrong, $r);
	my %there = map { $_ => 1 } $self->_folders;
	my $name = $there{"ren$n"} ? "ren$n" : "new$n";
	push @wrong, "folders: " . join ' ', sort keys %there
	    if ($did->{create} && !$there{$name}) ||
	    ($did->{rename} && $name ne "ren$n") ||
	    ($there{"ren$n"} && $there{"new$n"}) ||
	    ($did->{remove} && $there{"gone$n"});
	my ($in, $new) = map { $self->_folder($_) } 'INBOX', $name;
	my $is = sub {
		my ($folder, $subject, @n) = @_;
		my $have = @{ $folder->{$subject} || [] };
		push @wrong, "$subject: $have, not @n" if
		    !grep { $_ == $have } @n;
	};
	$is->($in, 'one', 1);
	$is->($in, "idle$n", $did->{idle} ? 1 : (0, 1));
	$is->($new, "app$n", $did->{append} ? 1 : (0, 1));
	$is->($new, 'two', $did->{move} && $did->{copy} ? 2 :
	    $did->{move} || $did->{copy} ? (1, 2) : (0, 1, 2));
	push @wrong, 'two: gone' if !$in->{two} && !$new->{two};
	$is->($in, 'two', 0) if $did->{move};
	$is->($in, 'three', 0) if $did->{delete} && $did->{expunge};
	$is->($in, 'three', 1) if !defined $did->{delete};
	push @wrong, "one: $in->{one}[0]" if $did->{store} &&
	    ($in->{one}[0] // '') !~ /\\Flagged.*word/;
	$r = $self->_imap("GETMETADATA $name /private/comment")
	    if $did->{meta};
	push @wrong, 'metadata' if $r && !grep { $_->{raw} =~ /\bm$n\b/ }
	    _named($r, 'METADATA');
	$r = $did->{acl} ? $self->_imap("GETACL $name") : undef;
	push @wrong, 'acl' if $r && !grep { $_->{raw} =~ /bob/ }
	    _named($r, 'ACL');
	eval { (delete $self->{imap})->logout } if $self->{imap};
	return @wrong;
}

1;
