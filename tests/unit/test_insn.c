/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "arch/insn.h"
#include "arch/machine.h"
#include "arch/scan.h"

#define AT 0x1000

static struct insn read_bytes(const uint8_t *code, size_t len)
{
	struct insn_reader *r = insn_reader_new();
	struct insn insn;

	cr_assert(insn_read(r, code, len, AT, &insn));
	insn_reader_free(r);
	return insn;
}

#define READ(...) read_bytes((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

Test(insn, says_what_comes_next)
{
	struct insn jump = READ(0xeb, 0x10), branch = READ(0x74, 0xfe),
		    call = READ(0xe8, 1, 0, 0, 0);

	cr_assert_eq(jump.flow, INSN_JUMP);
	cr_assert_eq(jump.target, AT + 0x12);
	cr_assert_eq(branch.flow, INSN_BRANCH);
	cr_assert_eq(branch.target, AT);
	cr_assert_eq(call.flow, INSN_CALL);
	cr_assert_eq(call.target, AT + 6);
	cr_assert_eq(READ(0xff, 0xe0).flow, INSN_JUMP);
	cr_assert_eq(READ(0xff, 0xe0).target, 0);
	cr_assert_eq(READ(0xc2, 8, 0).flow, INSN_RETURN);
	cr_assert_eq(READ(0xc2, 8, 0).target, 0);
	cr_assert_eq(READ(0x0f, 0x0b).flow, INSN_STOP);
	cr_assert_eq(READ(0x48, 0x89, 0xc3).flow, INSN_ON);
}

Test(insn, says_what_the_kernel_executes_itself)
{
	struct insn entry = READ(0xf3, 0x0f, 0x1e, 0xfa), nop5 = READ(0x0f, 0x1f, 0x44, 0, 0);

	cr_assert(READ(0x41, 0x57).emulated); /* push %r15 */
	cr_assert(READ(0x74, 0x10).emulated);
	cr_assert(READ(0x90).emulated);
	cr_assert_not(READ(0x48, 0x89, 0xc3).emulated);
	cr_assert(entry.entry && !entry.emulated && !entry.patchable);
	cr_assert(nop5.patchable && !nop5.emulated && !nop5.entry);
}

Test(insn, follows_registers)
{
	struct insn copy = READ(0x48, 0x89, 0xfb), half = READ(0x31, 0xc0), byte = READ(0xb0, 1);
	struct insn push = READ(0x41, 0x54), spill = READ(0x48, 0x89, 0x7c, 0x24, 8);

	cr_assert_eq(copy.copied, machine.argument[0]); /* mov %rdi, %rbx */
	cr_assert_eq(copy.written, 1u << 3);
	cr_assert_eq(half.written >> machine.result & 1, 1);
	cr_assert_eq(half.copied, INSN_NO_REGISTER);
	cr_assert_eq(byte.written, 0); /* a part is none */
	cr_assert_eq(push.saved, 12);
	cr_assert(push.written >> machine.stack & 1);
	cr_assert_eq(spill.saved, machine.argument[0]);
	cr_assert_eq(copy.saved, INSN_NO_REGISTER);
}

Test(insn, reads_moves)
{
	struct insn load = READ(0x48, 0x8b, 0x43, 0x18), store = READ(0x4d, 0x89, 0x7c, 0x24, 0x18);
	struct insn far = READ(0x48, 0x8b, 0x83, 0, 1, 0, 0), narrow = READ(0x8b, 0x43, 0x18);

	cr_assert(load.move.len == 4 && !load.move.stores);
	cr_assert(load.move.reg == 0 && load.move.base == 3 && load.move.offset == 24);
	cr_assert(store.move.len == 5 && store.move.stores);
	cr_assert(store.move.reg == 15 && store.move.base == 12 && store.move.offset == 24);
	cr_assert_eq(far.move.len, 0);
	cr_assert_eq(narrow.move.len, 0);
}

