#!/usr/bin/perl
# swaks, curl and msmtp on the submission service: what they are told about
# a sender that is not theirs, a limit, and too many guesses.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
	conf => { 'submission.conf' => { limit_hour => 10, limit_new => 0,
	    hide_client => 'yes' },
	    'auth.conf' => { failure_delay => '100ms',
	    address_failures => '2/1h', exempt_networks => '' } });
$i->start;
my $port = $i->port('submission');
my ($to, $ann) = ('bob@example.test', 'ann@example.test');

sub mail {
	my ($from) = @_;
	$i->spew("$i->{tmp}/m", "From: $from\nSubject: by a client\n\nx\n");
	chmod 0644, "$i->{tmp}/m";
	return "$i->{tmp}/m";
}
sub swaks {
	my ($sender, $from, @arg) = @_;
	my ($st, $out) = $i->run('swaks', '--server', "127.0.0.1:$port",
	    '--tls', '--auth', 'PLAIN', '--auth-user', 'ann',
	    '--auth-password', 'pw', '--from', $sender, '--to', $to,
	    '--header', "From: $from", @arg);
	return ($st, $out);
}
sub curl {
	my ($sender, $from, $pw) = @_;
	my ($st, $out, $err) = $i->run('curl', '-sS', '-k', '--ssl-reqd',
	    '--url', "smtp://127.0.0.1:$port/me.example", '--user',
	    "ann:" . ($pw // 'pw'), '--mail-from', $sender, '--mail-rcpt',
	    $to, '--upload-file', mail($from));
	return ($st, "$out$err");
}
sub msmtp {
	my ($sender, $from) = @_;
	return $i->run('sh', '-c', 'm=$1; shift; exec "$@" <$m', 'sh',
	    mail($from), 'msmtp', '--host=127.0.0.1', "--port=$port",
	    '--tls=on', '--tls-certcheck=off', '--auth=plain', '--user=ann',
	    '--passwordeval=echo pw', "--from=$sender", $to);
}
sub got {
	my ($f) = $i->wait_mails('bob', 1);
	my $text = $i->slurp($f);
	unlink $f;
	return $text;
}

{
	my ($st, $out) = swaks($ann, $ann);
	is $st, 0, 'swaks: sent' or diag $out;
	like got(), qr/^Received: from localhost \(authenticated as \Q$ann\E/m,
	    '... its address is hidden';
	($st, $out) = swaks($to, $to);
	isnt $st, 0, 'swaks: as another';
	like $out, qr/^<~\* 550 5\.7\.1 .*not owned by user/m, '... MAIL';
	($st, $out) = swaks($ann, $to);
	isnt $st, 0, 'swaks: From of another';
	like $out, qr/^<~\* 550 5\.7\.1 From: .*not owned by user/m,
	    '... at the end';
	($st, $out) = swaks($ann, $ann, '--to', join ',', ($to) x 2,
	    map { "bob+$_\@example.test" } 1 .. 9);
	like $out, qr/^<~\* 450 4\.7\.1 .*recipients an hour/m,
	    'swaks: over the limit';
}
{
	my ($st, undef, $err) = msmtp($ann, $ann);
	is $st, 0, 'msmtp: sent' or diag $err;
	got();
	($st, undef, $err) = msmtp($ann, $to);
	isnt $st, 0, 'msmtp: From of another';
	like $err, qr/550 5\.7\.1 From: .*not owned/, '... is told';
}
{
	my ($st, $out) = curl($ann, $ann);
	is $st, 0, 'curl: sent' or diag $out;
	got();
	($st, $out) = curl($to, $to);
	is $st, 55, 'curl: as another';
	($st, $out) = curl($ann, $ann, 'guess');
	is $st, 67, 'curl: a wrong password';
}
sub as {
	my ($who, $pw) = @_;
	return scalar $i->send(port => 'submission', to => $to,
	    from => "$who\@example.test", auth => [$who, $pw]);
}
is join(' ', map { as('dora', "guess$_") } 1, 2), '535 535', 'guesses';
is as('bob', 'pw'), 454, 'who was never here is refused';
is as('ann', 'pw'), 250, '... who was is not';
got();
is scalar(() = $i->mails('bob')), 0, 'nothing else came';
done_testing;
