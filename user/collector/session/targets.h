/* SPDX-License-Identifier: MIT */
/*
 * Who is traced: the processes that were asked for, the command that we start, and what
 * comes of them by fork and exec. From a pid to hooks:
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

struct targets;

/* Looks at every --pid; touches nothing. c, ui and w are borrowed for its life. */
int targets_new(const struct config *c, const struct ui *ui, struct targets **ret_targets,
		struct why *w);
/* Lets go of everything; ends a command that was never let run. NULL is fine. */
void targets_free(struct targets *t);

/* Which hooks they need, as attach_options.roles. */
unsigned targets_roles(const struct targets *t);
/* Hooks the processes and those of their children that are there, or starts the command. */
int targets_attach(struct targets *t, struct attach *a);
/* EVENT_PROC_FORK, _EXEC, _EXIT. */
void targets_process(struct targets *t, const struct event *e);
/* SIGCHLD: a command that is held at its exec, or has ended. */
int targets_children(struct targets *t);
/* Readable when targets_retry() has something to do; -1 = never. */
int targets_loads_fd(const struct targets *t);
/* Readable when targets_looked() has; -1 = never. */
int targets_looks_fd(const struct targets *t);
/* Processes were looked at: they are hooked by now, or it is told why not. */
int targets_looked(struct targets *t);
/* Are children that were there before us still looked at? */
bool targets_joining(const struct targets *t);
/* Looks again where a libpython was not mapped yet; true while one is awaited. */
bool targets_retry(struct targets *t);
/* Forgets who is gone, though no record told of it. */
void targets_drop_dead(struct targets *t);

/* Nobody is looked at or hooked from now on. False: a look does not end, since a file cannot be
 * read; then what it uses, the attach too, may not be freed. */
bool targets_stop(struct targets *t);

/* Was one hooked? */
bool targets_any_python(const struct targets *t);
/* The command, or the last process, is gone. */
bool targets_ended(const struct targets *t);
/* At the end: 0, or why nothing of the command could be traced. */
int targets_untraced(const struct targets *t, struct why *w);
int targets_command_status(const struct targets *t);
/* The Python children of what was asked for, which are not traced: "12 13", or "". */
void targets_untraced_children(const struct targets *t, char *text, size_t size);

#endif
