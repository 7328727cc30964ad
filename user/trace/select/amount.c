/* SPDX-License-Identifier: MIT */
#include "base/duration.h"
#include "select/amount.h"

#define NS_PER_US 1000.0L

/* By whole numbers only: 1500ns is exactly 1.5, and 2^64 - 1 of microseconds stay what they are. */
static long double microseconds(const struct duration *d)
{
	if (d->unit_ns < NS_PER_US)
		return d->n / (NS_PER_US / d->unit_ns);
	return d->n * (d->unit_ns / NS_PER_US);
}

bool amount_parse(const char *s, size_t len, struct amount *ret_amount)
{
	bool percent = len && s[len - 1] == '%';
	struct duration d;

	if (!duration_parse(s, len - percent, &d) || (percent && d.unit_ns > 0))
		return false;
	if (d.unit_ns > 0)
		*ret_amount = (struct amount){microseconds(&d), AMOUNT_TIME};
	else
		*ret_amount = (struct amount){d.n, percent ? AMOUNT_PERCENT : AMOUNT_PLAIN};
	return true;
}
