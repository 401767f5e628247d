#!/usr/bin/perl
# Tables of patterns and of a socketmap server: by postrider map, and by a
# program in its jail, whose server stops, lies, and comes back.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;
use Postrider::Instance;
use Postrider::Tables;

my $pr = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' });
my $dir = $pr->dir;
my $conf = $pr->conf_dir;
my $port = Postrider::Tables::free_port();

# a server on both sockets: the key says what it answers
sub server {
	unlink "$dir/map.sock";
	my @l = (IO::Socket::UNIX->new(Local => "$dir/map.sock", Listen => 9),
	    IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 9,
	    LocalPort => $port, ReuseAddr => 1));
	chmod 0777, "$dir/map.sock";
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	my $s = IO::Select->new(@l);
	while (my @ready = $s->can_read) {
		for my $fh (@ready) {
			if (grep { $_ == $fh } @l) {
				$s->add(scalar $fh->accept);
				next;
			}
			my $n = sysread $fh, my $in, 4096;
			if (!$n) {
				$s->remove($fh);
				close $fh;
				next;
			}
			my ($name, $key) = $in =~ /^\d+:(\S+) (.*),$/s;
			my $say = 'NOTFOUND ';
			$say = 'OK ann@example.test' if $key =~ /^team-$name\@/;
			$say = "\U$1\E for you"
			    if $key =~ /^(temp|timeout|perm)-/;
			syswrite $fh, length($say) . ":$say,";
		}
	}
	exit 0;
}

my $pid = server();
sub stop_server { kill 'KILL', $pid; waitpid $pid, 0 }
END { kill 'KILL', $pid if $pid }

my $unix = "socket:unix:$dir/map.sock:one";
my $inet = "socket:inet:127.0.0.1:$port:two";
my $slow = 'a' x 60 . 'b';
$pr->spew("$conf/rewrite", "# a comment\nif /\@example\\.test\$/\n" .
    "/^old-(.*)\@/ \$1\@example.test\n/^(a+)+\@/ ann\n" .
    "/^\@example\\.test\$/ ann\n/^left\$/ ann\nendif\n");
$pr->spew("$conf/nets", "192.0.2.1 one\n192.0.2.0/24 many\n");
$pr->spew("$conf/broken", "10.0.0.0/8 x\n10.0.0.0/4 y\nif ::1\nx\n");
$pr->spew("$conf/bad", "a b\na c\nd : e\n");
$pr->set_conf('router.conf', aliases => "cdb:aliases $unix, $inet",
    further_aliases => 'pcre:rewrite');
$pr->start;

# --- by hand
sub says {
	my ($want, @args) = @_;
	my ($st, $out, $err) = $pr->ctl('map', @args);
	$out .= $err;
	$out =~ s/\Q$conf\E\///g;
	ref $want ? like("$st $out", $want, "map @args") :
	    is("$st $out", $want, "map @args");
	return;
}
says("0 many\n", 'query', 'cidr:nets', '192.0.2.2');
says("0 192.0.2.2\tmany\n192.0.2.1\tone\n", 'query', 'cidr:nets',
    '192.0.2.2', '10.0.0.1', '192.0.2.1');
says(qr/^1 postrider: cidr:nets: no x$/, 'query', 'cidr:nets', 'x');
says('1 ', 'query', 'cidr:nets', 'x', 'y');
says("0 Bob.x\@example.test\n", 'query', 'pcre:rewrite',
    'OLD-Bob.x@example.test');
says(qr/^75 .*rewrite:4: the match was given up: match limit exceeded$/,
    'query', 'pcre:rewrite', "$slow\@example.test");
says("0 ann\@example.test\n", 'query', $unix, 'Team-One@x');
says("0 ann\@example.test\n", 'query', "cidr:nets $unix $inet",
    'team-two@x');
says(qr/^75 postrider: socket:\S+: the server says PERM/, 'query', $inet,
    'perm-@x');
says(qr/^75 .*cannot open table nosuch/, 'query', 'text:nosuch', 'x');
says("0 192.0.2.1\tone\n192.0.2.0/24\tmany\n", 'list', 'cidr:nets');
says(qr/^75 .*can not be listed/, 'list', $unix);
my ($st, $out) = $pr->ctl_in("192.0.2.9\nx\n192.0.2.1\n", 'map', 'query',
    'cidr:nets', '-');
