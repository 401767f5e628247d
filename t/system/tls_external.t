#!/usr/bin/perl
# A client's certificate is a login (SASL EXTERNAL), over each protocol: tlsd
# asks for it and verifies it, keyd vouches for it, auth knows whose it is.  The
# same from nobody's certificate, or without one, is none.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Postrider::Instance;
use Postrider::Starttls qw(starttls wrapped said);
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw', bob => 'pw' });
my $dir = $i->conf_dir . '/tls';
my $tmp = $i->{tmp};

# by: the issuer's name; none: self-signed
sub cert {
	my ($name, $by, $ext) = @_;
	$i->spew("$tmp/ext", $ext);
	my $sign = $by ? "-CA $tmp/$by.pem -CAkey $tmp/$by.key -CAcreateserial"
	    : "-signkey $tmp/$name.key";
	system("cd $tmp && openssl ecparam -genkey -name prime256v1 -out " .
	    "$name.key && openssl req -new -key $name.key -subj /CN=$name " .
	    "-out r.csr && openssl x509 -req -in r.csr $sign -days 9 " .
	    "-extfile ext -out $name.pem 2>/dev/null") == 0 or die;
	return;
}
cert('authority', undef, "basicConstraints=critical,CA:TRUE\n");
cert('other', undef, "basicConstraints=critical,CA:TRUE\n");
my $mail = "subjectAltName=email:ann\@example.test\n";
cert('ann', 'authority', $mail);
cert('nobody', 'authority', "subjectAltName=email:who\@example.test\n");
cert('forged', 'other', $mail);

$i->spew("$dir/clients.pem", $i->slurp("$tmp/authority.pem"));
$i->spew($i->conf_dir . '/certificates',
    "ann\@example.test ann\@example.test\n");
$i->set_conf('tlsd.conf', client_ca => 'tls/clients.pem');
$i->set_conf('auth.conf', certificates => 'text:certificates',
    failure_delay => '100ms');
$i->set_conf($_, tls_ask_certificate => 'yes') for qw(submission.conf
    imap-login.conf pop3-login.conf);
$i->start;

sub with {
	my ($port, $name) = @_;
	my @cert = $name ? (SSL_use_cert => 1, SSL_cert_file =>
	    "$tmp/$name.pem", SSL_key_file => "$tmp/$name.key") : ();
	return $port =~ /s$/ ? wrapped($i, $port, @cert) :
	    starttls($i, $port, @cert);
}

# what is offered, as one text
sub offers {
	my ($c) = @_;
	return $c->ehlo->{AUTH} if $c->isa('Postrider::Smtp');
	return ($c->multi('CAPA'))[1] =~ /^SASL (.*)$/m ? $1 : ''
	    if $c->isa('Postrider::Pop3');
	return join ' ', map { @{ $_->{data} } }
	    $c->cmd('CAPABILITY')->untagged('CAPABILITY');
}

my $yes = qr/^(?:235 |\+OK|e OK)/;
for my $p (['submission', 'smtp'], ['smtps', 'smtp'], ['pop3', 'pop3'],
    ['pop3s', 'pop3'], ['imap', 'imap'], ['imaps', 'imap']) {
	my ($port, $name) = @$p;
	my $login = sub {
		my ($c, $as) = @_;
		my $arg = $as ? encode_base64($as, '') : '=';
		return said($c, $name, ($name eq 'imap' ?
		    'e AUTHENTICATE' : 'AUTH') . " EXTERNAL $arg");
	};
	my $c = with($port, 'ann');
	like offers($c), qr/\bEXTERNAL\b/, "$port: offered to ann";
	like $login->($c), $yes, '... who is let in';
	$c = with($port, 'ann');
	offers($c);
	unlike $login->($c, 'bob@example.test'), $yes, '... but not as bob';
	for my $other ('forged', '') {
		$c = with($port, $other);
		unlike offers($c), qr/\bEXTERNAL\b/, '... not offered to ' .
		    ($other || 'who has none');
		unlike $login->($c), $yes, '... who is not let in';
	}
	$c = with($port, 'nobody');
	offers($c);
	unlike $login->($c), $yes, '... nor is who is not in the table';
}
ok $i->wait_log(qr/ login .*user=ann\@example\.test .*mech=EXTERNAL .* tls=/),
    'the log has it';
done_testing;
