#!/usr/bin/perl
# Rules of smtpd.conf: each stage decides, at its own command or at the first
# recipient; tables, DNS, limitd and lists are asked; what cannot be known
# refuses nobody for good; nothing that a rule permits is relayed.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Smtp;
use Postrider::Zone;

my $dns = Postrider::Zone->new(
	zones => {
		'127.in-addr.arpa' => "2.0.0 PTR good.client.example.\n" .
		    "3.0.0 PTR liar.client.example.\n",
		'client.example' => "good A 127.0.0.2\nliar A 127.0.0.99\n" .
		    "bl A 127.0.0.1\n4.0.0.127.bl A 127.0.0.4\n" .
		    "5.0.0.127.bl A 127.0.0.2\n",
		'real.example' => "\@ MX 10 good.client.example.\n",
		'nomail.example' => "\@ MX 0 .\n\@ A 127.0.0.2\n",
		'bad.example' => "evil.dbl A 127.0.0.2\n",
		'evil' => "\@ A 127.0.0.2\n",
	}, fault => { 'broken.example' => 'servfail' });

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw',
	    cy => 'pw' },
	conf => { 'router.conf' => { quota_cache => '0s' },
	    'smtpd.conf' => { reverse_dns_except => '',
	    xclient_networks => '127.0.0.9/32',
	    dnsbl => 'one:bl.client.example=127.0.0.4*3 ' .
		'two:bl.client.example=127.0.0.2*1',
	    connect_rules => <<'R',

    reject 554 5.7.0 "go away, $client" if client in 127.0.0.66/31
    tag far if client in (127.0.0.4 127.0.0.5)	# a comment
    score 1 if client_name unknown
R
	    helo_rules => <<'R',

    reject 550 5.7.1 "you are not $helo" if helo own
    reject "what is $helo?"
      if not helo valid
      and not helo is nobody
R
	    mail_rules => <<'R',

    table text:senders sender
    reject 550 5.1.8 "$sender_domain does not exist"
      if sender_domain and sender_domain in example and
      not sender_domain exists
    reject 550 5.7.1 "no such sender here" if sender_unknown
    reject "$sender_domain: $dnsbl" if sender_domain listed dbl.bad.example
R
	    rcpt_rules => <<'R',

    defer 421 4.7.0 "too many guesses" if recipient_unknown
        and rate client 2/1h
    reject 550 5.7.1 "listed: $dnsbl ($dnsbl_score)" if dnsbl >= 3
    reject "only $dnsbl, but no name" if dnsbl >= 1 and score >= 1
      and helo is nobody
    reject "liar" if reverse is liar.client.example and client_name unknown
      and helo is nobody
    defer 450 4.7.1 "greylisted for $wait" if recipient matches /^bob@/
      and greylist delay 1s window 1h
    reject 552 5.2.3 "too much for bob" if recipient is bob@example.test
      and size > 100K
    defer 452 4.2.2 "$recipient is nearly full" if recipient is
      cy@example.test and quota >= 50
    reject "that has no quota" if recipient is ann@example.test and
      quota > 0
    permit
R
	    end_rules => <<'R',

    hold "big" if size > 20K
    discard "spam" if sender is spam@real.example
    prepend "X-Tags: $tags." if tag far
    reject 554 5.6.0 "too small" if size < 10
R
	} });
$dns->configure($i);
$i->spew($i->conf_dir . '/senders', "friend\@broken.example  OK\n" .
    "foe\@real.example  554 5.7.1 not you\nlocalhost.example  DUNNO\n");
$i->ctl_ok('user', 'quota', 'cy', '4K');
$i->start;

