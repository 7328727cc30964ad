/* SPDX-License-Identifier: MIT */
/*
 * The one table of options, and the four layers that fill struct config from it.
 *
 *     defaults < file (-c FILE) < FLOWTRACE_ variables < command line
 *
 * Every layer turns its values to text and hands them to option_set(), so a rule about a
 * value stands in one place. A layer replaces what a lower one said; within a layer a list
 * grows.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <json-c/json.h>

#include "config.h"
#include "ft_abi.h"

#define MAX_FILE_BYTES (1 << 20)
#define MAX_BUFFER_BYTES (1ULL << 30)
#define MAX_SECONDS 3153600000.0 /* a hundred years: fits every clock arithmetic */

enum kind {
	KIND_SWITCH,  /* bool; --x and --no-x */
	KIND_MAYBE,   /* int: -1 not said, 0, 1; --x and --no-x */
	KIND_COUNT,   /* int; each -v adds one */
	KIND_LIMIT,   /* unsigned; 0 = max */
	KIND_NUMBER,  /* uint64_t */
	KIND_SECONDS, /* double */
	KIND_SIZE,    /* uint64_t, 512K, 16M, 1G */
	KIND_TEXT,    /* char * */
	KIND_CHOICE,  /* char *, one of the words of `value` */
	KIND_LIST,    /* struct strings; at most max elements of max_len bytes, 0 = any */
	KIND_PIDS,    /* pids, npids */
};

enum group { GROUP_TARGET, GROUP_WHAT, GROUP_VALUES, GROUP_OUTPUT, GROUP_RUN, GROUP_COUNT };

static const char *const group_title[GROUP_COUNT] = {
	[GROUP_TARGET] = "Which processes",
	[GROUP_WHAT] = "Which calls",
	[GROUP_VALUES] = "Which values",
	[GROUP_OUTPUT] = "Where the events go",
	[GROUP_RUN] = "The run",
};

enum flags {
	FLAG_TARGET = 1,     /* excludes the other targets, across layers */
	FLAG_NO_FILE = 2,    /* not a key of the configuration file */
	FLAG_NO_ENV = 4,     /* has no variable */
	FLAG_SHOW_OFF = 8,   /* people use --no-x: that is what the help shows */
	FLAG_SHOW_BOTH = 16, /* show --x, --no-x */
	FLAG_PLAIN = 32,     /* module names: no wildcards */
};

struct option_row {
	const char *name; /* long option and key of the file */
	char letter;
	const char *env;   /* variable; switches also have FLOWTRACE_NO_X */
	const char *alias; /* a second name of it, the one FlowTrace's agents use */
	enum kind kind;
	size_t at;	     /* offset in struct config */
	const char *initial; /* the default, as text; NULL = unset */
	enum group group;
	unsigned flags;
	const char *value; /* what stands for the value in the help */
	const char *help;
	uint64_t max;
	size_t max_len;
};

#define AT(field) offsetof(struct config, field)

