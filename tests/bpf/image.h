/* SPDX-License-Identifier: MIT */
/*
 * The memory of a process, as it was: what is private to it and can be written, and the file that
 * holds the interpreter.
 */
#ifndef FT_IMAGE_H
#define FT_IMAGE_H

#include <stdint.h>
#include <sys/types.h>

struct image_part {
	uint64_t start, end;
	unsigned char *bytes; /* owned */
};

struct image {
	struct image_part *parts; /* owned, by address */
	int count;
};

/* 0 or -errno. binary: as /proc/PID/maps names it. */
int image_take(pid_t pid, const char *binary, struct image *ret_image);
void image_release(struct image *i);
/* Where the word at an address is in it, or NULL. */
uint64_t *image_word(const struct image *i, uint64_t addr);
/* Copies size bytes; -EFAULT: some of them are not in it. */
int image_read(const struct image *i, uint64_t addr, void *to, size_t size);

#endif
