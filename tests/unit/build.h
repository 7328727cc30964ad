/* SPDX-License-Identifier: MIT */
/*
 * Builds records of ft_abi.h in memory, for tests: begin one, add tokens, end it.
 */
#ifndef FT_TEST_BUILD_H
#define FT_TEST_BUILD_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ft_abi.h"

struct build {
	struct buf bytes;
	size_t start; /* of the record in work */
};

static inline struct ft_rec *build_rec(struct build *b)
{
	return (struct ft_rec *)(b->bytes.s + b->start);
}

static inline void *build_begin(struct build *b, unsigned type, size_t fixed, unsigned pid,
				unsigned tid, unsigned long long ts)
{
	struct ft_rec *rec;

	b->start = b->bytes.len;
	rec = (struct ft_rec *)buf_room(&b->bytes, fixed);
	if (!rec)
		abort();
	memset(rec, 0, fixed);
	b->bytes.len += fixed;
	*rec = (struct ft_rec){.type = type, .pid = pid, .tid = tid, .ts_ns = ts};
	return rec;
}

/* Sets the size; every token is padded already. */
static inline struct ft_rec *build_end(struct build *b)
{
	build_rec(b)->size = b->bytes.len - b->start;
	return build_rec(b);
}

/* ---- tokens ------------------------------------------------------------------- */

static inline void tok(struct build *b, unsigned kind, unsigned width, unsigned aux,
		       const void *data, size_t len)
{
	struct ft_token t = {.kind = kind, .width = width, .aux = aux, .len = len};

	buf_add(&b->bytes, (char *)&t, sizeof(t));
	buf_add(&b->bytes, data, len);
	buf_add(&b->bytes, "\0\0\0\0\0\0\0", -len & 7);
}

static inline void t_mark(struct build *b, unsigned kind)
{
	tok(b, kind, 0, 0, "", 0);
}

static inline void t_int(struct build *b, long long v)
{
	tok(b, FT_T_INT, 0, 0, &v, sizeof(v));
}

static inline void t_float(struct build *b, double v)
{
	tok(b, FT_T_FLOAT, 0, 0, &v, sizeof(v));
}

static inline void t_str(struct build *b, const char *s)
{
	tok(b, FT_T_STR, 1, 0, s, strlen(s));
}

/* A text of which only s was recorded. */
static inline void t_cut_text(struct build *b, unsigned kind, const char *s,
			      unsigned long long full)
{
	char data[512];
	size_t len = strlen(s);

	memcpy(data, &full, sizeof(full));
	memcpy(data + sizeof(full), s, len);
	tok(b, kind, 1, FT_TOK_CUT, data, sizeof(full) + len);
}

static inline void t_bytes(struct build *b, const char *s, size_t len)
{
	tok(b, FT_T_BYTES, 0, 0, s, len);
}

static inline void t_open(struct build *b, unsigned kind, unsigned long long items)
{
	tok(b, kind, 0, 0, &items, sizeof(items));
}

static inline void t_end(struct build *b)
{
	t_mark(b, FT_T_END);
}

static inline void t_pair(struct build *b, unsigned kind, unsigned long long type,
			  unsigned long long address)
{
	unsigned long long both[] = {type, address};

	tok(b, kind, 0, 0, both, sizeof(both));
}

static inline void t_name(struct build *b, const char *s)
{
	if (s)
		t_str(b, s);
	else
		t_mark(b, FT_T_NONE);
}

/* ---- whole records ------------------------------------------------------------ */

static inline struct ft_rec *build_session(struct build *b)
{
	struct ft_rec_session *r = build_begin(b, FT_REC_SESSION, sizeof(*r), 0, 0, 1000000000ull);

	r->abi_version = FT_ABI_VERSION;
	r->max_arg_length = 1000;
	r->max_depth = 6;
	r->max_items = 64;
	r->realtime_ns = 1700000000000000000ull;
	r->capture = FT_CAPTURE_ARGS | FT_CAPTURE_RESULT;
	return build_end(b);
}

/* params: names separated by blanks. */
static inline struct ft_rec *build_code(struct build *b, unsigned pid, unsigned long long code,
					unsigned flags, const char *module, const char *qualname,
					const char *params)
{
	struct ft_rec_code *r = build_begin(b, FT_REC_CODE, sizeof(*r), pid, pid, 1000);
	const char *dot = strrchr(qualname, '.');
	char name[256];

	r->code = code;
	r->first_line = 10;
	r->co_flags = flags;
	t_str(b, "/srv/app.py");
	t_str(b, dot ? dot + 1 : qualname);
	t_str(b, qualname);
	t_name(b, module);
	t_open(b, FT_T_TUPLE, 0);
	while (*params) {
		size_t n = strcspn(params, " ");

		snprintf(name, sizeof(name), "%.*s", (int)n, params);
		t_str(b, name);
		params += n + (params[n] == ' ');
	}
	t_end(b);
	return build_end(b);
}

static inline struct ft_rec *build_type(struct build *b, unsigned pid, unsigned long long type,
					unsigned kind, const char *tp_name, const char *qualname,
					const char *module)
{
	struct ft_rec_pytype *r = build_begin(b, FT_REC_TYPE, sizeof(*r), pid, pid, 1000);

	r->type = type;
	r->kind = kind;
	t_str(b, tp_name);
	t_name(b, qualname);
	t_name(b, module);
	return build_end(b);
}

static inline struct ft_rec *build_thread(struct build *b, unsigned pid, unsigned tid,
					  const char *name)
{
	build_begin(b, FT_REC_THREAD, sizeof(struct ft_rec_thread), pid, tid, 1000);
	t_str(b, name);
	return build_end(b);
}

