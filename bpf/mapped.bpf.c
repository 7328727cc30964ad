/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which file does a process map, as the file system that holds it knows it? On an overlay, as of
 * the containers of one image, stat() gives each mount a device of its own; the kernel keeps
 * uprobes by the inode beneath, and that is what a mapping refers to. An iterator over one process
 * (Linux 6.1), read by user space.
 */
#include "maps.bpf.h"

#include "ft_mapped.h"

SEC("iter/task_vma")
int ft_mapped(struct bpf_iter__task_vma *it)
{
	struct vm_area_struct *vma = it->vma;
	struct ft_mapped_file m;
	struct file *file;

	if (!it->task || !vma)
		return 0;
	file = vma->vm_file;
	if (!file)
		return 0;
	m.start = vma->vm_start;
	m.end = vma->vm_end;
	m.inode = file->f_inode->i_ino;
	m.dev = file->f_inode->i_sb->s_dev;
	bpf_seq_write(it->meta->seq, &m, sizeof(m));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
