/* SPDX-License-Identifier: MIT */
/*
 * Names of threads by (pid, tid): what FT_REC_THREAD said, or one made up. Dropped when
 * the thread or its process ends.
 */
#ifndef FT_THREADS_H
#define FT_THREADS_H

#include "base/map.h"
#include "ft_abi.h"

struct threads {
	struct map by_id; /* (pid, tid) -> char *, owned */
	uint64_t last_id; /* of the last answer: events come in bursts of one thread */
	const char *last; /* borrowed from by_id; NULL: none */
};

void threads_release(struct threads *t);
int threads_learn(struct threads *t, const struct ft_rec_thread *rec, const void *end);
/* Borrowed until the thread is renamed or exits. */
const char *threads_name(struct threads *t, uint32_t pid, uint32_t tid);
/* The thread that forked is the child's main thread and keeps its name. */
int threads_fork(struct threads *t, uint32_t pid, uint32_t tid, uint32_t child);
void threads_forget(struct threads *t, uint32_t pid, uint32_t tid);
void threads_forget_process(struct threads *t, uint32_t pid);

#endif
