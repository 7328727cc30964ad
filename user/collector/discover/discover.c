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
#include "discover/discover.h"
#include "discover/elf.h"
#include "discover/mapped.h"
#include "discover/proc.h"
#include "discover/servers.h"
#include "discover/version.h"

/* The file that may hold the interpreter, while we look for it. */
struct candidate {
	bool library;
	struct proc_map map; /* one of its executable mappings */
	int fd;		     /* 0 = not open */
};

/* What the walk over the maps looks for. */
struct search {
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

/* Other implementations, by the files they come in. */
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

	/* libpython3.so only forwards to the library with the version in its name. */
	return !strncmp(base, "libpython", 9) && strstr(base, ".so") &&
	       strncmp(base, "libpython3.so", 13) != 0;
}

/* The extension of the package greenlet; up to 0.4 it is the module itself. */
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

static int tell_version(struct target *t, struct elf *e, struct why *w)
{
	const char *soname = elf_soname(e);
	const char *names[] = {t->binary, soname ? soname : t->exe, NULL};
	struct version v;

	if (version_of(e, names, &v))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d: %s holds a Python whose version cannot be told "
				"(no Py_Version symbol, no version in its name)",
				t->pid, t->binary);
	t->major = v.major;
	t->minor = v.minor;
	t->micro = v.micro;
	return 0;
}

/* Off unless asked for, in builds that have one at all (configure, --enable-experimental-jit). */
static void tell_jit(struct target *t, struct elf *e)
{
	char value[2];

	t->jit_built = elf_has_text(e, "PYTHON_JIT");
	t->jit_asked = proc_environ(t->pid, "PYTHON_JIT", value, sizeof(value)) && value[0] &&
		       value[0] != '0';
}

static void tell_build(struct target *t, struct elf *e)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	int n = elf_build_id(e, id);
	struct elf_usdt probe;

	for (int i = 0; i < n && 2 * i + 2 < (int)sizeof(t->build_id); i++)
		snprintf(t->build_id + 2 * i, 3, "%02x", id[i]);
	t->has_usdt = elf_usdt(e, "python", "function__entry", &probe, 1, NULL) > 0;
	tell_jit(t, e);
}

static int tell_place(struct target *t, struct elf *e, const struct search *s, struct why *w)
{
	const struct proc_map *m = &s->found.map;
	struct mapped_place place;

	t->map_dev = m->dev;
	t->map_inode = m->inode;
	if (mapped_bias(e, (struct mapped_id){m->dev, m->inode}, &s->maps, &t->bias, &place))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d: no segment of %s is mapped at %#llx", t->pid,
				t->binary, (unsigned long long)m->start);
	if (s->found.library &&
	    !mapped_whole(e, (struct mapped_id){m->dev, m->inode}, &s->maps, t->bias))
		return why_exit(w, EXIT_NO_PROCESS, -EAGAIN,
				"process %d is just loading %s: try again", t->pid, t->binary);
	t->code_at = place.start;
	t->code_offset = place.file_offset;
	return 0;
}

static int fill_target(struct target *t, struct elf *e, struct search *s, const char *root,
		       struct why *w)
{
	char open_path[MAPPED_FD_PATH];
	int err;

	mapped_fd_path(s->found.fd, open_path);
	t->binary = strdup(mapped_inside(s->found.map.path, root));
	t->open_path = strdup(open_path);
	if (!t->binary || !t->open_path)
		return why(w, -ENOMEM, "out of memory");
	t->fd = s->found.fd;
	s->found.fd = 0;
	t->shared_library = s->found.library;
	t->dev = e->bytes.dev;
	t->inode = e->bytes.inode;
	err = tell_place(t, e, s, w);
	if (err)
		return err;
	tell_build(t, e);
	return tell_version(t, e, w);
}

/* What every CPython prints when it gives up, and a variable that it alone reads. */
static bool looks_like_python(struct elf *e)
{
	return elf_has_text(e, "Fatal Python error: ") && elf_has_text(e, "PYTHONHASHSEED");
}

