package Bench::Rows;

# What t/bench/figures runs and the rows that it shows: the aims are those that
# were set for the project, "limit" is what the profile of that row showed.
#
# A run: name, program and scenario, arguments of the quick and the full mode.
# A row: its run and figure (`of' picks one title among several), `less' where
# a small figure is the good one, the aim: `times' the other's, or `below' an
# own figure; the figure of the CPU and what it is to be multiplied with; and
# `disk' where a bare file and flush each is the bar.

use strict;
use warnings;

our @RUNS = (
	{ name => 'suite', cmd => ['suite'], quick => [qw(-r 2)],
		full => [qw(-r 7)] },
	{ name => 'local', cmd => [qw(smtp local)], smtp => 1,
		quick => [qw(-r 3 -n 1500)], full => [qw(-r 5 -n 3000)] },
	{ name => 'relay', cmd => [qw(smtp relay)], smtp => 1,
		quick => [qw(-r 3 -n 1500)], full => [qw(-r 5 -n 3000)] },
	{ name => 'fanout', cmd => [qw(smtp fanout)], smtp => 1,
		quick => [qw(-r 3)], full => [qw(-r 7)] },
	{ name => 'queue', cmd => [qw(smtp queue)], smtp => 1,
		quick => [qw(-n 5000 -f 0)], full => [qw(-n 100000)] },
	{ name => 'million', cmd => [qw(smtp queue)], full =>
		[qw(-n 1000000 -f 0 -s postrider)] },
	{ name => 'smtpidle', cmd => [qw(smtp idle)], smtp => 1,
		full => [qw(-r 2)] },
	{ name => 'mailbox', cmd => [qw(imap mailbox)],
		quick => [qw(-r 1 -n 10000)],
		full => [qw(-r 5 -n), '10000,100000'] },
	{ name => 'sessions', cmd => [qw(imap sessions)],
		quick => [qw(-r 2 -L 1500 -s),
			'postrider,dovecot,dovecot-default'],
		full => [qw(-r 5 -L 2000 -s),
			'postrider,dovecot,dovecot-default'] },
	{ name => 'pop3', cmd => [qw(imap pop3)], quick => [qw(-r 3)],
		full => [qw(-r 5 -P 200)] },
	{ name => 'mixed', cmd => [qw(imap mixed)],
		full => [qw(-r 5)] },
	{ name => 'append', cmd => [qw(imap append)], full => [qw(-r 5)] },
	{ name => 'idle', cmd => [qw(imap idle)],
		quick => [qw(--idle-rounds 1 -c 300 -w 4)],
		full => [qw(--idle-rounds 2 -c 1000)] },
	{ name => 'tls', cmd => ['tls'],
		quick => [qw(-r 2 -n 300 -t 1 -c 0)],
		full => [qw(-r 5 -n 1000 -t 3 -c 500)] });

# rows of one connection on one mailbox
sub _mailbox {
	my ($key, $label, $times, $limit) = @_;
	return { run => 'mailbox', of => qr/: 10000 /, key => $key,
		label => "IMAP $label, 10 000 messages", unit => 'ms',
		less => 1, times => $times, cpu => "$key.cpu", by => 1e-3,
		limit => $limit };
}

