#!/usr/bin/perl
# Quota: counted, kept, checked.
use strict;
use warnings;
use Test::More;
use Postrider::Delivery;

my $l = Postrider::Delivery->new;
$l->start;

sub size {
	open my $fh, '<', $l->maildir('ann') . '/maildirsize' or return '';
	local $/;
	return <$fh>;
}

sub full {
	my ($mailbox, $quota) = @_;
	my $r = $l->connect->call('quota', [mailbox => $mailbox,
	    quota => $quota]);
	return join ' ', $r->{verb}, $r->{f}{used} // 0, $r->{f}{full} // 'no';
}

my $m = $l->message('x' x 99 . "\n");
is $l->deliver($m, ['ann']), 'ok', 'no quota';
is size(), '', 'nothing is counted';
is $l->deliver($l->message('x' x 49 . "\n"), ['ann'], quota => [200]), 'ok',
    'a quota: there is room';
is size(), "200S\n100 1\n50 1\n", 'counted, and added to';
is full('example.test/ann', 200), 'ok 150 no', 'the router may ask';
is full('example.test/ann', 150), 'ok 150 yes', 'also whether it is full';
is full('example.test/nobody', 150), 'ok 0 no', 'a mailbox that is not made';
$m = $l->message('x' x 99 . "\n");
is $l->deliver($m, ['ann'], quota => [200]),
    '0 deferred 4.2.2 mailbox is full; ok', 'no room: tried again later';
is $l->deliver($m, ['ann'], quota => [60]),
    '0 failed 5.2.3 message is larger than the whole mailbox may be; ok',
    'where there never is room it comes back';
is $l->deliver($m, ['ann'], quota => ['10M']), 'ok', 'with more quota it fits';
is $l->deliver($m, ['ann'], quota => [250], again => 'yes'), 'ok',
    'what was delivered already is not refused';

unlink $l->maildir('ann') . "/new/$_" for $l->files('ann');
unlink $l->maildir('ann') . '/maildirsize';
is full('example.test/ann', 200), 'ok 0 no', 'a lost file is made anew';

my $r = Postrider::Delivery->new(conf => { quota_action => 'reject' });
$r->start;
$m = $r->message('x' x 100);
is $r->deliver($m, ['ann'], quota => [150]), 'ok', 'a mailbox';
is $r->deliver($r->message('x' x 100), ['ann'], quota => [150]),
    '0 failed 5.2.2 mailbox is full; ok', 'quota_action = reject';
done_testing;