/* clang-format off */
static const struct option_row rows[] = {
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
	{ "http", 0, "FLOWTRACE_HTTP", NULL, KIND_MAYBE, AT(http), NULL,
	  GROUP_WHAT, FLAG_SHOW_BOTH, NULL,
	  "HTTP request and response events (not built yet)", 0, 0 },
	{ "backend", 0, "FLOWTRACE_BACKEND", NULL, KIND_CHOICE, AT(backend), "auto",
	  GROUP_WHAT, 0, "auto|usdt|uprobe|agent",
	  "how to hook the interpreter; auto takes the cheapest that sees every call "
	  "(agent: not built yet)", 0, 0 },

	{ "args", 0, "FLOWTRACE_ARGS", NULL, KIND_SWITCH, AT(args), "true",
	  GROUP_VALUES, FLAG_SHOW_OFF, NULL, "do not capture arguments", 0, 0 },
	{ "result", 0, "FLOWTRACE_RESULT", NULL, KIND_SWITCH, AT(result), "true",
	  GROUP_VALUES, FLAG_SHOW_OFF, NULL, "do not capture results", 0, 0 },
	{ "redact", 0, "FLOWTRACE_REDACT", NULL, KIND_LIST, AT(redact),
	  "password,passwd,secret,token,authorization,api_key,cookie",
	  GROUP_VALUES, 0, "NAMES",
	  "parameters and dict keys whose value becomes \"***\" before it leaves the target; "
	  "replaces the default list", FT_MAX_REDACT, FT_MAX_REDACT_LEN },
	{ "max-arg-length", 0, "FLOWTRACE_MAX_ARG_LENGTH", NULL, KIND_LIMIT, AT(max_arg_length), "1000",
	  GROUP_VALUES, 0, "N", "characters of a rendered field", FT_MAX_TOKEN_BYTES, 0 },
	{ "max-depth", 0, "FLOWTRACE_MAX_DEPTH", NULL, KIND_LIMIT, AT(max_depth), "6",
	  GROUP_VALUES, 0, "N", "nested containers", FT_MAX_DEPTH, 0 },
	{ "max-items", 0, "FLOWTRACE_MAX_ITEMS", NULL, KIND_LIMIT, AT(max_items), "64",
	  GROUP_VALUES, 0, "N", "items of one container", FT_MAX_ITEMS, 0 },

	{ "output", 'o', "FLOWTRACE_OUTPUT", "FLOWTRACE_LOGFILE", KIND_TEXT, AT(output), "flowtrace.jsonl",
	  GROUP_OUTPUT, 0, "FILE", "appended to; - is standard output", 0, 0 },
	{ "stdout", 0, "FLOWTRACE_STDOUT", NULL, KIND_SWITCH, AT(to_stdout), "false",
	  GROUP_OUTPUT, 0, NULL, "also to standard output", 0, 0 },
	{ "record", 0, "FLOWTRACE_RECORD", NULL, KIND_TEXT, AT(record), NULL,
	  GROUP_OUTPUT, 0, "FILE", "also keep the raw records, for --replay", 0, 0 },
	{ "buffer", 0, "FLOWTRACE_BUFFER", NULL, KIND_SIZE, AT(buffer_bytes), "16M",
	  GROUP_OUTPUT, 0, "SIZE", "ring buffer between kernel and collector", MAX_BUFFER_BYTES, 0 },

	{ "duration", 'd', "FLOWTRACE_DURATION", NULL, KIND_SECONDS, AT(duration_s), "0",
	  GROUP_RUN, 0, "SECS", "stop after so many seconds; 0 = no limit", 0, 0 },
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

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

enum layer { LAYER_DEFAULT, LAYER_FILE, LAYER_ENV, LAYER_COMMAND_LINE };

struct parser {
	struct config *c;
	struct why *w;
	enum layer layer;
	enum layer set_by[ROW_COUNT]; /* the layer that a row's value comes from */
	enum layer targets_by;
	char where[PATH_MAX +
		   64]; /* what the user wrote: "--pid", "FLOWTRACE_PID", "f.json: pid" */
};

/* One option of the command line. */
struct given {
	const struct option_row *row;
	bool off; /* --no-x */
	const char *text;
};

/* ---- values ------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int wrong(struct parser *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return why_exit(p->w, EXIT_USAGE, -EINVAL, "%s: %s", p->where, text);
}

static int no_memory(struct parser *p)
{
	return why(p->w, -ENOMEM, "out of memory while reading the options");
}

static void *field(struct config *c, const struct option_row *o)
{
	return (char *)c + o->at;
}

static bool is_switch(const struct option_row *o)
{
	return o->kind == KIND_SWITCH || o->kind == KIND_MAYBE;
}

static void strings_release(struct strings *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->at[i]);
	free(s->at);
	*s = (struct strings){0};
}

static int strings_add(struct strings *s, const char *text, size_t len)
{
	char **at = realloc(s->at, (s->count + 1) * sizeof(*at));

	if (!at)
		return -ENOMEM;
	s->at = at;
	at[s->count] = strndup(text, len);
	if (!at[s->count])
		return -ENOMEM;
	s->count++;
	return 0;
}

/* Back to "nothing said", so that a layer replaces what a lower one put there. */
static void row_clear(struct config *c, const struct option_row *o)
{
	void *at = field(c, o);

	switch (o->kind) {
	case KIND_SWITCH:
		*(bool *)at = false;
		break;
	case KIND_MAYBE:
		*(int *)at = -1;
		break;
	case KIND_COUNT:
		*(int *)at = 0;
		break;
	case KIND_LIMIT:
		*(unsigned *)at = 0;
		break;
	case KIND_NUMBER:
	case KIND_SIZE:
		*(uint64_t *)at = 0;
		break;
	case KIND_SECONDS:
		*(double *)at = 0;
		break;
	case KIND_TEXT:
	case KIND_CHOICE:
		free(*(char **)at);
		*(char **)at = NULL;
		break;
	case KIND_LIST:
		strings_release(at);
		break;
	case KIND_PIDS:
		free(c->pids);
		c->pids = NULL;
		c->npids = 0;
		break;
	}
}

static int number(struct parser *p, const char *text, uint64_t max, uint64_t *ret_value)
{
	char *end;
	uint64_t value;

	if (!*text || text[strspn(text, "0123456789")])
		return wrong(p, "\"%s\" is not a whole number", text);
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || value > max)
		return wrong(p, "%s is too large, the maximum is %llu", text,
			     (unsigned long long)max);
	*ret_value = value;
	return 0;
}

