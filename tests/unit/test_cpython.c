/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cpython/cpython.h"
#include "cpython/dispatch.h"
#include "cpython/site.h"
#include "elf_files.h"

/* A target that needs no process: only the file and the version count. */
static struct target target_of(const char *path, int minor)
{
	return (struct target){
		.pid = 1,
		.binary = (char *)path,
		.open_path = (char *)path,
		.major = 3,
		.minor = minor,
		.micro = -1,
	};
}

static struct hooks must_hook(const char *path, int minor, enum backend backend)
{
	struct target t = target_of(path, minor);
	struct hooks h = {0};
	struct why w = {0};

	cr_assert_eq(cpython_hooks(&t, backend, true, &h, &w), 0, "%s", w.text);
	return h;
}

static void must_refuse(const char *path, int minor, enum backend backend, const char *text)
{
	struct target t = target_of(path, minor);
	struct hooks h = {.count = 77};
	struct why w = {0};

	cr_assert_eq(cpython_hooks(&t, backend, true, &h, &w), -ENOEXEC);
	cr_assert_eq(w.exit_status, EXIT_PYTHON);
	cr_assert(strstr(w.text, text), "%s", w.text);
	cr_assert_eq(h.count, 77, "untouched on failure");
}

/* ---- the dispatch table ---- */

/* The local symbol opcode_targets of a file that is not stripped; 0 = none. */
static uint64_t table_by_symbol(struct elf *e)
{
	const uint8_t *sections = bytes_at(&e->bytes, e->header.e_shoff, e->header.e_shnum * 64);
	const Elf64_Shdr *s = (const void *)sections;

	for (int i = 0; s && i < e->header.e_shnum; i++) {
		const Elf64_Sym *sym;
		const char *names;

		if (s[i].sh_type != SHT_SYMTAB || s[i].sh_link >= e->header.e_shnum)
			continue;
		sym = bytes_at(&e->bytes, s[i].sh_offset, s[i].sh_size);
		names = bytes_at(&e->bytes, s[s[i].sh_link].sh_offset, s[s[i].sh_link].sh_size);
		for (size_t k = 0; sym && names && k < s[i].sh_size / sizeof(*sym); k++)
			if (!strncmp(names + sym[k].st_name, "opcode_targets", 14) &&
			    ELF64_ST_TYPE(sym[k].st_info) == STT_OBJECT)
				return sym[k].st_value;
	}
	return 0;
}

static void check_table(const char *path, int minor)
{
	struct dispatch d;
	struct why w = {0};
	struct elf e;
	uint64_t symbol;

	cr_assert_eq(elf_open(&e, path, &w), 0, "%s", w.text);
	cr_assert_eq(dispatch_find(&e, cpython_facts_of(minor), &d, &w), 0, "%s", w.text);
	symbol = table_by_symbol(&e);
	if (symbol)
		cr_assert_eq(d.table, symbol);
	for (int other = 8; other <= 15; other++)
		if (other != minor)
			cr_assert_eq(dispatch_find(&e, cpython_facts_of(other), &d, NULL), -ENOEXEC,
				     "3.%d matches 3.%d", minor, other);
	elf_release(&e);
}

Test(dispatch, debian_12)
{
	check_table(need_file(DEBIAN_12_PYTHON), 11);
}

Test(dispatch, debian_11)
{
	check_table(need_file(DEBIAN_11_PYTHON), 9);
}

Test(dispatch, pyenv_3_8)
{
	check_table(need_pyenv(8), 8);
}

Test(dispatch, pyenv_3_9)
{
	check_table(need_pyenv(9), 9);
}

Test(dispatch, pyenv_3_10)
{
	check_table(need_pyenv(10), 10);
}

Test(dispatch, pyenv_3_11)
{
	check_table(need_pyenv(11), 11);
}

Test(dispatch, pyenv_3_12)
{
	check_table(need_pyenv(12), 12);
}

