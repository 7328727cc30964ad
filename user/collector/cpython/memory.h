/* SPDX-License-Identifier: MIT */
/* Reads the memory of a process; never writes to it, never stops it. */
#ifndef FT_MEMORY_H
#define FT_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads all of len bytes. 0, or -errno (-EACCES: not permitted; -EIO: nothing is mapped there). */
int memory_read(pid_t pid, uint64_t address, void *ret_bytes, size_t len);

#endif
