#!/usr/bin/perl
# Filters of others, from Debian's packages: rspamd by HTTP and as a milter,
# clamd and clamav-milter, opendkim, and a milter in Python.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Scanners;
use Postrider::Smtp;

my $i = Postrider::Instance->new(
	users => { map { $_ => 'pw' } qw(ann bob carl) },
	conf => { 'smtpd.conf' => { reverse_dns => 'no' } });
my $s = Postrider::Scanners->new($i->{tmp}, qw(rspamd clamd opendkim python
	clamav_milter));
my @filters = (rspamd => 'rspamd', clamd => 'clamd', 'rspamd-milter' =>
	'rspamd_milter', 'clamav-milter' => 'clamav_milter', python =>
	'python', sign => 'opendkim', verify => 'opendkim');
while (my ($name, $server) = splice @filters, 0, 2) {
	$i->set_conf('filter.conf', "$name/address" => $s->address($server),
	    $name =~ /^(?:rspamd|clamd)$/ ? ("$name/type" => $name) : (),
	    "$name/retry" => 0,
	    $name eq 'sign' ? ("$name/daemon_name" => 'sign') : ());
}
# a service for each, beside the usual ones
# offsets that no other instance has: see Postrider::Ports
my %port = (both => 2, rspamd => 4, clamd => 5, 'rspamd-milter' => 6,
	'clamav-milter' => 7, python => 8, sign => 9, verify => 10);
for my $name (sort keys %port) {
	$port{$name} = $i->{base} + $port{$name};
	$i->set_conf('master.conf', map { ("x-$name/$_->[0]" => $_->[1]) }
	    ['program', 'smtpd'], ['conf', "x-$name.conf"],
	    ['listen', "inet:127.0.0.1:$port{$name}"], ['user', 'net'],
	    ['process_limit', 3], ['order', 10]);
	$i->set_conf("x-$name.conf", reverse_dns => 'no', filters =>
	    $name eq 'both' ? 'clamd rspamd' : $name);
}
$i->start;
$s->wait('rspamd', 'rspamd_milter', 'clamd', 'opendkim', 'python');
$s->wait('clamav_milter');

my %mails;
sub send_by {
	my ($name, $message, %arg) = @_;
	my $c = Postrider::Smtp->new(port => $port{$name});
	my $code = $c->send(from => 'x@example.org', helo => 'me.example.org',
	    to => 'ann@example.test', message => $message, %arg);
	my $last = $c->last;
	$c->cmd('QUIT');
	return wantarray ? ($code, $last) : $code;
}
sub got {
	my ($user) = @_;
	my %old = map { $_ => 1 } @{ $mails{$user} || [] };
	my @f = $i->wait_mails($user, 1 + keys %old);
	$mails{$user} = \@f;
	my ($new) = grep { !$old{$_} } @f;
	return $i->slurp($new);
}

my $gtube = "Subject: spam\n\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-" .
    "ANTI-UBE-TEST-EMAIL*C.34X\n";
my $eicar = "Subject: virus\n\n" . Postrider::Scanners::eicar() . "\n";
my $maybe = "X-Remove: a\nSubject: maybe\nX-Remove: b\n\nperhaps\n";

for my $name (qw(rspamd rspamd-milter)) {
	my ($code, $text) = send_by($name, $gtube);
	is $code, 554 - 4 * ($name eq 'rspamd'), "$name: GTUBE is refused";
	like $text, qr/gtube|spam/i, '... with its own text';
	is send_by($name, $maybe, to => [map { "$_\@example.test" }
	    qw(ann bob)]), 250, "$name: 7 points";
	my $t = got('ann');
	got('bob');
	like $t, qr/^X-Test: nobody me\.example\.org 2$/m,
	    '... its own field, which knows the envelope';
	like $t, qr/^X-Spam: Yes$/m, '... and that of the action';
	unlike $t, qr/^X-Remove/m, '... a field is removed, all of it';
	like $t, qr/^Subject: maybe\n/m, '... and others stay';
}
like $i->wait_log(qr/ score .*action="add header"/),
    qr/score=7\.00 required=15\.00/, 'the score is logged';

