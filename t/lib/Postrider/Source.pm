package Postrider::Source;

# The files of the project, for the checks of t/lint.  Run from the top.

use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(files tracked slurp strip_c programs lib_folders
    in_git);

my @git = qw(git -c safe.directory=*);

sub in_git {
	return system("@git rev-parse --git-dir >/dev/null 2>&1") == 0;
}

sub _ls {
	my ($opt) = @_;
	open my $fh, '-|', "@git ls-files -z $opt" or die "git: $!\n";
	local $/ = "\0";
	chomp(my @f = <$fh>);
	my %seen;
	return grep { !$seen{$_}++ && -f && !-l } @f;
}

# what git knows
sub tracked { return _ls('-c') }

# all of our files whose path matches, those not yet added to git included
my @all;
sub files {
	my ($re) = @_;
	if (!@all && in_git()) {
		@all = _ls('-co --exclude-standard');
	} elsif (!@all) {
		open my $fh, '-|', q{find . \( -path ./build -o -path ./demo }
		    . q{-o -name .deps -o -name autom4te.cache -o -path }
		    . q{./build-aux \) -prune -o -type f -print}
		    or die "find: $!\n";
		chomp(@all = <$fh>);
		s{^\./}{} for @all;
		@all = grep { !m{(?:^|/)config\.|\.[oa]$|~$|^[^/]*configure
		    |^Makefile(?:\.in)?$|^aclocal}x } @all;
	}
	return sort grep { /$re/ } @all;
}

sub slurp {
	my ($path) = @_;
	open my $fh, '<:raw', $path or die "$path: $!\n";
	local $/;
	return scalar(<$fh>) // '';
}

# C without its comments (and, unless keep is set, without what is in its
# strings); every line stays where it was
sub strip_c {
	my ($text, $keep) = @_;
	$text =~ s{(/\*.*?\*/)|(//[^\n]*)|("(?:\\.|[^"\\\n])*"|
	    '(?:\\.|[^'\\\n])*')}{
		my ($block, $line, $lit) = ($1, $2, $3);
		defined $lit ? ($keep ? $lit : substr($lit, 0, 1) x 2) :
		    defined $block ? ($block =~ tr/\n//cdr || ' ') : ''
	}gsex;
	return $text;
}

# programs of the suite: [folder, name], from the module.am files
sub programs {
	my @p;
	for my $f (files(qr{^[a-z0-9]+/module\.am$})) {
		my ($dir) = split m{/}, $f;
		push @p, map { [$dir, $_] } slurp($f) =~
		    m{^(?:pkglibexec|sbin)_PROGRAMS\s*\+=\s*%D%/(\S+)}mg;
	}
	return @p;
}

# { folder => layer }, from lib/LAYERS
sub lib_folders {
	my ($n, %layer) = (0);
	for my $l (split /\n/, slurp('lib/LAYERS')) {
		next if $l =~ /^\s*(?:#|$)/;
		$n++;
		$layer{$_} = $n for split ' ', $l;
	}
	return %layer;
}

1;
