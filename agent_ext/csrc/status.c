/* SPDX-License-Identifier: MIT */
#include "status.h"

#include <unistd.h>

#include "ft_agent.h"

__attribute__((visibility("default"), used)) struct ft_agent_status flowtrace_agent_status = {
	.magic = FT_AGENT_MAGIC,
	.abi_version = FT_AGENT_ABI_VERSION,
};

static struct ft_agent_status *const status = &flowtrace_agent_status;

/* The first makes it odd, the second even; nothing is moved across either. */
static void turn(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_add_fetch(&status->sequence, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void set_active(bool on)
{
	__atomic_store_n(&status->active, on, __ATOMIC_SEQ_CST);
}

/* False: it does not fit. */
static bool put_list(PyObject *texts, char *to, uint32_t *ret_bytes)
{
	uint32_t used = 0;

	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(texts); i++) {
		const char *text = PyUnicode_AsUTF8(PyTuple_GET_ITEM(texts, i));
		size_t size = text ? strlen(text) + 1 : SIZE_MAX;

		if (size > FT_AGENT_TEXT - used) {
			PyErr_Clear();
			return false;
		}
		memcpy(to + used, text, size);
		used += size;
	}
	*ret_bytes = used;
	return true;
}

void status_run(const struct settings *s)
{
	turn();
	set_active(false);
	status->pid = getpid();
	status->prefix_bytes = status->exclude_bytes = 0;
	status->overflow = !put_list(s->prefix, status->prefix, &status->prefix_bytes) ||
			   !put_list(s->exclude, status->exclude, &status->exclude_bytes);
	if (status->overflow)
		status->prefix_bytes = status->exclude_bytes = 0;
	turn();
}

void status_watching(bool on)
{
	turn();
	set_active(on);
	turn();
}

void status_forked(void)
{
	/* Another thread of the parent was writing it, and is not here to end that. */
	if (status->sequence & 1)
		set_active(false);
	else
		turn();
	status->pid = getpid();
	turn();
}

void status_failed(void)
{
	set_active(false);
}
