/* SPDX-License-Identifier: MIT */
#include "report_page.h"

#ifdef FT_REPORT_PAGE
__asm__(".section .rodata\n"
	"report_page_start:\n"
	".incbin \"" FT_REPORT_PAGE "\"\n"
	"report_page_end:\n"
	".byte 0\n"
	".previous\n");

extern const char report_page_start[], report_page_end[];

const char *report_page(size_t *ret_len)
{
	*ret_len = (size_t)(report_page_end - report_page_start);
	return report_page_start;
}
#else
const char *report_page(size_t *ret_len)
{
	*ret_len = 0;
	return NULL;
}
#endif
