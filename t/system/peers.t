#!/usr/bin/perl
# Mail both ways with Postfix, Exim and OpenSMTPD as Debian ships them, found
# by MX records of the test's own zone: what arrives has the bytes that were
# sent, what is refused comes back as a report.
use strict;
use warnings;
use Test::More;
use Postrider::Instance;
use Postrider::Peers;
use Postrider::Smtp;
use Postrider::Zone;

Postrider::Peers::enter() if $> == 0;
my $i = Postrider::Instance->new(users => { ann => 'pw' },
    domains => ['postrider.test'], conf => { 'common.conf' =>
    { hostname => 'mx.postrider.test' } });
my $p;
my @names = $> == 0 ? Postrider::Peers::names() : ();
if (@names) {
	$p = Postrider::Peers->new;
	my $dns = Postrider::Zone->new(address => '127.0.0.53', port => 53,
	    zones => $p->zones('postrider.test'));
	$p->resolver('127.0.0.53');
	$dns->configure($i);
	$i->set_conf('master.conf', 'smtpd/listen' => 'inet:127.0.0.1:' .
	    $i->port('smtp') . ' inet:127.0.0.1:25');
	$p->{dns} = $dns;
	# the others are on 127.0.0.0/8, too
	$i->set_conf('smtp.conf', own_addresses => '127.0.0.1');
}
$i->start;

my %body = (plain => "Subject: plain\n\nhello\n",
    dots => "Subject: dots\n\n.\n..\n.a\nend\n.\n",
    eight => "Subject: eight\nMIME-Version: 1.0\nContent-Type: text/plain; "
    . "charset=utf-8\nContent-Transfer-Encoding: 8bit\n\ngr\xc3\xbc\xc3\x9fe\n",
    long => "Subject: long\n\n" . 'x' x 990 . "\n",
    big => "Subject: big\n\n" . ("0123456789 abcdefghij\n" x 20000));

sub body_of {
	my ($file) = @_;
	return $i->slurp($file) =~ s/\A.*?\n\n//sr;
}

# the message with that subject among these files
sub with {
	my ($subject, @files) = @_;
	return grep { $i->slurp($_) =~ /^Subject: $subject$/m } @files;
}

sub ours {
	my ($to, $message) = @_;
	return scalar $i->send(port => 'submission', auth => ['ann', 'pw'],
	    from => 'ann@postrider.test', to => $to,
	    message => "From: ann\@postrider.test\n$message");
}

sub theirs {
	my ($name, $to, $message) = @_;
	my $s = Postrider::Smtp->new(host => $p->address($name), port => 25);
	my @r = $s->send(from => 'bob@' . $p->domain($name), to => $to,
	    message => "From: bob\@$name.test\n$message");
	$s->quit;
	return $r[0];
}

for my $name (@names) {
	$p->start($name);
	my $bob = 'bob@' . $p->domain($name);
	is ours($bob, $body{$_}), 250, "$name: to it, $_" for sort keys %body;
	ok $i->wait_for(sub { $p->mails($name) >= keys %body }, 60),
	    "$name: all arrive" or diag $i->log_tail(40), $p->log_tail;
	for my $k (sort keys %body) {
		my @f = with($k, $p->mails($name));
		is scalar @f, 1, "$name: $k once";
		is body_of($f[0]), $body{$k} =~ s/\A.*?\n\n//sr,
		    "$name: $k as it was sent" if @f;
	}
	is ours("missing\@$name.test", "Subject: lost at $name\n\nx\n"), 250,
	    "$name: to a user that it has not";
	my $final = qr/^Final-Recipient: rfc822; ?missing\@$name\.test$/mi;
	ok $i->wait_for(sub { grep { $i->slurp($_) =~ $final }
	    $i->mails('ann') }), "$name: a report comes back" or
	    diag $i->log_tail(20);

	is theirs($name, 'ann@postrider.test', $body{$_} =~
	    s/^Subject: /Subject: $name /r), 250, "$name: from it, $_"
	    for sort keys %body;
	for my $k (sort keys %body) {
		ok $i->wait_for(sub { with("$name $k", $i->mails('ann')) },
		    60), "$name: $k arrives" or diag $i->log_tail(20),
		    $p->log_tail;
		my @f = with("$name $k", $i->mails('ann'));
		is body_of($f[0]), $body{$k} =~ s/\A.*?\n\n//sr,
		    "$name: $k came as it was sent" if @f;
	}
	my $before = $p->mails($name);
	is theirs($name, 'missing@postrider.test',
	    "Subject: missing there\n\nx\n"), 250,
	    "$name: to a user that we have not";
	ok $i->wait_for(sub { $p->mails($name) > $before }, 60),
	    "$name: it has a report for its sender" or diag $p->log_tail;
	for my $n (1 .. 20) {
		ours($bob, "Subject: many $n\n\n$n\n");
	}
	ok $i->wait_for(sub { 20 <= with('many \d+', $p->mails($name)) },
	    60), "$name: twenty more";
	is scalar(() = with('many \d+', $p->mails($name))), 20,
	    "$name: each once";
}
ok $i->wait_for(sub { $i->queue('list') eq "no messages\n" }),
    'nothing is left in the queue';
done_testing;
