/* SPDX-License-Identifier: MIT */
/* In place of libbpf's header of this name: the registers of a call, as the machine has them. */
#ifndef FT_SHIM_BPF_TRACING_H
#define FT_SHIM_BPF_TRACING_H

#define PT_REGS_PARM1(ctx) ((ctx)->di)
#define PT_REGS_PARM2(ctx) ((ctx)->si)
#define PT_REGS_RC(ctx) ((ctx)->ax)

#endif