/* Python 2 and 3.6 and older have an interpreter but no _PyRuntime. */
static int no_runtime(struct elf *e, const struct candidate *c, pid_t pid, struct why *w)
{
	const char *names[] = {c->map.path, NULL};
	struct version v;
	Elf64_Sym s;

	if (elf_symbol(e, "PyEval_EvalFrameEx", &s) && elf_symbol(e, "Py_Main", &s) &&
	    looks_like_python(e))
		return why_exit(
			w, EXIT_PYTHON, -ENOEXEC,
			"process %d: %s has a Python in it but no symbol _PyRuntime, neither "
			"in .dynsym nor in .symtab: link it with -rdynamic, or do not strip "
			"it",
			pid, c->map.path);
	if (elf_symbol(e, "PyEval_EvalFrameEx", &s) && elf_symbol(e, "Py_Main", &s))
		return why_exit(w, EXIT_NO_PROCESS, -ENOENT,
				"process %d runs no Python: %s is not a Python interpreter and has "
				"loaded none (--follow waits for one, and for children)",
				pid, c->map.path);
	if (version_of(e, names, &v))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d: %s is a Python older than 3.7, or a build that hides "
				"_PyRuntime: neither can be traced",
				pid, c->map.path);
	return why_exit(w, EXIT_PYTHON, -ENOEXEC,
			"process %d runs Python %d.%d (%s), which has no _PyRuntime and cannot be "
			"traced; supported are Python 3.8 to 3.15",
			pid, v.major, v.minor, c->map.path);
}

/* Says the name that the process knows it by, not ours. */
static int open_elf(struct elf *e, int fd, const char *name, struct budget *b, struct why *w)
{
	char path[MAPPED_FD_PATH];

	mapped_fd_path(fd, path);
	return elf_open_as(e, path, name, b, w);
}

static int examine(struct target *t, struct search *s, const char *root, struct why *w)
{
	Elf64_Sym runtime;
	struct elf e;
	int err = open_elf(&e, s->found.fd, s->found.map.path, t->budget, w);

	if (err)
		return err;
	if (elf_symbol(&e, "_PyRuntime", &runtime))
		err = no_runtime(&e, &s->found, t->pid, w);
	else
		err = fill_target(t, &e, s, root, w);
	elf_release(&e);
	return err;
}

/* What the executable is to us. */
struct exe_facts {
	bool has_runtime, needs_library;
};

static int look_at_exe(int fd, const char *name, struct budget *b, struct exe_facts *ret,
		       struct why *w)
{
	Elf64_Sym runtime;
	struct elf e;
	int err = open_elf(&e, fd, name, b, w);

	if (err)
		return err;
	ret->needs_library = elf_needs(&e, "libpython");
	ret->has_runtime = !elf_symbol(&e, "_PyRuntime", &runtime);
	elf_release(&e);
	return 0;
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
 * The executable when it has the interpreter in it. One that needs a libpython never
 * has: a _PyRuntime of its own is then a copy that the linker made (R_*_COPY).
 */
static int choose(struct search *s, const struct target *t, const char *name, const char *root,
		  struct why *w)
{
	struct exe_facts exe = {0};
	pid_t pid = t->pid;
	int err;

	if (s->foreign[0])
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"process %d runs %s: only CPython can be hooked", pid, s->foreign);
	err = look_at_exe(s->exe_fd, name, t->budget, &exe, w);
	if (err)
		return err;
	if (!exe.needs_library && (exe.has_runtime || !s->has_library))
		return choose_exe(s, pid, name, w);
	if (!s->has_library)
		return why_exit(w, EXIT_NO_PROCESS, -EAGAIN,
				"process %d (%s) has not loaded its libpython yet: try again", pid,
				name);
	s->found.library = true;
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
		agent_look(t->pid, &s->agent_map, &s->maps, root, t->budget, &t->agent);
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

/* Whoever has this number from now on is either this process or is known not to be. */
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

int discover_target(pid_t pid, struct target *ret_target, struct why *w)
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
	budget_begin(t.budget);
	hold_number(&t);
	err = proc_status(pid, &t.nthreads, w);
	if (!err)
		err = discover_unless_gone(pid, find_interpreter(&t, s, w), w);
	search_free(s);
	if (budget_check(t.budget, t.binary ? t.binary : "its executable", w))
		err = -EFBIG;
	if (err)
		target_release(&t);
	else
		*ret_target = t;
	return err;
}

/*
 * A process that ends gives its memory back, and its executable with it, a while before its
 * state says so: what is missing then is missing because of that.
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
	/* Who has no process to show has been told why. */
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

/* Does this mapping show what lay there when the process was looked at? */
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
