package Bench::Order;

# Is everything on disk before the 250?  Reads a trace of the whole server
# around one message whose sender, recipient and last body line hold a token.
#
# The rules, each one checked against the moment at which the reply to the
# final dot begins to be written:
#  content   the file that got the body's last line was synced (fsync,
#            fdatasync, syncfs) after the last write to it
#  envelope  every file into which the token was written was synced after
#            the last such write; one of them holds the sender
#  entry     the directory of a file that was created or renamed on the way
#            was synced afterwards (or the file system as a whole)
#  journal   a server may write both into a journal instead: then that has
#            these rules, and got the body after its last write elsewhere, if
#            there was one
# and afterwards:
#  delivery  before the last name of the content in the spool goes (where it
#            had none: before the database says that the journal's file is done
#            with), the name in the Maildir is there and its directory was
#            synced

use strict;
use warnings;
use Bench::Strace;

my %SYNC = map { $_ => 1 } qw(fsync fdatasync syncfs);
my %WRITE = map { $_ => 1 }
    qw(write writev pwrite64 pwritev pwritev2 sendfile splice
    copy_file_range);
my %SEND = map { $_ => 1 } qw(write writev sendto sendmsg);

sub new {
	my ($class, %arg) = @_;		# token root text
	my $self = bless { %arg, created => {}, alias => {} }, $class;
	$self->{calls} = [Bench::Strace::calls($arg{text})];
	$self->_paths($_) for @{ $self->{calls} };
	return $self;
}

# the path of a file descriptor printed by -y: 5</x/y>
sub _fd_path {
	my ($arg) = @_;
	return $1 if $arg =~ m{^(?:\d+|AT_FDCWD)<(/[^>]*?)(?: \(deleted\))?>};
	return '';
}

# "dirfd</d>, \"name\"" as a path
sub _at {
	my ($dir, $name) = @_;
	return $name if $name =~ m{^/};
	return _fd_path($dir) . "/$name";
}

sub _unquote { return $_[0] =~ /^"(.*?)"(\.\.\.)?$/s ? $1 : $_[0] }

# give each call: file (what it works on), to (rename, link), creates, bytes
sub _paths {
	my ($self, $c) = @_;
	my ($n, $a) = @$c{qw(call args)};
	my $q = qr/"(?:[^"\\]|\\.)*"/;
	if ($n eq 'openat' && $a =~ /^(\S+), ($q), (\S+)/) {
		my ($flags, $ret) = ($3, $c->{ret});
		$c->{file} = _fd_path($ret) || _at($1, _unquote($2));
		$c->{creates} = 1 if $flags =~ /O_CREAT|O_TMPFILE/
		    && $ret =~ /^\d/;
		$c->{noisy} = 1 unless $c->{creates};
	} elsif ($n =~ /^(rename|link)(at|at2)$/
	    && $a =~ /^(\S+), ($q), (\S+), ($q)/) {
		@$c{qw(file to)} = (_at($1, _unquote($2)),
		    _at($3, _unquote($4)));
		$c->{file} = $self->{fd}{$c->{pid}}{$1} // $c->{file}
		    if $c->{file} =~ m{^/proc/[\w-]+/fd/(\d+)$};
	} elsif ($n =~ /^(rename|link)$/ && $a =~ /^($q), ($q)/) {
		@$c{qw(file to)} = map { $self->_abs($c, _unquote($_)) } $1, $2;
	} elsif ($n eq 'unlinkat' && $a =~ /^(\S+), ($q)/) {
		$c->{file} = _at($1, _unquote($2));
	} elsif ($n eq 'unlink' && $a =~ /^($q)/) {
		$c->{file} = $self->_abs($c, _unquote($1));
	} else {
		$c->{file} = _fd_path($a);
	}
	$self->_note_fds($c);
	return;
}

