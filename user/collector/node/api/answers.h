/* SPDX-License-Identifier: MIT */
/*
 * What the documents of the API server's answers (cut.h) say. In: an item of a list, what is around
 * the items, an event of a watch. Out: pods, and from where on to watch.
 */
#ifndef FT_ANSWERS_H
#define FT_ANSWERS_H

#include "node/api/pods.h"

#define VERSION_MAX 256	  /* characters of a resourceVersion */
#define CONTINUE_MAX 4096 /* of what the next part of a list is asked for with */

struct answers {
	struct pods *pods; /* borrowed */
	char version[VERSION_MAX + 1];
	char next[CONTINUE_MAX + 1]; /* "": the list has no more */
	unsigned too_many;	     /* pods that there was no room for */
	unsigned unread;	     /* documents that are none */
	unsigned events;
};

/* For cut_init(); arg is a struct answers. What cannot be read is counted and left out. -ENOMEM. */
int answers_item(void *arg, const char *s, size_t len);
/* The same; -ESTALE: the server says that it must be listed again; -EIO: another error of it. */
int answers_event(void *arg, const char *s, size_t len);
/* What is around the items of a list. -EBADMSG: it is not a list. */
int answers_list(struct answers *a, const char *s, size_t len);

#endif
