/*
 * mbox_apply.c - a record of the log changes the array.  Records of others
 * and our own go the same way; every process that has applied the same
 * records holds the same messages, flags and modseqs.  A record with a good
 * checksum that makes no sense is passed over.
 */
#include "store/mbox.h"

static void
raise_modseq(struct mailbox *mb, uint64_t modseq)
{
	if (modseq > mb->modseq && modseq <= INT64_MAX)
		mb->modseq = modseq;
}

static bool
good_id(struct slice id)
{
	size_t i;

	for (i = 0; i < id.n; i++)
		if (!ascii_isalnum(id.p[i]))
			return false;
	return id.n > 0 && id.n <= 32;
}

/* H 1 id uidvalidity generation base uidnext live */
static void
apply_head(struct mailbox *mb, struct slice r)
{
	struct mbox_state *st = &mb->in->st;
	uint64_t version, validity, gen, base, next;
	struct slice id;
	int64_t live;

	if (st->have_head || !mbox_word_u64(&r, &version) || version != 1 ||
	    !slice_cut(&r, ' ', &id) || !good_id(id) ||
	    !mbox_word_u64(&r, &validity) || validity - 1 >= UINT32_MAX ||
	    !mbox_word_u64(&r, &gen) || !mbox_word_u64(&r, &base) ||
	    !mbox_word_u64(&r, &next) || next - 1 >= UINT32_MAX ||
	    !mbox_word_i64(&r, &live))
		return;
	slice_copy(mb->id, sizeof(mb->id), id);
	mb->uidvalidity = (uint32_t)validity;
	mb->uidnext = MAX(mb->uidnext, (uint32_t)next);
	raise_modseq(mb, base);
	st->generation = gen;
	st->base_modseq = base;
	st->live = live;
	st->have_head = true;
}

/* "FS,3,7": 1, with at most KEYWORDS_MAX numbers, or 0 */
static int
take_flagspec(struct mailbox *mb, struct slice s, unsigned *flags,
    uint16_t num[KEYWORDS_MAX], size_t *n)
{
	struct slice part;
	uint64_t v;

	*n = 0;
	if (!slice_cut(&s, ',', &part))
		return 0;
	*flags = mbox_letters_parse(part);
	while (slice_cut(&s, ',', &part)) {
		if (!slice_u64(part, KEYWORDS_MAX - 1, &v) ||
		    *n == KEYWORDS_MAX)
			return 0;
		/* ascending and defined, as we write them */
		if (v >= mb->in->st.kw.names || (*n > 0 && v <= num[*n - 1]))
			continue;
		num[(*n)++] = (uint16_t)v;
	}
	return 1;
}

/* UIDs ascend in a log, but for those that a damaged one lost and that are
 * taken in again before anybody has seen the array */
static bool
in_order(const struct mailbox *mb, uint32_t uid)
{
	size_t i;

	if (mb->n == 0 || uid > mb->msg[mb->n - 1].uid)
		return true;
	i = mailbox_find(mb, uid);
	return mb->in->damaged && mb->in->opening && mb->msg[i].uid != uid;
}

static struct mailbox_msg *
new_msg(struct mailbox *mb, uint32_t uid)
{
	bool last = mb->n == 0 || uid > mb->msg[mb->n - 1].uid;
	size_t i = last ? mb->n : mailbox_find(mb, uid), k;

	mbox_append_msg(mb);
	if (i < mb->n - 1) {
		for (k = mb->n - 1; k > i; k--)
			mb->msg[k] = mb->msg[k - 1];
		mb->in->st.dirty_lo = mb->in->st.wait_lo = 0;
		mb->in->st.dirty_hi = mb->in->st.wait_hi = mb->n;
		mb->in->st.unsettled = 0;
	}
	return &mb->msg[i];
}

