#!/usr/bin/perl
# Senders of ours leave signed; reports come back to such an address, and to no
# other.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_hex);
use Test::More;
use Postrider::Day qw(day_left);
use Postrider::Instance;
use Postrider::Zoo;

day_left(120);

my $z = Postrider::Zoo->new;
my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
	'router.conf' => { relayhost => $z->nexthop, batv => 'yes' },
	'common.conf' => { hostname => 'mail.host.example' },
	'smtp.conf' => { batv => 'yes' },
	'smtpd.conf' => { rcpt_rules => <<'R' } });

    tag answered if batv valid
    reject 550 5.7.1 "the signature of $recipient is not good" if batv invalid
      and recipient matches /^prvs=9/
    reject 550 5.7.1 "not a reply to mail of ours"
      if sender null and batv missing
R
$i->spew($i->conf_dir . '/aliases', "away: far\@away.example\n");
$i->start;
my $took = 0;

# the sender with which a message comes to the other host
sub leaves {
	my (%arg) = @_;
	my @m;
	is scalar $i->send(%arg), 250, "from $arg{from}";
	$i->wait_for(sub { (@m = $z->took) > $took });
	return ($m[$took++] || {})->{from};
}

# as anybody who has the secret makes it
sub tag {
	my ($addr, $days) = @_;
	my ($secret) = $i->slurp($i->conf_dir . '/srs.secret') =~ /^(\w+)/m;
	my $kddd = sprintf '0%03d', (int(time / 86400) + $days) % 1000;
	return "prvs=$kddd" . substr(hmac_sha1_hex("$kddd$addr", $secret), 0,
	    6) . "=$addr";
}

my @out = (port => 'submission', auth => ['ann', 'pw'],
    to => 'joe@far.example');
my @good = map { tag('ann+x@example.test', $_) } 6 .. 8;
my $signed = leaves(@out, from => 'ann+x@example.test');
ok scalar(grep { $_ eq $signed } @good), "... is signed: $signed";
is leaves(@out, from => ''), '', '... and nobody is not';
my $srs = leaves(from => 'joe@b.example', to => 'away@example.test');
like $srs, qr/^SRS0=.*=joe\@example\.test$/, '... and one of others is not';
$signed = leaves(from => 'ann@example.test', to => 'away@example.test');
like $signed, qr/^prvs=\d{4}[0-9a-f]{6}=ann\@example\.test$/,
    '... but ours where mail is forwarded';

my ($host) = $i->call('router', 'srs', batv => 'yes',
    sender => 'ann@mail.host.example') =~ /^sender=(.*)$/m;
like $host, qr/^prvs=0\d{3}[0-9a-f]{6}=ann\@mail\.host\.example$/,
    'a sender at the host name keeps it';

# what comes to it
sub report {
	my ($to, $from) = @_;
	return join ' ', $i->send(from => $from // '', to => $to,
	    message => "Subject: to $to\n\nx\n");
}

like report($signed), qr/^250 /, 'a report to it is taken';
my ($f) = $i->wait_mails('ann', 1);
like $i->slurp($f), qr/^Subject: to \Q$signed\E$/m, '... and comes';
like report($host), qr/^250 /, '... and one to that';
like report($srs), qr/^250 /, 'one to a forwarded sender is taken, too';
like report(tag('ann+x@example.test', 3)), qr/^250 /, 'one with an extension';
my @to = sub { map { $i->slurp($_) =~ /^Subject: to (.*)$/m } @_ }->(
    $i->wait_mails('ann', 3));
ok scalar(grep { /=ann\+x@/ } @to), '... and comes';
like report(tag('ann@example.test', 0)), qr/^250 /, 'on its last day';
like report(tag('ann@example.test', -1)),
    qr/^550 5\.1\.1 address signature is not valid/, 'and not after it';
like report(tag('bob@example.test', 7)), qr/^550 5\.1\.1 no such user/,
    'nobody has it';
(my $forged = $signed) =~ s/ann/away/;
like report($forged), qr/^550 5\.1\.1 address signature is not valid/,
    "another's";
like report('prvs=ann@example.test'), qr/^550 5\.1\.1 address signature/,
    'none at all';
$forged = 'prvs=9' . substr $signed, 6;
like report($forged), qr/^550 5\.7\.1 the signature of prvs=9/,
    'a rule has its own words';
like report($forged, 'joe@b.example'), qr/^250 /, 'mail is no report';
like report('ann@example.test'), qr/^550 5\.7\.1 not a reply to mail of ours/,
    'a report of what we did not send';
like report('ann@example.test', 'joe@b.example'), qr/^250 /,
    'and mail as ever';

# it verifies behind a newer secret
$i->ctl_ok('srs', 'rotate');
ok $i->wait_for(sub { tag('ann@example.test', 7) ne $signed &&
    report(tag('ann@example.test', 7)) =~ /^250 / }), 'a new secret verifies';
like report($signed), qr/^250 /, '... and the old one';

sub would {
	my ($to) = @_;
	my (undef, $out) = $i->ctl('test', '--client', '192.0.2.5', '--sender',
	    '', '--rcpt', $to, '--no-dns');
	return $out;
}
like would('ann@example.test'), qr/550 5\.7\.1 not a reply to mail of ours/,
    'postrider test: refused';
like would($signed), qr/^tag +answered$/m, '... taken';
like would(tag('ann@example.test', -1)),
    qr/5\.1\.1 address signature is not valid .*the server itself/,
    '... too late';
done_testing;
