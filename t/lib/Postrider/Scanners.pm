package Postrider::Scanners;

# Debian's rspamd, clamd, clamav-milter, opendkim and pymilter, for tests of
# filters.  Their packages would start daemons, so they are unpacked into a
# directory (packaging/deps.sh, unpack_scanners) and run from there, in the
# test's own directory, on ports of 127.0.0.1.
#
#   my $s = Postrider::Scanners->new($dir, 'rspamd', 'clamd');
#   $s->address('rspamd')       "inet:127.0.0.1:4711"
#   $s->wait                    until all of them listen
#
# rspamd knows GTUBE and the subject "maybe" (7 points, X-Test, and X-Remove
# goes); clamd knows EICAR.

use strict;
use warnings;

use Cwd qw(abs_path);
use IO::Socket::INET;
use POSIX ();
use Postrider::Ports;
use Time::HiRes qw(sleep time);

sub unpacked {
	return abs_path($ENV{POSTRIDER_SCANNERS}) if $ENV{POSTRIDER_SCANNERS};
	my $dir = ($ENV{TMPDIR} || '/tmp') . '/postrider-scanners';
	my $top = abs_path(__FILE__ =~ s{[^/]+$}{}r . '../../..');
	system('bash', '-c', '. "$1/packaging/deps.sh" &&
	    unpack_scanners "$2"', 'sh', $top, $dir) == 0 or
	    die "the scanners' packages: $?\n";
	return $dir;
}

my @SERVERS = qw(rspamd rspamd_milter clamd clamav_milter opendkim python);

sub new {
	my ($class, $dir, @names) = @_;
	my $self = bless { x => unpacked(), dir => "$dir/scanners",
	    pids => [], owner => $$, port => {}, names => [@names] }, $class;
	mkdir $self->{dir} or die "$self->{dir}: $!\n";
	chmod 0755, $self->{dir};
	$self->{port}{$_} = Postrider::Ports::spare() for @SERVERS;
	for my $n (@names) {
		my $fn = $self->can("_start_$n") or die "what is $n?\n";
		$fn->($self);
	}
	return $self;
}

# one that was stopped, again
sub start {
	my ($self, $name) = @_;
	$self->can("_start_$name")->($self);
	return $self->wait($name);
}

sub port { return $_[0]{port}{$_[1]} || die "port of $_[1]?\n" }
sub address { return 'inet:127.0.0.1:' . $_[0]->port($_[1]) }
sub pid_of { return $_[0]{pid}{$_[1]} }

sub wait {
	my ($self, @names) = @_;
	my $end = time + 60;
	for my $n (@names ? @names : @{ $self->{names} }) {
		until (IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		    PeerPort => $self->port($n), Timeout => 1)) {
			die "$n does not listen\n" . $self->output($n)
			    if time > $end || ($self->{pid}{$n} &&
			    waitpid($self->{pid}{$n}, POSIX::WNOHANG()) > 0);
			sleep 0.05;
		}
	}
	return;
}

sub output {
	my ($self, $name) = @_;
	open my $fh, '<', "$self->{dir}/$name.out" or return '';
	local $/;
	return <$fh>;
}

sub _put {
	my ($self, $name, $text) = @_;
	open my $fh, '>', "$self->{dir}/$name" or die "$name: $!\n";
	print {$fh} $text;
	close $fh or die "$name: $!\n";
	return "$self->{dir}/$name";
}

sub _libs {
	my ($self) = @_;
	my $x = $self->{x};
	my ($arch) = glob "$x/usr/lib/*-linux-gnu";
	return join ':', $arch // (), "$x/usr/lib/rspamd", "$x/usr/lib";
}

sub _run {
	my ($self, $name, @cmd) = @_;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		POSIX::setsid();
		$SIG{$_} = 'DEFAULT' for qw(TERM INT PIPE);
		$ENV{LD_LIBRARY_PATH} = $self->_libs;
		$ENV{PYTHONPATH} = "$self->{x}/usr/lib/python3/dist-packages";
		# what is not ours must not be held open by them
		POSIX::close($_) for 3 .. 255;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$self->{dir}/$name.out";
		open STDERR, '>&', \*STDOUT;
		chdir $self->{dir};
		exec @cmd or POSIX::_exit(127);
	}
	push @{ $self->{pids} }, $pid;
	$self->{pid}{$name} = $pid;
	return;
}

