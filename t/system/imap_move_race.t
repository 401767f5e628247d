#!/usr/bin/perl
# Two sessions move the same messages to different folders at the same time:
# each message ends in one of them, once.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus);
use Postrider::ImapState qw(login);
use Postrider::ImapTest qw(server append_all);
use Test::More;

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
done_testing;
