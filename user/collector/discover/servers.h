/* SPDX-License-Identifier: MIT */
/*
 * Web servers and frameworks whose requests reach no application in Python. Nothing of theirs
 * passes a hook, so they are recognised by the extension modules that a process has mapped.
 */
#ifndef FT_SERVERS_H
#define FT_SERVERS_H

/* What is not seen of requests when this file is mapped, and why (static); NULL: it is not such a
 * module. */
const char *servers_unseen(const char *path);

#endif
