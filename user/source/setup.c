/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/buf.h"
#include "base/outfile.h"
#include "source/embed.h"
#include "source/files.h"
#include "source/setup.h"

EMBED(script_source, FT_SOURCE_DIR "/run-and-flowtrace.sh");

#define PROGRAM_LINE "PROGRAM=()"

static int path_in(char path[PATH_MAX], const char *folder, const char *name, struct why *w)
{
	if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
		return why(w, -ENAMETOOLONG, "%s/%s: the name is too long", folder, name);
	return 0;
}

/* ---- what to run ------------------------------------------------------------------------- */

static bool has_file(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return !path_in(path, folder, name, NULL) && !access(path, R_OK);
}

/* "-m NAME" if there is just one. */
static char *module_with_main(const char *folder)
{
	char pattern[PATH_MAX], *program = NULL, *end;
	glob_t found;

	if (path_in(pattern, folder, "*/__main__.py", NULL) || glob(pattern, 0, NULL, &found))
		return NULL;
	if (found.gl_pathc == 1) {
		const char *name = found.gl_pathv[0] + strlen(folder) + 1;

		if (asprintf(&program, "-m %s", name) < 0)
			program = NULL;
		end = program ? strrchr(program, '/') : NULL;
		if (end)
			*end = 0;
	}
	globfree(&found);
	return program;
}

static char *find_program(const char *folder)
{
	static const char *const scripts[] = {"app.py", "main.py", "run.py", "server.py"};

	/* Its reloader would start the server a second time. */
	if (has_file(folder, "manage.py"))
		return strdup("manage.py runserver --noreload");
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
		if (has_file(folder, scripts[i]))
			return strdup(scripts[i]);
	return module_with_main(folder);
}

/* ---- their texts ------------------------------------------------------------------------- */

/* Each word in quotes, so that the shell takes it as it is. */
static void put_words(struct buf *b, const char *words)
{
	bool first = true;

	while (*(words += strspn(words, " \t"))) {
		size_t n = strcspn(words, " \t");

		buf_str(b, first ? "'" : " '");
		for (size_t i = 0; i < n; i++) {
			if (words[i] == '\'')
				BUF_LITERAL(b, "'\\''");
			else
				buf_char(b, words[i]);
		}
		buf_char(b, '\'');
		first = false;
		words += n;
	}
}

static void put_script(struct buf *b, const char *program)
{
	const char *line = strstr(script_source, PROGRAM_LINE);

	buf_add(b, script_source, (size_t)(line - script_source));
	BUF_LITERAL(b, "PROGRAM=(");
	put_words(b, program ? program : "");
	BUF_LITERAL(b, ")");
	buf_str(b, line + strlen(PROGRAM_LINE));
}

/* "Flask, Starlette" to "flask": the first, as FlowTrace writes it. */
static struct json_object *framework(const char *list)
{
	char name[32] = "python-plain";
	size_t n = list ? strcspn(list, ",") : 0;

	if (n && n < sizeof(name)) {
		for (size_t i = 0; i < n; i++)
			name[i] = list[i] | 0x20; /* letters only */
		name[n] = 0;
	}
	return json_object_new_string(name);
}

static void put_config(struct buf *b, const struct setup *s)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "version", json_object_new_string("1.0.0"));
	json_object_object_add(o, "language", json_object_new_string("python"));
	json_object_object_add(o, "packagePrefix", json_object_new_string(s->prefix));
	json_object_object_add(o, "framework", framework(s->frameworks));
	json_object_object_add(o, "logFile", json_object_new_string("flowtrace.jsonl"));
	json_object_object_add(o, "stdout", json_object_new_boolean(false));
	json_object_object_add(o, "maxArgLength", json_object_new_int(1000));
	json_object_object_add(o, "exclude", json_object_new_array());
	buf_str(b, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
							     JSON_C_TO_STRING_SPACED |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	buf_char(b, '\n');
	json_object_put(o);
}

/* ---- the files --------------------------------------------------------------------------- */

static int refuse_existing(const struct setup *s, const char *name, struct why *w)
{
	char path[PATH_MAX];
	struct stat st;
	int err = path_in(path, s->folder, name, w);

	if (!err && !s->force && !lstat(path, &st))
		err = why(w, -EEXIST, "%s exists: --force replaces it", path);
	return err;
}

static int make_folder(const struct setup *s, const struct stat *owner, struct why *w)
{
	bool root = !geteuid();
	char path[PATH_MAX];
	int err = path_in(path, s->folder, ".flowtrace", w);

	if (!err)
		err = outfile_folder(path, 0755, root ? (long)owner->st_uid : -1,
				     root ? (long)owner->st_gid : -1, w);
	return err == -EEXIST ? 0 : err;
}

