#!/usr/bin/perl
# Full and read-only disks: new mail is put off (452 at MAIL, 451 or 452 after
# DATA), accepted mail waits and is never bounced, sessions go on, and nothing
# is left behind.
use strict;
use warnings;
use Postrider::Disk;
use Postrider::Imap;
use Postrider::Instance;
use Test::More;
use Time::HiRes qw(sleep);

my %soon = (first_retry => '1s', min_retry => '1s', max_retry => '1s',
    transport_retry => '1s', destination_suspend => '1s',
    suspend_max => '1s');
my (@disks, $n);

sub finish {
	my ($i, $what) = @_;
	unlike $i->log, qr/\bqmgr\[\d+\]: failed |\blocal\[\d+\]: failed /,
	    "$what: nothing was bounced";
	$i->stop;
	$_->umount for reverse splice @disks;
	return;
}

# an instance; a disk of the given size for each of the directories named
# (below its own directory)
sub instance {
	my ($conf, %size) = @_;
	my $i = Postrider::Instance->new(users => { map { $_ => 'pw' }
	    qw(ann bob) }, conf => { 'qmgr.conf' => { %soon }, %$conf });
	$i->start;		# makes the directories, with their owners
	$i->stop;
	for my $d (sort keys %size) {
		my $dir = $i->dir . "/$d";
		rename $dir, "$dir.old";
		mkdir $dir;
		push @disks, $i->{disk}{$d} = Postrider::Disk->new($dir,
		    size => $size{$d}, own => "$dir.old");
		unlink glob "$dir.old/mail.log";
	}
	return $i->start;
}

sub body {
	my ($bytes) = @_;
	$n++;
	return "X-N: n$n\n\n" . ("0123456789abcdef" x 4 . "\n") x
	    ($bytes / 65);
}

# numbers of the messages that a user has, sorted
sub got {
	my ($i, $user) = @_;
	my @n = sort { $a <=> $b }
	    map { $i->slurp($_) =~ /^X-N: n(\d+)$/m } $i->mails($user);
	return @n;
}

# content files that are not empty
sub content {
	my ($i) = @_;
	return grep { -s } glob $i->dir . '/spool/content/*/*';
}

sub code {
	my ($i, @arg) = @_;
	return scalar $i->send(to => 'ann@example.test', @arg);
}

sub drained {
	my ($i) = @_;
	return $i->wait_for(sub { $i->queue('list') eq "no messages\n" });
}

# ---- spool and mail on one disk ----
{
	my $i = instance({ 'cleanup.conf' => { min_free_space => '1M' } },
	    spool => '16m');
	my $disk = $i->{disk}{spool};
	is code($i, message => body(1000)), 250, 'room: accepted';
	my $one = $n;
	my $c = $i->smtp;
	$c->ehlo;
	$disk->fill(900_000);
	ok $i->wait_for(sub {
		return $c->cmd('MAIL FROM:<a@example.org>') == 452 ||
		    !$c->cmd('RSET');
	}), 'below min_free_space: 452 at MAIL';
	like $c->last, qr/^452 4\.3\.1 /, 'with 4.3.1';
	$disk->free;
	ok $i->wait_for(sub {
		return $c->cmd('MAIL FROM:<a@example.org>') == 250;
	}), 'room again: 250, in the same session';

	# it fills in the middle of DATA
	is scalar $c->cmd('RCPT TO:<ann@example.test>'), 250, 'RCPT';
	is scalar $c->cmd('DATA'), 354, 'DATA';
	my $wire = body(3_000_000) =~ s/\n/\r\n/gr;
	$c->put(substr $wire, 0, 300_000);
	ok $i->wait_for(sub { my ($f) = content($i); $f && -s $f > 200_000 }),
	    'a part of the message is on the disk';
	$disk->fill;
	$c->put(substr $wire, 300_000);
	is scalar $c->cmd('.'), 452, 'the disk fills in DATA: 452';
	like $c->last, qr/^452 4\.3\.1 /, 'with 4.3.1';
	is scalar $c->cmd('NOOP'), 250, 'the session goes on';
	ok $i->wait_for(sub { !content($i) }), 'nothing is left of it';
	ok $i->wait_for(sub {
		return $c->cmd('MAIL FROM:<a@example.org>') == 452 ||
		    !$c->cmd('RSET');
	}), 'the next one: not at all';

	# restarted on the full disk
	$c->quit;
	$i->stop;
	$i->start;
	$disk->fill;
	my $r = code($i, message => body(1000));
	is $r, 452, 'started on the full disk: 452';
	$disk->free;
	sleep 1.1;		# the answer about room may be so old
	is code($i, message => body(1000)), 250, 'room: accepted';
	my $two = $n;
	ok drained($i), 'the queue runs empty';
	is join(' ', got($i, 'ann')), "$one $two",
	    'what was accepted has come once, what was not has not';
	finish($i, 'full spool');
}

