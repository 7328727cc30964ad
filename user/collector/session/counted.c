/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "counted.h"

/*
 * Losses that BPF could not record per thread, reported once a second from the counters. For each
 * counter: the number of events that one loss means; a lost ENTER takes its EXIT with it.
 */
static const unsigned events_lost[FT_COUNTER_COUNT] = {
	[FT_LOST_threads_full] = 2, [FT_LOST_read_thread] = 1, [FT_LOST_read_frame] = 1,
	[FT_LOST_read_code] = 2,    [FT_LOST_proc_event] = 1,  [FT_LOST_read_module] = 2,
	[FT_LOST_late] = 1,	    [FT_LOST_procs_full] = 2,
};

static int tell_lost(struct attach *a, struct pipeline *p, uint64_t since_ns,
		     uint64_t counters[FT_COUNTER_COUNT])
{
	uint64_t count[FT_COUNTER_COUNT], now = clock_ns(CLOCK_MONOTONIC);
	int err = attach_counters(a, count);

	for (int i = 0; !err && i < FT_COUNTER_COUNT; i++) {
		struct ft_rec_lost lost = {
			.hdr = {.size = sizeof(lost), .type = FT_REC_LOST, .ts_ns = now},
			.first_ns = since_ns,
			.last_ns = now,
			.count = (count[i] - counters[i]) * events_lost[i],
			.reason = i,
		};

		counters[i] = count[i];
		if (lost.count)
			err = pipeline_record(p, &lost.hdr, sizeof(lost));
	}
	return err;
}

static int tell_left_out(struct attach *a, struct pipeline *p, uint64_t counters[FT_LEFT_OUT_COUNT])
{
	uint64_t count[FT_LEFT_OUT_COUNT], now = clock_ns(CLOCK_MONOTONIC);
	int err = attach_left_out(a, count);

	for (int i = 0; !err && i < FT_LEFT_OUT_COUNT; i++) {
		struct ft_rec_sampled rec = {
			.hdr = {.size = sizeof(rec), .type = FT_REC_SAMPLED, .ts_ns = now},
			.count = count[i] - counters[i],
			.rule = i,
		};

		counters[i] = count[i];
		if (rec.count)
			err = pipeline_record(p, &rec.hdr, sizeof(rec));
	}
	return err;
}

int counted_tell(struct attach *a, struct pipeline *p, uint64_t since_ns, struct run_result *told)
{
	int err = tell_lost(a, p, since_ns, told->counters);

	err = err ?: tell_left_out(a, p, told->left_out);
	return err ?: pipeline_tell_left_out(p, clock_ns(CLOCK_MONOTONIC));
}