static int limit(struct parser *p, const struct option_row *o, const char *text, unsigned *ret)
{
	uint64_t value;

	if (!*text || text[strspn(text, "0123456789")])
		return wrong(p, "\"%s\" is not a whole number", text);
	errno = 0;
	value = strtoull(text, NULL, 10);
	if (errno || value > o->max)
		return wrong(p, "%s is too large, the maximum is %llu (0 means the maximum)", text,
			     (unsigned long long)o->max);
	*ret = value ? (unsigned)value : (unsigned)o->max;
	return 0;
}

static int seconds(struct parser *p, const char *text, double *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (!*text || *end || text[strspn(text, "0123456789.eE+-")] || value < 0 ||
	    !isfinite(value))
		return wrong(p, "\"%s\" is not a number of seconds, such as 10 or 0.5", text);
	if (value > MAX_SECONDS)
		return wrong(p, "%s seconds is too long, leave it out for no limit", text);
	*ret = value;
	return 0;
}

static int size_bytes(struct parser *p, const struct option_row *o, const char *text, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	static const char units[] = "KMG";
	uint64_t value, size = (uint64_t)sysconf(_SC_PAGESIZE);
	const char *unit =
		text[digits] ? strchr(units, toupper((unsigned char)text[digits])) : NULL;
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;

	errno = 0;
	value = strtoull(text, NULL, 10);
	if (!digits || text[digits + (unit ? 1 : 0)] || (!value && !errno))
		return wrong(p, "\"%s\" is not a size, such as 16M or 512K", text);
	if (errno || value > o->max >> shift)
		return wrong(p, "%s is too large, the maximum is %lluM", text,
			     (unsigned long long)o->max >> 20);
	while (size < value << shift)
		size <<= 1;
	*ret = size;
	return 0;
}

