# No generated, large or broken file is in git; scripts parse.

# Compile text as perl -wc does, in a process that has most modules already:
# the errors.
sub Text::compile {
	$^W = 1;
	return eval "package Script;\n#line 1 \"$_[1]\"\n" .
	    "sub {$_[0]\n}; 1" ? '' : $@;
}

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../bench";
use Postrider::Imap ();
use Postrider::Instance ();
use Postrider::Queue ();
use Postrider::Smtpd ();
use Postrider::Tables ();
use Postrider::Source qw(files tracked slurp in_git programs);
use Test::More;

chdir "$FindBin::Bin/../..";

sub perl_says {
	my ($f) = @_;
	# one that does more than compile
	return `perl -It/lib -It/bench -wc '$f' 2>&1`
	    if slurp($f) =~ /^BEGIN\b/m;
	my $pid = open(my $fh, '-|') // die "fork: $!\n";
	if (!$pid) {
		open STDERR, '>&', \*STDOUT;
		my $bad = Text::compile(slurp($f) =~
		    s/^__(?:END|DATA)__\n.*//msr, $f);
		print STDERR $bad;
		POSIX::_exit($bad ? 255 : 0);
	}
	my $said = join '', <$fh>;
	close $fh;
	return $said;
}

my %program = map { ("$_->[0]/$_->[1]" => 1) } programs();

if (in_git()) {
	my @f = tracked();
	my @bad = grep {
		m{\.(?:o|a|so|lo|la|log|trs|gcda|gcno|orig|rej|swp|tar\.gz|db
		|cdb|core)$|~$|(?:^|/)\.deps/|\.dirstamp$|(?:^|/)stamp-h|
		^(?:configure|aclocal\.m4|Makefile(?:\.in)?|config\.(?:log|
		status))$|^lib/config\.h|^autom4te\.cache/|^build|^demo/}x
		|| $program{$_}
	} @f;
	is "@bad", '', 'git holds no generated file';
	my @elf = grep { slurp($_) =~ /^\x7fELF/ } @f;
	is "@elf", '', 'git holds no program';
	my @large = grep { -s > 1_000_000 } @f;
	is "@large", '', 'git holds no file over 1 MB';
}

for my $f (files(qr/./)) {
	open my $fh, '<:raw', $f or die "$f: $!";
	my $first = <$fh> // '';
	my ($shell) = $first =~ m{^#!\s*\S*?(?:/env )?/?\b(ba)?sh\b} ?
	    ($1 ? 'bash' : 'sh') : ();
	$shell = 'bash' if $f =~ /\.bash$/;
	$shell = 'sh' if $f =~ /\.sh$/ && !$shell;
	if ($shell) {
		is system($shell, '-n', $f), 0, "$f: $shell can read it";
	}
	if ($first =~ /^#!/) {
		ok -x $f, "$f may be executed";
	}
	if ($f =~ /\.(?:pm|t|pl)$/ || $first =~ /^#!.*perl/) {
		my $out = perl_says($f);
		is $?, 0, "$f: perl can read it" or diag $out;
		like slurp($f), qr/^use strict;/m, "$f is strict";
	}
}
done_testing;
