/* SPDX-License-Identifier: MIT */
/*
 * Are uretprobes safe for targets? Linux 6.11 to 6.13 on x86-64 turn them into a system call in the
 * target (uretprobe, number 335). A seccomp filter that does not know this call kills the target
 * for it; 6.14 and later 6.12 releases let it pass. The present kernel is tried with a child of our
 * own. Private to attach/.
 */
#ifndef FT_RETURNS_H
#define FT_RETURNS_H

#include <bpf/libbpf.h>
#include <stdbool.h>

/* program: loaded, of type uprobe; the child runs it. */
bool returns_are_safe(struct bpf_program *program);

#endif
