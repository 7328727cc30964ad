/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "session/agent_coverage.h"

static void put(char *list, uint32_t *bytes, const char *const *texts)
{
	for (; *texts; texts++) {
		strcpy(list + *bytes, *texts);
		*bytes += strlen(*texts) + 1;
	}
}

#define LIST(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

/* An agent with these lists, and a user who asks for these prefixes. */
static bool ask(const char *const *prefix, const char *const *exclude, const char *const *asked)
{
	struct ft_agent_status s = {.active = 1};
	struct config c = {.prefix.at = (char **)asked};

	put(s.prefix, &s.prefix_bytes, prefix);
	put(s.exclude, &s.exclude_bytes, exclude);
	while (asked[c.prefix.count])
		c.prefix.count++;
	return agent_covers(&s, &c);
}

Test(covered, everything)
{
	cr_assert(ask(LIST(), LIST(), LIST()));
	cr_assert(ask(LIST(), LIST("flowtrace_agent."), LIST()));
	cr_assert(ask(LIST(), LIST("flowtrace_agent", "flowtrace_agent.x"), LIST()));
	cr_assert_not(ask(LIST(), LIST("flowtrace"), LIST()));
	cr_assert_not(ask(LIST(), LIST("flowtrace_agent.", "shop"), LIST()));
	cr_assert_not(ask(LIST("shop"), LIST(), LIST()));
}

Test(covered, prefixes)
{
	cr_assert(ask(LIST("shop"), LIST("flowtrace_agent."), LIST("shop")));
	cr_assert(ask(LIST("cart", "shop"), LIST(), LIST("shop.orders", "cart")));
	cr_assert(ask(LIST(""), LIST(), LIST("shop")));
	cr_assert_not(ask(LIST("shop."), LIST(), LIST("shop")));
	cr_assert_not(ask(LIST("shop"), LIST(), LIST("shop", "cart")));
	/* Without prefixes it leaves modules out by their files, which may be those asked for. */
	cr_assert_not(ask(LIST(), LIST(), LIST("shop")));
}

Test(covered, excludes)
{
	cr_assert(ask(LIST("shop"), LIST("cart"), LIST("shop")));
	cr_assert_not(ask(LIST("shop"), LIST("shop.tests"), LIST("shop")));
	cr_assert_not(ask(LIST("shop"), LIST("sho"), LIST("shop")));
	cr_assert_not(ask(LIST("shop"), LIST(""), LIST("shop")));
	cr_assert(ask(LIST("shop"), LIST("shop.tests"), LIST("shop.orders")));
}

Test(covered, not_when_it_is_off_or_says_not_all)
{
	struct ft_agent_status s = {};
	struct config c = {};

	cr_assert_not(agent_covers(&s, &c));
	s.active = 1;
	cr_assert(agent_covers(&s, &c));
	s.overflow = 1;
	cr_assert_not(agent_covers(&s, &c));
	s.overflow = 0;
	c.runtime[FT_RUNTIME_GC] = true; /* it shows calls alone */
	cr_assert_not(agent_covers(&s, &c));
}
