/* SPDX-License-Identifier: MIT */
/* The ways to pack files of events, each a file here that ends in its struct packing. */
#ifndef FT_PACKINGS_H
#define FT_PACKINGS_H

#include "base/packing.h"

extern const struct packing packing_gzip, packing_zstd;
/* All of them, then NULL. */
extern const struct packing *const packings[];

#endif
