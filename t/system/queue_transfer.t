# postrider queue transfer, export, import: from one instance to another; cut
# off anywhere, nothing is lost and nothing comes twice.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Postrider::Instance;
use Test::More;

my ($a, $b) = map { Postrider::Instance->new(users => { ann => 'pw' })
    ->start } 1, 2;

sub list { return @{ decode_json(shift->queue('list', '--json', @_)) } }

sub subjects {
	return join ' ', sort map { /^Subject: (\S+)/m ? $1 : '?' }
	    map { $a->slurp($_) } $b->mails('ann');
}

my $there = "$b->{build}/ctl/postrider";
my @import = ($there, '-i', $b->dir, 'queue', 'import');

$a->queue('pause', 'local:');
$a->send(from => "s$_\@example.org", to => 'ann@example.test',
    message => "Subject: m$_\n\nhi\n") for 1 .. 6;
ok $a->wait_for(sub { list($a) == 6 }), 'six wait';
my @id = map { $_->{id} } list($a);
$a->queue('hold', $id[1]);
$a->queue('release', '--at', '2h', $id[2]);
$a->queue('priority', '7', $id[3]);

like $a->queue('transfer', '--id', $id[0], '--', @import),
    qr/^transferred: 1, failed: 0, busy: 0$/m, 'one goes';
ok $b->wait_mails('ann', 1), 'and is delivered there';
is subjects(), 'm1', 'it is that one';
ok $a->wait_log(qr/removed q=$id[0] .*reason=transferred/), 'and left here';

# those on hold and for later stay so
like $a->queue('transfer', '--from', "s$_\@example.org", '--', @import),
    qr/^transferred: 1/m, "m$_ goes" for 2, 3;
my %b = map { $_->{id} => $_ } list($b);
is $b{ $id[1] }{state}, 'hold', 'held there';
is $b{ $id[2] }{state}, 'scheduled', 'for later there';
is $b{ $id[2] }{from}, 's3@example.org', 'with its sender';
like $b->queue('show', $id[2]), qr/^Subject: m3$/m, 'and its content';

# the other side dies after it has the message and before it says so
my $lossy = $a->dir . '/lossy';
$a->spew($lossy, <<"SH");
#!/bin/sh
rm -f $lossy.fifo
mkfifo $lossy.fifo
exec 4<&0
@import <&4 >$lossy.fifo &
exec 3<$lossy.fifo
read x <&3
echo "\$x"
read x <&3
SH
chmod 0755, $lossy;
my ($st, $out) = $a->ctl('queue', 'transfer', '--id', $id[3], '--', $lossy);
isnt $st, 0, 'an answer is lost' or diag $out;
my ($x) = list($a, $id[3]);
is "$x->{state} $x->{text}", 'hold transfer', 'it is on hold here';
ok $b->wait_mails('ann', 2), 'though it came there';
like $a->queue('transfer', '--from', 'nobody@x.test', '--', @import),
    qr/^transferred: 1/m, 'the next run asks';
is scalar(list($a, $id[3])), 0, 'and it leaves here';

# ... or before
($st, $out) = $a->ctl('queue', 'transfer', '--id', $id[4], '--',
    'sh', '-c', 'echo postrider-queue 1; read x; read x; exit 1');
isnt $st, 0, 'it does not arrive';
is +(list($a, $id[4]))[0]{state}, 'hold', 'it is on hold here';
like $a->queue('transfer', '--from', 'nobody@x.test', '--', @import),
    qr/^transferred: 1/m, 'the next run sends it';
ok $b->wait_mails('ann', 3), 'delivered';

# a file; and what is refused
my $file = $a->dir . '/queue.export';
like $a->queue('export', $file, '--from', 's6@example.org'),
    qr/^transferred: 1/m, 'into a file';
is scalar(list($a)), 0, 'nothing is left';
like $b->queue('import', $file), qr/^imported: 1, already here: 0/m,
    'out of it';
ok $b->wait_mails('ann', 4), 'delivered';
like $b->queue('import', $file), qr/^imported: 0, already here: 1/m,
    'once';
my $text = $a->slurp($file);
$a->spew("$file.cut", substr $text, 0, length($text) - 10);
($st, $out) = $b->ctl('queue', 'import', "$file.cut");
isnt $st, 0, 'a file that is cut off is told';
$b->queue('release', $id[1]);
ok $b->wait_mails('ann', 5), 'what was held goes when it is released';
is subjects(), 'm1 m2 m4 m5 m6', 'each once';

# there is no room, or nobody
$a->send(from => 's7@example.org', to => 'ann@example.test',
    message => "Subject: m7\n\nhi\n");
ok $a->wait_for(sub { list($a) == 1 }), 'one more';
$b->stop;
($st, $out) = $a->ctl('queue', 'transfer', '--yes', '--', @import);
isnt $st, 0, 'the other side is down';
like +(list($a))[0]{state}, qr/^(?:ready|deferred|hold)$/, 'it is here';
$b->start;
like $a->queue('transfer', '--yes', '--', @import), qr/^transferred: 1/m,
    'and goes when it is up';
