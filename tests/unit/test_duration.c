/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/duration.h"

/* The text is a number and, unless unit_ns is 0, a unit. */
static void is(const char *text, long double n, long double unit_ns)
{
	struct duration d = {-1, -1};

	cr_expect(duration_parse(text, strlen(text), &d), "%s", text);
	cr_expect(d.n == n && d.unit_ns == unit_ns, "%s", text);
}

Test(duration, has_a_unit)
{
	is("1ns", 1, 1);
	is("250us", 250, 1e3L);
	is("250µs", 250, 1e3L);
	is("10ms", 10, 1e6L);
	is("2s", 2, 1e9L);
	is("2m", 2, 60e9L);
	is("2min", 2, 60e9L);
	is("1h", 1, 3600e9L);
	is("1.5s", 1.5L, 1e9L);
	is(".5s", 0.5L, 1e9L);
	is("-1ms", -1, 1e6L);
	is("1e3us", 1000, 1e3L);
}

Test(duration, or_is_a_number_alone)
{
	is("0", 0, 0);
	is("12", 12, 0);
	is("-1.5", -1.5L, 0);
	is("1e3", 1000, 0);
	is("18446744073709551615", 0x1p64L - 1, 0);
}

Test(duration, or_is_none)
{
	static const char *const none[] = {
		"",
		"x",
		"s",
		"ms",
		"-",
		"-s",
		"--1",
		"+1",
		" 1",
		"1 ms",
		"1ms ",
		"1d",
		"1S",
		"1Ms",
		"1nss",
		"1%",
		"0x10",
		"inf",
		"nan",
		"infs",
		"1e9999",
		"1,5s",
		"11111111111111111111111111111111111111111111111s",
	};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct duration d = {-1, -1};

		cr_expect(!duration_parse(none[i], strlen(none[i]), &d), "%s", none[i]);
		cr_expect(d.n == -1 && d.unit_ns == -1, "%s", none[i]);
	}
}

Test(duration, ends_where_its_text_ends)
{
	struct duration d;

	cr_expect(duration_parse("10ms", 2, &d) && d.n == 10 && d.unit_ns == 0);
	cr_expect(duration_parse("10ms", 3, &d) && d.n == 10 && d.unit_ns == 60e9L);
	cr_expect(!duration_parse("10\0s", 4, &d));
}

Test(duration, in_seconds)
{
	double s = -1;

	cr_expect(duration_seconds("500ms", &s) && s == 0.5);
	cr_expect(duration_seconds("100ms", &s) && s == 0.1);
	cr_expect(duration_seconds("0.1", &s) && s == 0.1);
	cr_expect(duration_seconds("1ns", &s) && s == 1e-9);
	cr_expect(duration_seconds("1.5h", &s) && s == 5400);
	cr_expect(duration_seconds("-2", &s) && s == -2);
	cr_expect(duration_seconds("1e4000h", &s) && s > 1e300, "inf");
	s = 7;
	cr_expect(!duration_seconds("soon", &s) && s == 7);
}
