/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "command.h"

/* A row each, in the order of the help; command_NAME ends NAME.c. */
#define COMMANDS(X)                                                                                \
	X(stats)                                                                                   \
	X(tree)                                                                                    \
	X(slow)                                                                                    \
	X(errors)                                                                                  \
	X(requests)                                                                                \
	X(grep)                                                                                    \
	X(diff)                                                                                    \
	X(merge)                                                                                   \
	X(check)                                                                                   \
	X(export)                                                                                  \
	X(report)                                                                                  \
	X(top)                                                                                     \
	X(analyze)                                                                                 \
	X(instrument)                                                                              \
	X(uninstrument)                                                                            \
	X(validate)                                                                                \
	X(init)                                                                                    \
	X(help)                                                                                    \
	X(version)

#define X(name) extern const struct command command_##name;
COMMANDS(X)
#undef X

const struct command *const commands[] = {
#define X(name) &command_##name,
	COMMANDS(X)
#undef X
		NULL,
};

const struct command_option common_options[] = {
	{.name = "json",
	 .letter = 'j',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct arguments, json),
	 .help = "print JSON, for programs"},
	{.name = "help",
	 .letter = 'h',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct arguments, help),
	 .help = "print this text"},
	{0},
};

const char *const command_group_titles[COMMAND_GROUPS] = {
	[COMMANDS_READ] = "Read traces",
	[COMMANDS_CODE] = "Instrument code",
	[COMMANDS_OTHER] = "Other",
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

static const struct command_option *or_none(const struct command_option *o)
{
	return o && o->name ? o : NULL;
}

const struct command_option *option_first(const struct command *c)
{
	return or_none(c->options) ? c->options : common_options;
}

const struct command_option *option_next(const struct command *c, const struct command_option *o)
{
	if (o[1].name)
		return o + 1;
	/* The end of a table: is it the command's own? */
	for (const struct command_option *common = common_options; common->name; common++)
		if (common == o)
			return NULL;
	return common_options;
}
