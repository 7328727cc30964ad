/* SPDX-License-Identifier: MIT */
/*
 * What the kernel and this process's permissions allow, and the message that says what is missing.
 * Private to attach/.
 */
#ifndef FT_FEATURES_H
#define FT_FEATURES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"

/* Is the kernel of this release or a later one? */
bool features_kernel_from(unsigned major, unsigned minor);
/* Before anything is loaded: 0, -EPERM (exit 4), -EOPNOTSUPP (exit 5), or -EMFILE. */
int features_check(struct why *w);
/* After the kernel refused to load the programs with err. */
int features_explain(int err, struct why *w);
/* After it refused a tracepoint. */
int features_explain_tracepoint(int err, const char *program, struct why *w);
/* After it refused a uprobe. */
int features_explain_uprobe(int err, pid_t pid, const char *site, struct why *w);

#endif
