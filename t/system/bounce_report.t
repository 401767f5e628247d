# Reports: what they say, how they get into the queue, and who gets none.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp;
use Postrider::Solo;
use Test::More;

my $s = Postrider::Solo->new('bounce', conf => { full_limit => '1K',
    footer => 'Have a nice day.' });
my $dir = $s->dir;
my ($mode, $n) = ("$dir/mode", 0);

sub mode {
	open my $fh, '>', $mode or die;
	print {$fh} $_[0];
	close $fh;
	return;
}

# cleanup, well or not, as the file says
sub cleanup {
	my ($m, $c) = @_;
	my $how = do { open my $fh, '<', $mode or die; local $/; <$fh> };
	my $q = sprintf 'Q%010d', $n;
	if ($m->{verb} eq 'begin') {
		if ($how eq 'full') {
			$c->send('err', [kind => 'temp', dsn => '4.3.1',
			    text => 'insufficient system storage']);
			return;
		}
		$q = sprintf 'Q%010d', ++$n;
		open my $fh, '>', "$dir/report" or die;
		$c->send('ok', [q => $q], $fh);
	} elsif ($m->{verb} eq 'commit') {
		return 'close' if $how =~ /^lost/;
		$c->send('ok', [q => $q]) if $m->{f}{size} == -s "$dir/report";
	} elsif ($m->{verb} eq 'settle') {
		$c->send('ok', [queued => $how eq 'lost yes' ? 'yes' : 'no']);
	}
	return;
}
mode('well');
$s->fake(cleanup => \&cleanup);
$s->start;
my $c = $s->connect;

sub message {
	my ($text) = @_;
	my $fh = File::Temp->new;
	print {$fh} "Return-Path: <joe\@example.org>\n$text";
	$fh->flush;
	open my $r, '<', "$fh" or die;
	return $r;
}

sub slurp {
	open my $fh, '<', "$dir/report" or die;
	local $/;
	return scalar <$fh>;
}

my @base = (q => '8lEhBUsj1Z9', sender => 'joe@example.org',
    created => 1_700_000_000_000_000);
my @gone = (addr => 'ann@example.test', orig => 'list@example.test',
    orcpt => '', dsn => '5.1.1', text => 'no such user', peer => '');
my $text = "Subject: secret plan\n\nthe body\n";

my $r = $c->call('report', [@base, @gone], message($text));
is $r->{verb}, 'ok', 'a failure is reported' or diag explain $r;
is $r->{f}{q}, 'Q0000000001', 'the id of the report comes back';
my @asked = $s->asked('cleanup');
is "@{[map { $_->{verb} } @asked]}", 'begin commit', 'in two requests';
my $begin = $asked[0];
is $begin->{f}{rcpt}, 'joe@example.org', 'it goes to the sender';
is $begin->{f}{rcpts}, 1, '... alone';
is $begin->{f}{notify}, 'failure', '... and is reported about if it fails';
is $begin->{f}{sender} // '', '', '... from the null sender';
is $begin->{f}{internal}, 'yes', '... as internal mail';
my $got = slurp();
like $got, qr/^From: .*<MAILER-DAEMON\@mx\.example\.test>/m, 'From';
like $got, qr/^To: <?joe\@example\.org>?$/m, 'To';
like $got, qr/^Auto-Submitted: auto-replied/m, 'Auto-Submitted';
like $got, qr{^Content-Type: multipart/report;\s+report-type=delivery-status}m,
    'it is a report';
like $got, qr/^Reporting-MTA: dns; mx\.example\.test$/m, 'Reporting-MTA';
like $got, qr/^Original-Recipient: rfc822; ?list\@example\.test$/m,
    'Original-Recipient is what the client named';
like $got, qr/^Final-Recipient: rfc822; ?ann\@example\.test$/m,
    'Final-Recipient';
like $got, qr/^Action: failed$/m, 'Action';
like $got, qr/^Status: 5\.1\.1$/m, 'Status';
like $got, qr/^Diagnostic-Code: .*no such user$/m, 'Diagnostic-Code';
like $got, qr/^Arrival-Date: Tue, 14 Nov 2023|^Arrival-Date: Wed, 15 Nov/m,
    'Arrival-Date';
