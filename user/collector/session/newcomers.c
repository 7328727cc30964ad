/* SPDX-License-Identifier: MIT */
/*
 * A process that is new, or that runs another program after an exec, is examined (looks.h), and the
 * result is reported. A held process waits for that. A process whose libpython is being mapped is
 * examined again.
 */
#include <errno.h>

#include "base/clock.h"
#include "cpython/cpython.h"
#include "targets_parts.h"

#define RETRY_EVERY_NS NS_PER_MS
#define DECIDE_EVERY_NS (20 * NS_PER_MS)

/* What was asked for, and does not show in this process. */
static void tell_unseen(struct targets *t, const struct prepared *r)
{
	bool returns = !attach_blind_to_contexts(t->attach);
	const struct target *p = &r->target;

	if (p->http_unseen && t->config->http && !r->hooks.in_agent)
		ui_note(t->ui, "pid %d: not seen: %s", p->pid, p->http_unseen);
	for (int kind = FT_RUNTIME_NONE + 1; kind < FT_RUNTIME_COUNT; kind++) {
		const char *why = cpython_no_runtime(&r->hooks, kind, returns);

		if (why)
			ui_note(t->ui, "pid %d: not seen: %s", p->pid, why);
	}
}

void targets_tell_notes(struct targets *t)
{
	char note[IDENTITIES_NOTE_MAX];

	while (identities_note(t->identities, note))
		ui_note(t->ui, "%s", note);
}

void targets_tell_hooked(struct targets *t, const struct prepared *r)
{
	const struct target *p = &r->target;

	t->any_python = true;
	targets_tell_notes(t);
	if (!t->told_blind && t->config->http && attach_blind_to_contexts(t->attach)) {
		t->told_blind = true;
		ui_note(t->ui,
			"this kernel may kill a process with a seccomp filter at a uretprobe "
			"(fixed in 6.14 and late 6.12), so no uretprobe is attached: calls "
			"in other tasks and threads of a request have no request_id");
	}
	tell_unseen(t, r);
	if (t->config->verbose)
		ui_note(t->ui, "pid %d: CPython %d.%d, %s, %d sites in %s", p->pid, p->major,
			p->minor, r->hooks.backend, r->hooks.count,
			r->hooks.in_agent ? p->agent.path : p->binary);
}

static void tell_refused(struct targets *t, pid_t pid, const struct why *w)
{
	if (!w->exit_status || w->exit_status == EXIT_NO_PROCESS)
		return;
	if (t->launch && pid == launch_pid(t->launch))
		t->refused = *w; /* the command runs by now: this is reported at its end */
	else
		ui_note(t->ui, "pid %d is not traced: %s", pid, w->text);
}

static void ask(struct targets *t, struct proc *proc)
{
	enum look_kind kind = proc->held ? LOOK_HELD : LOOK_USUAL;

	proc->again = false;
	proc->asked_ns = clock_ns(CLOCK_MONOTONIC);
	proc->look = looks_ask(t->looks, proc->pid, kind);
	if (!proc->look) /* there are too many: try later */
		proc->retry_until_ns = proc->asked_ns + RETRY_LIMIT_NS;
}

void targets_look_at(struct targets *t, pid_t pid)
{
	struct proc *proc = procs_add(&t->procs, pid);

	if (!proc)
		ui_note(t->ui,
			"pid %d is not traced: more than %d processes at once: raise "
			"--max-processes",
			pid, t->procs.max);
	else if (proc->look)
		proc->again = true;
	else
		ask(t, proc);
}

/* Those of which it was not known whether they are to be traced. */
static void decide(struct targets *t, uint64_t now)
{
	if (now - t->decided_ns < DECIDE_EVERY_NS)
		return;
	t->decided_ns = now;
	for (int i = 0; i < t->procs.count; i++) {
		struct proc *proc = &t->procs.at[i];

		if (proc->undecided && !proc->look &&
		    identities_choice(t->identities, t->config, proc->pid) != CHOICE_LATER)
			ask(t, proc);
	}
}

bool targets_retry(struct targets *t)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	bool waiting = false;

	decide(t, now);

	targets_look_at_loads(t);
	targets_scan_on(t);
	for (int i = 0; i < t->procs.count; i++) {
		struct proc *proc = &t->procs.at[i];

		if (!proc->retry_until_ns || proc->look ||
		    (launch_holds(t->launch, proc->pid) && !proc->loaded && !proc->held))
			continue; /* a held process is looked at when it stops */
		if (now > proc->retry_until_ns && !proc->held)
			proc->retry_until_ns = 0;
		else if (now - proc->asked_ns >= RETRY_EVERY_NS)
			ask(t, proc);
		waiting |= proc->retry_until_ns && !proc->look;
	}
	return waiting;
}

