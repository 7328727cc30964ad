/* SPDX-License-Identifier: MIT */
#include "read/parse.h"
#include "read/scan.h"

#define FIELD(name, kind, member)                                                                  \
	{                                                                                          \
		name, sizeof(name) - 1, TRACE_FIELD_##kind, offsetof(struct trace_event, member)   \
	}

const struct trace_field trace_fields[] = {FIELD("timestamp", U64, timestamp_us),
					   FIELD("event", EVENT, event),
					   FIELD("thread", TEXT, thread),
					   FIELD("module", TEXT, module),
					   FIELD("function", TEXT, function),
					   FIELD("args", VALUE, args),
					   FIELD("result", VALUE, result),
					   FIELD("exception", EXCEPTION, exc_type),
					   FIELD("durationMicros", U64, duration_us),
					   FIELD("durationMillis", UNUSED, kind),
					   FIELD("class", TEXT, class_name),
					   FIELD("method", TEXT, method),
					   FIELD("file", TEXT, file),
					   FIELD("line", U32, line),
					   FIELD("pid", U32, pid),
					   FIELD("tid", U32, tid),
					   FIELD("span", U64, span),
					   FIELD("parent", U64, parent),
					   FIELD("request_id", TEXT, request_id),
					   FIELD("truncatedFields", RAW, truncated),
					   FIELD("fullLogFile", TEXT, full_log_file),
					   FIELD("lost", FLAG, lost),
					   FIELD("path", TEXT, path),
					   FIELD("status_code", U32, status_code),
					   FIELD("remote_addr", TEXT, remote_addr),
					   FIELD("user_agent", TEXT, user_agent),
					   FIELD("count", U64, count),
					   FIELD("reason", TEXT, reason),
					   FIELD("state", TEXT, state),
					   FIELD("rule", TEXT, rule),
					   FIELD("stack", RAW, stack),
#define X(kind, event, timed, option, variable, help, numbers) numbers
#define N(name) FIELD(#name, U64, name),
					   FT_RUNTIME_EVENTS(X, N)
#undef N
#undef X
};

#define FIELD_COUNT (sizeof(trace_fields) / sizeof(trace_fields[0]))
#define LONGEST_NAME 15

const size_t trace_field_count = FIELD_COUNT;
_Static_assert(FIELD_COUNT <= 64, "present has a bit for each");

const char *const trace_kind_names[TRACE_KINDS] = {[TRACE_OTHER] = "other",
						   [TRACE_ENTER] = "ENTER",
						   [TRACE_EXIT] = "EXIT",
						   [TRACE_EXCEPTION] = "EXCEPTION",
						   [TRACE_HTTP_REQUEST] = "HTTP_REQUEST",
						   [TRACE_HTTP_RESPONSE] = "HTTP_RESPONSE",
						   [TRACE_LOST] = "LOST",
						   [TRACE_STATE] = "STATE",
						   [TRACE_SAMPLED] = "SAMPLED",
#define X(kind, event, ...) [TRACE_RUNTIME + FT_RUNTIME_##kind] = event,
						   FT_RUNTIME_EVENTS(X, FT_NO_NUMBER)
#undef X
};

const struct trace_field *trace_field_named(const char *name, size_t len)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (trace_fields[i].len == len && !memcmp(trace_fields[i].name, name, len))
			return &trace_fields[i];
	return NULL;
}

bool trace_number(const struct trace_event *e, const char *name, uint64_t *ret_number)
{
	const struct trace_field *f = trace_field_named(name, strlen(name));

	if (!f || f->kind != TRACE_FIELD_U64 || !(e->present >> (f - trace_fields) & 1))
		return false;
	*ret_number = *(const uint64_t *)((const char *)e + f->at);
	return true;
}

struct parser {
	struct scan s;
	struct trace_event *e;
	const char *wrong, *wrong_field; /* the first field of a wrong type */
	size_t wrong_at, next;		 /* next: the row that probably comes now */
	bool timestamp;
};

/* The row of this name: from the probable one on, once around. NULL: unknown. */
static const struct trace_field *find_row(struct parser *p, const char *name, size_t len)
{
	size_t i = p->next;

	for (size_t n = 0; n < FIELD_COUNT; n++) {
		const struct trace_field *f = &trace_fields[i];

		i = i + 1 < FIELD_COUNT ? i + 1 : 0;
		if (f->len == len && !memcmp(f->name, name, len)) {
			p->next = i;
			return f;
		}
	}
	return NULL;
}