static bool parse_truth(const char *text, bool *ret)
{
	static const char *const words[][2] = {
		{"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};

	for (size_t i = 0; i < 2 * sizeof(words) / sizeof(words[0]); i++) {
		if (!strcasecmp(text, words[i / 2][i % 2])) {
			*ret = i % 2;
			return true;
		}
	}
	return false;
}

static int set_text(struct parser *p, const struct option_row *o, const char *text)
{
	char **at = field(p->c, o);
	char *copy;

	if (!*text)
		return wrong(p, "needs the name of a file");
	copy = strdup(text);
	if (!copy)
		return no_memory(p);
	free(*at);
	*at = copy;
	return 0;
}

static int set_choice(struct parser *p, const struct option_row *o, const char *text)
{
	size_t len = strlen(text);

	for (const char *word = o->value; word; word = strchr(word, '|')) {
		word += *word == '|';
		if (len && len == strcspn(word, "|") && !strncmp(word, text, len))
			return set_text(p, o, text);
	}
	return wrong(p, "\"%s\" is not one of %s", text, o->value);
}

static int add_string(struct parser *p, const struct option_row *o, const char *text, size_t len)
{
	struct strings *list = field(p->c, o);

	if (len > o->max_len)
		return wrong(p, "\"%.*s...\" is longer than %zu bytes, the maximum", 24, text,
			     o->max_len);
	if ((o->flags & FLAG_PLAIN) && memchr(text, '*', len))
		return wrong(p, "\"%.*s\": prefixes are plain text, leave the * out", (int)len,
			     text);
	for (size_t i = 0; i < list->count; i++)
		if (strlen(list->at[i]) == len && !memcmp(list->at[i], text, len))
			return 0;
	if (o->max && list->count == o->max)
		return wrong(p, "more than %llu names, the maximum", (unsigned long long)o->max);
	return strings_add(list, text, len) ? no_memory(p) : 0;
}

static int add_pid(struct parser *p, const char *text, size_t len)
{
	struct config *c = p->c;
	char digits[24];
	uint64_t pid = 0;
	pid_t *pids;

	if (len < sizeof(digits) && strspn(text, "0123456789") >= len) {
		memcpy(digits, text, len);
		digits[len] = 0;
		errno = 0;
		pid = strtoull(digits, NULL, 10);
	}
	if (!pid || errno || pid > INT_MAX)
		return wrong(p, "\"%.*s\" is not a process id", (int)(len < 64 ? len : 64), text);
	for (size_t i = 0; i < c->npids; i++)
		if (c->pids[i] == (pid_t)pid)
			return 0;
	pids = realloc(c->pids, (c->npids + 1) * sizeof(*pids));
	if (!pids)
		return no_memory(p);
	c->pids = pids;
	c->pids[c->npids++] = (pid_t)pid;
	return 0;
}

/* "a, b,,c": blanks around elements and empty elements do not count. */
static int add_list(struct parser *p, const struct option_row *o, const char *text)
{
	while (*text) {
		size_t len, next = strcspn(text, ",");
		const char *start = text;
		int err;

		text += next + (text[next] == ',');
		while (next && isspace((unsigned char)*start))
			start++, next--;
		for (len = next; len && isspace((unsigned char)start[len - 1]);)
			len--;
		if (!len)
			continue;
		err = o->kind == KIND_PIDS ? add_pid(p, start, len) : add_string(p, o, start, len);
		if (err)
			return err;
	}
	return 0;
}

/* A new layer speaks about this option: what lower layers said of it no longer counts. */
static void option_begin(struct parser *p, const struct option_row *o)
{
	if ((o->flags & FLAG_TARGET) && p->layer > p->targets_by) {
		for (size_t i = 0; i < ROW_COUNT; i++)
			if (rows[i].flags & FLAG_TARGET)
				row_clear(p->c, &rows[i]);
		p->targets_by = p->layer;
	}
	if (p->set_by[o - rows] != p->layer)
		row_clear(p->c, o);
	p->set_by[o - rows] = p->layer;
}

/* The one place where a text becomes a value. */
static int option_set(struct parser *p, const struct option_row *o, bool off, const char *text)
{
	void *at = field(p->c, o);
	uint64_t count;
	bool on;
	int err;

	option_begin(p, o);
	switch (o->kind) {
	case KIND_SWITCH:
	case KIND_MAYBE:
		if (!parse_truth(text, &on))
			return wrong(p, "\"%s\" is neither true nor false", text);
		if (o->kind == KIND_SWITCH)
			*(bool *)at = on != off;
		else
			*(int *)at = on != off;
		return 0;
	case KIND_COUNT:
		if (parse_truth(text, &on)) {
			*(int *)at += on;
			return 0;
		}
		err = number(p, text, o->max, &count);
		if (!err)
			*(int *)at = (int)count;
		return err;
	case KIND_LIMIT:
		return limit(p, o, text, at);
	case KIND_NUMBER:
		return number(p, text, o->max, at);
	case KIND_SECONDS:
		return seconds(p, text, at);
	case KIND_SIZE:
		return size_bytes(p, o, text, at);
	case KIND_TEXT:
		return set_text(p, o, text);
	case KIND_CHOICE:
		return set_choice(p, o, text);
	case KIND_LIST:
	case KIND_PIDS:
		return add_list(p, o, text);
	}
	return -EINVAL;
}

/* ---- layers ------------------------------------------------------------------- */

static int read_defaults(struct parser *p)
{
	int err;

	p->layer = LAYER_DEFAULT;
	for (const struct option_row *o = rows; o < rows + ROW_COUNT; o++) {
		snprintf(p->where, sizeof(p->where), "default of --%s", o->name);
		row_clear(p->c, o);
		err = o->initial ? option_set(p, o, false, o->initial) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* Does a key of the file name this option? Keys may write _ for -. */
static bool key_is(const char *key, const char *name)
{
	for (; *key && *name; key++, name++)
		if (*key != *name && !(*key == '_' && *name == '-'))
			return false;
	return !*key && !*name;
}

static const struct option_row *row_of_key(const char *key, bool *ret_off)
{
	bool no = !strncmp(key, "no-", 3) || !strncmp(key, "no_", 3);

	for (const struct option_row *o = rows; o < rows + ROW_COUNT; o++) {
		if (o->flags & FLAG_NO_FILE)
			continue;
		*ret_off = no && is_switch(o) && key_is(key + 3, o->name);
		if (*ret_off || key_is(key, o->name))
			return o;
	}
	return NULL;
}

static int set_from_json(struct parser *p, const struct option_row *o, bool off,
			 struct json_object *value)
{
	enum json_type type = json_object_get_type(value);
	bool list = o->kind == KIND_LIST || o->kind == KIND_PIDS;
	bool text = list || o->kind == KIND_TEXT || o->kind == KIND_CHOICE;
	const char *s;

	if (type == json_type_null || type == json_type_object || type == json_type_array ||
	    (type == json_type_boolean && text))
		return wrong(p, "%s is not a value for it", json_object_to_json_string(value));
	s = json_object_get_string(value);
	if (!s)
		return no_memory(p);
	if (type == json_type_string && strlen(s) != (size_t)json_object_get_string_len(value))
		return wrong(p, "the text holds a zero byte");
	return option_set(p, o, off, s);
}

static int read_key(struct parser *p, const char *path, const char *key, struct json_object *value)
{
	bool off;
	const struct option_row *o = row_of_key(key, &off);
	int err = 0;

	if (!o)
		return why_exit(p->w, EXIT_USAGE, -EINVAL,
				"%s: unknown key \"%s\": keys are the long options of --help", path,
				key);
	snprintf(p->where, sizeof(p->where), "%s: %s", path, key);
	if ((o->kind != KIND_LIST && o->kind != KIND_PIDS) ||
	    !json_object_is_type(value, json_type_array))
		return set_from_json(p, o, off, value);
	option_begin(p, o);
	for (size_t i = 0; !err && i < json_object_array_length(value); i++)
		err = set_from_json(p, o, off, json_object_array_get_idx(value, i));
	return err;
}

/* Reads path whole; the caller frees. */
static int slurp(const char *path, char **ret_text, size_t *ret_len, struct why *w)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t len = 0;
	int err;

	if (!f) {
		err = -errno;
		return why_exit(w, EXIT_USAGE, err, "cannot read the configuration file %s: %s",
				path, strerror(-err));
	}
	text = malloc(MAX_FILE_BYTES + 1);
	if (text)
		len = fread(text, 1, MAX_FILE_BYTES + 1, f);
	if (!text) {
		err = why(w, -ENOMEM, "out of memory while reading %s", path);
	} else if (ferror(f)) {
		err = why_exit(w, EXIT_USAGE, -EIO, "cannot read the configuration file %s: %s",
			       path, strerror(errno));
	} else if (len > MAX_FILE_BYTES) {
		err = why_exit(w, EXIT_USAGE, -EFBIG,
			       "%s is over 1 MiB: is it a configuration file?", path);
	} else {
		*ret_text = text;
		*ret_len = len;
		text = NULL;
		err = 0;
	}
	free(text);
	fclose(f);
	return err;
}

static int parse_json(const char *path, const char *text, size_t len,
		      struct json_object **ret_object, struct why *w)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;
	size_t at;
	int line = 1, err = 0;

	if (!tokener)
		return why(w, -ENOMEM, "out of memory while reading %s", path);
	object = json_tokener_parse_ex(tokener, text, (int)len);
	at = json_tokener_get_parse_end(tokener);
	for (size_t i = 0; i < at && i < len; i++)
		line += text[i] == '\n';
	while (object && at < len && isspace((unsigned char)text[at]))
		at++;
	if (json_tokener_get_error(tokener) == json_tokener_continue) {
		err = why_exit(w, EXIT_USAGE, -EINVAL,
			       "%s: the JSON object is not complete at the end of the file", path);
	} else if (json_tokener_get_error(tokener) != json_tokener_success || at < len) {
		err = why_exit(w, EXIT_USAGE, -EINVAL, "%s: line %d is not JSON: %s", path, line,
			       object ? "text after the object"
				      : json_tokener_error_desc(json_tokener_get_error(tokener)));
	} else if (!json_object_is_type(object, json_type_object)) {
		err = why_exit(w, EXIT_USAGE, -EINVAL,
			       "%s: a configuration file is one JSON object, such as "
			       "{\"prefix\": \"myapp\"}",
			       path);
	}
	json_tokener_free(tokener);
	if (err)
		json_object_put(object);
	else
		*ret_object = object;
	return err;
}

static int read_file(struct parser *p, const char *path)
{
	struct json_object *object = NULL;
	char *text = NULL;
	size_t len = 0;
	int err;

	p->layer = LAYER_FILE;
	err = slurp(path, &text, &len, p->w);
	if (!err)
		err = parse_json(path, text, len, &object, p->w);
	if (!err) {
		json_object_object_foreach(object, key, value)
		{
			err = read_key(p, path, key, value);
			if (err)
				break;
		}
	}
	json_object_put(object);
	free(text);
	return err;
}

static int read_variable(struct parser *p, const struct option_row *o, const char *name, bool off,
			 bool *ret_found)
{
	const char *text = getenv(name);

	if (!text || !*text) /* an empty variable says nothing */
		return 0;
	*ret_found = true;
	snprintf(p->where, sizeof(p->where), "%s", name);
	return option_set(p, o, off, text);
}

static int read_environment(struct parser *p)
{
	char negative[64];
	int err = 0;

	p->layer = LAYER_ENV;
	for (const struct option_row *o = rows; !err && o < rows + ROW_COUNT; o++) {
		bool found = false;

		if (o->flags & FLAG_NO_ENV)
			continue;
		err = read_variable(p, o, o->env, false, &found);
		if (!err && !found && o->alias)
			err = read_variable(p, o, o->alias, false, &found);
		if (!err && !found && is_switch(o)) {
			snprintf(negative, sizeof(negative), "FLOWTRACE_NO_%s",
				 o->env + strlen("FLOWTRACE_"));
			err = read_variable(p, o, negative, true, &found);
		}
	}
	return err;
}

static int read_command_line(struct parser *p, const struct given *given, size_t count)
{
	int err = 0;

	p->layer = LAYER_COMMAND_LINE;
	for (size_t i = 0; !err && i < count; i++) {
		snprintf(p->where, sizeof(p->where), "--%s%s", given[i].off ? "no-" : "",
			 given[i].row->name);
		err = option_set(p, given[i].row, given[i].off, given[i].text);
	}
	if (!err && p->c->command && p->targets_by < p->layer) {
		/* -- CMD is a target too */
		for (size_t i = 0; i < ROW_COUNT; i++)
			if (rows[i].flags & FLAG_TARGET)
				row_clear(p->c, &rows[i]);
	}
	return err;
}

/* ---- the command line --------------------------------------------------------- */

/* getopt's val: row number * 2 + off + LONG_BASE for long options, the letter for short ones. */
#define LONG_BASE 256

struct tables {
	char letters[2 * ROW_COUNT + 4];
	char names[ROW_COUNT][40]; /* "no-x" of switches */
	struct option longs[2 * ROW_COUNT + 1];
};

static void make_tables(struct tables *t)
{
	struct option *l = t->longs;
	char *s = t->letters;

	*s++ = '+'; /* stop at the first operand */
	*s++ = ':'; /* tell a missing value from an unknown option */
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct option_row *o = &rows[i];
		bool takes_value = !is_switch(o) && o->kind != KIND_COUNT;

		if (o->letter)
			*s++ = o->letter;
		if (o->letter && takes_value)
			*s++ = ':';
		*l++ = (struct option){o->name, takes_value ? required_argument : no_argument, NULL,
				       LONG_BASE + (int)i * 2};
		if (!is_switch(o) || (o->flags & FLAG_NO_FILE))
			continue;
		snprintf(t->names[i], sizeof(t->names[i]), "no-%s", o->name);
		*l++ = (struct option){t->names[i], no_argument, NULL, LONG_BASE + (int)i * 2 + 1};
	}
	*s = 0;
	*l = (struct option){0};
}

static const struct option_row *row_of_val(int val, bool *ret_off)
{
	*ret_off = val >= LONG_BASE && (val & 1);
	if (val >= LONG_BASE)
		return &rows[(val - LONG_BASE) / 2];
	for (const struct option_row *o = rows; o < rows + ROW_COUNT; o++)
		if (o->letter && o->letter == val)
			return o;
	return NULL;
}

static int bad_option(char **argv, int val, struct why *w)
{
	bool off;
	const struct option_row *o = row_of_val(optopt, &off);
	const char *word = argv[optind - 1];

	if (val == ':')
		return why_exit(w, EXIT_USAGE, -EINVAL, "--%s needs a value (%s)", o->name,
				o->value);
	if (o)
		return why_exit(w, EXIT_USAGE, -EINVAL, "--%s%s takes no value", off ? "no-" : "",
				o->name);
	if (optopt)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"unknown option -%c: see flowtrace-bpf --help", optopt);
	return why_exit(w, EXIT_USAGE, -EINVAL, "unknown option %s: see flowtrace-bpf --help",
			word);
}

