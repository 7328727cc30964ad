/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "base/ui.h"

void ui_note(const struct ui *ui, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!ui->note)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ui->note(ui->arg, text);
}
