/* SPDX-License-Identifier: MIT */
/*
 * The live ring: hands every record that the BPF programs have written to a function. The same
 * function reads a recording (recording/recording.h).
 */
#ifndef FT_LIVE_H
#define FT_LIVE_H

#include "base/why.h"
#include "recording/recording.h"

struct ring;

/* map_fd: the BPF ring buffer. fn gets whole records, checked for size. */
int ring_new(int map_fd, record_fn fn, void *arg, struct ring **ret_ring, struct why *w);
void ring_free(struct ring *r);
/* Readable when a process came or went; other records do not wake the reader and wait for
 * ring_drain(). */
int ring_fd(const struct ring *r);
/* Hands on the records that are there, up to a bound. Returns their number (0 = the ring was
 * empty), or what fn returned when that is negative. */
int ring_drain(struct ring *r);

#endif