/* Splits argv into options (ret_given has room for argc) and the command after --. */
static int split(int argc, char **argv, struct given *ret_given, size_t *ret_count,
		 char ***ret_command, struct why *w)
{
	struct tables t;
	size_t count = 0;
	bool separated;

	make_tables(&t);
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	for (;;) {
		int before = optind ? optind : 1;
		int val = getopt_long(argc, argv, t.letters, t.longs, NULL);
		struct given *g = &ret_given[count];

		if (val == -1) {
			separated = optind == before + 1 && !strcmp(argv[before], "--");
			break;
		}
		if (val == '?' || val == ':')
			return bad_option(argv, val, w);
		g->row = row_of_val(val, &g->off);
		g->text = optarg ? optarg : "true";
		count++;
	}
	if (optind < argc && !separated)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"unexpected \"%s\": a program to start goes after --",
				argv[optind]);
	if (separated && optind == argc)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"nothing after --: name the program to start and trace");
	*ret_count = count;
	*ret_command = separated ? argv + optind : NULL;
	return 0;
}

/* ---- combinations ------------------------------------------------------------- */

static int refuse_not_yet(const struct config *c, struct why *w)
{
	const char *what = NULL;

	if (c->all)
		what = "--all is not built yet: name the processes with --pid";
	else if (c->http > 0)
		what = "--http is not built yet: leave it out";
	else if (!strcmp(c->backend, "agent"))
		what = "--backend agent is not built yet: leave it out, or say usdt or uprobe";
	return what ? why_exit(w, EXIT_USAGE, -EINVAL, "%s", what) : 0;
}