/* container, uid, namespace, pod, name, node; NULL: not known. As recordings had it at first. */
static inline struct ft_rec *build_workload(struct build *b, unsigned pid,
					    const char *const text[6])
{
	build_begin(b, FT_REC_WORKLOAD, sizeof(struct ft_rec_workload), pid, pid, 1000);
	for (int i = 0; i < 6; i++)
		t_name(b, text[i]);
	return build_end(b);
}

/* The same, then owner's kind and name, service, "pending". */
static inline struct ft_rec *build_whole_workload(struct build *b, unsigned pid,
						  const char *const text[10])
{
	build_begin(b, FT_REC_WORKLOAD, sizeof(struct ft_rec_workload), pid, pid, 1000);
	for (int i = 0; i < 10; i++)
		t_name(b, text[i]);
	return build_end(b);
}

static inline void begin_enter(struct build *b, unsigned pid, unsigned tid, unsigned long long ts,
			       unsigned long long code, unsigned long long parent_ns)
{
	struct ft_rec_enter *r = build_begin(b, FT_REC_ENTER, sizeof(*r), pid, tid, ts);

	r->code = code;
	r->parent_ns = parent_ns;
	r->parent_tid = parent_ns ? tid : 0;
}

static inline void begin_exit(struct build *b, unsigned pid, unsigned tid, unsigned long long ts,
			      unsigned long long code, unsigned long long start_ns, unsigned how)
{
	struct ft_rec_exit *r = build_begin(b, FT_REC_EXIT, sizeof(*r), pid, tid, ts);

	r->code = code;
	r->start_ns = start_ns;
	r->start_tid = tid;
	r->how = how;
}

/* Ends in an open EXC token of this type: arguments, t_end() and build_end() follow. */
static inline void begin_raise(struct build *b, unsigned pid, unsigned tid, unsigned long long ts,
			       unsigned long long code, unsigned long long start_ns,
			       unsigned long long type)
{
	struct ft_rec_raise *r = build_begin(b, FT_REC_RAISE, sizeof(*r), pid, tid, ts);

	r->code = code;
	r->start_ns = start_ns;
	r->start_tid = tid;
	r->exc = 0x5000;
	t_pair(b, FT_T_EXC, type, 0x5000);
}

/* One text for each token; NULL: NONE. */
static inline struct ft_rec *build_request(struct build *b, unsigned pid, unsigned tid,
					   unsigned long long ts, unsigned long long request,
					   const char *const text[5])
{
	struct ft_rec_http_request *r =
		build_begin(b, FT_REC_HTTP_REQUEST, sizeof(*r), pid, tid, ts);

	r->request = request;
	for (int i = 0; i < 5; i++)
		t_name(b, text[i]);
	return build_end(b);
}

static inline struct ft_rec *build_response(struct build *b, unsigned pid, unsigned tid,
					    unsigned long long ts, unsigned long long request,
					    unsigned status, bool kept)
{
	struct ft_rec_http_response *r =
		build_begin(b, FT_REC_HTTP_RESPONSE, sizeof(*r), pid, tid, ts);

	r->request = request;
	r->status = status;
	r->hdr.flags = kept ? FT_HTTP_KEPT : 0;
	return build_end(b);
}

/* Between begin_enter() and its values: the request that the call is made for. */
static inline void for_request(struct build *b, unsigned long long request)
{
	build_rec(b)->flags |= FT_ENTER_REQUEST;
	buf_add(&b->bytes, (const char *)&request, sizeof(request));
}

static inline struct ft_rec *build_runtime(struct build *b, unsigned pid, unsigned tid,
					   unsigned long long ts, unsigned kind,
					   unsigned long long start_ns,
					   unsigned long long parent_ns, unsigned long long first,
					   unsigned long long second)
{
	struct ft_rec_runtime *r = build_begin(b, FT_REC_RUNTIME, sizeof(*r), pid, tid, ts);

	r->kind = kind;
	r->start_ns = start_ns;
	r->parent_ns = parent_ns;
	r->parent_tid = parent_ns ? tid : 0;
	r->value[0] = first;
	r->value[1] = second;
	return build_end(b);
}

static inline struct ft_rec *build_lost(struct build *b, unsigned pid, unsigned tid,
					unsigned long long ts, unsigned count, unsigned reason)
{
	struct ft_rec_lost *r = build_begin(b, FT_REC_LOST, sizeof(*r), pid, tid, ts);

	r->first_ns = ts - 10;
	r->last_ns = ts;
	r->count = count;
	r->reason = reason;
	return build_end(b);
}

static inline struct ft_rec *build_state(struct build *b, unsigned long long ts, unsigned state,
					 unsigned reason)
{
	struct ft_rec_state *r = build_begin(b, FT_REC_STATE, sizeof(*r), 0, 0, ts);

	r->state = state;
	r->reason = reason;
	return build_end(b);
}

static inline struct ft_rec *build_sampled(struct build *b, unsigned long long ts,
					   unsigned long long count, unsigned rule)
{
	struct ft_rec_sampled *r = build_begin(b, FT_REC_SAMPLED, sizeof(*r), 0, 0, ts);

	r->count = count;
	r->rule = rule;
	return build_end(b);
}

static inline struct ft_rec *build_proc(struct build *b, unsigned type, unsigned pid, unsigned tid,
					unsigned long long ts, unsigned other)
{
	struct ft_rec_proc *r = build_begin(b, type, sizeof(*r), pid, tid, ts);

	r->other = other;
	return build_end(b);
}

#endif
