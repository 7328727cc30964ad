/* SPDX-License-Identifier: MIT */
/*
 * In place of libbpf's header of this name, where the BPF sources are compiled for the host: the
 * helpers are functions of shim.c. A map is known by its address; what a key and a value of it take
 * is told by its declaration.
 */
#ifndef FT_SHIM_BPF_HELPERS_H
#define FT_SHIM_BPF_HELPERS_H

#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define barrier_var(var) __asm__ volatile("" : "+r"(var))

/* Here the compiler may know that it is redundant. */
#define FT_MASK(value, mask) ((value) &= (mask))

void *shim_lookup(const void *map, const void *key, unsigned long key_size);
long shim_update(const void *map, const void *key, unsigned long key_size, const void *value,
		 unsigned long value_size, __u64 flags);
long shim_delete(const void *map, const void *key, unsigned long key_size);
long shim_output(const void *record, __u64 size);

#define SHIM_KEY(map) sizeof(*(map)->key)
#define SHIM_VALUE(map) sizeof(*(map)->value)
#define bpf_map_lookup_elem(map, key) shim_lookup(map, key, SHIM_KEY(map))
#define bpf_map_update_elem(map, key, value, flags)                                                \
	shim_update(map, key, SHIM_KEY(map), value, SHIM_VALUE(map), flags)
#define bpf_map_delete_elem(map, key) shim_delete(map, key, SHIM_KEY(map))
#define bpf_ringbuf_output(ring, record, size, flags) shim_output(record, size)
#define bpf_tail_call(ctx, programs, index) (void)(ctx)

long bpf_probe_read_user(void *to, __u32 size, const void *from);
long bpf_probe_read_user_str(void *to, __u32 size, const void *from);
__u64 bpf_get_current_pid_tgid(void);
__u64 bpf_get_current_task(void);
__u32 bpf_get_prandom_u32(void);
__u64 bpf_get_attach_cookie(void *ctx);
__u64 bpf_ktime_get_ns(void);
long bpf_seq_write(struct seq_file *to, const void *data, __u32 size);

#endif