static int refuse_combinations(const struct config *c, struct why *w)
{
	const char *what = NULL;
	int targets = (c->npids > 0) + (c->command != NULL) + (c->replay != NULL) + c->all;

	if (!targets)
		what = "nothing to trace: give --pid PID, or -- CMD to start a program, or "
		       "--replay FILE (see --help)";
	else if (c->check && !c->npids)
		what = "--check is about running processes: give --pid PID";
	else if (c->replay && c->record)
		what = "--record with --replay makes no sense: the recording is there already, "
		       "leave --record out";
	else if (c->replay && c->npids)
		what = "--replay with --pid makes no sense: give one of them";
	else if (c->replay && c->command)
		what = "--replay with -- CMD makes no sense: give one of them";
	else if (targets > 1)
		what = "--pid with -- CMD makes no sense: attach to a process or start one, "
		       "not both";
	else if (c->json && !c->check)
		what = "--json goes with --check: leave it out, events are JSON anyway";
	else if (c->record && !strcmp(c->record, "-"))
		what = "--record needs a file, standard output is for events";
	else if (c->record && !strcmp(c->record, c->output))
		what = "--record and --output name the same file: give them two";
	else if (c->replay && !strcmp(c->replay, c->output))
		what = "--replay and --output name the same file: give them two";
	return what ? why_exit(w, EXIT_USAGE, -EINVAL, "%s", what) : 0;
}

