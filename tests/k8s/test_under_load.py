# SPDX-License-Identifier: MIT
"""Six replicas that are asked all the time, and a DaemonSet that traces three of them, while it is
killed, upgraded, or the API server is away: what is in the trace, and what the trace says is not."""
import contextlib
import json
import os
import signal
import time
from pathlib import Path

import cluster
import harness
import pytest
import under_load
from test_daemonset import running, tracers

# What was seen shortly before a SIGKILL is not written yet.
UNWRITTEN_US = 1_000_000
# The clocks of the trace and of those who ask are compared once a run.
CLOCK_US = 20_000
AWAY_S = 30
MOST_GAP_US = 120_000_000  # on a machine with much else to do; a few seconds else


@pytest.fixture(name="daemonset", scope="module")
def start(shops):
    with running(shops) as pod:
        yield pod


def restarts():
    return tracers()[0]["status"]["containerStatuses"][0]["restartCount"]


def other_tracers():
    """Those of this machine's tests, which may hook every Python of the machine too."""
    return [path for path in Path("/proc").glob("[0-9]*/comm") if comm_of(path) == "flowtrace-bpf\n"]


def comm_of(path):
    with contextlib.suppress(OSError):
        return path.read_text()


def outside(requests, begin_us, end_us):
    """Those that were not under way within a time, and how many are left out."""
    chosen = [one for one in requests if one["end"] < begin_us or one["begin"] > end_us]
    return chosen, len(requests) - len(chosen)


def identity(pod):
    status, = pod["status"]["containerStatuses"]
    return {"container": status["containerID"].rpartition("/")[2],
            "k8s": {"namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"],
                    "uid": pod["metadata"]["uid"], "container": "app", "node": "node0",
                    "owner_kind": "Deployment", "owner": "shop"}}


def test_each_request_of_the_chosen_namespace(daemonset, shops, tmp_path):
    """With the right namespace, pod, uid and container; of the others, nothing."""
    before = len(under_load.events())
    with under_load.asked(shops["shop-a"] + shops["shop-b"], tmp_path / "load") as requests:
        time.sleep(6)
    pods = {pod["status"]["podIP"]: pod for pod in shops["shop-a"]}
    chosen = [one for one in requests if one["address"] in pods]
    assert len(chosen) > len(requests) // 3
    lines = under_load.settled(chosen)
    assert not under_load.missing(chosen, lines)
    found = under_load.of_requests(lines)
    wrong = [(event, expected) for one in chosen for expected in [identity(pods[one["address"]])]
             for event in found[one["id"]] if {name: event.get(name) for name in expected} != expected]
    assert not wrong, "%d, as %s instead of %s" % (len(wrong), *map(json.dumps, wrong[0]))
    assert not {one["id"] for one in requests} & set(found) - {one["id"] for one in chosen}
    new = lines[before:]
    others = {cluster.pid_of(pod, "app") for pod in shops["shop-b"]}
    assert not [event for event in new if event.get("pid") in others]
    assert {event["k8s"]["namespace"] for event in new if "k8s" in event} == {"shop-a"}
    assert not under_load.lost(new), under_load.lost(new)
    print("%d requests, %d of the chosen namespace: all are in the trace" % (len(requests), len(chosen)))


def test_killed_tracer_leaves_no_link(daemonset, shops, tmp_path):
    """The application answers on; the trace has all but what is between the kill and the next begin."""
    pids = [cluster.pid_of(pod, "app") for pod in shops["shop-a"]]
    states, restarted = len(under_load.states()), restarts()
    with under_load.asked(shops["shop-a"], tmp_path / "load") as requests:
        time.sleep(3)
        tracer = cluster.pid_of(tracers()[0], "flowtrace")
        held = harness.bpf_ids([tracer])
        links = {number for kind, number in held if kind == "link"}
        assert links and not any(map(harness.is_unhooked, pids))
        killed_us = time.time_ns() // 1000
        os.kill(tracer, signal.SIGKILL)
        cluster.until(lambda: not links & {link["id"] for link in harness.bpftool("link", "show")}, 10, 0.02)
        if not other_tracers():
            assert all(map(harness.is_unhooked, pids))
        cluster.until(lambda: restarts() > restarted and len(under_load.states()) > states, 120)
        time.sleep(2)
    told = under_load.states()[states:]
    assert [state["state"] for state in told] == ["attached"]  # the one that was killed says nothing
    chosen, left_out = outside(requests, killed_us - UNWRITTEN_US, told[0]["timestamp"] + CLOCK_US)
    assert not under_load.missing(chosen, under_load.settled(chosen))
    print("%d links; %d requests, %d of them in the %.1f s from the kill to the next begin" %
          (len(links), len(requests), left_out, (told[0]["timestamp"] - killed_us) / 1e6))


def test_upgrade_says_what_it_misses(daemonset, shops, tmp_path):
    """A rolling update loses the requests between "detached" and "attached", and no other."""
    states = len(under_load.states())
    with under_load.asked(shops["shop-a"], tmp_path / "load") as requests:
        time.sleep(2)
        cluster.kubectl("-n", "flowtrace", "set", "env", "daemonset/flowtrace", "FLOWTRACE_MAX_ITEMS=32")
        cluster.kubectl("-n", "flowtrace", "rollout", "status", "daemonset/flowtrace", "--timeout=180s",
                        timeout=200)
        cluster.until(lambda: len(under_load.states()) >= states + 2)
        time.sleep(2)
    told = under_load.states()[states:]
    assert [(state["state"], state.get("reason")) for state in told] == [
        ("detached", "signal"), ("attached", None)]
    detached, attached = (state["timestamp"] for state in told)
    chosen, left_out = outside(requests, detached - CLOCK_US, attached + CLOCK_US)
    lines = under_load.settled(chosen)
    assert not under_load.missing(chosen, lines)
    assert left_out and under_load.missing(requests, lines)
    assert attached - detached < MOST_GAP_US
    print("%d requests, %d of them in the %.1f s that the upgrade takes" %
          (len(requests), left_out, (attached - detached) / 1e6))
    pod = cluster.until(lambda: [pod for pod in tracers() if cluster.ready(pod)])[0]
    done = cluster.kubectl("-n", "flowtrace", "exec", pod["metadata"]["name"], "--", "flowctl", "check",
                           "/var/lib/flowtrace/trace.jsonl", check=False)
    assert "tracing began again" in done.stdout, done.stdout + done.stderr


def test_nothing_is_lost_while_the_api_server_is_away(daemonset, shops, tmp_path):
    before, restarted = len(under_load.events()), restarts()
    with under_load.asked(shops["shop-a"], tmp_path / "load") as requests:
        time.sleep(1)
        with cluster.away("apiserver"):
            time.sleep(AWAY_S)
        time.sleep(1)
    new = under_load.settled(requests)[before:]
    assert requests[-1]["end"] - requests[0]["begin"] > AWAY_S * 1e6
    assert not under_load.missing(requests, new)
    assert not under_load.lost(new) and not [event for event in new if event["event"] == "STATE"]
    assert restarts() == restarted
    print("%d requests: all are in the trace" % len(requests))
