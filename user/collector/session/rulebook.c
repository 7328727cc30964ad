/* SPDX-License-Identifier: MIT */
/*
 *     rules, annotations --(a workload)--> policy --(granted.h)--> number
 *
 * The lock protects the note; all else is of the thread of looks alone, once that runs. Locks here
 * and in granted.h may be taken while identities are locked, never the other way round.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "node/selection.h"
#include "granted.h"
#include "rulebook.h"

#define TICK_NS (2 * NS_PER_SECOND)
#define LEARN_AT_ONCE 64 /* processes of which only their parent is known */
#define PREFIXES_MAX 64	 /* that an annotation may name */

/* What tells that the file is another one now. */
struct stamp {
	dev_t dev;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct rulebook {
	const struct config *config;
	struct attach *attach;
	struct identities *identities; /* NULL: who processes are is not known */
	struct policy own;
	struct rules rules; /* once they were read anew; until then those of the configuration */
	bool reread;	    /* they were */
	bool active;	    /* there are, or were, rules or annotations */
	struct stamp stamp;
	uint64_t ticked_ns;
	bool wanted; /* the file is to be read, changed or not */
	int learned; /* in this round */

	struct granted granted;
	pthread_mutex_t lock;
	char note[sizeof(((struct why *)0)->text) + 64];
	bool full, unfit; /* that there are too many, or an annotation is wrong, was noted */
};

/* ---- policies ------------------------------------------------------------------------------- */

/* Borrows its lists. */
static struct policy policy_of(const struct config *c)
{
	return (struct policy){
		.prefix = c->prefix.at,
		.nprefix = c->prefix.count,
		.exclude = c->exclude.at,
		.nexclude = c->exclude.count,
		.capture = {c->max_arg_length, c->args, c->result},
		.max_depth = c->max_depth,
		.max_items = c->max_items,
		.sample = c->sample,
		.call_depth = c->call_depth,
		.rate = c->rate,
	};
}

static void note(struct rulebook *b, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&b->lock);
	va_start(ap, fmt);
	vsnprintf(b->note, sizeof(b->note), fmt, ap);
	va_end(ap);
	pthread_mutex_unlock(&b->lock);
}

static int number_of(struct rulebook *b, const struct policy *p, uint32_t *ret_number)
{
	*ret_number = 0;
	if (policy_same(p, &b->own))
		return 0;
	*ret_number = granted_number(&b->granted, p);
	if (*ret_number)
		return 0;
	if (!b->full)
		note(b,
		     "more than %d different rules and annotations at once: a process that needs "
		     "one more is not traced",
		     FT_POLICIES - 1);
	b->full = true;
	return -EXDEV;
}

/* ---- of a workload --------------------------------------------------------------------------- */

static const struct rules *rules_of(const struct rulebook *b)
{
	return b->reread ? &b->rules : &b->config->rules;
}

/* "a, b" to a list in text; false: one is too long for a prefix, or one too many. */
static bool split(char *text, char *prefix[PREFIXES_MAX], size_t *ret_n)
{
	char *at;

	*ret_n = 0;
	for (char *word = strtok_r(text, ", \t", &at); word; word = strtok_r(NULL, ", \t", &at)) {
		if (*ret_n == PREFIXES_MAX || strlen(word) > FT_MAX_PREFIX)
			return false;
		prefix[(*ret_n)++] = word;
	}
	return true;
}

static int refuse_annotation(struct rulebook *b)
{
	if (!b->unfit)
		note(b,
		     "a pod is not traced: its annotation flowtrace/prefix has more than %d "
		     "prefixes, or one of more than %d bytes",
		     PREFIXES_MAX, FT_MAX_PREFIX);
	b->unfit = true;
	return -EXDEV;
}

/* The annotation wins over prefixes of rules and of the run; all else is as these say. */
static int with_annotation(struct rulebook *b, struct policy *p, const char *annotation,
			   uint32_t *ret_number)
{
	char *prefix[PREFIXES_MAX], *text = strdup(annotation);
	size_t n;
	int err;

	if (!text)
		return -EXDEV;
	if (split(text, prefix, &n)) {
		p->prefix = n ? prefix : p->prefix;
		p->nprefix = n ?: p->nprefix;
		err = number_of(b, p, ret_number);
	} else {
		err = refuse_annotation(b);
	}
	free(text);
	return err;
}

static int decide(struct rulebook *b, const struct workload *w, uint32_t *ret_number)
{
	const struct rule *rule = selection_rule(rules_of(b), w);
	struct policy p = policy_of(rule ? &rule->options : b->config);

	if (w && w->trace_off)
		return -EXDEV;
	if (w && w->prefix)
		return with_annotation(b, &p, w->prefix, ret_number);
	return number_of(b, &p, ret_number);
}

struct question {
	struct rulebook *b;
	uint32_t number;
	int err;
};

/* Called by identities_ask(). */
static void answer(void *arg, const struct workload *w)
{
	struct question *q = arg;

	q->err = decide(q->b, w, &q->number);
}