static const struct trace_field *find_field(struct parser *p, const struct trace_text *key)
{
	struct buf plain = {0};
	const struct trace_field *f;

	if (!key->escaped)
		return find_row(p, key->s, key->len);
	if (key->len > 6 * LONGEST_NAME)
		return NULL;
	trace_text_put(&plain, key);
	f = find_row(p, plain.s, plain.len);
	buf_release(&plain);
	return f;
}

static enum trace_kind kind_of(const struct trace_text *name)
{
	for (int kind = TRACE_OTHER + 1; kind < TRACE_KINDS; kind++)
		if (trace_text_is(name, trace_kind_names[kind], strlen(trace_kind_names[kind])))
			return kind;
	return TRACE_OTHER;
}

/* Of the wrong type, but JSON; the line is read to its end all the same. */
static bool wrong_type(struct parser *p, const struct trace_field *f, const char *what)
{
	if (!p->wrong) {
		p->wrong = what;
		p->wrong_field = f->name;
		p->wrong_at = (size_t)(p->s.p - p->e->whole.s);
	}
	return scan_value(&p->s, 1);
}

/* The value as it is. */
static bool take_raw(struct parser *p, struct trace_text *ret_text)
{
	const char *start = p->s.p;

	if (!scan_value(&p->s, 1))
		return false;
	*ret_text = (struct trace_text){start, (uint32_t)(p->s.p - start), false};
	return true;
}

static bool take_text(struct parser *p, const struct trace_field *f, struct trace_text *ret_text)
{
	if (*p->s.p != '"')
		return wrong_type(p, f, "is not text");
	p->s.p++;
	return scan_string(&p->s, ret_text);
}

static bool take_number(struct parser *p, const struct trace_field *f, uint64_t max,
			uint64_t *ret_n)
{
	const char *start = p->s.p;

	if (scan_whole(&p->s, ret_n)) {
		p->timestamp |= f == trace_fields;
		if (*ret_n <= max)
			return true;
		p->s.what = "is too large";
	}
	p->s.p = start;
	return wrong_type(p, f, p->s.what);
}

static bool take_u32(struct parser *p, const struct trace_field *f, uint32_t *ret_n)
{
	uint64_t n = 0;
	bool ok = take_number(p, f, UINT32_MAX, &n);

	*ret_n = (uint32_t)n;
	return ok;
}

static bool take_flag(struct parser *p, const struct trace_field *f, bool *ret_flag)
{
	if (*p->s.p != 't' && *p->s.p != 'f')
		return wrong_type(p, f, "is neither true nor false");
	*ret_flag = *p->s.p == 't';
	return scan_value(&p->s, 1);
}

/* Up to the value. */
static inline bool take_key(struct parser *p, struct trace_text *ret_key)
{
	if (!scan_take(&p->s, '"'))
		return scan_fail(&p->s, "a key is missing");
	if (!scan_string(&p->s, ret_key))
		return false;
	if (!scan_take(&p->s, ':'))
		return scan_fail(&p->s, "a colon is missing");
	scan_spaces(&p->s);
	return true;
}

/* One member of the exception object: its value goes where its key says. */
static bool take_exception_member(struct parser *p, const struct trace_field *f)
{
	struct trace_text key, *to = NULL;

	if (!take_key(p, &key))
		return false;
	if (trace_text_is(&key, "type", 4))
		to = &p->e->exc_type;
	else if (trace_text_is(&key, "message", 7))
		to = &p->e->exc_message;
	if (!to)
		return scan_value(&p->s, 2);
	*to = (struct trace_text){0};
	if (p->s.p < p->s.end && *p->s.p == 'n')
		return scan_value(&p->s, 2);
	if (p->s.p == p->s.end || *p->s.p != '"')
		return wrong_type(p, f, "has a type or message that is not text");
	p->s.p++;
	return scan_string(&p->s, to);
}

static bool take_exception(struct parser *p, const struct trace_field *f)
{
	p->e->has_exception = true;
	p->e->exc_type = p->e->exc_message = (struct trace_text){0};
	if (*p->s.p == '"')
		return take_text(p, f, &p->e->exc_message);
	if (*p->s.p != '{')
		return wrong_type(p, f, "is not an object");
	p->s.p++;
	if (scan_take(&p->s, '}'))
		return true;
	do
		if (!take_exception_member(p, f))
			return false;
	while (scan_take(&p->s, ','));
	return scan_take(&p->s, '}') || scan_fail(&p->s, "an object does not end");
}

