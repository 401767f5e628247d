/*
 * be_ldap.c - LDAP.  A value in a filter is escaped as RFC 4515 has it.  The
 * library gets a connection that is there already: its own way to connect
 * turns in a circle, at full speed, until a silent server begins TLS.
 */
#include "base/clock.h"
#include "mapd.h"

#include <ldap.h>
#include <openldap.h>

static const struct field fields[] = {
	TABLE_FIELDS("0s"), TABLE_ROW_FIELDS, TABLE_SERVER_FIELDS,
	F_LIST_D(struct table_conf, hosts, "ldap://localhost",
	    "servers: ldap://host, ldaps://host, with :port, or ldapi:///"),
	F_STR(struct table_conf, bind_dn, "", "who we are; empty: nobody"),
	F_SECRET(struct table_conf, password, "", "of bind_dn"),
	F_STR(struct table_conf, base, NULL, "where to search"),
	F_ENUM(struct table_conf, scope, "sub", LDAP_SCOPES,
	    "base and all below, what is directly below it, or base alone"),
	F_STR(struct table_conf, filter, NULL,
	    "RFC 4515; %s key, %u local part, %d domain"),
	F_LIST(struct table_conf, attributes, "the columns %1, %2, ..."),
	F_END
};

/* ldap://host:port */
static int
add_server(struct table *t, const char *name, struct err *err)
{
	static const struct {
		const char *scheme;
		uint16_t port;
	} schemes[] = { { "ldap://", 389 }, { "ldaps://", 636 },
		{ "ldapi://", 0 } };
	struct slice rest = slice_of(name);
	uint64_t port;
	size_t i, n, colon;

	for (i = 0; i < ARRAY_LEN(schemes); i++)
		if (slice_istarts(rest, schemes[i].scheme))
			break;
	if (i == ARRAY_LEN(schemes))
		return err_perm(err, "5.3.5", "%s: expected ldap://HOST, "
		    "ldaps://HOST or ldapi://PATH", name);
	n = strlen(schemes[i].scheme);
	port = schemes[i].port;
	if (port == 0)
		return server_add(t, name, rest, 0, err);
	rest = slice_sub(rest, n, rest.n);
	rest.n = slice_find(rest, '/');
	colon = slice_rfind(rest, ':');
	if (colon < rest.n && slice_find(slice_sub(rest, colon, rest.n),
	    ']') == rest.n - colon) {
		if (!slice_u64(slice_sub(rest, colon + 1, rest.n), 65535,
		    &port) || port == 0)
			return err_perm(err, "5.3.5", "%s: bad port", name);
		rest.n = colon;
	}
	if (rest.n > 2 && rest.p[0] == '[')
		rest = slice_sub(rest, 1, rest.n - 2);
	return server_add(t, name, rest, (uint16_t)port, err);
}

static int
check(struct table *t, struct err *err)
{
	size_t i;

	if (t->c.attributes.n == 0 || t->c.attributes.n > COLUMNS_MAX)
		return err_perm(err, "5.3.5", "attributes: expected 1 to %d "
		    "names", COLUMNS_MAX);
	t->query = template_query(t->c.filter, &t->arena, err);
	if (t->query == NULL)
		return err_prefix(err, "filter");
	if (t->c.hosts.n == 0)
		return err_perm(err, "5.3.5", "no server is named");
	for (i = 0; i < t->c.hosts.n; i++)
		if (add_server(t, t->c.hosts.v[i], err) < 0)
			return -1;
	return 0;
}

static int
before_jail(struct table *t, struct err *err UNUSED)
{
	int version = LDAP_VERSION3;
	LDAP *ld = NULL;

	servers_jail(t);
	jail_path(t->c.tls_ca, PATH_READ);
	/* the library reads its own configuration at its first use */
	setenv("LDAPNOINIT", "1", 1);
	if (ldap_initialize(&ld, t->c.hosts.v[0]) == LDAP_SUCCESS)
		ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (ld != NULL)
		ldap_unbind_ext_s(ld, NULL, NULL);
	return 0;
}

