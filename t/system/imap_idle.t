#!/usr/bin/perl
# IDLE: what comes is told at once; DONE, and what follows it.
use strict;
use warnings;
use Postrider::Imap qw(lit_plus);
use Postrider::Instance;
use Test::More;
use Time::HiRes qw(time);

my $i = Postrider::Instance->new(users => { ann => 'pw' })->start;

sub client {
	my $c = Postrider::Imap->new(port => $i->port('imap'));
	$c->login('ann', 'pw')->expect;
	return $c;
}

my ($c, $d) = (client(), client());
$_->cmd('SELECT INBOX')->expect for $c, $d;

# DONE and the next command in one segment
ok $c->idle_start, 'IDLE asks to go on';
$c->put("DONE\r\nx1 NOOP\r\n");
is $c->finish($c->{idle})->{status}, 'OK', 'DONE';
is $c->finish('x1')->{status}, 'OK', 'and the next command';
# all three in one
$c->put("x2 IDLE\r\nDONE\r\nx3 NOOP\r\n");
my @got = map { $c->response } 1 .. 3;
is_deeply [map { $_->{tag} } @got], ['+', 'x2', 'x3'],
    'IDLE, DONE and a command at once';
# DONE in pieces
$c->idle_start;
$c->put('DO');
select undef, undef, undef, 0.2;
$c->put("NE\r\n");
is $c->finish($c->{idle})->{status}, 'OK', 'DONE in two pieces';
$c->idle_start;
$c->put("done\r\n");
is $c->finish($c->{idle})->{status}, 'OK', 'in lower case';
$c->idle_start;
$c->put("x NOOP\r\n");
is $c->finish($c->{idle})->{status}, 'BAD', 'what is not DONE';
$c->ok('ends it', 'NOOP');
$c->bad('IDLE with an argument', 'IDLE x');

# a notice is fast: the quicker ones of some, as the slow are of a busy machine
sub quick { return (sort { $a <=> $b } @_)[@_ / 4] }
my (@append, @flag, @expunge);
for my $n (1 .. 9) {
	$c->idle_start;
	select undef, undef, undef, 0.05;
	my $start = time;
	$d->put("a$n APPEND INBOX {3+}\r\na:b\r\n");
	my $r = $c->wait_untagged(sub { $_->{name} eq 'EXISTS' });
	push @append, time - $start;
	is $r && $r->{num}, $n, "EXISTS $n";
	do { $r = $d->response } until $r->{tag} eq "a$n";
	$start = time;
	$d->put("b$n STORE $n +FLAGS.SILENT (\\Flagged)\r\n");
	$r = $c->wait_untagged(sub { $_->{name} eq 'FETCH' &&
		grep { $_ eq '\Flagged' } @{ $_->{data}[0][1] } });
	push @flag, time - $start;
	is $r && $r->{num}, $n, 'its flags';
	do { $r = $d->response } until $r->{tag} eq "b$n";
	$c->idle_done;
}
for (1 .. 9) {
	$d->cmd('STORE 1 +FLAGS.SILENT (\Deleted)');
	$c->cmd('NOOP');
	$c->idle_start;
	select undef, undef, undef, 0.05;
	my $start = time;
	$d->put("c EXPUNGE\r\n");
	my $r = $c->wait_untagged(sub { $_->{name} eq 'EXPUNGE' });
	push @expunge, time - $start;
	is $r && $r->{num}, 1, 'EXPUNGE';
	do { $r = $d->response } until $r->{tag} eq 'c';
	$c->idle_done;
}
ok quick(@append) < 0.05, 'APPEND is told within 50 ms';
ok quick(@flag) < 0.05, 'flags, too';
ok quick(@expunge) < 0.05, 'EXPUNGE, too';
diag sprintf 'ms: append %.1f, flags %.1f, expunge %.1f', map { 1000 *
    quick(@$_) } \@append, \@flag, \@expunge;

# a delivery
$c->idle_start;
is $i->send(to => 'ann@example.test', message => "Subject: x\n\nhi\n"), 250,
    'a message';
ok $c->wait_untagged(sub { $_->{name} eq 'EXISTS' }), 'is told';
# after the session gave its memory back
select undef, undef, undef, 1.5;
$i->send(to => 'ann@example.test', message => "Subject: y\n\nhi\n");
ok $c->wait_untagged(sub { $_->{name} eq 'EXISTS' }),
    'also when it was idle long';
# a foreign program renames
my ($file) = glob "$i->{dir}/mail/example.test/ann/Maildir/cur/*";
rename $file, "${file}F" or die "$file: $!\n";
ok $c->wait_untagged(sub { $_->{name} eq 'FETCH' }),
    'flags of a foreign program';
is $c->idle_done->{status}, 'OK', 'DONE';

# nothing selected
$c->ok('UNSELECT', 'UNSELECT');
ok $c->idle_start, 'IDLE without a mailbox';
is $c->idle_done->{status}, 'OK', 'DONE';
# the client goes
$c->cmd('SELECT INBOX');
$c->idle_start;
$c->close;
ok $i->wait_log(qr/imapd\S* disconnect .*end=(?:eof|lost)/), 'the session ends';
done_testing;
