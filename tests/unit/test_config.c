/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "config.h"
#include "ft_abi.h"

#define MAX_ARGS 100

static struct config c;
static struct why w;
static char file[64];

/* A run of criterion may have been started with variables of ours. */
static void setup(void)
{
	extern char **environ;

	for (size_t i = 0; environ[i];) {
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(environ[i], "="), environ[i]);
		if (strncmp(name, "FLOWTRACE_", 10) || strlen(name) == sizeof(name) - 1)
			i++;
		else
			unsetenv(name);
	}
	memset(&w, 0, sizeof(w));
	config_init(&c);
}

static void teardown(void)
{
	config_release(&c);
	if (file[0])
		unlink(file);
}

TestSuite(config, .init = setup, .fini = teardown);

/* parse("--pid", "1") */
static int parse_args(const char *first, ...)
{
	static char *argv[MAX_ARGS + 2];
	int argc = 0;
	va_list ap;

	argv[argc++] = (char *)"flowtrace-bpf";
	va_start(ap, first);
	for (const char *arg = first; arg && argc <= MAX_ARGS; arg = va_arg(ap, const char *))
		argv[argc++] = (char *)arg;
	va_end(ap);
	argv[argc] = NULL;
	memset(&w, 0, sizeof(w));
	return config_parse(&c, argc, argv, &w);
}

#define parse(...) parse_args(__VA_ARGS__, (const char *)NULL)

/* Parses fine, or says why not. */
#define accept(...)                                                                                \
	do {                                                                                       \
		int err_ = parse(__VA_ARGS__);                                                     \
		cr_assert(err_ == 0, "refused: %s", w.text);                                       \
	} while (0)

/* Is refused with status 2 and one line that holds `part`. */
#define refuse(part, ...)                                                                          \
	do {                                                                                       \
		cr_assert(parse(__VA_ARGS__) < 0, "accepted");                                     \
		cr_assert(w.exit_status == EXIT_USAGE);                                            \
		cr_assert(!strchr(w.text, '\n'));                                                  \
		cr_assert(strstr(w.text, part) != NULL, "\"%s\" does not say \"%s\"", w.text,      \
			  part);                                                                   \
	} while (0)

static void write_file(const char *text)
{
	FILE *f;
	int fd;

	if (!file[0]) {
		strcpy(file, "/tmp/test_config.XXXXXX");
		fd = mkstemp(file);
		cr_assert(fd >= 0);
		close(fd);
	}
	f = fopen(file, "w");
	cr_assert(f != NULL);
	fputs(text, f);
	fclose(f);
}

static void assert_list(const struct strings *s, const char *joined)
{
	char text[512] = "";

	for (size_t i = 0; i < s->count; i++) {
		if (i)
			strcat(text, ",");
		strcat(text, s->at[i]);
	}
	cr_assert(!strcmp(text, joined), "%s is not %s", text, joined);
}

/* ---- defaults ------------------------------------------------------------------- */

Test(config, defaults)
{
	accept("--pid", "1");
	cr_assert(c.npids == 1 && c.pids[0] == 1);
	cr_assert(c.prefix.count == 0 && c.exclude.count == 0);
	assert_list(&c.redact, "password,passwd,secret,token,authorization,api_key,cookie");
	cr_assert_str_eq(c.output, "flowtrace.jsonl");
	cr_assert_str_eq(c.backend, "auto");
	cr_assert(!c.to_stdout && c.args && c.result && !c.quiet && !c.verbose);
	cr_assert(c.max_arg_length == 1000 && c.max_depth == 6 && c.max_items == 64);
	cr_assert(c.duration_s == 0 && c.events == 0);
	cr_assert(c.buffer_bytes == 16 << 20);
	cr_assert(!c.record && !c.replay && !c.command && c.http);
}

Test(config, follow_depends_on_the_target)
{
	accept("--pid", "1");
	cr_assert(c.follow == 0);
	accept("--pid", "1", "-f");
	cr_assert(c.follow == 1);
	accept("--", "python3");
	cr_assert(c.follow == 1);
	accept("--no-follow", "--", "python3");
	cr_assert(c.follow == 0);
}

