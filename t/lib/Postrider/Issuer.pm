package Postrider::Issuer;

# A small issuer of access tokens, with keys of its own, by openssl(1).
#
#   my $issuer = Postrider::Issuer->new('https://id.test');
#   $i->spew("$conf/idp.jwks", $issuer->jwks);
#   my $token = $issuer->token(aud => 'mail', email => 'ann@b.test');

use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);

sub new {
	my ($class, $name) = @_;
	my $dir = tempdir('postrider-idp.XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless { name => $name, dir => $dir,
	    json => JSON::PP->new->canonical }, $class;
	$self->_run('genrsa', '-out', "$dir/key.pem", 2048);
	return $self;
}

sub _run {
	my ($self, @arg) = @_;
	open my $fh, '-|', 'sh', '-c', 'openssl "$@" 2>/dev/null', 'sh', @arg
	    or die "openssl: $!\n";
	local $/;
	my $out = <$fh>;
	close $fh or die "openssl @arg failed\n";
	return $out;
}

sub jwks {
	my ($self) = @_;
	my ($n) = $self->_run('rsa', '-in', "$self->{dir}/key.pem", '-noout',
	    '-modulus') =~ /^Modulus=([0-9A-F]+)$/m;
	return $self->{json}->encode({ keys => [{ kty => 'RSA', use => 'sig',
	    kid => 'k1', alg => 'RS256', e => 'AQAB',
	    n => encode_base64url(pack 'H*', $n) }] });
}

# claims beside iss and exp, or instead of them
sub token {
	my ($self, %claim) = @_;
	my $text = join '.', map { encode_base64url($self->{json}->encode($_)) }
	    { alg => 'RS256', kid => 'k1', typ => 'at+jwt' },
	    { iss => $self->{name}, exp => time + 300, %claim };
	open my $fh, '>', "$self->{dir}/text" or die "text: $!\n";
	print {$fh} $text;
	close $fh;
	return "$text." . encode_base64url($self->_run('dgst', '-sha256',
	    '-sign', "$self->{dir}/key.pem", "$self->{dir}/text"));
}

1;
