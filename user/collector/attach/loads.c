/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/loads.h"

#define DATA_PAGES 8 /* of 4 KiB per CPU: at least seven records with the longest path */
#define PAGE 4096ULL
#define DATA_BYTES (DATA_PAGES * PAGE)
#define RECORD_MAX 8192

/* One CPU's records. */
struct source {
	int fd;
	struct perf_event_mmap_page *page; /* NULL = none; the data follows it */
};

struct loads {
	bool (*wanted)(const char *path);
	bool others;
	int epoll_fd;
	int nsources;
	struct source *source; /* one per possible CPU */
	unsigned char record[RECORD_MAX];
};

/* PERF_RECORD_MMAP2, as <linux/perf_event.h> describes it. */
struct mmap_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t address, length, offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
	char path[];
};

static int open_source(struct loads *l, int cpu, struct source *s)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.mmap = 1, /* executable mappings only */
		.mmap2 = 1,
		.watermark = 1,
		.wakeup_watermark = 1,
	};
	struct epoll_event e = {.events = EPOLLIN};
	void *page;

	s->fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	page = mmap(NULL, PAGE + DATA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	s->page = page;
	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->fd, &e) ? -errno : 0;
}

int loads_new(bool (*wanted)(const char *path), bool others, struct loads **ret_loads)
{
	struct loads *l = calloc(1, sizeof(*l));
	int err = 0;

	if (!l)
		return -ENOMEM;
	l->wanted = wanted;
	l->others = others;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->nsources = sysconf(_SC_NPROCESSORS_CONF);
	l->source = calloc(l->nsources, sizeof(*l->source));
	if (l->epoll_fd < 0 || !l->source)
		err = -ENOMEM;
	for (int i = 0; l->source && i < l->nsources; i++)
		l->source[i].fd = -1;
	for (int cpu = 0; !err && cpu < l->nsources; cpu++) {
		err = open_source(l, cpu, &l->source[cpu]);
		if (err == -ENODEV) /* the CPU is offline */
			err = 0;
	}
	if (err) {
		loads_free(l);
		return err;
	}
	*ret_loads = l;
	return 0;
}

void loads_free(struct loads *l)
{
	if (!l)
		return;
	for (int i = 0; l->source && i < l->nsources; i++) {
		if (l->source[i].page)
			munmap(l->source[i].page, PAGE + DATA_BYTES);
		if (l->source[i].fd >= 0)
			close(l->source[i].fd);
	}
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	free(l->source);
	free(l);
}

int loads_fd(const struct loads *l)
{
	return l->epoll_fd;
}

/* The buffer is a ring: a record may wrap around its end. */
static void copy_out(const struct source *s, uint64_t at, void *to, size_t n)
{
	const unsigned char *data = (const unsigned char *)s->page + PAGE;
	size_t from = at % DATA_BYTES, first = DATA_BYTES - from < n ? DATA_BYTES - from : n;

	memcpy(to, data + from, first);
	memcpy((unsigned char *)to + first, data, n - first);
}

/* Removes one record; false: there is none. */
static bool take(struct loads *l, struct source *s)
{
	struct perf_event_header *h = (void *)l->record;
	uint64_t head, tail;

	if (!s->page)
		return false;
	head = __atomic_load_n(&s->page->data_head, __ATOMIC_ACQUIRE);
	tail = s->page->data_tail;
	if (head - tail < sizeof(*h))
		return false;
	copy_out(s, tail, h, sizeof(*h));
	if (h->size < sizeof(*h))
		return false;
	copy_out(s, tail, l->record, h->size < RECORD_MAX - 1 ? h->size : RECORD_MAX - 1);
	l->record[h->size < RECORD_MAX - 1 ? h->size : RECORD_MAX - 1] = 0;
	__atomic_store_n(&s->page->data_tail, tail + h->size, __ATOMIC_RELEASE);
	return true;
}

static bool is_load(struct loads *l, struct load *ret)
{
	const struct mmap_record *r = (const void *)l->record;

	if (r->header.type == PERF_RECORD_LOST) {
		*ret = (struct load){0};
		return true;
	}
	if (r->header.type != PERF_RECORD_MMAP2 || r->header.size <= sizeof(*r))
		return false;
	*ret = (struct load){.pid = r->pid,
			     .tid = r->tid,
			     .wanted = l->wanted(r->path),
			     .dev = (uint64_t)r->major << 32 | r->minor,
			     .inode = r->inode};
	return ret->wanted || (l->others && r->inode); /* without one it is not a file */
}

bool loads_next(struct loads *l, struct load *ret)
{
	for (int i = 0; i < l->nsources; i++)
		while (take(l, &l->source[i]))
			if (is_load(l, ret))
				return true;
	return false;
}
