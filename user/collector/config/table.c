/* SPDX-License-Identifier: MIT */
/*
 * The rows, the titles of their groups, the exit statuses; and the look-up of a row by its key.
 */
#include <limits.h>
#include <string.h>

#include "config/table.h"
#include "ft_abi.h"

#define MAX_BUFFER_BYTES (1ULL << 30)

/* clang-format off */
const struct option_row option_rows[] = {
	{ "pid", 'p', "FLOWTRACE_PID", NULL, KIND_PIDS, AT(pids), NULL,
	  GROUP_TARGET, FLAG_TARGET, "PID",
	  "attach to this running process; repeatable, comma lists", INT_MAX, 0 },
	{ "all", 0, "FLOWTRACE_ALL", NULL, KIND_SWITCH, AT(all), "false",
	  GROUP_TARGET, FLAG_TARGET, NULL,
	  "every Python process on this node, as they come and go (not built yet)", 0, 0 },
	{ "replay", 0, "FLOWTRACE_REPLAY", NULL, KIND_TEXT, AT(replay), NULL,
	  GROUP_TARGET, FLAG_TARGET, "FILE",
	  "render a recording made with --record; needs no root", 0, 0 },
	{ "follow", 'f', "FLOWTRACE_FOLLOW", NULL, KIND_MAYBE, AT(follow), NULL,
	  GROUP_TARGET, FLAG_SHOW_BOTH, NULL,
	  "also trace children (fork, exec); off with --pid, on with -- CMD", 0, 0 },

	{ "prefix", 'P', "FLOWTRACE_PREFIX", "FLOWTRACE_PACKAGE_PREFIX", KIND_LIST, AT(prefix), NULL,
	  GROUP_WHAT, FLAG_PLAIN, "a,b",
	  "trace modules whose dotted name starts with one of these; without it, all but the "
	  "standard library and installed packages", 0, FT_MAX_PREFIX },
	{ "exclude", 'x', "FLOWTRACE_EXCLUDE", NULL, KIND_LIST, AT(exclude), NULL,
	  GROUP_WHAT, FLAG_PLAIN, "a,b",
	  "leave out modules that start with one of these; wins over --prefix", 0, FT_MAX_PREFIX },
	{ "slower-than", 0, "FLOWTRACE_SLOWER_THAN", NULL, KIND_SECONDS, AT(slower_than_s), "0",
	  GROUP_WHAT, 0, "TIME",
	  "only calls and requests that took at least so long, as 10ms (ns, us, ms, s, m or h), when "
	  "they are over", 0, 0 },
	{ "errors-only", 0, "FLOWTRACE_ERRORS_ONLY", NULL, KIND_SWITCH, AT(errors_only), "false",
	  GROUP_WHAT, 0, NULL,
	  "only calls that an exception left, and requests with a status from 500 on", 0, 0 },
	{ "http", 0, "FLOWTRACE_HTTP", NULL, KIND_SWITCH, AT(http), "true",
	  GROUP_WHAT, FLAG_SHOW_BOTH, NULL,
	  "HTTP requests and responses of WSGI and ASGI applications, whatever their module; on "
	  "unless --no-http is given", 0, 0 },
	{ "backend", 0, "FLOWTRACE_BACKEND", NULL, KIND_CHOICE, AT(backend), "auto",
	  GROUP_WHAT, 0, "auto|usdt|uprobe|agent",
	  "how to hook the interpreter; agent: the probes of flowtrace_agent, where it is "
	  "loaded; auto takes the cheapest that sees every call", 0, 0 },

	{ "args", 0, "FLOWTRACE_ARGS", NULL, KIND_SWITCH, AT(args), "true",
	  GROUP_VALUES, FLAG_SHOW_OFF, NULL, "do not capture arguments", 0, 0 },
	{ "result", 0, "FLOWTRACE_RESULT", NULL, KIND_SWITCH, AT(result), "true",
	  GROUP_VALUES, FLAG_SHOW_OFF, NULL, "do not capture results", 0, 0 },
	{ "stack", 0, "FLOWTRACE_STACK", NULL, KIND_SWITCH, AT(stack), "false",
	  GROUP_VALUES, 0, NULL, "which way an exception came: the file, line and function of each "
	  "entry of its traceback, in `stack` of EXCEPTION", 0, 0 },
	{ "redact", 0, "FLOWTRACE_REDACT", NULL, KIND_LIST, AT(redact), NULL,
	  GROUP_VALUES, 0, "NAMES",
	  "more parameters and dict keys whose value becomes \"***\" before it leaves the target, "
	  "besides those of --redact-only", FT_MAX_REDACT, FT_MAX_REDACT_LEN },
	{ "redact-only", 0, "FLOWTRACE_REDACT_ONLY", NULL, KIND_LIST, AT(redact_only),
	  "password,passwd,secret,token,authorization,api_key,cookie",
	  GROUP_VALUES, 0, "NAMES",
	  "the same in place of the default list", FT_MAX_REDACT, FT_MAX_REDACT_LEN },
	{ "max-arg-length", 0, "FLOWTRACE_MAX_ARG_LENGTH", NULL, KIND_LIMIT, AT(max_arg_length), "1000",
	  GROUP_VALUES, 0, "N", "characters of a rendered field", FT_MAX_TOKEN_BYTES, 0 },
	{ "max-depth", 0, "FLOWTRACE_MAX_DEPTH", NULL, KIND_LIMIT, AT(max_depth), "6",
	  GROUP_VALUES, 0, "N", "nested containers", FT_MAX_DEPTH, 0 },
	{ "max-items", 0, "FLOWTRACE_MAX_ITEMS", NULL, KIND_LIMIT, AT(max_items), "64",
	  GROUP_VALUES, 0, "N", "items of one container", FT_MAX_ITEMS, 0 },

	{ "output", 'o', "FLOWTRACE_OUTPUT", "FLOWTRACE_LOGFILE", KIND_TEXT, AT(output), NULL,
	  GROUP_OUTPUT, 0, "FILE", "JSON lines, appended; - is standard output (default "
	  "flowtrace.jsonl, unless --to is given)", 0, 0 },
	{ "to", 0, "FLOWTRACE_TO", NULL, KIND_LIST, AT(to), NULL,
	  GROUP_OUTPUT, 0, "KIND[:FILE]",
	  "text: one line a call for people, to standard output unless a file is named; jsonl: as "
	  "-o; null: nowhere; repeatable", 8, 4096 },
	{ "stdout", 0, "FLOWTRACE_STDOUT", NULL, KIND_SWITCH, AT(to_stdout), "false",
	  GROUP_OUTPUT, 0, NULL, "JSON lines to standard output too", 0, 0 },
	{ "record", 0, "FLOWTRACE_RECORD", NULL, KIND_TEXT, AT(record), NULL,
	  GROUP_OUTPUT, 0, "FILE", "also keep the raw records, for --replay", 0, 0 },
	{ "buffer", 0, "FLOWTRACE_BUFFER", NULL, KIND_SIZE, AT(buffer_bytes), "16M",
	  GROUP_OUTPUT, 0, "SIZE", "ring buffer between kernel and collector", MAX_BUFFER_BYTES, 0 },

	{ "duration", 'd', "FLOWTRACE_DURATION", NULL, KIND_SECONDS, AT(duration_s), "0",
	  GROUP_RUN, 0, "SECS", "stop after so many seconds, or as 500ms, with ns, us, ms, s, m or h; 0 = no limit", 0, 0 },
	{ "events", 'n', "FLOWTRACE_EVENTS", NULL, KIND_NUMBER, AT(events), "0",
	  GROUP_RUN, 0, "N", "stop after so many events; 0 = no limit", UINT64_MAX, 0 },
	{ "config", 'c', "FLOWTRACE_CONFIG", NULL, KIND_TEXT, AT(config_file), NULL,
	  GROUP_RUN, FLAG_NO_FILE, "FILE", "JSON object whose keys are the long options", 0, 0 },
	{ "check", 0, "FLOWTRACE_CHECK", NULL, KIND_SWITCH, AT(check), "false",
	  GROUP_RUN, 0, NULL,
	  "say what is possible for --pid, and what is not", 0, 0 },
	{ "json", 0, "FLOWTRACE_JSON", NULL, KIND_SWITCH, AT(json), "false",
	  GROUP_RUN, 0, NULL, "the answer of --check as JSON", 0, 0 },
	{ "quiet", 'q', "FLOWTRACE_QUIET", NULL, KIND_SWITCH, AT(quiet), "false",
	  GROUP_RUN, 0, NULL, "no status line and no summary", 0, 0 },
	{ "verbose", 'v', "FLOWTRACE_VERBOSE", NULL, KIND_COUNT, AT(verbose), "0",
	  GROUP_RUN, 0, NULL, "say more; twice for even more", 9, 0 },
	{ "version", 0, NULL, NULL, KIND_SWITCH, AT(version), "false",
	  GROUP_RUN, FLAG_NO_FILE | FLAG_NO_ENV, NULL, "print the version", 0, 0 },
	{ "help", 'h', NULL, NULL, KIND_SWITCH, AT(help), "false",
	  GROUP_RUN, FLAG_NO_FILE | FLAG_NO_ENV, NULL, "print this text", 0, 0 },
};
/* clang-format on */