# ends one, and waits for it
sub stop {
	my ($self, $name) = @_;
	my $pid = delete $self->{pid}{$name} or return;
	kill 'KILL', -$pid, $pid;
	waitpid $pid, 0;
	@{ $self->{pids} } = grep { $_ != $pid } @{ $self->{pids} };
	return;
}

sub _start_rspamd {
	my ($self) = @_;
	my ($d, $x) = @$self{qw(dir x)};
	my $share = "$x/usr/share/rspamd";
	my ($normal, $milter) = map { $self->port($_) }
	    qw(rspamd rspamd_milter);

	$self->_put('tld', "com\norg\ntest\n");
	$self->_put('rspamd.lua', <<'LUA');
rspamd_config:register_symbol({ name = 'MAYBE', type = 'normal',
  score = 7.0, callback = function(task)
    local s = task:get_subject()
    if s and s:find('maybe') then
      return true, 1.0, (task:get_user() or 'nobody') .. ' ' ..
        (task:get_helo() or 'none') .. ' ' ..
        #(task:get_recipients('smtp') or {})
    end
  end })
LUA
	my $conf = $self->_put('rspamd.conf', <<"CONF");
options {
  filters = ""; cache_file = "$d/symbols.cache"; tempdir = "$d";
  pidfile = "$d/rspamd.pid"; url_tld = "$d/tld"; hs_cache_dir = "$d";
  dns { nameserver = "127.0.0.1:9"; timeout = 0.1s; retransmits = 1; }
  control_socket = "$d/rspamd.control mode=0600";
  disable_monitoring = true;
}
logging { type = "file"; filename = "$d/rspamd.log"; level = "info"; }
worker "normal" { bind_socket = "127.0.0.1:$normal"; count = 1; }
worker "rspamd_proxy" {
  bind_socket = "127.0.0.1:$milter"; milter = yes; count = 1; timeout = 30s;
  upstream "local" { default = yes; self_scan = yes; }
}
actions { reject = 15; add_header = 6; }
group "test" { symbol "MAYBE" { score = 7; } }
lua = "$d/rspamd.lua";
milter_headers {
  use = ["x-test"];
  custom { x-test = <<EOD
return function(task, common_meta)
  local s = (task:get_symbol('MAYBE') or {})[1]
  return nil, {['X-Test'] = s and s.options[1] or 'seen'},
    {['X-Remove'] = 0}, {}
end
EOD;
  }
}
modules { path = "$share/plugins/milter_headers.lua"; }
CONF
	$self->_run('rspamd', "$x/usr/bin/rspamd", '-f', '-i', '-c', $conf,
	    map { "--var=$_" } "SHAREDIR=$share", "LUALIBDIR=$share/lualib",
	    "PLUGINSDIR=$share/plugins", "RULESDIR=$share/rules",
	    (map { "$_=$d" } qw(DBDIR RUNDIR LOGDIR LOCAL_CONFDIR WWWDIR)),
	    "CONFDIR=$x/etc/rspamd");
	return;
}

my $EICAR = 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR' .
    '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*';
sub eicar { return $EICAR }

sub _start_clamd {
	my ($self) = @_;
	my $d = $self->{dir};

	mkdir "$d/signatures";
	$self->_put('signatures/test.ndb',
	    'Test.Eicar:0:*:' . unpack('H*', $EICAR) . "\n");
	my $conf = $self->_put('clamd.conf', <<"CONF");
DatabaseDirectory $d/signatures
TemporaryDirectory $d
TCPSocket @{[ $self->port('clamd') ]}
TCPAddr 127.0.0.1
Foreground yes
StreamMaxLength 1M
MaxThreads 2
SelfCheck 0
LogFile $d/clamd.log
CONF
	$self->_run('clamd', "$self->{x}/usr/sbin/clamd", '-c', $conf);
	return;
}