Test(dispatch, pyenv_3_13)
{
	check_table(need_pyenv(13), 13);
}

/* ---- a small ET_DYN file whose table is relocated by RELR, as no distribution has it ---- */

#define TINY_CODE 0x1000
#define TINY_TABLE 0x2000

struct tiny {
	Elf64_Ehdr header;
	Elf64_Phdr segment[4];
	Elf64_Dyn dynamic[4];
	uint64_t relr[1 + 5]; /* an address and bitmaps of 63 words: 1 + 4 * 63 + 3 words */
};

static void write_tiny(int fd, const bool undefined[256])
{
	struct tiny t = {
		.header = {.e_type = ET_DYN,
			   .e_machine = EM_X86_64,
			   .e_phoff = offsetof(struct tiny, segment),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 4},
		.segment = {{PT_LOAD, PF_R, 0, 0, 0, sizeof(t), sizeof(t), 4096},
			    {PT_LOAD, PF_R | PF_X, TINY_CODE, TINY_CODE, 0, 4096, 4096, 4096},
			    {PT_LOAD, PF_R | PF_W, TINY_TABLE, TINY_TABLE, 0, 4096, 4096, 4096},
			    {PT_DYNAMIC, PF_R, offsetof(struct tiny, dynamic), 0, 0,
			     sizeof(t.dynamic), sizeof(t.dynamic), 8}},
		.dynamic = {{36, {offsetof(struct tiny, relr)}}, {35, {sizeof(t.relr)}}},
		.relr = {TINY_TABLE, ~0ULL, ~0ULL, ~0ULL, ~0ULL, 0xf},
	};
	uint64_t table[256];

	memcpy(t.header.e_ident, ELFMAG "\2\1\1", 7);
	for (int op = 0; op < 256; op++)
		table[op] = undefined[op] ? TINY_CODE : TINY_CODE + 8 + op * 4;
	cr_assert(!ftruncate(fd, TINY_TABLE + 4096));
	cr_assert_eq(pwrite(fd, &t, sizeof(t), 0), (ssize_t)sizeof(t));
	cr_assert_eq(pwrite(fd, table, sizeof(table), TINY_TABLE), (ssize_t)sizeof(table));
}

Test(dispatch, a_table_relocated_by_relr)
{
	int fd = memfd_create("relr", MFD_CLOEXEC);
	bool undefined[256] = {false};
	struct dispatch d;
	struct why w = {0};
	struct elf e;
	char path[64];

	for (int op = 181; op <= 254; op++)
		undefined[op] = true;
	write_tiny(fd, undefined);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_eq(elf_open(&e, path, &w), 0, "%s", w.text);
	cr_assert_eq(dispatch_find(&e, cpython_facts_of(11), &d, &w), 0, "%s", w.text);
	cr_assert_eq(d.table, TINY_TABLE);
	cr_assert_eq(d.handler[151], TINY_CODE + 8 + 151 * 4);
	elf_release(&e);
	/* A table that defines one more opcode is another Python's. */
	undefined[200] = false;
	write_tiny(fd, undefined);
	cr_assert_eq(elf_open(&e, path, &w), 0);
	cr_assert_eq(dispatch_find(&e, cpython_facts_of(11), &d, &w), -ENOEXEC);
	cr_assert(strstr(w.text, "no dispatch table"), "%s", w.text);
	elf_release(&e);
	close(fd);
}

/* ---- sites ---- */

static struct site site_of(const uint8_t *code, size_t len, bool function)
{
	int fd = memfd_create("code", MFD_CLOEXEC);
	struct site site = {0};
	bool none[256] = {false};
	struct elf e;
	char path[64];