/* ---- the command line ----------------------------------------------------------- */

Test(config, command_line)
{
	accept("-p", "7", "-P", "shop,app.", "-x", "shop.admin", "-o", "-", "--stdout",
	       "--max-arg-length=20", "--max-depth", "2", "--max-items", "3", "--no-args",
	       "--no-result", "--redact", "ssn", "--backend", "usdt", "--record", "r.bin", "-d",
	       "2.5", "-n", "1000", "--buffer", "1M", "-f", "-q", "-vv", "--no-http");
	assert_list(&c.prefix, "shop,app.");
	assert_list(&c.exclude, "shop.admin");
	assert_list(&c.redact, "ssn,password,passwd,secret,token,authorization,api_key,cookie");
	cr_assert_str_eq(c.output, "-");
	cr_assert(!c.to_stdout, "twice to standard output");
	cr_assert(c.max_arg_length == 20 && c.max_depth == 2 && c.max_items == 3);
	cr_assert(!c.args && !c.result && c.quiet && c.verbose == 2 && c.http == 0);
	cr_assert_str_eq(c.backend, "usdt");
	cr_assert_str_eq(c.record, "r.bin");
	cr_assert(c.duration_s == 2.5 && c.events == 1000 && c.buffer_bytes == 1 << 20);
}

Test(config, durations_have_units)
{
	static const struct {
		const char *text;
		double seconds;
	} all[] = {
		{"10", 10},	   {"0.5", 0.5},  {"1e2", 100},	 {"500ms", 0.5},
		{"250us", 250e-6}, {"1ns", 1e-9}, {"1.5s", 1.5}, {"2m", 120},
		{"2min", 120},	   {"1h", 3600},  {"0s", 0},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		accept("-p1", "-d", all[i].text);
		cr_expect(c.duration_s == all[i].seconds, "%s", all[i].text);
	}
	write_file("{\"pid\": 1, \"duration\": \"500ms\"}");
	accept("-c", file);
	cr_expect(c.duration_s == 0.5);
	setenv("FLOWTRACE_DURATION", "250ms", 1);
	accept("-p1");
	cr_expect(c.duration_s == 0.25);
}

Test(config, pids_repeat_and_come_in_lists)
{
	accept("-p", "3,5", "--pid=5", "-p", " 9 ,");
	cr_assert(c.npids == 3);
	cr_assert(c.pids[0] == 3 && c.pids[1] == 5 && c.pids[2] == 9);
}

Test(config, lists_grow_and_skip_empty_elements)
{
	accept("-p1", "-P", ",a, b ,,c", "-P", "d");
	assert_list(&c.prefix, "a,b,c,d");
	accept("-p1", "--redact-only", "");
	cr_assert(c.redact.count == 0);
	accept("-p1", "--redact", "");
	cr_assert(c.redact.count == 7);
}

Test(config, the_command_keeps_its_own_options)
{
	accept("-q", "--", "python3", "-c", "pass", "--pid", "x");
	cr_assert_str_eq(c.command[0], "python3");
	cr_assert_str_eq(c.command[3], "--pid");
	cr_assert(c.command[5] == NULL);
	cr_assert(c.npids == 0);
	/* this -- is the name of a file */
	refuse("unexpected \"python3\"", "-o", "--", "python3");
}

Test(config, zero_is_the_hard_maximum)
{
	accept("-p1", "--max-arg-length", "0", "--max-depth", "0", "--max-items", "0");
	cr_assert(c.max_arg_length == FT_MAX_TOKEN_BYTES);
	cr_assert(c.max_depth == FT_MAX_DEPTH);
	cr_assert(c.max_items == FT_MAX_ITEMS);
}

Test(config, sizes)
{
	accept("-p1", "--buffer", "512K");
	cr_assert(c.buffer_bytes == 512 << 10);
	accept("-p1", "--buffer", "3m");
	cr_assert(c.buffer_bytes == 4 << 20);
	accept("-p1", "--buffer", "1");
	cr_assert(c.buffer_bytes == (uint64_t)sysconf(_SC_PAGESIZE));
	accept("-p1", "--buffer", "1G");
	cr_assert(c.buffer_bytes == 1 << 30);
	accept("-p1", "--buffer", "5000");
	cr_assert(c.buffer_bytes == 8192);
}

