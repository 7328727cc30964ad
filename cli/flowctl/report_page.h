/* SPDX-License-Identifier: MIT */
/*
 * The page of `flowctl report` without its data, as cmake/report_page.cmake had it bundled.
 */
#ifndef FT_REPORT_PAGE_H
#define FT_REPORT_PAGE_H

#include <stddef.h>

/* What marks the place where the data goes. */
#define REPORT_PLACE "@FLOWTRACE-DATA@"

/* NULL: this program was built without it. */
const char *report_page(size_t *ret_len);

#endif
