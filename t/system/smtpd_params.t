# Parameters of MAIL and RCPT: SIZE, BODY, SMTPUTF8, DSN, AUTH.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;

my $s = Postrider::Smtpd->new(conf => { message_size => '1M',
    recipients => 500, transactions => 900, errors => 1000,
    hide => 'ETRN' }, start => 0);
# hide knows only what there is
isnt system("$s->{build}/smtpd/smtpd -n -c $s->{dir}/conf 2>/dev/null"), 0,
    'hide: an unknown keyword is refused';
$s->_conf('smtpd', message_size => '1M', recipients => 500,
    transactions => 900, errors => 1000, hide => 'PIPELINING, dsn');
$s->start;
my $c = $s->session;
is_deeply $c->{ext}, { SIZE => 1048576, '8BITMIME' => '',
    ENHANCEDSTATUSCODES => '', CHUNKING => '', SMTPUTF8 => '',
    LIMITS => 'MAILMAX=900 RCPTMAX=500' }, 'what EHLO announces'
    or diag explain $c->{ext};

sub mail {
	my ($arg, $from) = @_;
	$from //= 'a@example.org';
	$c->cmd('RSET');
	return scalar $c->cmd("MAIL FROM:<$from> $arg");
}
is mail('SIZE=0'), 250, 'SIZE=0';
is mail('SIZE=1048576'), 250, 'SIZE at the limit';
is mail('SIZE=1048577'), 552, 'SIZE above it';
like $c->last, qr/^552 5\.3\.4 /, '... 5.3.4';
is mail($_), 501, "501: $_" for 'SIZE', 'SIZE=', 'SIZE=x', 'SIZE=-1',
    'SIZE=1 SIZE=2', 'SIZE=18446744073709551616', 'BODY=', 'BODY=9BIT',
    'BODY=BINARYMIME', 'RET', 'RET=ALL', 'ENVID=+1', 'ENVID=',
    'ENVID=' . ('x' x 101), 'SMTPUTF8=yes', '=x', 'AUTH=+G';
is mail($_), 555, "555: $_" for 'X=1', 'X', 'NOTIFY=NEVER', 'ORCPT=a;b';
like $c->last, qr/^555 5\.5\.4 /, '... 5.5.4';
is mail($_), 250, "250: $_" for 'BODY=7BIT', 'body=8bitmime', 'RET=full',
    'ENVID=QQ314159', 'AUTH=<>', 'AUTH=ann@example.org', 'SMTPUTF8',
    'SIZE=1 BODY=8BITMIME RET=HDRS ENVID=a+2Bb SMTPUTF8 AUTH=<>';

is mail('XVERP'), 554, 'no XVERP for others';
is mail('REQUIRETLS'), 530, 'no REQUIRETLS without TLS';

sub rcpt {
	my ($arg, $to) = @_;
	$to //= 'ann@example.test';
	return scalar $c->cmd("RCPT TO:<$to> $arg");
}
mail('');
is rcpt($_), 501, "501: $_" for 'NOTIFY=', 'NOTIFY=x', 'NOTIFY=NEVER,DELAY',
    'NOTIFY=SUCCESS,', 'ORCPT=a', 'ORCPT=;b', 'ORCPT=rfc822;', 'NOTIFY',
    'ORCPT=rfc822;a+0Ab', 'NOTIFY=NEVER NOTIFY=NEVER';
is rcpt($_), 555, "555: $_" for 'SIZE=1', 'RET=FULL', 'X';
is rcpt('NOTIFY=success,FAILURE ORCPT=rfc822;x+2By@z'), 250, 'DSN';
is rcpt('NOTIFY=NEVER', 'bob@example.test'), 250, 'NEVER';
is rcpt('', 'ann@example.test'), 250, 'a recipient again';
is rcpt('', 'ann@EXAMPLE.test'), 250, '... and again';
is scalar $c->data("x\n"), 250, 'accepted';

# SMTPUTF8
is mail('', "j\xc3\xb6\@example.org"), 553, 'UTF-8 without the parameter';
like $c->last, qr/^553 5\.6\.7 /, '... 5.6.7';
is mail('SMTPUTF8', "j\xc3\xb6\@example.org"), 250, 'with it';
is rcpt('', "\xc3\xa4\@example.test"), 250, 'recipient';
is scalar $c->data("x\n"), 250, 'accepted';
mail('');
is rcpt('', "\xc3\xa4\@example.test"), 553, 'recipient without it';
is mail('SMTPUTF8', "j\xc3\@example.org"), 501, 'broken UTF-8';
is mail("ENVID=e RET=HDRS BODY=8BITMIME"), 250, 'carried';
rcpt('', 'eve@example.test');
is scalar $c->data("\xe4\n"), 250, 'accepted';
$c->quit;

my @m = $s->messages;
my @r = map { join ' ', grep { defined } @$_{qw(addr notify orcpt)} }
    @{ $m[0]{rcpts} };
is_deeply \@r, ['ann@example.test SUCCESS,FAILURE rfc822;x+2By@z',
    'bob@example.test NEVER', 'ann@example.test'],
    'recipients once each, with what they want';
is $m[1]{begin}{utf8}, 'yes', 'UTF-8 is told';
is $m[1]{begin}{proto}, 'UTF8SMTP', '... and in Received';
is $m[1]{sender}, "j\xc3\xb6\@example.org", '... the sender as it is';
is_deeply [@{ $m[2]{begin} }{qw(envid ret body8)}], ['e', 'hdrs', 'yes'],
    'ENVID, RET, BODY are told';
is $m[2]{content}, "\xe4\n", '8-bit content as it is';
done_testing;
