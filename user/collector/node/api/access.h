/* SPDX-License-Identifier: MIT */
/*
 * Where the API server is, and what it is told of who asks. In: the settings, the variables that
 * Kubernetes gives every container, and the files that it mounts there:
 *
 *     KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT, or --api-server URL
 *     CREDENTIALS/token        read anew for each request: it is replaced every hour or so
 *     CREDENTIALS/ca.crt       who may have signed the certificate of the server
 */
#ifndef FT_ACCESS_H
#define FT_ACCESS_H

#include <stdbool.h>

#include "base/why.h"

struct access {
	char *url;   /* owned: without a path */
	char *token; /* owned: file; NULL: none is sent, since the address is not one of https */
	char *ca;    /* owned: file; NULL as token */
};

/*
 * server: --api-server, NULL = as the variables say; folder: of the credentials. -EINVAL: that is
 * no address; -ENOENT: nothing says where it is; -ENOMEM.
 */
int access_init(struct access *a, const char *server, const char *folder, struct why *w);
void access_release(struct access *a);

/* "Authorization: Bearer ...", owned by the caller. -ENOENT and the like: the token cannot be read;
 * -EBADMSG: it is none. */
int access_header(const struct access *a, char **ret_header);

#endif