# one transaction; what was answered last
sub try {
	my ($from, $sender, %arg) = @_;
	my $c = Postrider::Smtp->new(port => $i->port('smtp'),
	    from => $from, helo => $arg{helo} // 'client.example');
	$c->send(from => $sender, to => $arg{to} // 'ann@example.test',
	    message => $arg{message} // "Subject: x\n\nx, and more of it\n",
	    $arg{helo} ? (helo => $arg{helo}) : ());
	my $last = $c->last;
	$last =~ s/\s+\z//;
	$last =~ s/as \w+$/as Q/;
	$c->close;
	return $last;
}
my $good = '250 2.0.0 Ok: queued as Q';
my $x = 'x@real.example';

is try('127.0.0.2', $x), $good, 'nothing against it';
my $mark = $i->log_mark;
is try('127.0.0.66', $x), '554 5.7.0 go away, 127.0.0.66',
    'connect: refused at the recipient';
my $line = $i->wait_log(qr/reject .*client=127\.0\.0\.66 /, undef, $mark);
like $line, qr/ from=x\@real\.example to=ann\@example\.test .*rule=smtpd\./,
    '... and the log knows sender, recipient and the line of the rule';
my ($n) = $line =~ /rule=smtpd\.conf:(\d+)/;
like((split /\n/, $i->slurp($i->conf_dir . '/smtpd.conf'))[$n - 1],
    qr/^ +reject 554 5\.7\.0/, '... where it stands');
is try('127.0.0.2', $x, helo => 'example.test'),
    '550 5.7.1 you are not example.test', 'helo: not our name';
is try('127.0.0.2', $x, helo => 'x_y'), '550 5.7.1 what is x_y?',
    'helo: a rule of three lines';
is try('127.0.0.2', 'a@nowhere.example'),
    '550 5.1.8 nowhere.example does not exist', 'a domain that is not there';
is try('127.0.0.2', 'a@nomail.example'),
    '550 5.1.8 nomail.example does not exist', '... that takes no mail';
like try('127.0.0.2', 'a@broken.example'), qr/^451 4\.3\.5 /,
    '... of which DNS does not know: later';
ok $i->wait_log(qr/rule-trouble .*rule=smtpd\.conf:\d+ .*servfail/),
    '... and the log says why';
is try('127.0.0.2', 'friend@broken.example'), $good,
    'a table permits it before';
is try('127.0.0.2', 'Foe@Real.example'), '554 5.7.1 not you',
    'a table refuses';
is try('127.0.0.2', 'foe+x@real.example'), '554 5.7.1 not you',
    '... with an extension, too';
is try('127.0.0.2', 'nobody@example.test'),
    '550 5.7.1 no such sender here', 'a sender of ours that nobody has';
is try('127.0.0.2', 'ann@example.test'), $good, '... that somebody has';
is try('127.0.0.2', 'a@evil'), '550 5.7.1 evil: dbl.bad.example',
    'a list of domains';
is try('127.0.0.4', $x), '550 5.7.1 listed: one (3)', 'a list of addresses';
is try('127.0.0.5', $x, helo => 'nobody'),
    '550 5.7.1 only two, but no name',
    'weights, and the score of another stage';
is try('127.0.0.3', $x, helo => 'nobody'), '550 5.7.1 liar',
    'a name that is not confirmed';
is try('127.0.0.2', $x, to => 'a@elsewhere.example'),
    '554 5.7.1 relaying denied', 'permit permits no relaying';
is try('127.0.0.7', $x, to => 'who@example.test'),
    '550 5.1.1 no such user', 'a guess' for 1, 2;
is try('127.0.0.7', $x, to => 'who@example.test'),
    '421 4.7.0 too many guesses', '... one too many';
is try('127.0.0.8', $x, to => 'who@example.test'),
    '550 5.1.1 no such user', '... of that client';

# greylisting
is try('127.0.1.2', $x, to => 'bob@example.test'),
    '450 4.7.1 greylisted for 1s', 'greylisted';
my $later;
$i->wait_for(sub {
	$later = try('127.0.1.3', $x, to => 'bob@example.test');
	return $later eq $good;
});
is $later, $good, '... and from that network taken later';
is try('127.0.1.2', 'y@real.example', to => 'bob@example.test'),
    '450 4.7.1 greylisted for 1s', '... another sender is not';

# how full is a mailbox
my @cy = ($x, to => 'cy@example.test');
is try('127.0.0.2', @cy, message => "Subject: x\n\n" . ("x" x 70 . "\n") x 35),
    $good, 'a mailbox that is empty';
$i->wait_mails('cy', 1);
$i->wait_log(qr/local\S* delivered .*to=cy\@/);
is try('127.0.0.2', @cy), '452 4.2.2 cy@example.test is nearly full',
    'quota: it is more than half full';
like +($i->ctl('test', '--client', '127.0.0.2', '--helo', 'client.example',
    '--sender', $x, '--rcpt', $cy[2]))[1], qr/quota: [5-9]\d%/,
    '... and postrider test shows how full';

# the end
is try('127.0.0.2', $x, message => "x\n"), '554 5.6.0 too small',
    'a message that is refused';
my @ann = $i->wait_mails('ann', 3);
is try('127.0.0.5', 'tag@real.example'), $good, 'a message with a tag';
ok $i->wait_log(qr/accepted .*from=tag\@real\.example .*tags=far/),
    '... is in the log';
my ($tagged) = grep { /^Return-Path: <tag@/ } map { $i->slurp($_) }
    $i->wait_mails('ann', 4);
like $tagged, qr/^X-Tags: far\.\n/m, '... and has a field';
like try('127.0.0.2', 'spam@real.example'), qr/^250 /, 'thrown away';
ok $i->wait_log(qr/rule s=\w+ stage=end rule=\S+ action=discard .*spam\@/),
    '... is in the log';
is try('127.0.0.2', 'big@real.example',
    message => "Subject: x\n\n" . ("x" x 70 . "\n") x 400), $good, 'a big one';
like $i->queue('list'), qr/big\@real\.example/, '... is on hold';
is scalar(my @all = $i->mails('ann')), 4, 'the others did not come';

# at their own commands
$i->set_conf('smtpd.conf', delay_reject => 'no', mail_rules => '',
    end_rules => '', rcpt_rules => '');
$i->reload;
my $c = Postrider::Smtp->new(port => $i->port('smtp'), from => '127.0.0.67',
    greeting => 0);
is scalar $c->reply, 554, 'refused with the greeting';
is scalar $c->cmd('EHLO x.example'), 503, '... and then nothing';
is scalar $c->cmd('MAIL FROM:<x@real.example>'), 503, '... of mail';
is scalar $c->cmd('QUIT'), 221, '... but good bye';
$c = Postrider::Smtp->new(port => $i->port('smtp'), from => '127.0.0.2',
    greeting => 0);
$c->reply;
is scalar $c->cmd('EHLO example.test'), 550, 'HELO is refused';
is scalar $c->cmd('MAIL FROM:<x@real.example>'), 503, '... and is none';
is scalar $c->cmd('EHLO client.example'), 250, 'another';
is scalar $c->cmd('MAIL FROM:<x@real.example>'), 250, '... goes on';
$c->close;
$c = Postrider::Smtp->new(port => $i->port('smtp'), from => '127.0.0.9');
is scalar $c->cmd('XCLIENT ADDR=127.0.0.67'), 554,
    'rules of connect see who XCLIENT names';
$c->close;
$i->set_conf('smtpd.conf', connect_rules => '', helo_required => 'no');
$i->reload;
$c = Postrider::Smtp->new(port => $i->port('smtp'), from => '127.0.0.2');
is scalar $c->cmd("EHLO $_"), 550, "without rules of connect: $_"
    for qw(example.test example.test);
is scalar $c->cmd('MAIL FROM:<x@real.example>'), 503,
    '... and without another there is no mail, required or not';
is scalar $c->cmd('HELO client.example'), 250, '... which comes';
is scalar $c->cmd('MAIL FROM:<x@real.example>'), 250, '... and goes on';
$c->close;
$c = Postrider::Smtp->new(port => $i->port('smtp'), from => '127.0.0.9');
is scalar $c->cmd('XCLIENT ADDR=127.0.0.2 HELO=example.test'), 220,
    'XCLIENT with a HELO that is refused';
ok $i->wait_log(qr/reject .*cmd=HELO .*client=127\.0\.0\.2 .*not example/),
    '... and the log says so';
is scalar $c->cmd('MAIL FROM:<x@real.example>'), 503, '... is as without';
is scalar $c->cmd('XCLIENT HELO=client.example'), 220, '... and with another';
is scalar $c->cmd('MAIL FROM:<x@real.example>'), 250, '... goes on';
$c->close;
$c = Postrider::Smtp->new(port => $i->port('smtp'), from => '127.0.0.2');
is scalar $c->cmd('MAIL FROM:<x@real.example>'), 250, 'who says none may send';
$c->close;

# mistakes are found before they do harm
$i->set_conf('smtpd.conf', mail_rules => "\n    permitt\n");
my ($status, $out, $err) = $i->ctl('check');
isnt $status, 0, 'a mistake';
like "$out$err",
    qr/smtpd\.conf:\d+: no such action: permitt; did you mean permit/,
    '... is told with its line';
$i->set_conf('smtpd.conf', mail_rules =>
    "\n    reject if client in cidr:nets\n    warn 'x' if helo is x\n");
$i->set_conf('cleanup.conf', header_checks => 'pcre:header');
my $dir = $i->conf_dir;
$i->spew("$dir/nets", "192.0.2.0/24 x\n\n192.0.2.0/33 y\n");
$i->spew("$dir/header", "/^Subject: x/ REJECT\n");
# what postrider check says, and whether it is content
sub check {
	my ($st, @said) = $i->ctl('check');
	return ($st == 0 ? 'good' : 'bad') . " @said";
}
like check(), qr{^bad .*smtpd\.conf:\d+: .*/nets:3: 192\.0\.2\.0/33}s,
    'what stands in a table is looked at, too: cidr';
$i->spew("$dir/nets", "192.0.2.0/24 x\n");
like check(), qr/^good /, '... mended';
$i->spew("$dir/header", "/^Subject: x/ REJECT\n/^(x/ WARN\n");
like check(), qr{^bad .*header_checks: .*/header:2: }s, '... pcre';
$i->spew("$dir/header", "/^Subject: x/ REJECT\n/^x/ EXPLODE\n");
like check(), qr{^bad .*header_checks: row /\^x/: .*EXPLODE}s,
    '... and what it says to do';
$i->spew("$dir/header", "/^Subject: x/ REJECT\n");
unlink "$dir/nets";
like check(), qr/^good /, 'a table that is not there yet is no mistake';
$i->spew("$dir/nets", "192.0.2.0/24 x\n192.0.2.0 33 y\n!bad z\n");
my @map = $i->ctl('map', 'check', 'pcre:header, cidr:nets');
like "@map", qr{^[^0].*/nets:3: }s, 'map check looks at each of several';
unlike "@map", qr/pcre:header, /, '... one by one';
done_testing;
