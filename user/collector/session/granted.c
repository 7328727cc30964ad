/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "granted.h"

/* Functions of the last process that had a policy are in the pipeline by then. */
#define IDLE_NS (10 * NS_PER_SECOND)

struct granted_policy {
	struct policy policy;
	bool told;
	bool used;	  /* found with a process in this round */
	uint64_t idle_ns; /* since when it was found with none; 0 = it has one */
};

void granted_init(struct granted *g)
{
	*g = (struct granted){};
	pthread_mutex_init(&g->lock, NULL);
}

static void entry_free(struct granted_policy *e)
{
	if (e)
		policy_release(&e->policy);
	free(e);
}

void granted_release(struct granted *g)
{
	for (int i = 0; i < FT_POLICIES; i++)
		entry_free(g->at[i]);
	buf_release(&g->record);
	pthread_mutex_destroy(&g->lock);
}

/* ---- granting -------------------------------------------------------------------------------- */

static struct granted_policy *find(struct granted *g, const struct policy *p)
{
	for (int i = 1; i < FT_POLICIES; i++)
		if (g->at[i] && policy_same(&g->at[i]->policy, p))
			return g->at[i];
	return NULL;
}

/* A number that was not used yet and whose place is free; 0: there is none. */
static uint32_t new_number(struct granted *g)
{
	for (int i = 0; i < FT_POLICIES && g->last < FT_POLICY_LAST; i++) {
		uint32_t place = ++g->last & (FT_POLICIES - 1);

		if (place && !g->at[place])
			return g->last;
	}
	return 0;
}

static struct granted_policy *make(struct granted *g, const struct policy *p)
{
	struct granted_policy *e = calloc(1, sizeof(*e));

	if (!e || policy_copy(p, &e->policy)) {
		free(e);
		return NULL;
	}
	e->policy.number = new_number(g);
	if (!e->policy.number || attach_put_policy(g->attach, &e->policy)) {
		entry_free(e);
		return NULL;
	}
	g->at[e->policy.number & (FT_POLICIES - 1)] = e;
	__atomic_add_fetch(&g->version, 1, __ATOMIC_RELEASE);
	return e;
}

uint32_t granted_number(struct granted *g, const struct policy *p)
{
	struct granted_policy *e;
	uint32_t number = 0;

	pthread_mutex_lock(&g->lock);
	e = find(g, p) ?: make(g, p);
	if (e) {
		e->idle_ns = 0;
		number = e->policy.number;
	}
	pthread_mutex_unlock(&g->lock);
	return number;
}

/* ---- dropping -------------------------------------------------------------------------------- */

void granted_round(struct granted *g)
{
	for (int i = 1; i < FT_POLICIES; i++)
		if (g->at[i])
			g->at[i]->used = false;
}

void granted_use(struct granted *g, uint32_t number)
{
	struct granted_policy *e = g->at[number & (FT_POLICIES - 1)];

	if (e && e->policy.number == number)
		e->used = true;
}

static void drop(struct granted *g, int place)
{
	attach_drop_policy(g->attach, &g->at[place]->policy);
	pthread_mutex_lock(&g->lock);
	entry_free(g->at[place]);
	g->at[place] = NULL;
	pthread_mutex_unlock(&g->lock);
}

void granted_drop_idle(struct granted *g)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	for (int i = 1; i < FT_POLICIES; i++) {
		struct granted_policy *e = g->at[i];

		if (!e)
			continue;
		if (e->used || !e->idle_ns)
			e->idle_ns = e->used ? 0 : now;
		else if (now - e->idle_ns > IDLE_NS)
			drop(g, i);
	}
}

/* ---- telling --------------------------------------------------------------------------------- */

static void add_text(struct buf *r, const char *s)
{
	size_t len = strlen(s);
	struct ft_token token = {.kind = FT_T_STR, .width = 1, .len = len};

	buf_add(r, (const char *)&token, sizeof(token));
	buf_add(r, s, len);
	buf_add(r, "\0\0\0\0\0\0\0", -len & 7);
}

static void add_list(struct buf *r, char *const *list, size_t n)
{
	struct ft_token begin = {.kind = FT_T_LIST, .len = sizeof(uint64_t)};
	struct ft_token end = {.kind = FT_T_END};
	uint64_t count = n;

	buf_add(r, (const char *)&begin, sizeof(begin));
	buf_add(r, (const char *)&count, sizeof(count));
	for (size_t i = 0; i < n; i++)
		add_text(r, list[i]);
	buf_add(r, (const char *)&end, sizeof(end));
}

static const struct ft_rec *record_of(struct buf *r, const struct policy *p)
{
	struct ft_rec_policy head = {
		.hdr = {.type = FT_REC_POLICY, .ts_ns = clock_ns(CLOCK_MONOTONIC)},
		.number = p->number,
		.max_arg_length = p->capture.max_arg_length,
		.max_depth = p->max_depth,
		.max_items = p->max_items,
		.capture = (p->capture.args ? FT_CAPTURE_ARGS : 0) |
			   (p->capture.result ? FT_CAPTURE_RESULT : 0),
	};

	buf_clear(r);
	buf_add(r, (const char *)&head, sizeof(head));
	add_list(r, p->prefix, p->nprefix);
	add_list(r, p->exclude, p->nexclude);
	if (r->failed)
		return NULL;
	((struct ft_rec *)r->s)->size = r->len;
	return (const struct ft_rec *)r->s;
}

const struct ft_rec *granted_untold(struct granted *g)
{
	unsigned version = __atomic_load_n(&g->version, __ATOMIC_ACQUIRE);
	const struct ft_rec *rec = NULL;

	if (version == g->told)
		return NULL;
	pthread_mutex_lock(&g->lock);
	for (int i = 1; !rec && i < FT_POLICIES; i++)
		if (g->at[i] && !g->at[i]->told) {
			g->at[i]->told = true;
			rec = record_of(&g->record, &g->at[i]->policy);
		}
	pthread_mutex_unlock(&g->lock);
	if (!rec)
		g->told = version;
	return rec;
}
