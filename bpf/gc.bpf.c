/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Garbage collections, from where one begins to where it is over.
 *
 *     ft_gc_start    USDT gc__start(generation), or gc_collect_main(tstate, generation, ...)
 *     ft_gc_done     USDT gc__done(collected)
 *     ft_gc_return   gc_collect_main() returns what it collected
 */
#include "hook.bpf.h"
#include "number.bpf.h"
#include "runtime.bpf.h"

#include <bpf/bpf_tracing.h>

FT_HOOK("uprobe", ft_gc_start)
{
	struct probe p = {};
	u64 generation;

	if (probe_ours(&p, ctx) && probe_number(p.l, ctx, &generation))
		runtime_begin(&p, FT_RUNTIME_GC, generation);
	return 0;
}

FT_INLINE void collected(struct probe *p, struct thread *t, u64 objects)
{
	u64 value[FT_RUNTIME_VALUES] = {t->runtime[FT_RUNTIME_GC].value, objects};

	runtime_send(p, t, FT_RUNTIME_GC, value);
}

FT_HOOK("uprobe", ft_gc_done)
{
	struct probe p = {};
	struct thread *t;
	u64 objects;

	if (probe_ours(&p, ctx) && (t = runtime_begun(&p, FT_RUNTIME_GC)) &&
	    probe_number(p.l, ctx, &objects))
		collected(&p, t, objects);
	return 0;
}

FT_HOOK("uretprobe", ft_gc_return)
{
	struct probe p = {};
	struct thread *t;

	if (probe_ours(&p, ctx) && (t = runtime_begun(&p, FT_RUNTIME_GC)))
		collected(&p, t, PT_REGS_RC(ctx));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
