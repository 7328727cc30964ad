/* SPDX-License-Identifier: MIT */
/*
 * argv into struct arguments, by the rows of the command. Options and operands may be mixed;
 * what follows "--" is operands. A name may be cut as long as only one row begins so.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

/* The options that are still to be offered as suggestions. */
struct offer {
	const struct command *command;
	const struct command_option *next;
};

static const char *next_name(void *arg)
{
	struct offer *offer = arg;
	const struct command_option *o = offer->next;

	if (!o)
		return NULL;
	offer->next = option_next(offer->command, o);
	return o->name;
}

static int unknown_option(const struct command *c, const char *name, size_t len, struct why *w)
{
	struct offer offer = {c, option_first(c)};
	char word[64];
	const char *near;

	if (len >= sizeof(word))
		len = sizeof(word) - 1;
	memcpy(word, name, len);
	word[len] = 0;
	near = suggestion(word, next_name, &offer);
	if (near)
		return why_exit(w, EXIT_USAGE, -EINVAL, "%s has no option --%s: did you mean --%s?",
				c->name, word, near);
	return why_exit(w, EXIT_USAGE, -EINVAL, "%s has no option --%s: see flowctl %s --help",
			c->name, word, c->name);
}

static bool is_common(const struct command_option *o)
{
	for (const struct command_option *common = common_options; common->name; common++)
		if (common == o)
			return true;
	return false;
}

static void *field_of(struct arguments *a, const struct command_option *o)
{
	return (is_common(o) ? (char *)a : (char *)a->options) + o->at;
}

/* The row that --name means; a prefix that is not ambiguous will do. */
static const struct command_option *find_long(const struct command *c, const char *name, size_t len)
{
	const struct command_option *prefixed = NULL;
	bool ambiguous = false;

	for (const struct command_option *o = option_first(c); o; o = option_next(c, o)) {
		if (strncmp(o->name, name, len))
			continue;
		if (!o->name[len])
			return o;
		ambiguous = prefixed != NULL;
		prefixed = o;
	}
	return ambiguous || !len ? NULL : prefixed;
}

static const struct command_option *find_letter(const struct command *c, char letter)
{
	for (const struct command_option *o = option_first(c); o; o = option_next(c, o))
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

static int set_number(const struct command_option *o, uint64_t *field, const char *text,
		      struct why *w)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		return why_exit(w, EXIT_USAGE, -EINVAL, "--%s takes a whole number, not \"%s\"",
				o->name, text);
	if (n < o->min)
		return why_exit(w, EXIT_USAGE, -EINVAL, "--%s must be at least %" PRIu64, o->name,
				o->min);
	if (o->max && n > o->max)
		return why_exit(w, EXIT_USAGE, -EINVAL, "--%s must be at most %" PRIu64, o->name,
				o->max);
	*field = n;
	return 0;
}

static int set_choice(const struct command_option *o, int *field, const char *text, struct why *w)
{
	const char *word = o->value;

	for (int i = 0;; i++) {
		size_t len = strcspn(word, "|");

		if (strlen(text) == len && !strncmp(text, word, len)) {
			*field = i;
			return 0;
		}
		if (!word[len])
			break;
		word += len + 1;
	}
	return why_exit(w, EXIT_USAGE, -EINVAL, "--%s takes one of %s, not \"%s\"", o->name,
			o->value, text);
}

static int add_word(struct words *list, const char *text, struct why *w)
{
	const char **more = realloc(list->word, (list->count + 1) * sizeof(*more));

	if (!more)
		return why(w, -ENOMEM, "out of memory");
	list->word = more;
	list->word[list->count++] = text;
	return 0;
}

static int set(struct arguments *a, const struct command_option *o, const char *text, struct why *w)
{
	void *field = field_of(a, o);

	switch (o->kind) {
	case VALUE_SWITCH:
		*(bool *)field = true;
		return 0;
	case VALUE_TEXT:
		*(const char **)field = text;
		return 0;
	case VALUE_NUMBER:
		return set_number(o, field, text, w);
	case VALUE_CHOICE:
		return set_choice(o, field, text, w);
	case VALUE_LIST:
		return add_word(field, text, w);
	}
	return -EINVAL;
}