Test(config, help_and_version_look_at_nothing_else)
{
	setenv("FLOWTRACE_MAX_DEPTH", "many", 1);
	accept("-h");
	cr_assert(c.help);
	accept("--version", "--pid", "nobody");
	cr_assert(c.version);
}

Test(config, replay_needs_nothing_else)
{
	accept("--replay", "r.bin");
	cr_assert_str_eq(c.replay, "r.bin");
}

/* ---- wrong values ----------------------------------------------------------------- */

Test(config, wrong_values_name_the_option)
{
	refuse("--pid: \"x\"", "-p", "x");
	refuse("--pid: \"0\"", "-p", "0");
	refuse("--pid: \"-4\"", "-p", "-4");
	refuse("--pid: \"1 2\"", "-p", "1 2");
	refuse("--pid: \"99999999999\"", "-p", "99999999999");
	refuse("--max-depth: \"two\"", "-p1", "--max-depth", "two");
	refuse("--max-depth: \"-1\"", "-p1", "--max-depth", "-1");
	refuse("--max-depth: \"\"", "-p1", "--max-depth", "");
	refuse("--duration: \"1d\"", "-p1", "-d", "1d");
	refuse("--duration: \"-1ms\"", "-p1", "-d", "-1ms");
	refuse("--duration: 876001h is too long", "-p1", "-d", "876001h");
	refuse("--duration: \"-1\"", "-p1", "-d", "-1");
	refuse("--duration: \"nan\"", "-p1", "-d", "nan");
	refuse("--duration: \"0x10\"", "-p1", "-d", "0x10");
	refuse("--duration: 1e99", "-p1", "-d", "1e99");
	refuse("--duration: 1e4931h", "-p1", "-d", "1e4931h");
	refuse("--events: \"1e3\"", "-p1", "-n", "1e3");
	refuse("--events: 99999999999999999999", "-p1", "-n", "99999999999999999999");
	refuse("--buffer: \"big\"", "-p1", "--buffer", "big");
	refuse("--buffer: \"0\"", "-p1", "--buffer", "0");
	refuse("--buffer: \"16MB\"", "-p1", "--buffer", "16MB");
	refuse("--buffer: \"16\xc3\xa9\"", "-p1", "--buffer", "16\xc3\xa9");
	refuse("auto|usdt|uprobe|agent", "-p1", "--backend", "gdb");
	refuse("auto|usdt|uprobe|agent", "-p1", "--backend", "");
	refuse("auto|usdt|uprobe|agent", "-p1", "--backend", "auto|usdt");
	refuse("--output: needs", "-p1", "-o", "");
	refuse("leave the * out", "-p1", "-P", "shop.*");
}

Test(config, over_the_maximum_names_the_maximum)
{
	refuse("8192", "-p1", "--max-arg-length", "8193");
	refuse("maximum is 8 (0", "-p1", "--max-depth", "9");
	refuse("256", "-p1", "--max-items", "18446744073709551617");
	refuse("1024M", "-p1", "--buffer", "1025M");
	refuse("1024M", "-p1", "--buffer", "99999999999999999999G");
}

Test(config, long_names_are_refused)
{
	char name[FT_MAX_PREFIX + 2];

	memset(name, 'a', sizeof(name));
	name[FT_MAX_PREFIX] = 0;
	accept("-p1", "-P", name, "-x", name);
	name[FT_MAX_PREFIX] = 'a';
	name[FT_MAX_PREFIX + 1] = 0;
	refuse("longer than 120 bytes", "-p1", "-P", name);
	refuse("longer than 120 bytes", "-p1", "-x", name);
	name[FT_MAX_REDACT_LEN] = 0;
	accept("-p1", "--redact", name);
	name[FT_MAX_REDACT_LEN] = 'a';
	refuse("longer than 32 bytes", "-p1", "--redact", name);
}

