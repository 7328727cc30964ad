/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>

#include "discover/denied.h"

int denied(struct why *w, const char *path)
{
	if (geteuid())
		return why_exit(
			w, EXIT_NOT_PERMITTED, -EACCES,
			"not permitted to read %s: run as root (sudo), or with CAP_SYS_PTRACE",
			path);
	return why_exit(w, EXIT_NOT_PERMITTED, -EACCES,
			"not permitted to read %s although root: CAP_SYS_PTRACE is missing (a "
			"container needs --cap-add SYS_PTRACE), or a security module forbids it",
			path);
}
