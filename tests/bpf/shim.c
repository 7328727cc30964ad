/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

#include "ft_counters.h"

#define NOEXIST 1 /* BPF_NOEXIST */
#define EXIST 2	  /* BPF_EXIST */

/* What the sources declare in maps.bpf.h: a map is its address. */
char ft_procs, ft_codes, ft_told, ft_types, ft_threads, ft_stacks, ft_suspended, ft_requests,
	ft_request_of, ft_rules, ft_redact, ft_ring, ft_counters, ft_zero, ft_looked_at, ft_files,
	ft_more_codes, ft_left_out, ft_quick, ft_rejections;
struct ft_settings ft_settings;
struct ft_policy shim_policy, ft_policies[FT_POLICIES + 1];
__u32 ft_live[FT_HOOKED], ft_programs_over, ft_rejected, ft_epoch;

/* An entry of some map; key and value are pieces of memory of their own. */
struct entry {
	struct entry *next;
	const void *map;
	void *key, *value;
	unsigned long key_size;
};

/* A record in the ring. */
struct sent {
	struct sent *next;
	struct ft_rec *record;
};

static struct entry *entries;
static struct sent *first, **last = &first;
static const struct image *memory;
static __u64 now;

static void *copy_of(const void *from, size_t size)
{
	void *copy = malloc(size);

	if (!copy)
		abort();
	return memcpy(copy, from, size);
}

/* ---- maps ---------------------------------------------------------------------------------- */

void *shim_lookup(const void *map, const void *key, unsigned long key_size);
long shim_update(const void *map, const void *key, unsigned long key_size, const void *value,
		 unsigned long value_size, __u64 flags);
long shim_delete(const void *map, const void *key, unsigned long key_size);

static struct entry **find(const void *map, const void *key, unsigned long key_size)
{
	struct entry **e = &entries;

	while (*e && ((*e)->map != map || memcmp((*e)->key, key, key_size)))
		e = &(*e)->next;
	return e;
}

static void drop(struct entry **e)
{
	struct entry *gone = *e;

	*e = gone->next;
	free(gone->key);
	free(gone->value);
	free(gone);
}

/* Does a rule hold for this module? */
static bool is_prefix(const struct rule_key *rule, const struct rule_key *name)
{
	return rule->bits <= name->bits && rule->rules == name->rules &&
	       !memcmp(rule->text, name->text, rule->bits / 8 - sizeof(rule->rules));
}

static void *longest_rule(const struct rule_key *name)
{
	const struct entry *best = NULL;

	for (const struct entry *e = entries; e; e = e->next) {
		const struct rule_key *rule = e->key, *other = best ? best->key : NULL;

		if (e->map == &ft_rules && is_prefix(rule, name) &&
		    (!best || rule->bits > other->bits))
			best = e;
	}
	return best ? best->value : NULL;
}

void shim_rule(__u32 rules, const char *prefix, __u32 verdict)
{
	struct rule_key key = {.bits = 8 * (sizeof(rules) + strlen(prefix)), .rules = rules};

	memcpy(key.text, prefix, strlen(prefix));
	shim_update(&ft_rules, &key, sizeof(key), &verdict, sizeof(verdict), 0);
}

/* What an entry of an array takes; 0: the map is none. */
static size_t array_value(const void *map)
{
	return map == &ft_counters || map == &ft_left_out ? sizeof(__u64)
	       : map == &ft_quick			  ? sizeof(struct quick)
	       : map == &ft_rejections			  ? sizeof(struct rejected)
							  : 0;
}

__u64 shim_cookie;
__u64 bpf_get_attach_cookie(void *ctx); /* bpf_helpers.h has it for the BPF sources */

__u64 bpf_get_attach_cookie(void *ctx)
{
	(void)ctx;
	return shim_cookie;
}

void *shim_lookup(const void *map, const void *key, unsigned long key_size)
{
	static const char zeroes[sizeof(struct quick) + sizeof(struct rejected)];
	struct entry *e = *find(map, key, key_size);
	size_t size = array_value(map);

	if (map == &ft_rules)
		return longest_rule(key);
	/* An array has every entry. */
	if (!e && size) {
		shim_update(map, key, key_size, zeroes, size, 0);
		e = *find(map, key, key_size);
	}
	return e ? e->value : NULL;
}

long shim_update(const void *map, const void *key, unsigned long key_size, const void *value,
		 unsigned long value_size, __u64 flags)
{
	struct entry *e = *find(map, key, key_size);

	if (e && flags == NOEXIST)
		return -EEXIST;
	if (e) {
		memmove(e->value, value, value_size);
		return 0;
	}
	if (flags == EXIST)
		return -ENOENT;
	e = copy_of(&(struct entry){entries, map, copy_of(key, key_size),
				    copy_of(value, value_size), key_size},
		    sizeof(*e));
	entries = e;
	return 0;
}

