/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "trace/functions.h"
#include "trace/routes.h"

#define KEY_LENGTH 16 /* hexadecimal digits that are taken for a key, as in a UUID */

int routes_init(struct routes *r, size_t slow_most)
{
	*r = (struct routes){.slow_most = slow_most, .budget = {.most = 8u << 20}};
	r->slow = calloc(slow_most, sizeof(*r->slow));
	return r->slow ? 0 : -ENOMEM;
}

void routes_release(struct routes *r)
{
	for (size_t i = 0; i < r->count; i++) {
		durations_release(&r->route[i]->durations, &r->budget);
		free(r->route[i]->method);
		free(r->route[i]->path);
		free(r->route[i]);
	}
	free(r->route);
	free(r->slow);
	map_release(&r->index);
}

static bool is_key(const char *s, size_t len)
{
	size_t digits = 0, hex = 0, dashes = 0;

	for (size_t i = 0; i < len; i++) {
		digits += isdigit((unsigned char)s[i]) != 0;
		hex += isxdigit((unsigned char)s[i]) != 0;
		dashes += s[i] == '-';
	}
	return len && (digits == len || (digits && hex >= KEY_LENGTH && hex + dashes == len));
}

/* Shortened at a character. */
static void cut(struct buf *b, size_t most)
{
	if (b->len <= most)
		return;
	b->len = most;
	while (b->len && utf8_continues(b->s[b->len]))
		b->len--;
}

static void put_route(struct buf *to, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		const char *slash = memchr(s, '/', (size_t)(end - s));
		size_t n = (size_t)((slash ? slash : end) - s);

		if (is_key(s, n))
			BUF_LITERAL(to, "{id}");
		else
			buf_add(to, s, n);
		s += n;
		if (slash) {
			buf_char(to, '/');
			s++;
		}
	}
	cut(to, ROUTES_TEXT_KEPT - 1);
}

static struct route *new_route(struct routes *r, const struct buf *method, const struct buf *path,
			       uint32_t status)
{
	struct route *route;

	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 32;
		struct route **more = realloc(r->route, room * sizeof(struct route *));

		if (!more)
			return NULL;
		r->route = more;
		r->room = room;
	}
	route = calloc(1, sizeof(*route));
	if (!route)
		return NULL;
	r->route[r->count++] = route;
	route->method = buf_dup(method);
	route->path = buf_dup(path);
	route->status = status;
	return route->method && route->path ? route : NULL;
}

static int count(struct routes *r, const struct trace_event *e, const struct buf *method,
		 const struct buf *path)
{
	uint64_t a = trace_hash(e->status_code, method->s, method->len);
	uint64_t b = trace_hash(a, path->s, path->len);
	struct route *route = map_get(&r->index, a, b);

	if (!route && r->count == ROUTES_MOST) {
		r->others++;
		return 0;
	}
	if (!route) {
		route = new_route(r, method, path, e->status_code);
		if (!route || map_put(&r->index, a, b, route, NULL))
			return -ENOMEM;
	}
	return durations_add(&route->durations, &r->budget, e->duration_us);
}

static void sift_up(struct request *heap, size_t i)
{
	while (i && heap[i].duration_us < heap[(i - 1) / 2].duration_us) {
		struct request other = heap[i];

		heap[i] = heap[(i - 1) / 2];
		heap[(i - 1) / 2] = other;
		i = (i - 1) / 2;
	}
}

static void sift_down(struct request *heap, size_t n)
{
	for (size_t i = 0, least;; i = least) {
		struct request other = heap[i];

		least = i;
		for (size_t child = 2 * i + 1; child < n && child <= 2 * i + 2; child++)
			if (heap[child].duration_us < heap[least].duration_us)
				least = child;
		if (least == i)
			return;
		heap[i] = heap[least];
		heap[least] = other;
	}
}

static void copy(char *to, size_t size, const struct buf *from)
{
	struct buf b = *from;

	cut(&b, size - 1);
	if (b.len)
		memcpy(to, b.s, b.len);
	to[b.len] = 0;
}

static void keep_if_slow(struct routes *r, const struct trace_event *e, const struct buf *method,
			 const struct buf *path)
{
	bool full = r->slow_count == r->slow_most;
	struct request *to = full ? &r->slow[0] : &r->slow[r->slow_count];
	struct buf id = {0};

	if (full && e->duration_us <= to->duration_us)
		return;
	r->slow_count += !full;
	to->duration_us = e->duration_us;
	to->start_us = e->timestamp_us > e->duration_us ? e->timestamp_us - e->duration_us : 0;
	to->status = e->status_code;
	to->pid = e->pid;
	to->tid = e->tid;
	if (e->request_id.s)
		trace_text_put(&id, &e->request_id);
	copy(to->id, sizeof(to->id), &id);
	copy(to->method, sizeof(to->method), method);
	copy(to->path, sizeof(to->path), path);
	buf_release(&id);
	if (full)
		sift_down(r->slow, r->slow_count);
	else
		sift_up(r->slow, r->slow_count - 1);
}

static int add_response(struct routes *r, const struct trace_event *e)
{
	struct buf method = {0}, path = {0}, route = {0};
	int err;

	if (e->method.s)
		trace_text_put(&method, &e->method);
	if (e->path.s)
		trace_text_put(&path, &e->path);
	cut(&method, sizeof(r->slow->method) - 1);
	put_route(&route, path.s, path.len);
	err = method.failed || path.failed || route.failed ? -ENOMEM : count(r, e, &method, &route);
	if (!err)
		keep_if_slow(r, e, &method, &path);
	buf_release(&method);
	buf_release(&path);
	buf_release(&route);
	return err;
}

int routes_add(struct routes *r, const struct trace_event *e)
{
	if (e->kind == TRACE_HTTP_REQUEST)
		r->requests++;
	if (e->kind != TRACE_HTTP_RESPONSE)
		return 0;
	r->responses++;
	return add_response(r, e);
}

static int most_first(const void *a, const void *b)
{
	const struct route *x = *(struct route *const *)a, *y = *(struct route *const *)b;
	int order;

	if (x->durations.count != y->durations.count)
		return x->durations.count < y->durations.count ? 1 : -1;
	order = strcmp(x->path, y->path);
	if (!order)
		order = strcmp(x->method, y->method);
	return order ? order : (x->status > y->status) - (x->status < y->status);
}

static int slowest_first(const void *a, const void *b)
{
	const struct request *x = a, *y = b;

	if (x->duration_us != y->duration_us)
		return x->duration_us < y->duration_us ? 1 : -1;
	return (x->start_us > y->start_us) - (x->start_us < y->start_us);
}

int routes_finish(struct routes *r)
{
	static const unsigned percent[] = {50, 95};

	if (r->count)
		qsort(r->route, r->count, sizeof(struct route *), most_first);
	qsort(r->slow, r->slow_count, sizeof(*r->slow), slowest_first);
	for (size_t i = 0; i < r->count; i++) {
		uint64_t us[2];

		if (durations_percentiles(&r->route[i]->durations, percent, 2, us))
			return -ENOMEM;
		r->route[i]->p50_us = us[0];
		r->route[i]->p95_us = us[1];
	}
	return 0;
}
