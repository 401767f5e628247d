#!/usr/bin/perl
# Accounts, aliases and quotas of a running suite, as a client sees them.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;

my $pr = Postrider::Instance->new(
	users => { ann => 'pw', 'bob@b.test' => 'pw' },
	domains => ['example.test', 'b.test'],
	conf => { 'common.conf' => { system_domains => 'sys.test',
	    system_users => 'text:logins' },
	    'router.conf' => { quota_cache => '0s' } });
$pr->spew($pr->conf_dir . '/logins',
    "joe:54321:54321:/home/joe\ndaemon:2:2:/\n");
$pr->start;

# the reply to RCPT TO:<addr>
sub rcpt {
	my ($addr) = @_;
	my $c = $pr->smtp;
	$c->cmd('EHLO test');
	$c->cmd('MAIL FROM:<>');
	return join ' ', $c->cmd("RCPT TO:<$addr>");
}

like rcpt('ann+lists@Example.Test'), qr/^250 /, 'a mailbox';
like rcpt('Postmaster'), qr/^250 /, 'bare postmaster';
like rcpt('abuse@sys.test'), qr/^250 /, 'abuse in any domain';
like rcpt('ann@[127.0.0.1]'), qr/^250 /, 'our own address literal';
like rcpt('joe@sys.test'), qr/^250 /, 'a system account';
like rcpt('daemon@sys.test'), qr/^550 5\.1\.1 /, 'but none of the system';
like rcpt('bob@example.test'), qr/^550 5\.1\.1 /,
    'nobody of that name in this domain';
like rcpt('x@away.example'), qr/^55\d 5\.7\.1 /, 'no relay';
like rcpt('ann@away.example@b.test'), qr/^5\d\d 5\.1\.3 /, 'two domains';
like rcpt('"x@away.example"@b.test'), qr/^55\d 5\.7\.1 /,
    'a foreign address as a local part';

like rcpt('team@b.test'), qr/^550 5\.1\.1 /, 'an alias that is not there';
$pr->spew($pr->conf_dir . '/aliases', "team: ann, bob\@b.test\n");
$pr->map('aliases');
ok $pr->wait_for(sub { rcpt('team@b.test') =~ /^250 / }),
    'is there soon after it was compiled';

is scalar($pr->send(to => 'team@b.test', message => "Subject: a\n\nx\n")),
    250, 'mail to the alias';
is scalar($pr->wait_mails('ann', 1)), 1, 'comes to one';
is scalar($pr->wait_mails('bob@b.test', 1)), 1, 'and to the other';

$pr->ctl_ok('user', 'quota', 'bob@b.test', '1K');
is scalar($pr->send(to => 'bob@b.test',
    message => "Subject: a\n\n" . "x" x 70 . "\n")), 250, 'a little fits';
$pr->ctl_ok('user', 'quota', 'bob@b.test', '10');
ok $pr->wait_for(sub { rcpt('bob@b.test') =~ /^55\d 5\.2\.2 / }),
    'a full mailbox is refused at RCPT';

my $routes = $pr->call('router', 'route', addr => 'joe+x@sys.test');
like $routes, qr/^transport=system$/m, 'a system account has its agent';
like $routes, qr/^mailbox=joe$/m, 'and its login';
done_testing;