# a name relative to the working directory, known from earlier calls
sub _abs {
	my ($self, $c, $name) = @_;
	return $name if $name =~ m{^/};
	return ($self->{cwd}{ $c->{pid} } // '') . "/$name";
}

# last known path of each fd of a process (for links through /proc)
sub _note_fds {
	my ($self, $c) = @_;
	my $text = "$c->{args} $c->{ret}";
	$self->{cwd}{ $c->{pid} } = $1 if $text =~ m{AT_FDCWD<(/[^>]+)>};
	while ($text =~ m{(\d+)<(/[^>]+)>}g) {
		$self->{fd}{$c->{pid}}{$1} = $2;
	}
	return;
}

sub _ok { return $_[0]{ret} =~ /^\d/ }

# the call that begins to write the reply to the final dot
sub _find_reply {
	my ($self) = @_;
	my $after_354;
	for my $c (@{ $self->{calls} }) {
		next unless $SEND{ $c->{call} } && !$c->{file};
		$after_354 = 1 if $c->{args} =~ /"354[ -]/;
		return $c if $after_354 && $c->{args} =~ /"250[ -]/;
	}
	return;
}

# names of one inode: what renames and links make of a path
sub _same {
	my ($self, $path) = @_;
	my %names = ($path => 1);
	for my $pass (1 .. 2) {
		for my $c (grep { defined $_->{to} && _ok($_) }
		    @{ $self->{calls} }) {
			@names{@$c{qw(file to)}} = (1, 1)
			    if $names{ $c->{file} } || $names{ $c->{to} };
		}
	}
	return \%names;
}

# a sync of one of the names, or of the file system, between two lines
sub _synced {
	my ($self, $names, $after, $before) = @_;
	for my $c (@{ $self->{calls} }) {
		next unless $SYNC{ $c->{call} } && _ok($c);
		next unless $c->{start} > $after && $c->{end} < $before;
		return 1 if $c->{call} eq 'syncfs' || $names->{ $c->{file} };
	}
	return 0;
}

sub _dir { return $_[0] =~ m{^(.*)/[^/]*$} ? $1 : '' }

sub _inside {
	my ($self, $path) = @_;
	return index($path // '', "$self->{root}/") == 0
	    && $path !~ m{/(?:log|run)/|\.log$|-shm$};
}

# writes into files of the instance that began before the reply
sub _writes_before {
	my ($self, $reply) = @_;
	return grep { $WRITE{ $_->{call} } && $self->_inside($_->{file})
	    && $_->{start} < $reply->{start} } @{ $self->{calls} };
}

sub _check_file {
	my ($self, $reply, $path, $last, $what) = @_;
	my $names = $self->_same($path);
	push @{ $self->{bad} }, "$what: $path was written, and not synced "
	    . 'before the 250'
	    unless $self->_synced($names, $last->{end}, $reply->{start});
	for my $c (@{ $self->{calls} }) {
		next unless _ok($c) && $c->{start} < $reply->{start};
		my $new = defined $c->{to} && $names->{ $c->{to} } ? $c->{to} :
		    $c->{creates} && $names->{ $c->{file} }
		    && $c->{args} !~ /O_TMPFILE/ ? $c->{file} : next;
		next if !$self->_inside($new)
		    || $self->_gone($new, $c->{end}, $reply->{start});
		next if index($new, $self->{mail}) == 0;
		push @{ $self->{weak} }, "entry: the name $new was made, and "
		    . 'its directory not synced before the 250'
		    unless $self->_synced({ _dir($new) => 1 }, $c->{end},
			$reply->{start});
	}
	return;
}

# renamed away or unlinked between two lines
sub _gone {
	my ($self, $path, $after, $before) = @_;
	return grep { $_->{call} =~ /^(rename|unlink)/ && _ok($_)
	    && $_->{file} eq $path && $_->{start} > $after
	    && $_->{end} < $before } @{ $self->{calls} };
}

# The journal's file is blanked when it is done with: the last sync of the
# database before that.
sub _forgotten {
	my ($self, $journal) = @_;
	my ($blank) = grep { $WRITE{ $_->{call} } && $_->{file} eq $journal
	    && $_->{start} > $self->{reply}{start}
	    && $_->{args} =~ /, 0$/ } @{ $self->{calls} };
	my @sync = grep { $SYNC{ $_->{call} } && $_->{file} =~ /-wal$/
	    && $blank && $_->{end} < $blank->{start} } @{ $self->{calls} };
	return $sync[-1];
}

# The Maildir name must be safe before the spool's last one is unlinked.
sub _check_delivery {
	my ($self, $content, $journal) = @_;
	my $names = $self->_same($content);
	my ($unlink) = $content eq ($journal // '') ?
	    $self->_forgotten($journal) : grep { $_->{call} =~ /^unlink/ &&
	    _ok($_) && $names->{ $_->{file} }
	    && index($_->{file}, $self->{mail}) != 0 } @{ $self->{calls} };
	if (!$unlink && $content eq ($journal // '')) {
		push @{ $self->{bad} }, 'delivery: the journal was kept';
		return;
	}
	my ($in) = grep { defined $_->{to} && _ok($_)
	    && $_->{to} =~ m{/new/[^/]+$} } @{ $self->{calls} };
	if (!$in) {
		push @{ $self->{bad} }, 'delivery: nothing came into new/';
		return;
	}
	my $end = $unlink ? $unlink->{start} : 1e12;
	push @{ $self->{bad} }, "delivery: $in->{to} was made after the "
	    . 'spool file had gone' if $in->{start} > $end;
	my $copy = $self->_same($in->{to});
	my ($last) = reverse grep { $WRITE{ $_->{call} }
	    && $copy->{ $_->{file} } } @{ $self->{calls} };
	push @{ $self->{bad} }, "delivery: $in->{to} was not synced before "
	    . 'the spool file went'
	    if $last && !$self->_synced($copy, $last->{end}, $end);
	push @{ $self->{weak} }, 'entry: the directory of ' . $in->{to}
	    . ' was not synced before the spool file went'
	    unless $self->_synced({ _dir($in->{to}) => 1 }, $in->{end}, $end);
	return;
}

# (violations, weak points): the second are directory entries, which POSIX
# does not promise to be on disk after an fsync of the file
sub check {
	my ($self) = @_;
	@$self{qw(bad weak)} = ([], []);
	my $reply = $self->{reply} = $self->_find_reply;
	return (['no reply to the final dot in the trace'], []) unless $reply;
	my %last;
	my @writes = $self->_writes_before($reply);
	for my $c (@writes) {
		$last{ $c->{file} } = $c if $c->{args} =~ /$self->{token}/;
	}
	my ($journal) = grep { m{/journal/\d+$} &&
	    $last{$_}{args} =~ /$self->{token}-body/ &&
	    $last{$_}{args} =~ /$self->{token}-from/ } keys %last;
	my ($content) = grep { $last{$_}{args} =~ /$self->{token}-body/ &&
	    $_ ne ($journal // '') } keys %last;
	$content //= $journal;		# it never had another file
	push @{ $self->{bad} }, 'no file got the body before the 250'
	    unless defined $content;
	push @{ $self->{bad} }, 'no file got the sender before the 250'
	    unless grep { $_->{args} =~ /$self->{token}-from/ } @writes;
	if (defined $content) {
		for my $c (@writes) {
			$last{$content} = $c if $c->{file} eq $content;
		}
	}
	push @{ $self->{bad} }, "journal: $content was written to after it"
	    if defined $journal && $content ne $journal &&
	    $last{$content}{end} > $last{$journal}{start};
	$self->_check_file($reply, $_, $last{$_}, $_ eq ($journal // '') ?
	    'journal' : $_ eq ($content // '') ? 'content' : 'envelope')
	    for defined $journal ? $journal : sort keys %last;
	$self->_check_delivery($content, $journal) if defined $content;
	return ($self->{bad}, $self->{weak});
}

# the calls on files of the instance, and the replies, in their order
sub print {
	my ($self) = @_;
	for my $c (@{ $self->{calls} }) {
		my $net = $SEND{ $c->{call} } && $c->{args} =~ /"[235]\d\d[ -]/
		    && $c->{file} eq '';
		next unless $net || $self->_inside($c->{file})
		    || $self->_inside($c->{to});
		next if $c->{noisy} || $c->{ret} =~ /^-1/;
		my $line = "$c->{call}($c->{args}) = $c->{ret}";
		$line =~ s/\Q$self->{root}\E/ROOT/g;
		$line =~ s/("(?:[^"\\]|\\.){90})(?:[^"\\]|\\.)*"/$1..."/g;
		$line = substr($line, 0, 260) . ' ...' if length $line > 260;
		printf "%s%6d %s\n", $c == ($self->{reply} // 0) ? '>>' : '  ',
		    $c->{pid}, $line;
	}
	return;
}

1;