	write_tiny(fd, none);
	cr_assert_eq(pwrite(fd, code, len, TINY_CODE), (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_eq(elf_open(&e, path, NULL), 0);
	cr_assert_eq((function ? site_at_function : site_in_handler)(&e, TINY_CODE, &site), 0);
	elf_release(&e);
	close(fd);
	site.vaddr -= TINY_CODE;
	return site;
}

#define SITE(function, ...)                                                                        \
	site_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), function)

static void check_site(struct site s, uint64_t at, enum hook_cost cost)
{
	cr_assert_eq(s.vaddr, at, "at +%d", (int)s.vaddr);
	cr_assert_eq(s.cost, cost);
}

Test(site, the_first_jump_that_the_kernel_emulates)
{
	/* mov; test; je */
	check_site(SITE(false, 0x48, 0x89, 0xc3, 0x85, 0xc0, 0x74, 0x10), 5, HOOK_EMULATED);
	/* mov; jne rel32 */
	check_site(SITE(false, 0x48, 0x89, 0xc3, 0x0f, 0x85, 1, 0, 0, 0), 3, HOOK_EMULATED);
	/* mov; jmp: the jump itself is still this handler's */
	check_site(SITE(false, 0x48, 0x89, 0xc3, 0xeb, 0x10, 0x74, 1), 3, HOOK_EMULATED);
	/* push r15 and push rbx, but not push imm or push through memory */
	check_site(SITE(false, 0x41, 0x57), 0, HOOK_EMULATED);
	check_site(SITE(false, 0x6a, 1, 0x53), 2, HOOK_EMULATED);
	check_site(SITE(false, 0xff, 0x30, 0x90), 2, HOOK_EMULATED);
}

Test(site, never_behind_what_may_leave_the_frame)
{
	/* mov; call; je: the call may drop the frame, so neither it nor the jump */
	check_site(SITE(false, 0x48, 0x89, 0xc3, 0xe8, 0, 0, 0, 0, 0x74, 1), 0,
		   HOOK_SINGLE_STEPPED);
	/* mov; call *rax; je */
	check_site(SITE(false, 0x48, 0x89, 0xc3, 0xff, 0xd0, 0x74, 1), 0, HOOK_SINGLE_STEPPED);
	/* mov; jmp *rax; je */
	check_site(SITE(false, 0x48, 0x89, 0xc3, 0xff, 0xe0, 0x74, 1), 0, HOOK_SINGLE_STEPPED);
	/* mov; ret; je */
	check_site(SITE(false, 0x48, 0x89, 0xc3, 0xc3, 0x74, 1), 0, HOOK_SINGLE_STEPPED);
	/* mov; 66 je: the kernel refuses a probe on it */
	check_site(SITE(false, 0x48, 0x89, 0xc3, 0x66, 0x74, 1, 0xc3), 0, HOOK_SINGLE_STEPPED);
}

Test(site, a_function_is_hooked_while_its_arguments_are_there)
{
	check_site(SITE(true, 0x55, 0x48, 0x89, 0xe5), 0, HOOK_EMULATED);
	/* endbr64; push rbp */
	check_site(SITE(true, 0xf3, 0x0f, 0x1e, 0xfa, 0x55), 4, HOOK_EMULATED);
	/* endbr64; sub rsp; push: rsp moves, but who knows what else would */
	check_site(SITE(true, 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8, 0x55), 0,
		   HOOK_SINGLE_STEPPED);
	/* mov rdi, rax; push */
	check_site(SITE(true, 0x48, 0x89, 0xc7, 0x55), 0, HOOK_SINGLE_STEPPED);
}

/* On kernel 6.18 a forked child dies of a probe on one. */
Test(site, never_on_a_nop_of_five_bytes)
{
	check_site(SITE(true, 0x0f, 0x1f, 0x44, 0, 0, 0x55), 5, HOOK_EMULATED);
	check_site(SITE(true, 0x0f, 0x1f, 0x44, 0, 0, 0x48, 0x89, 0xc7, 0x55), 5,
		   HOOK_SINGLE_STEPPED);
	check_site(SITE(false, 0x0f, 0x1f, 0x44, 0, 0, 0x48, 0x89, 0xc3, 0xc3), 5,
		   HOOK_SINGLE_STEPPED);
}

