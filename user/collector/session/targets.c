/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/launch.h"
#include "attach/loads.h"
#include "base/clock.h"
#include "cpython/cpython.h"
#include "discover/discover.h"
#include "prepare.h"
#include "targets.h"

#define PROCS_MAX 1024
#define RETRY_LIMIT_NS (2 * NS_PER_SECOND) /* for a libpython to be mapped after an exec */

/* To look at a process takes some milliseconds, in the loop that drains the ring. Its files can be
 * made so that it takes a fifth of a second (discover/budget.h): after a long look, nobody is
 * looked at for four times as long. */
#define LONG_LOOK_NS (20 * NS_PER_MS)
#define PAUSE 4

/* A process that is traced or followed. */
struct proc {
	pid_t pid;
	uint64_t hooked_ns;	   /* when it was last looked at: an exec before that is known */
	uint64_t retry_until_ns;   /* its libpython is awaited; 0 = not */
	bool bare;		   /* no Python in it so far: it may load one */
	bool refused;		   /* its Python cannot be traced: said once */
	bool loaded;		   /* it did, and runs on meanwhile */
	uint64_t look_ns, wait_ns; /* ... and is looked at then, in case that we were not told */
};

struct targets {
	const struct config *config; /* borrowed */
	const struct ui *ui;	     /* borrowed */
	struct why *why;	     /* borrowed */
	struct attach *attach;	     /* borrowed */
	struct launch *launch;
	struct binaries *binaries; /* that were looked at so far */
	struct loads *loads; /* once a process has no Python in it; NULL = not, or not permitted */
	struct prepared *prepared; /* one for each --pid */

	struct proc procs[PROCS_MAX];
	int nprocs;
	uint64_t look_from_ns;	      /* newcomers wait until then */
	bool told_blind;	      /* said that contexts are not hooked */
	bool any_python, any_library; /* hooked; seen in a process, hooked or not */
	bool running;		      /* the command was let go: it is not ours to end any more */
	bool ended;
	int command_status;
	struct why refused; /* why the command itself could not be hooked */
};

/* ---- the table -------------------------------------------------------------------- */

static struct proc *proc_find(struct targets *t, pid_t pid)
{
	for (int i = 0; i < t->nprocs; i++)
		if (t->procs[i].pid == pid)
			return &t->procs[i];
	return NULL;
}

static struct proc *proc_add(struct targets *t, pid_t pid)
{
	struct proc *known = proc_find(t, pid);

	if (known)
		return known;
	if (t->nprocs == PROCS_MAX)
		return NULL;
	t->procs[t->nprocs] = (struct proc){.pid = pid};
	return &t->procs[t->nprocs++];
}

static void proc_drop(struct targets *t, pid_t pid)
{
	struct proc *gone = proc_find(t, pid);

	if (gone)
		*gone = t->procs[--t->nprocs];
	if (!t->nprocs && !t->launch) /* a command's end is told by wait(2) */
		t->ended = true;
}

/* ---- what loads a libpython later ------------------------------------------------------ */

#define LOOK_FIRST_NS NS_PER_SECOND
#define LOOK_LAST_NS (32 * NS_PER_SECOND)

/*
 * Apache, PostgreSQL, vim and others load an interpreter when it is first needed. The kernel tells
 * of every library that is loaded; in case that it does not, or that it was loaded just before,
 * the process is looked at, less and less often.
 */
static void watch(struct targets *t, struct proc *proc)
{
	proc->bare = true;
	proc->wait_ns = LOOK_FIRST_NS;
	proc->look_ns = 0;
	if (!t->loads)
		(void)loads_new(discover_is_library, &t->loads);
}

/* It has a libpython now: it is hooked as soon as that can be read. */
static void on_library(struct targets *t, struct proc *proc, pid_t tid)
{
	t->any_library = true;
	proc->bare = false;
	if (tid == proc->pid && launch_stop(t->launch, proc->pid))
		return; /* held until it is hooked, so its first call is seen */
	proc->loaded = true;
	proc->retry_until_ns = clock_ns(CLOCK_MONOTONIC) + RETRY_LIMIT_NS;
}

static void look_for_library(struct targets *t, struct proc *proc, uint64_t now)
{
	if (!proc->bare || now < proc->look_ns)
		return;
	proc->look_ns = now + proc->wait_ns;
	if (proc->wait_ns < LOOK_LAST_NS)
		proc->wait_ns *= 2;
	if (discover_has_library(proc->pid))
		on_library(t, proc, 0);
}

