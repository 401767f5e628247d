#!/usr/bin/perl
# Real clients read what came in by SMTP: curl, fetchmail, getmail.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Test::More;
use Postrider::Clients qw(getmail_whole);
use Postrider::Instance;

my $i = Postrider::Instance->new(users => { map { $_ => "pw-$_" } qw(ann bob
	carl) });
$i->start;
my @text = map { "Subject: number $_\nX: .y\n\n.\n..\nbody $_\n" } 1 .. 3;
push @text, "Subject: big\n\n" . "0123456789 abcdefghij\n.\n" x 20_000;
for my $user (qw(ann bob carl)) {
	is $i->send(to => "$user\@example.test", message => $_), 250,
	    "a message to $user" for @text;
	is scalar(my @f = $i->wait_mails($user, scalar @text)),
	    scalar @text, 'all arrive';
}

# of a message without the lines that we or the client put in front
sub digest {
	my ($text) = @_;
	$text =~ s/\r\n/\n/g;
	$text =~ s/^.*?(?=^Subject:)//ms;
	return length($text) . ' ' . md5_hex($text);
}
my $want = [sort map { digest($_) } @text];

sub slurp {
	my ($path) = @_;
	open my $fh, '<:raw', $path or die "$path: $!\n";
	local $/;
	return scalar <$fh>;
}

sub maildir_texts {
	my ($dir) = @_;
	return [sort map { digest(slurp($_)) } glob "$dir/new/*"];
}

my $tmp = "$i->{tmp}/client";
my $port = $i->port('pop3');
mkdir $tmp;
mkdir "$tmp/$_" for 'get', 'get/new', 'get/cur', 'get/tmp';
# getmail and fetchmail refuse files that others may read
chmod 0700, $tmp;
# getmail does not run as root
my @as;
if ($> == 0) {
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
	@as = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups',
	    '--') unless $i->{prefix};
	chown $uid, $gid, $tmp, glob("$tmp/*"), glob("$tmp/*/*");
}

my @curl = (@as, 'curl', '-sS', '--max-time', 60, '-u', 'ann:pw-ann');
my ($st, $out, $err) = $i->run(@curl, "pop3://127.0.0.1:$port/");
is $st, 0, 'curl lists' or diag $err;
is scalar(my @l = $out =~ /^\d+ \d+\r$/mg), scalar @text, 'all messages';
my @got;
for my $n (1 .. @text) {
	($st, $out, $err) = $i->run(@curl, "pop3://127.0.0.1:$port/$n");
	my ($octets) = $l[$n - 1] =~ / (\d+)/;
	is length $out, $octets, "$n has the octets that LIST announced";
	push @got, digest($out);
}
is_deeply [sort @got], $want, 'curl reads them byte for byte';
($st) = $i->run(@curl, '--login-options', 'AUTH=PLAIN', '-X', 'UIDL',
    "pop3://127.0.0.1:$port/");
is $st, 0, 'curl by SASL PLAIN';

sub write_private {
	my ($path, $text) = @_;
	$i->spew($path, $text);
	chmod 0600, $path;
	chown +(stat $tmp)[4, 5], $path;
	return;
}

write_private("$tmp/fetchmailrc", <<"END");
set invisible
poll 127.0.0.1 protocol POP3 service $port auth password timeout 60
  user "bob" password "pw-bob" sslproto '' fetchall nokeep no rewrite
  mda "cat >$tmp/fetched.\$\$"
END
local $ENV{FETCHMAILHOME} = $tmp;
local $ENV{HOME} = $tmp;
($st, $out, $err) = $i->run(@as, 'fetchmail', '-f', "$tmp/fetchmailrc",
    '--pidfile', "$tmp/fetchmail.pid", '-i', "$tmp/fetchids", '--nosyslog',
    '-v');
is $st, 0, 'fetchmail' or diag $out . $err;
is_deeply [sort map { digest(slurp($_)) } glob "$tmp/fetched.*"],
    $want, 'has them byte for byte';
is scalar(@got = $i->mails('bob')), 0, 'and has deleted them';

write_private("$tmp/getmailrc", <<"END");
[retriever]
type = SimplePOP3Retriever
server = 127.0.0.1
port = $port
username = carl
password = pw-carl
[destination]
type = Maildir
path = $tmp/get/
[options]
read_all = false
delete = false
delivered_to = false
received = false
END
($st, $out, $err) = getmail_whole(sub { return $i->run(@as, 'getmail',
    '--getmaildir', $tmp, '--rcfile', "$tmp/getmailrc") }, "$tmp/get/*/*",
    "$tmp/oldmail*");
is $st, 0, 'getmail' or diag $out . $err;
is_deeply maildir_texts("$tmp/get"), $want,
    'has them byte for byte';
is scalar(@got = grep { m{/cur/[^/]+:2,S$} } $i->mails('carl')),
    scalar @text, 'and has left them, as seen';
($st, $out, $err) = $i->run(@as, 'getmail', '--getmaildir', $tmp, '--rcfile',
    "$tmp/getmailrc");
is_deeply maildir_texts("$tmp/get"), $want,
    'a second run knows them by their UIDL';
done_testing;
