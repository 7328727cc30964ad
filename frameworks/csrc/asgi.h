/* SPDX-License-Identifier: MIT */
/*
 * Around an ASGI application: of http scopes; others go through untouched. The response ends when
 * the last of its body is sent, else when the application does.
 */
#ifndef FT_ASGI_H
#define FT_ASGI_H

#include "python.h"

extern PyTypeObject asgi_type;
int asgi_init(void);

#endif
