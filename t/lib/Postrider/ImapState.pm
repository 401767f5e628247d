package Postrider::ImapState;

# All that a client can see of a user's folders, to be compared before and
# after; the removal of what a server derives; and mail for that user.

use strict;
use warnings;

use Exporter 'import';
use File::Find 'find';
use File::Path 'remove_tree';
use Postrider::Imap qw(quote);
use Postrider::Smtp;

our @EXPORT_OK = qw(login whole_state tokens drop_derived deliverer);

# users have the password pw-NAME
sub login {
	my ($s, $user) = @_;
	my $c = Postrider::Imap->new(port => $s->port('imap'));
	$c->login($user, "pw-$user")->expect;
	return $c;
}

sub _folder {
	my ($c, $folder, $modseq) = @_;
	my $r = $c->cmd('EXAMINE ' . quote($folder))->expect;
	my $by = $c->cmd('UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ' .
	    "BODY.PEEK[HEADER.FIELDS (X-TOKEN)]$modseq)")->expect->fetched;
	my %m;
	for my $f (values %$by) {
		my ($k) = grep { /^BODY\[/ } keys %$f;
		my ($token) = ($f->{$k} // '') =~ /^X-Token: (\w+)/m;
		$m{ $f->{UID} } = [$token // '', join(' ',
		    sort grep { !/recent/i } @{ $f->{FLAGS} }),
		    @$f{qw(INTERNALDATE RFC822.SIZE)},
		    $f->{MODSEQ} ? $f->{MODSEQ}[0] : ()];
	}
	return { name => $folder, validity => $r->code('UIDVALIDITY'),
		next => $r->code('UIDNEXT'), messages => \%m };
}

# [{ name, validity, next, messages => { uid => [token, flags, internal date,
# size, modseq] } }, ...]; the modseq where the server is ours and has it
sub whole_state {
	my ($s, $user) = @_;
	my $c = login($s, $user);
	my $can = $c->cmd('CAPABILITY');
	my $modseq = $s->isa('Postrider::Dovecot') ? '' :
	    (grep { $_->{raw} =~ /\sCONDSTORE\b/ } @{ $can->{got} }) ?
	    ' MODSEQ' : '';
	my @l = map { $_->{data}[2] } grep {
		!grep { /noselect|nonexistent/i } @{ $_->{data}[0] }
	} $c->cmd('LIST "" "*"')->expect->untagged('LIST');
	my @st = map { _folder($c, $_, $modseq) } sort @l;
	$c->logout;
	return \@st;
}

# the same as check_journals wants it
sub tokens {
	my ($state) = @_;
	my @f;
	for my $f (@$state) {
		my $m = $f->{messages};
		push @f, [@$f{qw(name validity)},
			{ map { $_ => $m->{$_}[0] } keys %$m }];
	}
	return \@f;
}

# Remove what can be made again; the server is down.  True where there was
# something.
sub drop_derived {
	my ($s, $user) = @_;
	my $maildir = $s->maildir($user);
	my @gone = grep { -d } $maildir =~ s{[^/]+$}{.index}r;
	find(sub {
		push @gone, $File::Find::name
		    if /^dovecot\.(?:list\.)?index/;
	}, $maildir) if $s->isa('Postrider::Dovecot');
	remove_tree(@gone);
	return scalar @gone;
}

# a sub (token, text) that delivers by SMTP or LMTP over one connection, and
# dies where the message was not taken
sub deliverer {
	my ($s, $rcpt) = @_;
	my ($port, $hello) = $s->isa('Postrider::Dovecot') ?
	    ('lmtp', 'LHLO') : ('smtp', 'EHLO');
	my ($c, $n) = (undef, 0);
	return sub {
		my ($token, $text) = @_;
		# a server may end a session that has sent much
		undef $c if ++$n % 200 == 0;
		if (!$c) {
			$c = Postrider::Smtp->new(port => $s->port($port));
			$c->cmd("$hello stress.test");
		}
		my @code = map { scalar $c->cmd($_) }
		    'MAIL FROM:<stress@sender.test>', "RCPT TO:<$rcpt>",
		    'DATA';
		if ("@code[0, 2]" eq '250 354') {
			$c->put($c->dotted($text));
			return 1 if $c->reply == 250;
		}
		my $why = $c->last;
		undef $c;
		die "not taken: $why\n";
	};
}

1;