/* ---- what the header promises -------------------------------------------------- */

void config_init(struct config *c)
{
	struct parser p = {.c = c};

	memset(c, 0, sizeof(*c));
	read_defaults(&p); /* may fail for want of memory: config_parse does it again */
}

void config_release(struct config *c)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		row_clear(c, &rows[i]);
}

static const char *config_path(const struct given *given, size_t count)
{
	const char *path = getenv("FLOWTRACE_CONFIG");

	for (size_t i = 0; i < count; i++)
		if (given[i].row->at == AT(config_file))
			path = given[i].text;
	return path && *path ? path : NULL;
}

static bool asked_for(const struct given *given, size_t count, size_t at)
{
	for (size_t i = 0; i < count; i++)
		if (given[i].row->at == at)
			return true;
	return false;
}

static int read_layers(struct parser *p, const struct given *given, size_t count)
{
	const char *path = config_path(given, count);
	int err;

	err = read_defaults(p);
	if (!err && path)
		err = read_file(p, path);
	if (!err)
		err = read_environment(p);
	if (!err)
		err = read_command_line(p, given, count);
	return err;
}

int config_parse(struct config *c, int argc, char **argv, struct why *w)
{
	struct parser p = {.c = c, .w = w};
	struct given *given = calloc((size_t)argc + 1, sizeof(*given));
	size_t count = 0;
	int err;

	if (!given)
		return no_memory(&p);
	err = split(argc, argv, given, &count, &c->command, w);
	if (err)
		goto out;
	c->help = asked_for(given, count, AT(help));
	c->version = asked_for(given, count, AT(version));
	if (c->help || c->version)
		goto out;
	err = read_layers(&p, given, count);
	if (err)
		goto out;
	err = refuse_not_yet(c, w);
	if (err)
		goto out;
	err = refuse_combinations(c, w);
	if (err)
		goto out;
	if (c->follow < 0)
		c->follow = c->command != NULL;
	if (!strcmp(c->output, "-"))
		c->to_stdout = false;
out:
	free(given);
	return err;
}

