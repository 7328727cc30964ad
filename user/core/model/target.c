/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include "model/target.h"

static void close_file(int fd)
{
	if (fd > 0)
		close(fd);
}

void target_close(struct target *t)
{
	close_file(t->fd);
	close_file(t->pidfd);
	close_file(t->agent.fd);
	t->fd = t->pidfd = t->agent.fd = 0;
}

void target_release(struct target *t)
{
	if (!t)
		return;
	free(t->exe);
	free(t->binary);
	free(t->open_path);
	free(t->budget);
	free(t->agent.path);
	free(t->agent.open_path);
	target_close(t);
	*t = (struct target){0};
}
