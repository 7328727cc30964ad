/* SPDX-License-Identifier: MIT */
#include "silence.h"

void silence_explain(const struct config *c, const struct targets *t, const struct ui *ui)
{
	char children[384];

	targets_untraced_children(t, children, sizeof(children));
	if (children[0])
		ui_note(ui,
			"no matching call was seen, but the target has Python children: %s; "
			"trace them with --pid, or all with --follow",
			children);
	else if (c->prefix.count)
		ui_note(ui,
			"no call matched the prefix '%s': is it the module's dotted name "
			"(__main__ for a script)?",
			c->prefix.at[0]);
	else
		ui_note(ui,
			"no calls outside the standard library and installed packages were seen; "
			"use --prefix to trace a package");
}
