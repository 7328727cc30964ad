/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "base/why.h"

static int why_set(struct why *w, int exit_status, int err, const char *fmt, va_list ap)
{
	if (w && !w->text[0]) {
		vsnprintf(w->text, sizeof(w->text), fmt, ap);
		w->exit_status = exit_status;
	}
	return err;
}

int why(struct why *w, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err = why_set(w, EXIT_OTHER, err, fmt, ap);
	va_end(ap);
	return err;
}

int why_exit(struct why *w, int exit_status, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err = why_set(w, exit_status, err, fmt, ap);
	va_end(ap);
	return err;
}
