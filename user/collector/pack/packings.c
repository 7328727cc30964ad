/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "pack/packings.h"

const struct packing *const packings[] = {&packing_gzip, &packing_zstd, NULL};
