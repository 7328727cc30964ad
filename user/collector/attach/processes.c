/* SPDX-License-Identifier: MIT */
/* Processes: their entries in the BPF map, and what user space found in them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "attach/attach_parts.h"
#include "base/clock.h"

/* The process, as BPF knows it. */
static int read_proc(const struct attach *a, pid_t pid, struct ft_proc *ret)
{
	uint32_t key = pid;

	return bpf_map_lookup_elem(bpf_map__fd(a->skel->maps.ft_procs), &key, ret) ? -errno : 0;
}

static int not_traced(pid_t pid, int err, struct why *w)
{
	if (err == -ENOENT)
		return why_exit(w, EXIT_NO_PROCESS, -ESRCH,
				"process %d exited while it was attached to", pid);
	return why(w, err, "cannot trace pid %d: %s", pid,
		   err == -E2BIG ? "too many processes at once: raise --max-processes"
				 : strerror(-err));
}

/* What threads know of their process may not hold any more. */
static void void_quick(struct attach *a)
{
	__atomic_fetch_add(&a->skel->bss->ft_epoch, 1, __ATOMIC_RELAXED);
}

static int put_proc(struct attach *a, pid_t pid, const struct ft_proc *p, uint64_t how,
		    struct why *w)
{
	uint32_t key = pid;
	int err =
		bpf_map_update_elem(bpf_map__fd(a->skel->maps.ft_procs), &key, p, how) ? -errno : 0;

	void_quick(a);
	if (!err || err == -EEXIST)
		return 0;
	return not_traced(pid, err, w);
}

static void drop_proc(struct attach *a, pid_t pid)
{
	uint32_t key = pid;

	bpf_map_delete_elem(bpf_map__fd(a->skel->maps.ft_looked_at), &key);
	bpf_map_delete_elem(bpf_map__fd(a->skel->maps.ft_procs), &key);
}

/*
 * A known process now runs another program, in which objects may have the same addresses. BPF sees
 * by ft_proc.born which code and types are of the one before, but not which frames.
 */
static void forget_program(struct attach *a, uint32_t pid)
{
	int fd = bpf_map__fd(a->skel->maps.ft_suspended);
	struct frame_key key, next, *previous = NULL;

	while (!bpf_map_get_next_key(fd, previous, &next)) {
		if (previous && key.tgid == pid)
			bpf_map_delete_elem(fd, &key);
		key = next;
		previous = &key;
	}
	if (previous && key.tgid == pid)
		bpf_map_delete_elem(fd, &key);
}

static void fill_numbers(struct ft_layout *l, const struct target *t, const struct hooks *hooks)
{
	struct ft_number *n = l->number;

	for (int i = 0; i < hooks->count && n < l->number + FT_NUMBERS; i++) {
		if (hooks->site[i].number.how == FT_NUMBER_NONE)
			continue;
		*n = hooks->site[i].number;
		n++->ip += t->bias;
	}
}

static struct ft_proc proc_of(const struct attach *a, const struct target *t,
			      const struct ft_layout *layout, const struct hooks *hooks)
{
	struct ft_proc p = {.layout = *layout};

	if (t->jit_built && t->jit_asked)
		p.flags |= FT_PROC_JIT;
	if (hooks->in_agent)
		p.flags |= FT_PROC_AGENT;
	if (t->greenlets)
		p.flags |= FT_PROC_GREENLETS;

	/* These hooks see every exit, so BPF need not infer exits from the chain of frames. Up to
	 * 3.10 that chain is even broken while an exception is thrown into a generator
	 * (genobject.c, _gen_throw, sets tstate->frame by hand). */
	for (int i = 0; i < hooks->count; i++)
		if (hooks->site[i].role == HOOK_FRAME_EXIT ||
		    hooks->site[i].role == HOOK_FRAME_CLEAR)
			p.layout.exits_exact = 1;
	p.layout.exit_register = hooks->exit_register;
	fill_numbers(&p.layout, t, hooks);
	return p;
}

/* BPF takes it at the process's next hit, since it alone changes what a process is. */
static int put_looked_at(struct attach *a, pid_t pid, const struct ft_proc *p, struct why *w)
{
	uint32_t key = pid;

	if (bpf_map_update_elem(bpf_map__fd(a->skel->maps.ft_looked_at), &key, p, BPF_ANY))
		return not_traced(pid, -errno, w);
	return 0;
}

uint64_t attach_program_of(const struct attach *a, pid_t pid)
{
	struct ft_proc p;

	return read_proc(a, pid, &p) ? 0 : p.born;
}

int attach_process(struct attach *a, const struct target *t, uint64_t program, uint32_t policy,
		   const struct ft_layout *layout, const struct hooks *hooks, struct why *w)
{
	struct ft_proc p = proc_of(a, t, layout, hooks), known;
	struct file f = files_of(a, t, hooks);
	int err = read_proc(a, t->pid, &known), slot;

	if (err) /* the kernel side drops who ends */
		return not_traced(t->pid, err, w);
	if (!(known.flags & FT_PROC_DORMANT))
		return known.policy == policy ? 0 : attach_set_policy(a, t->pid, policy);
	p.policy = policy;
	p.born = program ?: known.born;
	slot = files_find(a, &f, t->pid);
	p.hooks = slot >= 0 ? slot : files_slot(a, w);
	if ((int)p.hooks < 0)
		return p.hooks;
	/* One that can be woken by its file has nothing to be forgotten: wake.bpf.c. */
	if ((known.flags & (FT_PROC_NEW | FT_PROC_SUSPENDS)) != FT_PROC_NEW)
		forget_program(a, t->pid);
	err = put_looked_at(a, t->pid, &p, w);
	if (!err && slot < 0)
		err = files_hook(a, t, &f, &p, hooks, w);
	if (err)
		drop_proc(a, t->pid);
	return err;
}

