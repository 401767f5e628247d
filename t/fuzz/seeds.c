/*
 * seeds.c - what the fuzzers begin with, where no libFuzzer finds the way.
 * For some the first octet says what is tried with the rest.
 */
#include "driver.h"

#define S(lit) SLICE_LIT(lit)

static const struct slice batv[] = {
	S("ann@example.org"), S("\"a b\"@example.org"), S("ann@[192.0.2.1]"),
	S("prvs=0005abcdef=ann@example.org"), S("PRVS=0999ABCDEF=x@y.example"),
	S("prvs=ann=0005@example.org"), S("SRS0=abcdefgh=PT=a.example=x@b"),
};

static const struct slice bounce_compose[] = {
	S("\0ann@example.test\nlist@example.test\nrfc822;a+2Bb@c\n5.1.1\n"
	    "550 5.1.1 no\nmx.example[192.0.2.1]\nFULL\na+20b\n"
	    "joe@example.org"),
	S("\020a@b\n\xc3\xb6@b\n\n5.4.7\ndelivery time expired; last: 4.2.0 x\n"
	    "; last: 5.1.1 y\n\n\njoe@example.org"),
	S("\021a@b\n\nutf-8;\\x{FC}@x\n4.3.1\n\n\nHDRS\nx\nj\xc3\xb6@x"),
	S("\022a@b\n\n\n2.1.9\n\n\n\nj@x"), S("\0a\n\n\n\n\n\n\n\n"),
};

static const struct slice bounce_template[] = {
	S("failure_template = <<END\nCharset: utf-8\n"
	    "From: MAILER-DAEMON (Post of $mydomain)\nSubject: S ${queue_id}\n"
	    "Postmaster-Subject: Copy\n\n$myhostname: $(sender), $$5\nEND\n"
	    "# x\ndelay_template = <<E\nSubject: d\n\n"
	    "$delay_warning_time_hours of $maximal_queue_lifetime_days\nE\n"),
	S("success_template = <<END\n\n$postmaster $mail_name $myorigin\n"
	    "gr\xc3\xbc\xc3\x9f\nEND\n"),
};

static const struct slice cleanup_checks[] = {
	S("\0Subject: a\n b\nX-Del: 1\nX-Pre: 2\nX-Warn: 3\n\nold 1\nsecret\n"
	    "text\nold"),
	S("\0From: a\nX-Strip: 1\nContent-Type: multipart/mixed; boundary=b\n\n"
	    "secret\n--b\nContent-Description: x\nContent-Language: en\n\n"
	    "old\n--b\nContent-Type: message/rfc822\n\nSubject: secret\n"
	    "To: x\n\nsecret\nold 2\n--b--\nold\n"),
	S("\0X-To: a@b.example\nX-Bcc: c@d.example\nX-Route: smtp:e.example\n"
	    "X-Hold: y\n\nX-Pre\nstop\nold\n"),
	S("\1X-No: 5.7.9 never\n\n"), S("\1X-Discard:\nSubject: x\n\nold\n"),
	S("\0no field\nold\n"), S("\1X-Pass:\nX-Del: x\n\nsecret\n"),
};

static const struct slice cleanup_fields[] = {
	S("0 0 X-Spam yes| folded\n1 2 B in front\n1 0 Top a\n2 2 a two\n"
	    "3 1 C\n2 9 New 1\n\nA: 1\n\tx\nB: \xf6\nA: 2\nC:\nD: 3\n\nb\n"),
	S("3 1 Received\n3 1 Return-Path\n1 99 Z z\n\nReceived: x\n\n"),
	S("2 1 X |\ty\n0 0 Y\n\nno field\n"), S("0 0 X y\n\nA: 1"),
};

static const struct slice cleanup_header[] = {
	S("\023From: x@a, Ann <ann>, y@b\nTo: xa@b (c), u@v;\nBcc: c@d\n"
	    "Subject: s\nReply-To: g: x@a,b;\n\nbody\n"),
	S("\001Subject: x\nbody without a blank line\n"), S("\001\n\nb"),
	S("\007From: a@b\nSender: a@c\nDate: x\nMessage-ID: <x>\n\n"),
	S("\107From: a@b, z@y\nSender: a@c\nResent-Bcc: x\n f\n\n"),
	S("\002 folded\nTo: ta@b\n\n"), S("\263Resent-From: xx@y\nCc: a b <u@v>"
	    ", <@x:z@w>\nBcc:\n\nx\n"),
	S("\002Received: a\nReceived: b\nReceived: c\nReceived: d\nReceived: e"
	    "\nReceived: f\n\n"),
};

static const struct slice driver_bad[] = { S("axax"), S("xaxaxa") };

