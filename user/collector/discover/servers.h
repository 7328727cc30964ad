/* SPDX-License-Identifier: MIT */
/*
 * Web servers and frameworks whose requests reach no application in Python: known by the extension
 * modules that a process has mapped, since nothing of theirs passes a hook.
 */
#ifndef FT_SERVERS_H
#define FT_SERVERS_H

/* What is not seen of requests if this file is mapped, and why (static); NULL: nothing to say. */
const char *servers_unseen(const char *path);

#endif
