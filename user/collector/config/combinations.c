/* SPDX-License-Identifier: MIT */
/*
 * Refuses options that cannot be combined.
 */
#include <errno.h>
#include <string.h>

#include "config/parser.h"

static bool any_runtime(const struct config *c)
{
	for (int kind = FT_RUNTIME_NONE + 1; kind < FT_RUNTIME_COUNT; kind++)
		if (c->runtime[kind])
			return true;
	return false;
}

static bool leaves_out(const struct config *c)
{
	return c->sample > 1 || c->call_depth || c->rate;
}

bool config_leaves_out(const struct config *c)
{
	for (size_t i = 0; i < c->rules.count; i++)
		if (leaves_out(&c->rules.at[i].options))
			return true;
	return leaves_out(c);
}

static int refuse_without_all(const struct config *c, struct why *w)
{
	for (const struct option_row *o = option_rows; o < option_rows + option_count; o++)
		if (o->flags & FLAG_OF_ALL && !c->all &&
		    ((const struct strings *)((const char *)c + o->at))->count)
			return why_exit(w, EXIT_USAGE, -EINVAL,
					"--%s chooses among the processes of --all: leave it out",
					o->name);
	return 0;
}

int refuse_combinations(const struct config *c, struct why *w)
{
	const char *what = NULL;
	int targets = (c->npids > 0) + (c->command != NULL) + (c->replay != NULL) + c->all;

	if (c->list && (targets > c->all || c->check))
		what = "--list is about all processes: leave --pid, --check, --replay and -- CMD "
		       "out";
	else if (!targets && !c->list)
		what = "nothing to trace: give --pid PID, or -- CMD to start a program, or --all, "
		       "or --replay FILE (see --help)";
	else if (c->check && !c->npids)
		what = "--check is about running processes: give --pid PID";
	else if (c->replay && c->record)
		what = "--record with --replay makes no sense: the recording is there already, "
		       "leave --record out";
	else if (c->replay && c->npids)
		what = "--replay with --pid makes no sense: give one of them";
	else if (c->replay && c->command)
		what = "--replay with -- CMD makes no sense: give one of them";
	else if (c->all && targets > 1)
		what = "--all with --pid, -- CMD or --replay makes no sense: it is every process, "
		       "or those that are named";
	else if (c->all && c->follow == 0)
		what = "--no-follow with --all makes no sense: children are processes too";
	else if (targets > 1)
		what = "--pid with -- CMD makes no sense: attach to a process or start one, "
		       "not both";
	else if (c->command && !strcmp(c->backend, "agent"))
		what = "--backend agent is for a process that has flowtrace_agent loaded: give "
		       "--pid PID, or start CMD and leave --backend out";
	else if (any_runtime(c) && !strcmp(c->backend, "agent"))
		what = "--backend agent shows calls alone: leave it out to see what else happens "
		       "in the interpreter (--gc)";
	else if (config_leaves_out(c) && !strcmp(c->backend, "agent"))
		what = "--backend agent shows what flowtrace_agent records: leave --sample, "
		       "--call-depth and --rate out, or --backend";
	else if (config_leaves_out(c) && c->replay)
		what = "--sample, --call-depth and --rate are for a live trace: a recording has "
		       "what was left of it, leave them out";
	else if (c->json && !c->check && !c->list)
		what = "--json goes with --check or --list: leave it out, events are JSON anyway";
	else if (c->metrics && c->replay)
		what = "--metrics is for a live trace: leave it out with --replay";
	else if (c->record && !strcmp(c->record, "-"))
		what = "--record needs a file, standard output is for events";
	else if (c->record && c->output && !strcmp(c->record, c->output))
		what = "--record and --output name the same file: give them two";
	else if (c->replay && c->output && !strcmp(c->replay, c->output))
		what = "--replay and --output name the same file: give them two";
	return what ? why_exit(w, EXIT_USAGE, -EINVAL, "%s", what) : refuse_without_all(c, w);
}