static const struct slice filter[] = {
	S("\000hName\000value\r\n\tmore\000"), S("\000m\0\0\0\1A\0b\0"),
	S("\000+<a@b>\0"), S("\000y550 5.7.1 no\0"), S("\000bbody"),
	S("\001O\0\0\0\6\0\0\1\377\0\0\0\0\0\0\0\2i {x}\0"),
	S("\002550-5.7.1 a 100%%\r\n550 5.7.1 b"),
	S("\003HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
	S("\003HTTP/1.0 200 OK\r\n\r\n{\"action\":\"reject\"}"),
	S("\004{\"action\":\"add header\",\"score\":7.5,\"milter\":{"
	    "\"add_headers\":{\"X\":{\"value\":\"a\\n b\",\"order\":1},"
	    "\"Y\":[\"c\",\"d\"]},\"remove_headers\":{\"Z\":0,\"Q\":[-1,2]},"
	    "\"change_from\":\"a@b\",\"add_rcpt\":[\"c@d\"],\"reject\":"
	    "\"quarantine\"},\"dkim-signature\":[\"v=1\"],\"messages\":{"
	    "\"smtp_message\":\"no\"},\"subject\":\"s\"}"),
	S("\005stream: Test.Eicar FOUND\n"), S("\005stream: OK"),
	S("\005INSTREAM size limit exceeded. ERROR"),
};

/* what a milter agrees to, then one answer after the other */
#define AGREES "\0\0\0\015O\0\0\0\6\0\0\1\377\0\0\0\0"
#define GOES_ON "\0\0\0\1c"
#define MESSAGE_OF GOES_ON GOES_ON GOES_ON GOES_ON GOES_ON GOES_ON
static const struct slice filter_session[] = {
	S("\200hA\0b\r\n c\0\376m\0\0\0\1X\0y\0\376m\0\0\0\2x\0\0\376"
	    "i\0\0\0\0Top\0t\0\376+<e@f>\0\376-c@d\0\376e<g@h>\0\376"
	    "qheld\0\376p\376bnew\r\nbo\rdy\376bmore\376c"),
	S("\200y550 5.7.1 no it\0"), S("\200e<>\0\376r"), S("\200bx\376d"),
	S("\0" AGREES MESSAGE_OF MESSAGE_OF MESSAGE_OF
	    "\0\0\0\011hA\0b\r\n c\0" "\0\0\0\012m\0\0\0\1X\0y\0"
	    "\0\0\0\7b" "new\r\n" "\0\0\0\5+<e>\0" "\0\0\0\1c"),
	S("\0" AGREES GOES_ON GOES_ON "\0\0\0\20y550 5.7.1 no it\0"),
	S("\0" AGREES GOES_ON "\0\0\0\1a"),
	S("\0" "\0\0\0\015O\0\0\0\6\0\0\1\377\0\37\377\377"
	    "\0\0\0\1c"),
	S("\1HTTP/1.1 200 OK\r\nContent-Length: 49\r\n\r\n"
	    "{\"action\":\"reject\",\"score\":20.5,\"milter\":{}}    \n"),
	S("\1HTTP/1.0 200 OK\r\n\r\n{\"action\":\"add header\",\"score\":7,"
	    "\"milter\":{\"add_headers\":{\"X-A\":{\"value\":\"b\","
	    "\"order\":1},\"Y\":[\"c\",\"d\"]},\"remove_headers\":"
	    "{\"X\":0,\"x\":-1,"
	    "\"Subject\":1},\"change_from\":\"a@b\",\"add_rcpt\":[\"c@d\"],"
	    "\"del_rcpt\":[\"c@d\"]}}"),
	S("\1HTTP/1.0 200 OK\r\n\r\n{\"action\":\"rewrite subject\","
	    "\"subject\":\"***\",\"dkim-signature\":\"v=1\"}"),
	S("\1HTTP/1.0 200 OK\r\n\r\n{\"action\":\"quarantine\"}"),
	S("\2stream: Eicar FOUND\0"), S("\2stream: OK\0"),
	S("\003220 p\r\n250-p\r\n250-PIPELINING\r\n250-XFORWARD NAME ADDR "
	    "PROTO HELO SOURCE\r\n250 8BITMIME\r\n250 x\r\n250 m\r\n"
	    "250 r\r\n354 d\r\n250 2.0.0 taken\r\n"),
	S("\003220 p\r\n250 p\r\n250 m\r\n550-5.1.1 no\r\n550 5.1.1 r\r\n"),
};

static const struct slice imap_args[] = {
	S("\010FLAGS UID BODY.PEEK[HEADER.FIELDS (From \"To\")]<0.100>"),
	S("\010(FAST BODYSTRUCTURE BINARY.SIZE[1.2] BODY[1.2.MIME] RFC822)"),
	S("\011(EMAILID THREADID PREVIEW (LAZY) SAVEDATE MODSEQ) "
	    "(CHANGEDSINCE 12345 VANISHED)"),
	S("\000CHARSET UTF-8 OR (FROM ann SUBJECT \"a b\") NOT KEYWORD x"),
	S("\001RETURN (MIN MAX PARTIAL 1:10) SINCE 1-Feb-2024 LARGER 1000 "
	    "1:*,3 UID 5:7"),
	S("\002RETURN (SAVE COUNT) MODSEQ \"/flags/\\\\draft\" all 620162338 "
	    "YOUNGER 100 HEADER X-Y {3+}\r\nabc"),
	S("\004(REVERSE DATE SUBJECT DISPLAYFROM) UTF-8 ALL"),
	S("\005RETURN (ALL) (ARRIVAL) us-ascii UNSEEN"),
	S("\006REFERENCES UTF-8 TEXT x"),
	S("\007ORDEREDSUBJECT us-ascii SINCE 1-Jan-2020"),
};

static const struct slice imap_lex[] = {
	S("\010a asy x \"quoted \\\" s\" INBOX\r\n"
	    "b UID nb NIL {5+}\r\nabcde\r\n"),
	S("\051c m &AOQ-x\r\nd m {3}\r\nabc\r\ne h (a (b \"c\") NIL)\r\n"),
	S("\011f x {20+}\r\n01234567890123456789\r\ng l %.*\r\n"),
	S("\013h opr 12 34567890123 1:50\r\ni d 1-Feb-2024\r\n"),
	S("\012j t \"17-Jul-1996 02:44:25 -0700\"\r\nk f (\\Seen $Junk)\r\n"),
	S("\014l x ~{4+}\r\n\0\1\2\3\r\nm q 1:*,4,7:9\r\nn UID a abc\r\n"),
};

static const struct slice imap_login[] = {
	S("a LOGIN ann pw\r\n"), S("a LOGIN {3}\r\nann {1+}\r\nx\r\n"
	    "b NOOP\r\nc ID (\"name\" NIL)\r\nd LOGOUT\r\n"),
	S("a AUTHENTICATE PLAIN\r\ncgBhAGI=\r\nAGFubgBwdw==\r\n"),
	S("a AUTHENTICATE LOGIN dA==\r\nb STARTTLS\r\nc CAPABILITY\r\n"
	    "d SELECT x\r\ne authenticate scram-sha-256\r\n*\r\n"),
};

#define IN "s SELECT INBOX\r\n"
static const struct slice imap_session[] = {
	S(IN "a FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE PREVIEW)\r\n"
	    "b UID FETCH 1:* (BODY[HEADER.FIELDS (To)] BODY.PEEK[2.1]<1.5>)"
	    "\r\nc FETCH 1 (BINARY[3] BINARY.SIZE[3] BODY[2.MIME])\r\n"
	    "d LOGOUT\r\n"),
	S(IN "a STORE 1,3 +FLAGS (\\Deleted $Junk x)\r\nb EXPUNGE\r\n"
	    "c SEARCH TEXT text NOT DELETED\r\nd UID STORE 2 (UNCHANGEDSINCE "
	    "1) FLAGS ()\r\ne SORT (SUBJECT) UTF-8 ALL\r\n"
	    "f THREAD REFERENCES UTF-8 ALL\r\ng CLOSE\r\n"),
	S("a CREATE a/b\r\nb LIST \"\" * RETURN (STATUS (MESSAGES UNSEEN) "
	    "SPECIAL-USE)\r\nc APPEND a/b (\\Seen) \"17-Jul-1996 02:44:25 "
	    "-0700\" {9+}\r\nA: b\r\n\r\nc\r\nd RENAME a c\r\ne SUBSCRIBE c/b"
	    "\r\nf LSUB \"\" %\r\ng DELETE c/b\r\nh STATUS INBOX (SIZE)\r\n"),
	S("a ENABLE QRESYNC UTF8=ACCEPT\r\nb SELECT INBOX (QRESYNC (1 2 1:3))"
	    "\r\nc COPY 1:2 INBOX\r\nd MOVE 1 x\r\ne CREATE x\r\n"
	    "f UID MOVE 1:* x\r\ng FETCH 1:* (MODSEQ) (CHANGEDSINCE 1)\r\n"
	    "h REPLACE 1 x {1+}\r\nz\r\n"),
	S(IN "a NOTIFY SET STATUS (SELECTED (MessageNew (UID) MessageExpunge))"
	    "\r\nb IDLE\r\nDONE\r\nc SEARCH RETURN (SAVE UPDATE COUNT) ALL"
	    "\r\nd FETCH $ UID\r\ne CANCELUPDATE \"c\"\r\n"),
	S("a SETMETADATA INBOX (/private/comment \"x\")\r\nb GETMETADATA "
	    "(DEPTH infinity) INBOX (/private)\r\nc GETQUOTAROOT INBOX\r\n"
	    "d GETACL INBOX\r\ne SETACL INBOX bob lrs\r\nf MYRIGHTS INBOX\r\n"
	    "g NAMESPACE\r\nh ID (\"name\" \"x\")\r\ni ESEARCH IN "
	    "(personal) RETURN (ALL) SUBJECT gr\r\n"),
	S(IN "a APPEND INBOX CATENATE (URL \"/INBOX/;UID=1/;SECTION=HEADER\" "
	    "TEXT {3+}\r\nabc)\r\nb COMPRESS DEFLATE\r\nc NOOP\r\n"
	    "d FETCH 1:* (ENVELOPE BODYSTRUCTURE)\r\ne LOGOUT\r\n"),
	S("a CREATE x (USE (\\Sent))\r\nb GETACL x\r\nc SETACL x bob +lrswi\r\n"
	    "d LISTRIGHTS x bob\r\ne DELETEACL x bob\r\nf SETACL INBOX anyone "
	    "l\r\ng MYRIGHTS x\r\nh GETQUOTA \"\"\r\ni SETQUOTA \"\" (STORAGE "
	    "9)\r\nj UNSUBSCRIBE x\r\nk LIST (SUBSCRIBED) \"\" (% x) RETURN "
	    "(CHILDREN MYRIGHTS METADATA (/shared/comment))\r\n"),
	S("a EXAMINE INBOX (CONDSTORE)\r\nb UNSELECT\r\nc CAPABILITY\r\n"
	    "d SETMETADATA \"\" (/shared/admin NIL /private/filters/values/f "
	    "\"FROM ann\")\r\ne GETMETADATA (MAXSIZE 5) \"\" (/private/filters)"
	    "\r\n" IN "f SEARCH FILTER f\r\ng CHECK\r\nh UNAUTHENTICATE\r\n"),
	S(IN "a SEARCH RETURN (MIN MAX COUNT ALL PARTIAL 1:2) OR FROM ann "
	    "HEADER Message-ID 1@ NOT (SENTSINCE 1-Jan-2023 KEYWORD $x)\r\n"
	    "b SEARCH SUBJECT gr BODY inner LARGER 3 YOUNGER 5 MODSEQ 1\r\n"
	    "c SORT RETURN (RELEVANCY) (REVERSE DATE FROM SIZE) UTF-8 FUZZY "
	    "TEXT short\r\nd THREAD ORDEREDSUBJECT UTF-8 ALL\r\n"
	    "e UID SEARCH UID 1:* ON 1-Feb-2024 EMAILID x CC b\r\n"),
};

static const struct slice imap_name[] = {
	S("INBOX.a&AOQ-b\nINBOX.*"), S("~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
	S("1:3,5,7:*,20:10"), S("%a*b%c\nxaybzc"), S("**%%*\n/a/b/c/"),
	S("&2Dzf0A-&-"), S("a/%/c*\na/b/c/d"),
};

#define MESSAGE "From: \"A. N\" <ann@example.org>, team: a@b.c, d@e.f;\n" \
	"To: =?utf-8?q?J=C3=BCrgen?= <j@example.test>\n" \
	"Subject: Re: [list] =?iso-8859-1?b?5PbfIA==?=\n =?utf-8?q?x?=\n" \
	"Date: Mon, 2 Jan 2023 10:20:30 +0100 (CET)\n" \
	"Message-ID: <1@example.org>\nReferences: <0@x> <00@x>\n" \
	"MIME-Version: 1.0\n"
#define MIXED MESSAGE "Content-Type: multipart/mixed; boundary=\"=_b\"\n\n" \
	"before\n--=_b\nContent-Type: text/plain; charset=iso-8859-1;\n" \
	"\tformat=flowed\nContent-Transfer-Encoding: quoted-printable\n\n" \
	"caf=E9 =\nau lait\n> quoted\n--=_b\nContent-Type: message/rfc822\n\n" \
	"Subject: inner\nContent-Type: multipart/alternative; boundary=i\n\n" \
	"--i\nContent-Type: text/html; charset=utf-8\n\n" \
	"<p>H&eacute;llo <b>&#x41;</b><script>x</script></p>\n--i--\n" \
	"--=_b\nContent-Type: application/pdf; name*0*=utf-8''%C3%A4;\n" \
	" name*1=b.pdf\nContent-Disposition: attachment; filename=\"x.pdf\"\n" \
	"Content-Transfer-Encoding: base64\nContent-Language: de, en\n\n" \
	"JVBERi0xLjQKJcOkw7zDtsOfCg==\n--=_b--\nafter\n"

static const struct slice message[] = {
	S(MIXED), S(MESSAGE "\nbody\n"), S("Subject: x\r\n\r\ncrlf\r\n"),
	S("Content-Type: multipart/digest; boundary=d\n\n--d\n\nFrom: a\n\nx\n"
	    "--d\n\nTo: b\n\ny\n--d--\n"),
	S("Content-Type: text/html\n\n<html><head><title>t</title></head>"
	    "<body>&lt;a&gt;&nbsp;b<!-- c --><style>d</style></body></html>"),
	S("Content-Type: text/plain; charset=utf-7\n\n+AGE-b\n"),
	S("no header at all\n"), S("\nonly a body"),
};

#define R16 "0123456789abcdef"
#define R64 R16 R16 R16 R16
#define B16 "                "
static const struct slice ipc[] = {
	S("\4verb=pass\0user=ann\0pass=x\0service=imap\0client_addr=::1\0"
	    "session=s\0tls=yes\0"),
	S("\6verb=begin\0sender=a@b\0size=10\0body8=yes\0utf8=no\0"),
	S("\6verb=edit\0op=add-header\0n=1\0name=X\0value=y\0by=z\0"),
	S("\7verb=ok\0status=ok\0ttl=5\0rr=10 mx.example\0rr=\0secure=yes\0"),
	S("\0verb=err\0kind=perm\0dsn=5.1.1\0text=no\0"),
	S("\025verb=ok\0version=TLSv1.3\0cipher=x\0bits=256\0mailboxes=a@b\0"
	    "mailboxes=c@d\0verified=yes\0"),
	S("\021verb=enqueue\0id=0123456789a\0sender=\0timeout=5m\0size=1G\0"),
	S("\0verb="), S("\0verb=x"), S("\0verb=x\0novalue\0"),
};

static const struct slice keyd[] = {
	S(B16 B16 B16 B16 "TLS 1.3, server CertificateVerify\0" R16 R16),
	S(B16 B16 B16 B16 "TLS 1.3, server CertificateVerify\0" R16 R16 R16),
	S(R64 "\3\0\x1d\x20" R16 R16), S(R64 "\3\0\x17\x41\4" R64),
	S(R64 "\0\x80" R64 R64 "\0\1\2\0\x80" R64 R64),
	S("session\nCN=x\na@b\nc@d"), S("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
};

/* the type that is asked, then a message: aliases and addresses, MX with
 * compression, SOA, a pointer to itself */
#define DNS_HEAD "\0\0\x84\0\0\1\0\2\0\0\0\0\1a\1b\0\0\1\0\1"
static const struct slice conf[] = {
	S("\0name = a\ncount = -5 # x\nwait = 1d\nsize = 10M\nflag = yes\n"
	    "mode = hard\nlist = a, b\n\tc d\nlines = permit\n  if login\n"
	    "    or b\n  reject\n"),
	S("\0count = 11\n"), S("\0mod = hard\n"), S("\0name = \"a # b\"\n"),
	S("\1hostname = mail.example\ndomains = a.example b.example\n"
	    "mail_dir = mail\npassword_scheme = argon2id\nlog_level = debug\n"),
	S("\2unknown = 1\nsize = 1G\n"), S("\0include c\n"),
	S("\3[a]\nb = c\n[ d ]\ne=\"f\"\n"),
};

static const struct slice dnsd[] = {
	S("\1" DNS_HEAD "\xc0\x0c\0\5\0\1\0\0\0\5\0\4\1c\xc0\x0e"
	    "\xc0\x21\0\1\0\1\0\0\0\5\0\4\x7f\0\0\1"),
	S("\x0f" DNS_HEAD "\xc0\x0c\0\x0f\0\1\0\0\0\5\0\6\0\x0a\1m"
	    "\xc0\x0e\xc0\x0c\0\x0f\0\1\0\0\0\5\0\3\0\0\0"),
	S("\x10" DNS_HEAD "\xc0\x0c\0\x10\0\1\0\0\0\5\0\6\2a\\\2\1\xff"
	    "\xc0\x0c\0\x10\0\1\0\0\0\5\0\1\0"),
	S("\x34" DNS_HEAD "\xc0\x0c\0\x34\0\1\0\0\0\5\0\5\3\1\1\xab\xcd"
	    "\xc0\x0c\0\x21\0\1\0\0\0\5\0\7\0\1\0\2\0\x19\0"),
	S("\1" "\0\0\x84\3\0\1\0\0\0\1\0\0\1a\1b\0\0\1\0\1\xc0\x0e\0\6"
	    "\0\1\0\0\0\x3c\0\x16\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0"
	    "\1\0\0\0\x1e"),
	S("\1" DNS_HEAD "\xc0\x15\0\1\0\1\0\0\0\5\0\0"),
	S("B\xc3\xbc" "cher.Example."), S("a..b"), S("192.0.2.1"),
};

#define PROXY2 "\r\n\r\n\0\r\nQUIT\n"
static const struct slice gate_proxy[] = {
	S("PROXY TCP4 192.0.2.1 192.0.2.2 1025 25\r\nEHLO x\r\n"),
	S("PROXY TCP6 2001:db8::1 2001:db8::2 65535 25\r\n"),
	S("PROXY UNKNOWN\r\n"), S(PROXY2 "\x20\0\0\0"),
	S(PROXY2 "\x21\x11\0\x11\xc0\0\2\1\xc0\0\2\2\4\1\0\x19\2\0\2ab"),
	S(PROXY2 "\x21\x21\0\x24" R16 R16 "\4\1\0\x19"),
	S(PROXY2 "\x21\x11\0\x13\xc0\0\2\1\xc0\0\2\2\4\1\0\x19\3\0\4"
	    "\004\351\113\334"),
};

#define LONG R16 R16 R16 R16 R16 R16 R16 R16 R16 R16 R16 R16 R16 R16 R16 R16
static const struct slice dns_records[] = {
	S("10 mx.example\n20 mx2.example\n10 mx.example\n5 we.example"),
	S("0 ."), S("3 1 1 " R64 "\n2 0 2 " R64 R64 "\n3 1 0 3082"),
	S("65536 x\n1 m\303\274x.example\nx"),
};

/* final, orcpt, diagnostic, remote, final, diagnostic, envid, from */
static const struct slice dsn[] = {
	S("\0bob@example.org\nrfc822;b@x\n550 5.1.1 no\nmx[192.0.2.1]\n"
	    "c@d\nlater\nid+1\nclient\nReturn-Path: <x>\nSubject: a\n\nb\n"),
	S("\070b\303\274@x\nutf-8;\303\274@x\ngr\303\274n\nmx\nc\nd\n\n"
	    "\nSubject: gr\303\274n\n\n8 \377\n"),
	S("\1a\n"), S("\102a@b\n"),
};

static const struct slice gate_talk[] = {
	S("\377EHLO a.example\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
	    "RSET\r\nNOOP\r\nQUIT\r\n"),
	S("\0helo x\nrcpt to : <\"a b\"@c>\nmail from:<> SIZE=1\nSTARTTLS\n\n"),
	S("\7QUIT"), S("\20NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"
	    "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"),
	S("\377" LONG LONG LONG LONG "\r\nNOOP\r\n" LONG LONG LONG LONG LONG),
};

static const struct slice limitd[] = {
	S("\000500/1h"), S("\0000/100d"),
	S("\001\010\000\000\000\001\000\000\000\001\000\000\000\000\000"
	    "\000\000submit a\200\3566\000\000\000\000\000\030\132\126"
	    "\356\241\001\000\000\005\000\000\000\000\000\000\000\007\000"
	    "\000\000\000\000\000\000\115\000\000\000\000\000\000\000\360"
	    "6\126\356\241\001\000\000"),
	S("\002\001\000\000\000\000\000\000\000\000\000\000\000\000\000"
	    "\000\000a\002\000\000\000\002\000\000\000\000\000\000\000"
	    "\000\000\000\000bb\350\003\000\000\000\000\000\000\377\135"
	    "\126\356\241\001\000\000\000\312\232\073\000\000\000\000\000"
	    "\312\232\073\000\000\000\000\000\360\373\002\002\000\000\000"
	    "\000l\120\304\240\001\000\000\001\000\000\000\000\000\000"
	    "\000\000\000\000\000\000\000\000\000"),
};

static const struct slice local_forward[] = {
	S("\0# c\n\\ann, bob@example.org\n\"|cmd a \\\"b\\\"\"\n|\"x y\", /f\n"
	    "\"a b\"@c.example \"/a,b\"\n"),
	S("\0ann\n"), S("\0|\n"), S("\0\\bob\n"), S("\0a b\n,\n"),
	S("\1\377\377\377\377\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	    "\2\0\0\0" "5.1.1\0"),
	S("\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\4"),
};

static const struct slice map_cdb[] = {
	S(""), S("\0\0\3\xff\xff\xff\xff"), S("\0\1\3\0\0\0\0\x10\2"),
	S("\0\x8\3\x40\x1f\0\0\1\x8\3\xff\0\0\x80\0\x9"),
	S("\4\0\1\0\0\0\0\0\x10\3\x7f\xff\xff\xff"),
};

static const struct slice map_rules[] = {
	S("\0 10.1.2.3\n10.0.0.0/8 a\n!192.0.2.0/24 b\n  c\n"),
	S("\0 ::ffff:192.0.2.5\nif 192.0.2.0/24\n192.0.2.5 x\nendif\n"
	    "if !2001:db8::/32\n::/0\n[::1] y\nendif\n"),
	S("\1ann+x@y\n/^(.*)\\+(.*)@(y)$/ $1@${3} $$ $(2)\n!/a/i no\n"),
	S("\1abc\nif /^a/\nif !/(b|c)+d/Ux\n/\\/?(?<n>c)/ $1\nendif\n|x|A\n"
	    "endif\n/./ rest,\n\tmore\n"),
	S("\1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n/^(a+)+$/ 1\n"),
	S("\1\xc3\xa4\xff\n/\xc3\x84(.)?/ms $1\n"),
};

static const struct slice map_socket[] = {
	S("14:OK a value ok.,"), S("9:NOTFOUND ,"), S("8:TEMP x y,"),
	S("12:PERM no such,x"), S("0:,"), S("100000:x"),
	S("inet:[::1]:8891:users"), S("inet:map.example:1:x"),
	S("unix:/run/a:b:users"),
};

static const struct slice map_text[] = {
	S("\0# c\nkey value\n other\nk2: v2\n\"quoted k\" v\n"),
	S("\0a b\na c\n"), S("\1a=b, c=d e,\"f,g\"=h"), S("\1a b, c d"),
	S("\0 lead\nx\n\ty\n\nz  w \n"),
};

static const struct slice mapd[] = {
	S("\0{\"active\":true,\"sub\":\"ann\",\"iss\":\"i\",\"aud\":[\"a\"],"
	    "\"scope\":\"mail x\",\"exp\":4e9,\"nbf\":1,\"client_id\":\"c\"}"),
	S("\0{\"active\":false}"), S("\0[]"), S("\0!{}"),
	S("\1{\"keys\":[]}"), S("\1{\"keys\":{}}"),
	S("\2{\"access_token\":\"t\",\"token_type\":\"Bearer\","
	    "\"expires_in\":3600}"),
	S("\2!{\"error\":\"invalid_grant\"}"),
	S("\2{\"access_token\":\"a\\u0000b\",\"expires_in\":-1e300}"),
	S("\3ann\nx y\n\"\\ quota=5"), S("\3\n\n="), S("\3a\nb"),
};

static const struct slice mime_decode[] = {
	S("\0plain\n"), S("\1caf=E9=\n=20=3D\n"), S("\2SGVsbG8gd29ybGQ=\n"),
	S("\3<p>a&amp;b</p>"), S("\x15\xc4\xe3\xba\xc3"),
	S("\x18\x1b$B4A;z\x1b(B"), S("\xf2QUJD\nREVG\n====R0g="),
	S("\x4b+2D3eAA-x"), S("\x4cline\nline\n"),
	S("\x24=1b$)C\016"), S("\x73\x83\x41\x83\x42"),
};

static const struct slice mime_word[] = {
	S("=?utf-8?q?J=C3=BCrgen_x?= =?iso-8859-1?b?5PY=?= plain"),
	S("Re: [a] Fwd: =?utf-8?b?w6Q?= (fwd)"),
	S("text/plain; charset*=us-ascii'en'%41; name*0=a; name*1*=%42"),
	S("Mon, 2 Jan 2023 10:20:30 -0000 (x (y))"),
	S("<a@b> <c@\"d\"> (x) e"), S("attachment; filename=\"=?utf-8?q?a?=\""),
	S("=?gb18030?b?xOO6ww==?= =?x?q?y?="),
};

static const struct slice sendmail[] = {
	S("\3To: bob@example.org, \"A b\" <c>\nCc: x: y, z;\nBcc: d@e\n"
	    "Subject: x\n\nbody\n.\nmore\n"),
	S("\1Resent-To: a@b\r\nTo: c@d\r\nFrom: e\r\n\r\n.\r\n"),
	S("\0From me\nno header\n"), S("\2Bcc: a\n b"), S("\0\n\nx"),
};

static const struct slice smtp_address[] = {
	S("<ann@example.org>"), S("<@a.b,@c.d:\"joe \\\" x\"@[192.0.2.1]>"),
	S("<>"), S("<Postmaster>"), S("<j\xc3\xb6@ex\xc3\xa4mple.test>"),
	S("<a@[IPv6:2001:db8::1]>"), S("bare"),
	S("A B <a@b.c>, group: x@y, (c (d)) \"z\"@w;, <u@v>"),
	S("<a+b/c=d@xn--exmple-cua.test>"),
};

static const struct slice smtp_command[] = {
	S("X 2026-11-24T08:00:00.5+01:00"), S("X 3600"), S("X -9"),
	S("\4MAIL FROM:<ann@example.org> SIZE=1000 BODY=8BITMIME SMTPUTF8 "
	    "RET=HDRS ENVID=x+20y AUTH=<>"),
	S("\7RCPT TO:<a@b.c> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c"),
	S("\1EHLO [IPv6:::1]"), S("\2BDAT 1000 LAST"),
	S("\3AUTH PLAIN AGEAYg=="),
	S("\5" "250-a\r\n250 2.1.5 b\r\n"), S("\6x\r\n..y\r\n.\r\nQUIT\r\n"),
	S("\2a\r\n.\n.\r.\r\nb\nc\rd\0e\r\n.\r\n"),
};

static const struct slice router[] = {
	S("\0ann@example.com"), S("\0Sales+x@table.example"), S("\0all"),
	S("\0\"a b\"@EXAMPLE.com"), S("\0far%away@example.com"),
	S("\0joe+x@sys.example"), S("\0a!b@as.example"), S("\0cmd"),
	S("\0in@relay.example"), S("\0x@err.example"), S("\0fwd"),
	S("\0\"../x\"@table.example"), S("\0postmaster@table.example"),
	S("\0ann@[127.0.0.1]"), S("\0b\303\274@x.sub.example"), S("\0c"),
	S("\1ann@example.com\tann+x@mx.example.net"),
	S("\1bob@example.com\tsales"), S("\1x\ta@our.example"),
	S("\2old+y@example.com"), S("\2z@inner.example"),
	S("\3[IPv6:2001:db8::1]:25"), S("\3unix:/run/x"), S("\3a.b:587"),
};

#define HELLO "EHLO client.example.org\r\n"
#define MAIL "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
static const struct slice sasl_exchange[] = {
	S("\001n,,n=ann,r=abc\nc=biws,r=abc,p=AAAA\n"),
	S("\000p=tls-exporter,a=b=2Cc,n=a=3D,r=x\nc=cD0=,r=x,p=AA==\n"),
	S("\002n,a=b,n=ann,r=abc\nc=bixhPWIs,r=%,p=" R64 "\n"),
	S("\001n,,n=ann,r=abc\nc=biws,r=%,x=y,p="
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"),
	S("\202y,,n=ann,r=abc"), S("\004ann@example.org"), S("\004"),
	S("\005n,a=ann,\1host=x\1port=1\1auth=Bearer good\1\1"),
	S("\005n,,\1auth=bearer bad\1\1\n\1"),
	S("\006user=ann\1auth=Bearer good\1\1"),
	S("\007\nann 0123456789abcdef0123456789abcdef"),
	S("\010\0ann\0pw"), S("\011ann\npw"),
};

static const struct slice sasl_client[] = {
	S("\000r=abcd,s=QSXC,i=4096\nv=AAAA\n"),
	S("\202r=abc%x,s=QSXCR+Q6,i=4096,x=y\ne=other-error\n"),
	S("\003r=abcd,s=,i=1\n"), S("\004{\"status\":\"401\"}\n\n"),
	S("\005{}\n"), S("\006<1.2@x>\n"), S("\007\n"),
	S("\010Username:\nPassword:\n\n"),
};

static const struct slice sasl_jwt[] = {
	S("\000eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJpIn0.AAAA"),
	S("\000eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.e30.AAAA"),
	S("\001{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
	    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"),
	S("\001{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\","
	    "\"kid\":\"x\",\"alg\":\"PS256\",\"use\":\"sig\"}]}"),
	S("\002SCRAM-SHA-1$4096:QUJD$AAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
	S("\002{SCRAM-SHA-1}4096,QUJD,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
	S("\003{\"alg\":\"EdDSA\"}\n{\"iss\":\"i\",\"aud\":[\"a\",\"b\"],"
	    "\"exp\":2000,\"nbf\":1.5,\"iat\":900,\"scope\":\"x mail\","
	    "\"sub\":\"ann@example.org\"}"),
	S("\003{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"x\"}\n{\"iss\":"
	    "\"i\",\"aud\":\"a\",\"exp\":2000,\"scp\":[\"mail\"],"
	    "\"sub\":\"a\"}"),
	S("\002{CRAM-MD5}00"), S("\002{PLAIN}x"), S("\002\xc2\xad\xe2\x85\xa8"),
};

#define SAYS "220 mx\r\n250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
static const struct slice smtp_session[] = {
	S("\0" SAYS "250 DSN\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n"
	    "250 a\r\n550 5.1.1 b\r\n354 c\r\n554 d\r\n221 bye\r\n"),
	S("\2" SAYS "250 LIMITS RCPTMAX=2\r\n250 a\r\n250 b\r\n452 4.5.3 c"
	    "\r\n354 c\r\n250 d\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n"),
	S("\3" SAYS "250 SIZE 9\r\n250 a\r\n250 b\r\n452 c\r\n354 c\r\n"
	    "250 d\r\n451 e\r\n"),
	S("\054" "220 mx\n250 mx\n250 a\n250 b\n354 c\n250 d\n"),
	S("\012" SAYS "250 CHUNKING\r\n250 a\r\n250 b\r\n250 c\r\n250 d"
	    "\r\n250 chunk\r\n452 chunk\r\n250 x\r\n"),
	S("\020" SAYS "250 SMTPUTF8\r\n421 4.3.2 bye\r\n"),
	S("\0" "220 mx\r\n502 what?\r\n250 mx\r\n250 a\r\n250 b\r\n"
	    "354 c\r\n250-4.1.1 d\r\n550 e\r\n"),
	S("\0" "554 no\r\n"), S("\0" "220 we.example.org\r\n"),
	S("\0" "220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n\x16\3\1"),
	S("\042" SAYS "250 STARTTLS\r\n220 go\r\n250-x\r\n250-DSN\r\n"
	    "250 REQUIRETLS\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n221 x\r\n"),
	S("\000" SAYS "250 AUTH PLAIN X\r\n334 YQ==\r\n235 ok\r\n250 a\r\n"
	    "250 b\r\n354 c\r\n250 d\r\n221 x\r\n"),
	S("\000" SAYS "250 AUTH PLAIN\r\n334 xx\r\n501 no\r\n221 x\r\n"),
	S("\042" "220 x\r\n250 STARTTLS\r\n454 no\r\n221 x\r\n"),
	S("\024" SAYS "250-SMTPUTF8\r\n250-CHUNKING\r\n250 DSN\r\n250 a\r\n"
	    "250 b\r\n250 c\r\n250 a\r\n452 b\r\n250 d\r\n"),
	S("\012" SAYS "250-CHUNKING\r\n250 BINARYMIME\r\n250 a\r\n250 b\r\n"
	    "250 b\r\n550 b\r\n250 c\r\n250 c\r\n250 d\r\n250 e\r\n"),
	S("\013" "220 x\r\n250-x\r\n250 ENHANCEDSTATUSCODES\r\n250 a\r\n250 b"
	    "\r\n250 b\r\n250 b\r\n354 c\r\n250 2.0.0 c\r\n"
	    "450-4.2.0 a\r\n450 4.2.0 d\r\n550 5.7.1 e\r\n"),
};

static const struct slice smtpd_session[] = {
	S("\0" HELLO MAIL "DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n"),
	S("\1EHLO x\r\nAUTH PLAIN AGFubgBwdw==\r\n" MAIL
	    "BDAT 4\r\nx\r\ny" "BDAT 3 LAST\r\nz\r\nRSET\r\nQUIT\r\n"),
	S("\2LHLO x\r\n" MAIL "RCPT TO:<c>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"),
	S("\3EHLO x\r\nMAIL FROM:<> SIZE=10 BODY=8BITMIME SMTPUTF8\r\n"
	    "RCPT TO:<b@example.org> NOTIFY=NEVER ORCPT=rfc822;x\r\n"
	    "DATA\r\nbare\nlf\r\n.\r\n"),
	S("\001EHLO x\r\nAUTH LOGIN\r\nVXNlcg==\r\n*\r\nNOOP\r\nVRFY x\r\n"
	    "HELP\r\nEXPN y\r\nETRN z\r\nHELO q\r\nQUIT\r\n"),
	S("\020" HELLO MAIL "DATA\r\nx\r\n.\r\nNOOP\r\n"),
	S("\040" HELLO MAIL "DATA\r\nx\r\n.\r\n" MAIL "BDAT 0 LAST\r\n"),
	S("\100" HELLO MAIL "DATA\r\nx\r\n.\r\nQUIT\r\n"),
	S("\4XCLIENT ADDR=192.0.2.1 NAME=c.example PORT=25 HELO=c+2Bd.example "
	    "PROTO=ESMTP LOGIN=ann\r\nEHLO y\r\nXCLIENT DESTADDR=IPV6:::1 "
	    "DESTPORT=587 REVERSE_NAME=z ADDR=[UNAVAILABLE]\r\nEHLO z\r\n" MAIL
	    "DATA\r\nx\r\n.\r\n"),
	S("\4EHLO x\r\nXFORWARD NAME=a ADDR=192.0.2.1 PORT=1 PROTO=SMTP\r\n"
	    "XFORWARD HELO=h IDENT=i SOURCE=LOCAL NAME=[TEMPUNAVAIL]\r\n" MAIL
	    "DATA\r\nx\r\n.\r\n" MAIL "RSET\r\n"),
	S("\5EHLO x\r\nAUTH PLAIN AGFubgBwdw==\r\nMAIL FROM:<a@example.org> "
	    "HOLDFOR=60 MT-PRIORITY=3 RET=HDRS ENVID=a+20b AUTH=<> XVERP=+="
	    "\r\nMAIL FROM:<a@example.org> REQUIRETLS\r\n"),
	S("\7MAIL FROM:<a@example.org> HOLDUNTIL=2040-01-02T03:04:05Z\r\n"
	    "RCPT TO:<b@x.example>\r\nSTARTTLS\r\nGET / HTTP/1.1\r\n"),
	S("\010" "EHLO bad.example\r\nEHLO x\r\nMAIL FROM:<s@example.org>\r\n"
	    "RCPT TO:<c@example.org>\r\nRCPT TO:<e@example.org>\r\n"
	    "RCPT TO:<f@example.org>\r\nRCPT TO:<unknown@example.org>\r\n"
	    "DATA\r\nx\r\n.\r\n"),
	S("\012LHLO x\r\n" MAIL "RCPT TO:<a@u.example.net>\r\n"
	    "BDAT 2 LAST\r\nx\n"),
};

static const struct slice store_fts[] = {
	S(""), S("\0\x10\x80\0\4abcd"), S("\1\1\1\1\4box3"),
	S("\1\0\0\0\10\377\377\377\377\377\377\377\177"), S("\2\2\1"),
	S("\1\4\0\4\2\0\10"),
	S("\2\0\0\0\120\100\1\1\1\2\3\4"), S("\0\377\1"),
	S("\1\5\0\0\10\0\0\0\0\1\0\0\0"),
};

static const struct slice store_mailbox[] = {
	S("K 0 Work\nA 6 1 1 1 1 1 S,0 S c1.a,S=1,W=1,U=1\n"
	    "A 7 2 1 1 1 1 S,0 - c2.b,S=1,W=1,U=2\nD 1 1 1\n"),
	S("A 6 1 1 1 1 1 - - n1.a\nF 7 1 +SF\nE 8 1\nR 7\nX 8\nD 1 1 1\n"),
	S("A 6 1 1 1 1 1 - - o1.a:2,S%20x\nS 7\nF 8 1 =0\nN 9 1 S\nM 1 1\n"
	    "V 9 1\nD 1 1 1\n"),
	S("K 1 x\nK 0 y\nA 9 5 1 1 1 1 S,1 S c5.x,S=1,W=1,U=5:2,S\n"),
	S("!\0\1\2\0\x20\xff\0\x40\1"), S("!\0\0\0\0\5\5\0\x80\x7f\1\0\0"),
	S("!"),
};

/* edits of the file header, of lengths, types and ends of records */
static const struct slice pipe_[] = {
	S("\0/bin/x -f ${sender} -- ${recipient} a$$b\na@b\nc+d@e\n"),
	S("\113/x -d${user} ${extension}\n-a@b\n\"-x y\"@z\n5.7.1 not wanted"),
	S("\101/x ${domain} ${none}\n\nx\n4.2.2 a\n"), S("\1/x ${a\n"),
	S("\101/x ${queue_id}${recipient}\n`\n$(a)@b\n\n\n long text"),
};

static const struct slice policy[] = {
	S("\014smtpd.conf:12\tpermit if login or trusted\n"
	    "smtpd.conf:13\treject 554 5.7.0 \"no $sender\" if client in "
	    "(192.0.2.0/24 2001:db8::/32) and not helo valid\n"
	    "score 2, tag a, warn 'x' if size > 10M and (tag b or score >= 3)"),
	S("\014prepend \"X-A: $rcpt\" if sender matches /^(a|b)+$/i\n"
	    "defer 421 4.3.2 if recipient in ann@example.org else false\n"
	    "redirect a@b.example\nhold\ndelay 5s\nfilter a b\nno-filter"),
	S("\004ask inet:[::1]:10023 timeout 5s default \"DUNNO\"\n"
	    "table inline:a=OK client\nreject if rate client/24/64 5/1m peek"),
	S("\014c:1\ttable inline:b.example=REJECT,a@b.example=OK sender\n"
	    "c:2\treject 550 5.7.1 \"no $helo, $recipient\" if recipient in "
	    "(inline:c@d=x @e) or sender matches /(a)b/ and not helo in "
	    ".example\nc:3\tpriority 3, release 1h, transport smtp:x if login"
	    "\0a+x@b.example\0c@d\0h.example\0ann"),
	S("\014tag t, score -2 if sender_domain in b.example\nhold if tag t "
	    "and score < 0 and nrcpt = 0 and helo fqdn\ndiscard if recipient "
	    "in c@\0a@b.example\0c@d"),
	S("\014defer if greylist delay 1m window 1h after 3 net 16/48\n"
	    "reject if dnsbl zen:a.b=127.0.0.[2..4]*3 >= 3"),
	S("\001action=DEFER_IF_PERMIT later\n\n"),
	S("\001a=b\r\naction=x\r\n\r\n"),
	S("\002554 5.7.1 go away $x"), S("\002PREPEND X-A: b"),
	S("\002reject 550 x"), S("\00217"),
};

static const struct slice pop3_login[] = {
	S("USER ann\r\nPASS x\r\nPASS y\r\nUSER b\r\nPASS pw\r\n"),
	S("CAPA\r\nAUTH\r\nAUTH PLAIN\r\nc\r\nd\r\nAUTH LOGIN =\r\n*\r\n"
	    "STLS\r\nUTF8\r\nQUIT\r\n"),
	S("AUTH SCRAM-SHA-256 c\r\nc\r\nc\r\nc\r\nc\r\nc\r\nc\r\nc\r\nc\r\n"),
};

static const struct slice pop3_session[] = {
	S("STAT\r\nLIST\r\nUIDL 1\r\nRETR 1\r\nRETR 2\r\nTOP 4 2\r\n"
	    "DELE 1\r\nRSET\r\nDELE 2\r\nNOOP\r\nCAPA\r\nQUIT\r\n"),
	S("RETR 1\r\nDELE 3\r\nLIST 3\r\n"), S("TOP 1 0\nTOP 4 1\nRETR 5\n"),
	S("UIDL\r\nLIST 0\r\nRETR x\r\nXYZ\r\nUSER a\r\nQUIT\r\n"),
};

#define FRAMES "postrider-queue 1\n"
static const struct slice queue_db[] = {
	S(""), S("\0\x10\x20\0\4abcd"), S("\1\5\1\1\5hello"),
	S("\1\6\0\0\10\377\377\377\377\377\377\377\177"), S("\2\20\2"),
	S("\1\12\0\4\2\0\1"),
	S("\2\0\0\0\120\0\0\1\1\2\3\4"), S("\0\377\1"),
};

static const struct slice queue_frame[] = {
	S(FRAMES "Q 0123456789a\nM 0123456789a 3 5\nenvbody\nE\n"),
	S(FRAMES "M 0123456789a 67108865 1\n"), S("postrider-queue 2\n"),
};

static const struct slice queue_import[] = {
	S("verb=enqueue\0q=0123456789a\0sender=a@b\0size=5\0addr=c@d\0"
	    "orig=c@d\0transport=smtp\0nexthop=d\0mailbox=\0"
	    "orcpt=rfc822;x\0notify=NEVER\0ret=HDRS\0"
	    "envid=x+20\0priority=3\0verp=+=\0"),
	S("verb=rcpt\0addr=a@b\0addr=c@d\0text=no\0dsn=4.0.0\0\376"
	    "verb=enqueue\0q=0123456789a\0size=5\0sender=\0reason=r\0"),
	S("verb=x\0"), S("\376\376"),
};

static const struct slice queue_journal[] = {
	S(""), S("\x28\x10\4\xff\xff\xff\x7f"), S("\x29\x10\1\0\0\0\0"),
	S("\x2c\x10\3\xff\0\0\1"), S("\x04\x20\3\3\2\0\0"),
	S("\x20\x20\7\0\0\1\0"), S("\0\0\4\0\0\0\0\0\x8\1\1\1\1\1"),
	S("\x38\x10\5\xff\xff\xff\xff\0\x30"), S("\0\x20"),
};

static const struct slice store_meta[] = {
	S("\1\0" "12345678" "\1\0\1\0\1\0\1\0\1\0\1\0\1\0\1\0"
	    "\1\0\1\0\1\0\1\0\1\0" "abcdefghijklm"),
	S("\0\0" "12345678" B16 "          "),
};

static const struct slice store_name[] = {
	S("1700000000.M1P2.host,S=10,W=12,U=7:2,FS"),
	S("1.Qabc123R0.host,S=1,W=1"), S("a,U=4294967295:2,abcdef"),
	S("example.org/ann"), S("../x/y"), S("1.a:2,"), S(".x:1,S"),
	S("a,S=1,S=2,W=,U=0:2,S:2,F"),
};

static const struct slice seal[] = {
	S("0123456789abcdef0123456789abcdef\t99999999\t\tlocal\texample.org"
	    "\texample.org/ann\t0"),
	S("ann@example.org\na@b.example\n\nlocal\nexample.org\n"
	    "example.org/ann"),
	S("a+b@example.org\n\na@example.org\nsmtp\n[192.0.2.1]:25\n"),
	S("\n\n\n\n\n"), S("a\nb\nc\td\ne"),
};

static const struct slice srs[] = {
	S("ann@example.org"), S("a=b+c-d@sub.example.org"),
	S("\"a b\"@example.org"), S("ann@[192.0.2.1]"),
	S("SRS0=abcdefgh=PT=example.org=ann@other.example"),
	S("SRS1=abcdefgh=first.example==hash=PT=example.org=ann"
	    "@other.example"),
	S("srs0+x@y.example"), S("SRS1-a=b-c=d@e.example"),
};

static const struct slice store_state[] = {
	S("\0postrider-acl 1\nlrs bob@example.test\n-s anyone\n"
	    "lrswipkxtea authenticated\n"),
	S("\1" "1000000S\n12 1\n-5 -1\n999999 4\n"), S("\001500S,5C\n"),
	S("\2INBOX\nArchive/a b\n/x\n"), S("\3V\t2\n\na\tb\n"),
	S("\3INBOX.a\nx/&AOQ-\n"),
	S("\4postrider-meta 1\nspecial \\Sent\nset /private/comment a%0Ab\n"
	    "set /shared/x \n"),
	S("\5example.org/ann\t.\nexample.org/ann\t.Sent\nx\n"),
};

static const struct slice store_tree[] = {
	S("INBOX"), S("Archive/2024/a.b"), S(".Archive.2024"), S(".&AOQ-"),
	S("a/b%c\xc3\xa4/d"), S(".INBOX.x"), S("inbox/x"), S("."), S("a//b"),
	S(".a&-b"), S("~x/../y"),
};

/* certificates are in corpus/ */
/* archives are in corpus/ */
static const struct slice tar[] = { S(""), S("no archive") };

static const struct slice tls_facts[] = {
	S("\1\4smtp\5esmtp"), S("\1\1x\4imap"), S("\1\2h2\10http/1.1"),
	S("\2" "3 1 1 " R64 "\n2 0 1 " R64 "\n1 1 1 aa\n"),
	S("\2" "3 1 2 " R64 R64), S("\0" "030 0"),
};

static const struct slice tls_session[] = {
	S("\1\0\3\4\x13\1mx.example\n"),
	S("\6\012\3\3\xc0\x2f"), S("\200\0" "0"),
};

static const struct slice users[] = {
	S("\0pass={PLAIN}x quota=1G home=/srv/mail/a/b uid=-1 disabled=yes "
	    "services=imap,smtp forward=\"a@b, c@d\" keep=yes"),
	S("\0app=\"a1 2024-01-02 imap {SCRAM-SHA-256}4096,QUJD,AAAA,BBBB my "
	    "phone\" app_only=yes limit_hour=5 transport=smtp:[x]:25"),
	S("\1mailboxes=5 storage=5G quota=1M admin=a@b admin=c@d "
	    "alias_of=x.example class=alias"),
	S("\1catch_all=\"a, b\" relay=mx.example disabled=yes"),
	S("\2ann@example.com, \"a b\"@x \\bob |/bin/cmd \"|cmd a b\" /f "
	    "\"/a b/\" :include:/list"),
	S("\3mx.example\tuser=ann pass=\"x y\" mechanisms=PLAIN"),
	S("\003ann@example.org\tuser=u token=refresh:x at=mx at=y "
	    "plaintext=yes binding=none"),
	S("\4ann@example.org"), S("\4.a/b@x.example"),
};

static const struct slice sts_text[] = {
	S("\000version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
	    "mx: *.example.net\r\nmax_age: 604800\r\n"),
	S("\000version: STSv1\nmode: none\nmax_age: 1\nx: y\n"),
	S("\001v=STSv1; id=20160831085700Z;\nv=spf1 -all"),
	S("\001v=TLSRPTv1;rua=mailto:a@b.c,https://d.e/f?g"),
	S("\002mailto:a%2Bb@c.d?x"), S("\002https://a.b:443/c?d=e"),
	S("\002Example.ORG."),
	S("\003HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\n"
	    "Content-Type: text/plain; x\r\nContent-Length: 5\r\n\r\nhello"),
	S("\003HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5;x\r\nhello\r\n0\r\nx: y\r\n\r\n"),
};

static const struct seeds {
	const char *name;
	const struct slice *v;
	size_t n;
} all[] = {
#define ROW(name) { #name, name, ARRAY_LEN(name) }
	ROW(batv), ROW(bounce_compose), ROW(bounce_template),
	ROW(cleanup_checks), ROW(cleanup_fields), ROW(cleanup_header),
	ROW(conf), ROW(dns_records), ROW(dnsd), ROW(driver_bad), ROW(dsn),
	ROW(filter), ROW(filter_session), ROW(gate_proxy), ROW(gate_talk),
	ROW(imap_args), ROW(imap_lex), ROW(imap_login), ROW(imap_name),
	ROW(imap_session), { "imap_structure", message, ARRAY_LEN(message) },
	ROW(ipc), ROW(keyd), ROW(limitd), ROW(local_forward), ROW(map_cdb),
	ROW(map_rules), ROW(map_socket), ROW(map_text), ROW(mapd),
	ROW(mime_decode), { "mime_header", message, ARRAY_LEN(message) },
	{ "mime_part", message, ARRAY_LEN(message) },
	{ "mime_text", message, ARRAY_LEN(message) }, ROW(mime_word),
	{ "pipe", pipe_, ARRAY_LEN(pipe_) }, ROW(policy), ROW(pop3_login),
	ROW(pop3_session), ROW(queue_db), ROW(queue_frame), ROW(queue_import),
	ROW(queue_journal), ROW(router), ROW(sasl_client), ROW(sasl_exchange),
	ROW(sasl_jwt), ROW(seal), ROW(sendmail), ROW(smtp_address),
	ROW(smtp_command), ROW(smtp_session), ROW(smtpd_session), ROW(srs),
	ROW(store_fts),
	ROW(store_mailbox), ROW(store_meta), ROW(store_name), ROW(store_state),
	ROW(store_tree), ROW(sts_text), ROW(tar), ROW(tls_facts),
	ROW(tls_session), ROW(users),
};

const struct slice *
seeds_of(struct slice name, size_t *n_r)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++)
		if (slice_eqz(name, all[i].name)) {
			*n_r = all[i].n;
			return all[i].v;
		}
	die("no seeds in t/fuzz/seeds.c for %.*s", (int)name.n, name.p);
}
