# Submission: AUTH PLAIN and LOGIN (RFC 4954), and what may be sent then.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MIME::Base64 qw(encode_base64);
use Postrider::Smtpd;
use Test::More;

my $s = Postrider::Smtpd->new(conf => { personality => 'submission',
    auth => 'yes' }, auth => sub {
	my ($m, $c) = @_;
	my %f = %{ $m->{f} };
	my $data = $f{data} // '';
	if (($f{has_data} || 'no') ne 'yes') {
		$c->send('ok', [challenge => $f{mech} eq 'LOGIN' ?
		    'VXNlcm5hbWU6' : '']);
	} elsif ($data eq 'YW5u') {
		$c->send('ok', [challenge => 'UGFzc3dvcmQ6']);
	} elsif ($data eq 'AGFubgBwdw==' || $data eq 'cHc=') {
		$c->send('ok', [done => 'yes', user => 'ann@example.test']);
	} else {
		my %e = ('' => ['perm', '5.5.4'], 'dGVtcA==' =>
		    ['temp', '4.7.0'], 'b2Zm' => ['perm', '5.7.13']);
		my $e = $e{$data} || ['perm', '5.7.8'];
		$c->send('err', [kind => $e->[0], dsn => $e->[1],
		    text => 'because']);
	}
	return '';
});
my $plain = encode_base64("\0ann\0pw", '');
my $c = $s->session;
is $c->{ext}{AUTH}, 'PLAIN LOGIN', 'AUTH is offered here';
is scalar $c->cmd('MAIL FROM:<a@example.org>'), 530, 'MAIL needs it';
like $c->last, qr/^530 5\.7\.0 /, '... 5.7.0';
is scalar $c->cmd('AUTH'), 501, 'AUTH alone';
is scalar $c->cmd('AUTH CRAM-MD5'), 504, 'an unknown mechanism';
is scalar $c->cmd('AUTH PLAIN x y'), 501, 'too many words';
is scalar $c->cmd("AUTH PLAIN $plain"), 235, 'PLAIN';
like $c->last, qr/^235 2\.7\.0 /, '... 2.7.0';
is scalar $c->cmd("AUTH PLAIN $plain"), 503, 'once is enough';
ok !exists $c->ehlo->{AUTH}, '... and no more offered';
is scalar $c->cmd('MAIL FROM:<ann>'), 250, 'sender without a domain';
is scalar $c->cmd('RCPT TO:<x@elsewhere.example>'), 250, 'to anywhere';
is scalar $c->cmd('RCPT TO:<bob>'), 250, 'recipient without a domain';
is scalar $c->data("x\n"), 250, 'accepted';
$c->quit;
my ($m) = $s->messages;
is $m->{sender}, 'ann@example.test', 'sender';
is_deeply $m->{rcpt}, ['x@elsewhere.example', 'bob@example.test'],
    'recipients';
is_deeply [@{ $m->{begin} }{qw(login proto normalize)}],
    ['ann@example.test', 'ESMTPA', 'yes'], 'what cleanup is told';
my ($r) = grep { $_->{verb} eq 'sasl' } $s->asked('auth');
is_deeply [@{ $r->{f} }{qw(mech service client_addr)}],
    ['PLAIN', 'smtp', '127.0.0.1'], 'what auth is told';
ok $s->wait_log(qr/accepted .*login=ann\@example\.test/), 'logged';
unlike $s->log, qr/\Q$plain\E/, 'no password in the log';

$c = $s->session;
is scalar $c->cmd('AUTH PLAIN'), 334, 'PLAIN in two lines';
like $c->last, qr/^334 $/m, '... an empty challenge';
is scalar $c->cmd($plain), 235, '... is taken';
$c->quit;
$c = $s->session;
is_deeply [map { scalar $c->cmd($_) } 'AUTH LOGIN', 'YW5u', 'cHc='],
    [334, 334, 235], 'LOGIN';
$c->quit;
$c = $s->session;
is_deeply [map { scalar $c->cmd($_) } 'AUTH LOGIN YW5u', 'cHc='],
    [334, 235], 'LOGIN with the name at once';
$c->quit;

$c = $s->session;
is_deeply [map { scalar $c->cmd($_) } 'AUTH LOGIN', '*', 'NOOP'],
    [334, 501, 250], 'given up';
like $c->last, qr/^250/, '... in step';
is scalar $c->cmd('AUTH PLAIN dGVtcA=='), 454, 'a temporary failure';
is scalar $c->cmd('AUTH PLAIN ='), 501, 'an empty response';
is scalar $c->cmd('AUTH PLAIN'), 334, 'PLAIN';
is scalar $c->cmd("\xff\xfe"), 501, 'no base64';
is scalar $c->cmd('AUTH PLAIN'), 334, 'PLAIN';
is scalar $c->cmd('x' x 13_000), 500, 'a response too long';
is scalar $c->cmd('NOOP'), 250, '... in step';
$c->quit;
$c = $s->session;
is scalar $c->cmd('AUTH PLAIN b2Zm'), 525, 'an account that is disabled';
is scalar $c->cmd('AUTH PLAIN AAAA'), 535, 'a wrong password';
like $c->last, qr/^535 5\.7\.8 /, '... 5.7.8';
is scalar $c->cmd('AUTH PLAIN AAAA'), 535, '... again';
is scalar $c->reply, 421, '... ends the session';
ok $c->closed, '... closed';
$s->unfake('auth');
$c = $s->session;
is scalar $c->cmd("AUTH PLAIN $plain"), 454, 'auth is not there';
is scalar $c->cmd('MAIL FROM:<ann>'), 530, '... and nobody is let in';
$c->quit;

# not offered
$s = Postrider::Smtpd->new(conf => { personality => 'submission',
    auth => 'yes', auth_plaintext => 'never' });
$c = $s->session;
ok !exists $c->{ext}{AUTH}, 'auth_plaintext = never: not offered';
is scalar $c->cmd("AUTH PLAIN $plain"), 538, '... and refused';
like $c->last, qr/^538 5\.7\.11 /, '... 5.7.11';
$c->quit;
$s = Postrider::Smtpd->new(conf => { auth => 'yes' });
$c = $s->session;
is scalar $c->cmd('MAIL FROM:<a@example.org>'), 250, 'mx: not needed';
is scalar $c->cmd('RCPT TO:<x@elsewhere.example>'), 554, '... no relay';
$c->cmd('RSET');
is scalar $c->cmd("AUTH PLAIN $plain"), 235, '... but may be';
is scalar $c->cmd('MAIL FROM:<a@example.org>'), 550, '... not as others';
like $c->last, qr/^550 5\.7\.1 .*not owned by user ann\@example\.test/,
    '... 5.7.1';
$c->cmd('MAIL FROM:<ann@example.test>');
is scalar $c->cmd('RCPT TO:<x@elsewhere.example>'), 250, '... relay';
$c->quit;
done_testing;
