package Postrider::Disk;

# Small disks (tmpfs) that can be filled, made read-only and repaired, in a
# mount namespace of the test's own.
#
#   use Postrider::Disk;		# first: the script runs itself anew
#   my $d = Postrider::Disk->new($dir, size => '8m', own => $other_dir);
#   $d->fill; $d->free; $d->read_only(1);
#
# Not root, a user namespace is used.  Where the system has none for people,
# the script's tests are left out; root never leaves them out.

use strict;
use warnings;
use Config;
use POSIX ();

my %NR = $Config{archname} =~ /^x86_64/ ? (mount => 165, umount => 166) :
    $Config{archname} =~ /^aarch64/ ? (mount => 40, umount => 39) : ();
my ($REMOUNT, $RDONLY, $DETACH) = (32, 1, 2);

sub import {
	return if $^C || $ENV{POSTRIDER_DISK_NS};	# perl -c runs nothing
	my @u = $> == 0 ? ('unshare', '-m') :
	    ('unshare', '-m', '-U', '--map-current-user', '--keep-caps');
	if (!%NR || system("@u true 2>/dev/null") != 0) {
		die "no mount namespace: @u failed\n" if $> == 0 && %NR;
		print "1..0 # SKIP no mount namespaces for users here\n";
		exit 0;
	}
	$ENV{POSTRIDER_DISK_NS} = 1;
	exec @u, $^X, (map { "-I$_" } @INC), $0, @ARGV or
	    die "unshare: $!\n";
}

sub _mount {
	my ($to, $flags, $opt) = @_;
	# strings, and no constants: the kernel gets their addresses
	my ($from, $type, $where) = ('tmpfs', 'tmpfs', "$to");
	syscall($NR{mount}, $from, $where, $type, $flags + 0, $opt) == 0 or
	    die "mount $to: $!\n";
	return;
}

# own: a directory whose owner, group and mode the new disk's root gets
sub new {
	my ($class, $dir, %arg) = @_;
	my $self = bless { dir => $dir, size => $arg{size}, n => 0 }, $class;
	my @s = stat($arg{own} || $dir) or die "$arg{own}: $!\n";
	_mount($dir, 0, "size=$arg{size},nr_inodes=20000,mode=0755");
	if ($arg{own}) {
		chown @s[4, 5], $dir;
		chmod $s[2] & 07777, $dir;
	}
	$self->{mounted} = 1;
	return $self;
}

sub read_only {
	my ($self, $on) = @_;
	_mount($self->{dir}, $REMOUNT | ($on ? $RDONLY : 0),
	    "size=$self->{size}");
	return;
}

# bytes that are free
sub room {
	my ($self) = @_;
	my ($bs, $free) = split ' ', `stat -f -c '%S %a' '$self->{dir}'`;
	return $bs * $free;
}

# take all room, but leave so many bytes
sub fill {
	my ($self, $leave) = @_;
	my $n = $self->room - ($leave || 0);
	open my $fh, '>>', "$self->{dir}/.ballast" or die "ballast: $!\n";
	while ($n > 0) {
		my $w = syswrite $fh, "\0" x ($n < 65536 ? $n : 65536) or last;
		$n -= $w;
	}
	return;
}

sub free {
	my ($self) = @_;
	unlink "$self->{dir}/.ballast";
	return;
}

sub umount {
	my ($self) = @_;
	return unless delete $self->{mounted};
	my $dir = $self->{dir};
	syscall $NR{umount}, $dir, $DETACH;
	return;
}

1;
