/* SPDX-License-Identifier: MIT */
/* A file of the tree as a text in the program: EMBED(name, "path") defines `const char name[]`. */
#ifndef FT_EMBED_H
#define FT_EMBED_H

#define EMBED(name, path)                                                                          \
	extern const char name[];                                                                  \
	__asm__(".pushsection .rodata\n" #name ":\n.incbin \"" path "\"\n.byte 0\n.popsection\n")

#endif