static void look_at_loads(struct targets *t)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct load load;

	while (t->loads && loads_next(t->loads, &load)) {
		struct proc *proc = proc_find(t, load.pid);

		if (proc && proc->bare)
			on_library(t, proc, load.tid);
		for (int i = 0; !load.pid && i < t->nprocs; i++)
			t->procs[i].look_ns = 0;
	}
	for (int i = 0; i < t->nprocs; i++)
		look_for_library(t, &t->procs[i], now);
}

/* ---- from a pid to hooks ------------------------------------------------------------ */

/* Hooks what was looked at, or nothing: its number may be another's by now. */
static int attach_same(struct targets *t, const struct prepared *r, struct why *w)
{
	int err = attach_process(t->attach, &r->target, &r->layout, &r->hooks, w);

	if (err)
		return err;
	err = discover_unchanged(&r->target, w);
	if (err)
		attach_withdraw(t->attach, r->target.pid, err == -ESTALE && t->config->follow == 1);
	return err;
}

static int hook(struct targets *t, const struct prepared *r, struct why *w)
{
	const struct target *p = &r->target;
	int err = attach_same(t, r, w);

	if (err)
		return err;
	t->any_python = true;
	/* Loaded since it was looked at, where no hook told of it yet. */
	if (!p->greenlets && !r->hooks.in_agent && discover_greenlets(p->pid))
		attach_greenlets(t->attach, p->pid);
	if (!t->told_blind && attach_blind_to_contexts(t->attach)) {
		t->told_blind = true;
		ui_note(t->ui, "this kernel can kill a program with a seccomp filter at a probe of "
			       "a return (mended in 6.14 and late 6.12), so none is put: calls in "
			       "other tasks and threads of a request have no request_id");
	}
	if (p->http_unseen && t->config->http && !r->hooks.in_agent)
		ui_note(t->ui, "pid %d: not seen: %s", p->pid, p->http_unseen);
	if (t->config->verbose)
		ui_note(t->ui, "pid %d: CPython %d.%d, %s, %d sites in %s", p->pid, p->major,
			p->minor, r->hooks.backend, r->hooks.count,
			r->hooks.in_agent ? p->agent.path : p->binary);
	return 0;
}

static int look(struct targets *t, pid_t pid, struct prepared *r, struct why *w)
{
	uint64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID), took;
	int err = prepare(pid, t->config, t->binaries, r, w);

	took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - began;
	if (took > LONG_LOOK_NS)
		t->look_from_ns = clock_ns(CLOCK_MONOTONIC) + PAUSE * took;
	return err;
}

static int hook_pid(struct targets *t, pid_t pid, struct why *w)
{
	struct proc *proc = proc_find(t, pid);
	struct prepared r = {};
	int err;

	if (proc)
		proc->hooked_ns = clock_ns(CLOCK_MONOTONIC);
	err = look(t, pid, &r, w);
	if (!err)
		err = hook(t, &r, w);
	target_release(&r.target);
	return err;
}

/* A process that came to us by fork or exec: it may be anything. */
static int hook_if_python(struct targets *t, pid_t pid, struct why *w)
{
	struct proc *proc = proc_add(t, pid);
	int err;

	if (!proc)
		return why(w, -E2BIG, "more than %d processes at once", PROCS_MAX);
	if (clock_ns(CLOCK_MONOTONIC) < t->look_from_ns && !launch_holds(t->launch, pid))
		err = why_exit(w, EXIT_NO_PROCESS, -EAGAIN, "others are looked at first");
	else
		err = hook_pid(t, pid, w);
	proc->bare = false;
	proc->refused = err && w->exit_status != EXIT_NO_PROCESS;
	if (err == -ENOENT)
		watch(t, proc);
	if (err == -EAGAIN && !proc->retry_until_ns)
		proc->retry_until_ns = clock_ns(CLOCK_MONOTONIC) + RETRY_LIMIT_NS;
	else if (err != -EAGAIN)
		proc->retry_until_ns = 0;
	proc->loaded &= err == -EAGAIN;
	return err;
}

int targets_fd(const struct targets *t)
{
	return t->loads ? loads_fd(t->loads) : -1;
}

static void hook_or_note(struct targets *t, pid_t pid)
{
	struct why w = {};

	if (!hook_if_python(t, pid, &w) || w.exit_status == EXIT_NO_PROCESS)
		return;
	if (t->launch && pid == launch_pid(t->launch))
		t->refused = w; /* the command is running by now: told at its end */
	else
		ui_note(t->ui, "pid %d is not traced: %s", pid, w.text);
}