Test(insn, reads_sources)
{
	struct insn word = READ(0x48, 0x8b, 0x05, 0x10, 0, 0, 0);
	struct insn address = READ(0x48, 0x8d, 0x3d, 0xf9, 0xff, 0xff, 0xff);
	struct insn thread = READ(0x64, 0x48, 0x8b, 0x04, 0x25, 0xf8, 0xff, 0xff, 0xff);
	struct insn member = READ(0x48, 0x8b, 0x40, 0x20);

	cr_assert(word.source.kind == SOURCE_WORD && word.source.base == BASE_CODE);
	cr_assert_eq(word.source.place, AT + 7 + 0x10);
	cr_assert(address.source.kind == SOURCE_ADDRESS && address.source.base == BASE_CODE);
	cr_assert_eq(address.source.place, AT);
	cr_assert(thread.source.kind == SOURCE_WORD && thread.source.base == BASE_THREAD);
	cr_assert_eq(thread.source.place, -8);
	cr_assert(member.source.kind == SOURCE_WORD && member.source.base == BASE_REGISTER);
	cr_assert(member.source.reg == machine.result && member.source.place == 32);
	cr_assert_eq(READ(0x48, 0x89, 0xc3).source.kind, SOURCE_NONE);
}

Test(insn, nothing_is_read_of_what_is_cut_off)
{
	struct insn_reader *r = insn_reader_new();
	const uint8_t call[] = {0xe8, 1, 0, 0, 0};
	struct insn insn;

	for (size_t len = 0; len < sizeof(call); len++)
		cr_assert_not(insn_read(r, call, len, AT, &insn));
	insn_reader_free(r);
}

/* ---- scans ----------------------------------------------------------------------------------- */

static bool keep(void *ctx, uint64_t vaddr)
{
	*(uint64_t *)ctx = vaddr;
	return true;
}

Test(scan, finds_moves_wherever_they_begin)
{
	static const uint8_t code[] = {0x90, 0x48, 0x8b, 0x43, 0x18, 0x48, 0x89, 0x45, 0x18, 0xc3};
	const struct scan s = {code, sizeof(code), AT};
	struct insn_move m;
	size_t at = 0;

	cr_assert(scan_move(&s, 24, &at, &m));
	cr_assert(at == 2 && !m.stores && m.base == 3);
	cr_assert(scan_move(&s, 24, &at, &m));
	cr_assert(at == 6 && m.stores && m.base == 5);
	cr_assert_not(scan_move(&s, 24, &at, &m));
	at = 0;
	cr_assert_not(scan_move(&s, 24 + 256, &at, &m));
}

Test(scan, finds_tests_of_a_byte)
{
	static const uint8_t code[] = {0x80, 0x7b, 0x45, 0, 0x74, 0, 0x41, 0x80, 0x7c, 0x24,
				       0x45, 0,	   0x74, 0, 0,	  0, 0,	   0,	 0,    0};
	const struct scan s = {code, sizeof(code), AT};
	uint64_t place[3];

	cr_assert_eq(scan_byte_tests(&s, 0x45, place, 3), 2);
	cr_assert(place[0] == AT && place[1] == AT + 6);
	cr_assert_eq(scan_byte_tests(&s, 0x45, place, 1), 1);
}

Test(scan, finds_tests_of_a_word)
{
	/* cmpw $0, 0x100(%rip); then a load of it, which is none */
	static const uint8_t test[] = {0x66, 0x83, 0x3d, 0, 1, 0, 0, 0, 0x75, 0, 0x90, 0x90};
	static const uint8_t load[] = {0x90, 0x90, 0x90, 0x66, 0x8b, 0x05, 0, 1, 0, 0, 0x90, 0x90};
	uint64_t found = 0;

	cr_assert(scan_word_tests(&(struct scan){test, sizeof(test), AT}, AT + 8 + 0x100, keep,
				  &found));
	cr_assert_eq(found, AT + 8);
	cr_assert_not(scan_word_tests(&(struct scan){load, sizeof(load), AT}, AT + 10 + 0x100, keep,
				      &found));
	cr_assert(
		scan_word_tests(&(struct scan){load, sizeof(load), AT}, AT + 0x400, keep, &found));
}
