# A route that router sealed at RCPT is believed, and router not asked; whatever
# is wrong with a seal, router is, and the message goes its way.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp ();
use Postrider::Enqueue;
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $key = join '', map { chr } 100 .. 115;
my $s = cleanup_alone(seal => $key);
my $c = $s->connect;
my ($joe, $ann, $bob) = ('joe@example.org', 'ann@example.test',
    'bob@example.test');
my $text = "Subject: x\n\nhello\n";

# see lib/proto/seal.c; seconds from now, or a key of another's
sub seal {
	my ($rcpt, $from, %arg) = @_;
	my $until = int((clock_gettime(CLOCK_MONOTONIC) +
	    ($arg{seconds} // 50)) * 1000);
	my $f = join "\t", $until, '', 'local', 'sealed.test', 'box', 0;
	my $text = File::Temp->new;
	print {$text} "$f\0$rcpt\0$from";
	close $text;
	my @cmd = (qw(openssl mac -macopt size:16 -in), $text, '-macopt',
	    'hexkey:' . unpack('H*', $arg{key} // $key), 'SIPHASH');
	open my $fh, '-|', @cmd or die "openssl: $!";
	chomp(my $mac = <$fh>);
	close $fh or die "openssl: $?";
	return lc($mac) . "\t$f";
}

# how often router was asked for it, and where it went
sub way {
	my ($what, %arg) = @_;
	my $before = () = $s->asked('router');
	my $r = submit($c, content => $text, from => $joe, %arg);
	is $r->{verb}, 'ok', "$what: taken" or diag explain $r;
	unlink $s->content;
	my ($e) = ($s->asked('qmgr'))[-1];
	my $asked = () = $s->asked('router');
	return $asked - $before, join ' ', @{ $e->{l}{mailbox} };
}

sub rcpt { my ($to, $seal) = @_; return [addr => $to, seal => $seal] }

is_deeply [way('sealed', rcpt => [rcpt($ann, seal($ann, $joe))])],
    [0, 'box'], '... goes by it, and router is not asked';
is_deeply [way('two of them', rcpt => [rcpt($ann, seal($ann, $joe)),
    rcpt($bob, seal($bob, $joe))])], [0, 'box box'], '... too';
my %bad = (
	'none' => '',
	'of another sender' => seal($ann, 'eve@example.org'),
	'of another recipient' => seal($bob, $joe),
	'over' => seal($ann, $joe, seconds => -1),
	'good for too long' => seal($ann, $joe, seconds => 3600),
	'by another key' => seal($ann, $joe, key => 'x' x 16),
	'too long' => seal($ann, $joe) . '0' x 3000,
	'no seal' => "\t\t\t\t\t\t",
);
(my $changed = seal($ann, $joe)) =~ s/box/bob/;
$bad{changed} = $changed;
for my $what (sort keys %bad) {
	is_deeply [way($what, rcpt => [rcpt($ann, $bad{$what})])], [1, $ann],
	    '... router is asked';
}
is_deeply [way('one of two', rcpt => [rcpt($ann, seal($ann, $joe)),
    rcpt($bob, '')])], [1, "$ann $bob"], '... router is asked for both';

# an edit of the envelope
$c->send('edit', [op => 'add-rcpt', value => $bob, by => 'test']);
is_deeply [way('another recipient', rcpt => [rcpt($ann, seal($ann, $joe))])],
    [1, "$ann $bob"], '... router is asked';
$c->send('edit', [op => 'sender', value => 'eve@example.org', by => 'test']);
is_deeply [way('another sender', rcpt => [rcpt($ann, seal($ann, $joe))])],
    [1, $ann], '... router is asked';
is_deeply [way('the next message', rcpt => [rcpt($ann, '')])], [1, $ann],
    '... has nothing of the one before';

# without a key
my $plain = cleanup_alone();
my $r = submit($plain->connect, content => $text, from => $joe,
    rcpt => [rcpt($ann, seal($ann, $joe))]);
is $r->{verb}, 'ok', 'who has no key takes it';
is scalar($plain->asked('router')), 1, '... and asks';
done_testing;
