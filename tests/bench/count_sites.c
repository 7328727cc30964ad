/* SPDX-License-Identifier: MIT */
/*
 * count-sites PID: puts the counting program on the entry and return sites of the process's
 * interpreter, found as the collector finds them; prints "ready"; detaches at end of file on
 * standard input and prints the number of hits.
 *
 * count-sites PID contexts: on the returns of what makes a context instead, as the collector does
 * for HTTP requests; prints the number of empty ones and of copies.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "count.skel.h"
#include "cpython/cpython.h"
#include "discover/discover.h"

static bool is_call_site(enum hook_role role)
{
	return role == HOOK_RESUME || role == HOOK_RETURN || role == HOOK_FRAME_ENTRY ||
	       role == HOOK_FRAME_EXIT || role == HOOK_EVAL_ENTRY || role == HOOK_FRAME_CLEAR;
}

static bool is_context_site(enum hook_role role)
{
	return role == HOOK_CONTEXT_COPIED || role == HOOK_CONTEXT_MADE;
}

static int put(struct count *skel, const struct target *t, const struct hooks *hooks, bool contexts)
{
	for (int i = 0; i < hooks->count; i++) {
		const struct hook *h = &hooks->site[i];
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .ref_ctr_offset = h->semaphore_offset,
			    .retprobe = contexts);
		struct bpf_program *program = h->role == HOOK_CONTEXT_COPIED
						      ? skel->progs.count_copy
						      : skel->progs.count_hit;

		if (!(contexts ? is_context_site(h->role) : is_call_site(h->role)))
			continue;
		if (!bpf_program__attach_uprobe_opts(program, t->pid, t->open_path, h->file_offset,
						     &opts))
			return -errno;
	}
	return 0;
}

int main(int argc, char **argv)
{
	bool contexts = argc == 3 && !strcmp(argv[2], "contexts");
	struct count *skel = count__open_and_load();
	struct target t = {};
	struct hooks hooks;
	struct why w = {};
	char byte;

	if (argc != 2 + contexts || !skel || discover_target(atoi(argv[1]), NULL, &t, &w) ||
	    cpython_hooks(&t, BACKEND_AUTO, true, &hooks, &w) || put(skel, &t, &hooks, contexts)) {
		fprintf(stderr, "count-sites: %s\n", w.text[0] ? w.text : strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	printf("%llu %llu\n", (unsigned long long)skel->bss->hits,
	       (unsigned long long)skel->bss->copies);
	target_release(&t);
	count__destroy(skel);
	return 0;
}
