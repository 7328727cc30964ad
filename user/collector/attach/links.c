/* SPDX-License-Identifier: MIT */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/links.h"
#include "attach/sibling.h"

#define SIBLINGS_MAX 32
#define AT_ONCE 512 /* descriptors that are closed in parallel */

/* The attributes of BPF_LINK_CREATE for such a link; in linux/bpf.h from 6.6 on. */
struct multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, multi_flags, pid, pad;
};

/* A call to make in a sibling. */
struct creation {
	struct multi m;
	int fd; /* or -errno */
};

static int create(void *arg)
{
	struct creation *c = arg;

	c->fd = syscall(SYS_bpf, BPF_LINK_CREATE, &c->m, sizeof(c->m));
	if (c->fd < 0)
		c->fd = -errno;
	return 0;
}

/* pid: 0 = all. */
static int multi_link(int prog_fd, const char *path, pid_t pid, const struct places *places)
{
	uint64_t offsets[HOOKS_MAX], semaphores[HOOKS_MAX];
	struct creation c = {.m = {.prog_fd = prog_fd,
				   .attach_type = FT_TRACE_UPROBE_MULTI,
				   .path = (uintptr_t)path,
				   .offsets = (uintptr_t)offsets,
				   .ref_ctr_offsets = (uintptr_t)semaphores,
				   .cookies = (uintptr_t)places->cookie,
				   .count = places->count,
				   .pid = pid}};
	struct sibling sibling;

	for (int i = 0; i < places->count; i++) {
		offsets[i] = places->hook[i]->file_offset;
		semaphores[i] = places->hook[i]->semaphore_offset;
	}
	if (hook_is_return(places->hook[0]->role))
		c.m.multi_flags = FT_UPROBE_MULTI_RETURN;
	sibling_start(&sibling, create, &c);
	sibling_join(&sibling);
	return c.fd;
}

/* ---- what the kernel has --------------------------------------------------------------- */

static int try_multi(int prog_fd, pid_t pid)
{
	const struct hook nowhere = {0};
	const struct places places = {.hook = {&nowhere}, .count = 1};

	/* "/" is a directory, so every kernel refuses the link. */
	return multi_link(prog_fd, "/", pid, &places);
}

/*
 * The first kernels with multi links took a pid for that of one thread (fixed by 46ba0e49b642, in
 * 6.10 and later 6.6 releases). Fixed ones also refuse a negative pid.
 */
bool links_are_multi(void)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, o,
		    .expected_attach_type = (enum bpf_attach_type)FT_TRACE_UPROBE_MULTI);
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", code, 2, &o);
	bool has;

	if (fd < 0)
		return false;
	has = try_multi(fd, 0) == -EBADF && try_multi(fd, -1) == -EINVAL;
	close(fd);
	return has;
}

bool links_have_cookies(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie, NULL) == 1;
}

void links_prepare(struct bpf_program *program)
{
	bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)FT_TRACE_UPROBE_MULTI);
}

/* ---- on and off -------------------------------------------------------------------------- */

static int put_multi(struct links *l, struct bpf_program *program, const struct links_file *f,
		     const struct places *places)
{
	int fd = multi_link(bpf_program__fd(program), f->path, f->pid < 0 ? 0 : f->pid, places);

	if (fd < 0)
		return fd;
	l->link[l->count++] = (struct link){.fd = fd};
	return 0;
}

static int put_perf(struct links *l, struct bpf_program *program, const struct links_file *f,
		    const struct hook *hook, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .ref_ctr_offset = hook->semaphore_offset,
		    .bpf_cookie = cookie, .retprobe = hook_is_return(hook->role));
	struct bpf_link *perf =
		bpf_program__attach_uprobe_opts(program, f->pid, f->path, hook->file_offset, &opts);

	if (!perf)
		return -errno;
	l->link[l->count++] = (struct link){.perf = perf};
	return 0;
}

int links_put(struct links *l, struct bpf_program *program, const struct links_file *f,
	      const struct places *places)
{
	int err = 0;

	if ((int)bpf_program__expected_attach_type(program) == FT_TRACE_UPROBE_MULTI)
		return put_multi(l, program, f, places);
	for (int i = 0; !err && i < places->count; i++)
		err = put_perf(l, program, f, places->hook[i], places->cookie[i]);
	return err;
}

/* The descriptors to close, which are the last of their links. Several siblings close them, each
 * taking the next one. */
struct closing {
	int *fd;
	int count, next;
};

static int close_some(void *arg)
{
	struct closing *c = arg;
	int i;

	while ((i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->count)
		close(c->fd[i]);
	return 0;
}

static void close_all(int *fds, int count)
{
	struct closing c = {.fd = fds, .count = count};
	struct sibling sibling[SIBLINGS_MAX];
	int n = 0;

	while (n < count && n < SIBLINGS_MAX)
		sibling_start(&sibling[n++], close_some, &c);
	while (n > 0)
		sibling_join(&sibling[--n]);
}

/* The last descriptor of a link; -1: there was none to be had, and it is off. */
static int last_of(struct link *link)
{
	int fd;

	if (!link->perf)
		return link->fd;
	fd = fcntl(bpf_link__fd(link->perf), F_DUPFD_CLOEXEC, 0);
	bpf_link__destroy(link->perf);
	return fd;
}

void links_close(struct links *files, int nfiles)
{
	int fds[AT_ONCE], n = 0;

	for (int i = 0; i < nfiles; i++) {
		for (int j = 0; j < files[i].count; j++) {
			if (n == AT_ONCE) {
				close_all(fds, n);
				n = 0;
			}
			fds[n] = last_of(&files[i].link[j]);
			n += fds[n] >= 0;
		}
		files[i].count = 0;
	}
	close_all(fds, n);
}
