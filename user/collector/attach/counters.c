/* SPDX-License-Identifier: MIT */
/* The counters of BPF, and losses that threads have not yet reported. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "attach/attach_parts.h"

int attach_ring_fd(const struct attach *a)
{
	return bpf_map__fd(a->skel->maps.ft_ring);
}

/* The elements of an array per CPU, each summed up. */
static int sums(const struct bpf_map *map, uint64_t *ret_counts, uint32_t n)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *per_cpu;
	int err = 0;

	if (cpus < 0)
		return cpus;
	per_cpu = calloc(cpus, sizeof(*per_cpu));
	if (!per_cpu)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		ret_counts[i] = 0;
		if (bpf_map_lookup_elem(bpf_map__fd(map), &i, per_cpu))
			err = -errno;
		for (int c = 0; !err && c < cpus; c++)
			ret_counts[i] += per_cpu[c];
	}
	free(per_cpu);
	return err;
}

int attach_counters(const struct attach *a, uint64_t ret_counts[FT_COUNTER_COUNT])
{
	return sums(a->skel->maps.ft_counters, ret_counts, FT_COUNTER_COUNT);
}

int attach_left_out(const struct attach *a, uint64_t ret_counts[FT_LEFT_OUT_COUNT])
{
	return sums(a->skel->maps.ft_left_out, ret_counts, FT_LEFT_OUT_COUNT);
}

static void loss_record(uint32_t tid, const struct thread *t, struct ft_rec_lost *r)
{
	*r = (struct ft_rec_lost){
		.hdr = {.size = sizeof(*r),
			.type = FT_REC_LOST,
			.pid = t->pid,
			.tid = tid,
			.ts_ns = t->lost_last_ns},
		.first_ns = t->lost_first_ns,
		.last_ns = t->lost_last_ns,
		.count = t->lost_count,
		.reason = t->lost_reason,
	};
}

int attach_each_loss(const struct attach *a, int (*fn)(void *arg, const struct ft_rec_lost *lost),
		     void *arg)
{
	int fd = bpf_map__fd(a->skel->maps.ft_threads);
	struct thread *t = malloc(sizeof(*t));
	uint32_t tid, *previous = NULL;
	struct ft_rec_lost r;
	int err = 0;

	if (!t)
		return -ENOMEM;
	while (!err && !bpf_map_get_next_key(fd, previous, &tid)) {
		previous = &tid;
		if (bpf_map_lookup_elem(fd, &tid, t) || !t->lost_count)
			continue;
		loss_record(tid, t, &r);
		err = fn(arg, &r);
	}
	free(t);
	return err;
}
