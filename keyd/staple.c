/*
 * staple.c - an OCSP response is given to clients only where it speaks of
 * this certificate, says that it is good, and has not ended.
 */
#include "keyd.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <time.h>

#include "base/clock.h"

enum { SKEW_S = 300 };

/* does the single answer speak of our certificate? */
static bool
speaks_of(OCSP_SINGLERESP *single, const struct loaded *cert)
{
	OCSP_CERTID *id = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single), *own;
	ASN1_INTEGER *serial = NULL;
	ASN1_OBJECT *alg = NULL;
	const EVP_MD *md;
	bool same;

	if (OCSP_id_get0_info(NULL, &alg, NULL, &serial, id) != 1 ||
	    ASN1_INTEGER_cmp(serial,
	    X509_get0_serialNumber(cert->chain[0])) != 0)
		return false;
	if (cert->n < 2)
		return true;	/* without its issuer no more is known */
	md = EVP_get_digestbyobj(alg);
	own = md ? OCSP_cert_to_id(md, cert->chain[0], cert->chain[1]) : NULL;
	same = own != NULL && OCSP_id_cmp(own, id) == 0;
	OCSP_CERTID_free(own);
	return same;
}

static int
unix_time(const ASN1_GENERALIZEDTIME *t, int64_t *r)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	*r = (int64_t)timegm(&tm);
	return 0;
}

static int
check_single(OCSP_BASICRESP *basic, const struct loaded *cert,
    int64_t *ends_r, struct err *err)
{
	ASN1_GENERALIZEDTIME *from = NULL, *to = NULL;
	OCSP_SINGLERESP *single;
	int i, status = -1, reason;

	for (i = 0; i < OCSP_resp_count(basic); i++) {
		single = OCSP_resp_get0(basic, i);
		if (!speaks_of(single, cert))
			continue;
		status = OCSP_single_get0_status(single, &reason, NULL, &from,
		    &to);
		break;
	}
	if (i == OCSP_resp_count(basic))
		return err_perm(err, "5.3.5", "is of another certificate");
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return err_perm(err, "5.3.5", "says: %s",
		    OCSP_cert_status_str(status));
	if (OCSP_check_validity(from, to, SKEW_S, -1) != 1 ||
	    unix_time(to, ends_r) < 0)
		return err_perm(err, "5.3.5", "is not valid now");
	return 0;
}

/* signed by the issuer, or by whom the issuer lets sign */
static int
check_signature(OCSP_BASICRESP *basic, const struct loaded *cert,
    struct err *err)
{
	STACK_OF(X509) *issuers;
	X509_STORE *store;
	int ok;

	if (cert->n < 2)
		return 0;
	issuers = sk_X509_new_null();
	store = X509_STORE_new();
	ok = issuers != NULL && store != NULL &&
	    sk_X509_push(issuers, cert->chain[1]) > 0 &&
	    X509_STORE_add_cert(store, cert->chain[1]) == 1 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	    OCSP_basic_verify(basic, issuers, store, 0) == 1;
	sk_X509_free(issuers);
	X509_STORE_free(store);
	return ok ? 0 : err_perm(err, "5.3.5", "has no good signature");
}

static int
check(const unsigned char *der, size_t n, const struct loaded *cert,
    int64_t *ends_r, struct err *err)
{
	OCSP_RESPONSE *resp = d2i_OCSP_RESPONSE(NULL, &der, (long)n);
	OCSP_BASICRESP *basic = NULL;
	int rc;

	if (resp == NULL || OCSP_response_status(resp) !=
	    OCSP_RESPONSE_STATUS_SUCCESSFUL ||
	    (basic = OCSP_response_get1_basic(resp)) == NULL)
		rc = err_perm(err, "5.3.5", "is not a successful OCSP "
		    "response");
	else
		rc = check_single(basic, cert, ends_r, err) < 0 ? -1 :
		    check_signature(basic, cert, err);
	ERR_clear_error();
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(resp);
	return rc;
}

int
staple_load(const char *path, const struct loaded *cert, struct str *out,
    int64_t *ends_r, struct err *err)
{
	size_t n;
	char *der;
	int rc;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	der = file_read(path, &n, err);
	if (der == NULL)
		return -1;
	rc = check((const unsigned char *)der, n, cert, ends_r, err);
	if (rc == 0)
		base64_encode(out, der, n);
	free(der);
	return rc < 0 ? err_prefix(err, "%s", path) : 1;
}