is "$st $out", "0 192.0.2.9\tmany\n192.0.2.1\tone\n", 'keys from a file';

says("0 cidr:nets is good, 2 rows\n", 'check', 'cidr:nets');
says("1 postrider: broken:2: 10.0.0.0/4: bits behind the mask, expected " .
    "something like 192.0.2.0/24\npostrider: broken:4: x: not an address, " .
    "expected something like 192.0.2.0/24\npostrider: broken:3: an if " .
    "without its endif\n", 'check', 'cidr:broken');
says("1 postrider: bad:3: the colon belongs directly after the key\n" .
    "postrider: bad:2: duplicate key \"a\", first at bad:1\n", 'check',
    'bad');
says("0 $inet is good\n", 'check', $inet);
$pr->spew("$conf/aliases", "x: ann\ny: b\@\@c\nz:\ny: ann\n");
says(qr/^1 (?=.*aliases:2: y: b\@\@c is no)(?=.*aliases:3: z: an alias with)/s,
    'check');
says(qr/^1 .*aliases:4: duplicate key "y"/s, 'check', 'aliases');
is scalar(grep { -e } "$conf/aliases.cdb"), 1, 'the table is as it was';
says(qr/^1 .*no x$/m, 'query', 'aliases', 'x');

# --- in the jail
sub rcpt {
	my ($local) = @_;
	my $c = $pr->smtp;
	$c->cmd('EHLO test');
	$c->cmd('MAIL FROM:<>');
	$local .= '@example.test' if $local !~ /\@/;
	return join ' ', $c->cmd("RCPT TO:<$local>");
}

like rcpt('team-one'), qr/^250 /, 'by a UNIX socket';
like rcpt('team-two'), qr/^250 /, 'by TCP';
like rcpt('team-none'), qr/^550 5\.1\.1 /, 'by neither';
like rcpt('old-ann'), qr/^250 /, 'by an expression';
like rcpt('old-carl'), qr/^550 5\.1\.1 /, 'which leads nowhere';
like rcpt("$_\@example.test"), qr/^550 5\.1\.1 /, "not by a part: $_"
    for qw(left other left+x);
my $mark = $pr->log_mark;
like rcpt($slow), qr/^451 4\.3\.0 /, 'an expression that takes too long';
$pr->wait_log(qr/ table .*rewrite:4: the match was given up/, undef, $mark);
like rcpt("$_-x"), qr/^451 4\.3\.0 /, "the server says $_"
    for qw(temp timeout perm);

# what the tables need, and no more
my %got = map { split /\t/, $_, 2 } $pr->probe('router');
is $got{'inet-socket'}, 'possible', 'TCP is possible';
like $got{connect}, qr/^EACCES/, 'but not to any port';
is join(' ', grep { $got{$_} eq 'possible' } qw(open-outside list-root
    create-outside exec-memory exec fork)), '', 'nor is anything else';

stop_server();
like rcpt('team-one'), qr/^451 4\.3\.0 /, 'a server that is gone';
like rcpt('team-none'), qr/^451 4\.3\.0 /, 'of which nobody knows more';
like rcpt('ann'), qr/^250 /, 'who is found before is found';
$pid = server();
ok $pr->wait_for(sub { rcpt('team-two') =~ /^250 / }), 'it is back';
ok $pr->wait_for(sub { rcpt('team-none') =~ /^550 / }), 'with all';

# a table that is replaced in the jail, where no code can be made
$pr->spew("$conf/rewrite.new", "/^(new)-(.*)\@/ \$2\@example.test\n");
rename "$conf/rewrite.new", "$conf/rewrite" or die "rename: $!\n";
ok $pr->wait_for(sub { rcpt('new-bob') =~ /^250 / }), 'a new table';
like rcpt('old-ann'), qr/^550 5\.1\.1 /, 'and not the old one';

# a bad one is told when a program starts, not only when mail comes
$pr->spew("$conf/rewrite", "/a(b/ c\n");
$mark = $pr->log_mark;
$pr->spew("$conf/aliases", "x: ann\n");
$pr->reload;
ok $pr->wait_for(sub {
	rcpt('ann');		# starts a router
	grep { m{router\S* table .*rewrite:1: octet} } $pr->log_lines($mark);
}), 'a bad table is told at a start';
done_testing;
