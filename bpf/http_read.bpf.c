/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reading what an HTTP request is made of: names of parameters, the dicts and headers of servers.
 * The tokens of a record are not begun yet while a dict is read, so it is read into their place.
 */
#include "http.bpf.h"

#define CO_COROUTINE 0x80
#define DICT_ENTRIES 512 /* wsgiref has the variables of its process in every environ */
#define HEADERS 64

/* ---- words ---------------------------------------------------------------------------------- */

/* Keys of dicts; HTTP_VALUES is more than there are. */
#define KEYS(X)                                                                                    \
	X(METHOD, "method")                                                                        \
	X(PATH, "path")                                                                            \
	X(TYPE, "type")                                                                            \
	X(STATUS, "status")                                                                        \
	X(ROOT_PATH, "root_path")                                                                  \
	X(CLIENT, "client")                                                                        \
	X(HEADERS, "headers")                                                                      \
	X(MORE_BODY, "more_body")                                                                  \
	X(REQUEST_METHOD, "REQUEST_METHOD")                                                        \
	X(SCRIPT_NAME, "SCRIPT_NAME")                                                              \
	X(PATH_INFO, "PATH_INFO")                                                                  \
	X(REMOTE_ADDR, "REMOTE_ADDR")                                                              \
	X(HTTP_USER_AGENT, "HTTP_USER_AGENT")                                                      \
	X(HTTP_X_REQUEST_ID, "HTTP_X_REQUEST_ID")                                                  \
	X(FLOWTRACE_ID, "flowtrace.request_id")

enum word {
	WORD_NONE,
#define X(name, text) WORD_##name,
	KEYS(X)
#undef X
		WORD_KEYS = HTTP_VALUES,
	WORD_HTTP,
	WORD_START,
	WORD_BODY,
	WORD_ZEROCOPY,
	WORD_PATHSEND,
	WORD_USER_AGENT,
	WORD_X_REQUEST_ID,
	WORD_START_RESPONSE,
	WORD_SCOPE,
	WORD_RECEIVE,
	WORD_SEND,
};

#define LONGEST 31

/* Byte i of a string, and word n of it, as they are in memory. */
#define BYTE(s, i)                                                                                 \
	((i) < sizeof(s) - 1 ? (u64)(u8)(s)[(i) < sizeof(s) ? (i) : 0] << 8 * ((i) % 8) : 0)
#define TEXT(s, n)                                                                                 \
	(BYTE(s, 8 * n) | BYTE(s, 8 * n + 1) | BYTE(s, 8 * n + 2) | BYTE(s, 8 * n + 3) |           \
	 BYTE(s, 8 * n + 4) | BYTE(s, 8 * n + 5) | BYTE(s, 8 * n + 6) | BYTE(s, 8 * n + 7))
#define IS(w, s)                                                                                   \
	((w)[0] == TEXT(s, 0) && (w)[1] == TEXT(s, 1) && (w)[2] == TEXT(s, 2) &&                   \
	 (w)[3] == TEXT(s, 3))

