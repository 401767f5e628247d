package Bench::ImapPostrider;

# Postrider as `postrider init` makes it; only the limits of processes are
# raised where more sessions are asked for.

use strict;
use warnings;
use parent -norequire, 'Bench::ImapServer', 'Bench::Postrider';
use Bench::ImapServer;
use Bench::Postrider;
use Bench::Util qw(spew slurp run port_base);

sub init {
	my ($self) = @_;
	my $base = port_base();
	@$self{qw(port smtp)} = ($base + 143, $base + 25);
	run($Bench::Postrider::CTL, 'init', $self->{dir}, '--domain',
	    'local.test', '--port-base', $base);
	my $conf = slurp("$self->{dir}/conf/master.conf") // '';
	die "postrider: no IMAP here: conf/master.conf has no listener on port "
	    . "$self->{port}\n" if $conf !~ /:$self->{port}\b/;
	my $hash = crypt('pw', '$6$rounds=1000$postriderbench$');
	spew("$self->{dir}/users.import", join('', map {
		"$_\@local.test:$hash\n" } $self->names));
	run($self->_ctl('user', 'import', "$self->{dir}/users.import"));
	my $n = $self->{opt}{sessions} + 100;
	for my $section (qw(imap-login imapd)) {
		my ($text) = $conf =~ /^\[\Q$section\E\]\n((?:[^\[].*\n|\n)*)/m
		    or next;
		my ($limit) = $text =~ /^process_limit\s*=\s*(\d+)/m;
		my ($clients) = $text =~ /^clients\s*=\s*(\d+)/m;
		$self->_set('master.conf', $section, 'process_limit', $n)
		    if ($limit // 0) * ($clients // 1) < $n;
	}
	return;
}

sub home { return "$_[0]{dir}/mail/local.test/$_[1]" }
sub smtp_port { return $_[0]{smtp} }
sub pop3_port { return $_[0]{port} - 143 + 110 }
sub smtp_hello { return 'EHLO' }
sub derived { return grep { -e } $_[0]->home($_[1]) . '/.index' }

# whoever owns the directory of the mailboxes
sub owner {
	my ($self) = @_;
	my $dir = -d "$self->{dir}/mail/local.test" ?
	    "$self->{dir}/mail/local.test" : "$self->{dir}/mail";
	return (stat $dir)[4, 5];
}

1;
