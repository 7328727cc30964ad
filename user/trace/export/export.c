/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/outfile.h"
#include "export/export.h"

#define ENOUGH (256u << 10)

int export_to_flush(struct export_to *to, struct why *w)
{
	int err = to->b.failed ? why(w, -ENOMEM, "out of memory") : 0;

	if (!err)
		err = outfile_write(to->fd, to->name, to->b.s, to->b.len, w);
	to->b.len = 0;
	return err;
}

int export_to_spare(struct export_to *to, struct why *w)
{
	if (to->b.len < ENOUGH && !to->b.failed)
		return 0;
	return export_to_flush(to, w);
}
