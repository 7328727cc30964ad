/* SPDX-License-Identifier: MIT */
#include "call_stack.h"

struct waiting {
	struct call *call; /* owned */
	size_t depth, cap;
};

struct call *call_stack_push(struct call_stack *s, const struct call *call)
{
	if (s->depth == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct call *grown = realloc(s->call, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		s->call = grown;
		s->cap = cap;
	}
	s->call[s->depth] = *call;
	return &s->call[s->depth++];
}

const struct call *call_stack_first_top(const struct call_stack *s)
{
	const struct waiting *w;

	if (!s->bottom)
		return call_stack_top(s);
	w = map_get(&s->waiting, 0, 0);
	return w && w->depth ? &w->call[w->depth - 1] : NULL;
}

/* False without memory. */
static bool put_away(struct call_stack *s)
{
	struct waiting *w = s->depth ? malloc(sizeof(*w)) : NULL;

	if (!s->depth)
		return true;
	if (!w || map_put(&s->waiting, s->bottom, 0, w, NULL)) {
		free(w);
		return false;
	}
	*w = (struct waiting){s->call, s->depth, s->cap};
	s->call = NULL;
	s->cap = 0;
	return true;
}

size_t call_stack_switch(struct call_stack *s, uintptr_t bottom)
{
	size_t lost = put_away(s) ? 0 : s->depth;
	struct waiting *w = map_take(&s->waiting, bottom, 0);

	s->bottom = bottom;
	s->depth = 0;
	if (!w)
		return lost;
	free(s->call);
	s->call = w->call;
	s->depth = w->depth;
	s->cap = w->cap;
	free(w);
	return lost;
}

static bool forget(void *arg, const struct map_slot *slot)
{
	struct waiting *w = slot->value;

	free(w->call);
	free(w);
	return true;
}

void call_stack_clear(struct call_stack *s)
{
	map_sweep(&s->waiting, forget, NULL);
	map_release(&s->waiting);
	s->waiting = (struct map){};
	s->depth = 0;
	s->bottom = s->first = 0;
}

void call_stack_release(struct call_stack *s)
{
	call_stack_clear(s);
	free(s->call);
	s->call = NULL;
	s->cap = 0;
}
