# A corpus of varied messages goes in by swaks, curl and sendmail and comes out
# by fetchmail, getmail6 and curl over POP3.
#
# What is compared: the message as a client stored it must be a prefix of
# trace fields (Return-Path with the envelope sender, Delivered-To, Received,
# in this order, and nothing else) followed by exactly the octets that were
# sent.  Line ends are LF on both sides (no message of the corpus holds a CR);
# a last line without end has got one, which SMTP can not do without.
# curl shows the server's octets.  fetchmail and getmail change some odd
# messages themselves; there, what they stored must be what they make of the
# server's octets (Postrider::Clients says what that is), and it is counted.
# sendmail completes a header without Date, From or Message-ID, ends a header
# that has no end and drops a mailbox file's "From " line: counted too.
# A line over 998 octets may be refused, but not altered.

use strict;
use warnings;
use Test::More;

use File::Path qw(make_path);
use File::Temp qw(tempdir);

use Postrider::Clients qw(send_swaks send_curl send_sendmail read_curl
    read_fetchmail read_getmail in_parallel fetchmail_form getmail_form);
use Postrider::Corpus;
use Postrider::Instance;

my $SEED = $ENV{CORPUS_SEED} || 1;
my %SENDER = (swaks => 'ann', curl => 'bob', sendmail => 'cal');
my %CONF = ('smtpd.conf' => { message_size => '50M' });

my @corpus = Postrider::Corpus::messages($SEED);
my $dir = tempdir(CLEANUP => 1);
chmod 0711, $dir;
my $i = Postrider::Instance->new(conf => \%CONF,
    users => { map { $_ => 'pw' } values %SENDER });
$i->start;

my @SENDMAIL = ('env', 'POSTRIDER_INSTANCE=' . $i->dir,
    "$i->{build}/ctl/sendmail");

# The odd ones out: known alterations of a reader, by the server's octets.
my %ALTERS = (curl => sub { return $_[0] }, fetchmail => \&fetchmail_form,
    getmail => sub { return getmail_form($dir, $_[0]) });
my %READ = (curl => \&read_curl, fetchmail => \&read_fetchmail,
    getmail => \&read_getmail);

sub send_all {
	my ($how) = @_;
	my $to = "$SENDER{$how}\@example.test";
	my %send = (swaks => \&send_swaks, curl => \&send_curl,
	    sendmail => sub { my (undef, @a) = @_;
		return send_sendmail(\@SENDMAIL, @a) });
	my @refused = in_parallel(2, sub {
		my ($m) = @_;
		return $send{$how}->($i, $dir, "$m->{name}\@sender.test", $to,
		    $m->{text});
	}, @corpus);
	my @bad = grep { !$_->{flags}{overlong} } @refused;
	is scalar @bad, 0, "$how: every message is accepted" or
	    diag map { "refused: $_->{name}\n" } @bad;
	note "$how: overlong, refused: $_->{name}" for @refused;
	my %no = map { $_->{name} => 1 } @refused;
	return grep { !$no{ $_->{name} } } @corpus;
}

# What is behind the trace fields of the message: undef where they are wrong.
sub behind_trace {
	my ($got, $m, $n) = @_;
	return if $n <= 0;
	my $trace = substr $got, 0, $n;
	return $trace =~ /\AReturn-Path:\ <\Q$m->{name}\E\@sender\.test>\n
	    (?:Delivered-To:\ [^\n]+\n)?
	    (?:Received:\ [^\n]*\n(?:[ \t][^\n]*\n)*)+\z/x ?
	    substr($got, $n) : undef;
}

# The same octets as were sent, behind trace fields.  What begins with a blank
# would go on with them: it is a body, behind an empty line (cleanup(8)).
sub is_exact {
	my ($got, $m) = @_;
	my $want = Postrider::Corpus::stored($m->{text});
	$want =~ s/\A(?=[ \t])/\n/;
	my $rest = behind_trace($got, $m, length($got) - length($want));
	return defined $rest && $rest eq $want;
}

