# SPDX-License-Identifier: MIT
"""The stack of a BPF program and of all that it calls is 512 bytes. The verifier counts for us, but
each kernel in its own way; the first ones are the strictest, and they do not run here."""
import re
import subprocess
from pathlib import Path

import pytest

OBJECT = Path(__file__).resolve().parents[2] / "build/bpf/flowtrace.linked.o"
STACK = 512
FRAMES = 8
ROUND = 32  # kernel/bpf/verifier.c, check_max_stack_depth; 16 from 6.8 on

FUNCTION = re.compile(r"^[0-9a-f]+ <(?!LBB)(\w+)>:$")  # no labels
ACCESS = re.compile(r"\(r10 - (0x[0-9a-f]+|\d+)\)")
ADDRESS = re.compile(r"(r\d) = r10$")
ADDED = re.compile(r"(r\d) \+= -(\d+)$")
CALLED = re.compile(r"R_BPF_64_32\s+(\w+)$")


def functions():
    """{name: (bytes of its own stack, names that it calls)}"""
    text = subprocess.run(["llvm-objdump", "-d", "-r", "--no-show-raw-insn", OBJECT], check=True,
                          text=True, stdout=subprocess.PIPE).stdout
    found, depth, calls, address = {}, [], set(), None
    for line in text.splitlines():
        if match := FUNCTION.match(line):
            depth, calls = [0], set()
            found[match[1]] = depth, calls
        elif match := CALLED.search(line):
            calls.add(match[1])
        else:
            depth += [int(offset, 0) for offset in ACCESS.findall(line)]
            added = ADDED.search(line)
            if added and added[1] == address:
                depth.append(int(added[2]))
            match = ADDRESS.search(line)
            address = match[1] if match else None
    return {name: (max(depth), calls) for name, (depth, calls) in found.items()}


@pytest.fixture(name="chains", scope="module")
def all_chains():
    """{name: [(bytes, name), ...]}: the deepest way down from each."""
    if not OBJECT.exists():
        pytest.skip("not built")
    known, deepest = functions(), {}

    def chain(name):
        if name not in deepest:
            own, calls = known[name]
            below = max(map(chain, calls), key=lambda c: sum(b for b, _ in c), default=[])
            deepest[name] = [(-(-max(own, 1) // ROUND) * ROUND, name), *below]
        return deepest[name]

    return {name: chain(name) for name in known}


def test_every_function_is_seen(chains):
    """What this reads is still what llvm-objdump writes."""
    assert len(chains) > 80
    assert {"ft_resume", "ft_return", "ft_traceback", "ft_reap", "ft_step"} <= set(chains)
    assert sum(len(chain) > 3 for chain in chains.values()) > 10


def test_stack(chains):
    """No way down from any function takes more than there is."""
    deep = ["%d bytes: %s" % (sum(b for b, _ in chain), " ".join("%s=%d" % (n, b) for b, n in chain))
            for chain in chains.values()
            if sum(b for b, _ in chain) > STACK or len(chain) > FRAMES]
    assert not deep, "\n".join(deep)


def test_hooks_keep_the_stack_of_their_task():
    """Every program at a hook has a tail call, by which no kernel gives it a stack that tasks share
    (bpf/hook.bpf.h)."""
    if not OBJECT.exists():
        pytest.skip("not built")
    text = subprocess.run(["llvm-objdump", "-d", "--no-show-raw-insn", "-j", "uprobe", "-j", "uretprobe",
                           OBJECT], check=True, text=True, stdout=subprocess.PIPE).stdout
    programs = re.split(r"^[0-9a-f]+ <(ft_\w+)>:$", text, flags=re.M)[1:]
    programs = dict(zip(programs[::2], programs[1::2]))
    assert {"ft_resume", "ft_agent_enter", "ft_gc_return", "ft_context_copied"} <= set(programs)
    assert len(programs) > 15
    without = [name for name, code in programs.items() if not re.search(r"\bcall (?:0xc|12)$", code, re.M)]
    assert not without, "defined without FT_HOOK(): " + " ".join(without)
