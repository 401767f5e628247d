#!/usr/bin/perl
# Mail that is forwarded out of the site: its sender, and what comes back.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;

my $pr = Postrider::Instance->new(users => { ann => 'pw' },
	domains => ['example.test'],
	conf => { 'router.conf' => { srs_domain => 'srs.example.test',
	    relay_domains => 'inner.example' } });
$pr->spew($pr->conf_dir . '/aliases', "away: far\@away.example\n");
$pr->start;
my $file = $pr->conf_dir . '/srs.secret';
my @st = stat $file;
is sprintf('%o', $st[2] & 0777), '400', 'the secrets are for one only';

# the senders for these recipients
sub srs {
	my ($sender, @orig) = @_;
	my $out = $pr->call('router', 'srs', sender => $sender,
	    map { (orig => $_) } @orig);
	return $out =~ /^sender=(.*)$/mg;
}

my ($s, $as_is) = srs('joe@b.example', 'away@example.test',
    'far@away.example');
like $s, qr/^SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=b\.example=joe\@srs\.example\.test$/,
    'a foreign sender is rewritten';
is $as_is, 'joe@b.example', 'but not where nobody of ours was named';
is_deeply [srs('', 'away@example.test')], [''], 'nor the null sender';
is_deeply [srs('ann@example.test', 'away@example.test')],
    ['ann@example.test'], 'nor one of ours';
is_deeply [srs('joe@b.example', 'x@inner.example')], ['joe@b.example'],
    'nor for a relay domain';

# the reply to RCPT, or to the whole message
sub rcpt {
	my ($to, $send) = @_;
	my $c = $pr->smtp;
	$c->cmd('EHLO test');
	$c->cmd('MAIL FROM:<>');
	my $r = join ' ', $c->cmd("RCPT TO:<$to>");
	return $r unless $send;
	$c->cmd('DATA');
	return join ' ', $c->cmd("Subject: no\r\n\r\nx\r\n.");
}

like rcpt($s, 1), qr/^250 /, 'a report to it is taken';
like $pr->call('qmgr', 'list'), qr/^rcpt=joe\@b\.example$/m,
    'and goes to the original sender';
(my $forged = $s) =~ s/joe/jim/;
like rcpt($forged), qr/^55\d 5\.7\.1 /, 'a forged one is not';
like rcpt('SRS0=x=y=z@example.test'), qr/^550 5\.1\.1 /,
    'and there are none in other domains';
like rcpt('postmaster@srs.example.test'), qr/^250 /,
    'its domain has a postmaster';

like $pr->ctl_ok('srs', 'rotate'), qr/1 older verifies, 0 dropped/, 'rotate';
ok $pr->wait_for(sub { (srs('joe@b.example', 'away@example.test'))[0] ne $s }),
    'a new secret signs';
like rcpt($s), qr/^250 /, 'the old one verifies';
my $text = $pr->slurp($file);
$text =~ s/ \d+$/ 1000000000/mg;
$pr->spew($file, $text);
like $pr->ctl_ok('srs', 'rotate'), qr/1 older verifies, 1 dropped/,
    'what signed long ago is dropped';
@st = stat $file;
is sprintf('%o', $st[2] & 0777), '400', 'for one only still';
ok $pr->wait_for(sub { rcpt($s) =~ /^55\d 5\.7\.1 / }),
    'and verifies no more';
done_testing;
