/* SPDX-License-Identifier: MIT */
/*
 * A recording: an 8-byte magic, then records of ft_abi.h as they came from the ring, the first of
 * them FT_REC_SESSION. The bytes are those of the live ring, so everything after the ring can be
 * run, tested and measured from a file without root.
 */
#ifndef FT_RECORDING_H
#define FT_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "ft_abi.h"

struct recorder;
int recorder_new(const char *path, const struct ft_rec_session *session, long uid, long gid,
		 struct recorder **ret_recorder, struct why *w);
int recorder_write(struct recorder *r, const struct ft_rec *rec, size_t size, struct why *w);
/* From now on records go through a queue and no call waits for the file. If the file takes less
 * than is recorded, recording ends in an error. */
int recorder_queue(struct recorder *r, struct why *w);
/* Waits at most `ms` milliseconds: 0 = all is written, -EAGAIN = not yet, else the error. */
int recorder_settle(struct recorder *r, unsigned ms, struct why *w);
uint64_t recorder_stalled_ns(struct recorder *r);
/* Drops the queue; false = it was not empty. Only recorder_close() may follow. */
bool recorder_give_up(struct recorder *r);
int recorder_close(struct recorder *r, struct why *w); /* flushes, frees; NULL is fine */

typedef int (*record_fn)(void *arg, const struct ft_rec *rec, size_t size);

/*
 * Calls fn for every record. A file that is not a recording, of another ABI version,
 * truncated or corrupt: -EBADMSG with a text that names the byte offset, after fn had
 * every whole record before it.
 */
int recording_read(const char *path, record_fn fn, void *arg, struct why *w);

#endif
