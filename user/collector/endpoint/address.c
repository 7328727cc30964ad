/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint/address.h"

#define WAITING 16 /* connections that the kernel holds for us */

static int wrong(const char *text, struct why *w)
{
	return why_exit(w, EXIT_USAGE, -EINVAL,
			"--metrics: \"%s\" is not a port, such as 9464 (of this machine alone), "
			":9464 (of every address), 10.0.0.7:9464 or [::1]:9464",
			text);
}

static bool port_of(const char *text, in_port_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long port = digits && digits <= 5 ? strtoul(text, NULL, 10) : 0;

	*ret = htons((in_port_t)port);
	return !text[digits] && port && port <= 65535;
}

static bool set_four(const char *host, in_port_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};

	memcpy(ret, &in, sizeof(in));
	return inet_pton(AF_INET, host, &((struct sockaddr_in *)ret)->sin_addr) == 1;
}

static bool set_six(const char *host, in_port_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = port};

	memcpy(ret, &in, sizeof(in));
	return inet_pton(AF_INET6, host, &((struct sockaddr_in6 *)ret)->sin6_addr) == 1;
}

int address_parse(const char *text, struct sockaddr_storage *ret, struct why *w)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2] = "127.0.0.1";
	size_t len = colon ? (size_t)(colon - text) : 0;
	in_port_t port;
	bool set;

	*ret = (struct sockaddr_storage){};
	if (!port_of(colon ? colon + 1 : text, &port) || len >= sizeof(host))
		return wrong(text, w);
	if (colon && !len)
		return set_six("::", port, ret) ? 0 : wrong(text, w);
	if (colon && strncmp(text, "localhost:", len + 1)) {
		memcpy(host, text, len);
		host[len] = 0;
	}
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = 0;
		set = set_six(host + 1, port, ret);
	} else {
		set = set_four(host, port, ret);
	}
	return set ? 0 : wrong(text, w);
}

static socklen_t size_of(const struct sockaddr_storage *at)
{
	return at->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static int cannot(int fd, int err, const char *text, struct why *w)
{
	if (fd >= 0)
		close(fd);
	return why_exit(w, err == -EACCES || err == -EPERM ? EXIT_NOT_PERMITTED : EXIT_OTHER, err,
			"--metrics: cannot listen on %s: %s%s", text, strerror(-err),
			err == -EADDRINUSE ? ": name another port"
			: err == -EACCES   ? ": ports below 1024 need CAP_NET_BIND_SERVICE"
					   : "");
}

/* Without IPv6 every address is every IPv4 address. */
static int open_socket(struct sockaddr_storage *at)
{
	int fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in6 six;

	if (fd >= 0 || errno != EAFNOSUPPORT || at->ss_family != AF_INET6)
		return fd;
	memcpy(&six, at, sizeof(six));
	if (!IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr)) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	*at = (struct sockaddr_storage){};
	(void)set_four("0.0.0.0", six.sin6_port, at);
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int address_listen(const char *text, int *ret_fd, struct why *w)
{
	const int yes = 1, no = 0;
	struct sockaddr_storage at;
	int fd, err = address_parse(text, &at, w);

	if (err)
		return err;
	fd = open_socket(&at);
	if (fd < 0)
		return cannot(fd, -errno, text, w);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (at.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(fd, (struct sockaddr *)&at, size_of(&at)) || listen(fd, WAITING))
		return cannot(fd, -errno, text, w);
	*ret_fd = fd;
	return 0;
}
