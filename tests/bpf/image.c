/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"

#define PART_MAX (64 << 20)
#define PAGE 4096

/* Appends what can be read at once from start on; *ret_next: where the next one may begin. */
static int take_part(struct image *i, int mem, uint64_t start, uint64_t end, uint64_t *ret_next)
{
	unsigned char *bytes = malloc(end - start);
	struct image_part *parts = realloc(i->parts, (i->count + 1) * sizeof(*parts));
	ssize_t n;

	if (parts)
		i->parts = parts;
	if (!bytes || !parts) {
		free(bytes);
		return -ENOMEM;
	}
	n = pread(mem, bytes, end - start, start);
	if (n <= 0) {
		/* A guard page, which glibc has inside of a thread's stack from 2.42 on. */
		free(bytes);
		*ret_next = start + PAGE;
		return 0;
	}
	i->parts[i->count++] = (struct image_part){start, start + n, bytes};
	*ret_next = start + n;
	return 0;
}

static int take_parts(struct image *i, FILE *maps, int mem, const char *binary)
{
	uint64_t start, end;
	char line[4352], perms[5];
	int err = 0;

	while (!err && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, perms) != 3 ||
		    perms[0] != 'r' || end - start > PART_MAX ||
		    (perms[1] != 'w' && !strstr(line, binary)))
			continue;
		while (!err && start < end)
			err = take_part(i, mem, start, end, &start);
	}
	return err;
}

int image_take(pid_t pid, const char *binary, struct image *ret_image)
{
	struct image i = {0};
	char path[64];
	int err, mem;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	err = maps && mem >= 0 ? take_parts(&i, maps, mem, binary) : -errno;
	if (maps)
		fclose(maps);
	if (mem >= 0)
		close(mem);
	if (err)
		image_release(&i);
	else
		*ret_image = i;
	return err;
}

void image_release(struct image *i)
{
	for (int k = 0; k < i->count; k++)
		free(i->parts[k].bytes);
	free(i->parts);
	*i = (struct image){0};
}

/* The part that holds the address, or NULL. */
static const struct image_part *part_of(const struct image *i, uint64_t addr)
{
	int low = 0, high = i->count;

	while (low < high) {
		int middle = (low + high) / 2;

		if (addr >= i->parts[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	return low < i->count && addr >= i->parts[low].start ? &i->parts[low] : NULL;
}

uint64_t *image_word(const struct image *i, uint64_t addr)
{
	const struct image_part *p = part_of(i, addr);

	return p && addr <= p->end - 8 ? (uint64_t *)(p->bytes + (addr - p->start)) : NULL;
}

int image_read(const struct image *i, uint64_t addr, void *to, size_t size)
{
	const struct image_part *p;
	size_t n;

	for (; size; size -= n, addr += n, to = (char *)to + n) {
		p = part_of(i, addr);
		if (!p)
			return -EFAULT;
		n = p->end - addr < size ? p->end - addr : size;
		memcpy(to, p->bytes + (addr - p->start), n);
	}
	return 0;
}
