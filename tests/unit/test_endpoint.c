/* SPDX-License-Identifier: MIT */
/* What the endpoint answers, and where it listens. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/clock.h"
#include "endpoint/address.h"
#include "endpoint/page.h"

static const char *parsed(const char *text)
{
	static char host[INET6_ADDRSTRLEN], at[INET6_ADDRSTRLEN + 8];
	struct sockaddr_storage s;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&s;
	struct sockaddr_in *four = (struct sockaddr_in *)&s;
	struct why w = {};

	if (address_parse(text, &s, &w)) {
		cr_assert_eq(w.exit_status, EXIT_USAGE);
		cr_assert(strstr(w.text, text));
		return "wrong";
	}
	inet_ntop(s.ss_family, s.ss_family == AF_INET ? (void *)&four->sin_addr : &six->sin6_addr,
		  host, sizeof(host));
	snprintf(at, sizeof(at), "%s %u", host, ntohs(four->sin_port));
	return at;
}

Test(endpoint, addresses)
{
	static const char *const wrong[] = {
		"",	":",	    "x",	"0",	      ":0",	 "65536",
		"-1",	"1.2.3:80", "::1",	"[::1]",      "[::1:80", "::1]:80",
		"80 ",	"host:80",  "1.2.3.4:", ":80:80",     "[]:80",	 "]:80",
		"[:80", "+80",	    "0x50",	"1.2.3.4:1:2"};

	cr_assert_str_eq(parsed("9464"), "127.0.0.1 9464");
	cr_assert_str_eq(parsed(":9464"), ":: 9464");
	cr_assert_str_eq(parsed("localhost:80"), "127.0.0.1 80");
	cr_assert_str_eq(parsed("0.0.0.0:65535"), "0.0.0.0 65535");
	cr_assert_str_eq(parsed("[::1]:80"), "::1 80");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert_str_eq(parsed(wrong[i]), "wrong", "%s", wrong[i]);
	cr_assert_str_eq(parsed("[1111111111111111111111111111111111111111111111111111]:1"),
			 "wrong");
}

static unsigned get(const char *path, const struct endpoint_state *s, uint64_t now_ns,
		    const char *text)
{
	struct buf b = {};
	unsigned status = page_of(path, s, now_ns, &b);

	buf_char(&b, 0);
	cr_assert(strstr(b.s, text), "%s", b.s);
	buf_release(&b);
	return status;
}

Test(endpoint, health)
{
	struct endpoint_state s = {.turned_ns = NS_PER_SECOND};

	cr_assert_eq(get("/healthz", &s, 100 * NS_PER_SECOND, "ok"), 200, "it has no loop yet");
	s.looping = true;
	cr_assert_eq(get("/healthz", &s, 0, "ok"), 200);
	cr_assert_eq(get("/healthz", &s, 6 * NS_PER_SECOND, "ok"), 200);
	cr_assert_eq(get("/healthz", &s, 7 * NS_PER_SECOND, "not turned for 6 s"), 503);
}

Test(endpoint, other_pages)
{
	struct endpoint_state s = {.waits_for = "attaching", .status = {.events = 12345678901234}};

	s.lost_by[FT_LOST_sink_full] = 7;
	cr_assert_eq(get("/readyz", &s, 0, "attaching\n"), 503);
	cr_assert_eq(get("/metrics", &s, 0, "\nflowtrace_ready 0\n"), 200);
	cr_assert_eq(get("/metrics", &s, 0, "\nflowtrace_events_total 12345678901234\n"), 200);
	cr_assert_eq(get("/metrics", &s, 0, "{reason=\"sink_full\"} 7\n"), 200);
	s.waits_for = NULL;
	cr_assert_eq(get("/readyz", &s, 0, "ok\n"), 200);
	cr_assert_eq(get("/metrics", &s, 0, "\nflowtrace_ready 1\n"), 200);
	cr_assert_eq(get("/", &s, 0, "/healthz"), 404);
	cr_assert_eq(get("/metrics/", &s, 0, "/healthz"), 404);
}