/* ---- hooks ---- */

static void check_3_11(const char *path)
{
	struct hooks h = must_hook(path, 11, BACKEND_AUTO);
	int roles[HOOK_END] = {0};

	cr_assert_str_eq(h.backend, "uprobe");
	for (int i = 0; i < h.count; i++) {
		roles[h.site[i].role]++;
		/* Of contexts each release has its own, and few are made. */
		if (h.site[i].role < HOOK_CONTEXT_COPIED)
			cr_assert_eq(h.site[i].cost, HOOK_EMULATED, "%s", h.site[i].name);
		cr_assert_eq(h.site[i].semaphore_offset, 0);
		for (int k = 0; k < i; k++)
			cr_assert_neq(h.site[i].file_offset, h.site[k].file_offset);
	}
	cr_assert_eq(roles[HOOK_RESUME], 2);
	cr_assert_eq(roles[HOOK_RETURN], 1);
	cr_assert_eq(roles[HOOK_YIELD], 1);
	cr_assert_eq(roles[HOOK_TRACEBACK], 1);
	cr_assert_eq(roles[HOOK_CONTEXT_COPIED], 2);
	cr_assert_eq(roles[HOOK_CONTEXT_MADE], 1);
	cr_assert_eq(roles[HOOK_GREENLET], 1);
	/* Exits by exception are seen where they happen, so nothing is left for the end. */
	cr_assert_eq(roles[HOOK_FRAME_EXIT], 1);
	cr_assert_eq(roles[HOOK_FINALIZE], 0);
	cr_assert_eq(roles[HOOK_FREED], 2);
	/* Of generators and coroutines, and of each class that hands on to one. */
	cr_assert_geq(roles[HOOK_THROW], 2);
}

Test(hooks, debian_12)
{
	check_3_11(need_file(DEBIAN_12_PYTHON));
}

Test(hooks, pyenv_3_11)
{
	check_3_11(need_pyenv(11));
}

Test(hooks, debian_11_has_usdt_probes_that_see_every_call)
{
	struct hooks h = must_hook(need_file(DEBIAN_11_PYTHON), 9, BACKEND_AUTO);

	cr_assert_str_eq(h.backend, "usdt");
	cr_assert_gt(h.count, 9);
	cr_assert_eq(h.site[0].role, HOOK_FRAME_ENTRY);
	cr_assert_eq(h.site[1].role, HOOK_FRAME_EXIT);
	cr_assert_eq(h.site[2].role, HOOK_TRACEBACK);
	cr_assert_eq(h.site[3].role, HOOK_FREED);
	cr_assert_eq(h.site[4].role, HOOK_FREED);
	cr_assert_eq(h.site[5].role, HOOK_CONTEXT_COPIED);
	cr_assert_eq(h.site[6].role, HOOK_CONTEXT_COPIED);
	cr_assert_eq(h.site[7].role, HOOK_CONTEXT_MADE);
	cr_assert_eq(h.site[8].role, HOOK_GREENLET);
	for (int i = 9; i < h.count; i++)
		cr_assert_eq(h.site[i].role, HOOK_THROW);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(h.site[i].cost, HOOK_EMULATED);
		cr_assert_neq(h.site[i].semaphore_offset, 0);
	}
}

static struct hooks hooks_for_gc(const char *path, int minor)
{
	struct target t = target_of(path, minor);
	struct hooks h = {0}, without = must_hook(path, minor, BACKEND_AUTO);
	struct why w = {0};
	unsigned asked = HOOKS_HTTP | HOOKS_RUNTIME(FT_RUNTIME_GC);

