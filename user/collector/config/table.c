/* SPDX-License-Identifier: MIT */
/*
 * The rows, the titles of their groups, the exit statuses; and the look-up of a row by its key.
 */
#include <limits.h>
#include <string.h>

#include "config/table.h"
#include "ft_abi.h"

#define MAX_BUFFER_BYTES (1ULL << 30)
#define MAX_SAMPLE 1000000
#define MAX_RATE 1000000
#define MAX_CALL_DEPTH 32768 /* as many may be open */

/* clang-format off */
const struct option_row option_rows[] = {
	{ .name = "pid", .letter = 'p', .env = "FLOWTRACE_PID", .kind = KIND_PIDS, .at = AT(pids),
	  .group = GROUP_TARGET, .flags = FLAG_TARGET, .value = "PID", .max = INT_MAX,
	  .help = "attach to this running process; repeatable, comma lists" },
	{ .name = "all", .env = "FLOWTRACE_ALL", .kind = KIND_SWITCH, .at = AT(all),
	  .group = GROUP_TARGET, .flags = FLAG_TARGET, .initial = "false",
	  .help = "every Python process on this node, as they come and go" },
	{ .name = "replay", .env = "FLOWTRACE_REPLAY", .kind = KIND_TEXT, .at = AT(replay),
	  .group = GROUP_TARGET, .flags = FLAG_TARGET, .value = "FILE",
	  .help = "render a recording made with --record; needs no root" },
	{ .name = "follow", .letter = 'f', .env = "FLOWTRACE_FOLLOW", .kind = KIND_MAYBE, .at = AT(follow),
	  .group = GROUP_TARGET, .flags = FLAG_SHOW_BOTH,
	  .help = "also trace children (fork, exec); off with --pid, on with -- CMD" },
	{ .name = "namespace", .env = "FLOWTRACE_NAMESPACE", .kind = KIND_LIST, .at = AT(namespace),
	  .group = GROUP_TARGET, .flags = FLAG_CHOOSES | FLAG_OF_ALL, .value = "GLOB", .max_len = 253,
	  .help = "with --all: only processes of pods in these Kubernetes namespaces" },
	{ .name = "exclude-namespace", .env = "FLOWTRACE_EXCLUDE_NAMESPACE", .kind = KIND_LIST, .at = AT(exclude_namespace),
	  .group = GROUP_TARGET, .flags = FLAG_OF_ALL, .value = "GLOB", .max_len = 253,
	  .help = "with --all: no pods of these namespaces; wins over --namespace" },
	{ .name = "pod", .env = "FLOWTRACE_POD", .kind = KIND_LIST, .at = AT(pod),
	  .group = GROUP_TARGET, .flags = FLAG_CHOOSES | FLAG_OF_ALL, .value = "GLOB", .max_len = 253,
	  .help = "with --all: only processes of these pods, by name" },
	{ .name = "label", .env = "FLOWTRACE_LABEL", .kind = KIND_LIST, .at = AT(label),
	  .group = GROUP_TARGET, .flags = FLAG_CHOOSES | FLAG_OF_ALL, .value = "K=V", .max_len = 512,
	  .help = "with --all: only pods that have all of these labels; a key alone: with any value" },
	{ .name = "container", .env = "FLOWTRACE_CONTAINER", .kind = KIND_LIST, .at = AT(container),
	  .group = GROUP_TARGET, .flags = FLAG_CHOOSES | FLAG_OF_ALL, .value = "GLOB", .max_len = 253,
	  .help = "with --all: only these containers, by name or id; 12 digits of an id are enough" },
	{ .name = "cgroup", .env = "FLOWTRACE_CGROUP", .kind = KIND_LIST, .at = AT(cgroup),
	  .group = GROUP_TARGET, .flags = FLAG_OF_ALL, .value = "GLOB", .max_len = 4096,
	  .help = "with --all: only processes in these cgroups and those below; * matches / too" },

	{ .name = "prefix", .letter = 'P', .env = "FLOWTRACE_PREFIX", .alias = "FLOWTRACE_PACKAGE_PREFIX", .kind = KIND_LIST, .at = AT(prefix),
	  .group = GROUP_WHAT, .flags = FLAG_RULE | FLAG_PLAIN, .value = "a,b", .max_len = FT_MAX_PREFIX,
	  .help = "trace modules whose dotted name starts with one of these; without it, all but the "
		  "standard library and installed packages" },
	{ .name = "exclude", .letter = 'x', .env = "FLOWTRACE_EXCLUDE", .kind = KIND_LIST, .at = AT(exclude),
	  .group = GROUP_WHAT, .flags = FLAG_RULE | FLAG_PLAIN, .value = "a,b", .max_len = FT_MAX_PREFIX,
	  .help = "leave out modules that start with one of these; wins over --prefix" },
	{ .name = "function", .env = "FLOWTRACE_FUNCTION", .kind = KIND_LIST, .at = AT(function),
	  .group = GROUP_WHAT, .value = "GLOB", .max_len = FT_MAX_QUALNAME,
	  .help = "only functions whose name, or qualified name such as Cart.add, one of these matches; "
		  "calls of others are counted; repeatable" },
	{ .name = "slower-than", .env = "FLOWTRACE_SLOWER_THAN", .kind = KIND_SECONDS, .at = AT(slower_than_s),
	  .group = GROUP_WHAT, .initial = "0", .value = "TIME",
	  .help = "only calls and requests that took at least this long, such as 10ms; written when they "
		  "end" },
	{ .name = "errors-only", .env = "FLOWTRACE_ERRORS_ONLY", .kind = KIND_SWITCH, .at = AT(errors_only),
	  .group = GROUP_WHAT, .initial = "false",
	  .help = "only calls that an exception left, and requests with a status from 500 on" },
	{ .name = "sample", .env = "FLOWTRACE_SAMPLE", .kind = KIND_NUMBER, .at = AT(sample),
	  .group = GROUP_WHAT, .flags = FLAG_RULE, .initial = "0", .value = "N", .max = MAX_SAMPLE,
	  .help = "one HTTP request in N, and outside of requests one call in N that no traced call made, "
		  "chosen by chance, each with all calls below it; the rest is counted; 0 = all" },
	{ .name = "call-depth", .env = "FLOWTRACE_CALL_DEPTH", .kind = KIND_NUMBER, .at = AT(call_depth),
	  .group = GROUP_WHAT, .flags = FLAG_RULE, .initial = "0", .value = "N", .max = MAX_CALL_DEPTH,
	  .help = "only calls with fewer than N traced calls above them; the rest is counted; 0 = all" },
	{ .name = "rate", .env = "FLOWTRACE_RATE", .kind = KIND_NUMBER, .at = AT(rate),
	  .group = GROUP_WHAT, .flags = FLAG_RULE, .initial = "0", .value = "N", .max = MAX_RATE,
	  .help = "at most N calls a second of each function, N at once after a pause; the rest is counted, "
		  "and what it calls is recorded; 0 = all" },
	{ .name = "http", .env = "FLOWTRACE_HTTP", .kind = KIND_SWITCH, .at = AT(http),
	  .group = GROUP_WHAT, .flags = FLAG_SHOW_BOTH, .initial = "true",
	  .help = "HTTP requests and responses of WSGI and ASGI applications, whatever their module; on "
		  "unless --no-http is given" },
#define X(kind_, event, timed, option, variable, text, numbers) \
	{ .name = option, .env = variable, .kind = KIND_SWITCH, .at = AT(runtime[FT_RUNTIME_##kind_]), \
	  .group = GROUP_WHAT, .initial = "false", .help = text },
	FT_RUNTIME_EVENTS(X, FT_NO_NUMBER)
#undef X
	{ .name = "backend", .env = "FLOWTRACE_BACKEND", .kind = KIND_CHOICE, .at = AT(backend),
	  .group = GROUP_WHAT, .initial = "auto", .value = "auto|usdt|uprobe|agent",
	  .help = "how to hook the interpreter; agent: the probes of flowtrace_agent, where it is "
		  "loaded; auto takes the cheapest that sees every call" },

	{ .name = "args", .env = "FLOWTRACE_ARGS", .kind = KIND_SWITCH, .at = AT(args),
	  .group = GROUP_VALUES, .flags = FLAG_CAPTURE | FLAG_SHOW_OFF, .initial = "true",
	  .help = "do not capture arguments" },
	{ .name = "result", .env = "FLOWTRACE_RESULT", .kind = KIND_SWITCH, .at = AT(result),
	  .group = GROUP_VALUES, .flags = FLAG_CAPTURE | FLAG_SHOW_OFF, .initial = "true",
	  .help = "do not capture results" },
	{ .name = "stack", .env = "FLOWTRACE_STACK", .kind = KIND_SWITCH, .at = AT(stack),
	  .group = GROUP_VALUES, .initial = "false",
	  .help = "which way an exception came: the file, line and function of each entry of its "
		  "traceback, in `stack` of EXCEPTION" },
	{ .name = "redact", .env = "FLOWTRACE_REDACT", .kind = KIND_LIST, .at = AT(redact),
	  .group = GROUP_VALUES, .value = "NAMES", .max = FT_MAX_REDACT, .max_len = FT_MAX_REDACT_LEN,
	  .help = "more parameters and dict keys whose value becomes \"***\" before it leaves the "
		  "target, besides those of --redact-only" },
	{ .name = "redact-only", .env = "FLOWTRACE_REDACT_ONLY", .kind = KIND_LIST, .at = AT(redact_only),
	  .group = GROUP_VALUES, .initial = "password,passwd,secret,token,authorization,api_key,cookie", .value = "NAMES", .max = FT_MAX_REDACT, .max_len = FT_MAX_REDACT_LEN,
	  .help = "the same in place of the default list" },
	{ .name = "max-arg-length", .env = "FLOWTRACE_MAX_ARG_LENGTH", .kind = KIND_LIMIT, .at = AT(max_arg_length),
	  .group = GROUP_VALUES, .flags = FLAG_CAPTURE, .initial = "1000", .value = "N", .max = FT_MAX_TOKEN_BYTES,
	  .help = "characters of a rendered field" },
	{ .name = "max-depth", .env = "FLOWTRACE_MAX_DEPTH", .kind = KIND_LIMIT, .at = AT(max_depth),
	  .group = GROUP_VALUES, .flags = FLAG_CAPTURE, .initial = "6", .value = "N", .max = FT_MAX_DEPTH,
	  .help = "nested containers" },
	{ .name = "max-items", .env = "FLOWTRACE_MAX_ITEMS", .kind = KIND_LIMIT, .at = AT(max_items),
	  .group = GROUP_VALUES, .flags = FLAG_CAPTURE, .initial = "64", .value = "N", .max = FT_MAX_ITEMS,
	  .help = "items of one container" },

	{ .name = "output", .letter = 'o', .env = "FLOWTRACE_OUTPUT", .alias = "FLOWTRACE_LOGFILE", .kind = KIND_TEXT, .at = AT(output),
	  .group = GROUP_OUTPUT, .value = "FILE",
	  .help = "JSON lines, appended; - is standard output (default flowtrace.jsonl, unless --to is "
		  "given)" },
	{ .name = "to", .env = "FLOWTRACE_TO", .kind = KIND_LIST, .at = AT(to),
	  .group = GROUP_OUTPUT, .value = "KIND[:FILE]", .max = 8, .max_len = 4096,
	  .help = "text: one line a call for people, to standard output unless a file is named; jsonl: "
		  "as -o; null: nowhere; repeatable" },
	{ .name = "stdout", .env = "FLOWTRACE_STDOUT", .kind = KIND_SWITCH, .at = AT(to_stdout),
	  .group = GROUP_OUTPUT, .initial = "false",
	  .help = "JSON lines to standard output too" },
	{ .name = "rotate", .env = "FLOWTRACE_ROTATE", .kind = KIND_ROTATE, .at = AT(rotate),
	  .group = GROUP_OUTPUT, .value = "SIZE|TIME",
	  .help = "a new file of events when this one is as large as 100M, or as old as 1h; older ones "
		  "are FILE.1, FILE.2; a name that ends in .zst or .gz is packed, with or without this" },
	{ .name = "rotate-keep", .env = "FLOWTRACE_ROTATE_KEEP", .kind = KIND_LIMIT, .at = AT(rotate_keep),
	  .group = GROUP_OUTPUT, .initial = "10", .value = "N", .max = 1000,
	  .help = "older files that --rotate keeps; the oldest is deleted" },
	{ .name = "record", .env = "FLOWTRACE_RECORD", .kind = KIND_TEXT, .at = AT(record),
	  .group = GROUP_OUTPUT, .value = "FILE",
	  .help = "also keep the raw records, for --replay" },
	{ .name = "metadata", .env = "FLOWTRACE_METADATA", .kind = KIND_CHOICE, .at = AT(metadata),
	  .group = GROUP_OUTPUT, .initial = "logs", .value = "api|logs|env|none",
	  .help = "where the names of pods come from: the log folders of the kubelet; api: the API "
		  "server too, which knows labels and owners; env: K8S_POD_NAME, K8S_NAMESPACE_NAME and "
		  "K8S_POD_UID, in a sidecar; none: lines name no container" },
	{ .name = "api-server", .env = "FLOWTRACE_API_SERVER", .kind = KIND_TEXT, .at = AT(api_server),
	  .group = GROUP_OUTPUT, .value = "URL", .needs = "an address",
	  .help = "with --metadata api: where the API server is; default: as a pod is told" },
	{ .name = "api-credentials", .env = "FLOWTRACE_API_CREDENTIALS", .kind = KIND_TEXT, .at = AT(api_credentials),
	  .group = GROUP_OUTPUT, .value = "DIR", .needs = "a folder",
	  .initial = "/var/run/secrets/kubernetes.io/serviceaccount",
	  .help = "with --metadata api: the folder of token and ca.crt" },
	{ .name = "buffer", .env = "FLOWTRACE_BUFFER", .kind = KIND_SIZE, .at = AT(buffer_bytes),
	  .group = GROUP_OUTPUT, .initial = "16M", .value = "SIZE", .max = MAX_BUFFER_BYTES,
	  .help = "ring buffer between kernel and collector" },
	{ .name = "max-threads", .env = "FLOWTRACE_MAX_THREADS", .kind = KIND_LIMIT, .at = AT(max_threads),
	  .group = GROUP_OUTPUT, .initial = "1024", .value = "N", .max = 32768,
	  .help = "threads with traced calls at once; each takes 22 KiB of kernel memory, of more than 1024 only in use (Linux 6.1)" },
	{ .name = "max-processes", .env = "FLOWTRACE_MAX_PROCESSES", .kind = KIND_LIMIT, .at = AT(max_processes),
	  .group = GROUP_OUTPUT, .initial = "1024", .value = "N", .max = 32768,
	  .help = "processes that are traced or followed at once; each takes 2 KiB of kernel memory" },

	{ .name = "metrics", .env = "FLOWTRACE_METRICS", .kind = KIND_TEXT, .at = AT(metrics),
	  .group = GROUP_RUN, .value = "[ADDR:]PORT", .needs = "a port",
	  .help = "serve /healthz, /readyz and /metrics by HTTP; a port alone is of this machine only, "
		  ":PORT of every address" },
	{ .name = "duration", .letter = 'd', .env = "FLOWTRACE_DURATION", .kind = KIND_SECONDS, .at = AT(duration_s),
	  .group = GROUP_RUN, .initial = "0", .value = "SECS",
	  .help = "stop after this time: seconds, or with a unit as in 500ms (ns, us, ms, s, m, h); "
		  "0 = no limit" },
	{ .name = "events", .letter = 'n', .env = "FLOWTRACE_EVENTS", .kind = KIND_NUMBER, .at = AT(events),
	  .group = GROUP_RUN, .initial = "0", .value = "N", .max = UINT64_MAX,
	  .help = "stop after this number of events; 0 = no limit" },
	{ .name = "config", .letter = 'c', .env = "FLOWTRACE_CONFIG", .kind = KIND_TEXT, .at = AT(config_file),
	  .group = GROUP_RUN, .flags = FLAG_NO_FILE, .value = "FILE",
	  .help = "JSON object whose keys are the long options" },
	{ .name = "check", .env = "FLOWTRACE_CHECK", .kind = KIND_SWITCH, .at = AT(check),
	  .group = GROUP_RUN, .initial = "false",
	  .help = "say what is possible for --pid, and what is not" },
	{ .name = "list", .letter = 'l', .env = "FLOWTRACE_LIST", .kind = KIND_SWITCH, .at = AT(list),
	  .group = GROUP_RUN, .initial = "false",
	  .help = "the Python processes of this machine, and which can be traced; with --all, which of "
		  "them these options and rules choose" },
	{ .name = "json", .env = "FLOWTRACE_JSON", .kind = KIND_SWITCH, .at = AT(json),
	  .group = GROUP_RUN, .initial = "false",
	  .help = "the answer of --check or --list as JSON" },
	{ .name = "quiet", .letter = 'q', .env = "FLOWTRACE_QUIET", .kind = KIND_SWITCH, .at = AT(quiet),
	  .group = GROUP_RUN, .initial = "false",
	  .help = "no status line and no summary" },
	{ .name = "verbose", .letter = 'v', .env = "FLOWTRACE_VERBOSE", .kind = KIND_COUNT, .at = AT(verbose),
	  .group = GROUP_RUN, .initial = "0", .max = 9,
	  .help = "say more; twice for even more" },
	{ .name = "version", .kind = KIND_SWITCH, .at = AT(version),
	  .group = GROUP_RUN, .flags = FLAG_NO_FILE | FLAG_NO_ENV, .initial = "false",
	  .help = "print the version" },
	{ .name = "help", .letter = 'h', .kind = KIND_SWITCH, .at = AT(help),
	  .group = GROUP_RUN, .flags = FLAG_NO_FILE | FLAG_NO_ENV, .initial = "false",
	  .help = "print this text" },
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

const size_t option_count = sizeof(option_rows) / sizeof(option_rows[0]);

_Static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= OPTIONS_MAX, "raise OPTIONS_MAX");

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

	for (const struct option_row *o = option_rows; o < option_rows + option_count; o++) {
		if (o->flags & FLAG_NO_FILE)
			continue;
		*ret_off = no && option_is_switch(o) && key_is(key + 3, o->name);
		if (*ret_off || key_is(key, o->name))
			return o;
	}
	return NULL;
}
