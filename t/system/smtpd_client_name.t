#!/usr/bin/perl
# The name of a client stands in Received and in the log where its address has
# it and it has the address; nobody waits for long.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Smtp;
use Postrider::Zone;

my $dns = Postrider::Zone->new(
	zones => {
		'127.in-addr.arpa' => "2.0.0 PTR Mail.client.example.\n" .
		    "3.0.0 PTR liar.client.example.\n" .
		    "5.0.0 PTR none.client.example.\n" .
		    "5.0.0 PTR odd\\(x.client.example.\n" .
		    "5.0.0 PTR b.client.example.\n" .
		    "6.0.0 PTR mail.client.example.\n" .
		    join('', map { "$_.0.0 PTR $_.client.example.\n" } 8, 10),
		'client.example' => "mail A 127.0.0.2\nliar A 127.0.0.9\n" .
		    "8 A 127.0.0.8\n10 A 127.0.0.10\n" .
		    "b A 127.0.0.1\nb A 127.0.0.5\nodd\\(x A 127.0.0.5\n",
	}, fault => { '6.0.0.127.in-addr.arpa' => 'drop' });
my $i = Postrider::Instance->new(users => { ann => 'pw' },
	conf => { 'smtpd.conf' => { reverse_dns_except => '127.0.0.7/32',
	    reverse_dns_timeout => '10s' } });
$dns->configure($i);
$i->start;

my $n = 0;
# the field, and what the log says
sub trace {
	my ($from) = @_;
	my $mark = $i->log_mark;
	my $c = Postrider::Smtp->new(port => $i->port('smtp'),
	    from => $from);
	my $code = $c->send(from => 'x@elsewhere.example',
	    to => 'ann@example.test', message => "Subject: x\n\nx\n");
	is $code, 250, "$from: taken";
	$c->cmd('RCPT TO:<ann@example.test>');
	$c->cmd('MAIL FROM:<x@elsewhere.example>');
	$c->cmd('RCPT TO:<nobody@example.test>');
	$c->cmd('QUIT');
	my @mail = $i->wait_mails('ann', ++$n);
	$i->wait_log(qr/disconnect .*client=\Q$from\E /, undef, $mark);
	my ($received) = grep { index($_, "[$from]") >= 0 }
	    map { $i->slurp($_) =~ /^(Received:.*\n(?:[ \t].*\n)*)/m } @mail;
	my ($tcp) = ($received // '') =~ /from \S+ (\(.*?\))/;
	my @names = map { /client_name=(\S+)/ ? $1 : '-' }
	    grep { /smtpd\[\d+\]: (?:accepted|reject|disconnect) / &&
	    / client=\Q$from\E / }
	    $i->log_lines($mark);
	return "$tcp @names";
}
my $mail = 'mail.client.example';
is trace('127.0.0.2'), "($mail [127.0.0.2]) $mail $mail $mail",
    'a name that has the address';
is trace('127.0.0.3'), '([127.0.0.3]) - - -',
    'a name that has another address';
is trace('127.0.0.4'), '([127.0.0.4]) - - -', 'no name';
is trace('127.0.0.5'), '(b.client.example [127.0.0.5]) ' .
    join(' ', ('b.client.example') x 3), 'one of several';
$dns->queries;
is trace('127.0.0.7'), '([127.0.0.7]) - - -', 'a client that is excepted';
is_deeply [$dns->queries], [], '... is not looked up';

kill 'KILL', $i->pids_of('dnsd');
ok $i->wait_log(qr/crashed .*service=dnsd/), 'dnsd is killed';
is trace('127.0.0.8'), '(8.client.example [127.0.0.8]) ' .
    join(' ', ('8.client.example') x 3), 'it comes again';

$i->set_conf('smtpd.conf', reverse_dns_timeout => '300ms');
$i->reload;
is trace('127.0.0.6'), '([127.0.0.6]) - - -', 'not in time';
$i->set_conf('smtpd.conf', reverse_dns => 'no');
$i->reload;
is trace('127.0.0.10'), '([127.0.0.10]) - - -', 'switched off';
is_deeply [grep { /^10\./ } $dns->queries], [], '... nothing is asked';
done_testing;
