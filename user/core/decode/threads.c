/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "decode/name.h"
#include "decode/threads.h"

static bool free_one(void *arg, const struct map_slot *s)
{
	free(s->value);
	return true;
}

static bool free_of_process(void *arg, const struct map_slot *s)
{
	return s->a >> 32 == *(uint32_t *)arg && free_one(NULL, s);
}

void threads_release(struct threads *t)
{
	map_sweep(&t->by_id, free_one, NULL);
	map_release(&t->by_id);
}

/* Owns name from here on. */
static int set(struct threads *t, uint64_t id, char *name)
{
	void *old = NULL;
	int err = name ? map_put(&t->by_id, id, 0, name, &old) : -ENOMEM;

	free(err ? name : old);
	t->last = NULL;
	return err;
}

int threads_learn(struct threads *t, const struct ft_rec_thread *rec, const void *end)
{
	struct tokens tokens;
	char *name = NULL;
	int err;

	tokens_init(&tokens, rec + 1, end);
	/* The program set a name that is not a str. */
	if (tokens_peek(&tokens) && tokens_peek(&tokens) != FT_T_STR)
		return 0;
	err = name_read(&tokens, &name);
	if (err || !name)
		return err;
	return set(t, map_key(rec->hdr.pid, rec->hdr.tid), name);
}

static char *made_up(uint32_t pid, uint32_t tid)
{
	char *name = NULL;

	if (pid == tid)
		return strdup("MainThread");
	return asprintf(&name, "Thread-%u", tid) < 0 ? NULL : name;
}

const char *threads_name(struct threads *t, uint32_t pid, uint32_t tid)
{
	uint64_t id = map_key(pid, tid);
	const char *name;

	if (t->last && t->last_id == id)
		return t->last;
	name = map_get(&t->by_id, id, 0);
	if (!name) {
		if (set(t, id, made_up(pid, tid)))
			return "";
		name = map_get(&t->by_id, id, 0);
	}
	t->last_id = id;
	t->last = name;
	return name;
}

int threads_fork(struct threads *t, uint32_t pid, uint32_t tid, uint32_t child)
{
	const char *name = map_get(&t->by_id, map_key(pid, tid), 0);

	return name ? set(t, map_key(child, child), strdup(name)) : 0;
}

void threads_forget(struct threads *t, uint32_t pid, uint32_t tid)
{
	free(map_take(&t->by_id, map_key(pid, tid), 0));
	t->last = NULL;
}

void threads_forget_process(struct threads *t, uint32_t pid)
{
	map_sweep(&t->by_id, free_of_process, &pid);
	t->last = NULL;
}
