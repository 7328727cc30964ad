/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "discover/agent.h"
#include "discover/binary.h"
#include "discover/discover.h"
#include "discover/files.h"
#include "discover/mapped.h"
#include "discover/proc.h"
#include "discover/servers.h"

/* A file that may hold the interpreter. */
struct candidate {
	bool library;
	struct proc_map map; /* one of its executable mappings */
	int fd;		     /* 0 = not open */
};

/* State of the walk over the maps. */
struct search {
	struct binaries *binaries; /* borrowed */
	struct mapped_id exe;
	int exe_fd; /* 0 = not open */
	struct mapped_list maps;
	struct candidate found;
	bool has_library, has_exe, has_greenlet, has_agent;
	const char *http_unseen;
	char foreign[256]; /* a Python that is not CPython */
	struct proc_map exe_map, agent_map;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Other implementations of Python, recognised by their file names. */
static bool is_foreign(const char *path)
{
	static const char *const prefixes[] = {"pypy",	   "libpypy",	  "graalpy", "libpythonvm",
					       "libgraal", "micropython", NULL};

	for (int i = 0; prefixes[i]; i++)
		if (!strncmp(base_name(path), prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

bool discover_is_library(const char *path)
{
	const char *base = base_name(path);

	/* libpython3.so only forwards to the library that has the version in its name. */
	return !strncmp(base, "libpython", 9) && strstr(base, ".so") &&
	       strncmp(base, "libpython3.so", 13) != 0;
}

bool discover_is_interpreter(const char *path)
{
	return discover_is_library(path) || !strncmp(base_name(path), "python", 6);
}

/* The extension of the package greenlet; up to 0.4 it was the module itself. */
static bool is_greenlet(const char *path)
{
	const char *base = base_name(path);

	return (!strncmp(base, "_greenlet.", 10) || !strncmp(base, "greenlet.", 9)) &&
	       strstr(base, ".so");
}

static int look_for_greenlet(void *ctx, const struct proc_map *m)
{
	bool *found = ctx;

	*found |= is_greenlet(m->path);
	return 0;
}

bool discover_greenlets(pid_t pid)
{
	bool found = false;

	(void)proc_each_map(pid, look_for_greenlet, &found, NULL);
	return found;
}

static int is_library_map(void *ctx, const struct proc_map *m)
{
	return discover_is_library(m->path);
}

bool discover_has_library(pid_t pid)
{
	return proc_each_map(pid, is_library_map, NULL, NULL) == 1;
}

static int look_at_map(void *ctx, const struct proc_map *m)
{
	struct search *s = ctx;

	if (!m->executable)
		return mapped_add(&s->maps, m);
	if (is_foreign(m->path) && !s->foreign[0])
		snprintf(s->foreign, sizeof(s->foreign), "%.255s", m->path);
	if (m->dev == s->exe.dev && m->inode == s->exe.inode && !s->has_exe) {
		s->exe_map = *m;
		s->has_exe = true;
	}
	s->has_greenlet |= is_greenlet(m->path);
	s->http_unseen = s->http_unseen ?: servers_unseen(m->path);
	if (agent_is_file(m->path) && !s->has_agent) {
		s->agent_map = *m;
		s->has_agent = true;
	}
	if (discover_is_library(m->path) && !s->has_library) {
		s->found.map = *m;
		s->has_library = true;
	}
	return mapped_add(&s->maps, m);
}

/* The JIT is off unless asked for, in builds that have it (configure,
 * --enable-experimental-jit). */
static bool asks_for_jit(pid_t pid)
{
	char value[2];

	return proc_environ(pid, "PYTHON_JIT", value, sizeof(value)) && value[0] && value[0] != '0';
}

/* Copies the facts of its file. */
static int tell_interpreter(struct target *t, struct why *w)
{
	const struct binary_interpreter *i = &t->file->interpreter;
	int err = files_interpreter(t, w);

	if (err)
		return err;
	t->major = i->major;
	t->minor = i->minor;
	t->micro = i->micro;
	t->has_usdt = i->has_usdt;
	t->jit_built = i->jit_built;
	t->jit_asked = asks_for_jit(t->pid);
	memcpy(t->build_id, i->build_id, sizeof(t->build_id));
	return 0;
}

static int tell_place(struct target *t, const struct search *s, struct why *w)
{
	const struct binary_segments *segments = &t->file->segments;
	const struct proc_map *m = &s->found.map;
	struct mapped_place place;

	t->map_dev = m->dev;
	t->map_inode = m->inode;
	if (mapped_bias(segments, (struct mapped_id){m->dev, m->inode}, &s->maps, &t->bias, &place))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d: no segment of %s is mapped at %#llx", t->pid,
				t->binary, (unsigned long long)m->start);
	if (s->found.library &&
	    !mapped_whole(segments, (struct mapped_id){m->dev, m->inode}, &s->maps, t->bias))
		return why_exit(w, EXIT_NO_PROCESS, -EAGAIN,
				"process %d is just loading %s: try again", t->pid, t->binary);
	t->code_at = place.start;
	t->code_offset = place.file_offset;
	return 0;
}

static int fill_target(struct target *t, struct search *s, struct why *w)
{
	int err;

	t->shared_library = s->found.library;
	t->dev = t->file->id.dev;
	t->inode = t->file->id.inode;
	err = tell_place(t, s, w);
	return err ? err : tell_interpreter(t, w);
}

/* Python 2 and 3.6 and older have an interpreter but no _PyRuntime. */
static int no_runtime(struct target *t, const char *path, struct why *w)
{
	const struct binary_other *o = &t->file->other;
	int err = files_other(t, path, w);

	if (err)
		return err;
	if (!o->has_python && o->looks_python)
		return why_exit(
			w, EXIT_PYTHON, -ENOEXEC,
			"process %d: %s has a Python in it but no symbol _PyRuntime, neither "
			"in .dynsym nor in .symtab: link it with -rdynamic, or do not strip "
			"it",
			t->pid, path);
	if (!o->has_python)
		return why_exit(w, EXIT_NO_PROCESS, -ENOENT,
				"process %d runs no Python: %s is not a Python interpreter and has "
				"loaded none (--follow waits for one, and for children)",
				t->pid, path);
	if (!o->has_version)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d: %s is a Python older than 3.7, or a build that hides "
				"_PyRuntime: neither can be traced",
				t->pid, path);
	return why_exit(w, EXIT_PYTHON, -ENOEXEC,
			"process %d runs Python %d.%d (%s), which has no _PyRuntime and cannot be "
			"traced; supported are Python 3.8 and later",
			t->pid, o->major, o->minor, path);
}

/* Makes the file that was found the target's binary. */
static int take_file(struct target *t, struct search *s, const char *root, struct why *w)
{
	char open_path[MAPPED_FD_PATH];

	mapped_fd_path(s->found.fd, open_path);
	t->binary = strdup(mapped_inside(s->found.map.path, root));
	t->open_path = strdup(open_path);
	if (!t->binary || !t->open_path)
		return why(w, -ENOMEM, "out of memory");
	t->fd = s->found.fd;
	s->found.fd = 0;
	return binaries_get(s->binaries, t->fd, t->binary, &t->file, w);
}

static int examine(struct target *t, struct search *s, const char *root, struct why *w)
{
	const char *path = s->found.map.path;
	int err = take_file(t, s, root, w);

	if (!err)
		err = files_read(t->file, t->open_path, path, t->budget, w);
	if (err)
		return err;
	return t->file->has_runtime ? fill_target(t, s, w) : no_runtime(t, path, w);
}

static int look_at_exe(struct search *s, const struct target *t, const char *name,
		       struct binary **ret, struct why *w)
{
	char path[MAPPED_FD_PATH];
	int err = binaries_get(s->binaries, s->exe_fd, t->exe, ret, w);

	mapped_fd_path(s->exe_fd, path);
	return err ? err : files_read(*ret, path, name, t->budget, w);
}

static int choose_exe(struct search *s, pid_t pid, const char *exe, struct why *w)
{
	if (!s->has_exe)
		return why_exit(w, EXIT_NO_PROCESS, -ENOENT,
				"process %d runs no Python: %s is not mapped", pid, exe);
	s->found.map = s->exe_map;
	s->found.fd = s->exe_fd;
	s->exe_fd = 0;
	return 0;
}

/*
 * Chooses the executable if it has the interpreter in it. An executable that needs a libpython
 * never does: its _PyRuntime is a copy that the linker made (R_*_COPY).
 */
static int choose(struct search *s, const struct target *t, const char *name, const char *root,
		  struct why *w)
{
	struct binary *exe;
	pid_t pid = t->pid;
	int err;

	if (s->foreign[0])
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d runs %s: only CPython can be hooked", pid, s->foreign);
	err = look_at_exe(s, t, name, &exe, w);
	if (err)
		return err;
	if (!exe->needs_library && (exe->has_runtime || !s->has_library))
		return choose_exe(s, pid, name, w);
	if (!s->has_library)
		return why_exit(w, EXIT_NO_PROCESS, -EAGAIN,
				"process %d (%s) has not loaded its libpython yet: try again", pid,
				name);
	s->found.library = true;
	binary_close(exe);
	return mapped_open(pid, &s->found.map, root, &s->found.fd, w);
}

static int find_interpreter(struct target *t, struct search *s, struct why *w)
{
	char exe[4096], root[4096];
	int err = proc_link(t->pid, "exe", exe, sizeof(exe), w);

	if (err == -ENOENT)
		return why_exit(w, EXIT_NO_PROCESS, -ESRCH,
				"process %d runs no Python: it has no executable (a kernel "
				"thread, or it is just exiting)",
				t->pid);
	if (!err)
		err = proc_link(t->pid, "root", root, sizeof(root), w);
	if (err)
		return err;
	t->exe = strdup(mapped_inside(exe, root));
	if (!t->exe)
		return why(w, -ENOMEM, "out of memory");
	err = mapped_open_exe(t->pid, &s->exe_fd, &s->exe, w);
	if (!err)
		err = proc_each_file_map(t->pid, look_at_map, s, w);
	if (!err)
		err = choose(s, t, exe, root, w);
	if (!err)
		err = examine(t, s, root, w);
	t->greenlets = s->has_greenlet;
	t->http_unseen = s->http_unseen;
	if (!err && s->has_agent)
		agent_look(t, &s->agent_map, &s->maps, root, s->binaries);
	return err;
}

static void search_free(struct search *s)
{
	if (s->exe_fd > 0)
		close(s->exe_fd);
	if (s->found.fd > 0)
		close(s->found.fd);
	mapped_release(&s->maps);
	free(s);
}

/* Opens a pidfd: by it a later process with the same pid is told apart from this one. */
static void hold_number(struct target *t)
{
	int fd = syscall(SYS_pidfd_open, t->pid, 0);

	if (fd >= 0 && fd < 3) {
		t->pidfd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		close(fd);
	} else {
		t->pidfd = fd;
	}
	if (t->pidfd < 0)
		t->pidfd = 0;
}

static int look(pid_t pid, struct binaries *binaries, struct target *ret_target, struct why *w)
{
	struct target t = {.pid = pid, .micro = -1};
	struct search *s = calloc(1, sizeof(*s));
	int err;

	t.budget = malloc(sizeof(*t.budget));
	if (!s || !t.budget) {
		free(s);
		free(t.budget);
		return why(w, -ENOMEM, "out of memory");
	}
	s->binaries = binaries;
	budget_begin(t.budget);
	hold_number(&t);
	err = proc_status(pid, &t.nthreads, w);
	if (!err)
		err = discover_unless_gone(pid, find_interpreter(&t, s, w), w);
	search_free(s);
	if (budget_check(t.budget, t.binary ? t.binary : "its executable", w))
		err = -EFBIG;
	if (!err) {
		*ret_target = t;
		return 0;
	}
	binaries_rest(binaries);
	target_release(&t);
	return err;
}

int discover_target(pid_t pid, struct binaries *binaries, struct target *ret_target, struct why *w)
{
	struct binaries *own = NULL;
	int err;

	if (binaries)
		return look(pid, binaries, ret_target, w);
	err = binaries_new(&own, w);
	if (!err)
		err = look(pid, own, ret_target, w);
	binaries_free(own);
	if (!err)
		ret_target->file = ret_target->agent.file = NULL;
	return err;
}

/*
 * A process that exits gives up its memory, and its executable, a while before its state shows
 * that: files that are missing then are missing because it exits.
 */
static bool is_gone(pid_t pid)
{
	struct why w = {};
	char exe[4096];
	int nthreads, err = proc_status(pid, &nthreads, &w);

	if (!err)
		err = proc_link(pid, "exe", exe, sizeof(exe), &w);
	return err == -ENOENT || w.exit_status == EXIT_NO_PROCESS;
}

int discover_unless_gone(pid_t pid, int err, struct why *w)
{
	/* If the process does not exist, the message says so already. */
	if (!err || (w && w->exit_status == EXIT_NO_PROCESS) || !is_gone(pid))
		return err;
	if (w)
		*w = (struct why){};
	return why_exit(w, EXIT_NO_PROCESS, -ESRCH, "process %d exited while it was attached to",
			pid);
}

static bool has_ended(const struct target *t)
{
	struct pollfd ended = {.fd = t->pidfd, .events = POLLIN};

	return t->pidfd && poll(&ended, 1, 0) == 1;
}

/* Does this mapping have the code that was there when the process was examined? */
static int is_that_code(void *ctx, const struct proc_map *m)
{
	const struct target *t = ctx;

	return t->code_at >= m->start && t->code_at < m->end && m->dev == t->map_dev &&
	       m->inode == t->map_inode &&
	       m->file_offset + (t->code_at - m->start) == t->code_offset;
}

int discover_unchanged(const struct target *t, struct why *w)
{
	int found = proc_each_map(t->pid, is_that_code, (void *)t, w);

	if (found == 1 && !has_ended(t))
		return 0;
	if (found < 0)
		return found;
	if (has_ended(t))
		return why_exit(w, EXIT_NO_PROCESS, -ESRCH,
				"process %d exited while it was attached to", t->pid);
	return why_exit(w, EXIT_NO_PROCESS, -ESTALE,
			"process %d became another program while it was attached to", t->pid);
}