static int set_defaults(struct arguments *a, struct why *w)
{
	int err = 0;

	for (const struct command_option *o = option_first(a->command); o && !err;
	     o = option_next(a->command, o))
		if (o->initial)
			err = set(a, o, o->initial, w);
	return err;
}

static int needs_value(const struct command_option *o, struct why *w)
{
	return why_exit(w, EXIT_USAGE, -EINVAL, "--%s needs a value (%s)", o->name, o->value);
}

/* --name, --name=VALUE, --name VALUE; moves *i over a value of its own. */
static int take_long(struct arguments *a, int argc, char **argv, int *i, struct why *w)
{
	const char *name = argv[*i] + 2, *text = strchr(name, '=');
	size_t len = text ? (size_t)(text++ - name) : strlen(name);
	const struct command_option *o = find_long(a->command, name, len);

	if (!o)
		return unknown_option(a->command, name, len, w);
	if (o->kind == VALUE_SWITCH && text)
		return why_exit(w, EXIT_USAGE, -EINVAL, "--%s takes no value", o->name);
	if (o->kind != VALUE_SWITCH && !text) {
		if (*i + 1 >= argc)
			return needs_value(o, w);
		text = argv[++*i];
	}
	return set(a, o, text, w);
}

/* -a, -abc, -nVALUE, -n VALUE. */
static int take_letters(struct arguments *a, int argc, char **argv, int *i, struct why *w)
{
	for (const char *s = argv[*i] + 1; *s; s++) {
		const struct command_option *o = find_letter(a->command, *s);
		int err;

		if (!o)
			return why_exit(w, EXIT_USAGE, -EINVAL,
					"%s has no option -%c: see flowctl %s --help",
					a->command->name, *s, a->command->name);
		if (o->kind != VALUE_SWITCH) {
			if (s[1])
				return set(a, o, s + 1, w);
			return *i + 1 < argc ? set(a, o, argv[++*i], w) : needs_value(o, w);
		}
		err = set(a, o, NULL, w);
		if (err)
			return err;
	}
	return 0;
}

static int count_operands(const struct arguments *a, struct why *w)
{
	const struct command *c = a->command;

	if (a->help)
		return 0;
	if (a->noperands < c->min_operands)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"missing operand: %s (see flowctl %s --help)", c->operands,
				c->name);
	if (!c->operands && a->noperands)
		return why_exit(w, EXIT_USAGE, -EINVAL, "%s takes no \"%s\"", c->name,
				a->operand[0]);
	if (c->max_operands && a->noperands > c->max_operands)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"%s takes only %s: unexpected operand \"%s\"", c->name, c->operands,
				a->operand[c->max_operands]);
	return 0;
}

int arguments_parse(struct arguments *a, const struct command *c, int argc, char **argv,
		    struct why *w)
{
	bool only_operands = false;
	int err;

	*a = (struct arguments){.command = c};
	a->options = calloc(1, c->options_size ? c->options_size : 1);
	a->operand = calloc((size_t)argc + 1, sizeof(*a->operand));
	if (!a->options || !a->operand)
		return why(w, -ENOMEM, "out of memory");
	err = set_defaults(a, w);
	for (int i = 1; i < argc && !err; i++) {
		if (only_operands || argv[i][0] != '-' || !argv[i][1])
			a->operand[a->noperands++] = argv[i];
		else if (!strcmp(argv[i], "--"))
			only_operands = true;
		else if (argv[i][1] == '-')
			err = take_long(a, argc, argv, &i, w);
		else
			err = take_letters(a, argc, argv, &i, w);
	}
	return err ? err : count_operands(a, w);
}

void arguments_release(struct arguments *a)
{
	for (const struct command_option *o = a->options ? a->command->options : NULL; o && o->name;
	     o++)
		if (o->kind == VALUE_LIST)
			free(((struct words *)field_of(a, o))->word);
	free(a->options);
	free(a->operand);
}
