/* SPDX-License-Identifier: MIT */
/* Processes and the files that they run: their entries in the BPF map, and the hooks. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach/attach_parts.h"
#include "attach/features.h"
#include "attach/returns.h"
#include "base/clock.h"

/* Time for flowtrace_agent, which looks every 40 ms, to notice a listener and send it all names. */
#define GREETING_MS 60

/* A file with hooks: an interpreter, or the extension in it. */
struct file {
	const char *open_path; /* borrowed from the target: /proc/self/fd/N ... */
	int fd;		       /* this descriptor, borrowed too */
	dev_t dev;
	ino_t inode;
};

static struct file file_of(const struct target *t, const struct hooks *hooks)
{
	if (hooks->in_agent)
		return (struct file){t->agent.open_path, t->agent.fd, t->agent.dev, t->agent.inode};
	return (struct file){t->open_path, t->fd, t->dev, t->inode};
}

/* Index of the hooked file; nhooked: it is not hooked yet. */
static int find_hooked(const struct attach *a, const struct file *f, pid_t pid)
{
	for (int i = 0; i < a->nhooked; i++) {
		const struct hooked *h = &a->hooked[i];

		if (h->dev == f->dev && h->inode == f->inode && (h->pid == -1 || h->pid == pid))
			return i;
	}
	return a->nhooked;
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

static int put_places(struct attach *a, const struct target *t, const struct file *f,
		      const struct places *places, struct why *w)
{
	const struct links_file file = {f->open_path, a->hooked[a->nhooked].pid};
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
	err = links_put(&a->links[a->nhooked], prog, &file, places);
	if (err)
		return features_explain_uprobe(err, t->pid, hook->name, w);
	/* The agent may send calls to other listeners already: wait for the names that we need
	 * first. */
	if (hook->role == HOOK_AGENT_LISTENER)
		usleep(GREETING_MS * 1000);
	return 0;
}

/* Hits of this hook wake new processes. */
static uint64_t cookie_of(const struct attach *a, const struct target *t, const struct hooks *hooks,
			  const struct hook *hook)
{
	if (hooks->in_agent || !a->skel->rodata->ft_settings.cookies)
		return 0;
	return FT_COOKIE(a->nhooked, t->code_at + (hook->file_offset - t->code_offset));
}

/* Attaches all hooks of a role at once, when the loop reaches the first of them. */
static int put_role(struct attach *a, const struct target *t, const struct file *f,
		    const struct hooks *hooks, int first, struct why *w)
{
	struct places places = {.count = 0};

	for (int i = 0; i < hooks->count; i++) {
		const struct hook *hook = &hooks->site[i];

		if (hook->role != hooks->site[first].role)
			continue;
		places.cookie[places.count] = cookie_of(a, t, hooks, hook);
		places.hook[places.count++] = hook;
	}
	if (places.hook[0] != &hooks->site[first])
		return 0;
	return attach_check_stopped(a, w) ?: put_places(a, t, f, &places, w);
}

/* What new processes with this file become: nothing, where each must be looked at first. */
static int put_file(struct attach *a, const struct target *t, const struct ft_proc *p)
{
	uint32_t index = a->nhooked;
	struct ft_proc file = *p;

	if (p->flags & FT_PROC_AGENT || t->jit_built)
		file.flags |= FT_PROC_DORMANT;
	file.flags &= ~FT_PROC_GREENLETS;
	return bpf_map_update_elem(bpf_map__fd(a->skel->maps.ft_files), &index, &file, BPF_ANY)
		       ? -errno
		       : 0;
}

static int put_hooks(struct attach *a, const struct target *t, const struct file *f,
		     const struct ft_proc *p, const struct hooks *hooks, struct why *w)
{
	int err = 0;

	for (int i = 0; !err && i < hooks->count; i++)
		err = check_code(f, &hooks->site[i], w);
	if (err)
		return err;
	if (a->nhooked == HOOKED_MAX)
		return why(w, -E2BIG,
			   "more than %d files or processes with hooks of their own at once",
			   HOOKED_MAX);
	a->hooked[a->nhooked] =
		(struct hooked){.dev = f->dev, .inode = f->inode, .pid = a->follow ? -1 : t->pid};
	for (int i = 0; !err && i < hooks->count; i++)
		err = put_role(a, t, f, hooks, i, w);
	if (!err && put_file(a, t, p))
		err = why(w, -EIO, "cannot fill the map of files");
	if (!err) {
		a->skel->bss->ft_live[a->nhooked++] = 1;
		return 0;
	}
	links_close(&a->links[a->nhooked], 1);
	return err;
}

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

static int put_proc(struct attach *a, pid_t pid, const struct ft_proc *p, uint64_t how,
		    struct why *w)
{
	uint32_t key = pid;

	if (!bpf_map_update_elem(bpf_map__fd(a->skel->maps.ft_procs), &key, p, how) ||
	    errno == EEXIST)
		return 0;
	return not_traced(pid, -errno, w);
}

static void drop_proc(struct attach *a, pid_t pid)
{
	uint32_t key = pid;

	bpf_map_delete_elem(bpf_map__fd(a->skel->maps.ft_looked_at), &key);
	bpf_map_delete_elem(bpf_map__fd(a->skel->maps.ft_procs), &key);
}

/* Deletes the entries of this process. The keys of all three maps are an address and a process. */
static void forget_all(int fd, uint32_t pid)
{
	struct code_key key, next, *previous = NULL;

	_Static_assert(sizeof(struct type_key) == sizeof(key) &&
			       offsetof(struct type_key, tgid) == offsetof(struct code_key, tgid),
		       "one kind of key");
	_Static_assert(sizeof(struct frame_key) == sizeof(key) &&
			       offsetof(struct frame_key, tgid) == offsetof(struct code_key, tgid),
		       "one kind of key");
	while (!bpf_map_get_next_key(fd, previous, &next)) {
		if (previous && key.tgid == pid)
			bpf_map_delete_elem(fd, &key);
		key = next;
		previous = &key;
	}
	if (previous && key.tgid == pid)
		bpf_map_delete_elem(fd, &key);
}

/*
 * A known process now runs another program: its addresses mean nothing any more. Without address
 * space randomization, other objects may even have the same ones.
 */
static void forget_program(struct attach *a, pid_t pid)
{
	forget_all(bpf_map__fd(a->skel->maps.ft_codes), pid);
	forget_all(bpf_map__fd(a->skel->maps.ft_types), pid);
	forget_all(bpf_map__fd(a->skel->maps.ft_suspended), pid);
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

int attach_process(struct attach *a, const struct target *t, uint64_t program,
		   const struct ft_layout *layout, const struct hooks *hooks, struct why *w)
{
	struct ft_proc p = proc_of(a, t, layout, hooks), known;
	struct file f = file_of(t, hooks);
	int err = read_proc(a, t->pid, &known);

	if (err) /* the kernel side drops who ends */
		return not_traced(t->pid, err, w);
	if (!(known.flags & FT_PROC_DORMANT))
		return 0;
	p.born = program ?: known.born;
	p.hooks = find_hooked(a, &f, t->pid);
	/* One that can be woken by its file has nothing to be forgotten: wake.bpf.c. */
	if ((known.flags & (FT_PROC_NEW | FT_PROC_SUSPENDS)) != FT_PROC_NEW)
		forget_program(a, t->pid);
	err = put_looked_at(a, t->pid, &p, w);
	if (!err && (int)p.hooks == a->nhooked)
		err = put_hooks(a, t, &f, &p, hooks, w);
	if (err)
		drop_proc(a, t->pid);
	return err;
}

static struct ft_proc not_hooked(const struct attach *a, bool follow)
{
	return (struct ft_proc){.policy = a->policy,
				.flags = FT_PROC_DORMANT | (follow ? FT_PROC_FOLLOW : 0)};
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
}

int attach_add(struct attach *a, pid_t pid, bool follow, struct why *w)
{
	struct ft_proc p = not_hooked(a, follow);

	return put_proc(a, pid, &p, BPF_NOEXIST, w);
}

int attach_reject_code(struct attach *a, uint32_t pid, uint64_t code, uint64_t described_ns)
{
	struct code_key key = {.code = code, .tgid = pid};
	int fd = bpf_map__fd(a->skel->maps.ft_codes);
	struct code_entry e;

	if (bpf_map_lookup_elem(fd, &key, &e))
		return -errno;
	if (e.described != (uint32_t)described_ns)
		return -ESTALE; /* another code object has that address now */
	e.verdict = e.role ? CODE_WATCH : e.varied ? CODE_VARIED : CODE_DROPPED;
	return bpf_map_update_elem(fd, &key, &e, BPF_EXIST) ? -errno : 0;
}
