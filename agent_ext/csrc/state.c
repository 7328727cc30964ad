/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <stdatomic.h>
#include <unistd.h>

#include "ft_abi.h"

unsigned engine_run_number;

static struct {
	_Atomic bool running;
	uint32_t pid;
	const struct settings *settings; /* borrowed */
	struct value_limits limits;
	bool long_values;
} state;

bool engine_running(void)
{
	return atomic_load_explicit(&state.running, memory_order_acquire);
}

uint32_t engine_pid(void)
{
	return state.pid;
}

const struct value_limits *engine_limits(void)
{
	return &state.limits;
}

bool engine_has_long_values(void)
{
	return state.long_values;
}

bool engine_captures_args(void)
{
	return state.settings->config.args;
}

bool engine_captures_result(void)
{
	return state.settings->config.result;
}

bool engine_captures_stack(void)
{
	return state.settings->config.stack;
}

bool engine_blocks(void)
{
	return state.settings->overflow == OVERFLOW_BLOCK;
}

static void set_limits(const struct config *c)
{
	state.limits = (struct value_limits){c->max_arg_length, c->max_depth, c->max_items,
					     FT_MAX_TOKEN_BYTES};
	if (c->segments || c->max_arg_length > FT_MAX_TOKEN_BYTES)
		state.limits.max_bytes = FT_MAX_TOKEN_BYTES_INSIDE;
	state.long_values = c->stack || state.limits.max_bytes > FT_MAX_TOKEN_BYTES;
	if (c->segments)
		state.limits.max_arg_length = FT_MAX_TOKEN_BYTES_INSIDE;
}

void state_begin(const struct settings *settings)
{
	state.pid = getpid();
	state.settings = settings;
	set_limits(&settings->config);
	engine_run_number++;
}

void state_set_running(bool on)
{
	atomic_store(&state.running, on);
}

void state_forked(void)
{
	state.pid = getpid();
	if (engine_running())
		engine_run_number++;
}