	cr_assert_eq(cpython_hooks(&t, BACKEND_AUTO, asked, &h, &w), 0, "%s", w.text);
	cr_assert_null(cpython_no_runtime(&without, FT_RUNTIME_GC, true));
	cr_assert_eq(h.count, without.count + (h.no_runtime ? 0 : 2));
	return h;
}

Test(hooks, collections_by_usdt)
{
	struct hooks h = hooks_for_gc(need_file(DEBIAN_12_PYTHON), 11);
	const struct hook *start = &h.site[h.count - 2], *done = start + 1;

	cr_assert_eq(start->role, HOOK_GC_START);
	cr_assert_eq(done->role, HOOK_GC_DONE);
	cr_assert_neq(start->number.how, FT_NUMBER_NONE);
	cr_assert_neq(done->number.how, FT_NUMBER_NONE);
	cr_assert_neq(start->semaphore_offset, 0);
	cr_assert_neq(start->semaphore_offset, done->semaphore_offset);
	cr_assert_null(cpython_no_runtime(&h, FT_RUNTIME_GC, false));
}

Test(hooks, collections_by_a_static_function)
{
	struct hooks h = hooks_for_gc(need_pyenv(12), 12);
	const struct hook *start = &h.site[h.count - 2], *end = start + 1;

	cr_assert_eq(start->role, HOOK_GC_START);
	cr_assert_eq(start->number.reg, 6); /* the second argument */
	cr_assert_eq(end->role, HOOK_GC_RETURN);
	cr_assert(hook_is_return(end->role));
	cr_assert_null(cpython_no_runtime(&h, FT_RUNTIME_GC, true));
	cr_assert(strstr(cpython_no_runtime(&h, FT_RUNTIME_GC, false), "uretprobe"));
}

Test(hooks, collections_that_do_not_show)
{
	struct hooks h = hooks_for_gc(need_pyenv(8), 8);

	cr_assert(strstr(cpython_no_runtime(&h, FT_RUNTIME_GC, true), "--with-dtrace"));
	/* Its gc_collect_main may return without a collection. */
	h = hooks_for_gc(need_pyenv(13), 13);
	cr_assert(strstr(cpython_no_runtime(&h, FT_RUNTIME_GC, true), "--with-dtrace"));
}

Test(hooks, roles_that_nobody_asked_for)
{
	unsigned none = cpython_idle_roles(HOOKS_HTTP);

	cr_assert(none & 1U << HOOK_GC_START && none & 1U << HOOK_GC_DONE &&
		  none & 1U << HOOK_GC_RETURN);
	cr_assert_eq(none & (1U << HOOK_RESUME | 1U << HOOK_CONTEXT_MADE | 1U << HOOK_THROW), 0);
	cr_assert_eq(cpython_idle_roles(HOOKS_RUNTIME(FT_RUNTIME_GC)) & 1U << HOOK_GC_START, 0);
}

Test(hooks, refusals)
{
	must_refuse(need_file(DEBIAN_12_PYTHON), 11, BACKEND_USDT, "do not see every call");
	must_refuse(DEBIAN_12_PYTHON, 99, BACKEND_AUTO, "supported are Python 3.8");
	must_refuse(DEBIAN_12_PYTHON, 7, BACKEND_AUTO, "supported are Python 3.8");
	must_refuse(DEBIAN_12_PYTHON, 12, BACKEND_AUTO, "dispatch table");
	must_refuse(DEBIAN_12_PYTHON, 10, BACKEND_UPROBE, "dispatch table");
	must_refuse("/etc/passwd", 11, BACKEND_AUTO, "not an ELF file");
}

Test(hooks, no_usdt_probes)
{
	must_refuse(need_pyenv(10), 10, BACKEND_USDT, "without USDT probes");
}

static int count_role(const struct hooks *h, enum hook_role role)
{
	int n = 0;

	for (int i = 0; i < h->count; i++)
		n += h->site[i].role == role;
	return n;
}

/* Up to 3.10 without probes, where the ways are not found: in at one function, out at two handlers,
 * or by exception. */