/* flags and the keyword set; 1 or 0 */
static int
take_set(struct mailbox *mb, struct slice s, unsigned *flags, uint32_t *set)
{
	static uint16_t num[KEYWORDS_MAX];
	size_t n;

	*set = 0;
	*flags = 0;
	if (slice_find(s, ',') == s.n) {
		*flags = mbox_letters_parse(s);
		return 1;
	}
	if (!take_flagspec(mb, s, flags, num, &n))
		return 0;
	*set = mbox_kw_set(&mb->in->st.kw, num, n);
	return 1;
}

/* a name as it stands in a record: 1 kept, 0 it is none */
static int
keep_name(struct mbox_state *st, struct slice s, uint32_t *name_r)
{
	struct str name = STR_INIT;
	bool good;

	/* nearly all need no change */
	if (s.n > 1 && slice_find(s, '%') == s.n &&
	    slice_find(s, '/') == s.n && !slice_has_nul(s)) {
		*name_r = mbox_name_keep_slice(st, s);
		return 1;
	}
	good = mbox_log_untext(&name, s) && name.len > 1 &&
	    strchr(name.s, '/') == NULL;
	if (good)
		*name_r = mbox_name_keep(st, name.s);
	str_free(&name);
	return good;
}

void
mbox_add_msg(struct mailbox *mb, const struct mailbox_msg *m, bool waits)
{
	struct mailbox_impl *in = mb->in;
	struct mailbox_msg *to = new_msg(mb, m->uid);

	*to = *m;
	if (to->flags != to->file_flags)
		mbox_dirty(&in->st, (size_t)(to - mb->msg));
	if (waits || m->date == MBOX_NO_DATE)
		mbox_wait(&in->st, (size_t)(to - mb->msg));
	mb->uidnext = MAX(mb->uidnext, m->uid + 1);
	raise_modseq(mb, m->modseq);
	in->changed |= !in->loading;
}

/* A modseq uid date saved size wsize flags nameflags name */
static void
apply_add(struct mailbox *mb, struct slice r)
{
	struct mailbox_msg m = { 0 };
	struct slice w;
	unsigned flags;
	uint64_t uid;

	if (!mbox_word_u64(&r, &m.modseq) || !mbox_word_u64(&r, &uid) ||
	    uid == 0 || uid >= UINT32_MAX || !in_order(mb, (uint32_t)uid) ||
	    !mbox_word_date(&r, &m.date) || !mbox_word_i64(&r, &m.saved) ||
	    !mbox_word_u64(&r, &m.size) || !mbox_word_u64(&r, &m.wsize) ||
	    !slice_cut(&r, ' ', &w) || !take_set(mb, w, &flags, &m.kw) ||
	    !slice_cut(&r, ' ', &w) ||
	    !keep_name(&mb->in->st, r, &m.name))
		return;
	m.uid = (uint32_t)uid;
	m.flags = (uint16_t)flags;
	m.file_flags = (uint16_t)mbox_letters_parse(w);
	mbox_add_msg(mb, &m, mbox_name_waits(mbox_name_get(&mb->in->st,
	    m.name)));
}

struct flags_record {
	char op;
	unsigned flags;
	uint16_t num[KEYWORDS_MAX];
	size_t n;
	uint64_t modseq;
	uint32_t from, to;	/* the last keyword set and what became of
				 * it: neighbours mostly have the same */
};

static void
flag_one(struct mailbox *mb, size_t i, struct flags_record *f)
{
	struct mailbox_msg *m = &mb->msg[i];
	unsigned kept = m->flags & MSG_KEPT;

	kept = f->op == '=' ? f->flags : f->op == '+' ? kept | f->flags :
	    kept & ~f->flags;
	m->flags = (uint16_t)((m->flags & ~MSG_KEPT) | kept);
	if (m->kw != f->from) {
		f->from = m->kw;
		f->to = mbox_kw_change(&mb->in->st.kw, m->kw, f->op, f->num,
		    f->n);
	}
	m->kw = f->to;
	m->modseq = MAX(m->modseq, f->modseq);
	if (!mb->in->mine && !mb->in->loading) {
		m->flags |= MSG_TOUCHED;
		mb->touched = mb->in->changed = true;
	}
	if (kept != (m->file_flags & MSG_KEPT))
		mbox_dirty(&mb->in->st, i);
}

