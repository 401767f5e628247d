#!/usr/bin/perl
# postrider mailbox: what is there, what is wrong, and a dump that another
# account gets whole: UIDs, flags, keywords, folders, dates.
use strict;
use warnings;
use Postrider::Imap qw(lit);
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' });
my $ctl = "$i->{build}/ctl/postrider -i $i->{dir}";
$i->start;

sub imap {
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login($_[0], 'pw')->expect;
	return $c;
}

# all that a client sees of an account
sub view {
	my ($user) = @_;
	my $c = imap($user);
	my @r;
	for my $box ('INBOX', 'Sent', "a/b c") {
		my $sel = $c->cmd("EXAMINE \"$box\"");
		push @r, $box, $sel->code('UIDVALIDITY');
		push @r, map { s/^\* \d+ FETCH //r } sort map { $_->{raw} }
		    grep { $_->{name} eq 'FETCH' } @{ $c->cmd('UID FETCH 1:* '
		    . '(FLAGS INTERNALDATE EMAILID RFC822.SIZE BODY.PEEK[])'
		    )->{got} };
	}
	push @r, map { $_->{raw} } @{ $c->cmd('LIST "" "*" RETURN '
	    . '(SUBSCRIBED SPECIAL-USE)')->{got} };
	$c->logout;
	return join "\n", map { $_ // '' } @r;
}

my ($st, $out, $err) = $i->ctl('mailbox', 'list', 'ann');
is $st, 1, 'no mailbox yet';
like $err, qr/no mailbox yet/, 'told';
is +($i->ctl('mailbox', 'check', 'nobody.at.all'))[0], 1, 'no account';
is +($i->ctl('mailbox', 'chekc', 'ann'))[0], 2, 'no verb';

my $c = imap('ann');
$c->cmd('CREATE Sent (USE (\\Sent))')->expect;
$c->cmd('CREATE "a/b c"')->expect;
$c->cmd('SUBSCRIBE Sent')->expect;
for my $n (1 .. 5) {
	$c->cmd('APPEND INBOX (\\Seen key' . $n . ') "0' . $n .
	    '-Jan-2020 10:00:00 +0000" ', lit("Subject: $n\r\n\r\nx $n\r\n"))
	    ->expect;
}
$c->cmd('APPEND "a/b c" ', lit("Subject: y\r\n\r\ny\r\n"))->expect;
$c->cmd('SELECT INBOX')->expect;
$c->cmd('STORE 2 +FLAGS (\\Deleted)')->expect;
$c->cmd('EXPUNGE')->expect;
$c->cmd('STORE 3 -FLAGS (\\Seen)')->expect;
$c->cmd('COPY 1 Sent')->expect;
$c->logout;

like $i->ctl_ok('mailbox', 'list', 'ann'),
    qr/^INBOX\s+4\s+1\s.*^Sent\s+1\s+0\s+\d+\s+\\Sent$/ms, 'list';
is $i->ctl_ok('mailbox', 'check', 'ann'), "0 found\n", 'nothing is wrong';

my $before = view('ann');
my $tar = "$i->{tmp}/ann.tar";
($st, $out, $err) = $i->run('sh', '-c', "$ctl mailbox dump ann > $tar");
is "$st $err", "0 6 messages\n", 'dump';
($st, $out) = $i->run('tar', '-tf', $tar);
is $st, 0, 'tar(1) can read it';
my $seen = () = $out =~ m{^Maildir/(?:\.[^/]+/)?cur/.}mg;
is $seen, 6, 'all messages are in it';
unlike $out, qr/lock|maildirsize/, 'and nothing of no use';

($st, $out, $err) = $i->run('sh', '-c', "$ctl mailbox restore ann < $tar");
is $st, 1, 'not where there is mail';
like $err, qr/mail in the mailbox already/, 'told';
($st) = $i->run('sh', '-c',
    "head -c 6000 $tar | $ctl mailbox restore bob");
is $st, 1, 'a file that is cut off';
($st) = $i->run('sh', '-c', "head -c 4096 /dev/urandom | "
    . "$ctl mailbox restore bob");
is $st, 1, 'no tar file';
my @mails = $i->mails('bob');
is @mails, 0, 'nothing was done';
($st, $out, $err) = $i->run('sh', '-c', "$ctl mailbox restore bob < $tar");
is "$st $out$err", "0 6 messages\n", 'restore';
is view('bob'), $before, 'all is as it was';
is $i->ctl_ok('mailbox', 'check', 'bob'), "0 found\n", 'nothing is wrong';

# a Maildir as tar(1) writes it, to where a folder is already
$i->add_user('carl', 'pw');
$i->ctl_ok('reload');
$c = imap('carl');
$c->cmd('CREATE other')->expect;
$c->logout;
my $home = $i->maildir('ann') =~ s{/Maildir$}{}r;
($st, $out, $err) = $i->run('sh', '-c',
    "tar -C $home -c Maildir | $ctl mailbox restore carl");
is "$st $out$err", "0 6 messages\n", 'what tar(1) wrote';
is view('carl'), $before, 'all is as it was';

# damage
my ($m) = $i->mails('ann');
rename $m, $m =~ s/,U=\d+/,U=7777/r or die;
($st, $out) = $i->ctl('mailbox', 'check', 'ann', 'INBOX');
is $st, 1, 'something is wrong';
like $out, qr/^INBOX: .*\n\d+ found$/m, 'told';
like $i->ctl_ok('mailbox', 'repair', 'ann'), qr/found and mended/, 'repair';
is $i->ctl_ok('mailbox', 'check', 'ann'), "0 found\n", 'mended';
like $i->ctl_ok('mailbox', 'rebuild', 'ann'), qr/^0 found$/m, 'rebuild';

# nothing in a file leads out of the mailbox
for my $evil ('../x', 'Maildir/../../x', '/x', 'Maildir/cur/../../../x') {
	$i->ctl('user', 'delete', 'dan');
	$i->add_user('dan', 'pw');
	$i->spew("$i->{tmp}/x", 'x');
	$i->run('sh', '-c', "cd $i->{tmp} && tar -P -cf evil.tar "
	    . "--transform 's,^x\$,$evil,' x");
	($st, $out, $err) = $i->run('sh', '-c',
	    "$ctl mailbox restore dan < $i->{tmp}/evil.tar");
	is $st, 1, "refused: $evil";
	like $err, qr/no path of a mailbox/, 'told';
}
$i->stop;
done_testing;