our @ROWS = (
	{ run => 'local', of => qr/: 20 sessions/, key => 'delivered',
		label => 'SMTP to Maildir, 4 KiB, 20 connections',
		unit => '/s', times => 6, cpu => 'cpu', disk => 1,
		limit => 'CPU of both cores, smtpd and the kernel\'s sockets '
		    . 'first; the disk waits' },
	{ run => 'local', of => qr/: 20 sessions/, key => 'cpu',
		label => '  CPU seconds per 1000', unit => 's', less => 1,
		below => 0.5, limit => 'a connection, six processes\' '
		    . 'system calls' },
	{ run => 'local', of => qr/: 20 sessions/, key => 'syncs',
		label => '  flushes a message', unit => '', less => 1,
		below => 0.5, limit => 'one of the journal for all that wait, '
		    . 'a syncfs each 200 ms' },
	{ run => 'local', of => qr/: 100 sessions/, key => 'delivered',
		label => 'SMTP to Maildir, 4 KiB, 100 connections',
		unit => '/s', times => 6, cpu => 'cpu', disk => 1,
		limit => 'as with 20' },
	{ run => 'relay', key => 'relayed', label => 'Relay, 4 KiB, 20 '
		    . 'connections', unit => '/s', times => 6, cpu => 'cpu',
		disk => 1, limit => 'CPU of both cores: two sessions of SMTP '
		    . 'a message' },
	{ run => 'fanout', key => 'seconds', label => 'One message of 50 KiB '
		    . 'to 1000', unit => 's', less => 1, times => 8,
		cpu => 'cpu', by => 1, limit => 'a link and a directory entry '
		    . 'for each' },
	{ run => 'queue', key => 'ready', label => 'Deferred queue: start',
		unit => 's', less => 1, below => 2,
		limit => 'the start of all programs' },
	{ run => 'queue', key => 'qmgr', label => '  memory of qmgr, MB',
		unit => '', less => 1, limit => 'the active window' },
	{ run => 'queue', key => 'list_rare', label => '  listing one of 1000 '
		    . 'domains', unit => 's', less => 1, times => 2,
		limit => 'the start of the command' },
	{ run => 'million', key => 'ready', label => '1 000 000 deferred: '
		    . 'start', unit => 's', less => 1, below => 2,
		limit => 'the start of all programs' },
	{ run => 'million', key => 'qmgr_after', label => '  memory of qmgr '
		    . 'after it, MB', unit => '', less => 1, below => 64,
		limit => 'the active window' },
	{ run => 'million', key => 'list_rare', label => '  listing 1 in 1000',
		unit => 's', less => 1, below => 2,
		limit => 'rows that are printed' },
	_mailbox('select_new', 'SELECT, never seen', 2, 'the kernel, three '
	    . 'quarters: readdir alone is four tenths; pages, three syncs'),
	_mailbox('select_warm', 'SELECT, new session', 2, 'one round trip'),
	_mailbox('select_cold', 'SELECT, index gone', 2, 'a replay of the '
	    . 'log, and the names that follow from it'),
	_mailbox('meta_cold', 'FETCH metadata, cold', 2, 'open and read of '
	    . 'each message, its MIME tree, a row of SQLite'),
	_mailbox('meta_warm', 'FETCH metadata, warm', 2, 'rows of SQLite and '
	    . 'the socket'),
	_mailbox('store', 'STORE 1:* +FLAGS', 2, 'one record and one '
	    . 'fdatasync; renames come later'),
	_mailbox('text_again', 'SEARCH TEXT, indexed', 2, 'candidates are '
	    . 'read and verified'),
	_mailbox('flags', 'FETCH FLAGS', 1, 'text of the answers'),
	_mailbox('bodies', 'FETCH of all bodies', 1, 'open and read of each '
	    . 'file, LF to CRLF'),
	_mailbox('from_again', 'SEARCH FROM', 1, 'rows of SQLite'),
	_mailbox('sort_again', 'SORT (DATE)', 1, 'keys are in memory'),
	_mailbox('thread', 'THREAD REFERENCES', 1, 'rows of SQLite'),
	_mailbox('copy', 'COPY 1:*', 1, 'a link for each'),
	_mailbox('move', 'MOVE of a half', 1, 'a link and an unlink for each'),
	_mailbox('expunge', 'EXPUNGE of a quarter', 1, 'an unlink for each'),
	_mailbox('append', 'APPEND of 100', 1, 'a flush each'),
	{ run => 'pop3', key => 'rate', label => 'POP3 RETR', unit => '/s',
		times => 2, cpu => 'cpu', by => 1e-3,
		limit => 'the kernel (four fifths): five calls a '
		    . 'message, two wake-ups, and a fork each mailbox' },
	{ run => 'idle', key => 'per', label => 'Memory of an idle IMAP '
		    . 'session, PSS', unit => 'kB', less => 1, times => 3,
		limit => 'page tables\' own pages, libc and SQLite\'s data' },
	{ run => 'sessions', key => 'rate', label => 'LOGIN, SELECT, LOGOUT; '
		    . 'Dovecot as it comes', unit => '/s', times => 8,
		theirs => 'dovecot-default', cpu => 'cpu', by => 1e-3,
		limit => 'fork, its page faults and exit of '
		    . 'each session (half), its seccomp filter (7 %)' },
	{ run => 'sessions', key => 'rate', label => 'LOGIN, SELECT, LOGOUT; '
		    . 'Dovecot with shared processes', unit => '/s',
		times => 1, cpu => 'cpu', by => 1e-3,
		limit => 'fork, its page faults and exit of '
		    . 'each session (half), its seccomp filter (7 %)' },
	{ run => 'mixed', key => 'rate', label => 'IMAP, 50 connections, '
		    . 'mixed commands', unit => '/s', times => 1,
		cpu => 'cpu', by => 1e-3, limit => 'syncs of APPEND and '
		    . 'STORE' },
	{ run => 'append', of => qr/, 20 /, key => 'rate',
		label => 'IMAP APPEND, 20 connections', unit => '/s',
		times => 1, cpu => 'cpu', by => 1e-3, disk => 1,
		limit => 'syncs' },
	{ run => 'idle', key => 'mail', label => 'IDLE: notice of mail',
		unit => 'ms', less => 1, times => 1,
		limit => 'the delivery' },
	{ run => 'tls', key => 'ec', label => 'TLS handshakes, ECDSA',
		unit => '/s', times => 1, cpu => 'ec cpu', by => 1,
		limit => 'libcrypto, two thirds of it in tlsd; three '
		    . 'processes, not one: nine wake-ups in a row, so with '
		    . 'four clients the cores are not always busy' },
	{ run => 'tls', key => 'rsa', label => 'TLS handshakes, RSA',
		unit => '/s', times => 1, cpu => 'rsa cpu', by => 1,
		limit => 'the signature (a third), then as with ECDSA' },
	{ run => 'tls', key => 'again', label => 'TLS handshakes, resumed',
		unit => '/s', times => 1, cpu => 'again cpu', by => 1,
		limit => 'a login process each' },
	{ run => 'smtpidle', key => 'per', label => 'Memory of an idle SMTP '
		    . 'session, PSS', unit => 'kB', less => 1, times => 1,
		limit => 'a process each' },
	{ run => 'suite', key => 'pss', label => 'The whole idle suite, PSS',
		unit => 'MB', less => 1, below => 15, theirs =>
		[qw(postfix dovecot)], limit => 'relocated data and heap of '
		    . 'libcrypto in tlsd, keyd and auth' },
	{ run => 'suite', key => 'ready', label => 'Start to ready',
		unit => 'ms', less => 1, below => 300, theirs =>
		[qw(postfix dovecot)], cpu => 'cpu', by => 1e-3,
		limit => 'exec and linking of 28 checks '
		    . 'and 20 programs' });

1;
