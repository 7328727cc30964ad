/* SPDX-License-Identifier: MIT */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring/live.h"

/* Records per call of ring_drain(), so that a busy target cannot keep the caller from its signals
 * and its clock. */
#define AT_ONCE 65536

struct ring {
	struct ring_buffer *rb;
	record_fn fn;
	void *arg;
	int handed;
};

static int on_record(void *arg, void *data, size_t size)
{
	struct ring *r = arg;
	const struct ft_rec *rec = data;

	int err;

	/* Our own programs wrote it: an incomplete record is a bug of ours. */
	if (size < sizeof(*rec) || rec->size != size)
		return -EBADMSG;
	err = r->fn(r->arg, rec, size);
	return !err && ++r->handed >= AT_ONCE ? -EAGAIN : err;
}

int ring_new(int map_fd, record_fn fn, void *arg, struct ring **ret_ring, struct why *w)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return why(w, -ENOMEM, "out of memory");
	r->fn = fn;
	r->arg = arg;
	r->rb = ring_buffer__new(map_fd, on_record, r, NULL);
	if (!r->rb) {
		int err = -errno;

		free(r);
		return why(w, err,
			   "cannot map the ring buffer: %s (a smaller --buffer needs less memory)",
			   strerror(-err));
	}
	*ret_ring = r;
	return 0;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	ring_buffer__free(r->rb);
	free(r);
}

int ring_fd(const struct ring *r)
{
	return ring_buffer__epoll_fd(r->rb);
}

int ring_drain(struct ring *r)
{
	int n;

	r->handed = 0;
	n = ring_buffer__consume(r->rb);
	return n == -EAGAIN ? r->handed : n;
}
