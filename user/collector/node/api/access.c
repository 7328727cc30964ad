/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/api/access.h"

#define TOKEN_MAX 16384
#define URL_MAX 1024
#define HTTPS "https://"
#define HTTP "http://"

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static int no_memory(struct why *w)
{
	return why(w, -ENOMEM, "out of memory");
}

/* An address of version 6 is in brackets. */
static int url_of_variables(struct access *a, struct why *w)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool colons = host && strchr(host, ':');

	if (!host || !*host)
		return why(w, -ENOENT,
			   "KUBERNETES_SERVICE_HOST is not set: this is not a pod, so give "
			   "--api-server");
	if (asprintf(&a->url, HTTPS "%s%s%s:%s", colons ? "[" : "", host, colons ? "]" : "",
		     port && *port ? port : "443") >= 0)
		return 0;
	a->url = NULL;
	return no_memory(w);
}

static int url_of_option(struct access *a, const char *server, struct why *w)
{
	size_t len = strlen(server);

	if (!begins(server, HTTPS) && !begins(server, HTTP))
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"--api-server: '%.100s' is not an address such as "
				"https://10.0.0.1:6443",
				server);
	while (len && server[len - 1] == '/')
		len--;
	a->url = strndup(server, len);
	return a->url ? 0 : no_memory(w);
}

static int file_in(const char *folder, const char *name, char **ret)
{
	if (asprintf(ret, "%s/%s", folder, name) >= 0)
		return 0;
	*ret = NULL;
	return -ENOMEM;
}

int access_init(struct access *a, const char *server, const char *folder, struct why *w)
{
	int err;

	*a = (struct access){};
	err = server ? url_of_option(a, server, w) : url_of_variables(a, w);
	/* Others could read a token that is sent in the clear. */
	if (!err && begins(a->url, HTTPS) &&
	    (file_in(folder, "token", &a->token) || file_in(folder, "ca.crt", &a->ca)))
		err = no_memory(w);
	if (!err && strlen(a->url) > URL_MAX)
		err = why_exit(w, EXIT_USAGE, -EINVAL, "--api-server: the address is too long");
	if (err)
		access_release(a);
	return err;
}

void access_release(struct access *a)
{
	free(a->url);
	free(a->token);
	free(a->ca);
	*a = (struct access){};
}

/* A token is printable and has no blanks: it cannot end the header. */
static size_t token_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] > ' ' && s[n] < 127)
		n++;
	for (size_t i = n; i < len; i++)
		if (s[i] != '\n' && s[i] != '\r')
			return 0;
	return n;
}

int access_header(const struct access *a, char **ret_header)
{
	char *text = malloc(TOKEN_MAX);
	int fd = text ? open(a->token, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	ssize_t n = fd >= 0 ? read(fd, text, TOKEN_MAX) : -1;
	int err = !text ? -ENOMEM : n < 0 ? -errno : 0;
	size_t len = err ? 0 : token_len(text, n);

	if (fd >= 0)
		close(fd);
	if (!err && (!len || n == TOKEN_MAX))
		err = -EBADMSG;
	if (!err && asprintf(ret_header, "Authorization: Bearer %.*s", (int)len, text) < 0)
		err = -ENOMEM;
	free(text);
	return err;
}
