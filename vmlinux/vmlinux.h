/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The kernel types that the BPF programs use, and no more: small enough to read, hand-kept,
 * and relocated at load time (preserve_access_index), so the layouts here need not match
 * any kernel. README.md beside this file tells how to generate the full header.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2, BPF_F_NO_PREALLOC = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };

/* Context of a raw tracepoint; ABI. */
struct bpf_raw_tracepoint_args {
	__u64 args[0];
};

#include "kernel.h" /* of bpf/arch: what the machine has of its own */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct ns_common {
	unsigned int inum; /* the inode of /proc/PID/ns/... */
};

struct pid_namespace {
	struct ns_common ns;
};

/* The number of a struct pid in one namespace. */
struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level; /* of the namespace that it was made in */
	struct upid numbers[1];
};

enum { PIDTYPE_TGID = 1 };

struct signal_struct {
	struct pid *pids[4];
	atomic_t live; /* threads that have not begun to exit */
	int group_exit_code;
};

struct super_block {
	unsigned int s_dev;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct file {
	struct inode *f_inode;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct file *vm_file;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	struct task_struct *group_leader;
	__u64 start_time; /* ns, monotonic */
	struct pid *thread_pid;
	struct signal_struct *signal;
	struct thread_struct thread;
};

/* Context of an iterator over the mappings of a process. */
struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

#pragma clang attribute pop

#endif
