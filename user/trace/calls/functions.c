/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "calls/functions.h"

#define FIRST_SIZE 256
#define TEXTS 4

/* A function's texts with their escapes undone. */
struct key {
	const char *s[TEXTS];
	uint32_t len[TEXTS];
	uint32_t line;
	uint64_t hash;
};

static uint64_t mix(uint64_t h, uint64_t bytes)
{
	h = (h ^ bytes) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

uint64_t trace_hash(uint64_t seed, const char *s, size_t len)
{
	uint64_t h = mix(seed, len), bytes;

	for (; len >= sizeof(bytes); s += sizeof(bytes), len -= sizeof(bytes)) {
		memcpy(&bytes, s, sizeof(bytes));
		h = mix(h, bytes);
	}
	bytes = 0;
	if (len)
		memcpy(&bytes, s, len);
	return mix(h, bytes);
}

void trace_functions_release(struct trace_functions *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->all[i]);
	free(t->all);
	free(t->slot);
	buf_release(&t->plain);
}

/* All escapes of one event in one scratch buffer, which must not move while they are put there. */
static bool undo_escapes(struct trace_functions *t, const struct trace_text *const text[TEXTS],
			 struct key *k)
{
	size_t all = 0;

	for (int i = 0; i < TEXTS; i++)
		all += text[i]->len;
	buf_clear(&t->plain);
	if (!buf_room(&t->plain, all + 1))
		return false;
	for (int i = 0; i < TEXTS; i++) {
		size_t before = t->plain.len;

		trace_text_put(&t->plain, text[i]);
		k->s[i] = t->plain.s + before;
		k->len[i] = (uint32_t)(t->plain.len - before);
	}
	return !t->plain.failed;
}

static bool make_key(struct trace_functions *t, const struct trace_event *e, struct key *k)
{
	const struct trace_text *const text[TEXTS] = {&e->module, &e->class_name, trace_function(e),
						      &e->file};
	bool escaped = false;

	for (int i = 0; i < TEXTS; i++) {
		k->s[i] = text[i]->s;
		k->len[i] = text[i]->len;
		escaped |= text[i]->escaped;
	}
	if (escaped && !undo_escapes(t, text, k))
		return false;
	k->line = e->line;
	k->hash = e->line;
	for (int i = 0; i < TEXTS; i++)
		k->hash = trace_hash(k->hash, k->s[i], k->len[i]);
	return true;
}

static bool is_key(const struct trace_function *f, const struct key *k)
{
	const char *s = f->bytes;

	if (f->hash != k->hash || f->line != k->line || memcmp(f->len, k->len, sizeof(f->len)) != 0)
		return false;
	for (int i = 0; i < TEXTS; i++) {
		if (k->len[i] && memcmp(s, k->s[i], k->len[i]))
			return false;
		s += k->len[i] + 1;
	}
	return true;
}

static struct trace_function *new_function(const struct key *k)
{
	struct trace_function *f;
	const char **to[TEXTS];
	size_t all = TEXTS;
	char *s;

	for (int i = 0; i < TEXTS; i++)
		all += k->len[i];
	f = calloc(1, sizeof(*f) + all);
	if (!f)
		return NULL;
	to[0] = &f->module;
	to[1] = &f->class_name;
	to[2] = &f->name;
	to[3] = &f->file;
	s = f->bytes;
	for (int i = 0; i < TEXTS; i++) {
		if (k->len[i])
			memcpy(s, k->s[i], k->len[i]);
		*to[i] = s;
		s += k->len[i] + 1;
	}
	f->line = k->line;
	f->hash = k->hash;
	memcpy(f->len, k->len, sizeof(f->len));
	return f;
}

/* The slot of the key, or the free one where it would go. */
static struct trace_function **find(struct trace_functions *t, const struct key *k)
{
	size_t i = k->hash & (t->size - 1);

	while (t->slot[i] && !is_key(t->slot[i], k))
		i = (i + 1) & (t->size - 1);
	return &t->slot[i];
}

static bool grow(struct trace_functions *t)
{
	size_t size = t->size ? t->size * 2 : FIRST_SIZE;
	struct trace_function **slot = calloc(size, sizeof(*slot)), **all;

	all = slot ? realloc(t->all, size / 2 * sizeof(*all)) : NULL;
	if (!all) {
		free(slot);
		return false;
	}
	for (size_t n = 0; n < t->count; n++) {
		size_t i = all[n]->hash & (size - 1);

		while (slot[i])
			i = (i + 1) & (size - 1);
		slot[i] = all[n];
	}
	free(t->slot);
	t->slot = slot;
	t->all = all;
	t->size = size;
	return true;
}

struct trace_function *trace_functions_of(struct trace_functions *t, const struct trace_event *e)
{
	struct trace_function **slot;
	struct key k;

	if ((t->count * 2 >= t->size && !grow(t)) || !make_key(t, e, &k))
		return NULL;
	slot = find(t, &k);
	if (!*slot) {
		*slot = new_function(&k);
		if (!*slot)
			return NULL;
		(*slot)->id = (uint32_t)t->count;
		t->all[t->count++] = *slot;
	}
	return *slot;
}

void trace_function_label(struct buf *b, const struct trace_function *f)
{
	const char *scope = f->class_name[0] ? f->class_name : f->module;

	if (scope[0]) {
		buf_str(b, scope);
		buf_char(b, '.');
	}
	buf_str(b, f->name);
}
