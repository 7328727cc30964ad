/* SPDX-License-Identifier: MIT */
/* The files that processes run, and the hooks in them. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/attach_parts.h"
#include "attach/features.h"
#include "attach/real_file.h"
#include "attach/returns.h"
#include "base/clock.h"

/* Time for flowtrace_agent, which looks every 40 ms, to notice a listener and send it all names. */
#define GREETING_MS 60

#define SWEEP_NS (2 * NS_PER_SECOND)
/* The hooks of a file in another mount namespace go when no process has run it for this long: they
 * keep its file system busy. Others stay while there is room, since a program that starts again is
 * then traced from its first call. */
#define IDLE_NS (10 * NS_PER_SECOND)
#define GIVEN_BACK 32 /* files at once */

struct file files_of(const struct attach *a, const struct target *t, const struct hooks *hooks)
{
	struct file f = {t->open_path, t->fd, t->dev, t->inode};
	struct real_file real;

	if (hooks->in_agent)
		return (struct file){t->agent.open_path, t->agent.fd, t->agent.dev, t->agent.inode};
	if (a->follow && real_file_differs(f.fd) &&
	    real_file_find(a->skel->progs.ft_mapped, t->pid, t->code_at, &real)) {
		f.dev = real.dev;
		f.inode = real.inode;
	}
	return f;
}

int files_find(const struct attach *a, const struct file *f, pid_t pid)
{
	for (int i = 0; i < a->nhooked; i++) {
		const struct hooked *h = &a->hooked[i];

		if (h->used && h->dev == f->dev && h->inode == f->inode &&
		    (h->pid == -1 || h->pid == pid))
			return i;
	}
	return -1;
}

/* May this kernel kill a target that has this hook (returns.h)? */
static bool is_deadly(struct attach *a, const struct hook *hook)
{
	if (!hook_is_return(hook->role))
		return false;
	if (a->returns == RETURNS_UNTRIED)
		a->returns = returns_are_safe(attach_program(a, hook->role)) ? RETURNS_SAFE
									     : RETURNS_DEADLY;
	return a->returns == RETURNS_DEADLY;
}

bool attach_blind_to_contexts(const struct attach *a)
{
	return a->returns == RETURNS_DEADLY;
}

/*
 * The descriptor is the one through which the file was read, but its owner may have written to it
 * since. A breakpoint in the middle of an instruction could then harm other users who run the file.
 */
static int check_code(const struct file *f, const struct hook *hook, struct why *w)
{
	uint8_t code[HOOK_CODE_MAX];

	if (pread(f->fd, code, hook->ncode, hook->file_offset) == hook->ncode &&
	    !memcmp(code, hook->code, hook->ncode))
		return 0;
	return why_exit(w, EXIT_PYTHON, -ESTALE,
			"the file with the hook %s was written to while it was attached to",
			hook->name);
}

static int put_places(struct attach *a, const struct target *t, const struct file *f, int slot,
		      const struct places *places, struct why *w)
{
	const struct links_file file = {f->open_path, a->hooked[slot].pid};
	const struct hook *hook = places->hook[0];
	struct bpf_program *prog = attach_program(a, hook->role);
	int err;

	if (bpf_program__fd(prog) < 0)
		return why(w, -ENOTSUP,
			   "it now runs a different Python build, which needs hook %s: restart "
			   "the trace with --follow",
			   hook->name);
	if (is_deadly(a, hook))
		return 0;
	err = links_put(&a->links[slot], prog, &file, places);
	if (err)
		return features_explain_uprobe(err, t->pid, hook->name, w);
	/* The agent may send calls to other listeners already: wait for the names that we need
	 * first. */
	if (hook->role == HOOK_AGENT_LISTENER)
		usleep(GREETING_MS * 1000);
	return 0;
}

/* Hits of this hook wake new processes. */
static uint64_t cookie_of(const struct attach *a, const struct target *t, int slot,
			  const struct hooks *hooks, const struct hook *hook)
{
	if (hooks->in_agent || !a->skel->rodata->ft_settings.cookies)
		return 0;
	return FT_COOKIE(slot, t->code_at + (hook->file_offset - t->code_offset));
}

/* Attaches all hooks of a role at once, when the loop reaches the first of them. */
static int put_role(struct attach *a, const struct target *t, const struct file *f, int slot,
		    const struct hooks *hooks, int first, struct why *w)
{
	struct places places = {.count = 0};

	for (int i = 0; i < hooks->count; i++) {
		const struct hook *hook = &hooks->site[i];

		if (hook->role != hooks->site[first].role)
			continue;
		places.cookie[places.count] = cookie_of(a, t, slot, hooks, hook);
		places.hook[places.count++] = hook;
	}
	if (places.hook[0] != &hooks->site[first])
		return 0;
	return attach_check_stopped(a, w) ?: put_places(a, t, f, slot, &places, w);
}

/* What new processes with this file become: nothing, where each must be looked at first. */
static int put_file(struct attach *a, const struct target *t, const struct ft_proc *p)
{
	uint32_t index = p->hooks;
	struct ft_proc file = *p;

	if (p->flags & FT_PROC_AGENT || t->jit_built)
		file.flags |= FT_PROC_DORMANT;
	file.flags &= ~FT_PROC_GREENLETS;
	return bpf_map_update_elem(bpf_map__fd(a->skel->maps.ft_files), &index, &file, BPF_ANY)
		       ? -errno
		       : 0;
}

/* Does the process see other mounts than we do? */
static bool is_foreign(pid_t pid)
{
	struct stat ours, its;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	return !stat(path, &its) && !stat("/proc/self/ns/mnt", &ours) && its.st_ino != ours.st_ino;
}

