#!/usr/bin/perl
# Opaque tokens: who issued them is asked, by mapd; signed ones are not.
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Postrider::Instance;
use Postrider::Issuer;

# --- the issuer: RFC 7662 over HTTP, one request a connection
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 10,
    ReuseAddr => 1) or die "listen: $!\n";
my %tokens = (opaque => 'ann@example.test', Opaque => 'bob@example.test',
    gone => 'nobody@example.test');
my $asked = "/tmp/postrider-asked.$$";
my $test = $$;
END { unlink $asked if $asked && $$ == $test }

sub serve {
	my ($c) = @_;
	my ($head, $body) = ('', '');
	while (defined(my $l = <$c>)) {
		$head .= $l;
		last if $l =~ /^\r?$/;
	}
	read $c, $body, $1 if $head =~ /^Content-Length: (\d+)/mi;
	open my $fh, '>>', $asked;
	print {$fh} "asked\n";
	close $fh;
	my ($token) = $body =~ /(?:^|&)token=([^&]*)/;
	my $user = $tokens{ $token // '' };
	my $json = encode_json($user ? { active => JSON::PP::true,
	    username => $user, sub => $user, exp => time + 60 } :
	    { active => JSON::PP::false });
	print {$c} "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" .
	    "Connection: close\r\nContent-Length: " . length($json) .
	    "\r\n\r\n$json";
	return;
}
my $pid = fork // die "fork: $!\n";
if (!$pid) {
	while (my $c = $listener->accept) {
		serve($c);
		close $c;
	}
	POSIX::_exit(0);
}
END { kill 'TERM', $pid if $pid && $$ == $test }

my $idp = Postrider::Issuer->new('https://id.test');
my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' },
	conf => { 'auth.conf' => { failure_delay => '0s',
	    failure_delay_max => '0s', oauth_keys => 'idp.jwks',
	    oauth_issuer => 'https://id.test', oauth_audience => 'mail',
	    oauth_introspection => 'oauth:idp.oauth' },
	    'mapd.conf' => { tables => 'oauth:idp.oauth' } });
$i->spew($i->conf_dir . '/idp.jwks', $idp->jwks);
$i->spew($i->conf_dir . '/idp.oauth', "for = auth\n" .
    'url = http://127.0.0.1:' . $listener->sockport . "/introspect\n" .
    "client_id = mail\nclient_secret = geheim\ncache = 0s\n" .
    "any_audience = yes\ntimeout = 20s\nretry = 100ms\n");
chmod 0644, $i->conf_dir . '/idp.jwks';
chmod 0600, $i->conf_dir . '/idp.oauth';
$i->start;

sub questions {
	open my $fh, '<', $asked or return 0;
	my @l = <$fh>;
	return scalar @l;
}

# "user", or what the client is told and the code
sub try {
	my ($mech, $user, $token) = @_;
	my $text = $mech eq 'XOAUTH2' ? "user=$user\1auth=Bearer $token\1\1" :
	    "n,a=$user,\1auth=Bearer $token\1\1";
	my ($st, $out, $err) = $i->ctl('call', 'auth', 'sasl', "mech=$mech",
	    'has_data=yes', 'service=imap', 'tls=yes',
	    'data=' . encode_base64($text, ''));
	return $out =~ /^user=(.+)$/m ? $1 :
	    $out =~ /^challenge=(.+)$/m ? 'no' : "$out$err" =~
	    /([45]\.\d\.\d+)/ ? $1 : "$out$err";
}

for my $mech (qw(OAUTHBEARER XOAUTH2)) {
	is try($mech, 'ann', 'opaque'), 'ann@example.test', "$mech: a token";
	is try($mech, 'bob', 'Opaque'), 'bob@example.test',
	    "$mech: tokens have a case";
	is try($mech, 'bob', 'opaque'), '5.7.8', "$mech: another's";
	is try($mech, 'ann', 'unknown'), 'no', "$mech: an unknown one";
	is try($mech, 'nobody', 'gone'), '5.7.8', "$mech: of no account";
}
my $before = questions();
cmp_ok $before, '>=', 10, 'the issuer was asked';
is try('OAUTHBEARER', 'ann', $idp->token(aud => 'mail',
    email => 'ann@example.test')), 'ann@example.test', 'a signed one';
is try('OAUTHBEARER', 'ann', $idp->token(aud => 'web',
    email => 'ann@example.test')), 'no', 'a signed one for others';
is questions(), $before, 'for these nobody is asked';
kill 'TERM', $pid;
waitpid $pid, 0;
undef $listener;
is try('OAUTHBEARER', 'ann', 'opaque'), '4.7.0',
    'an issuer that is away: later';
is try('OAUTHBEARER', 'ann', $idp->token(aud => 'mail',
    email => 'ann@example.test')), 'ann@example.test',
    'but not for those that are signed';
unlike $i->log, qr/opaque|Opaque|geheim/, 'no token is logged';
done_testing;