# ---- queue.db on a full disk ----
{
	my $i = instance({ 'cleanup.conf' => { min_free_space => 0 } },
	    spool => '4m', mail => '64m');
	my $spool = $i->{disk}{spool};
	# content has room, so it is the database that has not
	my $path = $i->dir . '/spool/content';
	$i->stop;
	push @disks, Postrider::Disk->new($path, size => '64m', own => $path);
	$i->{disk}{mail}->read_only(1);	# so that the queue grows
	$i->start;
	is code($i, message => body(1000)), 250, 'room: accepted';
	my @ok = ($n);
	$spool->fill(600_000);
	my ($c, %codes) = ($i->smtp);
	$c->ehlo;
	for (1 .. 4000) {
		my @to = map { sprintf 'ann+%s%d@example.test', 'x' x 40, $_ }
		    1 .. 40;
		my $r = $c->send(from => 'a@example.org', to => \@to,
		    message => body(100));
		push @ok, $n if $r == 250;
		last if $codes{$r}++ > 20 && $r != 250;
	}
	note 'on the full disk: ' . join ' ', map { "$codes{$_} times $_" }
	    sort keys %codes;
	my @refused = grep { $_ != 250 } keys %codes;
	ok @refused > 0, 'the database has no more room';
	is scalar(grep { !/^45[12]$/ } @refused), 0, 'and says 451 or 452';
	is scalar $c->cmd('NOOP'), 250, 'the session goes on';
	$c->quit;
	$spool->free;
	$i->{disk}{mail}->read_only(0);
	ok $i->wait_for(sub {
		return code($i, message => body(100)) == 250;
	}), 'room: accepted';
	push @ok, $n;
	ok drained($i), 'the queue runs empty';
	my %have;
	$have{$_}++ for got($i, 'ann');
	my %want = map { $_ => 40 } @ok;
	@want{ @ok[0, -1] } = (1, 1);
	is_deeply \%have, \%want, scalar(@ok) . ' accepted messages have ' .
	    'come, each once to each recipient, and no other';
	ok $i->wait_for(sub { !content($i) }), 'no content is left';
	finish($i, 'full queue.db');
}

# A mailbox that IMAP never saw is read, under UIDs that hold for the session.
sub never_seen {
	my ($i, $mail) = @_;
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	my $n = $n;
	$c->login('ann', 'pw')->expect;
	$mail->fill;
	my $mark = $i->log_mark;
	my $r = $c->ok('SELECT on a full disk', 'SELECT INBOX');
	is $r->{code}[0], 'READ-ONLY', 'for reading';
	is $r->num('EXISTS'), 1, 'the message is there';
	like join(' ', map { $_->{raw} } $r->untagged('NO')),
	    qr/\[UIDNOTSTICKY\]/, 'its UID is that of this session';
	ok $i->wait_log(qr/\bmailbox-full\b.*dsn=4\.3\.1/, undef, $mark),
	    'the log says why';
	my $v = $r->code('UIDVALIDITY');
	$r = $c->ok('its text is read', 'FETCH 1 (ENVELOPE BODY[])');
	like $r->{got}[0]{raw}, qr/X-N: n$n\r\n/, 'as it is';
	$c->no('nothing is changed', 'STORE 1 +FLAGS (\Seen)');
	$r = $c->no('STATUS', 'STATUS INBOX (UIDVALIDITY)');
	is $r->{code}[0], 'UNAVAILABLE', 'not now';
	$r = $c->ok('again', 'EXAMINE INBOX');
	cmp_ok $r->code('UIDVALIDITY'), '>', $v, 'another UIDVALIDITY';
	$v = $r->code('UIDVALIDITY');
	$mail->free;
	$r = $c->ok('SELECT when there is room', 'SELECT INBOX');
	is $r->{code}[0], 'READ-WRITE', 'for writing';
	cmp_ok $r->code('UIDVALIDITY'), '>', $v, 'and one that stays';
	is scalar($r->untagged('NO')), 0, 'without a warning';
	$c->ok('LOGOUT', 'LOGOUT');
	return;
}

# ---- the disk of the mailboxes ----
{
	my $i = instance({}, mail => '8m');
	my $mail = $i->{disk}{mail};
	is code($i, message => body(1000)), 250, 'accepted';
	my @ok = ($n);
	ok drained($i), 'and delivered, to another disk than the spool\'s';
	never_seen($i, $mail);
	for my $how ('full', 'read-only') {
		$how eq 'full' ? $mail->fill : $mail->read_only(1);
		my $mark = $i->log_mark;
		for (1 .. 5) {
			is code($i, to => ['ann@example.test',
			    'bob@example.test'], message => body(20_000)),
			    250, "mailboxes $how: accepted";
			push @ok, $n;
		}
		ok $i->wait_log(qr/deferred .*4\.3\.[01]/, undef, $mark),
		    "mailboxes $how: deferred";
		sleep 1.5;	# and tried again
		is scalar(got($i, 'ann')), @ok - 5, 'not delivered';
		$how eq 'full' ? $mail->free : $mail->read_only(0);
		ok drained($i), 'repaired: the queue runs empty';
		is join(' ', got($i, 'ann')), join(' ', @ok),
		    'all has come, once';
		is join(' ', got($i, 'bob')), join(' ', @ok[1 .. $#ok]),
		    'to both';
		is scalar(grep { /\b\Q$_\E/ } glob $i->maildir('ann') .
		    '/tmp/*'), 0, 'nothing is left in tmp/';
	}
	finish($i, 'mailboxes');
}

# ---- the disk of the log ----
{
	my $i = instance({}, log => '1m');
	my $log = $i->{disk}{log};
	is code($i, message => body(1000)), 250, 'accepted';
	$log->fill;
	my @codes = map { code($i, message => body(1000)) } 1 .. 40;
	is scalar(grep { $_ == 250 } @codes), 40, 'the log is full: mail ' .
	    'goes on';
	ok drained($i), 'and is delivered';
	is scalar(got($i, 'ann')), 41, 'all of it';
	$log->free;
	my $mark = $i->log_mark;
	is code($i, message => body(1000)), 250, 'room again';
	ok $i->wait_log(qr/accepted /, undef, $mark), 'and logged';
	like $i->log, qr/\blogd\[\d+\]: .*(?:lost|dropped)/,
	    'what was lost is counted';
	finish($i, 'full log');
}
done_testing;