static void check_inferring(const char *path, int minor)
{
	struct hooks h = must_hook(path, minor, BACKEND_UPROBE);

	cr_assert_str_eq(h.backend, "uprobe");
	cr_assert_eq(h.exit_register, 0);
	cr_assert_eq(count_role(&h, HOOK_EVAL_ENTRY), 1);
	cr_assert_eq(count_role(&h, HOOK_RETURN), 1);
	cr_assert_eq(count_role(&h, HOOK_YIELD), 1);
	cr_assert_eq(count_role(&h, HOOK_TRACEBACK), 1);
	cr_assert_eq(count_role(&h, HOOK_FINALIZE), 1);
	cr_assert_eq(count_role(&h, HOOK_FRAME_EXIT), 0);
}

#define TSTATE_FRAME 24 /* a byte of the store before each of the hooks */
#define STORE_BEFORE 16

/* The store before this hook is no longer one to tstate->frame. */
static void check_another_store(const char *path, int minor, const struct hook *hook)
{
	struct copy c = copy_of(path);
	size_t at = hook->file_offset;

	do {
		at--;
	} while (at > hook->file_offset - STORE_BEFORE && c.data[at] != TSTATE_FRAME);
	cr_assert_eq(c.data[at], TSTATE_FRAME);
	c.data[at] += 8;
	check_inferring(c.path, minor);
	copy_drop(&c);
}

/* Else one way in and one out, at instructions that the kernel emulates. */
static void check_eval_function(int minor)
{
	const char *path = need_pyenv(minor);
	struct hooks h = must_hook(path, minor, BACKEND_AUTO);

	cr_assert_str_eq(h.backend, "uprobe");
	cr_assert_eq(h.site[0].role, HOOK_FRAME_ENTRY);
	cr_assert_eq(h.site[1].role, HOOK_FRAME_EXIT);
	cr_assert_eq(h.site[2].role, HOOK_TRACEBACK);
	for (int i = 3; i < h.count; i++)
		cr_assert_geq(h.site[i].role, HOOK_CONTEXT_COPIED);
	cr_assert_eq(h.exit_register, 3, "in %d", h.exit_register); /* rbx */
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(h.site[i].cost, HOOK_EMULATED);
		check_another_store(path, minor, &h.site[i]);
	}
}

Test(hooks, eval_function_3_8)
{
	check_eval_function(8);
}

Test(hooks, eval_function_3_9)
{
	check_eval_function(9);
}

Test(hooks, eval_function_3_10)
{
	check_eval_function(10);
}

/* The compiler copied both places, and loads f_back into the frame's own register. */
Test(hooks, debian_11_beside_its_probes)
{
	struct hooks h = must_hook(need_file(DEBIAN_11_PYTHON), 9, BACKEND_UPROBE);

	cr_assert_str_eq(h.backend, "uprobe");
	cr_assert_eq(h.exit_register, 0);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(h.site[i].role, i < 2 ? HOOK_FRAME_ENTRY : HOOK_FRAME_EXIT);
		cr_assert_eq(h.site[i].cost, HOOK_EMULATED);
		cr_assert_eq(h.site[i].semaphore_offset, 0);
	}
	cr_assert_eq(h.site[4].role, HOOK_TRACEBACK);
}

/* What comes before this hook is not how a semaphore is asked for. */
static void check_another_question(const struct copy *c, const struct hook *hook)
{
	uint8_t *compares =
		memmem(c->data + hook->file_offset - STORE_BEFORE, STORE_BEFORE, "\x66\x83\x3d", 3);

	cr_assert(compares);
	compares[0] = 0x48;
	check_inferring(c->path, 9);
	compares[0] = 0x66;
}

