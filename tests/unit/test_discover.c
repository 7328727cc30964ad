/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "discover/discover.h"
#include "discover/elf.h"
#include "discover/proc.h"
#include "discover/version.h"
#include "elf_files.h"

/* Starts a program that lives until we end it; returns when it runs. */
static pid_t start_in(const char *root, const char *program, const char *script)
{
	char c = 0;
	int ready[2];
	pid_t pid;

	cr_assert(!pipe(ready));
	pid = fork();
	if (!pid) {
		dup2(ready[1], 1);
		close(ready[0]);
		if (!root || (!chroot(root) && !chdir("/")))
			execl(program, program, "-c", script, NULL);
		_exit(127);
	}
	close(ready[1]);
	while (c != '\n') /* to the end of the line: a print may be two writes */
		cr_assert(pid > 0 && read(ready[0], &c, 1) == 1, "%s did not start", program);
	close(ready[0]);
	return pid;
}

static pid_t start(const char *program, const char *script)
{
	return start_in(NULL, program, script);
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#define WAIT "import time; print('up', flush=True); time.sleep(60)"

Test(discover, a_static_executable)
{
	pid_t pid = start(need_file(DEBIAN_12_PYTHON), WAIT);
	struct target t;
	struct why w = {0};

	cr_assert_eq(discover_target(pid, NULL, &t, &w), 0, "%s", w.text);
	stop(pid);
	cr_assert_str_eq(t.exe, DEBIAN_12_PYTHON);
	cr_assert_str_eq(t.binary, DEBIAN_12_PYTHON);
	cr_assert_not(t.shared_library);
	cr_assert_eq(t.bias, 0);
	cr_assert_eq(t.major, 3);
	cr_assert_eq(t.minor, 11);
	cr_assert_geq(t.micro, 0);
	cr_assert_eq(t.nthreads, 1);
	target_release(&t);
}

static void check_library(int minor)
{
	char program[600], *slash;
	struct target t;
	struct why w = {0};
	pid_t pid;

	snprintf(program, sizeof(program), "%s", need_pyenv(minor));
	slash = strstr(program, "/lib/");
	snprintf(slash, sizeof(program) - (slash - program), "/bin/python3.%d", minor);
	pid = start(program, WAIT);
	cr_assert_eq(discover_target(pid, NULL, &t, &w), 0, "%s", w.text);
	stop(pid);
	cr_assert(t.shared_library);
	cr_assert(strstr(t.binary, "/libpython3."));
	cr_assert_eq(t.minor, minor);
	cr_assert_geq(t.micro, 0);
	cr_assert(t.bias && !(t.bias & 4095));
	target_release(&t);
}

Test(discover, a_library_of_3_8)
{
	check_library(8);
}

Test(discover, a_library_of_3_9)
{
	check_library(9);
}

Test(discover, a_library_of_3_10)
{
	check_library(10);
}

Test(discover, a_library_of_3_11)
{
	check_library(11);
}

/* After a package upgrade the running file has no name any more. */
Test(discover, a_deleted_executable)
{
	struct copy c = copy_of(need_file(DEBIAN_12_PYTHON));
	char path[] = "/tmp/python3.11-XXXXXX";
	int fd = mkstemp(path);
	struct target t;
	struct why w = {0};
	struct elf e;
	pid_t pid;

	cr_assert(fd >= 0 && write(fd, c.data, c.size) == (ssize_t)c.size && !fchmod(fd, 0700));
	close(fd);
	copy_drop(&c);
	pid = start(path, WAIT);
	unlink(path);
	cr_assert_eq(discover_target(pid, NULL, &t, &w), 0, "%s", w.text);
	cr_assert_str_eq(t.binary, path);
	cr_assert_eq(elf_open(&e, t.open_path, &w), 0, "%s", w.text);
	elf_release(&e);
	target_release(&t);
	stop(pid);
}

Test(discover, no_such_process)
{
	struct why w = {0};
	struct target t;

	cr_assert_eq(discover_target(0x7ffffff0, NULL, &t, &w), -ESRCH);
	cr_assert_eq(w.exit_status, EXIT_NO_PROCESS);
	cr_assert(strstr(w.text, "no process"), "%s", w.text);
}

Test(discover, a_process_without_python)
{
	struct why w = {0};
	struct target t;
	pid_t pid = start("/bin/sh", "echo up; kill -STOP $$");

	cr_assert_eq(discover_target(pid, NULL, &t, &w), -ENOENT);
	stop(pid);
	cr_assert_eq(w.exit_status, EXIT_NO_PROCESS);
	cr_assert(strstr(w.text, "no Python"), "%s", w.text);
}

Test(discover, a_zombie_is_gone)
{
	pid_t pid = fork();
	struct why w = {0};
	struct target t;
	siginfo_t info;

	if (!pid)
		_exit(0);
	cr_assert(!waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	cr_assert_eq(discover_target(pid, NULL, &t, &w), -ESRCH);
	cr_assert(strstr(w.text, "exited"), "%s", w.text);
	waitpid(pid, NULL, 0);
}

/* Between its exec and the work of the dynamic loader a Python has no interpreter yet. */
Test(discover, a_program_that_has_just_been_started)
{
	const char *library = need_pyenv(11);
	struct why w = {0};
	char program[600];
	struct target t;
	pid_t pid;

	snprintf(program, sizeof(program), "%.*s/bin/python3.11",
		 (int)(strstr(library, "/lib/") - library), library);
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execl(program, program, "-c", "pass", NULL);
		_exit(127);
	}
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_assert_eq(discover_target(pid, NULL, &t, &w), -EAGAIN, "%s", w.text);
	cr_assert_eq(w.exit_status, EXIT_NO_PROCESS);
	stop(pid);
}

Test(discover, another_implementation)
{
	struct copy c = copy_of("/bin/sh");
	char folder[] = "/tmp/flowtrace-XXXXXX", path[64];
	struct why w = {0};
	struct target t;
	pid_t pid;
	int fd;

	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/pypy3.9", folder);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
	cr_assert(fd >= 0 && write(fd, c.data, c.size) == (ssize_t)c.size);
	close(fd);
	copy_drop(&c);
	pid = start(path, "echo up; kill -STOP $$");
	cr_assert_eq(discover_target(pid, NULL, &t, &w), -ENOEXEC);
	unlink(path);
	rmdir(folder);
	cr_assert_eq(w.exit_status, EXIT_PYTHON);
	cr_assert(strstr(w.text, "pypy3.9"), "%s", w.text);
	stop(pid);
}

/* Its paths mean something else to us; the files must be opened through its root. */
Test(discover, a_process_in_another_root)
{
	char root[] = DEBIAN_11_PYTHON;
	struct why w = {0};
	struct target t;
	struct elf e;
	pid_t pid;

	need_file(DEBIAN_11_PYTHON);
	if (geteuid())
		cr_skip_test("chroot needs root");
	*strstr(root, "/usr/bin/") = 0;
	pid = start_in(root, "/usr/bin/python3.9", WAIT);
	cr_assert_eq(discover_target(pid, NULL, &t, &w), 0, "%s", w.text);
	cr_assert_str_eq(t.binary, "/usr/bin/python3.9");
	cr_assert_eq(t.minor, 9);
	cr_assert_eq(elf_open(&e, t.open_path, &w), 0, "%s", w.text);
	elf_release(&e);
	target_release(&t);
	stop(pid);
}

Test(discover, children_that_run_python)
{
	pid_t pid = start(need_file(DEBIAN_12_PYTHON), "import os, time\n"
						       "os.fork() or time.sleep(60)\n"
						       "print('up', flush=True); time.sleep(60)");
	pid_t child[4];

	cr_assert_eq(discover_python_children(pid, child, 4), 1);
	cr_assert_neq(child[0], pid);
	kill(child[0], SIGKILL);
	stop(pid);
}

Test(discover, versions_in_names)
{
	struct version v;

	cr_assert(version_from_name("/usr/bin/python3.11", &v) && v.minor == 11);
	cr_assert(version_from_name("libpython3.8.so.1.0", &v) && v.minor == 8);
	cr_assert(version_from_name("/opt/python3.9/bin/python3.10-dbg", &v) && v.minor == 10);
	cr_assert_not(version_from_name("/usr/bin/python3", &v));
	cr_assert_not(version_from_name("/opt/python3.9/bin/uwsgi", &v));
}

Test(discover, the_mark_of_a_deleted_file)
{
	char path[] = "/a (deleted)", other[] = "/a (deleted) b";

	proc_cut_deleted(path);
	proc_cut_deleted(other);
	cr_assert_str_eq(path, "/a");
	cr_assert_str_eq(other, "/a (deleted) b");
}
