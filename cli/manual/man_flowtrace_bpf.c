/* SPDX-License-Identifier: MIT */
/* flowtrace-bpf(1). */
#include "config/table.h"
#include "manual.h"

static const char *const synopsis[][2] = {
	{"--pid", "PID"},
	{"--", "CMD [ARG...]"},
	{"--check --pid", "PID"},
	{"--replay", "FILE"},
};

static void put_synopsis(FILE *f)
{
	fputs(".SH SYNOPSIS\n", f);
	for (size_t i = 0; i < sizeof(synopsis) / sizeof(synopsis[0]); i++) {
		fputs(i ? ".br\n" : "", f);
		roff_bold(f, "flowtrace-bpf");
		fputs(" [options] ", f);
		roff_bold(f, synopsis[i][0]);
		fputc(' ', f);
		roff_italic(f, synopsis[i][1]);
		fputc('\n', f);
	}
}

static void put_description(FILE *f)
{
	fputs(".SH DESCRIPTION\n", f);
	roff_text(
		f,
		"flowtrace-bpf shows every call of a running Python program: which function, with "
		"which arguments, what it returned or raised, and how long it took. It writes one "
		"JSON object per line.\n\nThe program needs no change, no restart and no package. "
		"Nothing is loaded into it, it is never stopped, and none of its code is run to "
		"render a value: BPF programs in the kernel read the values from the interpreter's "
		"memory while the call happens.\n\nSIGINT and SIGTERM detach, write what is left "
		"and end with status 0; the traced program keeps running. A second one ends at "
		"once. A hang-up of the terminal does the same; any other SIGHUP reopens the "
		"output, for log rotation. When the traced program ends, so does the trace. Events "
		"that could not be recorded are counted in LOST events, at their place in the "
		"trace.\n\nOn a terminal a status line on standard error shows events per second, "
		"functions seen and events lost; a summary of one line follows at the end.");
}

static void put_options(FILE *f, const struct command_page *page)
{
	fputs(".SH OPTIONS\n", f);
	roff_text(f, "Switches have a --no- form, which turns them off again. The configuration "
		     "file overrides defaults, environment variables override the file, and the "
		     "command line overrides both.");
	for (int group = 0; group < GROUP_COUNT; group++) {
		roff_macro(f, "SS", option_group_titles[group]);
		for (size_t i = 0; i < page->options; i++)
			if (page->option[i].group == group)
				roff_option(f, &page->option[i]);
	}
}

static void put_statuses(FILE *f)
{
	fputs(".SH EXIT STATUS\n", f);
	for (const struct exit_row *row = exit_rows; row->help; row++) {
		fprintf(f, ".TP\n.B %d\n", row->status);
		roff_text(f, row->help);
	}
	fputs(".PP\n", f);
	roff_text(f, "With -- CMD it is the command's own status, or 128 plus the number of the "
		     "signal that ended it. Every failure is one line on standard error that says "
		     "what is wrong and what to do.");
}

static void put_environment(FILE *f, const struct command_page *page)
{
	fputs(".SH ENVIRONMENT\n", f);
	roff_text(f, "An empty variable is ignored. Switches take 1, true, yes, on, or 0, false, "
		     "no, off; each also has a FLOWTRACE_NO_ form.");
	for (size_t i = 0; i < page->options; i++) {
		const struct option *o = &page->option[i];

		if (!o->env)
			continue;
		fputs(".TP\n", f);
		roff_bold(f, o->env);
		if (o->alias) {
			fputs(", ", f);
			roff_bold(f, o->alias);
		}
		fputs("\nas ", f);
		roff_bold(f, "--");
		roff_bold(f, o->name);
		fputs(".\n", f);
	}
	fputs(".TP\n", f);
	roff_bold(f, "SUDO_UID");
	fputs(", ", f);
	roff_bold(f, "SUDO_GID");
	fputs("\nthe owner of the output when it is created under sudo.\n", f);
}

static void put_files(FILE *f)
{
	fputs(".SH FILES\n.TP\n", f);
	roff_italic(f, "flowtrace.jsonl");
	fputc('\n', f);
	roff_text(f,
		  "the trace, in the current directory, unless --output names another file. It is "
		  "created readable by its owner only, since it holds values of the program.");
	fputs(".TP\n", f);
	roff_italic(f, "/sys/kernel/btf/vmlinux");
	fputc('\n', f);
	roff_text(f, "the types of the running kernel, to which the BPF programs are relocated.");
}

static void put_notes(FILE *f)
{
	fputs(".SH NOTES\n", f);
	roff_text(f, "Attaching needs root, or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE (before "
		     "Linux 6.6 CAP_SYS_ADMIN), and a kernel from 5.10 on with BTF. "
		     "--replay needs neither. Only CPython on x86-64 can be traced; --check "
		     "reports whether a process can be traced, and which of its calls are not "
		     "seen.\n\nAll probes are file descriptors: however the collector ends, the "
		     "kernel removes them and the program keeps running.");
}

void man_flowtrace_bpf(FILE *f, const char *date)
{
	const struct program *p = program_flowtrace_bpf();

	roff_title(f, p->name, date);
	roff_name(f, p->name, p->summary);
	put_synopsis(f);
	put_description(f);
	put_options(f, p->command);
	put_statuses(f);
	put_environment(f, p->command);
	put_files(f);
	roff_examples(f, p->name);
	put_notes(f);
	fputs(".SH SEE ALSO\n.BR flowctl (1),\n.BR bpftool (8)\n", f);
}
