/* SPDX-License-Identifier: MIT */
/*
 * The name of the service that a process says it is, in the variables of OpenTelemetry:
 * OTEL_SERVICE_NAME, else service.name of OTEL_RESOURCE_ATTRIBUTES. In: its environment as it was
 * when its program began, which it may have changed since to anything.
 */
#ifndef FT_SERVICE_H
#define FT_SERVICE_H

#include <stddef.h>
#include <sys/types.h>

#define SERVICE_MAX 255	       /* bytes of a name; a longer one is none */
#define SERVICE_ENVIRON 131072 /* bytes of an environment that are looked at */

/* Owned by the caller; NULL: it says nothing. */
char *service_in(const char *environ, size_t len);
char *service_of(pid_t pid);

#endif
