package Postrider::ImapTest;

# What tests of IMAP with other people's clients share: a server with users, a
# set of messages, and the comparison of what lies where.
#
# The server is a Postrider::Instance, or with POSTRIDER_IMAP=dovecot in the
# environment Debian's Dovecot (root), to tell a fault of ours from one of the
# test or of the client.

use strict;
use warnings;

use Cwd 'abs_path';
use Digest::MD5 'md5_hex';
use Exporter 'import';
use File::Basename 'dirname';
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use POSIX ();
use lib abs_path(dirname(__FILE__) . '/../../bench');
use Bench::Mailbox;
use Postrider::Imap qw(lit lit_plus quote);

our @EXPORT_OK = qw(server sample append_all remote local_maildir digest
    run_client slurp spew work_dir);

sub server {
	my (%arg) = @_;
	if (($ENV{POSTRIDER_IMAP} // '') eq 'dovecot') {
		require Postrider::Dovecot;
		return Postrider::Dovecot->new(%arg)->start;
	}
	require Postrider::Instance;
	return Postrider::Instance->new(%arg)->start;
}

sub slurp {
	my ($path) = @_;
	open my $fh, '<:raw', $path or die "$path: $!\n";
	local $/;
	return scalar(<$fh>) // '';
}

sub spew {
	my ($path, $text) = @_;
	open my $fh, '>:raw', $path or die "$path: $!\n";
	print {$fh} $text;
	close $fh or die "$path: $!\n";
	return;
}

# a directory that only we may read, removed at the end
sub work_dir {
	my $dir = tempdir('postrider-c.XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	chmod 0700, $dir;
	return $dir;
}

# n messages of mixed MIME mail from a seed, LF line ends, each with a header
# field of its own, so that no two are the same
sub sample {
	my ($n, $seed) = @_;
	my $dir = tempdir('postrider-s.XXXXXXXX', TMPDIR => 1,
	    CLEANUP => 1);
	Bench::Mailbox::make($dir, $n, $seed);
	my $i = 0;
	my @text = map { "X-Number: $seed." . ++$i . "\n" . slurp($_) }
	    sort glob "$dir/cur/*";
	remove_tree($dir);
	return @text;
}

# of a message, whatever line ends it has, without the fields of these names
sub digest {
	my ($text, @drop) = @_;
	$text =~ s/\r\n/\n/g;
	my ($head, $rest) = $text =~ /\A(.*?\n)(\n.*|)\z/s;
	$head =~ s/^(?:\Q$_\E):.*\n(?:[ \t].*\n)*//gmi for @drop;
	return length($head . $rest) . ' ' . md5_hex($head . $rest);
}

# Append messages, 20 at a time; flags is a sub of the number (0 ...) or
# nothing.
sub append_all {
	my ($c, $folder, $texts, $flags) = @_;
	my @cmd;
	for my $i (0 .. $#$texts) {
		my $f = $flags ? $flags->($i) : '';
		push @cmd, ["APPEND $folder ($f) ",
			lit_plus($texts->[$i] =~ s/\n/\r\n/gr)];
	}
	while (my @some = splice @cmd, 0, 20) {
		$_->expect for $c->pipeline(@some);
	}
	return;
}

# What a folder holds: { digest => 'sorted flags' }; dies where a message is
# there twice.
sub remote {
	my ($c, $folder, @drop) = @_;
	$c->cmd('EXAMINE ' . quote($folder))->expect;
	my $by = $c->cmd('UID FETCH 1:* (FLAGS BODY.PEEK[])')->expect->fetched;
	my %m;
	for my $r (values %$by) {
		my $d = digest($r->{'BODY[]'}, @drop);
		die "twice in $folder: $r->{'BODY[]'}\n" if exists $m{$d};
		$m{$d} = join ' ', sort grep { !/recent/i } @{ $r->{FLAGS} };
	}
	return \%m;
}

my %LETTER = (D => '\Draft', F => '\Flagged', R => '\Answered', S => '\Seen',
	T => '\Deleted');

# the same of a Maildir
sub local_maildir {
	my ($dir, @drop) = @_;
	my %m;
	for my $f (glob("$dir/cur/*"), glob("$dir/new/*")) {
		my ($l) = $f =~ /:2,(\w*)$/;
		my $d = digest(slurp($f), @drop);
		die "twice in $dir: $f\n" if exists $m{$d};
		$m{$d} = join ' ', sort grep { defined }
		    map { $LETTER{$_} } split //, $l // '';
	}
	return \%m;
}

# run with an empty standard input: (exit status, stdout and stderr)
sub run_client {
	my ($opt, @cmd) = ref $_[0] ? @_ : ({}, @_);
	my $out = File::Temp->new;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>&', $out;
		open STDERR, '>&', $out;
		$ENV{$_} = $opt->{env}{$_} for keys %{ $opt->{env} // {} };
		chdir $opt->{dir} if $opt->{dir};
		no warnings 'exec';
		exec 'timeout', '-k', 5, $opt->{limit} // 240, @cmd;
		POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return ($? >> 8 || $? & 127, slurp("$out"));
}

1;