/* Which of ours n bytes of text are; w: zeroes behind them. */
FT_INLINE u32 word_of(const u64 *w, u64 n)
{
	switch (n) {
	case 4:
		if (IS(w, "path"))
			return WORD_PATH;
		if (IS(w, "type"))
			return WORD_TYPE;
		if (IS(w, "http"))
			return WORD_HTTP;
		return IS(w, "send") ? WORD_SEND : WORD_NONE;
	case 5:
		return IS(w, "scope") ? WORD_SCOPE : WORD_NONE;
	case 6:
		if (IS(w, "method"))
			return WORD_METHOD;
		if (IS(w, "status"))
			return WORD_STATUS;
		return IS(w, "client") ? WORD_CLIENT : WORD_NONE;
	case 7:
		if (IS(w, "headers"))
			return WORD_HEADERS;
		return IS(w, "receive") ? WORD_RECEIVE : WORD_NONE;
	case 9:
		if (IS(w, "root_path"))
			return WORD_ROOT_PATH;
		if (IS(w, "more_body"))
			return WORD_MORE_BODY;
		return IS(w, "PATH_INFO") ? WORD_PATH_INFO : WORD_NONE;
	case 10:
		return IS(w, "user-agent") ? WORD_USER_AGENT : WORD_NONE;
	case 11:
		if (IS(w, "SCRIPT_NAME"))
			return WORD_SCRIPT_NAME;
		return IS(w, "REMOTE_ADDR") ? WORD_REMOTE_ADDR : WORD_NONE;
	case 12:
		return IS(w, "x-request-id") ? WORD_X_REQUEST_ID : WORD_NONE;
	case 14:
		if (IS(w, "REQUEST_METHOD"))
			return WORD_REQUEST_METHOD;
		return IS(w, "start_response") ? WORD_START_RESPONSE : WORD_NONE;
	case 15:
		return IS(w, "HTTP_USER_AGENT") ? WORD_HTTP_USER_AGENT : WORD_NONE;
	case 17:
		return IS(w, "HTTP_X_REQUEST_ID") ? WORD_HTTP_X_REQUEST_ID : WORD_NONE;
	case 18:
		return IS(w, "http.response.body") ? WORD_BODY : WORD_NONE;
	case 19:
		return IS(w, "http.response.start") ? WORD_START : WORD_NONE;
	case 20:
		return IS(w, "flowtrace.request_id") ? WORD_FLOWTRACE_ID : WORD_NONE;
	case 22:
		return IS(w, "http.response.pathsend") ? WORD_PATHSEND : WORD_NONE;
	case 26:
		return IS(w, "http.response.zerocopysend") ? WORD_ZEROCOPY : WORD_NONE;
	}
	return WORD_NONE;
}

/*
 * Short objects with text at their end are read at once, from the type on: few large reads are much
 * cheaper than many small ones. PyASCIIObject and PyBytesObject have these words in every release.
 */
#define HEAD_TYPE 0
#define HEAD_SIZE 1
#define HEAD_STATE 3
#define HEAD_WORDS 9 /* all that a text of LONGEST bytes needs */
#define HEAD_BYTES 3 /* where the text of a bytes object begins */

FT_INLINE bool is_ascii(u64 state)
{
	return state & STR_ASCII && state & STR_COMPACT;
}

FT_INLINE void zero_behind(u64 *w, u64 n)
{
	u32 i;

	for (i = 0; i < 4; i++) {
		u64 left = n > 8 * i ? n - 8 * i : 0;

		if (left < 8)
			w[i] &= left ? ~0ULL >> (64 - 8 * left) : 0;
	}
}

/* The words of a head, of which the text begins with word `first`; false: too long, or not there.
 */
FT_INLINE bool read_head(u64 obj, u64 *head, u32 words, u32 first, u64 text)
{
	u64 n;

	if (!bpf_probe_read_user(head, 8 * words, (void *)(obj + 8)))
		return head[HEAD_SIZE] <= LONGEST;
	/* Near the end of what can be read: no more than there is. */
	if (bpf_probe_read_user(head, 8 * first, (void *)(obj + 8)) || head[HEAD_SIZE] > LONGEST)
		return false;
	n = head[HEAD_SIZE];
	asm volatile("%0 &= 31" : "+r"(n));
	return n && !bpf_probe_read_user(head + first, n, (void *)text);
}

FT_GLOBAL int ft_http_word(u64 str, u32 ascii_data)
{
	u64 head[HEAD_WORDS] = {};
	u32 word;

	if (!plausible(str))
		return WORD_NONE;
	if (ascii_data == 48) {
		if (!read_head(str, head, 9, 5, str + 48))
			return WORD_NONE;
		zero_behind(head + 5, head[HEAD_SIZE]);
		word = word_of(head + 5, head[HEAD_SIZE]);
	} else {
		if (!read_head(str, head, 8, 4, str + 40))
			return WORD_NONE;
		zero_behind(head + 4, head[HEAD_SIZE]);
		word = word_of(head + 4, head[HEAD_SIZE]);
	}
	return is_ascii(head[HEAD_STATE]) ? word : WORD_NONE;
}

/* ---- hashes of the keys -----------------------------------------------------------------------
 */

/*
 * A str's hash is SipHash of its characters with a secret of the process (Python/pyhash.c); so a
 * dict can be asked for a key as the interpreter does. The first dict is searched from end to end,
 * and the hash that a key of it has proves that ours are right.
 */
#define KEY_WORDS 3 /* of 8 bytes, for the longest */

