# SPDX-License-Identifier: MIT
"""Two views of one run: calls that the interpreter's own tracing saw, or the agent, and those that
the collector saw of the same process. Nothing is masked: addresses are equal too.

Both see a call of flowtrace_truth.mark() at the beginning and at the end (truth.py --mark,
marked.py): what one of them saw before or after is not compared.
"""
import collections

from compare import Comparison, leave_dropped_open, name_of

MARK = "flowtrace_truth"


def between_marks(trace):
    """Keeps the calls that began between the marks; one that ended after them counts as open."""
    marks = [call.at_us[0] for call in trace.calls
             if call.module == MARK and call.function == "mark"]
    assert len(marks) == 2, "%d marks" % len(marks)
    trace.calls = [call for call in trace.calls
                   if call.module != MARK and marks[0] <= call.at_us[0] <= marks[1]]
    kept = set(map(id, trace.calls))
    for call in trace.calls:
        if id(call.parent) not in kept:
            call.parent = None
        if call.end is not None and call.at_us[1] > marks[1]:
            call.end = call.result = call.exception = None
    return trace


def by_tid(calls):
    """Calls of each thread, in the order of their starts."""
    table = collections.defaultdict(list)
    for call in calls:
        table[call.tid].append(call)
    return table


class OneRun(Comparison):
    """The collector against the interpreter's own tracing."""

    def __init__(self, trace, truth, minor):
        between_marks(trace)
        if minor >= 13:
            leave_dropped_open(trace, truth)
        self.left_out = self.leave_unseen_threads(trace, truth, minor)
        self.twin = {}  # a call of the trace -> that of the truth
        super().__init__(trace, truth, truth, mask=str)
        self.differences += list(self.wrong_parents())
        self.compared["calls of threads without truth"] = self.left_out

    @staticmethod
    def leave_unseen_threads(trace, truth, minor):
        """sys.settrace sees threads of the module threading alone, or parts of others: gevent hands
        it on to its own for as long as a task runs there."""
        if minor >= 12:
            return 0
        truth[:] = [call for call in truth if call.thread != "Thread-%d" % call.tid]
        seen = {call.tid for call in truth}
        before = len(trace.calls)
        trace.calls = [call for call in trace.calls if call.tid in seen]
        return before - len(trace.calls)

    def matched(self, ordered):
        """By thread, in the order of the starts."""
        one, mine = by_tid(self.first), by_tid(self.trace.calls)
        for tid in sorted(set(one) | set(mine)):
            if self.same_shape(tid, one[tid], one[tid], mine[tid]):
                for pair in zip(mine[tid], one[tid]):
                    self.twin[id(pair[0])] = pair[1]
                    yield pair[0], (pair[1], pair[1])

    def wrong_parents(self):
        """Not only a call of the same function: the very call."""
        for call in self.trace.calls:
            truth = self.twin.get(id(call))
            parent = self.twin.get(id(call.parent)) if call.parent else None
            if truth and parent is not truth.parent:
                yield "%s: another parent: %s, truth %s" % (call, name_of(call.parent),
                                                            name_of(truth.parent))


def shown(call):
    """All that is said about a call but when it was, and its span."""
    return (call.key, call.cls, call.file, call.args, call.result, call.exception, call.thread,
            call.cut, call.parent and call.parent.key)


def differing_lines(inside, outside):
    """Where the agent's trace and the collector's differ, line by line, thread by thread."""
    texts = ["%s: %s" % (name, problem) for name, trace in (("agent", inside), ("collector", outside))
             for problem in trace.problems]
    texts += ["%s: %d lost: %s" % (name, trace.lost, dict(trace.reasons))
              for name, trace in (("agent", inside), ("collector", outside)) if trace.lost]
    mine, theirs = by_tid(between_marks(inside).calls), by_tid(between_marks(outside).calls)
    for tid in sorted(set(mine) | set(theirs)):
        if len(mine[tid]) != len(theirs[tid]):
            texts.append("thread %d: agent %d calls, collector %d" % (tid, len(mine[tid]),
                                                                      len(theirs[tid])))
        texts += ["agent     %s\n  collector %s" % (a, b) for a, b in
                  ((shown(one), shown(two)) for one, two in zip(mine[tid], theirs[tid])) if a != b]
    return texts


