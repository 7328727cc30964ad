/* SPDX-License-Identifier: MIT */
/*
 * The files that interpreters come in, each read once for every content that it has. In: a
 * descriptor of a file that a process has mapped. Out: its struct binary, as far as it was filled
 * in for others; which content that is, this descriptor says itself. One thread uses it.
 */
#ifndef FT_DISCOVER_BINARY_H
#define FT_DISCOVER_BINARY_H

#include "discover/elf.h"
#include "model/binary.h"

#define BINARIES_KEPT 256

struct binaries;

int binaries_new(struct binaries **ret_binaries, struct why *w);
void binaries_free(struct binaries *l); /* NULL is fine */

/* The file behind fd. It stays until binaries_rest(), whatever is asked for meanwhile. */
int binaries_get(struct binaries *l, int fd, const char *name, struct binary **ret_binary,
		 struct why *w);
/* A process was looked at: closes what was opened, before the budget goes. */
void binaries_rest(struct binaries *l);
/* How many are kept. For tests. */
int binaries_count(const struct binaries *l);

/* Opens it, unless that was done for this process. path: of a descriptor; name: for people. */
int binary_open(struct binary *b, const char *path, const char *name, struct budget *budget,
		struct elf **ret_elf, struct why *w);
void binary_close(struct binary *b);
void binary_release(struct binary *b);

#endif
