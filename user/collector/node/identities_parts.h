/* SPDX-License-Identifier: MIT */
/* What the files of identities.h share; private to them. */
#ifndef FT_IDENTITIES_PARTS_H
#define FT_IDENTITIES_PARTS_H

#include <pthread.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "model/workload.h"
#include "node/identities.h"
#include "node/sources.h"

#define AGAIN_NS (100 * NS_PER_MS) /* until what was not known is sought again; then twice that */

struct identity {
	struct workload workload;
	char *says; /* owned: the name of the service that the process says it is; NULL = nothing */
	struct unknown unknown;
	uint64_t learned_ns;
	uint64_t since_ns; /* when it was first learned where it is */
	uint64_t again_ns, pause_ns;
	unsigned version; /* of the sources, when they were asked */
	bool told;	  /* there is nothing to tell of it any more */
	bool stale;	  /* learned of the program before an exec, which may be elsewhere */
	bool given_up;	  /* its records wait no longer for what is unknown */
	bool somewhere;	  /* lines say where it is, or what */
	bool inherits;	  /* it is where its parent is; names and labels are not here */
};

struct identities {
	pthread_mutex_t lock;
	struct map by_pid; /* -> struct identity, owned */
	unsigned version;  /* counts what was learned */
	struct buf record; /* the last that was told */
	struct sources sources;
	bool any_unknown; /* of one of them something is unknown */
	const char *note; /* static; NULL = none, or said */
	bool noted;
	/* of the last record that was looked at: */
	uint32_t last_pid;
	unsigned last_version;
};

static inline bool unknown_any(struct unknown u)
{
	return u.names || u.pod;
}

/* ---- unknown.c ---- */

/* Asks the sources. Called without the lock: files are read. */
void identity_ask(struct identities *i, struct identity *d);
/* May what is unknown of it come soon? */
bool identity_expects(const struct identities *i, const struct identity *d);
bool identity_same_place(const struct identity *d, const struct identity *other);
/* Called with the lock: why something is not known, if it will not be. */
void identities_take_note(struct identities *i, const struct identity *d);
/* NULL for NULL and "". */
char *copy_of(const char *s);

#endif
