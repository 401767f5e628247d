package Postrider::Faults::Page;

# The page of t/fault/control.h: which call of which program fails.
#
#   my $p = Postrider::Faults::Page->new($file);
#   local %ENV = (%ENV, $p->env);        of what is started now
#   $p->arm('qmgr', 'sync', 2);          see Faults.pm

use strict;
use warnings;

use Postrider::Instance;

# of fault/control.h
our @class = qw(none short space sync read name files memory eintr clock fork
    rights send other kill start);
my %class = map { $class[$_] => $_ } 0 .. $#class;

sub new {
	my ($class, $file) = @_;
	my $self = bless { control => $file }, $class;
	$self->page_begin;
	return $self;
}

sub page_begin {
	my ($self) = @_;
	open my $fh, '>:raw', $self->{control} or die "control: $!\n";
	print {$fh} "\0" x 4096;
	close $fh or die "control: $!\n";
	return;
}

sub env {
	my ($self) = @_;
	my $shim = Postrider::Instance::build() . '/t/fault/shim.so';
	-f $shim or die "no $shim\n";
	return (LD_PRELOAD => $shim, POSTRIDER_FAULTS => $self->{control},
	    ASAN_OPTIONS => join ':', $ENV{ASAN_OPTIONS} // (),
	    'verify_asan_link_order=0');
}

sub _control {
	my ($self, $at, $bytes) = @_;
	open my $fh, '+<:raw', $self->{control} or die "control: $!\n";
	sysseek $fh, $at, 0;
	if (defined $bytes) {
		syswrite($fh, $bytes) == length $bytes or die "control: $!\n";
		return;
	}
	sysread $fh, $bytes, 4096;
	return unpack 'Z32 L l L l L x12 (Z16 L' . @class . ')48', $bytes;
}

sub arm {
	my ($self, $program, $class, $n, $jump) = @_;
	$self->disarm;
	$self->{class} = $class;
	$self->_control(36, pack 'l L l', $n, 0, $jump // 0);
	$self->_control(0, pack 'a32', $program);
	$self->_control(32, pack 'L', $class{$class} // die "$class?\n");
	return;
}

sub armed { return ($_[0]->_control(0))[0] }
sub class { return $_[0]{class} // 'none' }
sub fired { return ($_[0]->_control(0))[3] }

# from now on, how often each program comes to calls of each class
sub count {
	my ($self) = @_;
	$self->{before} = {};
	$self->{before} = $self->counted;
	return $self->_control(48, pack 'L', 1);
}

sub counted {
	my ($self) = @_;
	my (undef, undef, undef, undef, undef, undef, @row) =
	    $self->_control(0);
	my %n;
	while (my ($program, @of) = splice @row, 0, 1 + @class) {
		last if $program eq '';
		$n{$program}{ $class[$_] } = $of[$_] -
		    ($self->{before}{$program}{ $class[$_] } // 0)
		    for 1 .. $#class;
	}
	$self->_control(48, pack 'L', 0);
	return \%n;
}

sub disarm {
	my ($self) = @_;
	$self->_control(32, pack 'L', 0);
	return $self->fired;
}

1;
