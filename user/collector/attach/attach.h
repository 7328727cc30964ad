/* SPDX-License-Identifier: MIT */
/*
 * The BPF programs, loaded and attached to interpreters. In: settings, rules, then for each process
 * its layout and hooks. Out: live links and the maps that ring/ reads. All of them are file
 * descriptors: when the collector dies, the kernel detaches everything.
 */
#ifndef FT_ATTACH_H
#define FT_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "ft_counters.h"
#include "ft_layout.h"
#include "ft_left_out.h"
#include "model/hooks.h"
#include "model/policy.h"
#include "model/target.h"

struct attach;

struct attach_options {
	struct ft_settings settings;
	const struct policy *policy; /* that of number 0; NULL: nothing is asked for */
	const char *const *redact;
	size_t nredact;
	uint64_t buffer_bytes;
	unsigned max_threads, max_processes; /* at least 1 */
	unsigned roles; /* bit n: hooks of enum hook_role n may be asked for; 0 = of any role */
	/* Hook every process that maps the interpreter, and let the map of processes say which are
	 * traced: then children are traced from their first instruction. */
	bool follow;
	bool all; /* ... and every other process that does: they become known at a hit */
	/* Processes are traced when attach_process() says so, not by what their file says. */
	bool ask;
	void (*debug)(const char *text); /* receives libbpf's messages; NULL = dropped */
	/* Called before each program and each hook: has the user asked to stop? Then -EINTR. */
	bool (*stopped)(void *arg);
	void *arg;
};

/*
 * Loads the programs. -EPERM (exit 4): not permitted, with what is missing; -EOPNOTSUPP (exit 5):
 * the kernel lacks a feature, with its name and the release that has it.
 */
int attach_new(const struct attach_options *o, struct attach **ret_attach, struct why *w);
/* Detaches and unloads; NULL is fine. */
void attach_free(struct attach *a);
/* Removes the hooks; maps and ring can still be read. */
void attach_detach(struct attach *a);

/* From now on BPF knows the process: its exec and its end are reported, and, with follow, so are
 * its children, which become known too. A process that is known already stays as it is. */
int attach_add(struct attach *a, pid_t pid, bool follow, struct why *w);
/* The same for one that began during the run: what it did before it was hooked is missed. */
int attach_add_new(struct attach *a, pid_t pid, struct why *w);
/* The number of the program that a known process runs: each exec makes another. 0: not known. */
uint64_t attach_program_of(const struct attach *a, pid_t pid);
/*
 * Hooks a known process, unless its file is hooked for all processes already. It is traced from its
 * next call on; nothing is done if it is traced already, as other processes with its file are.
 * program: attach_program_of() before the process was examined; if it now runs another, that one is
 * not traced. -ESRCH: the process has ended; its pid may belong to another process. policy: the
 * number of what is asked for of it.
 */
int attach_process(struct attach *a, const struct target *t, uint64_t program, uint32_t policy,
		   const struct ft_layout *layout, const struct hooks *hooks, struct why *w);
/* The process had begun to run Python when its hooks were attached: counted as lost if it ends
 * without a hit. */
void attach_began_before(struct attach *a, pid_t pid);
/* Undoes attach_process(), which was given another program than the process now runs; follow: the
 * process still exists, and its next exec must be seen. */
void attach_withdraw(struct attach *a, pid_t pid, bool follow);
/* A known process is not to be traced, whatever it runs. */
void attach_leave_out(struct attach *a, pid_t pid);
/* The process cannot be traced, though BPF may trace it by what is known of its file. */
void attach_refuse(struct attach *a, pid_t pid);
/* Takes out the hooks of files that no process runs any more, and what processes that have ended
 * leave in maps. Called from time to time by the thread that hooks. */
void attach_sweep(struct attach *a);
/* It is known and not hooked, since it was added, since its last exec, or as its parent was when it
 * was forked; or it has run no Python since it was hooked. */
bool attach_is_dormant(const struct attach *a, pid_t pid);
/* Contexts of tasks and threads are not hooked, since this kernel would kill a target for it
 * (returns.h). */
bool attach_blind_to_contexts(const struct attach *a);
/* The process has loaded greenlet since it was examined. */
void attach_greenlets(struct attach *a, pid_t pid);
/* User space's verdict on a function, by its description: not traced from now on. Its calls are
 * counted as left out by a rule (enum ft_left_out), if there is one. */
int attach_reject_code(struct attach *a, uint32_t pid, uint64_t code, uint64_t described_ns,
		       uint32_t left_out);

/* ---- policies: each is there before a process has it ------------------------------------- */

/* From now on attach_options.ask holds. */
void attach_ask(struct attach *a);
/* Its place, the remainder of its number by FT_POLICIES, must be free. */
int attach_put_policy(struct attach *a, const struct policy *p);
/* No process has it any more. */
void attach_drop_policy(struct attach *a, const struct policy *p);
/* The process has that one from its next call on; open calls end as they would have. -ESRCH: it is
 * not known, or has just begun another program. */
int attach_set_policy(struct attach *a, pid_t pid, uint32_t number);
/* Calls fn for each known process that may be traced, with the number of its policy. */
void attach_each_policy(const struct attach *a, void (*fn)(void *arg, pid_t pid, uint32_t number),
			void *arg);

int attach_ring_fd(const struct attach *a);
/* The counters of losses so far, by enum ft_counter. */
int attach_counters(const struct attach *a, uint64_t ret_counts[FT_COUNTER_COUNT]);
/* What was left out on purpose so far, by enum ft_left_out. */
int attach_left_out(const struct attach *a, uint64_t ret_counts[FT_LEFT_OUT_COUNT]);
/* After detaching: calls fn for every thread that has losses not yet reported. */
int attach_each_loss(const struct attach *a, int (*fn)(void *arg, const struct ft_rec_lost *lost),
		     void *arg);

/* ---- what is possible here -------------------------------------------------------------- */

/* Something that the kernel has, or that this process may do. */
struct attach_feature {
	const char *name; /* static: "BPF ring buffer", "CAP_SYS_ADMIN" */
	const char *what; /* static: what it is for, and which kernel introduced it */
	bool present;
	bool permission; /* a permission of this process, not a feature of the kernel */
};

#define ATTACH_FEATURES_MAX 12
/* Returns their number. Tests the kernel; nothing stays loaded. */
int attach_features(struct attach_feature ret[ATTACH_FEATURES_MAX]);

#endif
