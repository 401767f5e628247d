/*
 * token.c - bearer tokens.  Who fails is told so in JSON (RFC 7628 3.2.2) and
 * has to acknowledge it before the exchange ends.
 */
#include "sasl/token.h"

/* b68token of RFC 6750 2.1 */
static bool
is_token(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!ascii_isalnum((unsigned char)s.p[i]) &&
		    (s.p[i] == '\0' || strchr("-._~+/=", s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

int
token_of(struct slice value, struct slice *token)
{
	if (!slice_istarts(value, "Bearer "))
		return 0;
	*token = slice_sub(value, strlen("Bearer "), value.n);
	while (token->n > 0 && token->p[0] == ' ')
		*token = slice_sub(*token, 1, token->n);
	return is_token(*token);
}

enum sasl_result
token_check(struct sasl *s, struct slice token, const char *error,
    struct str *challenge)
{
	int r = s->host != NULL ? s->host->token(s, token) : 0;

	if (r == 1) {
		s->proven = true;
		return SASL_DONE;
	}
	if (r < 0)
		return sasl_fail(s, "the token could not be checked");
	if (s->why == NULL)
		s->why = "a token of nobody";
	str_adds(challenge, error);
	s->state = TOKEN_REFUSED;
	return SASL_MORE;
}
