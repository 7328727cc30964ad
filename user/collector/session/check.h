/* SPDX-License-Identifier: MIT */
/*
 * --check: would this process be traced, how, and what would be seen of it? Does all that tracing
 * does short of hooking: the process is examined, the programs are loaded and unloaded. Nothing is
 * attached.
 */
#ifndef FT_CHECK_H
#define FT_CHECK_H

#include "attach/attach.h"
#include "config.h"
#include "cpython/cpython.h"
#include "prepare.h"

struct check {
	pid_t pid;
	struct prepared found; /* what was found: perhaps no binary, no hooks */
	const char *link;      /* static: how the interpreter is linked; "" = not known */
	const char *unseen[CPYTHON_UNSEEN_MAX];
	int nunseen;
	struct attach_feature feature[ATTACH_FEATURES_MAX];
	int nfeatures;
	char kernel[132]; /* its release and machine */
	struct why why;	  /* exit_status: that of tracing; 0 = it can be traced */
};

/* To be released with check_release(), whatever the result. */
void check_process(pid_t pid, const struct config *c, struct check *ret_check);
void check_release(struct check *check);

#endif
