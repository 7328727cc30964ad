/* SPDX-License-Identifier: MIT */
/*
 * The kernel as the BPF sources see it when they are compiled for the host: maps, the ring, and the
 * memory of a process, which is an image. One process and one thread, whose ids are SHIM_PID.
 */
#ifndef FT_SHIM_H
#define FT_SHIM_H

#include <stddef.h>

#include "ft_layout.h"
#include "ft_maps.h"
#include "image.h"

#define SHIM_PID 77

extern struct ft_settings ft_settings;
extern __u32 ft_live[FT_HOOKED];
extern struct ft_policy ft_policies[FT_POLICIES + 1];
extern struct ft_policy shim_policy; /* of the process, from the next shim_begin() on */

/* Empty maps but for the process and its thread; nothing in the ring. image: borrowed. */
void shim_begin(const struct image *image, const struct ft_layout *layout);
void shim_end(void);
/* One of a set (ft_policy.number): modules with this prefix. */
void shim_rule(__u32 rules, const char *prefix, __u32 verdict);
struct ft_proc *shim_proc(void);
/* What is known of a file with hooks, and what was found in the process. */
void shim_file(__u32 index, const struct ft_proc *p);
void shim_looked_at(const struct ft_proc *p);
struct thread *shim_thread(void);
/* Of a map. */
unsigned shim_entries(const void *map);
/* The next record in the ring, or NULL. To be freed: a copy of its own, so that a read past its end
 * is seen by the sanitizer. */
struct ft_rec *shim_record(void);
/* How often the counter was counted up. */
/* Of the hook that is hit; 0: it has none. */
extern __u64 shim_cookie;

unsigned shim_counted(unsigned counter);
/* The same of what is left out by a rule. */
unsigned shim_left_out(unsigned rule);

/* walk.bpf.c */
int walk_value(__u32 tid, __u64 obj, __u64 code);
__u64 frame_of_state(__u64 tstate);
__u64 frame_below(__u64 frame);
__u64 code_of_frame(__u64 frame);
__u64 find_frame(__u64 frame, __u64 code);
int decide_frame(__u32 tid, __u64 frame);
int name_frame(__u32 tid, __u64 frame);
int live_frame(__u32 tid, __u64 frame, __u64 code, __u64 from);

#endif