Test(hooks, debian_11_without_its_probes)
{
	struct hooks h = must_hook(need_file(DEBIAN_11_PYTHON), 9, BACKEND_UPROBE);
	struct copy c = copy_of(DEBIAN_11_PYTHON);
	char *section = memmem(c.data, c.size, ".note.stapsdt", 14);

	check_another_question(&c, &h.site[0]);
	check_another_question(&c, &h.site[3]);
	cr_assert(section);
	section[1] = 'N';
	check_inferring(c.path, 9);
	copy_drop(&c);
}

/* From 3.12 one function sees every exit; a suspension is hooked before its frame switch. */
static void check_frame_clear(int minor, int resumes)
{
	struct hooks h = must_hook(need_pyenv(minor), minor, BACKEND_AUTO);

	cr_assert_eq(count_role(&h, HOOK_FRAME_CLEAR), 1);
	cr_assert_eq(count_role(&h, HOOK_RESUME), resumes);
	cr_assert_geq(count_role(&h, HOOK_YIELD), 1);
	cr_assert_eq(count_role(&h, HOOK_RETURN), 0);
	/* ... and one, what is thrown into a generator. */
	cr_assert_eq(count_role(&h, HOOK_TRACEBACK), 1);
}

Test(hooks, frame_clear_3_12)
{
	check_frame_clear(12, 2);
}

Test(hooks, frame_clear_3_13)
{
	check_frame_clear(13, 3);
}

/* ---- layout ---- */

static void check_layout(const char *path, int minor)
{
	struct target t = target_of(path, minor);
	struct ft_layout l, moved;
	struct why w = {0};

	cr_assert_eq(cpython_layout(&t, &l, &w), 0, "%s", w.text);
	cr_assert(l.tstate_addr && l.none_addr && l.true_addr);
	for (int kind = FT_KIND_NONE; kind < FT_KIND_COUNT; kind++)
		cr_assert_neq(l.type_addr[kind], 0, "kind %d has no address", kind);
	t.bias = 0x7f0000000000;
	cr_assert_eq(cpython_layout(&t, &moved, &w), 0);
	cr_assert_eq(moved.tstate_addr, l.tstate_addr + t.bias);
	cr_assert_eq(moved.type_addr[FT_KIND_EXC_OS], l.type_addr[FT_KIND_EXC_OS] + t.bias);
}

Test(layout, debian_12)
{
	check_layout(need_file(DEBIAN_12_PYTHON), 11);
}

Test(layout, debian_11)
{
	check_layout(need_file(DEBIAN_11_PYTHON), 9);
}

Test(layout, pyenv_3_8)
{
	check_layout(need_pyenv(8), 8);
}

Test(layout, pyenv_3_10)
{
	check_layout(need_pyenv(10), 10);
}

Test(layout, pyenv_3_11)
{
	check_layout(need_pyenv(11), 11);
}

/* The thread state lies elsewhere in 3.11: the getter's code gives the lie away. */
Test(layout, another_version_is_found_out)
{
	struct target t = target_of(need_file(DEBIAN_12_PYTHON), 9);
	struct ft_layout l;
	struct why w = {0};

	cr_assert_eq(cpython_layout(&t, &l, &w), -ENOEXEC);
	cr_assert(strstr(w.text, "unusual build"), "%s", w.text);
}

Test(layout, corrupted_files_do_no_harm, .timeout = 120)
{
	struct copy c = copy_of(need_file(DEBIAN_12_PYTHON));
	struct target t = target_of(c.path, 11);
	unsigned random = 7;

	for (int i = 0; i < 60; i++) {
		struct ft_layout l;
		struct hooks h;

		/* each round adds damage: headers first, then anywhere */
		for (int k = 0; k < 8; k++)
			c.data[1000 + next_random(&random) % (i < 20 ? 70000 : c.size - 1000)] =
				next_random(&random);
		cpython_layout(&t, &l, NULL);
		cpython_hooks(&t, BACKEND_UPROBE, true, &h, NULL);
	}
	copy_drop(&c);
}
