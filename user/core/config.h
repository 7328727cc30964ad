/* SPDX-License-Identifier: MIT */
/*
 * The settings of a run. One table of options (config/table.c) gives the flag, the FLOWTRACE_
 * variable, the key of the configuration file, the default and the help text.
 * Defaults < file < environment < command line; a target (--pid, --all, --replay, -- CMD)
 * named in one layer replaces every target of the layers below it.
 */
#ifndef FT_CONFIG_H
#define FT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/logfile.h"
#include "base/why.h"
#include "ft_runtime.h"

/* A list of strings, owned. */
struct strings {
	char **at;
	size_t count;
};

struct rule;

/* Of the configuration file: the first rule that matches a process says what is asked for of it. */
struct rules {
	struct rule *at; /* owned */
	size_t count;
	bool given; /* the file has the key, perhaps with an empty list */
};

struct config {
	pid_t *pids; /* owned; each once */
	size_t npids;
	struct strings prefix, exclude;
	struct strings function; /* patterns of names; none = all */
	struct rules rules;
	struct strings redact; /* after config_parse with those of redact_only */
	struct strings redact_only;
	/* Which processes of --all (collector/node/selection.h): patterns */
	struct strings cgroup, container, namespace, pod, label, exclude_namespace;
	struct strings to; /* sinks, KIND[:DEST] (sink/sinks.h) */
	char *output;	   /* owned: a jsonl file, "-" = standard output; NULL: there is a --to */
	struct rotate rotate; /* when the files of events are to be new ones */
	unsigned rotate_keep; /* older ones; at least 1 */
	/* Borrowed: the ways to pack files of events. The collector only: no option. */
	const struct packing *const *packings;
	char *metrics;	      /* owned: where the endpoint listens (--metrics); NULL = nowhere */
	bool to_stdout;	      /* jsonl to standard output too; never set when output is "-" */
	double slower_than_s; /* only calls that take at least as long; 0 = all */
	bool errors_only;
	uint64_t sample;     /* one root call or request of that many; 0 = all */
	uint64_t call_depth; /* calls with fewer traced calls above them; 0 = all */
	uint64_t rate;	     /* calls a second and function; 0 = all */
	unsigned max_arg_length, max_depth, max_items; /* the hard maximum where the user said 0 */
	bool args, result;
	/* The full text of what is cut goes to files of its own. In-process only: no option. */
	bool segments;
	bool joins;	       /* the process that forked this one writes to the same output */
	char *segment_folder;  /* owned: relative to the log's folder; NULL = flowtrace-jsonsl */
	char *backend;	       /* owned: auto, usdt, uprobe, agent */
	char *metadata;	       /* owned: api, logs, env, none */
	char *api_server;      /* owned: of --metadata api; NULL = as in a pod */
	char *api_credentials; /* owned: folder */
	char *record, *replay; /* owned, NULL = not asked for */
	double duration_s;     /* 0 = no limit */
	uint64_t events;       /* 0 = no limit */
	uint64_t buffer_bytes; /* a power of two, at least one page */
	unsigned max_threads, max_processes; /* that BPF has room for */
	int follow;			     /* 0 or 1 after config_parse; -1 = not said */
	bool http;			     /* HTTP requests and responses */
	bool stack;			     /* the stacks of exceptions */
	bool runtime[FT_RUNTIME_COUNT];	     /* runtime events, by enum ft_runtime */
	bool check, list, json, all, quiet, help, version;
	int verbose;
	char *config_file; /* owned, NULL = none */
	char **command;	   /* borrowed from argv, ends in NULL; NULL = none */
};

/*
 * Options that hold for some processes. Its patterns (namespace, pod, label, container) choose them
 * as the options of --all do; none: it matches every process. After config_parse all that it does
 * not say of prefixes and values is as in the run's own settings.
 */
struct rule {
	struct config options;
	uint64_t given; /* private to config/: which rows of its table it has */
};

/* The defaults. */
void config_init(struct config *c);
void config_release(struct config *c);
/*
 * Reads file, environment and command line into c, which has been through config_init. On
 * failure w has exit status 2. With -h or --version nothing else is looked at: the caller
 * tests c->help and c->version first.
 */
int config_parse(struct config *c, int argc, char **argv, struct why *w);
/* Reads the rules of the configuration file anew; of the rest, c holds. To be released. */
int config_reread_rules(const struct config *c, struct rules *ret_rules, struct why *w);
/* Does BPF leave out calls that are asked for, of any process? */
bool config_leaves_out(const struct config *c);
void rules_release(struct rules *r);
/* The text of --help, to be freed. */
char *config_help(void);

#endif
