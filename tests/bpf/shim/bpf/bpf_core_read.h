/* SPDX-License-Identifier: MIT */
/* In place of libbpf's header of this name: there is one kernel, and its types are as declared. */
#ifndef FT_SHIM_BPF_CORE_READ_H
#define FT_SHIM_BPF_CORE_READ_H

#define SHIM_READ_2(a, b) ((a)->b)
#define SHIM_READ_3(a, b, c) ((a)->b->c)
#define SHIM_READ_N(_1, _2, _3, n, ...) SHIM_READ_##n
#define BPF_CORE_READ(...) SHIM_READ_N(__VA_ARGS__, 3, 2)(__VA_ARGS__)
#define bpf_core_field_offset(type, field) __builtin_offsetof(type, field)
#define bpf_core_type_size(type) sizeof(type)

#endif