const char *const option_group_titles[GROUP_COUNT] = {
	[GROUP_TARGET] = "Which processes",
	[GROUP_WHAT] = "Which calls",
	[GROUP_VALUES] = "Which values",
	[GROUP_OUTPUT] = "Where the events go",
	[GROUP_RUN] = "The run",
};

const struct exit_row exit_rows[] = {
	{EXIT_DONE, "done"},
	{EXIT_OTHER, "other failure"},
	{EXIT_USAGE, "wrong usage"},
	{EXIT_NO_PROCESS, "no such process or no Python in it"},
	{EXIT_NOT_PERMITTED, "not permitted"},
	{EXIT_KERNEL, "the kernel lacks a feature"},
	{EXIT_PYTHON, "this Python cannot be hooked"},
	{0},
};

_Static_assert(sizeof(option_rows) / sizeof(option_rows[0]) == OPTION_COUNT,
	       "OPTION_COUNT of table.h counts the rows");

void *option_field(struct config *c, const struct option_row *o)
{
	return (char *)c + o->at;
}

bool option_is_switch(const struct option_row *o)
{
	return o->kind == KIND_SWITCH || o->kind == KIND_MAYBE;
}

/* Does a key of the file name this option? Keys may write _ for -. */
static bool key_is(const char *key, const char *name)
{
	for (; *key && *name; key++, name++)
		if (*key != *name && !(*key == '_' && *name == '-'))
			return false;
	return !*key && !*name;
}

const struct option_row *option_of_key(const char *key, bool *ret_off)
{
	bool no = !strncmp(key, "no-", 3) || !strncmp(key, "no_", 3);

	for (const struct option_row *o = option_rows; o < option_rows + OPTION_COUNT; o++) {
		if (o->flags & FLAG_NO_FILE)
			continue;
		*ret_off = no && option_is_switch(o) && key_is(key + 3, o->name);
		if (*ret_off || key_is(key, o->name))
			return o;
	}
	return NULL;
}
