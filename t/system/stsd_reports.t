#!/usr/bin/perl
# TLS reports: sessions that were counted become the report of a day, which
# arrives as mail in a mailbox of this instance and by HTTPS, and of its own in
# the night; what can not be sent is tried again.
use strict;
use warnings;
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64);
use POSIX qw(strftime);
use Test::More;
use Postrider::Day qw(day_left);
use Postrider::Instance;
use Postrider::Ipc;
use Postrider::PolicyHost;
use Postrider::Tls;
use Postrider::Zone;

day_left(120);

my $i = Postrider::Instance->new(users => { ann => 'pw' }, conf => {
	'stsd.conf' => { organization => 'Example Ltd', report_delay => 0,
	    from => 'tls@example.test', retry => '1s' } });
my $tls = Postrider::Tls->new($i);
$tls->cert('ca', is_ca => 1, cn => 'CA of a test');
$tls->cert('web', ca => 'ca', names => ['reports.peer', 'mta-sts.peer']);
my $web = Postrider::PolicyHost->new(
    cert => { '' => [map { $tls->path("web.pem$_") } '', '.key'] });
my $dns = Postrider::Zone->new(fault => {
    '_smtp._tls.fails.peer' => 'servfail' }, zones => { peer => <<'END' });
reports A 127.0.0.1
mta-sts.broken A 127.0.0.1
_mta-sts.broken TXT "v=STSv1; id=1"
_smtp._tls.mail TXT "v=TLSRPTv1; rua=mailto:ann@example.test"
_smtp._tls.web TXT "v=TLSRPTv1; rua=https://reports.peer/v1/tls?x=y"
_smtp._tls.broken TXT "v=TLSRPTv1; rua=https://reports.peer/broken"
_smtp._tls.lost TXT "v=TLSRPTv1; rua=https://reports.peer/lost"
END
$dns->configure($i);
$i->set_conf('tlsd.conf', ca_file => $tls->path('ca.pem'));
$i->set_conf('sts-fetch.conf', https_port => $web->port,
    private_networks => '127.0.0.1');
my $taken = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
$web->answer('reports.peer', $taken);
$i->start;

my $socket = $i->dir . '/run/private/stsd';
my $c = Postrider::Ipc->connect($socket);
sub count {
	my ($domain, $result, @f) = @_;
	return $c->send('count', [domain => $domain, result => $result, @f]);
}
my $day = strftime('%Y-%m-%d', gmtime);
my @mx = (mx => 'mx.peer', mx_host => 'mx.peer', mx_addr => '192.0.2.9',
    mx_helo => 'mx', source => '192.0.2.1');
my @sts = (kind => 'sts', policy => 'version: STSv1', policy =>
    'mode: enforce', @mx);
count('mail.peer', 'success', n => 3, @sts);
count('mail.peer', 'certificate-expired', n => 2, reason => 'it is old',
    @sts);
count('mail.peer', 'starttls-not-supported', @mx);
count('mail.peer', 'success', sender => 'TLS@example.test', n => 100, @sts);
count("$_.peer", 'success', @mx) for qw(web silent lost fails);
# a session that had to go without its policy
is $c->call('policy', [domain => 'broken.peer'])->{f}{mode} // 'none', 'none',
    'no policy';
is $c->call('ping', [])->{verb}, 'ok', 'all counted';

# ---- shown
my $out = $i->ctl_ok('tls-policy', 'report', '--day', $day);
my %shown = $out =~ /^# (\S+): (.*)\n/mg;
is $shown{'mail.peer'}, 'to mailto:ann@example.test', 'where it goes';
is $shown{'silent.peer'}, 'not sent: no TLSRPT record', 'or why not';
like $shown{'fails.peer'}, qr/^not sent: DNS/, '... for now';
is scalar(keys %shown), 6, 'each domain';
my ($json) = $out =~ /^# mail\.peer: [^\n]*\n(\{.*?^\})/ms;
my $want = decode_json($json);
is $want->{policies}[0]{summary}{'total-successful-session-count'}, 3,
    'what was counted, without our own reports';
my ($broken) = $out =~ /^# broken\.peer: [^\n]*\n(\{.*?^\})/ms;
is decode_json($broken)->{policies}[0]{'failure-details'}[0]{'result-type'},
    'sts-webpki-invalid', 'a policy that could not be fetched';
my ($st, undef, $err) = $i->ctl('tls-policy', 'report', '--day', 'today');
is $st, 2, 'a malformed day';
like $err, qr/YYYY-MM-DD/, '... is told';
($st, undef, $err) = $i->ctl('tls-policy', 'report', '--day', '2100-01-01');
is $st, 1, 'a day to come';
is scalar(my @none = $i->mails('ann')), 0, 'nothing was sent';