ok $b->wait_mails('ann', 6), 'delivered';
is subjects(), 'm1 m2 m4 m5 m6 m7', 'each once';

# one that another import has in hand is left alone; what one left behind goes
$a->send(from => 's9@example.org', to => 'ann@example.test',
    message => "Subject: m9\n\nhi\n");
ok $a->wait_for(sub { list($a) == 1 }), 'one more';
my $q = (list($a))[0]{id};
unlink $file;
$a->queue('export', $file, '--from', 's9@example.org');
$b->queue('import', $file);
ok $b->wait_mails('ann', 7), 'it comes';
my ($path) = glob $b->dir . "/spool/content/*/$q";
ok !$path || $b->wait_for(sub { !-e $path }), 'and has left the queue';
(my $new = $q) =~ tr/0-9A-Za-z/1-9A-Za-z0/;
substr($new, 0, -4) = substr $q, 0, -4;
my $again = $a->slurp($file) =~ s/\Q$q\E/$new/gr;
$a->spew("$file.new", $again);
my $n = 0;
$n = $n * 62 + index join('', 0 .. 9, 'A' .. 'Z', 'a' .. 'z'), $_
    for split //, $new;
$path = sprintf '%s/spool/content/%02x', $b->dir, $n & 255;
mkdir $path;
$path .= "/$new";
$b->spew($path, "half of it");
open my $held, '<', $path or die "$path: $!\n";
flock $held, 2 or die "flock: $!\n";
($st, $out, my $why) = $b->ctl('queue', 'import', "$file.new");
isnt $st, 0, 'another import has it';
like $why, qr/on its way into this queue/, 'which is told';
is $b->slurp($path), 'half of it', 'its content stays as it is';
close $held;
like $b->queue('import', "$file.new"), qr/^imported: 1/m,
    'nobody has it any more';
ok $b->wait_mails('ann', 8), 'it is the new content that counts';
is subjects(), 'm1 m2 m4 m5 m6 m7 m9 m9', 'whole';

# what can not be an envelope
(my $fresh = $new) =~ tr/0-9A-Za-z/1-9A-Za-z0/;
substr($fresh, 0, -4) = substr $q, 0, -4;
my ($env) = $again =~ /^(\d+\nverb=rcpt.*?)Return-Path/ms;
my @part = $env =~ /^\d+\n(verb=rcpt.*?)\d+\n(verb=enqueue.*)/s;
for (['(orcpt=)', 'x y;z', 'ORCPT'], ['(notify=)', "NEVER\r\nQUIT",
    'NOTIFY'], ['(verb=enqueue\0)', "envid=\n\0", 'ENVID'],
    ['(verb=enqueue\0)', "ret=FULL SIZE=1\0", 'RET']) {
	my ($re, $to, $name) = @$_;
	my $changed = join '', map {
		my $text = s/\Q$new\E/$fresh/r;
		$text =~ s/\0size=\d+/\0size=2/;
		$text =~ s/$re/$1$to/;
		length($text) . "\n$text";
	} @part;
	$a->spew("$file.bad", sprintf "postrider-queue 1\nM %s %d 2\n%shi" .
	    "E\n", $fresh, length $changed, $changed);
	($st, $out, $why) = $b->ctl('queue', 'import', "$file.bad");
	like $why, qr/malformed .*$name/, "bad $name";
}

# it is there, and can not be removed here
$a->send(from => 's10@example.org', to => 'ann@example.test',
    message => "Subject: m10\n\nhi\n");
ok $a->wait_for(sub { list($a) == 1 }), 'one more';
my $takes = $a->dir . '/takes';
$a->spew($takes, <<"P");
#!/usr/bin/perl
\$| = 1;
print "postrider-queue 1\n";
<STDIN>;
my (\$q, \$e, \$c) = (split ' ', <STDIN>)[1 .. 3];
read STDIN, my \$b, \$e + \$c;
system "$there -i @{[$a->dir]} queue release \$q >/dev/null";
print "ok \$q\n";
<STDIN>;
print "bye\n";
P
chmod 0755, $takes;
($st, $out, $why) = $a->ctl('queue', 'transfer', '--yes', '--', $takes);
isnt $st, 0, 'it stays here though it arrived';
like $out, qr/^transferred: 0, failed: 1/m, 'which is counted';
like $why, qr/could not be removed here/, 'and said';
$a->queue('delete', '--yes');

# what is in the queue keeps its content, whatever a stream says of its id
$a->send(from => 's8@example.org', to => 'ann@example.test',
    message => "Subject: m8\n\nhi\n");
ok $a->wait_for(sub { list($a) == 1 }), 'one that waits';
my $id = (list($a))[0]{id};
like $a->queue('list'), qr/^ *\[paused: .*administrator\]$/m,
    'a pause has no end';
my $bad = "postrider-queue 1\nM $id 2 4\n0\nEVILE\n";
$a->spew($file, $bad);
for my $state (qw(ready hold)) {
	$a->queue('hold', $id) if $state eq 'hold';
	isnt +($a->ctl('queue', 'import', $file))[0], 0, "import, $state";
	like $a->queue('show', $id), qr/^Subject: m8$/m, 'it is as it was';
}
done_testing;
