/* SPDX-License-Identifier: MIT */
/*
 * Where the endpoint listens: a port, an address and a port, or all addresses.
 *
 *     9464            127.0.0.1 alone
 *     :9464           every address, IPv4 and IPv6
 *     10.0.0.7:9464   [::1]:9464   localhost:9464
 */
#ifndef FT_ENDPOINT_ADDRESS_H
#define FT_ENDPOINT_ADDRESS_H

#include <sys/socket.h>

#include "base/why.h"

/* EXIT_USAGE where it is none. No name is looked up. */
int address_parse(const char *text, struct sockaddr_storage *ret, struct why *w);
/* A socket that listens there, with room for few; owned by the caller. */
int address_listen(const char *text, int *ret_fd, struct why *w);

#endif
