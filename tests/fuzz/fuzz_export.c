/* SPDX-License-Identifier: MIT */
/*
 * The name of a trace (the first line) and its lines (the rest), in every format of flowctl
 * export: the output is what the format wants, and each call that ended is in it.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "checked.h"
#include "export/export.h"
#include "fuzz.h"
#include "calls/durations.h"

struct output {
	char *s; /* owned */
	size_t len;
	struct export_notes notes;
};

struct converter {
	const struct export_format *format;
	void *state;
	struct why w;
};

static void add(void *arg, struct trace_event *e)
{
	struct converter *c = arg;

	must(c->format->add(c->state, e, &c->w));
}

static void take_output(struct output *o, int fd)
{
	o->len = (size_t)lseek(fd, 0, SEEK_END);
	o->s = malloc(o->len + 1);
	if (!o->s || pread(fd, o->s, o->len, 0) != (ssize_t)o->len)
		abort();
	close(fd);
}

static struct output convert(const struct export_format *format, const char *title, const char *s,
			     const char *end)
{
	struct converter c = {.format = format};
	struct export_to to = {.fd = memfd_create("output", MFD_CLOEXEC), .name = "output"};
	struct output o = {0};

	must(format->start(&to, title, &c.state, &c.w));
	each_event(s, end, add, &c);
	must(format->finish(c.state, &o.notes, &c.w));
	format->stop(c.state);
	buf_release(&to.b);
	take_output(&o, to.fd);
	return o;
}

/* ---- chrome ------------------------------------------------------------------------------- */

struct piece {
	int64_t pid, tid;
	uint64_t start_ns, end_ns;
};

/* "12.003": json-c keeps the text, of which a double would lose the end. */
static uint64_t ns_of(struct json_object *us)
{
	const char *s = json_object_get_string(us);
	char *end;
	uint64_t ns = strtoull(s, &end, 10) * 1000;

	if (*end == '.' && strlen(end) != 4)
		abort();
	return *end == '.' ? ns + strtoull(end + 1, NULL, 10) : ns;
}

static int by_start(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

/* What is on one thread is one in the other, or one after the other; no moment is in it twice. */
static void check_nesting(struct piece *piece, size_t count)
{
	struct piece *stack[4096];
	size_t depth = 0;

	qsort(piece, count, sizeof(*piece), by_start);
	for (size_t i = 0; i < count && depth < 4096; i++) {
		struct piece *p = &piece[i];

		if (i && (p->pid != p[-1].pid || p->tid != p[-1].tid))
			depth = 0;
		while (depth && stack[depth - 1]->end_ns < p->start_ns)
			depth--;
		if (p->end_ns <= p->start_ns ||
		    (depth && (p->start_ns == stack[depth - 1]->start_ns ||
			       p->end_ns >= stack[depth - 1]->end_ns)))
			abort();
		stack[depth++] = p;
	}
}

static void check_chrome(const struct output *o)
{
	struct json_object *all = must_be_json(o->s, o->len), *events = member(all, "traceEvents");
	size_t n = json_object_array_length(events), pieces = 0;
	struct piece *piece = calloc(n + 1, sizeof(*piece));
	int asides = 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *e = element(events, i);
		const char *phase = json_object_get_string(member(e, "ph"));
		uint64_t ns = ns_of(member(e, "ts"));

		member(e, "name");
		if (*phase == 'b' || *phase == 'e') {
			const char *category = json_object_get_string(member(e, "cat"));

			member(e, "id");
			asides += strcmp(category, "aside") ? 0 : *phase == 'b' ? 1 : -1;
		}
		if (*phase == 'X')
			piece[pieces++] = (struct piece){
				json_object_get_int64(member(e, "pid")),
				json_object_get_int64(member(e, "tid")),
				ns,
				ns + ns_of(member(e, "dur")),
			};
	}
	must(asides);
	check_nesting(piece, pieces);
	free(piece);
	json_object_put(all);
}

/* ---- speedscope --------------------------------------------------------------------------- */

static void check_profile(struct json_object *profile, size_t frames)
{
	struct json_object *events = member(profile, "events");
	int64_t at = json_object_get_int64(member(profile, "startValue"));
	size_t n = json_object_array_length(events), depth = 0;
	uint64_t *stack = calloc(n + 1, sizeof(*stack));

	for (size_t i = 0; i < n; i++) {
		struct json_object *e = element(events, i);
		const char *type = json_object_get_string(member(e, "type"));
		uint64_t frame = json_object_get_uint64(member(e, "frame"));
		int64_t now = json_object_get_int64(member(e, "at"));

		if (now < at || frame >= frames)
			abort();
		at = now;
		if (*type == 'O')
			stack[depth++] = frame;
		else if (*type != 'C' || !depth || stack[--depth] != frame)
			abort();
	}
	if (depth || at > json_object_get_int64(member(profile, "endValue")))
		abort();
	free(stack);
}