int files_hook(struct attach *a, const struct target *t, const struct file *f,
	       const struct ft_proc *p, const struct hooks *hooks, struct why *w)
{
	int err = 0, slot = p->hooks;

	for (int i = 0; !err && i < hooks->count; i++)
		err = check_code(f, &hooks->site[i], w);
	if (err)
		return err;
	a->hooked[slot] = (struct hooked){.dev = f->dev,
					  .inode = f->inode,
					  .pid = a->follow ? -1 : t->pid,
					  .foreign = is_foreign(t->pid)};
	for (int i = 0; !err && i < hooks->count; i++)
		err = put_role(a, t, f, slot, hooks, i, w);
	if (!err && put_file(a, t, p))
		err = why(w, -EIO, "cannot fill the map of files");
	if (!err) {
		a->hooked[slot].used = true;
		a->skel->bss->ft_live[slot] = 1;
		a->nhooked += slot == a->nhooked;
		return 0;
	}
	links_close(&a->links[slot], 1);
	return err;
}

/* ---- files that no process runs any more ------------------------------------------------- */

struct users {
	unsigned of[HOOKED_MAX];
};

static void count_user(struct users *u, const struct ft_proc *p)
{
	u->of[p->hooks & (HOOKED_MAX - 1)]++;
}

/* What BPF knows tells who uses a file: it alone sees every fork, exec and end. */
static void count_users(const struct attach *a, struct users *ret)
{
	int procs = bpf_map__fd(a->skel->maps.ft_procs);
	uint32_t pid, *previous = NULL;
	struct ft_proc p;

	*ret = (struct users){};
	for (uint32_t n = bpf_map__max_entries(a->skel->maps.ft_procs) * 2;
	     n && !bpf_map_get_next_key(procs, previous, &pid); n--, previous = &pid) {
		if (!bpf_map_lookup_elem(procs, &pid, &p) && !(p.flags & FT_PROC_DORMANT))
			count_user(ret, &p);
		else if (!bpf_map_lookup_elem(bpf_map__fd(a->skel->maps.ft_looked_at), &pid, &p))
			count_user(ret, &p);
	}
}

static void note_idle(struct attach *a, uint64_t now)
{
	struct users u;

	count_users(a, &u);
	for (int i = 0; i < a->nhooked; i++)
		if (u.of[i])
			a->hooked[i].idle_ns = 0;
		else if (!a->hooked[i].idle_ns)
			a->hooked[i].idle_ns = now;
}

/* Slots to give back: the kernel takes as long for one as for many. */
struct idle {
	int slot[GIVEN_BACK], count;
};

/*
 * Takes the hooks out of files without users. Once ft_live says so no process begins to use them,
 * and one that did just before is counted now, or sees that itself (wake.bpf.c).
 */
static void give_back(struct attach *a, const struct idle *idle)
{
	struct links links[GIVEN_BACK];
	struct users u;
	int n = 0;

	for (int i = 0; i < idle->count; i++)
		a->skel->bss->ft_live[idle->slot[i]] = 0;
	count_users(a, &u);
	for (int i = 0; i < idle->count; i++) {
		int slot = idle->slot[i];

		if (u.of[slot]) {
			a->skel->bss->ft_live[slot] = 1;
			continue;
		}
		links[n++] = a->links[slot];
		a->links[slot].count = 0;
		a->hooked[slot].used = false;
	}
	links_close(links, n);
}

void attach_sweep(struct attach *a)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct idle idle = {.count = 0};

	if (now - a->swept_ns < SWEEP_NS)
		return;
	a->swept_ns = now;
	remains_sweep(a);
	note_idle(a, now);
	for (int i = 0; i < a->nhooked && idle.count < GIVEN_BACK; i++) {
		const struct hooked *h = &a->hooked[i];

		if (h->used && h->foreign && h->idle_ns && now - h->idle_ns >= IDLE_NS)
			idle.slot[idle.count++] = i;
	}
	if (idle.count)
		give_back(a, &idle);
}

static int free_slot(const struct attach *a)
{
	for (int i = 0; i < a->nhooked; i++)
		if (!a->hooked[i].used)
			return i;
	return a->nhooked;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Those that have been idle longest: all that became so before the time at which GIVEN_BACK had. */
static struct idle longest_idle(const struct attach *a)
{
	uint64_t since[HOOKED_MAX], last;
	struct idle idle = {.count = 0};
	int n = 0;

	for (int i = 0; i < a->nhooked; i++)
		if (a->hooked[i].idle_ns)
			since[n++] = a->hooked[i].idle_ns;
	if (!n)
		return idle;
	qsort(since, n, sizeof(*since), compare_ns);
	last = since[n < GIVEN_BACK ? n - 1 : GIVEN_BACK - 1];
	for (int i = 0; i < a->nhooked && idle.count < GIVEN_BACK; i++)
		if (a->hooked[i].idle_ns && a->hooked[i].idle_ns <= last)
			idle.slot[idle.count++] = i;
	return idle;
}

int files_slot(struct attach *a, struct why *w)
{
	struct idle idle;
	int slot = free_slot(a);

	if (slot < HOOKED_MAX)
		return slot;
	note_idle(a, clock_ns(CLOCK_MONOTONIC));
	idle = longest_idle(a);
	give_back(a, &idle);
	slot = free_slot(a);
	if (slot < HOOKED_MAX)
		return slot;
	return why(w, -E2BIG, "more than %d files or processes with hooks of their own at once",
		   HOOKED_MAX);
}
