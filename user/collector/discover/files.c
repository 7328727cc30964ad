/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discover/files.h"
#include "discover/version.h"
#include "ft_agent.h"

static int keep_segments(struct binary *b, const struct elf *e, struct why *w)
{
	b->segments.at = calloc(e->nload, sizeof(*b->segments.at));
	if (!b->segments.at)
		return why(w, -ENOMEM, "out of memory");
	memcpy(b->segments.at, e->load, e->nload * sizeof(*e->load));
	b->segments.count = e->nload;
	return 0;
}

int files_read(struct binary *b, const char *path, const char *name, struct budget *budget,
	       struct why *w)
{
	Elf64_Sym runtime;
	struct elf *e;
	int err;

	if (b->read)
		return 0;
	err = binary_open(b, path, name, budget, &e, w);
	if (!err)
		err = keep_segments(b, e, w);
	if (err)
		return err;
	b->needs_library = elf_needs(e, "libpython");
	b->has_runtime = !elf_symbol(e, "_PyRuntime", &runtime);
	b->read = true;
	return 0;
}

/* A version from the executable's name holds for this process only, not for the file. */
static int tell_version(struct target *t, struct elf *e, struct version *ret, struct why *w)
{
	const char *soname = elf_soname(e);
	const char *own[] = {t->binary, soname, NULL}, *other[] = {t->exe, NULL};

	if (!version_of(e, own, ret))
		return 0;
	t->file->once = true;
	if (!soname && !version_of(e, other, ret))
		return 0;
	return why_exit(w, EXIT_PYTHON, -ENOEXEC,
			"process %d: %s holds a Python whose version cannot be told "
			"(no Py_Version symbol, no version in its name)",
			t->pid, t->binary);
}

static void tell_build(struct binary_interpreter *i, struct elf *e)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	int n = elf_build_id(e, id);
	struct elf_usdt probe;

	for (int k = 0; k < n && 2 * k + 2 < (int)sizeof(i->build_id); k++)
		snprintf(i->build_id + 2 * k, 3, "%02x", id[k]);
	i->has_usdt = elf_usdt(e, "python", "function__entry", &probe, 1, NULL) > 0;
	i->jit_built = elf_has_text(e, "PYTHON_JIT");
}

int files_interpreter(struct target *t, struct why *w)
{
	struct binary_interpreter i = {.known = true};
	struct version v;
	struct elf *e;
	int err;

	if (t->file->interpreter.known)
		return 0;
	err = binary_open(t->file, t->open_path, t->binary, t->budget, &e, w);
	if (!err)
		err = tell_version(t, e, &v, w);
	if (err)
		return err;
	tell_build(&i, e);
	i.major = v.major;
	i.minor = v.minor;
	i.micro = v.micro;
	t->file->interpreter = i;
	return 0;
}

/* A text that every CPython prints on a fatal error, and the name of a variable that only Python
 * reads. */
static bool looks_like_python(struct elf *e)
{
	char variable[] = "-YTHONHASHSEED"; /* as a whole it would be in our own program too */

	variable[0] = 'P';
	return elf_has_text(e, "Fatal Python error: ") && elf_has_text(e, variable);
}

int files_other(struct target *t, const char *path, struct why *w)
{
	const char *names[] = {path, NULL};
	struct binary_other o = {.known = true};
	struct version v = {0};
	struct elf *e;
	Elf64_Sym s;
	int err;

	if (t->file->other.known)
		return 0;
	err = binary_open(t->file, t->open_path, path, t->budget, &e, w);
	if (err)
		return err;
	o.has_python = !elf_symbol(e, "PyEval_EvalFrameEx", &s) || !elf_symbol(e, "Py_Main", &s);
	if (o.has_python)
		o.has_version = !version_of(e, names, &v);
	else
		o.looks_python = looks_like_python(e);
	o.major = v.major;
	o.minor = v.minor;
	t->file->other = o;
	return 0;
}

int files_agent(struct binary *b, const char *path, const char *name, struct budget *budget)
{
	struct elf *e;
	Elf64_Sym s;
	int err = files_read(b, path, name, budget, NULL);

	if (err || b->agent.known)
		return err;
	err = binary_open(b, path, name, budget, &e, NULL);
	if (err)
		return err;
	b->agent = (struct binary_agent){.known = true};
	if (!elf_symbol(e, FT_AGENT_SYMBOL, &s)) {
		b->agent.status = s.st_value;
		b->agent.status_bytes = s.st_size;
	}
	return 0;
}