/* F modseq uidset opflags */
static void
apply_flags(struct mailbox *mb, struct slice r)
{
	struct flags_record f = { .from = UINT32_MAX };
	struct slice set, spec;
	struct uid_range u;
	size_t i;

	if (!mbox_word_u64(&r, &f.modseq) || !slice_cut(&r, ' ', &set) ||
	    !slice_cut(&r, ' ', &spec) || spec.n < 2 ||
	    memchr("=+-", spec.p[0], 3) == NULL ||
	    !take_flagspec(mb, slice_sub(spec, 1, spec.n), &f.flags, f.num,
	    &f.n))
		return;
	f.op = spec.p[0];
	raise_modseq(mb, f.modseq);
	while (mbox_set_next(&set, &u))
		for (i = mailbox_find(mb, u.first); i < mb->n &&
		    mb->msg[i].uid <= u.last; i++)
			flag_one(mb, i, &f);
}

/* E and V modseq uidset */
static void
apply_gone(struct mailbox *mb, struct slice r, bool doom)
{
	struct uid_range u;
	struct slice set;
	uint64_t modseq;
	size_t i;

	if (!mbox_word_u64(&r, &modseq) || !slice_cut(&r, ' ', &set))
		return;
	raise_modseq(mb, modseq);
	while (mbox_set_next(&set, &u))
		for (i = mailbox_find(mb, u.first); i < mb->n &&
		    mb->msg[i].uid <= u.last; i++) {
			struct mailbox_msg *m = &mb->msg[i];

			if (m->flags & MSG_GONE)
				continue;
			m->flags |= MSG_GONE;
			mb->gone++;
			mb->in->changed |= !mb->in->mine && !mb->in->loading;
			if (doom)
				mbox_doom_add(&mb->in->st, m);
		}
}

/* R modseq: the names are as the flags */
static void
apply_renamed(struct mailbox *mb)
{
	struct mbox_state *st = &mb->in->st;
	size_t i;

	for (i = st->dirty_lo; i < st->dirty_hi && i < mb->n; i++)
		mb->msg[i].file_flags = mb->msg[i].flags & MSG_KEPT;
	st->dirty_lo = st->dirty_hi = 0;
	st->begun = false;
}

/* S modseq: from here on names may have the flags */
static void
apply_begun(struct mailbox *mb)
{
	struct mbox_state *st = &mb->in->st;
	struct mailbox_msg *m;
	unsigned want;
	size_t i;

	for (i = st->dirty_lo; i < st->dirty_hi && i < mb->n; i++) {
		m = &mb->msg[i];
		want = m->flags & MSG_KEPT;
		if (want == (m->file_flags & MSG_KEPT))
			continue;
		m->file_flags = (uint16_t)((m->file_flags & MSG_KEPT) |
		    want << 8 | MBOX_BEGUN);
		st->begun = true;
	}
}

/* N modseq uidset flags: names that were seen */
static void
apply_names(struct mailbox *mb, struct slice r)
{
	struct slice set, spec;
	struct uid_range u;
	uint64_t modseq;
	size_t i;

	if (!mbox_word_u64(&r, &modseq) || !slice_cut(&r, ' ', &set) ||
	    !slice_cut(&r, ' ', &spec))
		return;
	while (mbox_set_next(&set, &u))
		for (i = mailbox_find(mb, u.first); i < mb->n &&
		    mb->msg[i].uid <= u.last; i++) {
			mb->msg[i].file_flags =
			    (uint16_t)mbox_letters_parse(spec);
			if ((mb->msg[i].flags & MSG_KEPT) !=
			    mb->msg[i].file_flags)
				mbox_dirty(&mb->in->st, i);
		}
}

