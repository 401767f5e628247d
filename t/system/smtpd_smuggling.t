# Only CRLF, dot, CRLF ends a message: every other pair of line ends round a
# dot is content; what stands alone is refused or made a line end.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Postrider::Smtpd;
use Test::More;

my @ends = ("\n", "\r", "\r\n", "\n\r", "\r\r\n", "\r\n\n");
(my %name) = ("\n" => 'LF', "\r" => 'CR', "\r\n" => 'CRLF',
    "\n\r" => 'LFCR', "\r\r\n" => 'CRCRLF', "\r\n\n" => 'CRLFLF');
my $smuggled = "MAIL FROM:<admin\@example.test>\r\n" .
    "RCPT TO:<ann\@example.test>\r\nDATA\r\nsmuggled\r\n.\r\n";

for my $mode ('strict', 'normalize') {
	my $s = Postrider::Smtpd->new(conf => { line_ends => $mode,
	    errors => 1000 });
	my $sent = 0;
	for my $before (@ends) {
		for my $after (@ends) {
			# these hold the real end
			next if "$before.$after" =~ /\r\n\.\r\n/;
			my $c = $s->session;
			$c->pipeline('MAIL FROM:<a@example.org>',
			    'RCPT TO:<ann@example.test>', 'DATA');
			$c->put("one$before.$after$smuggled");
			my $code = $c->reply;
			is $code, $mode eq 'strict' ? 550 : 250,
			    "$mode: $name{$before}.$name{$after} does not " .
			    'end it';
			like $c->last, qr/^550 5\.5\.2 /, '... 5.5.2'
			    if $mode eq 'strict';
			is scalar $c->cmd('NOOP'), 250, '... in step';
			$c->quit;
			$sent++;
		}
	}
	my @m = $s->messages;
	is scalar @m, $mode eq 'strict' ? 0 : $sent,
	    "$mode: nothing was smuggled in";
	is scalar(grep { $_->{content} =~ /\r/ } @m), 0,
	    "$mode: no CR is stored";
	is scalar(grep { $_->{content} !~ /^smuggled$/m } @m), 0,
	    "$mode: what follows is content";
}

# bare ends elsewhere
my $s = Postrider::Smtpd->new;
my $c = $s->session;
sub text {
	my ($text) = @_;
	$c->pipeline('MAIL FROM:<a@example.org>',
	    'RCPT TO:<ann@example.test>', 'DATA');
	$c->put("$text\r\n.\r\n");
	return scalar $c->reply;
}
is text("a\nb"), 550, 'LF in a line';
is text("a\rb"), 550, 'CR in a line';
is text("a\r\r\nb"), 550, 'CRCRLF';
is text("a\r"), 550, 'CRCRLF before the end';
is text("\n"), 550, 'LF alone';
is text("a\0b"), 550, 'NUL';
like $c->last, qr/^550 5\.6\.0 /, '... 5.6.0';
is text("a\r\n..\r\n.b\r\n..."), 250, 'dots';
$c->put("NOOP\n");
is scalar $c->reply, 550, 'LF behind a command';
like $c->last, qr/^550 5\.5\.2 /, '... 5.5.2';
$c->put("NOOP a\rRSET\r\n");
is scalar $c->reply, 550, 'CR in a command';
is scalar $c->cmd('NOOP'), 250, 'in step';
is_deeply [map { $_->{content} } $s->messages], ["a\n.\nb\n..\n"],
    'only the clean one is stored';
$c->quit;

# over an edge of every buffer
$c = $s->session;
my $text = join '', map { ('x' x ($_ % 97)) . "\r\n" . ('.' x ($_ % 3)) }
    1 .. 3000;
$text .= "\r\n";
(my $wire = $text) =~ s/^\./../mg;
for my $size (1000, 4095, 4096, 4097, 32767, 32768, 100_000) {
	is_deeply [$c->pipeline('MAIL FROM:<a@example.org>',
	    'RCPT TO:<ann@example.test>', 'DATA')], [250, 250, 354],
	    "pieces of $size";
	my $rest = "$wire.\r\n";
	while (length $rest) {
		$c->put(substr $rest, 0, $size, '');
	}
	is scalar $c->reply, 250, '... accepted';
}
(my $stored = $text) =~ s/\r\n/\n/g;
my @m = $s->messages;
shift @m;
is scalar(grep { $_->{content} eq $stored } @m), 7, 'all stored alike';
done_testing;
