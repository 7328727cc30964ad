/* SPDX-License-Identifier: MIT */
/* The code objects that BPF has decided on. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "attach/attach_parts.h"
#include "attach/features.h"

#define CODES_PER_PROCESS 256 /* on average: most processes are idle, or small */
#define CODES_MIN (1 << 16)
#define CODES_MAX (1 << 20)

/*
 * Where a probe may allocate (Linux 6.1, bpf_mem_alloc()) an entry takes memory while it is there,
 * so there is room for very many. One process has at most half of it. Else the map stays as it is
 * declared: a smaller one, whose entry used last pushes out another.
 */
int codes_size(struct attach *a, const struct attach_options *o, struct why *w)
{
	uint64_t entries = (uint64_t)o->max_processes * CODES_PER_PROCESS;
	struct bpf_map *map = a->skel->maps.ft_codes;
	int err;

	a->skel->rodata->ft_settings.codes = UINT32_MAX;
	if (!features_kernel_from(6, 1))
		return 0;
	entries = entries < CODES_MIN ? CODES_MIN : entries > CODES_MAX ? CODES_MAX : entries;
	a->skel->rodata->ft_settings.codes = entries / 2;
	err = bpf_map__set_type(map, BPF_MAP_TYPE_HASH);
	if (!err)
		err = bpf_map__set_map_flags(map, BPF_F_NO_PREALLOC);
	if (!err)
		err = bpf_map__set_max_entries(map, entries);
	return err ? why(w, err, "cannot size the map of code: %s", strerror(-err)) : 0;
}

static int reject(const struct bpf_map *map, const struct code_key *key, uint64_t described_ns,
		  uint32_t left_out)
{
	int fd = bpf_map__fd(map);
	struct code_entry e;

	if (bpf_map_lookup_elem(fd, key, &e))
		return -errno;
	if (e.described != (uint32_t)described_ns)
		return -ESTALE; /* another code object has that address now */
	e.left_out = left_out;
	e.verdict = e.role ? CODE_WATCH : e.varied ? CODE_VARIED : CODE_DROPPED;
	return bpf_map_update_elem(fd, key, &e, BPF_EXIST) ? -errno : 0;
}

int attach_reject_code(struct attach *a, uint32_t pid, uint64_t code, uint64_t described_ns,
		       uint32_t left_out)
{
	struct code_key key = {.code = code, .tgid = pid};
	int err = reject(a->skel->maps.ft_codes, &key, described_ns, left_out);

	if (err == -ENOENT)
		err = reject(a->skel->maps.ft_more_codes, &key, described_ns, left_out);
	if (!err)
		__atomic_fetch_add(&a->skel->bss->ft_rejected, 1, __ATOMIC_RELEASE);
	return err;
}
