/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/api/access.h"

static struct access a;
static char folder[] = "/tmp/ft-access-XXXXXX";
static char token[64];

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(token, sizeof(token), "%s/token", folder);
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
}

static void teardown(void)
{
	access_release(&a);
	unlink(token);
	rmdir(folder);
}

TestSuite(access, .init = setup, .fini = teardown);

static void expect_url(const char *server, const char *host, const char *port, const char *want)
{
	struct why w = {};
	int err;

	access_release(&a);
	if (host)
		setenv("KUBERNETES_SERVICE_HOST", host, 1);
	if (port)
		setenv("KUBERNETES_SERVICE_PORT", port, 1);
	err = access_init(&a, server, folder, &w);
	cr_assert_eq(err, 0, "%s", w.text);
	cr_expect_str_eq(a.url, want);
	cr_expect_eq(a.token != NULL, !strncmp(want, "https:", 6), "%s", want);
	cr_expect_eq(a.ca != NULL, a.token != NULL);
}

Test(access, addresses)
{
	expect_url(NULL, "10.96.0.1", NULL, "https://10.96.0.1:443");
	expect_url(NULL, "10.96.0.1", "6443", "https://10.96.0.1:6443");
	expect_url(NULL, "fd00::1", NULL, "https://[fd00::1]:6443");
	expect_url("https://api:6443/", NULL, NULL, "https://api:6443");
	expect_url("http://127.0.0.1:8001", NULL, NULL, "http://127.0.0.1:8001");
}

Test(access, no_addresses)
{
	char *longer = malloc(5000);
	struct why w = {};

	cr_expect_eq(access_init(&a, NULL, folder, &w), -ENOENT);
	cr_expect(strstr(w.text, "KUBERNETES_SERVICE_HOST"));
	w = (struct why){};
	cr_expect_eq(access_init(&a, "10.0.0.1:6443", folder, &w), -EINVAL);
	cr_expect_eq(w.exit_status, EXIT_USAGE);
	cr_expect_eq(access_init(&a, "file:///etc/passwd", folder, NULL), -EINVAL);
	memset(longer, 'x', 4999);
	longer[4999] = '\0';
	memcpy(longer, "https://", 8);
	cr_expect_eq(access_init(&a, longer, folder, NULL), -EINVAL);
	cr_expect_null(a.url);
	free(longer);
}

static void write_token(const char *s, size_t len)
{
	FILE *f = fopen(token, "w");

	cr_assert_eq(fwrite(s, 1, len, f), len);
	fclose(f);
}

static void expect_header(const char *want, int want_err)
{
	char *header = NULL;

	cr_expect_eq(access_header(&a, &header), want_err);
	cr_expect_str_eq(header ?: "none", want);
	free(header);
}

/* It is read anew each time. */
Test(access, tokens)
{
	char *big = malloc(20000);

	cr_assert_eq(access_init(&a, "https://api", folder, NULL), 0);
	expect_header("none", -ENOENT);
	write_token("abc.d-_e", 8);
	expect_header("Authorization: Bearer abc.d-_e", 0);
	write_token("other\r\n", 7);
	expect_header("Authorization: Bearer other", 0);
	write_token("", 0);
	expect_header("none", -EBADMSG);
	write_token("a\r\nX-Remote-User: root", 22);
	expect_header("none", -EBADMSG);
	write_token("a\0b", 3);
	expect_header("none", -EBADMSG);
	memset(big, 'x', 20000);
	write_token(big, 20000);
	expect_header("none", -EBADMSG);
	free(big);
}

/* A FIFO that nobody writes to does not stop anything. */
Test(access, token_that_is_no_file, .timeout = 5)
{
	cr_assert_eq(access_init(&a, "https://api", folder, NULL), 0);
	cr_assert_eq(mkfifo(token, 0600), 0);
	expect_header("none", -EBADMSG);
}
