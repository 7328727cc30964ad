/* SPDX-License-Identifier: MIT */
/* flowtrace-manual DIR DATE: writes man pages and completions into folders of DIR. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "manual.h"

static const char *root;

static FILE *create(const char *folder, const char *before, const char *name, const char *after)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, folder);
	if (mkdir(path, 0777) && errno != EEXIST) {
		perror(path);
		exit(1);
	}
	snprintf(path, sizeof(path), "%s/%s/%s%s%s", root, folder, before, name, after);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

static void close_page(FILE *f)
{
	if (ferror(f) || fclose(f)) {
		perror(root);
		exit(1);
	}
}

static void write_completions(const struct program *p)
{
	FILE *f = create("bash", "", p->name, "");

	bash_completion(f, p);
	close_page(f);
	f = create("zsh", "_", p->name, "");
	zsh_completion(f, p);
	close_page(f);
	f = create("fish", "", p->name, ".fish");
	fish_completion(f, p);
	close_page(f);
}

static void write_pages(const char *date)
{
	const struct program *flowctl = program_flowctl();
	FILE *f = create("man", "", "flowtrace-bpf", ".1");

	man_flowtrace_bpf(f, date);
	close_page(f);
	f = create("man", "", "flowctl", ".1");
	man_flowctl(f, date);
	close_page(f);
	for (size_t i = 0; i < flowctl->commands; i++) {
		f = create("man", "flowctl-", flowctl->command[i].name, ".1");
		man_flowctl_command(f, &flowctl->command[i], date);
		close_page(f);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: flowtrace-manual DIR DATE\n");
		return 2;
	}
	root = argv[1];
	if (!examples_hold())
		return 1;
	write_pages(argv[2]);
	write_completions(program_flowtrace_bpf());
	write_completions(program_flowctl());
	return 0;
}