like $got, qr/postmaster\@example\.test/, 'somebody is named for help';
like $got, qr/^Have a nice day\.$/m, 'the footer';
like $got, qr/^Subject: secret plan$/m, 'the header is returned';
unlike $got, qr/the body/, '... and not the body';
ok $s->wait_log(qr/report q=Q0000000001 of=8lEhBUsj1Z9 to=joe\@example\.org /),
    'it is logged';

$c->call('report', [@base, @gone, ret => 'full', envid => 'a+2Bb'],
    message($text));
$got = slurp();
like $got, qr/^the body$/m, 'RET=FULL returns it whole';
like $got, qr/^Original-Envelope-Id: a\+b$/m, 'ENVID is decoded';
$c->call('report', [@base, @gone, ret => 'FULL'],
    message($text . "more\n" x 1000));
unlike slurp(), qr/the body/, '... unless it is longer than the limit';

$c->call('report', [@base, kind => 'delay', expires => 1_800_000_000,
    addr => ['a@example.net', 'b@example.net'], orig => ['', ''],
    orcpt => ['rfc822;x+2By@example.net', ''], dsn => ['4.4.1', '4.4.1'],
    text => ['timeout', 'timeout'], peer => ['mx.example.net[192.0.2.1]',
    '']], message($text));
$got = slurp();
is scalar(() = $got =~ /^Action: delayed$/mg), 2, 'a delay of two';
like $got, qr/^Will-Retry-Until: .* 2027 /m, '... says until when';
like $got, qr/^Original-Recipient: rfc822; ?x\+y\@example\.net$/m,
    '... ORCPT is decoded';
like $got, qr/^Remote-MTA: dns; mx\.example\.net$/m, '... and who said it';

$c->call('report', [@base, kind => 'success', addr => 'a@example.net',
    orig => 'a@example.net', orcpt => '', dsn => '', text => '', peer => ''],
    message($text));
$got = slurp();
like $got, qr/^Action: delivered$/m, 'a success';
like $got, qr/^Status: 2\.0\.0$/m, '... has its status';
unlike $got, qr/^Original-Recipient/m, '... no ORCPT, no field';

$c->call('report', [@base, @gone, sender => "j\xc3\xb6@\xc3\xb6.test",
    utf8 => 'yes'], message($text));
is +(grep { $_->{verb} eq 'begin' } $s->asked('cleanup'))[-1]{f}{utf8}, 'yes',
    'a sender in UTF-8 gets his in SMTPUTF8';

# nobody to tell
$r = $c->call('report', [@base, @gone, sender => ''], message($text));
is $r->{verb}, 'ok', 'a report of ours that failed';
my $double = (grep { $_->{verb} eq 'begin' } $s->asked('cleanup'))[-1]{f};
is "$double->{rcpt} $double->{notify}", 'postmaster@example.test never',
    '... is the postmaster\'s, and nobody hears if that fails';
unlike slurp(), qr/the body/, '... only its header';
$r = $c->call('report', [@base], message($text));
is $r->{f}{kind}, 'perm', 'no report about nobody';

# cleanup in trouble
mode('full');
$r = $c->call('report', [@base, @gone], message($text));
is "@{ $r->{f} }{qw(kind dsn)}", 'temp 4.3.1', 'a full disk is temporary';
mode('lost yes');
is $c->call('report', [@base, @gone], message($text))->{verb}, 'ok',
    'a lost commit that was queued';
mode('lost no');
$r = $c->call('report', [@base, @gone], message($text));
is $r->{f}{kind}, 'temp', 'a lost commit that was not';
$s->unfake('cleanup');
$r = $c->call('report', [@base, @gone], message($text));
is $r->{f}{kind}, 'temp', 'no cleanup';
ok $s->wait_log(qr/report_failed level=warn of=8lEhBUsj1Z9/),
    'it is logged';

# without a descriptor the channel is closed
is $c->call('report', [@base, @gone])->{f}{kind}, 'perm', 'no content';
is $c->recv, undef, '... ends the connection';
done_testing;
