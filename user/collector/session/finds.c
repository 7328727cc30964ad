/* SPDX-License-Identifier: MIT */
/*
 * --all: an interpreter may be in a program of any name. So when a process that is not known maps a
 * file of which nothing is known, the process is looked at, once a file and after all others. For a
 * file whose content changes the answer does not hold for long. If there are too many, the machine
 * is scanned instead.
 */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "targets_parts.h"

#define FILES_MAX 4096
#define FILE_HOLDS_NS (30 * NS_PER_SECOND)

static void *looked_at(uint64_t ns)
{
	return (void *)(uintptr_t)ns;
}

bool targets_find(struct targets *t, pid_t pid, uint64_t dev, uint64_t inode)
{
	struct finds *f = &t->finds;
	uint64_t look = f->count < FINDS_MAX ? looks_ask(t->looks, pid, LOOK_FOUND) : 0;

	if (look)
		f->at[f->count++] = (struct find){look, dev, inode};
	return look;
}

void targets_on_file(struct targets *t, const struct load *l)
{
	struct map *files = &t->finds.files;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	uintptr_t at = (uintptr_t)map_get(files, l->dev, l->inode);

	if ((at && now - at < FILE_HOLDS_NS) || l->pid == getpid())
		return;
	if (files->count >= FILES_MAX)
		map_release(files);
	if (map_put(files, l->dev, l->inode, looked_at(now), NULL) ||
	    !targets_find(t, l->pid, l->dev, l->inode)) {
		(void)map_take(files, l->dev, l->inode);
		t->scan.wanted = true;
	}
}

static struct find take(struct finds *f, uint64_t look)
{
	struct find none = {0}, one;

	for (int i = 0; i < f->count; i++)
		if (f->at[i].look == look) {
			one = f->at[i];
			f->at[i] = f->at[--f->count];
			return one;
		}
	return none;
}

void targets_found(struct targets *t, const struct look *k)
{
	struct find one = take(&t->finds, k->number);

	if (k->err ==
	    -ESRCH) /* before it was looked at: the next that maps the file may live longer */
		(void)map_take(&t->finds.files, one.dev, one.inode);
	if (k->python && k->err == -EAGAIN)
		targets_on_interpreter(t, k->pid);
	else if (!procs_find(&t->procs, k->pid))
		targets_tell_looked(t, k);
}
