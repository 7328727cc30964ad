/* SPDX-License-Identifier: MIT */
/*
 * The two files by which FlowTrace's MCP server knows and starts a project: .flowtrace/config.json
 * and run-and-flowtrace.sh.
 */
#ifndef FT_SETUP_H
#define FT_SETUP_H

#include <stdbool.h>

#include "base/why.h"

#define SETUP_CONFIG ".flowtrace/config.json"
#define SETUP_SCRIPT "run-and-flowtrace.sh"

struct setup {
	const char *folder;	/* borrowed */
	const char *prefix;	/* borrowed; "" = all of the program's own modules */
	const char *frameworks; /* borrowed: "Flask, FastAPI"; NULL = none */
	const char *program;	/* borrowed: what follows python3; NULL = to be found, see below */
	bool force;		/* what is there is replaced */
};

/* Writes both, or neither when one is there already. ret_program: what the script runs, owned by
 * the caller; NULL = nothing was found: the script must be given one. Looked for are manage.py,
 * app.py, main.py, run.py, server.py, and one package with a __main__.py. */
int setup_write(const struct setup *s, char **ret_program, struct why *w);

/* Is the folder's configuration one that its readers understand? 0; -ENOENT: there is none;
 * -errno and why not. */
int setup_check(const char *folder, struct why *w);

#endif