for my $name (qw(clamd clamav-milter)) {
	my ($code, $text) = send_by($name, $eicar);
	like $code, qr/^55[04]$/, "$name: EICAR is refused";
	like $text, qr/virus.* Test\.Eicar/, '... by its name';
	is send_by($name, "Subject: clean\n\nhi\n"), 250, "$name: clean mail";
	like got('ann'), qr/^Subject: clean\n/m, '... is delivered';
}
like $i->wait_log(qr/ found .*filter=clamd/), qr/name=Test\.Eicar/,
    'what was found is logged';
is send_by('clamd', "Subject: big\n\n" . ('x' x 70 . "\n") x 20000), 451,
    'clamd has its own limit: not checked, not taken';
is send_by('both', $eicar), 550, 'two filters: the first refuses';
is send_by('both', $maybe), 250, '... or the second adds';
like got('ann'), qr/^X-Test:/m, '... its field';

# --- opendkim: what it signs is what arrives, to the byte ---
my $message = "From: Ann <ann\@example.test>\nTo:  Bob  <bob\@example.test>\n"
    . "Subject: two\n\t lines  here \n\nA body. \n\n.dots\n  \t\n\n";
is send_by('sign', $message, from => 'ann@example.test'), 250, 'opendkim';
my $signed = got('ann');
like $signed, qr/^DKIM-Signature: [^\n]+; c=simple\/simple;/m,
    '... signs';
my ($own) = $signed =~ /^(DKIM-Signature:.*)\z/ms;
$own =~ s/^Received:.*\n(?:[ \t].*\n)*//m;
is $own =~ s/^DKIM-Signature:.*\n(?:[ \t].*\n)*//r, $message,
    '... and the rest is as it was sent';
is send_by('verify', $own, from => 'ann@example.test'), 250,
    'the signed message comes again';
like got('ann'), qr/^Authentication-Results: .*\n?\s+dkim=pass/m,
    '... and is verified';
is send_by('verify', $own =~ s/A body/B body/r, from =>
    'ann@example.test'), 250, 'changed on its way';
like got('ann'), qr/^Authentication-Results: .*\n?\s+dkim=fail/m,
    '... and is found out';

# --- Python ---
is send_by('python', "Subject: $_->[0]\n\nhi\n"), $_->[1],
    "python: $_->[0]" for ['reject', 550], ['tempfail', 451],
    ['discard', 250], ['nothing', 250];
like got('ann'), qr/^Subject: nothing/m, 'what was discarded is not there';
my (undef, $reply) = send_by('python', "Subject: reply\n\nhi\n");
like $reply, qr/^554-5\.7\.0 line one\n554 5\.7\.0 100% two/,
    'python: its own reply';
is send_by('python', "Subject: x\n\nx\n", to => 'later@example.test'), 550,
    'a recipient that we refuse';
is send_by('python', "Subject: quarantine\n\nx\n"), 250, 'quarantine';
like $i->wait_log(qr/ edited .*by="filter python".*hold=/), qr/by python/,
    '... holds it';
is send_by('python', "X-Gone: 1\nSubject: change\nX-Gone: 2\nX-Gone: 3\n\n" .
    "old\n", to => [map { "$_\@example.test" } qw(ann carl)]), 250,
    'python: every change';
my ($ann, $bob) = (got('ann'), got('bob'));
like $ann, qr/^Return-Path:\ <new\@example\.org>\n.*
    \nX-Front:\ in\ front\nSubject:\ changed\nX-Gone:\ 3\n
    X-Added:\ for\ \w{11}\n\na\ new\ body\nof\ two\ lines\n\z/xs,
    '... sender, header and body';
is $bob =~ s/.*?(?=X-Front)//sr, $ann =~ s/.*?(?=X-Front)//sr,
    '... a recipient more';
is scalar(() = $i->mails('carl')), 0, '... and one less';

# --- gone ---
$s->stop('clamd');
is send_by('clamd', "Subject: x\n\nx\n"), 451, 'clamd is gone: 451';
is send_by('clamav-milter', "Subject: x\n\nx\n"), 451,
    '... and so says clamav-milter';
done_testing;