static void check_speedscope(const struct output *o)
{
	struct json_object *all = must_be_json(o->s, o->len), *profiles = member(all, "profiles");
	struct json_object *frames = member(member(all, "shared"), "frames");

	for (size_t i = 0; i < json_object_array_length(frames); i++)
		member(element(frames, i), "name");
	for (size_t i = 0; i < json_object_array_length(profiles); i++)
		check_profile(element(profiles, i), json_object_array_length(frames));
	json_object_put(all);
}

/* ---- folded ------------------------------------------------------------------------------- */

/* "a;b;c 17"; returns the number. */
static uint64_t check_stack(const char *s, const char *end)
{
	const char *space = memchr(s, ' ', (size_t)(end - s));
	char *number_end;
	uint64_t us;

	if (!space || space == s || space[-1] == ';' || *s == ';' || space[1] < '1' ||
	    space[1] > '9')
		abort();
	us = strtoull(space + 1, &number_end, 10);
	if (number_end != end)
		abort();
	for (; s < space; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f || (*s == ';' && s[1] == ';'))
			abort();
	return us;
}

static uint64_t check_folded(const struct output *o)
{
	const char *s = o->s, *end = s + o->len;
	uint64_t sum = 0;

	must_be_utf8(s, o->len);
	while (s < end) {
		const char *newline = memchr(s, '\n', (size_t)(end - s));

		if (!newline)
			abort();
		sum = add_capped(sum, check_stack(s, newline));
		s = newline + 1;
	}
	return sum;
}

/* ---- csv ---------------------------------------------------------------------------------- */

#define COLUMNS 20
#define SELF 2

/* Behind the field, at what ends it. */
static const char *skip_field(const char *s, const char *end)
{
	if (s == end || *s != '"') {
		while (s < end && *s != ',' && *s != '\r' && *s != '\n' && *s != '"')
			s++;
		return s;
	}
	for (s++; s < end; s++) {
		if (*s != '"')
			continue;
		if (end - s < 2 || s[1] != '"')
			return s + 1;
		s++;
	}
	abort();
}

/* Behind the row. */
static const char *check_row(const char *s, const char *end, uint64_t *ret_self_us)
{
	for (int column = 0; column < COLUMNS; column++) {
		if (column == SELF)
			*ret_self_us = strtoull(s, NULL, 10);
		s = skip_field(s, end);
		if (s == end || (column < COLUMNS - 1 && *s++ != ','))
			abort();
	}
	if (end - s < 2 || memcmp(s, "\r\n", 2))
		abort();
	return s + 2;
}

static uint64_t check_csv(const struct output *o)
{
	const char *s = o->s, *end = s + o->len;
	uint64_t sum = 0, self_us, rows = 0;

	must_be_utf8(s, o->len);
	s = check_row(s, end, &self_us);
	for (; s < end; rows++) {
		s = check_row(s, end, &self_us);
		sum = add_capped(sum, self_us);
	}
	if (rows != o->notes.calls)
		abort();
	return sum;
}

/* ---- all of them -------------------------------------------------------------------------- */

static void count_exits(void *arg, struct trace_event *e)
{
	*(uint64_t *)arg += e->kind == TRACE_EXIT;
}

int fuzz_export(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *end = s + size;
	const char *newline = size ? memchr(s, '\n', size) : NULL;
	char *title = newline ? strndup(s, (size_t)(newline - s)) : NULL;
	struct output chrome, speedscope, folded, csv;
	uint64_t exits = 0;

	if (!title)
		return 0;
	s = newline + 1;
	each_event(s, end, count_exits, &exits);
	chrome = convert(&export_chrome, title, s, end);
	speedscope = convert(&export_speedscope, title, s, end);
	folded = convert(&export_folded, title, s, end);
	csv = convert(&export_csv, title, s, end);
	check_chrome(&chrome);
	check_speedscope(&speedscope);
	if (check_folded(&folded) != check_csv(&csv))
		abort();
	if (chrome.notes.calls != exits + chrome.notes.unfinished ||
	    speedscope.notes.calls + speedscope.notes.unopened !=
		    exits + speedscope.notes.unfinished ||
	    folded.notes.calls + folded.notes.deepest != exits || csv.notes.calls != exits)
		abort();
	free(title);
	free(chrome.s);
	free(speedscope.s);
	free(folded.s);
	free(csv.s);
	return 0;
}
