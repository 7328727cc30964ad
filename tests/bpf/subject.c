/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpython/cpython.h"
#include "discover/discover.h"
#include "subject.h"

#define ROOTS "/var/cache/flowtrace/roots"

static char *file_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	cr_assert(f && getdelim(&text, &room, 0, f) > 0, "%s", path);
	fclose(f);
	return text;
}

/* What is rendered, and the script that makes values of its own. */
static char *program(const char *script)
{
	char *render = file_text(FT_SOURCE_DIR "/tests/live/render.py"), *own, *path, *text;

	cr_assert_gt(asprintf(&path, FT_SOURCE_DIR "/tests/bpf/%s", script), 0);
	own = file_text(path);
	cr_assert_gt(asprintf(&text, "%s\n%s", render, own), 0);
	free(render);
	free(own);
	free(path);
	return text;
}

/* The ends of its standard output and input are in fds. */
static pid_t begin_python(const char *root, const char *python, const char *text, int *fds)
{
	int out[2], in[2];
	pid_t pid;

	cr_assert(!pipe(out) && !pipe(in));
	pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		alarm(60);
		if (!root || (!chroot(root) && !chdir("/")))
			execl(python, python, "-S", "-E", "-c", text, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	fds[0] = out[0];
	fds[1] = in[1];
	return pid;
}

static void read_said(struct subject *s, FILE *f)
{
	struct said *said = s->said;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int at;

	while ((n = getline(&line, &room, f)) > 0 && strcmp(line, "end\n")) {
		line[n - 1] = 0;
		cr_assert_lt(s->count, SAID_MAX);
		cr_assert_eq(sscanf(line, "%15s %lu %n", said->what, &said->addr, &at), 2);
		said->text = strdup(line + at);
		said++;
		s->count++;
	}
	free(line);
}

static void must_look(struct subject *s, pid_t pid)
{
	struct target t = {0};
	struct why w = {0};

	cr_assert_eq(discover_target(pid, NULL, &t, &w), 0, "%s", w.text);
	cr_assert_eq(cpython_layout(&t, &s->layout, &w), 0, "%s", w.text);
	cr_assert_eq(image_take(pid, t.binary, &s->image), 0);
	target_release(&t);
}

struct subject *subject_new(const char *root, const char *python, const char *script)
{
	struct subject *s = calloc(1, sizeof(*s));
	char *text = program(script);
	int fds[2];
	pid_t pid = begin_python(root, python, text, fds);
	FILE *f = fdopen(fds[0], "r");

	s->python = python;
	read_said(s, f);
	cr_assert_gt(s->count, 0, "%s says nothing", python);
	must_look(s, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fclose(f);
	close(fds[1]);
	free(text);
	return s;
}

void subject_free(struct subject *s)
{
	for (int i = 0; i < s->count; i++)
		free(s->said[i].text);
	image_release(&s->image);
	free(s);
}

uint64_t said_of(const struct subject *s, const char *what)
{
	for (int i = 0; i < s->count; i++)
		if (!strcmp(s->said[i].what, what))
			return s->said[i].addr;
	return 0;
}

static void each_in_roots(subject_check *check, const char *script)
{
	glob_t found = {0};

	glob(ROOTS "/*/usr/bin/python3.[0-9]*[0-9]", 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i], *inside = strstr(path, "/usr/");
		char *root = strndup(path, inside - path);

		check(subject_new(root, inside, script));
		free(root);
	}
	globfree(&found);
}

void subject_each(subject_check *check, const char *script)
{
	const char *patterns[] = {"/usr/bin/python3", "~/.pyenv/versions/3.[89].*/bin/python3",
				  "~/.pyenv/versions/3.1?.*/bin/python3"};
	glob_t found = {0};

	for (int i = 0; i < 3; i++)
		glob(patterns[i], GLOB_TILDE | (i ? GLOB_APPEND : 0), NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check(subject_new(NULL, found.gl_pathv[i], script));
	globfree(&found);
	if (!geteuid()) /* to enter them */
		each_in_roots(check, script);
}
