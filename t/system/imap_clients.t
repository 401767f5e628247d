#!/usr/bin/perl
# Real clients read, flag and store by IMAP, each with a user of its own, and
# every message is the same byte for byte: curl, Python's imaplib, fetchmail,
# getmail, mutt and neomutt.
use strict;
use warnings;
use Postrider::Imap;
use Postrider::Clients qw(getmail_whole);
use Postrider::ImapTest qw(server sample append_all remote digest run_client
    slurp spew work_dir);
use Test::More;

my @users = qw(curl python fetch getm mutt neomutt);
my $s = server(users => { map { $_ => "pw-$_" } @users });
my $port = $s->port('imap');
my $dir = work_dir();
my @text = sample(60, 7);
my %conn;
for my $user (@users) {
	my $c = $conn{$user} = Postrider::Imap->new(port => $port);
	$c->login($user, "pw-$user")->expect;
	append_all($c, 'INBOX', \@text);
}
my @sorted = sort map { digest($_) } @text;

# getmail does not run as root
my @as;
if ($> == 0) {
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
	@as = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups',
	    '--');
	chown $uid, $gid, $dir;
}

sub private {
	my ($path, $text) = @_;
	spew($path, $text);
	chmod 0600, $path;
	chown +(stat $dir)[4, 5], $path;
	return;
}

sub maildir {
	my ($path) = @_;
	mkdir $path;
	mkdir "$path/$_" for qw(cur new tmp);
	chown +(stat $dir)[4, 5], $path, map { "$path/$_" } qw(cur new tmp);
	return $path;
}

# a run of a client that must succeed
sub client {
	my ($name, @cmd) = @_;
	my ($st, $out) = run_client({ dir => $dir, env => { HOME => $dir,
		TERM => 'xterm', LC_ALL => 'C.UTF-8' } }, @cmd);
	is $st, 0, $name or diag $out;
	return $out;
}

sub digests {
	my ($drop, @files) = @_;
	return [sort map { digest(slurp($_), @$drop) } @files];
}

# ---- curl
my @curl = ('curl', '-sS', '--max-time', 60, '-u', 'curl:pw-curl');
my $url = "imap://127.0.0.1:$port";
like client('curl lists', @curl, "$url/"), qr/^\* LIST .*INBOX/m,
    'and sees INBOX';
my ($all) = client('curl searches', @curl, "$url/INBOX?ALL")
    =~ /^\* SEARCH ([\d ]+)/m;
is scalar(my @uids = split ' ', $all), 60, 'it finds all';
$conn{curl}->cmd('EXAMINE INBOX')->expect;
client('curl reads all', @curl, '-o', "$dir/curl.#1",
    "$url/INBOX;UID=[1-60]");
is_deeply digests([], glob "$dir/curl.*"), \@sorted, 'byte for byte';
private("$dir/up", $text[3] =~ s/\n/\r\n/gr);
client('curl stores', @curl, '-T', "$dir/up", "$url/INBOX");
$conn{curl}->cmd('NOOP');
is_deeply [map { digest($_->{'BODY[]'}) } values
    %{ $conn{curl}->fetch(61, 'BODY.PEEK[]') }], [digest($text[3])],
    'the same';
client('curl sets a flag', @curl, '-X', 'STORE 5 +FLAGS (\Flagged)',
    "$url/INBOX");
$conn{curl}->cmd('NOOP');
is_deeply $conn{curl}->search('FLAGGED'), [5], 'it is set';

# ---- Python's imaplib
private("$dir/client.py", <<'END');
import imaplib, sys, os
port, user, password, out = sys.argv[1:]
m = imaplib.IMAP4('127.0.0.1', int(port), timeout=60)
def ok(r):
    assert r[0] == 'OK', r
    return r[1]
ok(m.login(user, password))
assert 'IMAP4REV1' in m.capabilities, m.capabilities
assert int(ok(m.select('INBOX'))[0]) == 60
nums = ok(m.search(None, 'ALL'))[0].split()
assert len(nums) == 60, nums
for n in nums:
    body = ok(m.fetch(n, '(RFC822)'))[0][1]
    with open(os.path.join(out, n.decode()), 'wb') as f:
        f.write(body)
assert len(ok(m.search(None, 'SEEN'))[0].split()) == 60
ok(m.create('Kept'))
ok(m.copy('1:10', 'Kept'))
ok(m.store('1:10', '+FLAGS', r'(\Deleted)'))
assert len(ok(m.expunge())) == 10
ok(m.append('Kept', r'(\Answered)', imaplib.Time2Internaldate(1700000000),
    body))