static bool exec_known(struct targets *t, const struct event *e)
{
	const struct proc *proc = proc_find(t, e->pid);

	return proc && proc->hooked_ns >= e->ts_ns;
}

bool targets_retry(struct targets *t)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	bool waiting = false;

	look_at_loads(t);
	for (int i = 0; i < t->nprocs; i++) {
		if (!t->procs[i].retry_until_ns ||
		    (launch_holds(t->launch, t->procs[i].pid) && !t->procs[i].loaded))
			continue; /* who is held is looked at when it stops */
		if (now > t->procs[i].retry_until_ns)
			t->procs[i].retry_until_ns = 0;
		else
			hook_or_note(t, t->procs[i].pid);
		waiting |= t->procs[i].retry_until_ns != 0;
	}
	return waiting;
}

/* ---- what was asked for -------------------------------------------------------------- */

/* Looks at every pid before any file is opened or process touched. */
static int prepare_pids(struct targets *t, struct prepared *r)
{
	int err = 0;

	for (size_t i = 0; !err && i < t->config->npids; i++) {
		err = prepare(t->config->pids[i], t->config, t->binaries, &r[i], t->why);
		if (err != -ENOENT || t->config->follow != 1)
			continue;
		/* Its children are asked for too, and what it may load. */
		r[i] = (struct prepared){.target.pid = t->config->pids[i]};
		*t->why = (struct why){};
		err = 0;
	}
	return err;
}

/* A process without Python, which was asked for with --follow. */
static int attach_bare(struct targets *t, pid_t pid)
{
	struct proc *proc;
	int err = attach_add(t->attach, pid, true, t->why);

	if (err)
		return err;
	proc = proc_add(t, pid);
	if (!proc)
		return why(t->why, -E2BIG, "more than %d processes at once", PROCS_MAX);
	watch(t, proc);
	ui_note(t->ui,
		"pid %d runs no Python: what it starts, and a libpython that it loads, is traced",
		pid);
	return 0;
}

static int attach_pid(struct targets *t, const struct prepared *r)
{
	pid_t pid = r->target.pid;
	int err;

	if (!r->target.binary)
		return attach_bare(t, pid);
	err = attach_add(t->attach, pid, t->config->follow == 1, t->why);
	if (!err)
		err = discover_unless_gone(pid, hook(t, r, t->why), t->why);
	if (err)
		return err;
	if (!proc_add(t, pid))
		return why(t->why, -E2BIG, "more than %d processes at once", PROCS_MAX);
	return 0;
}

/* Children that were there before us: the kernel reports only those that come now. */
static void attach_children(struct targets *t)
{
	pid_t child[256];

	if (t->config->follow != 1)
		return;
	for (size_t i = 0; i < t->config->npids; i++) {
		int n = discover_python_children(t->config->pids[i], child, 256);

		for (int k = 0; k < n; k++)
			if (!attach_add(t->attach, child[k], true, NULL))
				hook_or_note(t, child[k]);
	}
}

static int start_command(struct targets *t)
{
	int err = launch_new(t->config->command, &t->launch, t->why);

	if (err)
		return err;
	err = attach_add(t->attach, launch_pid(t->launch), true, t->why);
	if (!err && !proc_add(t, launch_pid(t->launch)))
		err = -E2BIG;
	if (!err)
		err = launch_go(t->launch, t->why);
	return err;
}

/* Has it been waited for as long as is sensible? */
static bool given_up(struct targets *t, pid_t pid)
{
	const struct proc *proc = proc_find(t, pid);

	return !proc || clock_ns(CLOCK_MONOTONIC) > proc->retry_until_ns;
}

/* A launched process is held at its exec. */
static int on_held(struct targets *t, pid_t pid)
{
	struct why w = {};
	int err = hook_if_python(t, pid, &w);
	bool command = pid == launch_pid(t->launch);

	if (err == -ENOENT) { /* sh, env, ...: what it becomes next is looked at again */
		t->running = true;
		launch_hold_on(t->launch, pid);
		return 0;
	}
	if (err == -EAGAIN && !given_up(t, pid)) {
		launch_step(t->launch, pid);
		return 0;
	}
	if (err && command)
		return why_exit(t->why, w.exit_status, err, "%s", w.text);
	if (err)
		ui_note(t->ui, "pid %d is not traced: %s", pid, w.text);
	t->running = true;
	launch_release(t->launch, pid);
	return 0;
}