sub _start_clamav_milter {
	my ($self) = @_;
	my $d = $self->{dir};
	my $conf = $self->_put('clamav-milter.conf', <<"CONF");
MilterSocket inet:@{[ $self->port('clamav_milter') ]}\@127.0.0.1
ClamdSocket tcp:127.0.0.1:@{[ $self->port('clamd') ]}
TemporaryDirectory $d
Foreground yes
OnInfected Reject
RejectMsg virus %v
AddHeader Add
ReportHostname scanner.test
LogFile $d/clamav-milter.log
CONF
	$self->_run('clamav_milter', "$self->{x}/usr/sbin/clamav-milter", '-c',
	    $conf);
	return;
}

# signs for example.test what {daemon_name} submission or the login brings
sub _start_opendkim {
	my ($self) = @_;
	my $d = $self->{dir};

	system("openssl genrsa -out '$d/dkim.key' 1024 2>/dev/null && " .
	    "chmod 600 '$d/dkim.key' && openssl rsa -in '$d/dkim.key' " .
	    "-pubout -outform DER -out '$d/dkim.pub' 2>/dev/null") == 0 or
	    die "openssl: $?\n";
	my $key = do { local (@ARGV, $/) = "$d/dkim.pub"; <> };
	require MIME::Base64;
	$self->_put('keys', 'test._domainkey.example.test v=DKIM1; k=rsa; p='
	    . MIME::Base64::encode_base64($key, '') . "\n");
	my $conf = $self->_put('opendkim.conf', <<"CONF");
Socket inet:@{[ $self->port('opendkim') ]}\@127.0.0.1
Domain example.test
Selector test
KeyFile $d/dkim.key
Mode sv
MTA sign
InternalHosts refile:$d/nobody
Canonicalization simple/simple
SoftwareHeader no
TestPublicKeys $d/keys
AuthservID mx.example.test
AlwaysAddARHeader yes
RequireSafeKeys no
DNSTimeout 1
CONF
	$self->_put('nobody', "192.0.2.99\n");
	$self->_run('opendkim', "$self->{x}/usr/sbin/opendkim", '-f', '-x',
	    $conf);
	return;
}

# what it does is in the subject
sub _start_python {
	my ($self) = @_;
	my $script = $self->_put('changes.py', <<'PYTHON');
import sys
import Milter

class Test(Milter.Base):
    def header(self, name, value):
        if name == 'Subject':
            self.what = value
        return Milter.CONTINUE
    def envfrom(self, f, *a):
        self.what = ''
        self.f = f
        return Milter.CONTINUE
    def envrcpt(self, to, *a):
        if to.startswith('<later'):
            return Milter.TEMPFAIL
        return Milter.CONTINUE
    def eom(self):
        w = self.what
        if w == 'reject':
            return Milter.REJECT
        if w == 'tempfail':
            return Milter.TEMPFAIL
        if w == 'discard':
            return Milter.DISCARD
        if w == 'reply':
            self.setreply('554', '5.7.0', 'line one', '100%% two')
            return Milter.REJECT
        if w == 'quarantine':
            self.quarantine('by python')
        if w == 'change':
            self.addheader('X-Added', 'for ' + str(self.getsymval('i')))
            self.addheader('X-Front', 'in front', 1)
            self.chgheader('Subject', 1, 'changed')
            self.chgheader('X-Gone', 1, None)
            self.chgheader('X-Gone', 2, None)
            self.addrcpt('<bob@example.test>')
            self.delrcpt('<carl@example.test>')
            self.chgfrom('<new@example.org>')
            self.replacebody('a new body\r\nof two lines\r\n')
        return Milter.ACCEPT

Milter.factory = Test
Milter.set_flags(Milter.ADDHDRS + Milter.CHGBODY + Milter.ADDRCPT +
    Milter.DELRCPT + Milter.CHGHDRS + Milter.QUARANTINE + Milter.CHGFROM)
Milter.runmilter('test', 'inet:%s@127.0.0.1' % sys.argv[1], 60)
PYTHON
	$self->_run('python', 'python3', $script, $self->port('python'));
	return;
}

sub DESTROY {
	my ($self) = @_;
	return unless $self->{owner} == $$;
	local ($?, $!, $@);
	kill 'KILL', -$_, $_ for @{ $self->{pids} };
	waitpid $_, 0 for @{ $self->{pids} };
	return;
}

1;
