#!/usr/bin/perl
# Two sessions move the same messages to different folders at the same time:
# each message ends in one of them, once.  Then three do nothing but move: what
# one has just moved is at once moved on by another.
use strict;
use warnings;
use POSIX ();
use Postrider::Imap qw(lit_plus);
use Postrider::ImapState qw(login);
use Postrider::ImapTest qw(server append_all);
use Test::More;
use Time::HiRes qw(time);

my $s = server(users => { ann => 'pw-ann' });
my @c = map { login($s, 'ann') } 1 .. 2;
$c[0]->ok("$_ is made", "CREATE $_") for qw(A B);
my @text = map { "Subject: $_\n\nmessage $_\n" } 1 .. 40;
my (%bad, %answer);
for my $round (1 .. 15) {
	$_->cmd('SELECT INBOX') for @c;
	append_all($c[0], 'INBOX', \@text);
	$_->cmd('NOOP')->expect for @c;
	my $n = $c[1]->cmd('SELECT INBOX')->num('EXISTS');
	$c[0]->cmd('SELECT INBOX');
	$bad{"INBOX has $n"}++ if $n != @text;
	my @tag = ($c[0]->start('MOVE 1:* A'), $c[1]->start('MOVE 1:* B'));
	$answer{ $c[$_]->finish($tag[$_])->{status} }++ for 0, 1;
	my %n;
	for my $f (qw(A B)) {
		my $r = $c[0]->cmd("SELECT $f");
		next if !$r->num('EXISTS');
		my $by = $c[0]->fetch('1:*', 'BODY.PEEK[TEXT]');
		$n{ $_->{'BODY[TEXT]'} }++ for values %$by;
		$c[0]->cmd('STORE 1:* +FLAGS.SILENT (\Deleted)')->expect;
		$c[0]->cmd('EXPUNGE')->expect;
	}
	for my $t (@text) {
		my ($body) = $t =~ /\n\n(.*)\z/s;
		my $times = $n{ $body =~ s/\n/\r\n/gr } // 0;
		$bad{"a message was there $times times"}++ if $times != 1;
	}
}
is_deeply \%bad, {}, 'each of them is there once, after each of 15 rounds';
cmp_ok $answer{OK} // 0, '>=', 15, 'one of both at least was answered OK';
ok !$answer{BAD}, 'none BAD';
note explain \%answer;

# SECONDS of moves from one folder to another: which answers were not OK
sub mover {
	my ($seconds, $seed) = @_;
	my @folder = qw(INBOX A B);
	my ($bad, $end) = ('', time + $seconds);
	srand $seed;
	my $m = login($s, 'ann');
	while (time < $end) {
		my ($from, $to) = (int rand 3, 1 + int rand 2);
		my $r = $m->cmd("SELECT $folder[$from]");
		$r->num('EXISTS') or next;
		my @uid = map { $_->{UID} } values
		    %{ $m->cmd('UID FETCH 1:* UID')->expect->fetched };
		for (1 .. 4) {
			my $set = join ',', @uid[map { rand @uid } 1 .. 3];
			$r = $m->cmd("UID MOVE $set " .
			    $folder[($from + $to) % 3]);
			$bad = $r->{raw} if $r->{status} ne 'OK';
			$m->cmd('NOOP')->expect;
		}
	}
	return $bad;
}

$_->cmd('SELECT A') for @c;
append_all($c[0], 'INBOX', [@text[0 .. 11]]);
my @pid;
for my $seed (1 .. 3) {
	push @pid, my $pid = fork // die "fork: $!\n";
	next if $pid;
	my $bad = eval { mover(6, $seed) } // $@;
	print {*STDERR} "# $bad\n" if $bad;
	POSIX::_exit($bad ne '');
}
my $failed = 0;
for (@pid) {
	waitpid $_, 0;
	$failed++ if $?;
}
is $failed, 0, 'three move at once: all is answered OK';
my %there;
for my $f (qw(INBOX A B)) {
	my $r = $c[0]->cmd("SELECT $f");
	next if !$r->num('EXISTS');
	$there{ $_->{'BODY[TEXT]'} }++
	    for values %{ $c[0]->fetch('1:*', 'BODY.PEEK[TEXT]') };
}
is_deeply \%there, { map { ("message $_\r\n" => 1) } 1 .. 12 },
    'each message is there once';
done_testing;