long shim_delete(const void *map, const void *key, unsigned long key_size)
{
	struct entry **e = find(map, key, key_size);

	if (!*e)
		return -ENOENT;
	drop(e);
	return 0;
}

unsigned shim_entries(const void *map)
{
	unsigned n = 0;

	for (const struct entry *e = entries; e; e = e->next)
		n += e->map == map;
	return n;
}

unsigned shim_counted(unsigned counter)
{
	struct entry *e = *find(&ft_counters, &counter, sizeof(counter));

	return e ? *(__u64 *)e->value : 0;
}

unsigned shim_left_out(unsigned rule)
{
	struct entry *e = *find(&ft_left_out, &rule, sizeof(rule));

	return e ? *(__u64 *)e->value : 0;
}

/* ---- the ring ------------------------------------------------------------------------------ */

long shim_output(const void *record, __u64 size);

long shim_output(const void *record, __u64 size)
{
	*last = copy_of(&(struct sent){NULL, copy_of(record, size)}, sizeof(**last));
	last = &(*last)->next;
	return 0;
}

struct ft_rec *shim_record(void)
{
	struct sent *s = first;
	struct ft_rec *record;

	if (!s)
		return NULL;
	record = s->record;
	first = s->next;
	if (!first)
		last = &first;
	free(s);
	return record;
}

/* ---- other helpers ------------------------------------------------------------------------- */

long bpf_probe_read_user(void *to, __u32 size, const void *from);
long bpf_probe_read_user_str(void *to, __u32 size, const void *from);
__u64 bpf_get_current_pid_tgid(void);
__u64 bpf_get_current_task(void);
__u32 bpf_get_prandom_u32(void);
__u64 bpf_ktime_get_ns(void);

long bpf_probe_read_user(void *to, __u32 size, const void *from)
{
	int err = image_read(memory, (__u64)from, to, size);

	if (err)
		memset(to, 0, size); /* as the kernel does */
	return err;
}

long bpf_probe_read_user_str(void *to, __u32 size, const void *from)
{
	char *text = to;

	for (__u32 i = 0; i < size; i++) {
		if (image_read(memory, (__u64)from + i, &text[i], 1))
			return -EFAULT;
		if (!text[i])
			return i + 1;
	}
	text[size - 1] = 0;
	return size;
}

__u64 bpf_get_current_pid_tgid(void)
{
	return (__u64)SHIM_PID << 32 | SHIM_PID;
}

/* A struct task_struct: set_thread_pointer() in walk.bpf.c. */
static __u64 task[16];

__u64 bpf_get_current_task(void)
{
	return (__u64)task;
}

__u32 bpf_get_prandom_u32(void)
{
	static __u32 state = 1;

	state = state * 1664525 + 1013904223;
	return state;
}

__u64 bpf_ktime_get_ns(void)
{
	return ++now;
}

/* ---- begin and end ------------------------------------------------------------------------- */

void shim_begin(const struct image *image, const struct ft_layout *layout)
{
	struct ft_proc *p = calloc(1, sizeof(*p));
	struct thread *t = calloc(1, sizeof(*t));
	__u32 id = SHIM_PID, zero = 0;

	if (!p || !t)
		abort();
	memory = image;
	ft_live[0] = 1; /* its hooks are in */
	p->layout = *layout;
	p->policy = shim_policy.number;
	ft_policies[p->policy] = shim_policy;
	shim_update(&ft_zero, &zero, sizeof(zero), t, sizeof(*t), 0);
	t->pid = id;
	shim_update(&ft_procs, &id, sizeof(id), p, sizeof(*p), 0);
	shim_update(&ft_threads, &id, sizeof(id), t, sizeof(*t), 0);
	free(p);
	free(t);
}

void shim_end(void)
{
	struct ft_rec *record;

	while (entries)
		drop(&entries);
	while ((record = shim_record()))
		free(record);
}

struct ft_proc *shim_proc(void)
{
	__u32 id = SHIM_PID;

	return shim_lookup(&ft_procs, &id, sizeof(id));
}

void shim_file(__u32 index, const struct ft_proc *p)
{
	shim_update(&ft_files, &index, sizeof(index), p, sizeof(*p), 0);
}

void shim_looked_at(const struct ft_proc *p)
{
	__u32 id = SHIM_PID;

	shim_update(&ft_looked_at, &id, sizeof(id), p, sizeof(*p), 0);
}

struct thread *shim_thread(void)
{
	__u32 id = SHIM_PID;

	return shim_lookup(&ft_threads, &id, sizeof(id));
}
