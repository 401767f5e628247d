#!/usr/bin/perl
# Mistakes are answered helpfully, without an instance where none is needed.
use strict;
use warnings;
use Postrider::Instance;
use Test::More;

my $i = Postrider::Instance->new;
my $nowhere = "$i->{tmp}/nowhere";

sub ctl_is {
	my ($args, $status, $re) = @_;
	my ($st, $out, $err) = $i->ctl(map { ref $_ ? @$_ : $_ } @$args);
	is $st, $status, "exit $status: @$args";
	like "$out$err", $re, 'says it';
	return;
}

ctl_is(['!version'], 0, qr/^postrider \d/);
ctl_is(['!help'], 0, qr/^  queue/m);
ctl_is(['!help', 'queue'], 0, qr/--older/);
ctl_is(['!--help'], 0, qr/^usage: postrider/);
ctl_is(['!queue', '--help'], 0, qr/flush/);
ctl_is(['!statsu'], 2, qr/unknown verb "statsu"; did you mean "status"/);
ctl_is(['status', '--jsno'], 2, qr/unknown option --jsno; did you mean --json/);
ctl_is(['status'], 1, qr/is not running/);
ctl_is(['stop'], 1, qr/is not running/);
ctl_is(['!-i', $nowhere, 'status'], 1, qr/is no instance/);
ctl_is(['queue', 'list'], 1, qr/is not running/);
ctl_is(['queue', 'list', '--older', 'x'], 2, qr/expected a time/);
ctl_is(['queue', 'list', '--state', 'heldd'], 2,
    qr/expected one of any\|active/);
ctl_is(['queue', 'delete'], 1, qr/--yes/);
ctl_is(["call", "qmrg", "list"], 2,
    qr/no socket "qmrg"; did you mean "qmgr"/);
ctl_is(['call', 'qmgr', 'lisst'], 2, qr/did you mean "list"/);
ctl_is(['call', 'qmgr', 'list', 'fromm=x'], 2, qr/did you mean "from"/);
ctl_is(['call', 'qmgr', 'list', 'limit=x'], 2, qr/expected a number/);
ctl_is(['map', 'uesrs'], 1, qr/did you mean users/);
ctl_is(['log', '--since', 'yesterday'], 2, qr/expected a time/);
ctl_is(['check'], 0, qr/warning: nobody gets mail for postmaster/);
$i->add_user('ann', 'pw');
my ($st, $out, $err) = $i->ctl('check');
is "$st $err", '0 ', 'with a mailbox there is nothing to warn of';

# what is wrong has a place, also where the file has to be read to its end
my %bad = (
	'router.conf' => ["relayhost = [::1\n\n", 'relayhost: expected'],
	'common.conf' => ["hostname = a b\n", 'hostname: bad character'],
	'master.conf' => ["[smtpd]\nlisten = inet:x:1\n",
	    '\[smtpd\]: listen = inet:x:1: expected'],
	users => ["nobody\n", '"nobody": expected a full address'],
	aliases => ["a: b\n: c\n", 'no key'],
);
for my $f (sort keys %bad) {
	my $path = $i->conf_dir . "/$f";
	my $was = $i->slurp($path);
	my $line = ($was . $bad{$f}[0]) =~ s/\n+\z//r =~ tr/\n// + 1;
	$i->spew($path, "$was$bad{$f}[0]");
	ctl_is(['check'], 1, qr/\Q$path:$line: \E$bad{$f}[1]/);
	$i->spew($path, $was);
}
ctl_is(['check'], 0, qr{conf is good});
ctl_is(['start', 'now'], 2, qr/takes no arguments/);
done_testing;