int rulebook_policy(struct rulebook *b, pid_t pid, uint32_t *ret_number)
{
	struct question q = {.b = b};

	if (!identities_ask(b->identities, pid, answer, &q))
		q.err = decide(b, NULL, &q.number);
	*ret_number = q.number;
	return q.err;
}

/* ---- the file -------------------------------------------------------------------------------- */

static struct stamp stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return (struct stamp){};
	return (struct stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
}

static bool stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static void take_rules(struct rulebook *b, const struct rules *rules)
{
	rules_release(&b->rules);
	b->rules = *rules;
	b->reread = true;
	if (!rules->given)
		return;
	b->active = true;
	attach_ask(b->attach);
}

/* A mounted ConfigMap changes by a link to another folder: its file is another one then. The first
 * time it is read in any case: it may have changed since the settings were. */
static void read_if_changed(struct rulebook *b)
{
	bool wanted = __atomic_exchange_n(&b->wanted, false, __ATOMIC_RELAXED), first = !b->reread;
	struct stamp now = stamp_of(b->config->config_file);
	struct rules rules = {};
	struct why w = {};
	int err;

	if (!wanted && stamp_same(&now, &b->stamp))
		return;
	b->stamp = now; /* of before it is read: what is written meanwhile is read next time */
	err = config_reread_rules(b->config, &rules, &w);
	if (!err)
		take_rules(b, &rules);
	if (err)
		note(b, "%s (the rules stay as they were)", w.text);
	else if (wanted || !first)
		note(b, "the rules of %s were read anew: %zu", b->config->config_file, rules.count);
	b->full = b->unfit = false;
}

void rulebook_reread(struct rulebook *b)
{
	__atomic_store_n(&b->wanted, true, __ATOMIC_RELAXED);
}

/* ---- processes that are known ---------------------------------------------------------------- */

/* Of a child it is known only that its parent is somewhere. */
static void learn(struct rulebook *b, pid_t pid)
{
	if (b->learned < LEARN_AT_ONCE && identities_inherits(b->identities, pid)) {
		b->learned++;
		identities_learn(b->identities, pid);
	}
}

/* Called for each process that may be traced. */
static void settle(void *arg, pid_t pid, uint32_t has)
{
	struct rulebook *b = arg;
	uint32_t number;

	granted_use(&b->granted, has);
	learn(b, pid);
	if (identities_unknown(b->identities, pid) || identities_inherits(b->identities, pid))
		return; /* it has that of its parent until more is known */
	if (rulebook_policy(b, pid, &number) == -EXDEV) {
		attach_leave_out(b->attach, pid);
		return;
	}
	granted_use(&b->granted, number);
	if (number != has)
		(void)attach_set_policy(b->attach, pid, number); /* else in the next round */
}

static void settle_all(struct rulebook *b)
{
	b->learned = 0;
	granted_round(&b->granted);
	attach_each_policy(b->attach, settle, b);
	granted_drop_idle(&b->granted);
}

void rulebook_tick(struct rulebook *b)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	bool wanted = __atomic_load_n(&b->wanted, __ATOMIC_RELAXED);

	if (!wanted && now - b->ticked_ns < TICK_NS)
		return;
	b->ticked_ns = now;
	if (b->config->config_file)
		read_if_changed(b);
	if (b->active)
		settle_all(b);
}

/* ---- its callers ----------------------------------------------------------------------------- */

const struct ft_rec *rulebook_untold(struct rulebook *b)
{
	return granted_untold(&b->granted);
}

bool rulebook_note(struct rulebook *b, char *text, size_t size)
{
	bool any;

	pthread_mutex_lock(&b->lock);
	any = b->note[0];
	snprintf(text, size, "%s", b->note);
	b->note[0] = '\0';
	pthread_mutex_unlock(&b->lock);
	return any;
}

/* ---- begin and end --------------------------------------------------------------------------- */

int rulebook_new(const struct config *c, struct rulebook **ret_rulebook, struct why *w)
{
	struct policy own = policy_of(c);
	struct rulebook *b = calloc(1, sizeof(*b));

	if (!b || policy_copy(&own, &b->own)) {
		free(b);
		return why(w, -ENOMEM, "out of memory");
	}
	pthread_mutex_init(&b->lock, NULL);
	granted_init(&b->granted);
	b->config = c;
	b->active = rulebook_asks(c);
	*ret_rulebook = b;
	return 0;
}

void rulebook_free(struct rulebook *b)
{
	if (!b)
		return;
	granted_release(&b->granted);
	policy_release(&b->own);
	rules_release(&b->rules);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

const struct policy *rulebook_own(const struct rulebook *b)
{
	return &b->own;
}

bool rulebook_asks(const struct config *c)
{
	return c->rules.given || !strcmp(c->metadata, "api");
}

void rulebook_use(struct rulebook *b, struct attach *a, struct identities *i)
{
	b->attach = b->granted.attach = a;
	b->identities = i;
}