Test(config, redaction_names_are_bounded)
{
	char names[8 * (FT_MAX_REDACT + 1)] = "";

	for (int i = 0; i < FT_MAX_REDACT; i++)
		sprintf(names + strlen(names), "n%d,", i);
	accept("-p1", "--redact-only", names);
	cr_assert(c.redact.count == FT_MAX_REDACT);
	accept("-p1", "--redact-only", names, "--redact", "n0");
	refuse("more than 64", "-p1", "--redact-only", names, "--redact", "more");
	refuse("more than 64", "-p1", "--redact", names);
}

Test(config, unknown_and_incomplete_options)
{
	refuse("unknown option --prefx", "--prefx", "a");
	refuse("unknown option -Z", "-Z");
	refuse("unknown option -Z", "-qZ");
	refuse("--pid needs a value", "-p");
	refuse("--output needs a value", "--output");
	refuse("--stdout takes no value", "-p1", "--stdout=1");
	refuse("--no-args takes no value", "-p1", "--no-args=1");
	refuse("goes after --", "-p1", "app.py");
	refuse("nothing after --", "--");
}

/* ---- combinations ----------------------------------------------------------------- */

Test(config, wrong_combinations)
{
	refuse("nothing to trace", "-q");
	refuse("nothing to trace", "-p", ",");
	refuse("--pid with -- CMD", "-p1", "--", "python3");
	refuse("--replay with --pid", "--replay", "r.bin", "-p1");
	refuse("--replay with -- CMD", "--replay", "r.bin", "--", "python3");
	refuse("--record with --replay", "--replay", "r.bin", "--record", "s.bin");
	refuse("--backend agent is for", "--backend", "agent", "--", "python3");
	refuse("--json goes with --check", "-p1", "--json");
	refuse("--check is about running processes", "--check", "--", "true");
	refuse("--record needs a file", "-p1", "--record", "-");
	refuse("--record and --output", "-p1", "--record", "a", "-o", "a");
	refuse("--replay and --output", "--replay", "a", "-o", "a");
	refuse("needs a port", "-p1", "--metrics", "");
	refuse("is neither a size", "-p1", "-o", "a", "--rotate", "999999999999G");
	refuse("--all with --pid", "--all", "--pid", "1");
	refuse("--no-follow with --all", "--all", "--no-follow");
	accept("--all");
}

Test(config, metadata)
{
	accept("-p1");
	cr_assert_str_eq(c.metadata, "logs");
	accept("-p1", "--metadata", "env");
	cr_assert_str_eq(c.metadata, "env");
	cr_assert_null(c.api_server);
	cr_assert_str_eq(c.api_credentials, "/var/run/secrets/kubernetes.io/serviceaccount");
	accept("-p1", "--metadata", "api", "--api-server", "https://10.0.0.1:6443");
	cr_assert_str_eq(c.api_server, "https://10.0.0.1:6443");
	refuse("needs an address", "-p1", "--api-server", "");
	refuse("is not one of api|logs|env|none", "-p1", "--metadata", "kubelet");
}

/* They choose among the processes of --all. */
Test(config, selection_needs_all)
{
	refuse("--namespace chooses among the processes of --all", "-p1", "--namespace", "a");
	refuse("--exclude-namespace chooses", "-p1", "--exclude-namespace", "a");
	refuse("--pod chooses", "-p1", "--pod", "a*");
	refuse("--label chooses", "-p1", "--label", "a=b");
	refuse("--container chooses", "-p1", "--container", "a");
	refuse("--cgroup chooses", "-p1", "--cgroup", "/a");
	refuse("--cgroup chooses", "--cgroup", "/a", "--", "x");
	setenv("FLOWTRACE_POD", "a, b", 1);
	refuse("--pod chooses", "-p1");
	assert_list(&c.pod, "a,b");
	refuse("nothing to trace", "--pod", "a");
}

/* ---- the environment --------------------------------------------------------------- */

