/* SPDX-License-Identifier: MIT */
/*
 * The files of interpreters, each read once per content. In: a descriptor of a file that a process
 * has mapped. Out: its struct binary, with the facts found for earlier processes; fstat() of the
 * descriptor tells which content it is. One thread uses this.
 */
#ifndef FT_DISCOVER_BINARY_H
#define FT_DISCOVER_BINARY_H

#include "discover/elf.h"
#include "model/binary.h"

#define BINARIES_KEPT 256

struct binaries;

int binaries_new(struct binaries **ret_binaries, struct why *w);
void binaries_free(struct binaries *l); /* NULL is fine */

/* The file of fd. It stays valid until binaries_rest(), even if others are asked for. */
int binaries_get(struct binaries *l, int fd, const char *name, struct binary **ret_binary,
		 struct why *w);
/* Called after a process was examined: closes files that were opened, before their budget is
 * released. */
void binaries_rest(struct binaries *l);
/* Number of binaries kept. For tests. */
int binaries_count(const struct binaries *l);

/* Opens the ELF file, unless it is open for this process already. path: of a descriptor; name: for
 * people. */
int binary_open(struct binary *b, const char *path, const char *name, struct budget *budget,
		struct elf **ret_elf, struct why *w);
void binary_close(struct binary *b);
void binary_release(struct binary *b);

#endif
