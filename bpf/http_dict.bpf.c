/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reads the dicts of a request: environ, scope, messages. They are read into the buffer for the
 * tokens of a record, which are not yet begun then.
 */
#include "http_dict.bpf.h"
#include "http_words.bpf.h"

#define DICT_ENTRIES 512 /* wsgiref puts all environment variables into each environ */

/* ---- every entry ----------------------------------------------------------------------------- */

#define BLOCK 32 /* entries of a dict that are read at once */
#define BLOCK_MASK 1023

/* Reads the next entries of a dict into the token buffer, which is still empty. */
FT_GLOBAL int ft_http_block(u32 tid, u64 entries, u32 n, u32 key_off)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u32 stride = 16 + key_off, i;
	u64 size, at, word;

	if (!l || !n || n > BLOCK)
		return -1;
	size = (u64)n * stride;
	FT_MASK(size, BLOCK_MASK);
	if (!size || bpf_probe_read_user(t->tok, size, (void *)entries))
		return -1;
	for (i = 0; i < BLOCK; i++) {
		if (i >= n)
			break;
		at = i * stride + key_off;
		FT_MASK(at, BLOCK_MASK);
		word = ft_http_word(*(u64 *)(t->tok + at), str_places(l));
		if (word >= WORD_KEYS)
			continue;
		FT_MASK(word, HTTP_VALUES - 1);
		t->http.value[word] = *(u64 *)(t->tok + at + 8); /* WORD_NONE's is not used */
		if (!word)
			continue;
		t->http.key = *(u64 *)(t->tok + at);
		t->http.word = word;
	}
	return 0;
}

/* Looks at every entry. */
FT_GLOBAL int ft_http_entries(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct dict_view d = {};
	u32 i;

	if (!l || dict_open(l, t->http.dict, &d))
		return 0;
	t->http.word = WORD_NONE;
	for (i = 0; i < DICT_ENTRIES / BLOCK && d.n; i++) {
		u32 n = d.n < BLOCK ? d.n : BLOCK;

		if (ft_http_block(tid, d.entries, n, d.key_off))
			break;
		d.entries += (u64)n * d.stride;
		d.n -= n;
	}
	if (t->http.word)
		ft_http_learn(t->http.key, t->http.word);
	return 0;
}

/* ---- by hash --------------------------------------------------------------------------------- */

#define TABLE_MASK 8191
#define PROBES 8 /* slots that are examined for one key */
#define SLOT_EMPTY (-1)

/* Slot i of the table in the token buffer: the number of an entry, or below 0. */
FT_INLINE s32 slot(const struct thread *t, u64 i)
{
	bool wide = t->http.slots > 0xff; /* up to 0x7fff entries */

	i <<= wide;
	FT_MASK(i, TABLE_MASK);
	return wide ? *(s16 *)(t->tok + i) : *(s8 *)(t->tok + i);
}

/* Follows the hash of a key (Objects/dictobject.c, lookdict); -1: undecided. */
FT_GLOBAL int ft_http_probe(u32 tid, u64 word)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_proc *p = t ? my_proc() : 0;
	u64 hash, perturb, i, at, found;
	u32 n;
	s32 entry;

	if (!p)
		return -1;
	FT_MASK(word, HTTP_VALUES - 1);
	hash = perturb = i = p->key_hash[word];
	for (n = 0; n < PROBES; n++) {
		entry = slot(t, i & (t->http.slots - 1));
		if (entry == SLOT_EMPTY)
			return 0;
		at = t->http.entries_at + (u64)entry * (16 + t->http.key_off) + t->http.key_off;
		FT_MASK(at, TABLE_MASK);
		if (entry >= 0) {
			found = *(u64 *)(t->tok + at);
			if (read_ptr(found + p->layout.str_hash) == hash) {
				t->http.value[word] = *(u64 *)(t->tok + at + 8);
				return 0;
			}
		}
		perturb >>= 5;
		i = i * 5 + perturb + 1;
	}
	return -1;
}

/* Finds the wanted words: bit n is word n. */
FT_GLOBAL int ft_http_find(u32 tid, u32 want)
{
	u32 word;

	for (word = 1; word < HTTP_VALUES; word++)
		if (want >> word & 1 && ft_http_probe(tid, word))
			return -1;
	return 0;
}

/* Reads the table of a dict into the token buffer; -1: too large. */
FT_INLINE int read_table(struct thread *t, const struct dict_view *d)
{
	u64 entries = d->n * d->stride, size = d->index_bytes + entries;

	if (d->index_bytes > TABLE_MASK || entries > TABLE_MASK || size > TABLE_MASK ||
	    d->slots > 0x8000)
		return -1;
	FT_MASK(size, TABLE_MASK);
	if (!size || bpf_probe_read_user(t->tok, size, (void *)(d->entries - d->index_bytes)))
		return -1;
	t->http.slots = d->slots;
	t->http.entries_at = d->index_bytes;
	t->http.key_off = d->key_off;
	return 0;
}

#define BIT(word) (1U << (word))

/* The keys that are needed. */
FT_INLINE u32 wanted(u32 role)
{
	switch (role) {
	case HTTP_WSGI:
		return BIT(WORD_REQUEST_METHOD) | BIT(WORD_SCRIPT_NAME) | BIT(WORD_PATH_INFO) |
		       BIT(WORD_REMOTE_ADDR) | BIT(WORD_HTTP_USER_AGENT) |
		       BIT(WORD_HTTP_X_REQUEST_ID) | BIT(WORD_FLOWTRACE_ID);
	case HTTP_ASGI:
		return BIT(WORD_TYPE) | BIT(WORD_METHOD) | BIT(WORD_ROOT_PATH) | BIT(WORD_PATH) |
		       BIT(WORD_CLIENT) | BIT(WORD_HEADERS);
	}
	return BIT(WORD_TYPE) | BIT(WORD_STATUS) | BIT(WORD_MORE_BODY);
}

FT_GLOBAL int ft_http_scan(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? my_proc() : 0;
	const struct ft_layout *l;
	struct dict_view d = {};

	if (!p)
		return 0;
	l = &p->layout;
	__builtin_memset(t->http.value, 0, sizeof(t->http.value));
	/* A dict with a split table is the __dict__ of an object. */
	if (!is_a(l, t->http.dict, FT_KIND_DICT, TPFLAGS_DICT) || dict_open(l, t->http.dict, &d) ||
	    d.values || !d.n)
		return 0;
	return !(p->flags & FT_PROC_HASHED) || read_table(t, &d) ||
	       ft_http_find(tid, wanted(t->http.role));
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
