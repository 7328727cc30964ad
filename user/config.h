/* SPDX-License-Identifier: MIT */
/*
 * The settings of a run. One table of options (config.c) gives the flag, the FLOWTRACE_
 * variable, the key of the configuration file, the default and the help text.
 * Defaults < file < environment < command line.
 */
#ifndef FT_CONFIG_H
#define FT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"

/* A list of strings, owned. */
struct strings {
	char **at;
	size_t count;
};

struct config {
	pid_t *pids; /* owned */
	size_t npids;
	struct strings prefix, exclude, redact;
	char *output; /* owned; "-" = standard output */
	bool to_stdout;
	unsigned max_arg_length, max_depth, max_items; /* 0 in an option = the hard maximum */
	bool args, result;
	char *backend; /* owned: auto, usdt, uprobe, agent */
	char *record, *replay; /* owned, NULL = not asked for */
	double duration_s;     /* 0 = no limit */
	uint64_t events;       /* 0 = no limit */
	uint64_t buffer_bytes; /* a power of two, at least one page */
	int follow;	       /* -1 = not said: off with --pid, on with -- CMD */
	bool check, json, all, quiet, help, version;
	int http; /* -1 = not said */
	int verbose;
	char **command; /* borrowed from argv, NULL = none */
};

void config_init(struct config *c);
void config_release(struct config *c);
/* Reads file, environment and command line into c. On failure w has exit status 2. */
int config_parse(struct config *c, int argc, char **argv, struct why *w);
/* The text of --help, to be freed. */
char *config_help(void);

#endif
