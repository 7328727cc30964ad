/* SPDX-License-Identifier: MIT */
/*
 * The Python interpreter inside this program. It parses and compiles, and never runs what it is
 * given: it starts isolated (no site, no environment, no paths of the user) and imports nothing but
 * what it needs to start and the codecs that files name. One for the life of the process.
 */
#ifndef FT_INTERPRETER_H
#define FT_INTERPRETER_H

#include "base/why.h"

/* 0, or -errno. A second start does nothing. */
int interpreter_start(struct why *w);
void interpreter_stop(void);
/* "3.11": whose grammar counts. */
const char *interpreter_version(void);

#endif
