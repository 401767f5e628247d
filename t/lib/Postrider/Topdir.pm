package Postrider::Topdir;

# the T attribute of a directory, as lsattr shows it

use strict;
use warnings;
use Exporter 'import';
use Fcntl qw(O_RDONLY O_DIRECTORY);

our @EXPORT_OK = qw(has_topdir can_topdir);

use constant { GET => 0x80086601, SET => 0x40086602, TOPDIR => 0x20000 };

# 1, or 0 also where the file system knows no attributes
sub has_topdir {
	my ($dir) = @_;
	my $flags = pack 'x8';
	sysopen my $fh, $dir, O_RDONLY | O_DIRECTORY or die "$dir: $!\n";
	return ioctl($fh, GET, $flags) && unpack('I', $flags) & TOPDIR ? 1 : 0;
}

# can a directory in this one have it?
sub can_topdir {
	my ($dir) = @_;
	my $path = "$dir/topdir.$$";
	mkdir $path or die "$path: $!\n";
	sysopen my $fh, $path, O_RDONLY | O_DIRECTORY or die "$path: $!\n";
	my $flags = pack 'I x4', TOPDIR;
	ioctl $fh, SET, $flags;
	my $can = has_topdir($path);
	rmdir $path;
	return $can;
}

1;