static struct ft_proc not_hooked(const struct attach *a, bool follow)
{
	return (struct ft_proc){.born = clock_ns(CLOCK_MONOTONIC),
				.flags = FT_PROC_DORMANT | (follow ? FT_PROC_FOLLOW : 0) |
					 (a->ask ? FT_PROC_ASK : 0)};
}

/* Adds a flag to an entry that is there; false: it is not, or not any more. */
static bool add_flag(int fd, pid_t pid, uint32_t flag)
{
	uint32_t key = pid;
	struct ft_proc p;

	if (bpf_map_lookup_elem(fd, &key, &p))
		return false;
	p.flags |= flag;
	return !bpf_map_update_elem(fd, &key, &p, BPF_EXIST);
}

void attach_began_before(struct attach *a, pid_t pid)
{
	struct ft_proc known;

	if (!read_proc(a, pid, &known) && known.flags & FT_PROC_NEW)
		(void)add_flag(bpf_map__fd(a->skel->maps.ft_looked_at), pid, FT_PROC_UNSEEN);
}

bool attach_is_dormant(const struct attach *a, pid_t pid)
{
	struct ft_proc p;

	return !read_proc(a, pid, &p) && p.flags & FT_PROC_DORMANT;
}

void attach_withdraw(struct attach *a, pid_t pid, bool follow)
{
	struct ft_proc p = not_hooked(a, true);
	uint32_t key = pid;

	bpf_map_delete_elem(bpf_map__fd(a->skel->maps.ft_looked_at), &key);
	if (!follow || put_proc(a, pid, &p, BPF_EXIST, NULL))
		drop_proc(a, pid);
}

void attach_refuse(struct attach *a, pid_t pid)
{
	struct ft_proc known, p;

	if (read_proc(a, pid, &known) || known.flags & FT_PROC_DORMANT)
		return;
	p = not_hooked(a, known.flags & FT_PROC_FOLLOW);
	(void)put_proc(a, pid, &p, BPF_EXIST, NULL);
}

void attach_greenlets(struct attach *a, pid_t pid)
{
	struct ft_proc known;

	/* Of a dormant process the look is written to: what BPF makes of it is not undone. */
	if (!add_flag(bpf_map__fd(a->skel->maps.ft_looked_at), pid, FT_PROC_GREENLETS) &&
	    !read_proc(a, pid, &known) && !(known.flags & FT_PROC_GREENLETS))
		(void)add_flag(bpf_map__fd(a->skel->maps.ft_procs), pid, FT_PROC_GREENLETS);
	void_quick(a);
}

/* One that begins during the run. */
static struct ft_proc newcomer(const struct attach *a)
{
	struct ft_proc p = not_hooked(a, true);

	p.flags |= FT_PROC_NEW;
	return p;
}

int attach_fill_unknown(struct attach *a)
{
	struct ft_proc p = newcomer(a);
	uint32_t index = FT_UNKNOWN;

	p.flags |= FT_PROC_FOUND;
	return bpf_map_update_elem(bpf_map__fd(a->skel->maps.ft_files), &index, &p, BPF_ANY)
		       ? -errno
		       : 0;
}

void attach_ask(struct attach *a)
{
	a->ask = true;
	(void)attach_fill_unknown(a); /* an element of an array: it is there */
}

void attach_leave_out(struct attach *a, pid_t pid)
{
	struct ft_proc p = {.flags = FT_PROC_LEFT_OUT};

	/* One that has ended meanwhile is not put back: its pid may become another's. */
	(void)put_proc(a, pid, &p, BPF_EXIST, NULL);
}

int attach_add_new(struct attach *a, pid_t pid, struct why *w)
{
	struct ft_proc p = newcomer(a);

	return put_proc(a, pid, &p, BPF_NOEXIST, w);
}

int attach_add(struct attach *a, pid_t pid, bool follow, struct why *w)
{
	struct ft_proc p = not_hooked(a, follow);

	return put_proc(a, pid, &p, BPF_NOEXIST, w);
}

int attach_set_policy(struct attach *a, pid_t pid, uint32_t number)
{
	LIBBPF_OPTS(bpf_test_run_opts, o);
	struct ft_proc known;
	uint64_t args[3] = {pid, 0, number};
	int err = read_proc(a, pid, &known);

	if (err)
		return -ESRCH;
	args[1] = known.born;
	o.ctx_in = args;
	o.ctx_size_in = sizeof(args);
	err = bpf_prog_test_run_opts(bpf_program__fd(a->skel->progs.ft_set_policy), &o);
	return err ? -errno : o.retval ? 0 : -ESRCH;
}

void attach_each_policy(const struct attach *a, void (*fn)(void *arg, pid_t pid, uint32_t number),
			void *arg)
{
	int procs = bpf_map__fd(a->skel->maps.ft_procs);
	uint32_t pid, *previous = NULL;
	struct ft_proc p;

	for (uint32_t n = bpf_map__max_entries(a->skel->maps.ft_procs) * 2;
	     n && !bpf_map_get_next_key(procs, previous, &pid); n--, previous = &pid) {
		if (bpf_map_lookup_elem(procs, &pid, &p))
			continue;
		if (p.flags & FT_PROC_DORMANT)
			(void)bpf_map_lookup_elem(bpf_map__fd(a->skel->maps.ft_looked_at), &pid,
						  &p);
		if (!(p.flags & FT_PROC_LEFT_OUT))
			fn(arg, pid, p.policy);
	}
}