/* Under sudo it belongs to whom the folder belongs to. */
static int put_file(const struct setup *s, const char *name, mode_t mode, const struct buf *text,
		    const struct stat *owner, struct why *w)
{
	bool root = !geteuid();
	char path[PATH_MAX];
	int fd, err = path_in(path, s->folder, name, w);

	if (err)
		return err;
	if (text->failed)
		return why(w, -ENOMEM, "out of memory");
	err = outfile_open(path, s->force ? O_TRUNC : O_EXCL, root ? (long)owner->st_uid : -1,
			   root ? (long)owner->st_gid : -1, &fd, w);
	if (err)
		return err;
	err = outfile_write(fd, path, text->s, text->len, w);
	if (!err && fchmod(fd, mode))
		err = why(w, -errno, "cannot set the mode of %s: %s", path, strerror(errno));
	if (close(fd) && !err)
		err = why(w, -errno, "cannot write %s: %s", path, strerror(errno));
	return err;
}

int setup_write(const struct setup *s, char **ret_program, struct why *w)
{
	char *program = s->program ? strdup(s->program) : find_program(s->folder);
	struct buf config = {}, script = {};
	struct stat owner;
	int err;

	put_config(&config, s);
	put_script(&script, program);
	if (stat(s->folder, &owner) || !S_ISDIR(owner.st_mode))
		err = why(w, -ENOTDIR, "%s is not a directory", s->folder);
	else
		err = refuse_existing(s, SETUP_CONFIG, w);
	if (!err)
		err = refuse_existing(s, SETUP_SCRIPT, w);
	if (!err)
		err = make_folder(s, &owner, w);
	if (!err)
		err = put_file(s, SETUP_CONFIG, 0644, &config, &owner, w);
	if (!err)
		err = put_file(s, SETUP_SCRIPT, 0755, &script, &owner, w);
	buf_release(&config);
	buf_release(&script);
	if (err)
		free(program);
	else
		*ret_program = program;
	return err;
}

/* ---- is it right --------------------------------------------------------------------------- */

static bool is_text_list(struct json_object *value)
{
	for (size_t i = 0; i < json_object_array_length(value); i++)
		if (!json_object_is_type(json_object_array_get_idx(value, i), json_type_string))
			return false;
	return true;
}

static const struct {
	const char *key;
	enum json_type type;
	const char *should;
} keys[] = {
	{"version", json_type_string, "a text"},
	{"language", json_type_string, "\"python\""},
	{"packagePrefix", json_type_string, "a text, such as \"shop,worker\""},
	{"framework", json_type_string, "a text"},
	{"logFile", json_type_string, "the name of a file"},
	{"stdout", json_type_boolean, "true or false"},
	{"maxArgLength", json_type_int, "a whole number"},
	{"exclude", json_type_array, "an array of texts"},
};

static int check_keys(const char *path, struct json_object *o, struct why *w)
{
	struct json_object *value;

	if (!json_object_is_type(o, json_type_object))
		return why(w, -EINVAL, "%s is not a JSON object", path);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (!json_object_object_get_ex(o, keys[i].key, &value))
			continue;
		if (!json_object_is_type(value, keys[i].type) ||
		    (keys[i].type == json_type_array && !is_text_list(value)) ||
		    (keys[i].type == json_type_int && json_object_get_int64(value) < 0))
			return why(w, -EINVAL, "%s: %s is not %s", path, keys[i].key,
				   keys[i].should);
	}
	if (json_object_object_get_ex(o, "language", &value) &&
	    strcmp(json_object_get_string(value), "python"))
		return why(w, -EINVAL, "%s: the language is %s, not python", path,
			   json_object_get_string(value));
	return 0;
}

int setup_check(const char *folder, struct why *w)
{
	char path[PATH_MAX];
	enum json_tokener_error error;
	struct json_object *o;
	struct buf text = {};
	struct stat st;
	int err = path_in(path, folder, SETUP_CONFIG, w);

	if (!err && access(path, F_OK))
		return -ENOENT;
	if (!err)
		err = file_read(path, &text, &st, w);
	if (!err)
		buf_char(&text, 0);
	if (err || text.failed) {
		buf_release(&text);
		return err ? err : why(w, -ENOMEM, "out of memory");
	}
	o = json_tokener_parse_verbose(text.s, &error);
	if (error != json_tokener_success)
		err = why(w, -EINVAL, "%s is not JSON: %s", path, json_tokener_error_desc(error));
	else
		err = check_keys(path, o, w);
	json_object_put(o);
	buf_release(&text);
	return err;
}
