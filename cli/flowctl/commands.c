/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "command.h"

/* clang-format off: a row each */
const struct command *const commands[] = {
	&command_stats,	   &command_tree,	&command_slow,	       &command_errors,
	&command_requests, &command_grep,	&command_diff,	       &command_merge,
	&command_check,	   &command_export,	&command_report,       &command_top,
	&command_analyze,  &command_instrument, &command_uninstrument, &command_validate,
	&command_init,	   &command_help,	&command_version,      NULL,
};
/* clang-format on */

const struct command_option common_options[] = {
	{"json", 'j', VALUE_SWITCH, OPTION_AT(struct arguments, json), NULL, NULL,
	 "print JSON, for programs", 0, 0},
	{"help", 'h', VALUE_SWITCH, OPTION_AT(struct arguments, help), NULL, NULL,
	 "print this text", 0, 0},
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
