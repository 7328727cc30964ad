/* SPDX-License-Identifier: MIT */
/*
 * Puts new bytes into a file in one step: at no moment is there half a file. Owner and mode stay; a
 * symbolic link stays one, and the file that it leads to is changed. Other hard links keep the old
 * bytes.
 */
#ifndef FT_REWRITE_H
#define FT_REWRITE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/why.h"

/* May the file be changed? 0, or -errno: it is read-only. */
int rewrite_allowed(const char *path, struct why *w);
/* before: what the file was when its old bytes were read; if it changed since, -EBUSY. */
int rewrite(const char *path, const struct stat *before, const char *s, size_t len, struct why *w);

enum backup_state { BACKUP_NONE, BACKUP_MADE, BACKUP_SAME, BACKUP_DIFFERS };

/* Keeps the old bytes as path.bak. One that is there stays, and may hold other bytes. */
int backup(const char *path, const struct stat *before, const char *s, size_t len,
	   enum backup_state *ret_state, struct why *w);
/* Removes path.bak if these are its bytes: then nothing is lost. */
void backup_remove(const char *path, const char *s, size_t len);

#endif