# The same, but for what sendmail has put in: the lines up to some point, the
# fields and the end of the header, the other lines.
sub is_completed {
	my ($got, $m) = @_;
	my $want = Postrider::Corpus::stored($m->{text});
	$want =~ s/\AFrom [^\n]*\n//;
	my $trace = qr/Return-Path: [^\n]*\n(?:Delivered-To: [^\n]*\n)?
	    (?:Received:\ [^\n]*\n(?:[\ \t][^\n]*\n)*?)+/x;
	my $added = qr/(?:Date: [^\n]+\n)?(?:From: [^\n]+\n)?
	    (?:Message-ID:\ <[^\n<>]+>\n)?\n?/x;
	my $at = 0;
	for my $line ('', split /^/, $want) {
		$at += length $line;
		my ($one, $two) = (substr($want, 0, $at), substr $want, $at);
		return 1 if $got =~ /\A$trace\Q$one\E$added\Q$two\E\z/;
		last if $line eq "\n";
	}
	return 0;
}

# the copies of a reader by the name of the message
sub read_all {
	my ($how, $user, $n) = @_;
	my $d = "$dir/$user";
	make_path($d);
	chmod 0711, $d;
	my %got;
	for my $text ($READ{$how}->($i, $d, $user, 'pw', $n)) {
		my ($name) = $text =~ /\AReturn-Path: <([^@>]*)\@sender/;
		push @{ $got{ $name // 'unknown' } }, $text;
	}
	return \%got;
}

# what is wrong with the copies of one message in a mailbox, or ''
sub trouble {
	my ($sender, $reader, $m, $got, $server, $count) = @_;
	my @copy = @{ $got->{ $m->{name} } // [] };
	my ($orig) = @{ $server->{ $m->{name} } // [] };
	return @copy . ' copies' if @copy != 1 || !defined $orig;
	if ($copy[0] ne $orig) {
		return 'differs from what the server has'
		    if $copy[0] ne $ALTERS{$reader}->($orig);
		$count->{"altered by $reader"}++;
		note "$reader alters $m->{name}";
	} elsif (is_exact($orig, $m)) {
		$count->{exact}++;
		return '';
	}
	return '' if is_exact($orig, $m);
	return 'differs from what was sent'
	    if $sender ne 'sendmail' || !is_completed($orig, $m);
	$count->{'completed by sendmail'}++;
	note "sendmail completes $m->{name}";
	return '';
}

sub check {
	my ($sender, $reader, $server, @sent) = @_;
	my $got = $reader eq 'curl' ? $server :
	    read_all($reader, $SENDER{$sender}, scalar @sent);
	my %count = (exact => 0);
	my @bad = map { $_->[1] ? "$_->[0]: $_->[1]" : () } map {
	    [$_->{name}, trouble($sender, $reader, $_, $got, $server, \%count)]
	    } @sent;
	push @bad, 'a message that nobody sent' if $got->{unknown};
	my $exact = delete $count{exact};
	is scalar @bad, 0, "$sender to $reader: $exact of " . @sent .
	    ' byte-identical' . join('', map { ", $count{$_} $_" }
	    sort keys %count) or diag join "\n", @bad;
	return;
}

cmp_ok scalar @corpus, '>=', 220, 'the corpus has ' . @corpus . ' messages';
# swaks, a start of Perl a message, says to either build what curl does: the
# build with sanitizers hears it from curl.  What fetchmail and getmail make of
# the same octets is the same for either sender: there each reads one mailbox.
my $slow = $i->sanitized;
for my $sender ($slow ? () : 'swaks', qw(curl sendmail)) {
	my @sent = send_all($sender);
	my $user = $SENDER{$sender};
	my @files = $i->wait_mails($user, scalar @sent);
	is scalar @files, scalar @sent,
	    "$sender: each message is delivered once";
	my $server = read_all('curl', $user, scalar @sent);
	check($sender, $_, $server, @sent) for 'curl',
	    !$slow || $sender eq 'curl' ? 'fetchmail' : (),
	    !$slow || $sender eq 'sendmail' ? 'getmail' : ();
}
ok $i->stop, 'the instance stops';
done_testing;
