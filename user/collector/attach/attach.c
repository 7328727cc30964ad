/* SPDX-License-Identifier: MIT */
/* Loads the programs and unloads them. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/attach_parts.h"
#include "attach/features.h"
#include "base/clock.h"

#define CHUNKS_PER_THREAD 8 /* of FT_CHUNK calls, on average */
#define MANY_THREADS 1024

static void (*debug_text)(const char *text);

static int on_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text;

	/* The verifier's log is long. */
	if (!debug_text || vasprintf(&text, fmt, ap) < 0)
		return 0;
	debug_text(text);
	free(text);
	return 0;
}

struct bpf_program *attach_program(struct attach *a, enum hook_role role)
{
	switch (role) {
#define X(role, program, text)                                                                     \
	case HOOK_##role:                                                                          \
		return a->skel->progs.program;
		HOOK_ROLES(X)
#undef X
	case HOOK_NONE:
	case HOOK_END:
		break;
	}
	return NULL;
}

static int attach_proc_probes(struct attach *a, struct why *w)
{
	struct bpf_program *const progs[] = {
		a->skel->progs.ft_fork,
		a->skel->progs.ft_exec,
		a->skel->progs.ft_exit,
	};

	for (int i = 0; i < 3; i++) {
		a->proc_links[i] = bpf_program__attach(progs[i]);
		if (!a->proc_links[i])
			return features_explain_tracepoint(-errno, bpf_program__name(progs[i]), w);
	}
	return 0;
}

/* Attaching takes mostly the verifier's time, so programs that no hook needs are not loaded. */
static void choose_programs(struct attach *a, unsigned roles)
{
	for (int role = HOOK_NONE + 1; roles && role < HOOK_END; role++)
		bpf_program__set_autoload(attach_program(a, role), roles >> role & 1);
	/* For one process at a time from 6.1 on. */
	bpf_program__set_autoload(a->skel->progs.ft_mapped,
				  a->follow && features_kernel_from(6, 1));
}

static void prepare_programs(struct attach *a)
{
	for (int role = HOOK_NONE + 1; role < HOOK_END; role++)
		links_prepare(attach_program(a, role));
}

/* The inode of our PID namespace; 0 if it is the initial one (PROC_PID_INIT_INO). */
static uint32_t nested_pidns(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino == 0xEFFFFFFC)
		return 0;
	return st.st_ino;
}

int attach_check_stopped(const struct attach *a, struct why *w)
{
	if (!a->stopped || !a->stopped(a->arg))
		return 0;
	return why_exit(w, EXIT_NO_PROCESS, -EINTR, "interrupted while it was attached to");
}

static int before_program(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long attach)
{
	return attach_check_stopped((const struct attach *)attach, NULL);
}

/* Loading takes mostly the verifier's time: before each program the user's wish to stop is
 * checked. */
static int open_skeleton(struct attach *a, struct why *w)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, o, .cookie = (long)a,
		    .prog_prepare_load_fn = before_program);

	a->handler = libbpf_register_prog_handler("uprobe", BPF_PROG_TYPE_KPROBE, 0, &o);
	a->skel = flowtrace__open();
	return a->skel ? 0 : why(w, -errno, "cannot open the BPF object");
}

/*
 * Values of all entries are allocated with the map, so that a probe need not. For very many threads
 * that is too much: from 6.1 on (bpf_mem_alloc()) a probe may allocate.
 */
static int size_maps(struct attach *a, const struct attach_options *o, struct why *w)
{
	bool many = o->max_threads > MANY_THREADS && features_kernel_from(6, 1);
	const struct {
		struct bpf_map *map;
		uint64_t entries;
		const char *what;
		bool on_demand;
	} maps[] = {
		{a->skel->maps.ft_ring, o->buffer_bytes, "the ring buffer", false},
		{a->skel->maps.ft_threads, o->max_threads, "the map of threads", many},
		{a->skel->maps.ft_stacks, o->max_threads * CHUNKS_PER_THREAD, "the map of stacks",
		 many},
		{a->skel->maps.ft_procs, o->max_processes, "the map of processes", false},
		{a->skel->maps.ft_looked_at, o->max_processes, "the map of new processes", false},
		{a->skel->maps.ft_told, o->settings.stack ? FT_TOLD : 1, "the map of told code",
		 false},
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(maps) / sizeof(maps[0]); i++) {
		err = bpf_map__set_max_entries(maps[i].map, maps[i].entries);
		if (!err && maps[i].on_demand)
			err = bpf_map__set_map_flags(maps[i].map, BPF_F_NO_PREALLOC);
		if (err)
			return why(w, err, "cannot size %s to %llu: %s", maps[i].what,
				   (unsigned long long)maps[i].entries, strerror(-err));
	}
	return 0;
}

static int load(struct attach *a, const struct attach_options *o, struct why *w)
{
	int err;

	choose_programs(a, o->roles);
	if (links_are_multi())
		prepare_programs(a);
	a->skel->rodata->ft_settings = o->settings;
	a->skel->rodata->ft_settings.pidns = nested_pidns();
	a->skel->rodata->ft_settings.cookies = links_have_cookies();
	a->skel->rodata->ft_settings.shared = links_have_cookies() && o->follow;
	if (o->all)
		a->skel->rodata->ft_settings.all_since_ns = clock_ns(CLOCK_MONOTONIC);
	err = size_maps(a, o, w);
	if (!err)
		err = codes_size(a, o, w);
	if (err)
		return err;
	err = flowtrace__load(a->skel);
	if (err)
		return attach_check_stopped(a, w) ?: features_explain(err, w);
	err = attach_fill_redact(a, o);
	if (!err && o->policy)
		err = attach_put_policy(a, o->policy);
	if (!err)
		err = attach_fill_unknown(a);
	if (err)
		return why(w, err, "cannot fill the filter maps: %s", strerror(-err));
	return attach_proc_probes(a, w);
}

int attach_new(const struct attach_options *o, struct attach **ret_attach, struct why *w)
{
	struct attach *a;
	int err;

	err = features_check(w);
	if (err)
		return err;
	debug_text = o->debug;
	libbpf_set_print(on_libbpf);
	a = calloc(1, sizeof(*a));
	if (!a)
		return why(w, -ENOMEM, "out of memory");
	a->follow = o->follow;
	a->ask = o->ask;
	a->redact_lengths = attach_redact_lengths(o);
	a->stopped = o->stopped;
	a->arg = o->arg;
	err = open_skeleton(a, w);
	if (!err)
		err = load(a, o, w);
	if (err) {
		attach_free(a);
		return err;
	}
	*ret_attach = a;
	return 0;
}

void attach_detach(struct attach *a)
{
	/* All at once: a process that has lost only its hooks for ends would show wrong events. */
	for (int i = 0; i < a->nhooked; i++)
		a->skel->bss->ft_live[i] = 0;
	links_close(a->links, a->nhooked);
	a->nhooked = 0;
	for (int i = 0; i < 3; i++) {
		bpf_link__destroy(a->proc_links[i]);
		a->proc_links[i] = NULL;
	}
}

void attach_free(struct attach *a)
{
	if (!a)
		return;
	attach_detach(a);
	flowtrace__destroy(a->skel);
	libbpf_unregister_prog_handler(a->handler);
	free(a);
}
