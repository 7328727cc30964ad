/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "discover/discover.h"
#include "list.h"
#include "node/identities.h"
#include "node/names.h"
#include "node/selection.h"
#include "prepare.h"

#define PROCESSES_MAX 65536
#define COMMAND_MAX 4096 /* bytes of a command line that are read */
#define TIME_NS (10 * NS_PER_SECOND)
#define API_MS 3000 /* for the first answer of the API server, if it is asked */

/* The search, which a thread of its own makes. If that is stuck, all of this stays. */
struct search {
	const struct config *config;
	struct identities *identities;
	struct binaries *binaries;
	pid_t *pid;
	int npids;
	pthread_mutex_t lock;
	struct list found;
	bool late; /* no more is waited for */
};

/* ---- one process ----------------------------------------------------------------------------- */

static void listed_free(struct listed *p)
{
	if (!p)
		return;
	free(p->user);
	free(p->command);
	workload_release(&p->workload);
	target_release(&p->target);
	free(p);
}

/* The command line with blanks between its words; of a process without one its name. */
static char *command_of(pid_t pid)
{
	char text[COMMAND_MAX], path[40];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	while (n > 0 && !text[n - 1])
		n--;
	if (n <= 0)
		return strdup("");
	text[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	return strdup(text);
}

static bool looks_like_python(const char *command)
{
	size_t len = strcspn(command, " ");
	char word[COMMAND_MAX];

	memcpy(word, command, len);
	word[len] = '\0';
	return discover_is_interpreter(word);
}

static char *user_of(uid_t uid)
{
	char bytes[4096];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, bytes, sizeof(bytes), &found) || !found)
		return NULL;
	return strdup(found->pw_name);
}

static uid_t uid_of(pid_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &st) ? (uid_t)-1 : st.st_uid;
}

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

struct question {
	const struct config *config;
	struct listed *listed;
	bool off;
};

/* Called by identities_ask(). */
static void take_workload(void *arg, const struct workload *w)
{
	struct question *q = arg;
	struct workload *to = &q->listed->workload;
	const struct rule *rule = selection_rule(&q->config->rules, w);

	to->container = copy(w->container);
	to->uid = copy(w->uid);
	to->namespace = copy(w->namespace);
	to->pod = copy(w->pod);
	to->name = copy(w->name);
	q->listed->rule = rule ? (int)(rule - q->config->rules.at) : -1;
	q->off = w->trace_off;
}

static void identify(struct search *s, struct listed *p)
{
	struct question q = {s->config, p, false};
	const struct rule *rule;

	identities_learn(s->identities, p->pid);
	if (!identities_ask(s->identities, p->pid, take_workload, &q)) {
		rule = selection_rule(&s->config->rules, NULL);
		p->rule = rule ? (int)(rule - s->config->rules.at) : -1;
	}
	p->chosen = !q.off && identities_choose(s->identities, s->config, p->pid) == CHOICE_YES;
	identities_forget(s->identities, p->pid);
}

/* Is it one to be listed? */
static bool examine(struct search *s, struct listed *p)
{
	struct prepared *found = calloc(1, sizeof(*found));
	int err = found ? prepare(p->pid, s->config, s->binaries, found, &p->why)
			: why(&p->why, -ENOMEM, "out of memory");
	bool listed = !err || (err != -ENOENT && err != -ESRCH);

	if (found)
		p->target = found->target;
	target_close(&p->target);
	free(found);
	if (p->why.exit_status == EXIT_NOT_PERMITTED && !p->target.binary) {
		p->unknown = true;
		listed = looks_like_python(p->command);
	}
	return listed;
}

static struct listed *look_at(struct search *s, pid_t pid)
{
	struct listed *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->pid = pid;
	p->command = command_of(pid);
	if (!p->command || !examine(s, p)) {
		listed_free(p);
		return NULL;
	}
	p->uid = uid_of(pid);
	p->user = user_of(p->uid);
	identify(s, p);
	return p;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Owns p from here on. False: no more is wanted. */
static bool add(struct search *s, struct listed *p)
{
	struct list *l = &s->found;
	struct listed **at;
	bool late;

	pthread_mutex_lock(&s->lock);
	at = !s->late && p ? realloc(l->at, (l->count + 1) * sizeof(*at)) : NULL;
	if (at) {
		l->at = at;
		at[l->count++] = p;
		p = NULL;
	}
	late = s->late;
	pthread_mutex_unlock(&s->lock);
	listed_free(p);
	return !late;
}

static void *work(void *search)
{
	struct search *s = search;

	identities_wait(s->identities, API_MS);
	for (int i = 0; i < s->npids; i++)
		if (s->pid[i] != getpid() && !add(s, look_at(s, s->pid[i])))
			return NULL;
	return NULL;
}

/* Waits for the thread as long as there is time; false: it is stuck. */
static bool wait_for(struct search *s, pthread_t thread)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + TIME_NS;
	struct timespec ts = {until / NS_PER_SECOND, until % NS_PER_SECOND};
	bool ended = !pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &ts);

	pthread_mutex_lock(&s->lock);
	s->late = true;
	pthread_mutex_unlock(&s->lock);
	if (!ended)
		pthread_detach(thread);
	return ended;
}

static void search_free(struct search *s)
{
	identities_free(s->identities);
	binaries_free(s->binaries);
	free(s->pid);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int search_new(const struct config *c, struct search **ret_search, struct why *w)
{
	struct search *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return why(w, -ENOMEM, "out of memory");
	s->config = c;
	pthread_mutex_init(&s->lock, NULL);
	s->pid = calloc(PROCESSES_MAX, sizeof(*s->pid));
	err = s->pid ? binaries_new(&s->binaries, w) : why(w, -ENOMEM, "out of memory");
	if (!err)
		err = identities_new(c, NAMES_LOGS, &s->identities, w);
	if (err) {
		search_free(s);
		return err;
	}
	s->npids = discover_processes(s->pid, PROCESSES_MAX);
	*ret_search = s;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct listed *x = *(struct listed *const *)a, *y = *(struct listed *const *)b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int list_processes(const struct config *c, struct list *ret_list, struct why *w)
{
	struct search *s = NULL;
	pthread_t thread;
	int err = search_new(c, &s, w);

	if (err)
		return err;
	err = pthread_create(&thread, NULL, work, s);
	if (err) {
		search_free(s);
		return why(w, -err, "cannot start a thread: %s", strerror(err));
	}
	*ret_list = (struct list){.whole = wait_for(s, thread)};
	ret_list->at = s->found.at;
	ret_list->count = s->found.count;
	if (ret_list->whole)
		search_free(s);
	if (ret_list->count)
		qsort(ret_list->at, ret_list->count, sizeof(*ret_list->at), by_pid);
	return 0;
}

void list_release(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		listed_free(l->at[i]);
	free(l->at);
	*l = (struct list){};
}
