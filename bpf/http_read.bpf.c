/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reads from a dict's values what is recorded of a request. */
#include "http_link.bpf.h"
#include "http_read.bpf.h"
#include "http_words.bpf.h"

#define HEADERS 64
#define HEADERS_MASK 1023
#define SLOTS 3 /* words of an object in which its list may be */

/* ---- values ---------------------------------------------------------------------------------- */

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
	if (read_at(&n, 8, seq + l->var_size) || i >= n)
		return 0;
	return read_ptr(items + 8 * (u64)i);
}

/* The first item of a pair that is a tuple, as the headers of most servers are; else 0. */
FT_INLINE u64 first_of(u64 pair, u64 tuple_type, u32 items, u32 object_type)
{
	return plausible(pair) && read_ptr(pair + object_type) == tuple_type
		       ? read_ptr(pair + items)
		       : 0;
}

/* The number of the text that an ASGI header of this name has; HTTP_TEXTS: none. */
FT_INLINE u32 text_of(u32 word)
{
	return word == WORD_X_REQUEST_ID ? 0 : word == WORD_USER_AGENT ? 5 : HTTP_TEXTS;
}

/* The same for the header itself. items: offset of its name if the pair is a tuple; object_type: of
 * struct ft_layout. */
FT_GLOBAL int ft_http_name(u64 pair, u64 tuple_type, u32 items, u64 bytes_type, u32 object_type)
{
	u64 head[HEAD_BYTES + 4] = {}, at;
	u64 bytes = first_of(pair, tuple_type, items, object_type);
	const struct ft_layout *l;

	if (!bytes) {
		l = my_layout();
		bytes = l ? item(l, pair, (items - l->tuple_items) / 8) : 0;
	}
	at = bytes + object_type;
	if (!plausible(bytes) ||
	    !read_head(at, head, HEAD_BYTES + 4, HEAD_BYTES, at + 8 * HEAD_BYTES) ||
	    head[HEAD_TYPE] != bytes_type)
		return HTTP_TEXTS;
	zero_behind(head + HEAD_BYTES, head[HEAD_SIZE]);
	return text_of(word_of(head + HEAD_BYTES, head[HEAD_SIZE]));
}

FT_GLOBAL u64 ft_http_part(u64 pair, u32 i)
{
	const struct ft_layout *l = my_layout();

	return l ? item(l, pair, i) : 0;
}

/* Headers may be an object around a list or a tuple (h11's Headers). */
FT_GLOBAL u64 ft_http_sequence(u64 headers)
{
	const struct ft_layout *l = my_layout();
	u64 inner = headers;
	u32 i;

	for (i = 0; l && i <= SLOTS; i++) {
		if (has_flag(l, inner, TPFLAGS_LIST | TPFLAGS_TUPLE))
			return inner;
		inner = read_ptr(headers + l->object_size + 8 * (u64)i);
	}
	return 0;
}

/* The index of the name in a header; the value follows it. h11 puts the name as received first. */
FT_INLINE u32 name_at(const struct ft_layout *l, u64 pair)
{
	u64 n = 0;

	return !read_at(&n, 8, pair + l->var_size) && n == 3;
}

/* Reads the headers, by way of the token buffer. */
FT_GLOBAL int ft_http_headers(u32 tid, u64 headers)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 n = 0, size, items, pair, tuple;
	u32 i, text, name;

	if (!l || !plausible(headers))
		return 0;
	headers = ft_http_sequence(headers);
	if (!headers || read_at(&n, 8, headers + l->var_size) || !n)
		return 0;
	if (has_flag(l, headers, TPFLAGS_LIST))
		items = read_ptr(headers + l->list_items);
	else if (has_flag(l, headers, TPFLAGS_TUPLE))
		items = headers + l->tuple_items;
	else
		return 0;
	size = 8 * (n < HEADERS ? n : HEADERS);
	FT_MASK(size, HEADERS_MASK);
	if (!size || read_at(t->tok, size, items))
		return 0;
	tuple = l->type_addr[FT_KIND_TUPLE];
	name = name_at(l, *(u64 *)t->tok);
	for (i = 0; i < HEADERS; i++) {
		if (i >= n)
			break;
		pair = *(u64 *)(t->tok + 8 * i);
		text = ft_http_name(pair, tuple, l->tuple_items + 8 * name,
				    l->type_addr[FT_KIND_BYTES], l->object_type);
		if (text < HTTP_TEXTS)
			t->http.text[text] = ft_http_part(pair, name + 1);
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

	if (ft_http_word(v[WORD_TYPE], str_places(l)) != WORD_HTTP)
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
	const struct ft_proc *p = t ? my_proc() : 0;
	const struct ft_layout *l = p ? &p->layout : 0;

	if (!l)
		return 0;
	walk_begin(t, policy_of(p->policy));
	return t->http.role == HTTP_WSGI ? take_environ(t) : take_scope(l, t, tid);
}

/* ---- texts ----------------------------------------------------------------------------------- */

/*
 * The budget of each text: id, method, mount point, path, address, agent. User space keeps
 * FT_HTTP_MOST_* characters; WSGI servers and headers have bytes, up to four for each character.
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

/* Writes texts from number i on, up to one that needs a walk; HTTP_TEXTS: none is left. */
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
		} else if (!put_short(l, t, obj)) {
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

/* ---- messages -------------------------------------------------------------------------------- */

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
	word = ft_http_word(t->http.value[WORD_TYPE], str_places(l));
	if (word == WORD_START && (!r->status || r->unsure)) {
		r->status = small_int(l, t->http.value[WORD_STATUS]);
		/* A server may hold the status back until there is some of the body (ASGI); uvicorn
		 * does not. */
		r->unsure = 1;
	}
	if (word == WORD_PATHSEND)
		return CALL_REQUEST;
	if (word != WORD_BODY && word != WORD_ZEROCOPY)
		return 0;
	if (t->http.value[WORD_MORE_BODY] != l->true_addr)
		return CALL_REQUEST;
	return r->unsure ? CALL_PART : 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
