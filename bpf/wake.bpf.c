/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A process is dormant from its exec to its first hit. Then it becomes what user space has found in
 * it, or, when that look is still to come, what other processes with the same file are: only where
 * the file is mapped differs, and the hook that was hit tells that. So a program is traced from its
 * first call, however short it is.
 *
 * Only BPF makes a dormant process one that is traced: user space cannot change one field of a
 * map's value, and what it would write back might be out of date. The interpreter runs one thread
 * at a time (its lock is held at each entry), so no two of a process come here at once.
 */
#include "py_read.bpf.h"
#include "quick.bpf.h"
#include "wake.bpf.h"

#include <bpf/bpf_core_read.h>

#define PAGE_MASK 4095ULL

/* What its file says that it becomes; NULL: nothing. */
FT_INLINE struct ft_proc *of_file(const struct ft_proc *p, u64 cookie)
{
	u32 index = FT_COOKIE_FILE(cookie);
	struct ft_proc *file;

	/* What is known of generators of the program before must be forgotten first. */
	if (!cookie || (p->flags & (FT_PROC_NEW | FT_PROC_SUSPENDS | FT_PROC_ASK)) != FT_PROC_NEW)
		return 0;
	file = bpf_map_lookup_elem(&ft_files, &index);
	/* Hits come before all hooks are in; the entry is then empty. */
	if (!file || file->hooks != index)
		return 0;
	return file->flags & FT_PROC_DORMANT ? 0 : file;
}

/* What user space has found in this program of the process; NULL: it has not looked yet. */
FT_INLINE struct ft_proc *of_look(const struct ft_proc *p, u32 tgid)
{
	struct ft_proc *looked_at = bpf_map_lookup_elem(&ft_looked_at, &tgid);

	return looked_at && looked_at->born == p->born ? looked_at : 0;
}

/* Did the process begin before the run? Then what it did is not missed. */
FT_INLINE bool is_older(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, group_leader, start_time) < ft_settings.all_since_ns;
}

/* The program began before its hooks were in, so calls of it were not seen. */
FT_INLINE bool began(const struct ft_proc *p, u32 was)
{
	u64 at = p->layout.initialized;

	if (!(was & FT_PROC_NEW) || (was & FT_PROC_FOUND && is_older()))
		return false;
	return at ? read_u32(at) : was & FT_PROC_UNSEEN;
}

FT_INLINE void settle(struct ft_proc *p, u32 was)
{
	p->born = bpf_ktime_get_ns();
	if (began(p, was))
		count(FT_LOST_late);
	p->flags |= was & (FT_PROC_FOLLOW | FT_PROC_NEW | FT_PROC_GREENLETS);
}

FT_GLOBAL int ft_wake(u32 tgid, u64 cookie, u64 ip)
{
	struct ft_proc *p = bpf_map_lookup_elem(&ft_procs, &tgid), *from;
	u32 was, policy;
	u64 by = 0;

	if (!p)
		return 0;
	was = p->flags;
	policy = p->policy;
	from = of_look(p, tgid);
	if (from) {
		policy = from->policy;
	} else {
		from = of_file(p, cookie);
		by = ip - FT_COOKIE_ADDRESS(cookie);
	}
	/* The extension tells its names once, as the first hook is in. */
	if (!from || !(from->flags & FT_PROC_AGENT || hooks_live(from)) || by & PAGE_MASK) {
		p->flags = was | FT_PROC_UNSEEN;
		return 0;
	}
	bpf_map_update_elem(&ft_procs, &tgid, from, BPF_EXIST);
	bpf_map_delete_elem(&ft_looked_at, &tgid);
	p = bpf_map_lookup_elem(&ft_procs, &tgid);
	if (!p)
		return 0;
	/* User space gives a file's hooks back: either it has seen this process, or we see that. */
	if (!(p->flags & FT_PROC_AGENT || hooks_live(p))) {
		p->flags = was | FT_PROC_UNSEEN;
		return 0;
	}
	p->policy = policy;
	ft_layout_move(&p->layout, by);
	if (p->layout.tls_pair)
		p->layout.tls_module = read_ptr(p->layout.tls_pair);
	settle(p, was);
	quick_void();
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