/* ---- help ---------------------------------------------------------------------- */

#define HELP_COLUMN 32
#define HELP_WIDTH 80

static void put_wrapped(FILE *f, const char *text, size_t column)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
			fprintf(f, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			fputc(' ', f);
			column++;
		}
		fwrite(text, 1, len, f);
		column += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', f);
}

static void put_row(FILE *f, const struct option_row *o)
{
	char flag[96], text[512];
	int len = 0;

	if (o->letter)
		len = snprintf(flag, sizeof(flag), "  -%c, ", o->letter);
	else
		len = snprintf(flag, sizeof(flag), "      ");
	len += snprintf(flag + len, sizeof(flag) - (size_t)len, "--%s%s",
			o->flags & FLAG_SHOW_OFF ? "no-" : "", o->name);
	if (o->flags & FLAG_SHOW_BOTH)
		len += snprintf(flag + len, sizeof(flag) - (size_t)len, ", --no-%s", o->name);
	if (o->value)
		len += snprintf(flag + len, sizeof(flag) - (size_t)len, " %s", o->value);

	if (o->kind == KIND_LIMIT)
		snprintf(text, sizeof(text), "%s; default %s, at most %llu, 0 = the most", o->help,
			 o->initial, (unsigned long long)o->max);
	else if (o->value && o->initial && strcmp(o->initial, "0"))
		snprintf(text, sizeof(text), "%s (default %s)", o->help, o->initial);
	else
		snprintf(text, sizeof(text), "%s", o->help);

	if (len > HELP_COLUMN - 2) {
		fprintf(f, "%s\n", flag);
		len = 0;
		flag[0] = 0;
	}
	fprintf(f, "%-*s", HELP_COLUMN, flag);
	put_wrapped(f, text, HELP_COLUMN);
}

char *config_help(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputs("Trace every call of a Python program, with its values, from outside the process.\n"
	      "\n"
	      "  flowtrace-bpf [options] --pid PID          attach to a running process\n"
	      "  flowtrace-bpf [options] -- CMD [ARG...]    start a program and trace it\n"
	      "  flowtrace-bpf [options] --replay FILE      render a recording\n",
	      f);
	for (int group = 0; group < GROUP_COUNT; group++) {
		fprintf(f, "\n%s:\n", group_title[group]);
		for (size_t i = 0; i < ROW_COUNT; i++)
			if ((int)rows[i].group == group)
				put_row(f, &rows[i]);
	}
	fputs("\n"
	      "Every option is also a key of the configuration file and a variable, FLOWTRACE_ "
	      "and\n"
	      "its name in capitals: --max-depth is FLOWTRACE_MAX_DEPTH",
	      f);
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].alias)
			fprintf(f, ",\n--%s is %s or %s", rows[i].name, rows[i].env, rows[i].alias);
	fputs(".\n"
	      "Defaults < file < environment < command line. --no-OPTION turns a switch off "
	      "again.\n"
	      "\n"
	      "Exit status: 0 done, 1 other failure, 2 wrong usage, 3 no such process or no "
	      "Python\n"
	      "in it, 4 not permitted, 5 the kernel lacks a feature, 6 this Python cannot be "
	      "hooked.\n",
	      f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
