/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "calls/functions.h"
#include "analyze/route.h"
#include "analyze/routes.h"

int routes_init(struct routes *r, size_t slow_most)
{
	*r = (struct routes){.budget = {.most = 8u << 20}};
	return top_n_init(&r->slow, slow_most, sizeof(struct slow_request));
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
	top_n_release(&r->slow);
	map_release(&r->index);
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

	if (!route && r->count == ROUTES_MAX) {
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

static void copy(char *to, size_t size, const struct buf *from)
{
	size_t len = utf8_fit(from->s, from->len, size - 1);

	if (len)
		memcpy(to, from->s, len);
	to[len] = 0;
}

static void keep_if_slow(struct routes *r, const struct trace_event *e, const struct buf *method,
			 const struct buf *path)
{
	struct slow_request *to = top_n_take(&r->slow, e->duration_us);
	struct buf id = {0};

	if (!to)
		return;
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
}

static int add_response(struct routes *r, const struct trace_event *e)
{
	struct buf method = {0}, path = {0}, route = {0};
	int err;

	if (e->method.s)
		trace_text_put(&method, &e->method);
	if (e->path.s)
		trace_text_put(&path, &e->path);
	method.len = utf8_fit(method.s, method.len, ROUTES_METHOD_KEPT - 1);
	route_fold(&route, path.s, path.len);
	route.len = utf8_fit(route.s, route.len, ROUTES_TEXT_KEPT - 1);
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

int routes_finish(struct routes *r)
{
	static const unsigned percent[] = {50, 95};

	if (r->count)
		qsort(r->route, r->count, sizeof(struct route *), most_first);
	top_n_finish(&r->slow);
	for (size_t i = 0; i < r->count; i++) {
		uint64_t us[2];

		if (durations_percentiles(&r->route[i]->durations, percent, 2, us))
			return -ENOMEM;
		r->route[i]->p50_us = us[0];
		r->route[i]->p95_us = us[1];
	}
	return 0;
}
