#!/usr/bin/perl
# Many shared folders: nobody's login suffers from what others share.
use strict;
use warnings;
use Postrider::ImapState qw(login);
use Postrider::ImapTest qw(server);
use Test::More;

use constant FOLDERS => 60;

my $s = server(users => { ann => 'pw-ann', bob => 'pw-bob' },
    conf => { 'imapd.conf' => { share_anyone => 'users' } });
my $ann = login($s, 'ann');
for my $i (1 .. FOLDERS) {
	$ann->cmd("CREATE f$i")->expect;
	$ann->cmd("SETACL f$i anyone lr")->expect;
}
my $bob = login($s, 'bob');
$bob->ok('the last of them is open to him', 'SELECT "user/ann@example.test/f' .
    FOLDERS . '"');
$bob->ok('and his own', 'SELECT INBOX');
done_testing();
