/* SPDX-License-Identifier: MIT */
/*
 * What programs leave in maps when they end: their code objects, and calls of generators that never
 * went on. BPF cannot find these by the process, so all entries are looked at, some at a time, if
 * any program has ended since. (The other maps push out what was not used for long, or are emptied
 * at the end of a thread.)
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach_parts.h"
#include "base/clock.h"
#include "base/map.h"

#define BATCH 1024
#define OVER UINTPTR_MAX

struct sweep {
	int procs;	   /* descriptor of ft_procs */
	struct map begun;  /* pid -> when its program began (not 0), or OVER */
	uint64_t since_ns; /* of the sweep: what is younger may be of a process that is younger */
	struct code_key key[BATCH];
	union {
		struct code_entry code[BATCH];
		struct call call[BATCH];
	} value;
};

/* When the program of a process began, as of this sweep; 0: without memory. */
static uint64_t begun(struct sweep *s, uint32_t pid)
{
	uintptr_t at = (uintptr_t)map_get(&s->begun, pid, 0);
	struct ft_proc p;

	if (at)
		return at;
	if (!bpf_map_lookup_elem(s->procs, &pid, &p))
		at = p.born ?: 1;
	else
		at = errno == ENOENT ? OVER : 0;
	return at && !map_put(&s->begun, pid, 0, (void *)at, NULL) ? at : 0;
}

static bool remains_of_code(struct sweep *s, int i)
{
	uint64_t birth = s->value.code[i].birth;

	return birth < s->since_ns && birth < begun(s, s->key[i].tgid);
}

/* A generator's call may be counted as begun when its caller was, before a fork. */
static bool remains_of_call(struct sweep *s, int i)
{
	return s->value.call[i].start_ns < s->since_ns && begun(s, s->key[i].tgid) == OVER;
}

static void sweep_map(struct sweep *s, const struct bpf_map *map,
		      bool (*remains)(struct sweep *s, int i))
{
	uint32_t at, *from = NULL, n;
	int fd = bpf_map__fd(map), err;

	do {
		n = BATCH;
		err = bpf_map_lookup_batch(fd, from, &at, s->key, &s->value, &n, NULL);
		if (err && err != -ENOENT)
			return;
		for (uint32_t i = 0; i < n; i++)
			if (remains(s, i))
				bpf_map_delete_elem(fd, &s->key[i]);
		from = &at;
	} while (!err);
}

void remains_sweep(struct attach *a)
{
	uint32_t over = __atomic_load_n(&a->skel->bss->ft_programs_over, __ATOMIC_RELAXED);
	struct sweep *s;

	_Static_assert(sizeof(struct frame_key) == sizeof(struct code_key) &&
			       offsetof(struct frame_key, tgid) == offsetof(struct code_key, tgid),
		       "one kind of key");
	if (over == a->programs_over)
		return;
	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	s->procs = bpf_map__fd(a->skel->maps.ft_procs);
	s->since_ns = clock_ns(CLOCK_MONOTONIC);
	if (bpf_map__type(a->skel->maps.ft_codes) == BPF_MAP_TYPE_HASH)
		sweep_map(s, a->skel->maps.ft_codes, remains_of_code);
	sweep_map(s, a->skel->maps.ft_suspended, remains_of_call);
	a->programs_over = over;
	map_release(&s->begun);
	free(s);
}