/* ---- what a look found ----------------------------------------------------------------- */

static void take_down(struct targets *t, struct proc *proc, const struct look *k)
{
	int err = k->err;

	proc->look = 0;
	proc->bare = false;
	proc->undecided = err == -EINPROGRESS;
	proc->refused = err && k->why.exit_status != EXIT_NO_PROCESS;
	if (err == -ENOENT)
		targets_watch(t, proc);
	if (err == -EAGAIN && !proc->retry_until_ns)
		proc->retry_until_ns = clock_ns(CLOCK_MONOTONIC) + RETRY_LIMIT_NS;
	else if (err != -EAGAIN)
		proc->retry_until_ns = 0;
	proc->loaded &= err == -EAGAIN;
}

/* Lets a held process run. */
static int let_go(struct targets *t, struct proc *proc, const struct look *k)
{
	bool given_up = clock_ns(CLOCK_MONOTONIC) > proc->retry_until_ns;

	proc->held = false;
	if (!launch_holds(t->launch, k->pid)) /* it was killed meanwhile */
		return 0;
	if (k->err == -ENOENT) { /* sh, env, ...: it is looked at again after its next exec */
		t->running = true;
		launch_hold_on(t->launch, k->pid);
		return 0;
	}
	if (k->err == -EAGAIN && !given_up) {
		launch_step(t->launch, k->pid);
		return 0;
	}
	if (proc->undecided) {
		t->running = true;
		launch_release(t->launch, k->pid);
		return 0;
	}
	if (k->err && k->pid == launch_pid(t->launch))
		return why_exit(t->why, k->why.exit_status, k->err, "%s", k->why.text);
	if (k->err)
		ui_note(t->ui, "pid %d is not traced: %s", k->pid, k->why.text);
	t->running = true;
	launch_release(t->launch, k->pid);
	return 0;
}

int targets_decide_later(struct targets *t, pid_t pid, bool came)
{
	int err = came ? attach_add_new(t->attach, pid, NULL)
		       : attach_add(t->attach, pid, t->config->follow == 1, NULL);
	struct proc *proc = err ? NULL : procs_add(&t->procs, pid);

	if (proc)
		proc->undecided = true;
	return err;
}

void targets_tell_looked(struct targets *t, const struct look *k)
{
	if (k->err == -EINPROGRESS)
		(void)targets_decide_later(t, k->pid, k->kind == LOOK_FOUND);
	else if (k->python && k->err)
		tell_refused(t, k->pid, &k->why);
	else if (!k->err && !procs_add(&t->procs, k->pid))
		ui_note(t->ui,
			"more than %d processes at once: the end of pid %d will not be noticed "
			"(--max-processes)",
			t->procs.max, k->pid);
}

/* A child that existed before us: if it does not run Python, it is not followed. */
static void on_child(struct targets *t, const struct look *k)
{
	t->children--;
	t->joined_ns = clock_ns(CLOCK_MONOTONIC);
	if (k->python && k->err == -EAGAIN && !attach_add(t->attach, k->pid, true, NULL))
		targets_look_at(t, k->pid);
	else
		targets_tell_looked(t, k);
}

static int on_look(struct targets *t, const struct look *k)
{
	struct proc *proc = procs_find(&t->procs, k->pid);

	if (!k->err)
		targets_tell_hooked(t, k->found);
	if (k->kind == LOOK_CHILD)
		on_child(t, k);
	if (k->kind == LOOK_FOUND)
		targets_found(t, k);
	if (!proc || proc->look != k->number) /* it is gone, or another process has its pid */
		return 0;
	take_down(t, proc, k);
	if (proc->again) {
		ask(t, proc);
		return 0;
	}
	if (proc->held)
		return let_go(t, proc, k);
	if (k->err)
		tell_refused(t, k->pid, &k->why);
	if (k->err == -ENOENT && t->config->all)
		targets_leave(t, k->pid);
	if (k->err == -EXDEV)
		procs_drop(&t->procs, k->pid);
	return 0;
}

int targets_looked(struct targets *t)
{
	struct look *k;
	int err = 0;

	while (!err && t->looks && (k = looks_take(t->looks))) {
		err = on_look(t, k);
		look_free(k);
	}
	return err;
}

uint64_t targets_joined_ns(const struct targets *t)
{
	return t->joined_ns;
}

bool targets_joining(const struct targets *t)
{
	return t->children > 0 || (!t->scan.again && t->scan.next < t->scan.count);
}
