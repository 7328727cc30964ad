/* SPDX-License-Identifier: MIT */
/*
 * The live ring: hands every record that the BPF programs have written to a function. The
 * same function reads a recording (recording.h).
 */
#ifndef FT_LIVE_H
#define FT_LIVE_H

#include "base/why.h"
#include "recording/recording.h"

struct ring;

/* map_fd: the BPF ring buffer. fn gets whole records, checked for size. */
int ring_new(int map_fd, record_fn fn, void *arg, struct ring **ret_ring, struct why *w);
void ring_free(struct ring *r);
/* Readable when a process came or went; other records wake nobody and wait for a drain. */
int ring_fd(const struct ring *r);
/* Hands on what is there, up to a bound; the number of records (0 = the ring was empty), or
 * what fn returned when negative. */
int ring_drain(struct ring *r);

#endif