static void
disconnect(struct server *s)
{
	if (s->conn != NULL)
		ldap_unbind_ext_s(s->conn, NULL, NULL);
	s->conn = NULL;
}

static struct timeval
time_left(int64_t deadline)
{
	int ms = MAX(ms_left(deadline), 1);

	return (struct timeval){ ms / 1000, ms % 1000 * 1000 };
}

static int
ldap_failed(const struct server *s, int rc, struct err *err)
{
	char *more = NULL;

	if (s->conn != NULL)
		ldap_get_option(s->conn, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	/* GnuTLS has no words for it */
	if (more != NULL && strcmp(more, "(unknown error code)") == 0)
		err_temp(err, "4.3.0", "%s: TLS failed: its certificate or "
		    "its name is not accepted", s->name);
	else
		err_temp(err, "4.3.0", "%s: %s%s%s", s->name,
		    ldap_err2string(rc), more != NULL && *more != '\0' ?
		    ": " : "", more != NULL ? more : "");
	ldap_memfree(more);
	return -1;
}

static bool
is_ldaps(const struct server *s)
{
	return slice_istarts(slice_of(s->name), "ldaps:");
}

static int
set_tls(const struct table *t, const struct server *s)
{
	bool verify = server_tls(t, s) == TLS_VERIFY;
	int need = verify ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;
	int new = 0, rc;

	rc = ldap_set_option(s->conn, LDAP_OPT_X_TLS_REQUIRE_CERT, &need);
	if (rc == LDAP_SUCCESS && verify)
		rc = ldap_set_option(s->conn, LDAP_OPT_X_TLS_CACERTFILE,
		    t->c.tls_ca);
	return rc != LDAP_SUCCESS ? rc : ldap_set_option(s->conn,
	    LDAP_OPT_X_TLS_NEWCTX, &new);
}

static int
set_options(const struct server *s, int64_t deadline)
{
	struct timeval tv = time_left(deadline);
	int version = LDAP_VERSION3, deref = LDAP_DEREF_NEVER;
	const struct {
		int option;
		const void *value;
	} o[] = { { LDAP_OPT_PROTOCOL_VERSION, &version },
		{ LDAP_OPT_DEREF, &deref },
		{ LDAP_OPT_REFERRALS, LDAP_OPT_OFF },
		{ LDAP_OPT_RESTART, LDAP_OPT_ON }, { LDAP_OPT_TIMEOUT, &tv } };
	size_t i;
	int rc = LDAP_SUCCESS;

	for (i = 0; i < ARRAY_LEN(o) && rc == LDAP_SUCCESS; i++)
		rc = ldap_set_option(s->conn, o[i].option, o[i].value);
	if (rc == LDAP_SUCCESS && s->port == 0)
		rc = ldap_set_option(s->conn, LDAP_OPT_NETWORK_TIMEOUT, &tv);
	return rc;
}

/* the answer to a bind: an LDAP result code */
static int
await_bind(const struct server *s, int msgid, int64_t deadline)
{
	struct timeval tv = time_left(deadline);
	LDAPMessage *res = NULL;
	int rc, code = LDAP_OTHER;

	rc = ldap_result(s->conn, msgid, LDAP_MSG_ALL, &tv, &res);
	if (rc == 0)
		return LDAP_TIMEOUT;
	if (rc < 0) {
		ldap_get_option(s->conn, LDAP_OPT_RESULT_CODE, &code);
		return code != LDAP_SUCCESS ? code : LDAP_SERVER_DOWN;
	}
	rc = ldap_parse_result(s->conn, res, &code, NULL, NULL, NULL, NULL, 1);
	return rc != LDAP_SUCCESS ? rc : code;
}

/* s->conn, not yet logged in: 0, or -1 */
static int
open_session(struct server *s, int64_t deadline, int *fd_r, struct err *err)
{
	LDAP *ld = NULL;
	int rc;

	*fd_r = -1;
	if (s->port == 0) {
		rc = ldap_initialize(&ld, s->name);
	} else {
		*fd_r = dial(s, deadline, err);
		if (*fd_r < 0)
			return -1;
		rc = ldap_init_fd(*fd_r, LDAP_PROTO_TCP, s->name, &ld);
		if (rc != LDAP_SUCCESS)
			close_fd(*fd_r);
	}
	s->conn = ld;
	return rc == LDAP_SUCCESS ? 0 : ldap_failed(s, rc, err);
}

static int
log_in(const struct table *t, const struct server *s, int64_t deadline)
{
	struct berval cred = { strlen(t->c.password),
		(char *)(uintptr_t)t->c.password };
	int msgid = -1, rc = set_options(s, deadline);

	if (rc == LDAP_SUCCESS && s->port != 0 && (is_ldaps(s) ||
	    server_tls(t, s) != TLS_NO)) {
		rc = set_tls(t, s);
		if (rc == LDAP_SUCCESS)
			rc = is_ldaps(s) ? ldap_install_tls(s->conn) :
			    ldap_start_tls_s(s->conn, NULL, NULL);
	}
	if (rc == LDAP_SUCCESS)
		rc = ldap_sasl_bind(s->conn, t->c.bind_dn, LDAP_SASL_SIMPLE,
		    &cred, NULL, NULL, &msgid);
	return rc == LDAP_SUCCESS ? await_bind(s, msgid, deadline) : rc;
}

static int
connect_ldap(struct table *t, struct server *s, int64_t deadline,
    struct err *err)
{
	int fd, rc;

	if (open_session(s, deadline, &fd, err) < 0)
		return -1;
	guard_start(fd, deadline);
	rc = log_in(t, s, deadline);
	guard_end();
	if (rc != LDAP_SUCCESS && ms_left(deadline) == 0)
		rc = LDAP_TIMEOUT;
	return rc == LDAP_SUCCESS ? 0 : ldap_failed(s, rc, err);
}

/* RFC 4515 section 3: what has a meaning, and whatever is not plain */
static void
escape(struct slice v, struct str *out)
{
	size_t i;

	for (i = 0; i < v.n; i++)
		if (ascii_isalnum((unsigned char)v.p[i]) ||
		    memchr("@.-_+= ", v.p[i], 7) != NULL)
			str_addc(out, v.p[i]);
		else
			str_addf(out, "\\%02x", (unsigned char)v.p[i]);
}

static struct slice
bytes(const struct berval *v)
{
	return (struct slice){ v->bv_val, v->bv_len };
}

/* An entry is a row, a column its attribute's values joined by commas; with
 * one attribute alone each value is a row. */
static int
take_values(struct berval **v, struct answer *a, struct err *err)
{
	struct slice col;
	int r = 1;

	for (; v != NULL && *v != NULL && r > 0; v++) {
		col = bytes(*v);
		r = answer_row(a, &col, 1, err);
	}
	return r;
}

static int
take_entry(LDAP *ld, LDAPMessage *entry, struct answer *a, struct err *err)
{
	const struct strlist *l = &a->t->c.attributes;
	struct str text[COLUMNS_MAX];
	struct slice col[COLUMNS_MAX];
	struct berval **v;
	size_t i, k;
	int r = 1;

	for (i = 0; i < l->n; i++) {
		text[i] = (struct str)STR_INIT;
		v = ldap_get_values_len(ld, entry, l->v[i]);
		if (l->n == 1)
			r = take_values(v, a, err);
		for (k = 0; l->n > 1 && v != NULL && v[k] != NULL; k++) {
			if (k > 0)
				str_addc(&text[i], ',');
			str_addsl(&text[i], bytes(v[k]));
		}
		col[i] = v != NULL ? slice_str(&text[i]) : SLICE_NULL;
		ldap_value_free_len(v);
	}
	if (l->n > 1)
		r = answer_row(a, col, l->n, err);
	for (i = 0; i < l->n; i++) {
		if (text[i].cap > 0)
			explicit_bzero(text[i].s, text[i].cap);
		str_free(&text[i]);
	}
	return r;
}

static int
send_search(const struct table *t, const struct server *s, const char *filter,
    int64_t deadline, int *msgid)
{
	static const int scopes[] = { LDAP_SCOPE_SUBTREE, LDAP_SCOPE_ONELEVEL,
	    LDAP_SCOPE_BASE };
	struct timeval tv = time_left(deadline);
	char *names[COLUMNS_MAX + 1];
	size_t i;

	for (i = 0; i < t->c.attributes.n; i++)
		names[i] = (char *)(uintptr_t)t->c.attributes.v[i];
	names[i] = NULL;
	tv.tv_sec++;	/* the server's clock is in whole seconds */
	return ldap_search_ext(s->conn, t->c.base, scopes[t->c.scope], filter,
	    names, 0, NULL, NULL, &tv, (int)t->c.max_rows + 1, msgid);
}

static bool
server_fault(int code)
{
	static const int codes[] = { LDAP_SERVER_DOWN, LDAP_TIMEOUT,
	    LDAP_BUSY, LDAP_UNAVAILABLE, LDAP_UNWILLING_TO_PERFORM,
	    LDAP_CONNECT_ERROR, LDAP_LOCAL_ERROR, LDAP_DECODING_ERROR };
	size_t i;

	for (i = 0; i < ARRAY_LEN(codes); i++)
		if (code == codes[i])
			return true;
	return false;
}

/* One message of the answer: 1 go on, 0 that was the last, -1 */
static int
take_message(const struct server *s, int msgid, struct answer *a,
    int64_t deadline, int *code, struct err *err)
{
	struct timeval tv = time_left(deadline);
	LDAPMessage *res = NULL;
	int rc = ldap_result(s->conn, msgid, LDAP_MSG_ONE, &tv, &res);
	int r = 1;

	if (rc == LDAP_RES_SEARCH_ENTRY) {
		r = take_entry(s->conn, res, a, err);
		ldap_msgfree(res);
		return r;
	}
	if (rc == LDAP_RES_SEARCH_RESULT) {
		rc = ldap_parse_result(s->conn, res, code, NULL, NULL, NULL,
		    NULL, 1);
		if (rc == LDAP_SUCCESS)
			return 0;
		*code = rc;
		return 0;
	}
	ldap_msgfree(res);	/* a reference elsewhere is not followed */
	if (rc > 0)
		return 1;
	*code = rc == 0 ? LDAP_TIMEOUT : LDAP_SERVER_DOWN;
	return 0;
}

static int
query(struct table *t, struct server *s, const char *key, struct answer *a,
    int64_t deadline, enum fault *fault_r, struct err *err)
{
	struct str filter = STR_INIT;
	int rc, fd, msgid = 0, code = LDAP_SUCCESS, r = 1;

	if (!template_fill(t->query, key, escape, &filter)) {
		str_free(&filter);
		return 0;
	}
	if (s->port == 0 || ldap_get_option(s->conn, LDAP_OPT_DESC, &fd) !=
	    LDAP_OPT_SUCCESS)
		fd = -1;
	guard_start(fd, deadline);
	rc = send_search(t, s, filter.s, deadline, &msgid);
	str_free(&filter);
	err->kind = ERR_NONE;
	while (rc == LDAP_SUCCESS && r > 0)
		r = take_message(s, msgid, a, deadline, &code, err);
	guard_end();
	*fault_r = FAULT_QUERY;
	if (r < 0 || (r == 0 && rc == LDAP_SUCCESS && a->rows > 0 &&
	    t->c.rows == ROWS_FIRST)) {
		ldap_abandon_ext(s->conn, msgid, NULL, NULL);
		return r;
	}
	rc = rc != LDAP_SUCCESS ? rc : code;
	if (rc == LDAP_SUCCESS)
		return 0;
	*fault_r = server_fault(rc) ? FAULT_SERVER : FAULT_QUERY;
	return ldap_failed(s, rc, err);
}

const struct backend be_ldap = {
	.name = "ldap",
	.fields = fields,
	.groups = JAIL_FILES | JAIL_UNIX | JAIL_INET,
	.check = check,
	.before_jail = before_jail,
	.connect = connect_ldap,
	.query = query,
	.disconnect = disconnect,
};
