package Postrider::Smtpd;

# smtpd alone; the test plays router, cleanup and auth.
#
#   my $s = Postrider::Smtpd->new(conf => { personality => 'lmtp' });
#   my $c = $s->client;                  a Postrider::Smtp, greeting read
#   ... my ($m) = $s->messages;          what cleanup was given, committed
#   $m->{sender}, @{ $m->{rcpt} }, $m->{begin}{proto}, $m->{content}
#
# The fake router knows all of example.test but unknown@, full@ and broken@;
# what is elsewhere may only be named by who may relay.  A login owns its own
# address and alias@ anywhere.  The fake cleanup
# does what the sender's local part says: nospace, nobegin, nocommit, hops.

use strict;
use warnings;
use parent -norequire, 'Postrider::Solo';
use IO::Socket::INET;
use IO::Socket::UNIX;

use Postrider::Smtp;
use Postrider::Solo;

# unix => 1: a UNIX socket; start => 0: not yet
sub new {
	my ($class, %arg) = @_;
	my $self = $class->SUPER::new('smtpd', %arg);
	$self->{unix} = $arg{unix};
	mkdir "$self->{dir}/took";
	chmod 0777, "$self->{dir}/took";
	$self->fake(router => $arg{router} || \&_router);
	my $took = "$self->{dir}/took";
	my $n = 0;
	$self->fake(cleanup => $arg{cleanup} ||
	    sub { return cleanup($took, \$n, @_) });
	my $auth = $arg{auth} || \&_auth;
	$self->fake(auth => sub {
		return Postrider::Solo::mechs(@_) ? '' : $auth->(@_);
	});
	$self->start unless exists $arg{start} && !$arg{start};
	return $self;
}

sub listener {
	my ($self) = @_;
	my $l;
	if ($self->{unix}) {
		$l = IO::Socket::UNIX->new(Listen => 64,
		    Local => $self->path('smtpd'));
		chmod 0666, $self->path('smtpd');
	} else {
		$l = IO::Socket::INET->new(Listen => 64, Proto => 'tcp',
		    LocalAddr => '127.0.0.1', LocalPort => 0);
		$self->{port} = $l->sockport;
	}
	return bless { s => $l }, 'Postrider::Ipc';
}

sub client {
	my ($self, %arg) = @_;
	return Postrider::Smtp->new(%arg, $self->{unix} ?
	    (path => $self->path('smtpd')) : (port => $self->{port}));
}

# a session that has said EHLO (LHLO)
sub session {
	my ($self, $verb) = @_;
	my $c = $self->client;
	$c->ehlo('client.example.org', $verb) or die "no EHLO: " . $c->last;
	return $c;
}

sub _err {
	my ($c, $kind, $dsn, $text) = @_;
	$c->send('err', [kind => $kind, dsn => $dsn, text => $text]);
	return '';
}

sub _router {
	my ($m, $c) = @_;
	if ($m->{verb} eq 'owns') {
		my @not = grep { lc ne lc $m->{f}{login} && !/^alias@/ }
		    @{ $m->{l}{addr} || [] };
		$c->send('ok', [owned => @not ? 'no' : 'yes',
		    map { $m->{f}{login} =~ /^$_\@/ ? (limit_hour => 3) : () }
		    'few']);
		return '';
	}
	my $a = $m->{f}{addr};
	$a .= '@example.test' unless $a =~ /\@/;
	return _err($c, 'perm', '5.7.1', 'relaying denied')
	    if $a !~ /\@example\.test$/i && ($m->{f}{relay} || '') ne 'yes';
	return _err($c, 'perm', '5.1.1', 'no such user') if $a =~ /^unknown/;
	return _err($c, 'temp', '4.2.2', 'mailbox full') if $a =~ /^full/;
	return _err($c, 'temp', '4.3.0', 'table') if $a =~ /^broken/;
	$c->send('ok', [addr => $a]);
	return '';
}

sub cleanup {
	my ($took, $n, $m, $c) = @_;
	my ($verb, $f) = ($m->{verb}, $m->{f});
	if ($verb eq 'rcpt') {
		$c->{told}++;
		return '';
	}
	if ($verb eq 'begin') {
		my $came = (delete $c->{told} // 0) + defined $f->{rcpt};
		return _err($c, 'temp', '4.3.0', "$came recipients came")
		    if $came != $f->{rcpts};
		my $who = $f->{sender} // '';
		return _err($c, 'temp', '4.3.0', 'no') if $who =~ /^nobegin/;
		my $q = sprintf 'Q%07d', ++$$n;
		open my $fh, '>>', "$took/$q.content" or die "$took: $!";
		$c->{q} = $q;
		$c->{who} = $who;
		$c->send('ok', [q => $q], $fh);
		return '';
	}
	if ($verb eq 'commit') {
		my $who = delete $c->{who};
		return _err($c, 'temp', '4.3.0', 'none') unless defined $who;
		return _err($c, 'temp', '4.3.0', 'no') if $who =~ /^nocommit/;
		return _err($c, 'perm', '5.4.6', 'too many hops')
		    if $who =~ /^hops/;
		my $size = -s "$took/$c->{q}.content";
		return _err($c, 'temp', '4.3.0', "size is $size")
		    if $size != ($f->{size} || 0);
		rename "$took/$c->{q}.content", "$took/$c->{q}.done";
	}
	$c->send('ok', [q => $c->{q} // '']);
	return '';
}

# ann's password is pw
sub _auth {
	my ($m, $c) = @_;
	my $data = $m->{f}{data} // '';
	if (($m->{f}{has_data} || 'no') ne 'yes') {
		$c->send('ok', [challenge => '']);
	} elsif ($data eq 'AGFubgBwdw==') {
		$c->send('ok', [done => 'yes', user => 'ann@example.test']);
	} else {
		_err($c, 'perm', '5.7.8', 'authentication failed');
	}
	return '';
}

# the committed messages, in order
sub messages {
	my ($self) = @_;
	my ($rcpt, @m) = ([]);
	my $n = 0;
	for my $r ($self->asked('cleanup')) {
		if ($r->{verb} eq 'rcpt') {
			push @$rcpt, $r->{f};
		} elsif ($r->{verb} eq 'begin') {
			push @$rcpt, { addr => $r->{f}{rcpt},
			    map { $_ => $r->{f}{$_} } qw(notify orcpt) };
			push @m, { sender => $r->{f}{sender} // '',
			    begin => $r->{f},
			    rcpt => [map { $_->{addr} } @$rcpt],
			    rcpts => $rcpt };
			$rcpt = [];
		}
	}
	@m = grep { $_->{sender} !~ /^nobegin/ } @m;
	for my $m (@m) {
		my $file = sprintf '%s/took/Q%07d.done', $self->{dir}, ++$n;
		open my $fh, '<:raw', $file or next;
		local $/;
		$m->{content} = <$fh> // '';
	}
	return grep { defined $_->{content} } @m;
}

1;
