/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "discover/servers.h"

static const struct {
	const char *module; /* the end of a path, up to the ABI tag */
	const char *unseen;
} known[] = {
	{"/falcon/app", "HTTP requests to falcon: Cython compiled it, so its application is a "
			"function in C (a falcon without compiled modules is seen)"},
	{"/falcon/asgi/app", "HTTP requests to falcon: Cython compiled it, so its application is a "
			     "function in C (a falcon without compiled modules is seen)"},
	{"/aiohttp/_http_parser", "HTTP requests that aiohttp serves: its handlers are not WSGI or "
				  "ASGI applications"},
	{"/tornado/speedups", "HTTP requests that tornado serves: its handlers are not WSGI or "
			      "ASGI applications (those of its WSGIContainer are)"},
};

/* Is it DIRECTORY/MODULE.SOMETHING.so? */
static int is_module(const char *path, const char *module)
{
	const char *dot = strchr(strrchr(path, '/') ?: path, '.');
	size_t length = strlen(module);

	return dot && strstr(dot, ".so") && (size_t)(dot - path) >= length &&
	       !memcmp(dot - length, module, length);
}

const char *servers_unseen(const char *path)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is_module(path, known[i].module))
			return known[i].unseen;
	return NULL;
}
