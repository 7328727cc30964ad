/* SPDX-License-Identifier: MIT */
/* Why a run may have seen no call at all, as a note to the user. */
#ifndef FT_SILENCE_H
#define FT_SILENCE_H

#include "base/ui.h"
#include "config.h"
#include "targets.h"

void silence_explain(const struct config *c, const struct targets *t, const struct ui *ui);

#endif
