/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "assemble/requests.h"

void request_put(struct request *r)
{
	if (r && !--r->holders)
		free(r);
}

/* Copies a text to *at and advances *at. */
static struct text keep(const struct text *t, char **at)
{
	struct text kept = {.len = t->len};

	if (!t->s)
		return kept;
	kept.s = memcpy(*at, t->s, t->len);
	*at += t->len;
	return kept;
}

int requests_add(struct requests *r, const struct event *e, struct request **ret_old)
{
	const struct http *h = e->http;
	struct request *new = malloc(sizeof(*new) + h->id.len + h->method.len + h->path.len);
	char *at = new ? new->bytes : NULL;
	void *old = NULL;

	if (!new)
		return -ENOMEM;
	*new = (struct request){.holders = 1, .start_ns = e->ts_ns};
	new->http.id = keep(&h->id, &at);
	new->http.method = keep(&h->method, &at);
	new->http.path = keep(&h->path, &at);
	if (map_put(&r->by_number, map_key(e->pid, 0), e->request, new, &old)) {
		free(new);
		return -ENOMEM;
	}
	*ret_old = old;
	return 0;
}

struct request *requests_find(const struct requests *r, uint32_t pid, uint64_t number)
{
	return map_get(&r->by_number, map_key(pid, 0), number);
}

void requests_forget(struct requests *r, uint32_t pid, uint64_t number)
{
	request_put(map_take(&r->by_number, map_key(pid, 0), number));
}

void requests_keep(struct requests *r, uint32_t pid, uint64_t number)
{
	struct request_name *slot = &r->kept[r->next++ % REQUESTS_KEPT];
	const struct request *old = requests_find(r, slot->pid, slot->number);

	if (old && old->over) /* the number may belong to a newer request by now */
		requests_forget(r, slot->pid, slot->number);
	*slot = (struct request_name){pid, number};
}

struct drop {
	uint32_t pid;
	bool all;
	unsigned open;
};

static bool drop_one(void *arg, const struct map_slot *slot)
{
	struct request *r = slot->value;
	struct drop *d = arg;

	if (!d->all && slot->a != map_key(d->pid, 0))
		return false;
	d->open += !r->over;
	request_put(r);
	return true;
}

unsigned requests_drop_process(struct requests *r, uint32_t pid)
{
	struct drop d = {.pid = pid};

	map_sweep(&r->by_number, drop_one, &d);
	return d.open;
}

unsigned requests_release(struct requests *r)
{
	struct drop d = {.all = true};

	map_sweep(&r->by_number, drop_one, &d);
	map_release(&r->by_number);
	r->by_number = (struct map){};
	return d.open;
}
