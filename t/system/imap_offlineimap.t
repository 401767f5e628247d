#!/usr/bin/perl
# offlineimap: a mailbox with folders comes down byte for byte; a second run
# finds nothing to do; flags, new messages and deletions of both sides cross.
use strict;
use warnings;
use Postrider::Imap;
use Postrider::ImapTest qw(server sample append_all remote local_maildir
    run_client spew work_dir);
use Test::More;

my $OWN = 'X-OfflineIMAP';
my $s = server(users => { ann => 'pw-ann' });
my $dir = work_dir();
my $c = Postrider::Imap->new(port => $s->port('imap'));
$c->login('ann', 'pw-ann')->expect;
my ($list) = $c->cmd('LIST "" ""')->expect->untagged('LIST');
my $sep = $list->{data}[1];
my %folder = ("INBOX" => 'INBOX', "Work" => 'Work',
	"Work.Old" => "Work${sep}Old");
my @local = sort keys %folder;
my @flag = ('', '\Seen', '\Seen \Answered', '\Flagged');
my @text = sample(300, 8);
for my $f (@local) {
	$c->cmd("CREATE $folder{$f}") if $f ne 'INBOX';
	append_all($c, $folder{$f}, [splice @text, 0, 100],
	    sub { $flag[$_[0] % 4] });
}

spew("$dir/rc", <<"END");
[general]
accounts = a
metadata = $dir/meta
maxsyncaccounts = 1
socktimeout = 120
fsync = False
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = $dir/mail
sync_deletes = yes
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = ${\ $s->port('imap')}
remoteuser = ann
remotepass = pw-ann
ssl = no
starttls = no
auth_mechanisms = LOGIN
maxconnections = 1
END

sub sync_once {
	my ($name) = @_;
	my ($st, $out) = run_client({ env => { HOME => $dir,
		LC_ALL => 'C.UTF-8' } }, 'offlineimap', '-o', '-u', 'basic',
	    '-c', "$dir/rc");
	is $st, 0, $name or diag $out;
	unlike $out, qr/ERROR|WARNING/, 'without a complaint';
	return $out;
}

sub same {
	my ($name, $count) = @_;
	for my $f (@local) {
		my $far = remote($c, $folder{$f}, $OWN);
		is keys %$far, $count, "$name: $f has $count";
		is_deeply local_maildir("$dir/mail/$f", $OWN), $far,
		    "$name: $f is the same on both sides";
	}
	return;
}

sub state_of {
	my @far = map {
		my $st = $c->cmd("STATUS $_ (MESSAGES UIDNEXT UIDVALIDITY " .
		    'UNSEEN)')->expect;
		$c->cmd("EXAMINE $_")->expect;
		my $u = $c->uid_fetch('1:*', 'FLAGS');
		[map { $_->{raw} } $st->untagged('STATUS')],
		[map { "$_ @{ $u->{$_}{FLAGS} }" }
			sort { $a <=> $b } keys %$u];
	} sort values %folder;
	return [@far, sort map {
		glob "$dir/mail/$_/cur/* $dir/mail/$_/new/*" } @local];
}

sync_once('first run');
same('first', 100);
my $before = state_of();
sync_once('second run');
is_deeply state_of(), $before, 'the second changes nothing';

$c->cmd('SELECT Work')->expect;
$c->cmd('STORE 1:10 FLAGS (\Answered \Seen)')->expect;
$c->cmd('STORE 11:15 +FLAGS.SILENT (\Deleted)')->expect;
$c->cmd('EXPUNGE')->expect;
$c->cmd('UNSELECT');
my @new = sample(10, 9);
append_all($c, 'Work', [@new[0 .. 4]]);
my @here = sort glob "$dir/mail/INBOX/cur/*";
unlink @here[0 .. 4];
rename $_, s/:2,.*/:2,FRS/r for @here[20 .. 29];
my $n = 0;
spew("$dir/mail/INBOX/new/1800000000." . $n++ . '_x.host', $_)
    for @new[5 .. 9];
sync_once('after changes on both sides');
same('changed', 100);
$before = state_of();
sync_once('again');
is_deeply state_of(), $before, 'nothing more to do';
done_testing;