/* null: as if the field were not there, nor one of that name before. */
static bool take_null(struct parser *p, const struct trace_field *f, void *field)
{
	switch (f->kind) {
	case TRACE_FIELD_TEXT:
	case TRACE_FIELD_VALUE:
	case TRACE_FIELD_RAW:
	case TRACE_FIELD_EVENT:
		*(struct trace_text *)field = (struct trace_text){0};
		break;
	case TRACE_FIELD_U64:
		*(uint64_t *)field = 0;
		p->timestamp &= f != trace_fields;
		break;
	case TRACE_FIELD_U32:
		*(uint32_t *)field = 0;
		break;
	case TRACE_FIELD_FLAG:
		*(bool *)field = false;
		break;
	case TRACE_FIELD_EXCEPTION:
		p->e->has_exception = false;
		p->e->exc_type = p->e->exc_message = (struct trace_text){0};
		break;
	case TRACE_FIELD_UNUSED:
		break;
	}
	return scan_word(&p->s, "null", 4);
}

/* At the first byte of the value. */
static bool take_field(struct parser *p, const struct trace_field *f)
{
	void *field = (char *)p->e + f->at;
	uint64_t bit = 1ull << (f - trace_fields);

	if (p->s.p == p->s.end)
		return scan_value(&p->s, 1);
	p->e->present |= bit;
	if (*p->s.p == 'n') {
		p->e->present &= ~bit;
		return take_null(p, f, field);
	}
	switch (f->kind) {
	case TRACE_FIELD_VALUE:
		if (*p->s.p != '"')
			return take_raw(p, field);
		/* fallthrough */
	case TRACE_FIELD_TEXT:
	case TRACE_FIELD_EVENT:
		return take_text(p, f, field);
	case TRACE_FIELD_RAW:
		return take_raw(p, field);
	case TRACE_FIELD_U64:
		return take_number(p, f, INT64_MAX, field);
	case TRACE_FIELD_U32:
		return take_u32(p, f, field);
	case TRACE_FIELD_FLAG:
		return take_flag(p, f, field);
	case TRACE_FIELD_EXCEPTION:
		return take_exception(p, f);
	case TRACE_FIELD_UNUSED:
		break;
	}
	return scan_value(&p->s, 1);
}

/* After the brace. */
static bool take_object(struct parser *p)
{
	struct trace_text key;

	if (scan_take(&p->s, '}'))
		return true;
	do {
		const struct trace_field *f;

		if (!take_key(p, &key))
			return false;
		f = find_field(p, &key);
		if (f ? !take_field(p, f) : !scan_value(&p->s, 1))
			return false;
	} while (scan_take(&p->s, ','));
	return scan_take(&p->s, '}') || scan_fail(&p->s, "an object does not end");
}

static bool take_line(struct parser *p, bool *ret_object)
{
	*ret_object = *p->s.p == '{';
	if (*ret_object) {
		p->s.p++;
		if (!take_object(p))
			return false;
	} else if (!scan_value(&p->s, 0)) {
		return false;
	}
	scan_spaces(&p->s);
	return p->s.p == p->s.end || scan_fail(&p->s, "unexpected text after the value");
}

/* Is it an event, or only JSON? */
static enum trace_verdict judge(struct parser *p, bool object, struct trace_fault *ret_fault)
{
	struct trace_event *e = p->e;

	*ret_fault = (struct trace_fault){.at = p->wrong_at};
	if (!object || !e->event.s) {
		ret_fault->what = object ? "it has no \"event\"" : "it is not an object";
		return TRACE_IS_JSON;
	}
	if (p->wrong) {
		ret_fault->what = p->wrong;
		ret_fault->field = p->wrong_field;
		return TRACE_IS_BAD;
	}
	e->kind = kind_of(&e->event);
	if (e->kind != TRACE_OTHER && !p->timestamp) {
		ret_fault->what = "it has no \"timestamp\"";
		return TRACE_IS_BAD;
	}
	if (e->kind >= TRACE_ENTER && e->kind <= TRACE_EXCEPTION && !trace_function(e)->s) {
		ret_fault->what = "it has no \"function\"";
		return TRACE_IS_BAD;
	}
	return TRACE_IS_EVENT;
}

enum trace_verdict trace_parse(const char *line, size_t len, struct trace_event *e,
			       struct trace_fault *ret_fault)
{
	struct parser p = {.s = {.p = line, .end = line + len}, .e = e};
	bool object;

	memset(e, 0, sizeof(*e));
	e->whole = (struct trace_text){line, (uint32_t)len, false};
	scan_spaces(&p.s);
	if (p.s.p == p.s.end)
		return TRACE_IS_BLANK;
	if (!take_line(&p, &object)) {
		*ret_fault = (struct trace_fault){p.s.what, NULL, (size_t)(p.s.p - line)};
		return TRACE_IS_NOTHING;
	}
	return judge(&p, object, ret_fault);
}
