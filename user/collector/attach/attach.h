/* SPDX-License-Identifier: MIT */
/*
 * The BPF programs, loaded and put on interpreters. In: settings, rules, then for each
 * process its layout and hooks. Out: live links and the maps that ring/ reads. Everything
 * lives in file descriptors: when the collector dies, the kernel takes it all down.
 */
#ifndef FT_ATTACH_H
#define FT_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "ft_counters.h"
#include "ft_layout.h"
#include "model/hooks.h"
#include "model/target.h"

struct attach;

struct attach_options {
	struct ft_settings settings; /* redact_lengths is filled in from redact */
	const char *const *prefix, *const *exclude, *const *redact;
	size_t nprefix, nexclude, nredact;
	uint64_t buffer_bytes;
	unsigned roles; /* bit n: hooks of enum hook_role n will be asked for; 0 = any may be */
	/* Hook every process that maps the interpreter, and let the map of processes say
	 * which are traced: children are seen from their first instruction. */
	bool follow;
	void (*debug)(const char *text); /* what libbpf says; NULL = nothing */
	/* Asked before each program and each hook: has the user enough of it? Then -EINTR. */
	bool (*stopped)(void *arg);
	void *arg;
};

/*
 * Loads the programs. -EPERM (exit 4): not permitted, says what is missing; -EOPNOTSUPP
 * (exit 5): the kernel lacks a feature, says which and since when.
 */
int attach_new(const struct attach_options *o, struct attach **ret_attach, struct why *w);
/* Detaches and unloads; NULL is fine. */
void attach_free(struct attach *a);
/* Takes the hooks off; maps and ring can still be read. */
void attach_detach(struct attach *a);

/* From now on the process is known: its exec and its end are reported, and, when it is followed,
 * its children, which are known too. Who is known already stays what it is. */
int attach_add(struct attach *a, pid_t pid, bool follow, struct why *w);
/* Hooks a process that is known, or, when the file with the hooks is hooked for all, only wakes it.
 * -ESRCH: it has ended, whoever may have its number now. */
int attach_process(struct attach *a, const struct target *t, const struct ft_layout *layout,
		   const struct hooks *hooks, struct why *w);
/* It is not what attach_process() was told; follow: it is still there, with its next exec to see.
 */
void attach_withdraw(struct attach *a, pid_t pid, bool follow);
/* It is known and not hooked, since it was added, since its last exec, or as its parent was when it
 * was forked. */
bool attach_is_dormant(const struct attach *a, pid_t pid);
/* Contexts of tasks and threads are not hooked, since this kernel would kill a target for it. */
bool attach_blind_to_contexts(const struct attach *a);
/* It has loaded greenlet, though it had not when it was looked at. */
void attach_greenlets(struct attach *a, pid_t pid);
/* User space's verdict on a function that no prefix decided, as it was described: not traced from
 * now on. */
int attach_reject_code(struct attach *a, uint32_t pid, uint64_t code, uint64_t described_ns);

int attach_ring_fd(const struct attach *a);
/* How often each thing went wrong so far, by enum ft_counter. */
int attach_counters(const struct attach *a, uint64_t ret_counts[FT_COUNTER_COUNT]);
/* After detaching: calls fn for every thread that still has losses to tell. */
int attach_each_loss(const struct attach *a, int (*fn)(void *arg, const struct ft_rec_lost *lost),
		     void *arg);

/* ---- what is possible here -------------------------------------------------------------- */

/* Something that the kernel has, or that this process may do. */
struct attach_feature {
	const char *name; /* static: "BPF ring buffer", "CAP_SYS_ADMIN" */
	const char *what; /* static: what it is for, and since when the kernel has it */
	bool present;
	bool permission; /* a right of ours, not a feature of the kernel */
};

#define ATTACH_FEATURES_MAX 12
/* Returns how many. Asks the kernel; loads nothing that stays. */
int attach_features(struct attach_feature ret[ATTACH_FEATURES_MAX]);

#endif
