/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "decode/name.h"
#include "decode/workloads.h"

#define OLD_FIELDS 6 /* that a recording always has */

struct shared {
	struct workload workload;
	unsigned users;
};

static void drop(struct shared *s)
{
	if (!s || --s->users)
		return;
	workload_release(&s->workload);
	free(s);
}

static bool drop_one(void *arg, const struct map_slot *slot)
{
	drop(slot->value);
	return true;
}

void workloads_release(struct workloads *w)
{
	map_sweep(&w->by_pid, drop_one, NULL);
	map_release(&w->by_pid);
}

/* ---- the fields of a line ---------------------------------------------------------------- */

static void put_field(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	if (b->len && b->s[b->len - 1] != '{')
		BUF_LITERAL(b, ", ");
	json_string(b, name, strlen(name));
	BUF_LITERAL(b, ": ");
	json_string(b, value, strlen(value));
}

static bool in_pod(const struct workload *w)
{
	return w->namespace || w->pod || w->uid || w->name;
}

static int make_json(struct workload *w)
{
	struct buf b = {};

	put_field(&b, "container", w->container);
	if (in_pod(w)) {
		if (b.len)
			BUF_LITERAL(&b, ", ");
		BUF_LITERAL(&b, "\"k8s\": {");
		put_field(&b, "namespace", w->namespace);
		put_field(&b, "pod", w->pod);
		put_field(&b, "uid", w->uid);
		put_field(&b, "container", w->name);
		put_field(&b, "node", w->node);
		put_field(&b, "owner_kind", w->owner_kind);
		put_field(&b, "owner", w->owner);
		BUF_LITERAL(&b, "}");
	}
	put_field(&b, "service", w->service);
	if (w->pending)
		put_field(&b, "metadata", FT_WORKLOAD_PENDING);
	w->json = b.failed ? NULL : buf_dup(&b);
	w->json_len = b.len;
	buf_release(&b);
	return w->json ? 0 : -ENOMEM;
}

/* ---- by process ------------------------------------------------------------------------ */

/* Owns s from here on; NULL: the process is in none. */
static int set(struct workloads *w, uint32_t pid, struct shared *s)
{
	void *old = NULL;
	int err = 0;

	if (s)
		err = map_put(&w->by_pid, pid, 0, s, &old);
	else
		old = map_take(&w->by_pid, pid, 0);
	drop(err ? s : old);
	return err;
}

static int read_names(struct workload *w, struct tokens *t)
{
	char *pending = NULL;
	char **const field[] = {&w->container, &w->uid,	 &w->namespace,	 &w->pod,
				&w->name,      &w->node, &w->owner_kind, &w->owner,
				&w->service,   &pending};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(field) / sizeof(field[0]); i++)
		if (i < OLD_FIELDS || tokens_peek(t))
			err = name_read_utf8(t, field[i]);
	w->pending = pending != NULL;
	free(pending);
	return err ?: make_json(w);
}

int workloads_learn(struct workloads *w, const struct ft_rec_workload *rec, const void *end)
{
	struct shared *s = calloc(1, sizeof(*s));
	struct tokens tokens;
	int err;

	if (!s)
		return -ENOMEM;
	s->users = 1;
	tokens_init(&tokens, rec + 1, end);
	err = read_names(&s->workload, &tokens);
	if (!err && s->workload.json_len)
		return set(w, rec->hdr.pid, s);
	drop(s);
	return err ?: set(w, rec->hdr.pid, NULL);
}

const struct workload *workloads_of(const struct workloads *w, uint32_t pid)
{
	const struct shared *s = w->by_pid.count ? map_get(&w->by_pid, pid, 0) : NULL;

	return s ? &s->workload : NULL;
}

int workloads_fork(struct workloads *w, uint32_t pid, uint32_t child)
{
	struct shared *s = map_get(&w->by_pid, pid, 0);

	if (s)
		s->users++;
	return set(w, child, s);
}

void workloads_gone(struct workloads *w, uint32_t pid)
{
	w->gone = pid;
}

void workloads_settle(struct workloads *w)
{
	if (w->gone)
		(void)set(w, w->gone, NULL);
	w->gone = 0;
}
