/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "command.h"

static int run_version(const struct arguments *a)
{
	if (a->json)
		puts("{\"version\": \"" FT_VERSION "\"}");
	else
		puts("flowctl " FT_VERSION);
	return EXIT_DONE;
}

const struct command command_version = {
	.name = "version",
	.group = COMMANDS_OTHER,
	.summary = "print the version",
	.run = run_version,
};
