/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "command.h"
#include "terminal.h"

int command_fail(const struct why *w)
{
	terminal_line(stderr, "flowctl: %s", w->text[0] ? w->text : "failed");
	return w->exit_status ? w->exit_status : EXIT_OTHER;
}

int command_end(int err, struct why *w)
{
	if (!err)
		return EXIT_DONE;
	why(w, err, "out of memory");
	return command_fail(w);
}