# ---- sent as mail, and by HTTPS
$web->answer('reports.peer', $taken);
$i->ctl_ok('tls-policy', 'report', '--day', $day, '--send');
my ($file) = $i->wait_mails('ann', 1);
my $text = $i->slurp($file);
like $text, qr/^Return-Path: <tls\@example\.test>$/m, 'sender';
like $text, qr/^From: <tls\@example\.test>$/m, 'From';
like $text, qr/^Received: \(from userid \d+\)/m, 'Received';
like $text, qr{^TLS-Report-Domain:\ mail\.peer\n
    TLS-Report-Submitter:\ example\.test\nTLS-Required:\ No$}mx,
    'fields of its own';
like $text, qr{^Subject:\ Report\ Domain:\ mail\.peer\ Submitter:\ example\.test
    \s+Report-ID:\s+<\S+\@example\.test>$}mx, 'Subject';
like $text, qr{^Content-Type: multipart/report; report-type="tlsrpt";}m,
    'type';
like $text, qr{filename="example\.test!mail\.peer!\d+!\d+\.json\.gz"},
    'file name';
my ($part) = $text =~ m{^Content-Type:\ application/tlsrpt\+gzip;.*?\n\n
    (.*?)\n\n?--}msx;
my $gz = decode_base64($part);
gunzip(\$gz => \my $plain) or die;
my $got = decode_json($plain);
is $got->{'organization-name'}, 'Example Ltd', 'who';
is $got->{'date-range'}{'start-datetime'}, "${day}T00:00:00Z", 'when';
is_deeply $got->{policies}, $want->{policies}, 'what was shown';
my ($sts) = grep { $_->{policy}{'policy-type'} eq 'sts' }
    @{ $got->{policies} };
is_deeply $sts->{policy}, { 'policy-type' => 'sts', 'policy-domain' =>
    'mail.peer', 'policy-string' => ['version: STSv1', 'mode: enforce'],
    'mx-host' => ['mx.peer'] }, 'the policy';
is_deeply $sts->{'failure-details'}, [{ 'result-type' =>
    'certificate-expired', 'sending-mta-ip' => '192.0.2.1',
    'receiving-mx-hostname' => 'mx.peer', 'receiving-mx-helo' => 'mx',
    'receiving-ip' => '192.0.2.9', 'failed-session-count' => 2,
    'failure-reason-code' => 'it is old' }], 'the failures';

my ($post) = $i->wait_for(sub { my ($p) = grep { $_->[1] =~ /v1/ }
    $web->posts; $p }) or die;
is "@$post[0 .. 2]", 'reports.peer /v1/tls?x=y application/tlsrpt+gzip',
    'by HTTPS';
gunzip(\$post->[3] => \$plain) or die;
is decode_json($plain)->{policies}[0]{policy}{'policy-type'},
    'no-policy-found', '... the report';
ok $i->wait_for(sub { 4 == grep { / report-sent / } $i->log_lines }),
    'all are sent';

# ---- in the night: the day before, once
$web->answer('reports.peer', "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n" .
    "\r\n");
ok $i->stop, 'stop';
sub sql {
	my ($sql) = @_;
	my ($rc, $o, $e) = $i->run('sqlite3',
	    $i->dir . '/spool/sts/state.db', $sql);
	$rc == 0 or die "sqlite3: $e";
	chomp $o;
	return $o;
}
sql("UPDATE day_$_ SET day = day - 1") for qw(domain policy count);
$i->start;
$i->wait_mails('ann', 2);
ok $i->wait_log(qr/reports day=\d+/), 'the night';
ok $i->wait_log(qr/report-failed \S+ domain=lost.peer .*again=yes.*503/),
    'a receiver has trouble';
ok $i->wait_log(qr/reports-wait \S+ domains=1/), 'who can not be asked waits';
ok $i->wait_for(sub { sql('SELECT domain FROM day_domain WHERE done = 0') eq
    'fails.peer' }), 'all others are done';
ok $i->wait_for(sub { sql('SELECT count(*) FROM outbox WHERE tries > 0')
    == 3 }), 'three wait';
$web->answer('reports.peer', $taken);
ok $i->stop, 'stop';
sql('UPDATE outbox SET next = 0');
my $mark = $i->log_mark;
$i->start;
ok $i->wait_for(sub { 3 == grep { / report-sent / }
    split /\n/, $i->log($mark) }), '... and are sent later';
is scalar(my @two = $i->mails('ann')), 2, 'none comes twice';
is sql('SELECT count(*) FROM outbox'), 0, 'nothing is left';

# ---- not wanted
$i->set_conf('stsd.conf', tls_reports => 'no');
$i->reload;
$i->wait_log(qr/reloaded/);
$c = Postrider::Ipc->connect($socket);
count('other.peer', 'success', @mx);
is $c->call('ping', [])->{verb}, 'ok', 'tls_reports = no';
unlike $i->ctl_ok('tls-policy', 'report', '--day', $day), qr/other/,
    '... nothing is counted';
done_testing;
