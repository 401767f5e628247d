#!/usr/bin/perl
# Each program, inside the jail that it serves in, fails at what it must not do;
# where a call that takes rights away fails at its start, it ends.
use strict;
use warnings;
use Test::More;
use Postrider::Faults::Page;
use Postrider::Instance;

my $pr = Postrider::Instance->new(users => { ann => 'pw' });

# what nobody may
my @never = qw(open-outside list-root create-outside unlink-outside inet-socket
    connect ptrace exec-memory chmod mount unshare
    clone-namespace io-uring exec times signal-owner);
# service => what this one may besides, because its job needs it
my @calls = qw(unix-socket unix-connect datagram-pair);
my %job = (
	(map { $_ => \@calls } qw(smtpd submission lmtp sendmail cleanup
	    bounce gate router qmgr auth pop3-login imap-login tlsd stsd)),
	filter => [],	# what its filters need: filter_milter.t
	'sts-fetch' => [@calls, qw(inet-socket attributes)],
	# of domains: mailboxes lie apart
	local => ['attributes'], pop3d => [], notifyd => [],
	# one uid for all: no way to tell whose folder is watched
	imapd => [$> == 0 ? () : 'watch'],
	keyd => [], limitd => [],
	pipe => [],	# its child, which starts commands, has no jail
	# to other hosts
	smtp => [@calls, qw(inet-socket connect attributes)],
	# to servers of names; of UNIX sockets it can make none
	dnsd => [qw(inet-socket unix-connect attributes)],
	mapd => [],	# what its tables need: mapd_pgsql.t
	logd => \@calls,	# to syslog
	# modules of PAM read /etc, load code, run helpers and change ids
	'auth-pam' => [@calls, qw(open-outside fork kill-parent setuid-root
	    exec-memory chmod exec attributes)],
	# the parent of deliveries to system accounts forks and changes ids
	(map { $_ => [@calls, qw(fork kill-parent setuid-root)] }
	    qw(system command)),
);
my @service = $pr->slurp($pr->conf_dir . '/master.conf') =~ /^\[(.*)\]/mg;
is join(' ', sort keys %job), join(' ', sort @service), 'all services';
my @may = (@calls, qw(setuid-root kill-parent fork watch attributes));

for my $service (sort keys %job) {
	my %got = map { split /\t/, $_, 2 } grep { !/^(?:jail|verb|call) / }
	    $pr->probe($service);
	is(scalar(keys %got), @never + @may, "$service: every probe ran");
	my %need = map { $_ => 1 } @{$job{$service}};
	my @open = grep { ($got{$_} // 'missing') eq 'possible' && !$need{$_} }
	    @never;
	is("@open", '', "$service: nothing forbidden is possible");
	my @extra = grep { $got{$_} eq 'possible' && !$need{$_} } @may;
	is("@extra", '', "$service: nothing more than its job is possible");
}

# One of the calls by which it gives up rights fails, then the next one: it
# ends and says why.  What comes behind the jail are tries of -J itself.
my $page = Postrider::Faults::Page->new($pr->dir . '/../faults');
sub fails {
	my ($service, $program) = @_;
	local %ENV = (%ENV, $page->env);
	$page->count;
	my %whole = map { $_ => 1 } $pr->probe($service);
	my $n = $page->counted->{ substr $program, 0, 15 }{rights};
	my ($ended, @wrong, $goes) = (0);
	for my $k (1 .. $n) {
		$page->arm($program, 'rights', $k);
		my ($rc, $out, $err) = $pr->run_probe($service);
		push @wrong, "$k: did not come to it" if !$page->disarm;
		if ($rc) {
			$ended++;
			push @wrong, "$k: $rc $err" if $goes ||
			    $out =~ /^(?!jail ).*\t/m ||
			    $rc !~ /^7[58]$/ || $err !~ /^\S.*\n/;
			next;
		}
		# of pipe it may have been the starter, without which it serves
		# nobody
		$goes = $program ne 'pipe';
		push @wrong, "$k: $_" for grep { /\tpossible$/ && !$whole{$_} }
		    split /\n/, $out;
	}
	is join("\n", @wrong), '', "$service: $n calls, $ended end it";
	cmp_ok $ended, '>', 4, '... which are those of its start';
	return;
}
my %program = $pr->slurp($pr->conf_dir . '/master.conf') =~
    /^\[(.*)\]\n(?:[^\[].*\n|\n)*?program\s*=\s*(\S+)/mg;
fails($_, $program{$_}) for $ENV{POSTRIDER_SOAK} ? @service :
    qw(cleanup imapd system);
done_testing;