ok(m.rename('Kept', 'Kept2'))
ok(m.subscribe('Kept2'))
names = [l.decode() for l in ok(m.lsub())]
assert any('Kept2' in n for n in names), names
st = ok(m.status('Kept2', '(MESSAGES UIDNEXT)'))[0].decode()
assert 'MESSAGES 11' in st, st
ok(m.select('Kept2'))
d = ok(m.fetch('11', '(FLAGS INTERNALDATE)'))[0].decode()
assert '14-Nov-2023' in d or '15-Nov-2023' in d, d
assert 'Answered' in d, d
m.close()
ok(m.uid('SEARCH', 'ALL')) if m.select('INBOX')[0] == 'OK' else sys.exit(3)
assert m.logout()[0] == 'BYE'
END
mkdir "$dir/py";
client('imaplib', 'python3', "$dir/client.py", $port, 'python', 'pw-python',
    "$dir/py");
is_deeply digests([], glob "$dir/py/*"), \@sorted, 'byte for byte';

# ---- fetchmail
mkdir "$dir/fetched";
chown +(stat $dir)[4, 5], "$dir/fetched";
private("$dir/fetchmailrc", <<"END");
set invisible
poll 127.0.0.1 protocol IMAP service $port auth password timeout 60
  user "fetch" password "pw-fetch" sslproto '' fetchall nokeep no rewrite
  mda "cat >$dir/fetched/\$\$"
END
local $ENV{FETCHMAILHOME} = $dir;
client('fetchmail', @as, 'fetchmail', '-f', "$dir/fetchmailrc", '--pidfile',
    "$dir/fetchmail.pid", '-i', "$dir/fetchids", '--nosyslog');
# it puts a Received field in front
is_deeply [sort map { digest(slurp($_) =~ s/\A.*?(?=^X-Number:)//msr) }
    glob "$dir/fetched/*"], \@sorted, 'byte for byte';
is $conn{fetch}->cmd('SELECT INBOX')->num('EXISTS'), 0, 'it has deleted them';

# ---- getmail
maildir("$dir/get");
private("$dir/getmailrc", <<"END");
[retriever]
type = SimpleIMAPRetriever
server = 127.0.0.1
port = $port
timeout = 15
username = getm
password = pw-getm
mailboxes = ("INBOX",)
[destination]
type = Maildir
path = $dir/get/
[options]
read_all = false
delete = false
delivered_to = false
received = false
END
my @getmail = (@as, 'getmail', '--getmaildir', $dir, '--rcfile',
    "$dir/getmailrc");
my ($st, $out) = getmail_whole(sub { return run_client({ dir => $dir,
    env => { HOME => $dir } }, @getmail) }, "$dir/get/*/*", "$dir/oldmail*");
is $st, 0, 'getmail' or diag $out;
# it moves Return-Path to the front and adds a field
my @getmails = qw(Return-Path X-getmail-retrieved-from-mailbox);
is_deeply digests(\@getmails, glob "$dir/get/new/*"), [sort map {
    digest($_, @getmails) } @text], 'byte for byte';
client('getmail again', @getmail);
is scalar(my @f = glob "$dir/get/new/*"), 60, 'nothing is new';

# ---- mutt, neomutt: all is copied to a local Maildir, one is flagged, one is
# deleted, one saved into a folder
for my $m (qw(mutt neomutt)) {
	private("$dir/$m.rc", <<"END");
set spoolfile="imap://127.0.0.1:$port/INBOX" folder="imap://127.0.0.1:$port/"
set imap_user="$m" imap_pass="pw-$m" ssl_starttls=no ssl_force_tls=no
set mbox_type=Maildir confirmcreate=no confirmappend=no delete=yes copy=no
set quit=yes move=no wait_key=no timeout=1 sleep_time=0 record=""
set header_cache="" message_cachedir="" mark_old=no sort=mailbox-order
push "<tag-pattern>~A<enter><tag-prefix><copy-message>$dir/$m<enter>\\
<untag-pattern>~A<enter>5<enter><flag-message>9<enter>\\
<copy-message>=Kept<enter>7<enter><delete-message><quit>"
END
	client($m, 'script', '-qec', "$m -n -F $dir/$m.rc", '/dev/null');
	my @own = qw(Content-Length Lines Status X-Status);
	is_deeply digests(\@own, glob("$dir/$m/*/*")), [sort map {
		digest($_, @own) } @text], 'byte for byte';
	my $c = $conn{$m};
	my $left = remote($c, 'INBOX');
	is keys %$left, 59, 'one is deleted';
	ok !exists $left->{ digest($text[6]) }, 'the one that was meant';
	is_deeply $c->search('FLAGGED'), [5], 'another is flagged';
	is_deeply [keys %{ remote($c, 'Kept', @own) }],
	    [digest($text[8], @own)], 'a third is copied';
}
done_testing;