Test(config, environment)
{
	setenv("FLOWTRACE_PACKAGE_PREFIX", "shop,,app", 1);
	setenv("FLOWTRACE_LOGFILE", "/tmp/x.jsonl", 1);
	setenv("FLOWTRACE_STDOUT", "True", 1);
	setenv("FLOWTRACE_MAX_ARG_LENGTH", "50", 1);
	setenv("FLOWTRACE_EXCLUDE", "shop.admin", 1);
	setenv("FLOWTRACE_ASYNC", "true", 1);
	setenv("FLOWTRACE_NO_RESULT", "1", 1);
	setenv("FLOWTRACE_PID", "42", 1);
	setenv("FLOWTRACE_BUFFER", "", 1); /* says nothing */
	accept("-q");
	assert_list(&c.prefix, "shop,app");
	assert_list(&c.exclude, "shop.admin");
	cr_assert_str_eq(c.output, "/tmp/x.jsonl");
	cr_assert(c.to_stdout && c.max_arg_length == 50 && c.args && !c.result);
	cr_assert(c.npids == 1 && c.pids[0] == 42);
	cr_assert(c.buffer_bytes == 16 << 20);
}

Test(config, the_regular_name_wins_over_the_agents_name)
{
	setenv("FLOWTRACE_PACKAGE_PREFIX", "a", 1);
	setenv("FLOWTRACE_PREFIX", "b", 1);
	accept("-p1");
	assert_list(&c.prefix, "b");
}

Test(config, wrong_variables_are_named)
{
	setenv("FLOWTRACE_STDOUT", "perhaps", 1);
	refuse("FLOWTRACE_STDOUT: \"perhaps\"", "-p1");
	setenv("FLOWTRACE_STDOUT", "0", 1);
	setenv("FLOWTRACE_MAX_ITEMS", "300", 1);
	refuse("FLOWTRACE_MAX_ITEMS: 300 is too large, the maximum is 256", "-p1");
	setenv("FLOWTRACE_MAX_ITEMS", "3", 1);
	setenv("FLOWTRACE_HTTP", "often", 1);
	refuse("FLOWTRACE_HTTP: \"often\"", "-p1");
}

/* ---- the file ------------------------------------------------------------------------ */

Test(config, file)
{
	write_file(
		"{\"pid\": [3, \"4,5\"], \"prefix\": [\"shop\", \"app\"], \"exclude\": \"a,b\",\n"
		" \"output\": \"out.jsonl\", \"stdout\": true, \"max-arg-length\": 10,\n"
		" \"max_depth\": \"2\", \"no-args\": true, \"result\": false, \"redact-only\": "
		"[],\n"
		" \"duration\": 1.5, \"events\": 10, \"buffer\": \"64K\", \"follow\": true,\n"
		" \"verbose\": 2, \"quiet\": \"yes\", \"backend\": \"uprobe\"}\n");
	accept("-c", file);
	cr_assert(c.npids == 3 && c.pids[2] == 5);
	assert_list(&c.prefix, "shop,app");
	assert_list(&c.exclude, "a,b");
	cr_assert_str_eq(c.output, "out.jsonl");
	cr_assert(c.to_stdout && c.max_arg_length == 10 && c.max_depth == 2);
	cr_assert(!c.args && !c.result && c.redact.count == 0);
	cr_assert(c.duration_s == 1.5 && c.events == 10 && c.buffer_bytes == 64 << 10);
	cr_assert(c.follow == 1 && c.verbose == 2 && c.quiet);
	cr_assert_str_eq(c.backend, "uprobe");
}

Test(config, file_from_the_environment)
{
	write_file("{\"prefix\": \"shop\"}");
	setenv("FLOWTRACE_CONFIG", file, 1);
	accept("-p1");
	assert_list(&c.prefix, "shop");
}

#define refuse_file(part, json)                                                                    \
	do {                                                                                       \
		write_file(json);                                                                  \
		refuse(part, "-p1", "-c", file);                                                   \
		cr_assert(strstr(w.text, file) != NULL);                                           \
	} while (0)

