#!/usr/bin/perl
# Bash completes verbs, options and names.
use strict;
use warnings;
use FindBin;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new(users => { ann => 'pw', anton => 'pw' });
my $file = "$FindBin::Bin/../../ctl/postrider.bash";
# nobody may not read the source tree
$i->spew("$i->{tmp}/c.bash", $i->slurp($file));
chmod 0644, "$i->{tmp}/c.bash";

sub complete {
	my (@word) = @_;
	my ($st, $out, $err) = $i->run('bash', '-c', '. "$1"; shift
	    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _postrider "$1"
	    printf "%s\n" "${COMPREPLY[@]}"', 'bash', "$i->{tmp}/c.bash",
	    "$i->{build}/ctl/postrider", @word);
	return join ' ', sort split /\n/, $out;
}

is complete('sta'), 'start status', 'verbs';
is complete('-i', $i->dir, 'rel'), 'reload', 'behind -i';
is complete('queue', 'del'), 'delete', 'verbs of queue';
is complete('queue', 'list', '--o'), '--older', 'filters';
is complete('queue', 'list', '--state', 'h'), 'hold', 'states';
is complete('-i', $i->dir, 'user', 'show', 'an'),
    'ann@example.test anton@example.test', 'accounts';
is complete('limits', ''), 'forget list', 'verbs of limits';
is complete('status', ''), '--json --pids', 'options';
done_testing;