static const struct {
	u64 text[KEY_WORDS];
	u64 length;
} keys[HTTP_VALUES] = {
#define X(name, text)                                                                              \
	[WORD_##name] = {{TEXT(text, 0), TEXT(text, 1), TEXT(text, 2)}, sizeof(text) - 1},
	KEYS(X)
#undef X
};

FT_INLINE u64 rotated(u64 x, u32 by)
{
	return x << by | x >> (64 - by);
}

FT_INLINE void sip_round(u64 *v)
{
	v[0] += v[1];
	v[1] = rotated(v[1], 13) ^ v[0];
	v[0] = rotated(v[0], 32);
	v[2] += v[3];
	v[3] = rotated(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotated(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotated(v[1], 17) ^ v[2];
	v[2] = rotated(v[2], 32);
}

FT_INLINE void sip_word(u64 *v, u64 word, u32 rounds)
{
	v[3] ^= word;
	sip_round(v);
	if (rounds > 1)
		sip_round(v);
	v[0] ^= word;
}

/* The hash of a key in this process; 0: not known. */
FT_GLOBAL u64 ft_http_hash(u32 word)
{
	const struct ft_layout *l = my_layout();
	u64 secret[2] = {}, v[4], length, i;

	word &= HTTP_VALUES - 1;
	length = keys[word].length;
	if (!l || read_at(secret, sizeof(secret), l->hash_secret))
		return 0;
	v[0] = secret[0] ^ 0x736f6d6570736575ULL; /* the constants of SipHash */
	v[1] = secret[1] ^ 0x646f72616e646f6dULL;
	v[2] = secret[0] ^ 0x6c7967656e657261ULL;
	v[3] = secret[1] ^ 0x7465646279746573ULL;
	for (i = 0; i + 1 < KEY_WORDS && i < length / 8; i++)
		sip_word(v, keys[word].text[i], l->hash_rounds);
	sip_word(v, keys[word].text[i] | length << 56, l->hash_rounds);
	v[2] ^= 0xff;
	for (i = 0; i < 2 + l->hash_rounds && i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* A key was found, which has its hash in it. */
FT_GLOBAL int ft_http_learn(u64 str, u32 word)
{
	struct ft_proc *p = my_proc();
	u32 i;

	if (!p || p->flags & (FT_PROC_HASHED | FT_PROC_NOT_HASHED))
		return 0;
	for (i = 1; i < HTTP_VALUES; i++)
		p->key_hash[i] = ft_http_hash(i);
	word &= HTTP_VALUES - 1;
	if (p->key_hash[word] && p->key_hash[word] == read_ptr(str + p->layout.str_hash))
		p->flags |= FT_PROC_HASHED;
	else
		p->flags |= FT_PROC_NOT_HASHED;
	return 0;
}

/* ---- recognising ---------------------------------------------------------------------------- */

FT_INLINE u32 parameter_word(const struct ft_layout *l, u64 names, u32 i)
{
	return ft_http_word(read_ptr(names + 8 * (u64)i), l->str_ascii_data);
}

FT_GLOBAL int ft_http_role(u32 tgid, u64 code)
{
	const struct ft_layout *l = my_layout();
	struct code_entry *e = code_find(tgid, code);
	u64 names;
	u32 n, i;

	if (!l)
		return 0;
	if (e && e->verdict == CODE_MARKED && e->guard == code_guard(l, code))
		return e->role | e->role_arg << 8;
	n = read_u32(code + l->code_argcount);
	names = read_ptr(code + l->code_localsplusnames) + l->tuple_items;
	for (i = 0; i < 2 && i + 1 < n; i++) { /* behind a self, or not */
		if (parameter_word(l, names, i + 1) == WORD_START_RESPONSE)
			return HTTP_WSGI | i << 8;
		if (i + 2 < n && parameter_word(l, names, i) == WORD_SCOPE &&
		    parameter_word(l, names, i + 1) == WORD_RECEIVE &&
		    parameter_word(l, names, i + 2) == WORD_SEND &&
		    read_u32(code + l->code_flags) & CO_COROUTINE)
			return HTTP_ASGI | i << 8;
	}
	return 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

#define BLOCK 32 /* entries of a dict that are read at once */
#define BLOCK_MASK 1023

/* The next entries of a dict. They are read into the place of the tokens, where nothing is yet. */
FT_GLOBAL int ft_http_block(u32 tid, u64 entries, u32 n, u32 key_off)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u32 stride = 16 + key_off, i;
	u64 size, at, word;

	if (!l || !n || n > BLOCK)
		return -1;
	size = (u64)n * stride;
	asm volatile("%0 &= %1" : "+r"(size) : "i"(BLOCK_MASK));
	if (!size || bpf_probe_read_user(t->tok, size, (void *)entries))
		return -1;
	for (i = 0; i < BLOCK; i++) {
		if (i >= n)
			break;
		at = i * stride + key_off;
		asm volatile("%0 &= %1" : "+r"(at) : "i"(BLOCK_MASK));
		word = ft_http_word(*(u64 *)(t->tok + at), l->str_ascii_data);
		if (word >= WORD_KEYS)
			continue;
		asm volatile("%0 &= %1" : "+r"(word) : "i"(HTTP_VALUES - 1));
		t->http.value[word] = *(u64 *)(t->tok + at + 8); /* WORD_NONE: nobody looks */
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

#define TABLE_MASK 8191
#define PROBES 8 /* slots that are looked at for one key */
#define SLOT_EMPTY (-1)

/* Slot i of the table that is in the place of the tokens: the number of an entry, or below 0. */
FT_INLINE s32 slot(const struct thread *t, u64 i)
{
	bool wide = t->http.slots > 0xff; /* up to 0x7fff entries */

	i <<= wide;
	asm volatile("%0 &= %1" : "+r"(i) : "i"(TABLE_MASK));
	return wide ? *(s16 *)(t->tok + i) : *(s8 *)(t->tok + i);
}

/* Looks for a key where its hash says (Objects/dictobject.c, lookdict); -1: it is not decided. */
FT_INLINE int find(const struct ft_proc *p, struct thread *t, u32 word)
{
	u64 hash = p->key_hash[word], perturb = hash, i = hash, at, found;
	u32 n;
	s32 entry;

	for (n = 0; n < PROBES; n++) {
		entry = slot(t, i & (t->http.slots - 1));
		if (entry == SLOT_EMPTY)
			return 0;
		at = t->http.entries_at + (u64)entry * (16 + t->http.key_off) + t->http.key_off;
		asm volatile("%0 &= %1" : "+r"(at) : "i"(TABLE_MASK));
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

/* The words that are wanted: bit n is word n. */
FT_GLOBAL int ft_http_find(u32 tid, u32 want)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = t ? my_proc() : 0;
	u32 word;

	for (word = 1; p && word < HTTP_VALUES; word++)
		if (want >> word & 1 && find(p, t, word))
			return -1;
	return 0;
}

/* Reads the table of a dict into the place of the tokens; -1: too large. */
FT_INLINE int read_table(struct thread *t, const struct dict_view *d)
{
	u64 entries = d->n * d->stride, size = d->index_bytes + entries;

	if (d->index_bytes > TABLE_MASK || entries > TABLE_MASK || size > TABLE_MASK ||
	    d->slots > 0x8000)
		return -1;
	asm volatile("%0 &= %1" : "+r"(size) : "i"(TABLE_MASK));
	if (!size || bpf_probe_read_user(t->tok, size, (void *)(d->entries - d->index_bytes)))
		return -1;
	t->http.slots = d->slots;
	t->http.entries_at = d->index_bytes;
	t->http.key_off = d->key_off;
	return 0;
}

#define BIT(word) (1U << (word))

/* The keys that are asked for. */
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
	/* One with a split table is the __dict__ of some object. */
	if (!is_a(l, t->http.dict, FT_KIND_DICT, TPFLAGS_DICT) || dict_open(l, t->http.dict, &d) ||
	    d.values || !d.n)
		return 0;
	return !(p->flags & FT_PROC_HASHED) || read_table(t, &d) ||
	       ft_http_find(tid, wanted(t->http.role));
}

/* Item i of a list or a tuple, or 0. */
FT_INLINE u64 item(const struct ft_layout *l, u64 seq, u32 i)
{
	u64 n = 0, items;

	if (has_flag(l, seq, TPFLAGS_LIST))
		items = read_ptr(seq + l->list_items);
	else if (has_flag(l, seq, TPFLAGS_TUPLE))
		items = seq + l->tuple_items;
	else
		return 0;
	if (read_at(&n, 8, seq + 16) || i >= n)
		return 0;
	return read_ptr(items + 8 * (u64)i);
}

/* The name of an ASGI header: one of our words. */
FT_GLOBAL int ft_http_name(u64 bytes, u64 bytes_type)
{
	u64 head[HEAD_BYTES + 4] = {};

	if (!plausible(bytes) ||
	    !read_head(bytes, head, HEAD_BYTES + 4, HEAD_BYTES, bytes + 8 + 8 * HEAD_BYTES) ||
	    head[HEAD_TYPE] != bytes_type)
		return WORD_NONE;
	zero_behind(head + HEAD_BYTES, head[HEAD_SIZE]);
	return word_of(head + HEAD_BYTES, head[HEAD_SIZE]);
}

/* A header: a pair of name and value. */
FT_INLINE void take_header(const struct ft_layout *l, struct thread *t, u64 pair)
{
	u64 tuple = plausible(pair) && read_ptr(pair + 8) == l->type_addr[FT_KIND_TUPLE];
	u64 name = tuple ? read_ptr(pair + l->tuple_items) : item(l, pair, 0);
	u32 word = ft_http_name(name, l->type_addr[FT_KIND_BYTES]);

	if (word == WORD_X_REQUEST_ID)
		t->http.text[0] = item(l, pair, 1);
	else if (word == WORD_USER_AGENT)
		t->http.text[5] = item(l, pair, 1);
}

/* A list or a tuple of headers, read into the place of the tokens. */
FT_GLOBAL int ft_http_headers(u32 tid, u64 headers)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 n = 0, size, items;
	u32 i;

	if (!l || !plausible(headers) || read_at(&n, 8, headers + 16) || !n)
		return 0;
	if (has_flag(l, headers, TPFLAGS_LIST))
		items = read_ptr(headers + l->list_items);
	else if (has_flag(l, headers, TPFLAGS_TUPLE))
		items = headers + l->tuple_items;
	else
		return 0;
	size = 8 * (n < HEADERS ? n : HEADERS);
	asm volatile("%0 &= %1" : "+r"(size) : "i"(BLOCK_MASK));
	if (!size || read_at(t->tok, size, items))
		return 0;
	for (i = 0; i < HEADERS; i++) {
		if (i >= n)
			break;
		take_header(l, t, *(u64 *)(t->tok + 8 * i));
	}
	return 0;
}

FT_INLINE int take_environ(struct thread *t)
{
	u64 *v = t->http.value;

	if (!v[WORD_REQUEST_METHOD])
		return 0;
	t->http.text[0] = v[WORD_FLOWTRACE_ID] ?: v[WORD_HTTP_X_REQUEST_ID];
	t->http.text[1] = v[WORD_REQUEST_METHOD];
	t->http.text[2] = v[WORD_SCRIPT_NAME];
	t->http.text[3] = v[WORD_PATH_INFO];
	t->http.text[4] = v[WORD_REMOTE_ADDR];
	t->http.text[5] = v[WORD_HTTP_USER_AGENT];
	return 1;
}

FT_INLINE int take_scope(const struct ft_layout *l, struct thread *t, u32 tid)
{
	u64 *v = t->http.value;

	if (ft_http_word(v[WORD_TYPE], l->str_ascii_data) != WORD_HTTP)
		return 0;
	t->http.text[0] = 0;
	t->http.text[1] = v[WORD_METHOD];
	t->http.text[2] = v[WORD_ROOT_PATH];
	t->http.text[3] = v[WORD_PATH];
	t->http.text[4] = item(l, v[WORD_CLIENT], 0);
	t->http.text[5] = 0;
	ft_http_headers(tid, v[WORD_HEADERS]);
	return 1;
}

FT_GLOBAL int ft_http_take(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;

	if (!l)
		return 0;
	walk_begin(t);
	return t->http.role == HTTP_WSGI ? take_environ(t) : take_scope(l, t, tid);
}

/* ---- texts --------------------------------------------------------------------------------- */

#define MOST_PLAIN 511 /* bytes of a text that is copied at once */

/*
 * What is taken of each text: id, method, where it is mounted, path, address, agent. User space
 * keeps so many characters; a server of WSGI, and a header, have bytes, up to four for each.
 */
FT_INLINE s32 text_budget(u32 i, bool wsgi)
{
	switch (i) {
	case 0:
		return FT_HTTP_MOST_ID;
	case 1:
		return FT_HTTP_MOST_METHOD;
	case 3:
		return (wsgi ? 4 : 1) * FT_HTTP_MOST_PATH;
	case 4:
		return FT_HTTP_MOST_ADDRESS;
	case 5:
		return 4 * FT_HTTP_MOST_AGENT;
	}
	return FT_HTTP_MOST_PATH;
}

/* Puts the text of a head. */
FT_INLINE void put_head(struct thread *t, u64 *text, u64 n)
{
	u64 *to = (void *)tok_at(t, t->walk.used);

	zero_behind(text, n);
	to[0] = text[0];
	to[1] = text[1];
	to[2] = text[2];
	to[3] = text[3];
}

/* Puts n bytes of text. */
FT_INLINE int put_bytes(struct thread *t, u64 text, u64 n)
{
	*(u64 *)tok_at(t, t->walk.used + ((n - 1) & ~7ULL)) = 0;
	asm volatile("%0 &= 511" : "+r"(n));
	return n ? bpf_probe_read_user(tok_at(t, t->walk.used), n, (void *)text) : -1;
}

/* Puts a str of ASCII characters, or bytes, that is not long: most texts are. */
FT_INLINE bool put_plain(const struct ft_layout *l, struct thread *t, u64 obj)
{
	u64 head[HEAD_WORDS] = {}, n, data;
	bool str;

	/* Up to the end of a short text, unless there is less that can be read. */
	if (!plausible(obj) || bpf_probe_read_user(head, sizeof(head), (void *)(obj + 8)))
		return false;
	str = head[HEAD_TYPE] == l->type_addr[FT_KIND_STR];
	if (str ? !is_ascii(head[HEAD_STATE]) : head[HEAD_TYPE] != l->type_addr[FT_KIND_BYTES])
		return false;
	n = head[HEAD_SIZE];
	data = str ? l->str_ascii_data : l->bytes_data;
	if (n > MOST_PLAIN || (s64)n > t->walk.budget)
		return false;
	tok_head(t, str ? FT_T_STR : FT_T_BYTES, 1, 0, n);
	if (n <= LONGEST && data == 48)
		put_head(t, head + 5, n);
	else if (n <= LONGEST && data == 40)
		put_head(t, head + 4, n);
	else if (n <= LONGEST && data == 32)
		put_head(t, head + 3, n);
	else if (put_bytes(t, obj + data, n)) {
		t->walk.used -= 8;
		return false;
	}
	t->walk.used += (n + 7) & ~7ULL;
	return true;
}

/* From text i on, up to one that is to be walked; HTTP_TEXTS: none is left. */
FT_GLOBAL u32 ft_http_texts(u32 tid, u32 i)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 obj;
	u32 n;

	for (n = 0; l && n < HTTP_TEXTS && i < HTTP_TEXTS; n++, i++) {
		obj = t->http.text[i & 7];
		t->walk.budget = text_budget(i, t->http.role == HTTP_WSGI);
		if (!obj) {
			tok_0(t, FT_T_NONE);
		} else if (!put_plain(l, t, obj)) {
			t->walk.redact = 0;
			t->walk.depth = 0;
			t->roots[0] =
				has_flag(l, obj, TPFLAGS_STR | TPFLAGS_BYTES) ? obj : l->none_addr;
			walk_push(t, LEVEL_ROOTS, 0, 1);
			return i;
		}
	}
	return HTTP_TEXTS;
}

/* ---- messages ------------------------------------------------------------------------------ */

/* An int of one digit, or of a class of ints. */
FT_INLINE u32 small_int(const struct ft_layout *l, u64 obj)
{
	return has_flag(l, obj, TPFLAGS_LONG) ? read_u32(obj + l->int_digits) : 0;
}

FT_GLOBAL int ft_http_message(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct http_request *r = l ? request_find(t->pid, t->http.number) : 0;
	u32 word;

	if (!r)
		return 0;
	word = ft_http_word(t->http.value[WORD_TYPE], l->str_ascii_data);
	if (word == WORD_START)
		r->status = small_int(l, t->http.value[WORD_STATUS]);
	if (word == WORD_PATHSEND)
		return 1;
	return (word == WORD_BODY || word == WORD_ZEROCOPY) &&
	       t->http.value[WORD_MORE_BODY] != l->true_addr;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
