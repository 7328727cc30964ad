/* SPDX-License-Identifier: MIT */
/*
 * The traced processes: those asked for, the command that we start, and what comes of them by fork
 * and exec. From a pid to hooks:
 *
 *     pid -> discover -> cpython (layout, hooks) -> attach
 */
#ifndef FT_TARGETS_H
#define FT_TARGETS_H

#include <stdbool.h>

#include "attach/attach.h"
#include "base/ui.h"
#include "base/why.h"
#include "config.h"
#include "model/event.h"

struct identities;
struct rulebook;
struct targets;

/* Examines every --pid; touches nothing. c, ui and w are borrowed until targets_free(). */
int targets_new(const struct config *c, const struct ui *ui, struct targets **ret_targets,
		struct why *w);
/* Releases everything; ends a command that was never let run. NULL is fine. */
void targets_free(struct targets *t);

/* The roles of the hooks that they need, as attach_options.roles. */
unsigned targets_roles(const struct targets *t);
/* Hooks the processes and their existing children, or starts the command. */
int targets_attach(struct targets *t, struct attach *a);
/* EVENT_PROC_FORK, _EXEC, _EXIT. */
void targets_process(struct targets *t, const struct event *e);
/* Who the processes are; NULL = it is not asked for. */
struct identities *targets_identities(const struct targets *t);
/* What is asked for of each. */
struct rulebook *targets_rulebook(const struct targets *t);
/* The rules are to be read anew. */
void targets_reread(struct targets *t);
/* Call on SIGCHLD: handles a process that is held at its exec, and the end of the command. */
int targets_children(struct targets *t);
/* Readable when targets_retry() has something to do; -1 = never. */
int targets_loads_fd(const struct targets *t);
/* Readable when targets_looked() has something to do; -1 = never. */
int targets_looks_fd(const struct targets *t);
/* Takes the results of looks: reports each process as hooked, or why it is not. */
int targets_looked(struct targets *t);
/* Are existing children still being looked at? */
bool targets_joining(const struct targets *t);
/* When the last of them was done, or the first was asked for. */
uint64_t targets_joined_ns(const struct targets *t);
/* Looks again where a libpython was not mapped yet; true while one is awaited. */
bool targets_retry(struct targets *t);
/* Says what a person should know of the names of pods. */
void targets_tell_notes(struct targets *t);
/* Forgets processes whose end no record reported. */
void targets_drop_dead(struct targets *t);

/* No process is looked at or hooked from now on. False: a look does not end, because a file cannot
 * be read; then nothing that it uses, the attach included, may be freed. */
bool targets_stop(struct targets *t);

/* Was a process hooked? */
bool targets_any_python(const struct targets *t);
/* Processes that are traced or followed now. */
unsigned targets_count(const struct targets *t);
/* Is the command, or the last process, gone? */
bool targets_ended(const struct targets *t);
/* At the end: 0, or the reason why nothing of the command could be traced. */
int targets_untraced(const struct targets *t, struct why *w);
int targets_command_status(const struct targets *t);
/* The Python children of the targets, which are not traced: "12 13", or "". */
void targets_untraced_children(const struct targets *t, char *text, size_t size);

#endif
