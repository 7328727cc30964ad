/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "arch/usdt_number.h"

/* By number in an instruction: whole, and the halves and quarters of it. */
static const char *const registers[][4] = {
	{"rax", "eax", "ax", "al"},	 {"rcx", "ecx", "cx", "cl"},
	{"rdx", "edx", "dx", "dl"},	 {"rbx", "ebx", "bx", "bl"},
	{"rsp", "esp", "sp", "spl"},	 {"rbp", "ebp", "bp", "bpl"},
	{"rsi", "esi", "si", "sil"},	 {"rdi", "edi", "di", "dil"},
	{"r8", "r8d", "r8w", "r8b"},	 {"r9", "r9d", "r9w", "r9b"},
	{"r10", "r10d", "r10w", "r10b"}, {"r11", "r11d", "r11w", "r11b"},
	{"r12", "r12d", "r12w", "r12b"}, {"r13", "r13d", "r13w", "r13b"},
	{"r14", "r14d", "r14w", "r14b"}, {"r15", "r15d", "r15w", "r15b"},
};

/* "%r12" and what follows; NULL: it is not one. */
static const char *take_register(const char *s, uint8_t *ret)
{
	size_t len = *s == '%' ? strspn(++s, "abcdefghijklmnopqrstuvwxyz0123456789") : 0;

	for (uint8_t i = 0; len && i < sizeof(registers) / sizeof(registers[0]); i++)
		for (int part = 0; part < 4; part++)
			if (strlen(registers[i][part]) == len &&
			    !memcmp(registers[i][part], s, len)) {
				*ret = i;
				return s + len;
			}
	return NULL;
}

/* A whole number of 32 bits, "" is 0; NULL: it is larger. */
static const char *take_offset(const char *s, int32_t *ret)
{
	char *end;
	long value = strtol(s, &end, 0);

	*ret = (int32_t)value;
	return value < INT32_MIN || value > INT32_MAX ? NULL : end;
}

/* "-4@": the size, negative where it has a sign. */
static const char *take_size(const char *s, struct ft_number *n)
{
	n->has_sign = *s == '-';
	s += n->has_sign;
	n->size = *s - '0';
	if ((*s != '1' && *s != '2' && *s != '4' && *s != '8') || s[1] != '@')
		return NULL;
	return s + 2;
}

static const char *take_place(const char *s, struct ft_number *n)
{
	if (*s == '%') {
		n->how = FT_NUMBER_REGISTER;
		return take_register(s, &n->reg);
	}
	if (*s == '$') {
		n->how = FT_NUMBER_CONSTANT;
		return take_offset(s + 1, &n->offset);
	}
	n->how = FT_NUMBER_MEMORY;
	s = take_offset(s, &n->offset);
	s = s && *s == '(' ? take_register(s + 1, &n->reg) : NULL;
	return s && *s == ')' ? s + 1 : NULL;
}

int usdt_number(const char *arguments, int n, struct ft_number *ret_number)
{
	struct ft_number number = {0};
	const char *s = arguments;

	while (--n > 0 && *s) {
		s += strcspn(s, " ");
		s += strspn(s, " ");
	}
	if (!*s)
		return -ENOENT;
	s = take_size(s, &number);
	s = s ? take_place(s, &number) : NULL;
	if (!s || (*s && *s != ' '))
		return -EINVAL;
	*ret_number = number;
	return 0;
}
