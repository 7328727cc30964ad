/* SPDX-License-Identifier: MIT */
/*
 * May a probe be put on the return of a function? Linux 6.11 to 6.13 on x86-64 make of it a system
 * call in the target (uretprobe, number 335), which a seccomp filter that does not know it answers
 * by killing the target; 6.14 and the later ones of 6.12 let it pass. Whether this kernel does is
 * tried on a child of our own. Private to attach/.
 */
#ifndef FT_RETURNS_H
#define FT_RETURNS_H

#include <bpf/libbpf.h>
#include <stdbool.h>

/* program: a loaded one of type uprobe, which the child runs. */
bool returns_are_safe(struct bpf_program *program);

#endif
