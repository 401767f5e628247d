package Postrider::Imap;

# A raw IMAP client; see Line.pm.  It sends what it is told and parses what
# comes, literals included.
#
#   my $c = Postrider::Imap->new(port => $i->port('imap'));
#   my $c = Postrider::Imap->new(command => ["$build/imapd/imapd", '--stdio']);
#   $c->login('ann', 'pw');
#   my $r = $c->cmd('SELECT INBOX');          a reply, see below
#   $c->cmd('APPEND x ', lit($text));         a literal; waits for "+"
#   $c->cmd('APPEND x ', lit_plus($text));    {N+}, at once
#   $c->ok('a name', 'NOOP');                 a test: the answer is OK
#   my @tag = map { $c->start($_) } @many;    pipelining
#   my @r = map { $c->finish($_) } @tag;
#
# A reply: { status => 'OK', code => [...] or undef, text, tag, got => [...] },
# got being the untagged responses that came before it, as hashes:
#   { name => 'FETCH', num => 3, data => [ [FLAGS => ['\Seen'], ...] ], raw }
#   { name => 'OK', code => ['UIDNEXT', 7], text => '...' }
# Values: an atom, a number, a quoted string or a literal is a string, NIL is
# undef, a list is an array.  BODY[HEADER.FIELDS (A B)]<0> is one atom.

use strict;
use warnings;
use parent -norequire, 'Postrider::Line';
use Exporter 'import';
use Postrider::Line;
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);
use Test::Builder;
use Time::HiRes qw(time);

our @EXPORT_OK = qw(lit lit_plus lit8 quote parse);
our $LEVEL = 1;

sub lit { return { text => $_[0], plus => '', mark => '' } }
sub lit_plus { return { text => $_[0], plus => '+', mark => '' } }
sub lit8 { return { text => $_[0], plus => '', mark => '~' } }

