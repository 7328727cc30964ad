/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "discover/agent.h"

Test(agent, the_name_of_its_file)
{
	cr_assert(agent_is_file("/usr/lib/flowtrace_agent/_core.cpython-311-x86_64-linux-gnu.so"));
	cr_assert(agent_is_file("/flowtrace_agent/_core.so"));
	cr_assert_not(agent_is_file("/flowtrace_agent/_core.c"));
	cr_assert_not(agent_is_file("/flowtrace_agent/_core.so/x"));
	cr_assert_not(agent_is_file("/flowtrace_agent/_corex.so"));
	cr_assert_not(agent_is_file("/my_flowtrace_agent/_core.abi3.so"));
	cr_assert_not(agent_is_file("flowtrace_agent/_core.abi3.so"));
	cr_assert_not(agent_is_file("/_core.so"));
	cr_assert_not(agent_is_file("_core.so"));
	cr_assert_not(agent_is_file(""));
}

static const struct ft_agent_status good = {
	.magic = FT_AGENT_MAGIC,
	.abi_version = FT_AGENT_ABI_VERSION,
	.sequence = 4,
	.pid = 7,
	.active = 1,
	.prefix_bytes = 5,
	.prefix = "shop",
};

Test(agent, a_status_that_can_be_believed)
{
	struct ft_agent_status s = good;

	cr_assert(agent_status_valid(&s, 7));
	memset(s.exclude, 'x', sizeof(s.exclude) - 1);
	s.exclude_bytes = sizeof(s.exclude);
	cr_assert(agent_status_valid(&s, 7));
}

static void refused(struct ft_agent_status s)
{
	cr_assert_not(agent_status_valid(&s, 7));
}

Test(agent, a_status_that_cannot)
{
	struct ft_agent_status s;

	refused((struct ft_agent_status){});
	s = good, s.magic++, refused(s);
	s = good, s.abi_version++, refused(s);
	s = good, s.sequence++, refused(s);
	s = good, s.pid++, refused(s);
	s = good, s.prefix_bytes = 4, refused(s); /* its last text does not end */
	s = good, s.prefix_bytes = FT_AGENT_TEXT + 1, refused(s);
	s = good, s.exclude_bytes = UINT32_MAX, refused(s);
	memset(&s, 0xff, sizeof(s)), refused(s);
}

Test(agent, a_process_as_it_sees_itself)
{
	cr_assert_eq(proc_own_pid(getpid()), getpid());
}