int targets_children(struct targets *t)
{
	enum launch_event what;
	int status = 0, err = 0;
	pid_t pid;

	while (!err && t->launch &&
	       (what = launch_next(t->launch, &pid, &status)) != LAUNCH_NOTHING) {
		if (what == LAUNCH_EXEC) {
			err = on_held(t, pid);
		} else {
			t->command_status = status;
			t->ended = true;
		}
	}
	return err;
}

/* ---- what the header promises ---------------------------------------------------------- */

int targets_new(const struct config *c, const struct ui *ui, struct targets **ret_targets,
		struct why *w)
{
	struct targets *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return why(w, -ENOMEM, "out of memory");
	t->config = c;
	t->ui = ui;
	t->why = w;
	t->prepared = calloc(c->npids + 1, sizeof(*t->prepared));
	err = t->prepared ? binaries_new(&t->binaries, w) : why(w, -ENOMEM, "out of memory");
	if (!err)
		err = prepare_pids(t, t->prepared);
	if (err) {
		targets_free(t);
		return err;
	}
	*ret_targets = t;
	return 0;
}

void targets_free(struct targets *t)
{
	if (!t)
		return;
	for (size_t i = 0; t->prepared && i < t->config->npids; i++)
		target_release(&t->prepared[i].target);
	free(t->prepared);
	launch_free(t->launch, !t->running);
	loads_free(t->loads);
	binaries_free(t->binaries);
	free(t);
}

/* Any, when others may join them. */
unsigned targets_roles(const struct targets *t)
{
	unsigned roles = 0;

	for (size_t i = 0; t->config->follow != 1 && i < t->config->npids; i++)
		roles |= prepared_roles(&t->prepared[i]);
	return roles;
}

int targets_attach(struct targets *t, struct attach *a)
{
	int err = 0;

	t->attach = a;
	if (t->config->command)
		return start_command(t);
	for (size_t i = 0; !err && i < t->config->npids; i++)
		err = attach_pid(t, &t->prepared[i]);
	if (!err)
		attach_children(t);
	return err;
}

/* The kernel side knows it already, and traces it as it does the parent: not, where that was forked
 * between its exec and its hooks. */
static void on_fork(struct targets *t, pid_t pid, pid_t child_pid)
{
	const struct proc *parent = proc_find(t, pid);
	bool bare = parent && parent->bare, refused = parent && parent->refused;
	struct proc *child = proc_add(t, child_pid);

	if (!child) {
		ui_note(t->ui,
			"more than %d processes at once: the end of pid %d will not be noticed",
			PROCS_MAX, child_pid);
		return;
	}
	child->refused = refused;
	if (bare)
		watch(t, child);
	else if (!refused && attach_is_dormant(t->attach, child_pid))
		hook_or_note(t, child_pid);
}

void targets_process(struct targets *t, const struct event *e)
{
	switch (e->type) {
	case EVENT_PROC_FORK:
		on_fork(t, e->pid, e->other_pid);
		break;
	case EVENT_PROC_EXEC:
		if (!launch_holds(t->launch, e->pid) && !exec_known(t, e))
			hook_or_note(t, e->pid);
		break;
	case EVENT_PROC_EXIT:
		proc_drop(t, e->pid);
		break;
	default:
		break;
	}
}

void targets_drop_dead(struct targets *t)
{
	for (int i = t->nprocs - 1; i >= 0; i--)
		if (kill(t->procs[i].pid, 0) && errno == ESRCH)
			proc_drop(t, t->procs[i].pid);
}

bool targets_any_python(const struct targets *t)
{
	return t->any_python;
}

bool targets_ended(const struct targets *t)
{
	return t->ended;
}

int targets_untraced(const struct targets *t, struct why *w)
{
	if (t->any_python || !t->config->command)
		return 0;
	if (t->refused.text[0])
		return why_exit(w, t->refused.exit_status, -ENOEXEC, "%s", t->refused.text);
	if (!t->ended || t->command_status)
		return 0;
	if (t->any_library)
		return why_exit(w, EXIT_NO_PROCESS, -ENOENT,
				"'%s' loaded a libpython and ended before that could be hooked",
				t->config->command[0]);
	return why_exit(w, EXIT_NO_PROCESS, -ENOENT, "'%s' ran no Python", t->config->command[0]);
}

int targets_command_status(const struct targets *t)
{
	return t->command_status;
}

void targets_untraced_children(const struct targets *t, char *text, size_t size)
{
	pid_t child[64];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; t->config->follow != 1 && i < t->config->npids; i++) {
		int n = discover_python_children(t->config->pids[i], child, 64);

		for (int k = 0; k < n && len < size; k++)
			len += snprintf(text + len, size - len, "%s%d", len ? " " : "", child[k]);
	}
}
