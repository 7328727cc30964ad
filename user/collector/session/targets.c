/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "discover/discover.h"
#include "node/names.h"
#include "targets_parts.h"

#define CHILDREN_MAX 4096    /* existing children of one process */
#define FIRST_ANSWER_MS 2000 /* of the API server, before anything is hooked */

static void forget(struct targets *t, pid_t pid)
{
	procs_drop(&t->procs, pid);
	/* The end of a command is reported by wait(2), and --all has none. */
	if (!t->procs.count && !t->launch && !t->config->all)
		t->ended = true;
}

/* ---- what was asked for -------------------------------------------------------------- */

/* Examines every pid before any output is opened or process touched. */
static int prepare_pids(struct targets *t, struct prepared *r)
{
	int err = 0;

	for (size_t i = 0; !err && i < t->config->npids; i++) {
		err = prepare(t->config->pids[i], t->config, t->binaries, &r[i], t->why);
		if (err != -ENOENT || t->config->follow != 1)
			continue;
		/* --follow asks for its children too, and for a libpython that it loads. */
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
	proc = procs_add(&t->procs, pid);
	if (!proc)
		return why(t->why, -E2BIG, "more than %d processes at once: raise --max-processes",
			   t->procs.max);
	targets_watch(t, proc);
	ui_note(t->ui,
		"pid %d runs no Python: what it starts, and a libpython that it loads, is traced",
		pid);
	return 0;
}

static int attach_pid(struct targets *t, const struct prepared *r)
{
	pid_t pid = r->target.pid;
	uint32_t policy = 0;
	enum choice choice;
	int err;

	if (!r->target.binary)
		return attach_bare(t, pid);
	identities_learn(t->identities, pid);
	choice = identities_choice(t->identities, t->config, pid);
	if (choice == CHOICE_LATER)
		return targets_decide_later(t, pid, false);
	if (choice == CHOICE_NO || rulebook_policy(t->rulebook, pid, &policy))
		return why_exit(t->why, EXIT_NOT_PERMITTED, -EPERM, "pid %d is not traced: %s", pid,
				LOOK_REFUSED);
	err = attach_add(t->attach, pid, t->config->follow == 1, t->why);
	if (!err)
		err = discover_unless_gone(
			pid, look_hook(t->attach, t->config, 0, policy, r, t->why), t->why);
	if (err)
		return err;
	targets_tell_hooked(t, r);
	if (!procs_add(&t->procs, pid))
		return why(t->why, -E2BIG, "more than %d processes at once: raise --max-processes",
			   t->procs.max);
	return 0;
}

/* Existing children: the kernel reports only new ones. */
static void look_at_children(struct targets *t, pid_t pid, pid_t *child)
{
	int n = discover_children(pid, child, CHILDREN_MAX);

	for (int i = 0; i < n; i++)
		if (!procs_find(&t->procs, child[i]))
			t->children += looks_ask(t->looks, child[i], LOOK_CHILD) != 0;
}

static void attach_children(struct targets *t)
{
	pid_t *child = t->config->follow == 1 ? calloc(CHILDREN_MAX, sizeof(*child)) : NULL;

	for (size_t i = 0; child && i < t->config->npids; i++)
		look_at_children(t, t->config->pids[i], child);
	free(child);
}

static int start_command(struct targets *t)
{
	bool follow = t->config->follow == 1;
	int err = launch_new(t->config->command, follow, &t->launch, t->why);

	if (err)
		return err;
	err = attach_add(t->attach, launch_pid(t->launch), follow, t->why);
	if (!err && !procs_add(&t->procs, launch_pid(t->launch)))
		err = -E2BIG;
	if (!err)
		err = launch_go(t->launch, t->why);
	return err;
}

/* A launched process is held at its exec until it is looked at. */
static int on_held(struct targets *t, pid_t pid)
{
	struct proc *proc = procs_add(&t->procs, pid);

	if (proc) {
		proc->held = true;
		targets_look_at(t, pid);
		return 0;
	}
	if (pid == launch_pid(t->launch))
		return why(t->why, -E2BIG, "more than %d processes at once: raise --max-processes",
			   t->procs.max);
	ui_note(t->ui,
		"pid %d is not traced: more than %d processes at once: raise --max-processes", pid,
		t->procs.max);
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
	err = t->prepared && !procs_init(&t->procs, c->max_processes)
		      ? binaries_new(&t->binaries, w)
		      : why(w, -ENOMEM, "out of memory");
	if (!err)
		err = identities_new(c, NAMES_LOGS, &t->identities, w);
	if (!err)
		err = rulebook_new(c, &t->rulebook, w);
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
	launch_free(t->launch, !t->running);
	if (t->stuck)
		return; /* a stuck thread may still use the rest */
	for (size_t i = 0; t->prepared && i < t->config->npids; i++)
		target_release(&t->prepared[i].target);
	free(t->prepared);
	procs_release(&t->procs);
	free(t->scan.pid);
	map_release(&t->finds.files);
	loads_free(t->loads);
	looks_free(t->looks);
	identities_free(t->identities);
	rulebook_free(t->rulebook);
	binaries_free(t->binaries);
	free(t);
}

/* Any that are asked for, when others may join them. */
unsigned targets_roles(const struct targets *t)
{
	unsigned roles = 0;

	if (t->config->follow == 1)
		return prepare_roles(t->config);
	for (size_t i = 0; i < t->config->npids; i++)
		roles |= prepared_roles(&t->prepared[i]);
	return roles;
}

int targets_attach(struct targets *t, struct attach *a)
{
	int err;

	t->attach = a;
	identities_wait(t->identities, FIRST_ANSWER_MS);
	targets_tell_notes(t);
	t->joined_ns = clock_ns(CLOCK_MONOTONIC);
	rulebook_use(t->rulebook, a, t->identities);
	err = looks_new(t->config, a, t->binaries, &t->looks, t->why);
	for (size_t i = 0; !err && i < t->config->npids; i++)
		err = attach_pid(t, &t->prepared[i]);
	if (err)
		return err;
	looks_follow(t->looks, t->rulebook);
	looks_identify(t->looks, t->identities);
	if (t->config->command)
		err = start_command(t);
	else if (t->config->all)
		err = targets_attach_all(t);
	else
		attach_children(t);
	if (!err && t->config->config_file) /* which may change */
		looks_wake(t->looks);
	return err;
}

/* BPF knows the child already, and traces it as it does the parent: not at all if the fork was
 * between the parent's exec and its hooks. */
static void on_fork(struct targets *t, pid_t pid, pid_t child_pid)
{
	const struct proc *parent = procs_find(&t->procs, pid);
	bool bare = parent && parent->bare, refused = parent && parent->refused;
	struct proc *child = procs_add(&t->procs, child_pid);

	if (!child) {
		ui_note(t->ui,
			"more than %d processes at once: the end of pid %d will not be noticed "
			"(--max-processes)",
			t->procs.max, child_pid);
		return;
	}
	child->refused = refused;
	if (bare)
		targets_watch(t, child);
	else if (!refused && attach_is_dormant(t->attach, child_pid))
		targets_look_at(t, child_pid);
}

static bool exec_known(struct targets *t, const struct event *e)
{
	const struct proc *proc = procs_find(&t->procs, e->pid);

	return proc && proc->asked_ns >= e->ts_ns;
}

void targets_process(struct targets *t, const struct event *e)
{
	switch (e->type) {
	case EVENT_PROC_FORK:
		on_fork(t, e->pid, e->other_pid);
		break;
	case EVENT_PROC_EXEC:
		if (!launch_holds(t->launch, e->pid) && !exec_known(t, e))
			targets_look_at(t, e->pid);
		break;
	case EVENT_PROC_EXIT:
		forget(t, e->pid);
		break;
	default:
		break;
	}
}

struct identities *targets_identities(const struct targets *t)
{
	return t->identities;
}

struct rulebook *targets_rulebook(const struct targets *t)
{
	return t->rulebook;
}

void targets_reread(struct targets *t)
{
	if (!t->looks || !t->config->config_file)
		return;
	rulebook_reread(t->rulebook);
	looks_wake(t->looks);
}

void targets_drop_dead(struct targets *t)
{
	for (int i = t->procs.count - 1; i >= 0; i--)
		if (kill(t->procs.at[i].pid, 0) && errno == ESRCH) {
			identities_forget(t->identities, t->procs.at[i].pid);
			forget(t, t->procs.at[i].pid);
		}
}

int targets_loads_fd(const struct targets *t)
{
	return t->loads ? loads_fd(t->loads) : -1;
}

int targets_looks_fd(const struct targets *t)
{
	return t->looks ? looks_fd(t->looks) : -1;
}

bool targets_stop(struct targets *t)
{
	struct look *k;

	t->stuck = !looks_stop(t->looks);
	while (!t->stuck && t->looks && (k = looks_take(t->looks))) {
		t->any_python |= !k->err;
		look_free(k);
	}
	return !t->stuck;
}

unsigned targets_count(const struct targets *t)
{
	return t->procs.count;
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
	return why_exit(w, EXIT_NO_PROCESS, -ENOENT, "'%s' ran no Python%s", t->config->command[0],
			t->config->follow == 1 ? ""
					       : " itself (--no-follow leaves its children out)");
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