/* I modseq, and for each: uid date size wsize.  What files say that were taken
 * in by their names alone */
static void
apply_seen(struct mailbox *mb, struct slice r)
{
	uint64_t modseq, uid, size, wsize;
	int64_t date;
	size_t i = 0;

	if (!mbox_word_u64(&r, &modseq))
		return;
	while (mbox_word_u64(&r, &uid) && mbox_word_i64(&r, &date) &&
	    mbox_word_u64(&r, &size) && mbox_word_u64(&r, &wsize)) {
		/* mostly they follow each other */
		if (++i >= mb->n || mb->msg[i].uid != uid)
			i = uid < UINT32_MAX ? mailbox_find(mb,
			    (uint32_t)uid) : mb->n;
		if (i == mb->n || mb->msg[i].uid != uid)
			continue;
		mb->msg[i].date = date;
		mb->msg[i].size = size;
		mb->msg[i].wsize = wsize;
	}
}

static void
take_name(struct mbox_state *st, struct mailbox_msg *m, struct str *buf)
{
	const char *was = mbox_name_get(st, m->name);

	if (!mbox_name_waits(was))
		return;
	str_reset(buf);
	mbox_name_final(buf, slice_of(was + 1), m->file_flags & MSG_KEPT, m);
	if (strcmp(buf->s, was) != 0)
		m->name = mbox_name_keep(st, buf->s);
	st->named++;
}

/* T modseq uidset: files have the names with UID and sizes that the records
 * tell */
static void
apply_taken(struct mailbox *mb, struct slice r)
{
	struct mbox_state *st = &mb->in->st;
	struct str buf = STR_INIT;
	struct uid_range u;
	struct slice set;
	uint64_t modseq;
	size_t i, first;

	if (!mbox_word_u64(&r, &modseq) || !slice_cut(&r, ' ', &set))
		return;
	/* until D says that it was done */
	st->known.ns[SUB_CUR] = st->logged.ns[SUB_CUR] = 0;
	while (mbox_set_next(&set, &u)) {
		first = mailbox_find(mb, u.first);
		for (i = first; i < mb->n && mb->msg[i].uid <= u.last; i++)
			if (!(mb->msg[i].flags & MSG_GONE))
				take_name(st, &mb->msg[i], &buf);
		/* it goes on from the first to the last */
		if (first <= st->wait_lo && i > st->wait_lo)
			st->wait_lo = i;
	}
	str_free(&buf);
}

/* D new cur scanned */
static void
apply_known(struct mailbox *mb, struct slice r)
{
	struct mbox_state *st = &mb->in->st;
	struct mbox_known k;

	if (!mbox_word_i64(&r, &k.ns[SUB_NEW]) ||
	    !mbox_word_i64(&r, &k.ns[SUB_CUR]) ||
	    !mbox_word_i64(&r, &k.scanned))
		return;
	st->known = st->logged = k;
	st->scanned = true;
	st->unsettled = mb->n;
}

static void
apply_define(struct mailbox *mb, struct slice r)
{
	struct mbox_kw *kw = &mb->in->st.kw;
	char lost[32];
	uint64_t num;
	struct slice name;

	if (!mbox_word_u64(&r, &num) || !slice_cut(&r, ' ', &name))
		return;
	/* definitions in bad lines: messages keep a keyword of that number */
	while (mb->in->damaged && kw->names < num && num < KEYWORDS_MAX) {
		snprintf(lost, sizeof(lost), "$Lost%zu", kw->names);
		if (!mbox_kw_define(kw, kw->names, slice_of(lost)))
			return;
	}
	mbox_kw_define(kw, num, name);
}

static void
apply_meta(struct mailbox *mb, struct slice r)
{
	struct slice key;
	uint64_t v;

	if (slice_cut(&r, ' ', &key) && slice_eqz(key, "recent") &&
	    mbox_word_u64(&r, &v) && v <= UINT32_MAX)
		mb->in->st.recent = MAX(mb->in->st.recent, (uint32_t)v);
}

