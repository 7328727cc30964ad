/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>

#include "source/embed.h"
#include "source/files.h"
#include "source/program_output.h"
#include "source/project.h"
#include "source/setup.h"
#include "source/validate.h"

EMBED(probe_source, FT_SOURCE_DIR "/probe.py");

#define PROBE_SECONDS 60

__attribute__((format(printf, 4, 5))) static void add(struct validation *v, const char *name,
						      enum verdict verdict, const char *fmt, ...)
{
	struct check_row *row = &v->row[v->nrows++];
	va_list ap;

	row->name = name;
	row->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(row->text, sizeof(row->text), fmt, ap);
	va_end(ap);
}

/* ---- the interpreter that would run it ------------------------------------------------------ */

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_string(value) : NULL;
}

static void add_agent(struct validation *v, struct json_object *answer)
{
	struct json_object *agent;
	const char *error;

	if (!json_object_object_get_ex(answer, "agent", &agent))
		return;
	error = text_of(agent, "error");
	v->agent = !error;
	if (error)
		add(v, "agent", VERDICT_NO, "flowtrace_agent cannot be imported: %s", error);
	else
		add(v, "agent", VERDICT_YES, "flowtrace_agent %s in %s", text_of(agent, "version"),
		    text_of(agent, "file"));
}

static void add_bpf(struct validation *v, struct json_object *answer)
{
	struct json_object *bpf, *traceable;
	const char *error;

	if (!json_object_object_get_ex(answer, "bpf", &bpf))
		return;
	error = text_of(bpf, "error");
	if (!error)
		error = text_of(bpf, "reason");
	v->bpf = json_object_object_get_ex(bpf, "traceable", &traceable) &&
		 json_object_get_boolean(traceable);
	if (v->bpf)
		add(v, "bpf", VERDICT_YES, "flowtrace-bpf can trace it, by %s, kernel %s",
		    text_of(bpf, "backend"), text_of(bpf, "kernel"));
	else
		add(v, "bpf", VERDICT_NO, "flowtrace-bpf cannot trace it: %s",
		    error ? error : "it does not say why");
}

/* The last line that it printed; sitecustomize may have printed others. */
static struct json_object *parse_answer(struct buf *said)
{
	char *line;

	while (said->len && said->s[said->len - 1] == '\n')
		said->len--;
	buf_char(said, 0);
	if (said->failed)
		return NULL;
	line = strrchr(said->s, '\n');
	return json_tokener_parse(line ? line + 1 : said->s);
}

static void add_python(struct validation *v, const char *python, const char *flowtrace_bpf)
{
	char *argv[] = {(char *)python, "-c", (char *)probe_source, (char *)flowtrace_bpf, NULL};
	struct json_object *answer = NULL;
	struct buf said = {};
	struct why w = {};
	int status = 0;

	if (output_of(argv, PROBE_SECONDS, &said, &status, &w)) {
		add(v, "python", VERDICT_NO, "%s", w.text);
	} else if (!(answer = parse_answer(&said)) || !text_of(answer, "python")) {
		add(v, "python", VERDICT_NO,
		    "%s ran and gave no answer (status %d): is it Python 3?", python,
		    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	} else {
		add(v, "python", VERDICT_YES, "%s %s, %s", text_of(answer, "implementation"),
		    text_of(answer, "python"), text_of(answer, "executable"));
		add_bpf(v, answer);
		add_agent(v, answer);
	}
	json_object_put(answer);
	buf_release(&said);
}

/* ---- the project --------------------------------------------------------------------------- */

static void on_skip(void *arg, const char *text)
{
	struct project *p = arg;

	p->skipped++;
}

static void look_at(const char *path, struct project *p)
{
	struct buf text = {};
	struct stat st;
	struct found f = {};
	enum refusal refusal;

	if (file_read(path, &text, &st, NULL) || examine(text.s, text.len, &f, &refusal, NULL) ||
	    project_add(p, path, &f))
		p->skipped++;
	found_release(&f);
	buf_release(&text);
}

/* Returns whether there is something to trace. */
static bool add_files(struct validation *v, const char *path)
{
	struct project p = {};
	struct files files = {};
	struct why w = {};
	bool some;

	if (files_add(&files, path, on_skip, &p, &w)) {
		add(v, "files", VERDICT_NO, "%s", w.text);
	} else {
		for (size_t i = 0; i < files.count; i++)
			look_at(files.path[i], &p);
		add(v, "files", p.functions ? VERDICT_YES : VERDICT_NO,
		    "%zu Python files, %zu functions, %zu of them instrumented", p.files,
		    p.functions, p.state[FOUND_INSTRUMENTED]);
		if (p.skipped)
			add(v, "skipped", VERDICT_NOTE,
			    "%zu files cannot be read as Python: flowctl analyze names them",
			    p.skipped);
		add(v, "frameworks", VERDICT_NOTE, "%s", p.frameworks ? p.frameworks : "none");
	}
	some = p.functions;
	files_release(&files);
	project_release(&p);
	return some;
}

static bool is_there(const char *folder, const char *name, int mode)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
	       !access(path, mode);
}

/* Returns whether nothing is wrong with them. */
static bool add_setup(struct validation *v, const char *folder)
{
	struct why w = {};
	int err = setup_check(folder, &w);

	if (err == -ENOENT) {
		add(v, "config", VERDICT_NOTE, "no %s: flowctl init makes one", SETUP_CONFIG);
		return true;
	}
	if (err) {
		add(v, "config", VERDICT_NO, "%s", w.text);
		return false;
	}
	add(v, "config", VERDICT_YES, SETUP_CONFIG);
	if (is_there(folder, SETUP_SCRIPT, X_OK))
		return true;
	add(v, "script", VERDICT_NO, "%s is missing or not executable: flowctl init makes it",
	    SETUP_SCRIPT);
	return false;
}

static void add_requirements(struct validation *v, const char *folder)
{
	bool project = is_there(folder, "pyproject.toml", F_OK);
	bool requirements = is_there(folder, "requirements.txt", F_OK);

	if (project || requirements)
		add(v, "project", VERDICT_NOTE, "%s%s%s", project ? "pyproject.toml" : "",
		    project && requirements ? ", " : "", requirements ? "requirements.txt" : "");
}

int validate(const char *path, const char *python, const char *flowtrace_bpf,
	     struct validation *ret, struct why *w)
{
	bool files, setup = true;
	struct stat st;

	*ret = (struct validation){};
	if (stat(path, &st))
		return why(w, -errno, "cannot read %s: %s", path, strerror(errno));
	add_python(ret, python, flowtrace_bpf);
	files = add_files(ret, path);
	if (S_ISDIR(st.st_mode)) {
		add_requirements(ret, path);
		setup = add_setup(ret, path);
	}
	ret->ok = (ret->bpf || ret->agent) && files && setup;
	return 0;
}
