#!/usr/bin/perl
# mbsync: 2000 messages in four folders, half of them on either side, synced in
# both directions with their flags; a second run finds nothing to do; then both
# sides change.
use strict;
use warnings;
use Postrider::Imap qw(lit);
use Postrider::ImapTest qw(server sample append_all remote local_maildir
    run_client spew work_dir);
use Test::More;

my $TUID = 'X-TUID';		# mbsync's own field in what it copies
my $s = server(users => { ann => 'pw-ann' });
my $dir = work_dir();
my $c = Postrider::Imap->new(port => $s->port('imap'));
$c->login('ann', 'pw-ann')->expect;
my ($list) = $c->cmd('LIST "" ""')->expect->untagged('LIST');
my $sep = $list->{data}[1];

# name here => name on the server
my %folder = (INBOX => 'INBOX', Archive => 'Archive',
	'Archive/2024' => "Archive${sep}2024", '&ANw-bung' => '&ANw-bung');
my @local = sort keys %folder;
my @flag = ('', '\Seen', '\Seen \Answered', '\Flagged', '\Seen \Flagged',
	'\Draft');
my @letter = ('', 'S', 'RS', 'F', 'FS', 'D');

$c->cmd("CREATE $folder{$_}") for grep { $_ ne 'INBOX' } @local;
my @text = sample(2000, 5);
my $n = 0;
for my $f (@local) {
	my @mine = @text[$n * 500 .. $n * 500 + 499];
	append_all($c, $folder{$f}, [@mine[0 .. 249]],
	    sub { $flag[$_[0] % 6] });
	system('mkdir', '-p', map { "$dir/mail/$f/$_" } qw(cur new tmp)) == 0
	    or die "mkdir\n";
	spew(sprintf('%s/mail/%s/cur/%d.%d_%d.host:2,%s', $dir, $f,
	    1_700_000_000 + $_, $_, $n, $letter[$_ % 6]), $mine[$_])
	    for 250 .. 499;
	$n++;
}

spew("$dir/rc", <<"END");
IMAPAccount a
Host 127.0.0.1
Port ${\ $s->port('imap')}
User ann
Pass pw-ann
SSLType None
Timeout 120

IMAPStore far
Account a

MaildirStore near
Path $dir/mail/
Inbox $dir/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
CopyArrivalDate yes
Sync All
SyncState *
END

sub sync_once {
	my ($name) = @_;
	my ($st, $out) = run_client('mbsync', '-c', "$dir/rc", '-V', 'all');
	is $st, 0, $name or diag $out;
	return $out;
}

# both sides of each folder are the same, and have so many messages
sub same {
	my ($name, %count) = @_;
	for my $f (@local) {
		my $far = remote($c, $folder{$f}, $TUID);
		my $near = local_maildir("$dir/mail/$f", $TUID);
		is keys %$far, $count{$f}, "$name: $f has $count{$f}";
		is_deeply $near, $far, "$name: $f is the same on both sides";
	}
	return;
}

# everything that a run could have changed
sub state_of {
	my @far = map {
		my $st = $c->cmd("STATUS $_ (MESSAGES UIDNEXT UIDVALIDITY " .
		    'UNSEEN)')->expect;
		$c->cmd("EXAMINE $_")->expect;
		my $u = $c->uid_fetch('1:*', '(FLAGS INTERNALDATE)');
		[map { $_->{raw} } $st->untagged('STATUS')],
		[map { "$_ @{ $u->{$_}{FLAGS} } $u->{$_}{INTERNALDATE}" }
			sort { $a <=> $b } keys %$u];
	} sort values %folder;
	my $near = join '', map { "$_\n" } sort map {
		glob "$dir/mail/$_/cur/* $dir/mail/$_/new/*" } @local;
	return [@far, $near];
}

sync_once('first run');
same('first', map { $_ => 500 } @local);
my $before = state_of();
sync_once('second run');
is_deeply state_of(), $before, 'the second changes nothing';

# both sides change: flags, new messages, deletions
$c->cmd('SELECT INBOX')->expect;
$c->ok('flags there', 'STORE 1:40 FLAGS (\Answered \Seen)');
$c->ok('deletions there', 'STORE 41:50 +FLAGS.SILENT (\Deleted)');
$c->ok('are expunged', 'EXPUNGE');
my @new = sample(20, 6);
append_all($c, 'Archive', [@new[0 .. 9]]);
my @here = sort glob "$dir/mail/Archive/cur/*";
unlink @here[0 .. 9];
rename $_, s/:2,.*/:2,FRS/r for @here[20 .. 59];
$n = 0;
spew("$dir/mail/INBOX/new/1800000000." . $n++ . '_x.host', $_)
    for @new[10 .. 19];
$c->cmd('UNSELECT');
sync_once('after changes on both sides');
same('changed', 'INBOX' => 500, 'Archive' => 500, 'Archive/2024' => 500,
	'&ANw-bung' => 500);
$before = state_of();
sync_once('again');
is_deeply state_of(), $before, 'nothing more to do';
done_testing;