# as a quoted string; for bytes that can not be one, use lit
sub quote { return '"' . ($_[0] =~ s/([\\"])/\\$1/gr) . '"' }

# port, path or fh as in Line.pm; or command => [program, argument ...], whose
# standard input and output are the connection.  greeting => 0: it is not read.
sub new {
	my ($class, %arg) = @_;
	my $pid;
	($arg{fh}, $pid) = _spawn(@{ $arg{command} }) if $arg{command};
	my $self = $class->connect_to(%arg);
	$self->{pid} = $pid;
	$self->{owner} = $$;
	$self->{next} = 0;
	$self->{early} = [];
	$self->{done} = {};
	$self->{greeting} = $self->response unless
	    exists $arg{greeting} && !$arg{greeting};
	return $self;
}

sub _spawn {
	my @cmd = @_;
	socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC
	    or die "socketpair: $!\n";
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		close $ours;
		open STDIN, '<&', $theirs;
		open STDOUT, '>&', $theirs;
		no warnings 'exec';
		exec { $cmd[0] } @cmd;
		require POSIX;
		POSIX::_exit(127);
	}
	close $theirs;
	return ($ours, $pid);
}

sub greeting { return $_[0]{greeting} }

# exit status of the command, after close; as $?
sub close {
	my ($self) = @_;
	my $r = $self->SUPER::close;
	if ($self->{pid} && $self->{owner} == $$) {
		waitpid delete $self->{pid}, 0;
		$self->{exit} = $?;
	}
	return $r;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $@, $!);
	$self->close if $self->{pid} && $self->{owner} == $$;
	return;
}

# ---- reading ----------------------------------------------------------------

# n bytes as they come
sub bytes {
	my ($self, $n) = @_;
	while (length $self->{buf} < $n) {
		$self->fill or die "the stream ended in a literal\n";
	}
	return substr $self->{buf}, 0, $n, '';
}

# one whole response as it came, literals included, without its last CRLF;
# undef at the end of the stream
sub raw_response {
	my ($self) = @_;
	my $raw = $self->line // return undef;		## no critic
	while ($raw =~ /\{(\d+)\+?\}\z/) {
		$raw .= "\r\n" . $self->bytes($1);
		$raw .= $self->line // die "the stream ended in a response\n";
	}
	return $raw;
}

sub _value {
	my ($t) = @_;
	return _list($t, qr/\G\)/) if $$t =~ /\G\(/gc;
	if ($$t =~ /\G"((?:[^"\\]|\\.)*)"/gcs) {
		my $s = $1;
		$s =~ s/\\(.)/$1/gs;
		return $s;
	}
	if ($$t =~ /\G~?\{(\d+)\+?\}\r\n/gc) {
		my $s = substr $$t, pos($$t), $1;
		pos($$t) += $1;
		return $s;
	}
	# an atom; a section in brackets, and what is in it, belongs to it
	if ($$t =~ /\G((?:[^\s()\[\]"{]|\[[^\]]*\])+)/gc) {
		return uc $1 eq 'NIL' ? undef : $1;
	}
	die 'can not parse: ' . substr($$t, pos($$t) // 0, 80) . "\n";
}

sub _list {
	my ($t, $end) = @_;
	my @v;
	while (1) {
		$$t =~ /\G +/gc;
		return \@v if $$t =~ /$end/gc;
		push @v, _value($t);
	}
}

# the values of a text, as a list
sub parse {
	my ($text) = @_;
	pos($text) = 0;
	return @{ _list(\$text, qr/\G\z/) };
}

sub _resp_text {
	my ($r, $t) = @_;
	if ($$t =~ /\G\[/gc) {
		my $start = pos $$t;
		$r->{code} = eval { _list($t, qr/\G\]/) };
		if (!$r->{code}) {
			pos($$t) = $start;
			$r->{code} = [$1] if $$t =~ /\G([^\]]*)\]/gc;
		}
		$$t =~ /\G /gc;
	}
	$r->{text} = substr $$t, pos($$t) // 0;
	return $r;
}

# a response of its bytes
sub parse_response {
	my ($raw) = @_;
	my $r = { raw => $raw };
	return { %$r, tag => '+', text => $1 } if $raw =~ /^\+ ?(.*)/s;
	$raw =~ /^(\S+) /gc or die "no response: $raw\n";
	$r->{tag} = $1;
	$r->{num} = $1 if $r->{tag} eq '*' && $raw =~ /\G(\d+) /gc;
	$raw =~ /\G([^ ]+) ?/gc or die "no response: $raw\n";
	$r->{name} = uc $1;
	return _resp_text($r, \$raw)
	    if $r->{name} =~ /^(?:OK|NO|BAD|BYE|PREAUTH)$/;
	$r->{data} = _list(\$raw, qr/\G\s*\z/);
	return $r;
}

# the next response, parsed; undef at the end of the stream
sub response {
	my ($self) = @_;
	my $raw = $self->raw_response // return undef;	## no critic
	return parse_response($raw);
}

# ---- commands ---------------------------------------------------------------

sub _lit_head {
	my ($l, $plus) = @_;
	return $l->{mark} . '{' . length($l->{text}) . $plus . "}\r\n";
}

# Send a command, pieces being text and literals; its tag.  Responses that come
# while a "+" is waited for belong to the command that is finished next.  Where
# the server answers the command instead of asking for a literal, the rest is
# not sent.
sub start {
	my ($self, @piece) = @_;
	my $tag = 'a' . ++$self->{next};
	my $out = "$tag ";
	for my $p (@piece) {
		if (!ref $p) {
			$out .= $p;
			next;
		}
		$out .= _lit_head($p, $p->{plus});
		if (!$p->{plus}) {
			$self->put($out);
			$out = '';
			$self->wait_plus($tag) or return $tag;
		}
		$out .= $p->{text};
	}
	$self->put("$out\r\n");
	return $tag;
}

# read until "+": its text, or undef where the command ended instead
sub wait_plus {
	my ($self, $tag) = @_;
	while (1) {
		my $r = $self->response // die "the stream ended\n";
		return $r->{text} if $r->{tag} eq '+';
		if ($r->{tag} eq '*') {
			push @{ $self->{early} }, $r;
			next;
		}
		$self->_tagged($r);
		return undef if $r->{tag} eq $tag;	## no critic
	}
}

sub _tagged {
	my ($self, $r) = @_;
	$r->{status} = $r->{name};
	$r->{got} = $self->{early};
	$self->{early} = [];
	$self->{done}{ $r->{tag} } = bless $r, 'Postrider::Imap::Reply';
	return;
}

# read until the command is answered; its reply.  Where the server closes, the
# status is 'EOF'.
sub finish {
	my ($self, $tag) = @_;
	until ($self->{done}{$tag}) {
		my $r = $self->response;
		if (!$r) {
			$self->_tagged({ tag => $tag, name => 'EOF', raw => '',
				text => '' });
		} elsif ($r->{tag} eq '*') {
			push @{ $self->{early} }, $r;
		} elsif ($r->{tag} eq '+') {
			die "a + that nobody asked for: $r->{raw}\n";
		} else {
			$self->_tagged($r);
		}
	}
	return delete $self->{done}{$tag};
}

sub cmd {
	my ($self, @piece) = @_;
	return $self->finish($self->start(@piece));
}

# all in one write; the replies.  Literals must be of the + kind.
sub pipeline {
	my ($self, @cmd) = @_;
	my @tag;
	my $all = '';
	for my $c (@cmd) {
		my $tag = 'a' . ++$self->{next};
		push @tag, $tag;
		$all .= "$tag " . join('', map {
			ref $_ ? _lit_head($_, '+') . $_->{text} : $_
		} ref $c eq 'ARRAY' ? @$c : $c) . "\r\n";
	}
	$self->put($all);
	return map { $self->finish($_) } @tag;
}

sub login {
	my ($self, $user, $password) = @_;
	return $self->cmd('LOGIN ' . quote($user) . ' ' . quote($password));
}

sub logout {
	my ($self) = @_;
	my $r = $self->cmd('LOGOUT');
	$self->close;
	return $r;
}

# { sequence number => { UID => 7, FLAGS => [...], 'BODY[]' => ... } }
sub fetch {
	my ($self, $set, $items) = @_;
	return $self->cmd("FETCH $set $items")->expect->fetched;
}

# the same by UID
sub uid_fetch {
	my ($self, $set, $items) = @_;
	my $by = $self->cmd("UID FETCH $set $items")->expect->fetched;
	return { map { ($_->{UID} => $_) } values %$by };
}

sub search {
	my ($self, $what) = @_;
	return $self->cmd($what =~ /^UID/ ? $what : "SEARCH $what")->expect
	    ->numbers;
}

# ---- IDLE -------------------------------------------------------------------

# true where the server says "+"
sub idle_start {
	my ($self) = @_;
	$self->{idle} = $self->start('IDLE');
	return defined $self->wait_plus($self->{idle});
}

# the next untagged response that sub is true for (any without one) within the
# time, or undef; those that came before it are kept for the reply
sub wait_untagged {
	my ($self, $sub, $secs) = @_;
	my $end = time + ($secs // $Postrider::Line::TIMEOUT);
	while (1) {
		my $left = $end - time;
		return undef		## no critic
		    if $left <= 0 || !$self->pending($left);
		my $r = $self->response // die "the stream ended\n";
		push @{ $self->{early} }, $r;
		local $_ = $r;
		return $r if !$sub || $sub->($r);
	}
}

sub idle_done {
	my ($self) = @_;
	$self->put("DONE\r\n");
	return $self->finish(delete $self->{idle});
}

# ---- tests ------------------------------------------------------------------

sub _is {
	my ($self, $want, $name, @piece) = @_;
	my $r = $self->cmd(@piece);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $tb = Test::Builder->new;
	$tb->ok($r->{status} eq $want, $name)
	    or $tb->diag("wanted $want, got: $r->{raw}");
	return $r;
}

# a name and a command: the test that it is answered so; the reply
sub ok { my $self = shift; return $self->_is('OK', @_) }
sub no { my $self = shift; return $self->_is('NO', @_) }
sub bad { my $self = shift; return $self->_is('BAD', @_) }

package Postrider::Imap::Reply;

use strict;
use warnings;

# the untagged responses of that name
sub untagged {
	my ($self, $name) = @_;
	return grep { ($_->{name} // '') eq $name } @{ $self->{got} };
}

# itself; dies unless it is OK
sub expect {
	my ($self) = @_;
	$self->{status} eq 'OK' or die "not OK: $self->{raw}\n";
	return $self;
}

# the arguments of a response code, of the tagged or an untagged response:
# code('UIDNEXT') is 7; in list context all of them; nothing where it is not
# there
sub code {
	my ($self, $name) = @_;
	for my $r ($self, reverse @{ $self->{got} }) {
		my ($n, @arg) = @{ $r->{code} // [] } or next;
		next if uc $n ne uc $name;
		return wantarray ? @arg : @arg ? $arg[0] : 1;
	}
	return;
}

# of the last untagged response of that name (EXISTS, RECENT): its number
sub num {
	my ($self, $name) = @_;
	my @r = $self->untagged($name) or return undef;	## no critic
	return $r[-1]{num};
}

# FETCH responses by sequence number; those of one message are one
sub fetched {
	my ($self) = @_;
	my %by;
	for my $r ($self->untagged('FETCH')) {
		my @kv = @{ $r->{data}[0] };
		while (my ($k, $v) = splice @kv, 0, 2) {
			$by{ $r->{num} }{ uc $k } = $v;
		}
	}
	return \%by;
}

# the numbers of SEARCH or SORT
sub numbers {
	my ($self) = @_;
	return [grep { !ref && /^\d+$/ } map { @{ $_->{data} } }
	    $self->untagged('SEARCH'), $self->untagged('SORT')];
}

1;
