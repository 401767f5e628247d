#!/usr/bin/perl
# limitd in a suite: counts, remembers, keeps it across a restart and a kill,
# and starts anew with a damaged file.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Ipc;

my $i = Postrider::Instance->new(users => { ann => 'pw' },
	conf => { 'limitd.conf' => { save_interval => '1s' } });
$i->start;
my $socket = $i->dir . '/run/private/limitd';
my $state = $i->dir . '/spool/limit/state';

sub ask {
	my ($verb, @f) = @_;
	my $m = Postrider::Ipc->connect($socket)->call($verb, [@f]);
	# defaults are not sent
	$m->{f} = { over => 'no', fresh => 0, used => 0, %{ $m->{f} } };
	return $m;
}
sub hit {
	my ($key, $limit, $n) = @_;
	my $r = ask('hit', key => $key, limit => $limit, amount => $n // 1);
	return "$r->{f}{over} $r->{f}{used}";
}
sub listed { return $i->ctl_ok('call', 'limitd', 'list', "prefix=$_[0]") }

is hit('submit ann', '3/1h', 2), 'no 2', 'counted';
is hit('submit ann', '3/1h', 2), 'yes 2', 'over: not counted';
is hit('submit ann', '3/1h'), 'no 3', 'the last one';
my $r = ask('hit', key => 'submit ann', limit => '3/1h');
like $r->{f}{wait}, qr/^(?:[1-9]\d*(?:ms|s|m)|[1-9]h)$/, 'how long to wait';
$r = ask('hit', key => 'a x', limit => '5/1h', key => 'submit ann',
    limit => '3/1h');
is "$r->{f}{over} $r->{f}{at} @{$r->{l}{used}}", 'yes 1 0 3',
    'all or none: the second is over, the first not counted';
$r = ask('peek', key => 'submit ann', limit => '9/1h', key => 'b',
    limit => '1/1s');
is "$r->{f}{over} @{$r->{l}{used}}", 'no 3 0', 'peek';
$r = ask('hit', (key => 'twice', limit => '1/1h') x 2);
is "$r->{f}{over} @{$r->{l}{used}}", 'yes 0 0', 'a key twice in a request';
is hit('submit ann', '0/1d', 1000), 'no 1000', 'no limit, another window';

sub seen {
	my ($limit, $peek, @v) = @_;
	my $m = ask('seen', key => 'rcpt ann', limit => $limit,
	    peek => $peek, map { (value => $_) } @v);
	return join ' ', @{$m->{f}}{qw(over fresh used)};
}
is seen('3/1d', 'no', qw(a b)), 'no 2 2', 'two new ones';
is seen('3/1d', 'no', qw(a b c)), 'no 1 3', 'one more';
is seen('3/1d', 'no', qw(a d)), 'yes 1 3', 'one too many';
is seen('3/1d', 'no', qw(a b c)), 'no 0 3', 'known ones are always well';
is seen('', 'yes', qw(c d e)), 'no 2 0', 'only looked at';
is seen('', 'yes', qw(c d e)), 'no 2 0', '... nothing was remembered';
like listed('rcpt'), qr/rcpt ann.*used=3.*window=0/s, 'list: values';
unlike listed('rcpt'), qr/submit/, 'list: by prefix';

# who came, and who passed
sub grey {
	my ($value, $delay) = @_;
	my $m = ask('grey', key => 'grey 192.0.2.0/24', value => $value,
	    delay => $delay // '1h', window => '2h', remember => '1d',
	    after => 0);
	return join ' ', map { $m->{f}{$_} || 'no' } qw(pass fresh);
}
is grey('a b'), 'no yes', 'greylisted';
is grey('p q', '1s'), 'no yes', '... another';
ok $i->wait_for(sub { grey('p q', '1s') eq 'yes no' }), '... which passes';
# known: one waits since then, one passes whatever the delay is now
sub grey_state { return join ', ', map { grey($_) } 'a b', 'p q', $_[0] }
my $kept = 'no no, yes no, no yes';
is grey_state('x 1'), $kept, 'one waits, one passes, one is new';

for my $bad (['hit', key => 'x', limit => '5'], ['hit', key => 'x'],
    ['hit', key => '', limit => '1/1h'],
    ['hit', key => "x\ty", limit => '1/1h'],
    ['hit', key => 'x' x 301, limit => '1/1h'],
    ['hit', key => 'x', limit => '1/1h', amount => '-1'],
    ['hit', (key => 'x', limit => '1/1h') x 33],
    ['seen', key => 'x', limit => 'nonsense'], ['forget', key => "\n"]) {
	my $m = ask(@$bad);
	is $m->{verb}, 'err', "refused: $m->{f}{text}";
}
is $i->call('limitd', 'ping') // '', '', 'it is still there';

$i->wait_for(sub { -s $state });
is sprintf('%o', (stat $state)[2] & 07777), '600', 'its file is its own';
is sprintf('%o', (stat $i->dir . '/spool/limit')[2] & 07777), '700',
    'and the folder';
unlike $i->slurp($state), qr/[\x20-\x7e]{4}\@|rcpt a\b/, 'no value in it';
$i->ctl_ok('reload');
$i->wait_log(qr/state-read keys=[1-9]/);
is hit('submit ann', '3/1h'), 'yes 3', 'known after a reload';
is grey_state('x 2'), $kept, '... as are those who were greylisted';
$i->wait_for(sub { (stat $state)[9] >= time - 1 });
ask('hit', key => 'late', limit => '0/1h');
$i->wait_for(sub { $i->slurp($state) =~ /late/ });
my $mark = $i->log_mark;
my ($pid) = $i->pids_of('limitd');
kill 'KILL', $pid;
$i->wait_for(sub { my ($p) = $i->pids_of('limitd'); $p && $p != $pid });
is hit('late', '1/1h'), 'yes 1', 'and after a kill';
is grey_state('x 3'), $kept, '... greylisted ones, too';
$i->ctl_ok('stop');
$i->{started} = 0;
$i->start;
is grey_state('x 4'), $kept, '... and after a stop of all';
is hit('submit ann', '3/1h'), 'yes 3', '... which loses no count';

is $i->ctl_ok('stop') && 1, 1, 'stopped';
$i->{started} = 0;
my $text = $i->slurp($state);
substr($text, 40, 1) ^= 'x';
open my $fh, '+<:raw', $state or die;
print {$fh} $text;
close $fh;
$i->start;
like $i->wait_log(qr/limitd.*state-lost/), qr/damaged/,
    'a damaged file is told';
is hit('submit ann', '3/1h'), 'no 1', '... and all begins anew';
$i->ctl_ok('call', 'limitd', 'forget', 'key=submit ann');
is hit('submit ann', '3/1h'), 'no 1', 'forgotten';

SKIP: {
	skip 'without root all roles are one', 3 if $> != 0;
	my $common = $i->slurp($i->conf_dir . '/common.conf');
	my $name = $common =~ /^\s*net_user\s*=\s*(\S+)/m ? $1 :
	    'postrider-net';
	my @pw = getpwnam $name;
	skip "no user $name", 3 unless @pw;
	my $as = sub {
		my ($st, $out, $err) = $i->run('setpriv', "--reuid=$pw[2]",
		    "--regid=$pw[3]", '--init-groups', '--',
		    "$i->{build}/ctl/postrider", '-i', $i->dir, 'call',
		    'limitd', @_);
		return "$out$err";
	};
	my @h = ('limit=1/1h');
	like $as->('hit', 'key=submit x', @h), qr/used=1/, 'smtpd may count';
	like $as->('hit', 'key=auth-addr 192.0.2.1', @h), qr/5\.7\.1/,
	    'but not logins';
	like $as->('forget', 'key=submit x'), qr/5\.7\.1|not permitted|closed/,
	    'and not forget';
}
done_testing;
