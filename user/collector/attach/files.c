/* SPDX-License-Identifier: MIT */
/* The files that processes run, and the hooks in them. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach/attach_parts.h"
#include "attach/features.h"
#include "attach/returns.h"

/* Time for flowtrace_agent, which looks every 40 ms, to notice a listener and send it all names. */
#define GREETING_MS 60

struct file files_of(const struct target *t, const struct hooks *hooks)
{
	if (hooks->in_agent)
		return (struct file){t->agent.open_path, t->agent.fd, t->agent.dev, t->agent.inode};
	return (struct file){t->open_path, t->fd, t->dev, t->inode};
}

int files_find(const struct attach *a, const struct file *f, pid_t pid)
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

int files_hook(struct attach *a, const struct target *t, const struct file *f,
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
