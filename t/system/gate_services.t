#!/usr/bin/perl
# gate in front of submission and IMAP, with HAProxy in front of gate: TLS from
# the start, addresses of clients.
use strict;
use warnings;
use Fcntl qw(F_SETFD);
use IO::Socket::INET;
use Postrider::Imap;
use Postrider::ImapTest qw(run_client work_dir);
use Postrider::Instance;
use Postrider::Peers;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw' });
my %p = map { $_ => $i->port($_) } qw(submission smtps imap imaps);
my %section = (program => 'gate', user => 'net', spare => 1, max_idle => 0,
    order => 9);
$i->set_conf('master.conf', map { ("gate-s/$_" => $section{$_},
	"gate-i/$_" => $section{$_}) } keys %section);
$i->set_conf('master.conf',
    'gate-s/conf' => 'gate-s.conf', 'gate-i/conf' => 'gate-i.conf',
    'gate-s/listen' => "inet:127.0.0.1:$p{submission} " .
    "tls:127.0.0.1:$p{smtps} private:gate-s",
    'gate-i/listen' => "inet:127.0.0.1:$p{imap} tls:127.0.0.1:$p{imaps}",
    'submission/listen' => 'gate:submission',
    'imap-login/listen' => 'gate:imap inbox:imap-login');
$i->set_conf('gate-s.conf', service => 'submission', pregreet => 'off',
    proxy_networks => '127.0.0.99');
$i->set_conf('gate-i.conf', service => 'imap', protocol => 'imap',
    except => '127.0.0.1',
    proxy_networks => '127.0.0.99', deny => 'inline:127.0.0.30=go away');
$i->start;

# HAProxy, on sockets of ours
my $dir = work_dir();
my %front;
for my $name (qw(smtps imaps imap)) {
	$front{$name} = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    LocalPort => 0, Proto => 'tcp', Listen => 64) or die $!;
	fcntl $front{$name}, F_SETFD, 0;
}
my $cfg = "defaults\n mode tcp\n timeout connect 20s\n timeout client 60s\n" .
    " timeout server 60s\n";
for my $name (sort keys %front) {
	$cfg .= "listen $name\n bind fd\@" . fileno($front{$name}) . "\n" .
	    " server s 127.0.0.1:$p{$name} source 127.0.0.99 " .
	    ($name eq 'smtps' ? 'send-proxy-v2' : 'send-proxy') . "\n";
}
$i->spew("$dir/cfg", $cfg);
my $haproxy = Postrider::Peers->program('haproxy');
my $pid = fork // die "fork: $!\n";
if (!$pid) {
	open STDERR, '>', "$dir/err";
	exec $haproxy, '-db', '-f', "$dir/cfg" or exit 1;
}
END {
	if ($pid) {
		local $?;
		kill 'KILL', $pid;
		waitpid $pid, 0;
	}
}

sub curl {
	my ($name, $from, @arg) = @_;
	my ($st, $out) = run_client({ dir => $dir, limit => 60 }, 'curl',
	    '-sSk', '--interface', $from, '--user', 'ann@example.test:pw',
	    @arg);
	is $st, 0, $name or diag $out . $i->slurp("$dir/err");
	return $out;
}

$i->spew("$dir/m", "From: ann\@example.test\nSubject: by proxy\n\nx\n");
curl('mail by HAProxy and TLS', '127.0.0.55',
    'smtps://127.0.0.1:' . $front{smtps}->sockport,
    '--mail-from', 'ann@example.test', '--mail-rcpt', 'ann@example.test',
    '--upload-file', "$dir/m");
like $i->wait_log(qr/submission\[.*disconnect .*client=127\.0\.0\.55 /),
    qr/ login=ann\@example\.test tls=TLSv1\.3 .* accepted=1 /,
    'the session knows client and TLS';
is scalar($i->wait_mails('ann', 1)), 1, 'it came';
like curl('the same for IMAP', '127.0.0.56',
    'imaps://127.0.0.1:' . $front{imaps}->sockport . '/INBOX/;MAILINDEX=1'),
    qr/^Subject: by proxy/m, 'and reads it';
ok $i->wait_log(qr/imapd\[.*disconnect .*client=127\.0\.0\.56 /),
    'the session in the mailbox knows the client, too';
curl('TLS by gate alone', '127.0.0.57', "imaps://127.0.0.1:$p{imaps}");

# who came by a proxy can not go back to imap-login, which would see another
my $c = Postrider::Imap->new(port => $front{imap}->sockport,
    from => '127.0.0.1');
$c->login('ann@example.test', 'pw');
my ($caps) = grep { $_->{name} eq 'CAPABILITY' }
    @{ $c->cmd('CAPABILITY')->{got} };
unlike $caps->{raw}, qr/UNAUTHENTICATE/, 'no way back by a proxy';
$c->close;
$c = Postrider::Imap->new(port => $p{imap}, from => '127.0.0.58');
$c->login('ann@example.test', 'pw');
$c->ok('a way back without', 'UNAUTHENTICATE');
$c->login('ann@example.test', 'pw');
$c->ok('which leads to imap-login', 'NOOP');
$c->close;
$c = Postrider::Line->connect_to(port => $p{imap}, from => '127.0.0.30');
is $c->line, '* BYE client [127.0.0.30] go away', 'refused in its protocol';
ok $c->closed, 'and closed';

# one that speaks no TLS at a port of TLS hears nothing of ours
$c = Postrider::Line->connect_to(port => $p{smtps}, from => '127.0.0.99');
$c->put("GET / HTTP/1.1\r\n\r\n");
is $c->line, undef, 'a proxy without a header';
my ($st, $out, $err) = $i->ctl('check');
is $st, 0, 'the configuration is good' or diag "$out$err";
$i->set_conf('master.conf', 'router/listen' => 'private:router gate:x');
($st, $out, $err) = $i->ctl('check');
isnt $st, 0, 'no gate to a program that is none of sessions';
like "$out$err", qr/router takes no clients from gate/, 'as it says';
done_testing;