Test(config, wrong_files)
{
	refuse_file("unknown key \"prefx\"", "{\"prefx\": \"a\"}");
	refuse_file("unknown key \"config\"", "{\"config\": \"a\"}");
	refuse_file("unknown key \"help\"", "{\"help\": true}");
	refuse_file("unknown key \"no-prefix\"", "{\"no-prefix\": true}");
	refuse_file("max-depth: 9 is too large", "{\"max-depth\": 9}");
	refuse_file("max-depth: \"-1\"", "{\"max-depth\": -1}");
	refuse_file("max-depth: \"1.5\"", "{\"max-depth\": 1.5}");
	refuse_file("max-depth: [ 1 ]", "{\"max-depth\": [1]}");
	refuse_file("prefix: true", "{\"prefix\": true}");
	refuse_file("prefix: null", "{\"prefix\": [null]}");
	refuse_file("output: { }", "{\"output\": {}}");
	refuse_file("zero byte", "{\"output\": \"a\\u0000b\"}");
	refuse_file("line 2", "{\"output\": \"a\",\n oops}");
	refuse_file("text after the object", "{}\n{}");
	refuse_file("not complete", "{\"output\": \"a\"");
	refuse_file("not complete", "");
	refuse_file("one JSON object", "[1]");
	refuse("cannot read the configuration file /nowhere/x", "-p1", "-c", "/nowhere/x");
	refuse("cannot read the configuration file /", "-p1", "-c", "/");
}

/* ---- precedence ------------------------------------------------------------------------ */

Test(config, later_layers_replace_earlier_ones)
{
	write_file("{\"prefix\": \"file\", \"exclude\": \"file\", \"output\": \"file\","
		   " \"max-depth\": 1, \"max-items\": 1, \"stdout\": true, \"quiet\": true}");
	setenv("FLOWTRACE_PACKAGE_PREFIX", "env", 1);
	setenv("FLOWTRACE_MAX_DEPTH", "2", 1);
	setenv("FLOWTRACE_LOGFILE", "env", 1);
	accept("-p1", "-c", file, "-P", "line", "-o", "line", "--no-stdout");
	assert_list(&c.prefix, "line");	 /* file < environment < command line */
	assert_list(&c.exclude, "file"); /* default < file */
	cr_assert_str_eq(c.output, "line");
	cr_assert(c.max_depth == 2 && c.max_items == 1); /* file < environment */
	cr_assert(!c.to_stdout && c.quiet);
}

Test(config, a_target_replaces_the_targets_of_lower_layers)
{
	write_file("{\"pid\": 1}");
	setenv("FLOWTRACE_PID", "2", 1);
	accept("-c", file);
	cr_assert(c.npids == 1 && c.pids[0] == 2);
	accept("-c", file, "-p", "3");
	cr_assert(c.npids == 1 && c.pids[0] == 3);
	accept("-c", file, "--replay", "r.bin");
	cr_assert(c.npids == 0 && c.replay);
	accept("-c", file, "--", "python3");
	cr_assert(c.npids == 0 && c.command);
}

Test(config, parsing_twice_leaves_nothing_of_the_first)
{
	accept("-p1", "-P", "a", "-o", "x", "-v", "--record", "r");
	accept("-p2");
	cr_assert(c.npids == 1 && c.pids[0] == 2 && c.prefix.count == 0 && !c.verbose);
	cr_assert_str_eq(c.output, "flowtrace.jsonl");
	cr_assert(!c.record);
}

/* ---- help ------------------------------------------------------------------------------- */

Test(config, help_names_every_option)
{
	static const char *const names[] = {
		"-p, --pid PID",       "-P, --prefix a,b", "-x, --exclude a,b",
		"-o, --output FILE",   "--stdout",	   "--max-arg-length N",
		"--max-depth N",       "--max-items N",	   "--no-args",
		"--no-result",	       "--redact NAMES",   "--backend auto|usdt",
		"--http, --no-http",   "--record FILE",	   "-c, --config FILE",
		"-d, --duration SECS", "-n, --events N",   "--buffer SIZE",
		"-f, --follow",	       "--replay FILE",	   "-q, --quiet",
		"-v, --verbose",       "--version",	   "-h, --help",
		"FLOWTRACE_LOGFILE",   "(default 16M)",
	};
	char *help = config_help();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert(strstr(help, names[i]) != NULL, "no %s", names[i]);
	free(help);
}
