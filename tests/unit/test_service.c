/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/service.h"

#define TEXT(s) s, sizeof(s)

static const struct {
	const char *environ;
	size_t len;
	const char *want;
} rows[] = {
	{TEXT(""), NULL},
	{TEXT("PATH=/bin\0HOME=/"), NULL},
	{TEXT("OTEL_SERVICE_NAME=shop"), "shop"},
	{TEXT("A=b\0OTEL_SERVICE_NAME=shop\0C=d"), "shop"},
	{TEXT("OTEL_SERVICE_NAME=  shop\t"), "shop"},
	{TEXT("OTEL_SERVICE_NAME=a\0OTEL_SERVICE_NAME=b"), "a"},
	{TEXT("OTEL_SERVICE_NAME="), NULL},
	{TEXT("XOTEL_SERVICE_NAME=a"), NULL},
	{TEXT("OTEL_SERVICE_NAME"), NULL},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=service.name=till"), "till"},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=a=b, service.name = till"), NULL},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=a=b,service.name=till,c=d"), "till"},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=a=b, service.name=till"), "till"},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=service.name=a%20b%2Cc"), "a b,c"},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=service.name=a%2"), "a%2"},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=service.name=a%"), "a%"},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=service.name=a%00b"), "a%00b"},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=service.name=a%zzb"), "a%zzb"},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=xservice.name=a"), NULL},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=,,,"), NULL},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=service.name=till\0OTEL_SERVICE_NAME=shop"), "shop"},
	{TEXT("OTEL_RESOURCE_ATTRIBUTES=service.name=till\0OTEL_SERVICE_NAME="), "till"},
};

Test(service, of_an_environment)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* Of its own, so that a read past its end is found. */
		char *copy = malloc(rows[i].len), *got;

		memcpy(copy, rows[i].environ, rows[i].len);
		for (size_t less = 0; less < 2 && less < rows[i].len; less++) {
			got = service_in(copy,
					 rows[i].len - less); /* the last NUL may be missing */
			cr_expect(rows[i].want ? got && !strcmp(got, rows[i].want) : !got,
				  "row %zu: %s", i, got ?: "nothing");
			free(got);
		}
		free(copy);
	}
}

Test(service, that_is_too_long)
{
	char text[18 + SERVICE_MAX + 1] = "OTEL_SERVICE_NAME=", *got;

	memset(text + 18, 'x', SERVICE_MAX + 1);
	cr_expect_null(service_in(text, sizeof(text)));
	got = service_in(text, sizeof(text) - 1);
	cr_expect_eq(strlen(got ?: ""), SERVICE_MAX);
	free(got);
}

/* The environment that the program began with. */
Test(service, of_a_process)
{
	int ready[2];
	pid_t pid;
	char *got = NULL;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		dup2(ready[1], 1);
		execle("/bin/sh", "sh", "-c", "echo; kill -STOP $$", NULL,
		       (char *[]){(char *)"OTEL_SERVICE_NAME=shop", NULL});
		_exit(1);
	}
	cr_assert_eq(read(ready[0], (char[1]){}, 1), 1);
	got = service_of(pid);
	cr_expect_str_eq(got ?: "nothing", "shop");
	free(got);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect_null(service_of(pid), "it is gone");
}
