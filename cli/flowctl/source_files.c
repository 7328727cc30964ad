/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "source/interpreter.h"
#include "source_files.h"
#include "terminal.h"

static void on_skip(void *arg, const char *text)
{
	terminal_line(stderr, "flowctl: %s", text);
	*(int *)arg = EXIT_OTHER;
}

int source_files_open(struct files *f, const struct arguments *a, int *ret_status)
{
	struct why w = {};
	int err = interpreter_start(&w);

	*ret_status = EXIT_DONE;
	if (err) {
		*ret_status = command_fail(&w);
		return err;
	}
	for (size_t i = 0; i < a->noperands; i++) {
		w = (struct why){};
		if (files_add(f, a->operand[i], on_skip, ret_status, &w))
			*ret_status = command_fail(&w);
	}
	return 0;
}

void source_files_close(struct files *f)
{
	files_release(f);
	interpreter_stop();
}

void source_file_fail(const char *path, const struct why *w)
{
	/* Some reasons name the file themselves. */
	if (strstr(w->text, path))
		terminal_line(stderr, "flowctl: %s", w->text);
	else
		terminal_line(stderr, "flowctl: %s: %s", path, w->text);
}