static void
apply(struct mailbox *mb, struct slice r)
{
	struct slice type;

	if (!slice_cut(&r, ' ', &type) || type.n != 1)
		return;
	if (!mb->in->st.have_head && type.p[0] != 'H' && !mb->in->damaged)
		return;
	switch (type.p[0]) {
	case 'H':
		apply_head(mb, r);
		break;
	case 'A':
		apply_add(mb, r);
		break;
	case 'F':
		apply_flags(mb, r);
		break;
	case 'E':
	case 'V':
		apply_gone(mb, r, type.p[0] == 'E');
		break;
	case 'K':
		apply_define(mb, r);
		break;
	case 'M':
		apply_meta(mb, r);
		break;
	case 'R':
		apply_renamed(mb);
		break;
	case 'S':
		apply_begun(mb);
		break;
	case 'N':
		apply_names(mb, r);
		break;
	case 'I':
		apply_seen(mb, r);
		break;
	case 'T':
		apply_taken(mb, r);
		break;
	case 'X':
		mb->in->st.ndoom = 0;
		mb->in->st.hunted = false;
		break;
	case 'D':
		apply_known(mb, r);
		break;
	}
}

size_t
mbox_apply(struct mailbox *mb, struct slice text, bool *bad)
{
	struct slice rest = text, rec;
	size_t used = 0;
	int r;

	*bad = false;
	while ((r = mbox_log_next(&rest, &rec)) > 0) {
		apply(mb, rec);
		used = text.n - rest.n;
	}
	*bad = r < 0;
	return used;
}

/* of many records the modseq and the time are one */
struct memo { int64_t v; size_t n; char text[MBOX_NUMBER_MAX]; };

static char *
before_again(struct memo *m, char *p, int64_t v)
{
	char *end = m->text + sizeof(m->text);

	if (m->n == 0 || m->v != v) {
		m->n = (size_t)(end - mbox_log_before(end, v));
		m->v = v;
	}
	memcpy(p - sizeof(m->text), m->text, sizeof(m->text));
	return p - m->n;
}

/* letters or -, and a blank */
static char *
put_flags(char *p, unsigned flags)
{
	size_t n = mbox_letters_put(p, flags);

	if (n == 0)
		p[n++] = '-';
	p[n] = ' ';
	return p + n + 1;
}

void
mbox_record_add(struct str *out, const struct mailbox *mb,
    const struct mailbox_msg *m, const char *name)
{
	static struct memo modseq, saved;
	const struct mbox_kw *kw = &mb->in->st.kw;
	const struct mbox_kwset *set =
	    &kw->set[m->kw < kw->sets ? m->kw : 0];
	char buf[6 * MBOX_NUMBER_MAX + 2 + 2 * (MBOX_LETTERS + 2)];
	char *end = buf + 6 * MBOX_NUMBER_MAX + 2, *p = end;
	size_t start = out->len;

	p = mbox_log_before(p, (int64_t)m->wsize);
	p = mbox_log_before(p, (int64_t)m->size);
	p = before_again(&saved, p, m->saved);
	if (m->date == MBOX_NO_DATE) {
		*--p = ' ';
		*--p = '-';
	} else {
		p = mbox_log_before(p, m->date);
	}
	p = mbox_log_before(p, m->uid);
	p = before_again(&modseq, p, (int64_t)m->modseq);
	*--p = ' ';
	*--p = 'A';
	if (set->n == 0) {
		end = put_flags(end, m->flags);
	} else {
		str_add(out, p, (size_t)(end - p));
		mbox_flagspec_add(out, m->flags, set->num, set->n);
		str_addc(out, ' ');
		p = end;
	}
	end = put_flags(end, m->file_flags);
	str_add(out, p, (size_t)(end - p));
	mbox_log_text(out, name);
	mbox_log_seal(out, start);
}
