# SPDX-License-Identifier: MIT
"""A container that does what it can against a tracer of the node, with a mount namespace and
processes of its own; run as root. Each thing is done again and again, side by side.

    hostile.py FOLDER CGROUP SECONDS LIBPYTHON

Prints how often each was done, as JSON.
"""
import collections
import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
import uuid

FOLDER, CGROUP, SECONDS, LIBPYTHON = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
PYTHON = os.path.realpath("/usr/bin/python3")
BASE = 0x400000
BOMB_BYTES = 32768
NOTES = 400  # program headers of a bomb, each of which says that the whole file is a note
done = collections.Counter()
end = time.monotonic() + SECONDS


def elf(code, headers=(), size=0, sections=0, shoff=0):
    """An executable of these instructions, which follow the program headers."""
    number = 1 + len(headers)
    entry = BASE + 64 + 56 * number
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, entry, 64, shoff, 0, 64, 56, number,
                       64, sections, 0)
    size = max(size, 64 + 56 * number + len(code))
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 4096)
    return (head + load + b"".join(headers) + code).ljust(size, b"\1")


def write(name, data):
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755)
    return path


def links():
    """A libpython that is a link to this file, then to that one, while it is hooked."""
    folder = os.path.join(FOLDER, "links")
    names = [shutil.copy(LIBPYTHON, os.path.join(folder, "other-%d" % number)) for number in range(2)]
    names += ["/dev/zero", "/proc/self/mem", "/etc/passwd"]
    library, new = os.path.join(folder, "lib", os.path.basename(LIBPYTHON)), os.path.join(folder, "new")
    while time.monotonic() < end:
        os.symlink(names[done["links"] % len(names)], new)
        os.replace(new, library)
        running = subprocess.Popen([os.path.join(folder, "python"), "-c", "import time; time.sleep(0.1)"],
                                   stderr=subprocess.DEVNULL, env={"PYTHONHOME": "/usr"})
        time.sleep(0.02)
        os.symlink(names[(done["links"] + 1) % len(names)], new)
        os.replace(new, library)
        running.wait()
        done["links"] += 1


def fifos():
    """An interpreter of which only a FIFO has the name, once it runs."""
    while time.monotonic() < end:
        path = os.path.join(FOLDER, "fifos", "python3.%d" % done["fifos"])
        shutil.copy(PYTHON, path)
        running = subprocess.Popen([path, "-c", "import time; time.sleep(0.2)"])
        os.unlink(path)
        os.mkfifo(path)
        running.wait()
        os.unlink(path)
        done["fifos"] += 1


def bombs():
    """An interpreter by its name, of which every table says that it is larger than anything."""
    note = struct.pack("<IIQQQQQQ", 4, 4, 0, BASE, BASE, BOMB_BYTES, BOMB_BYTES, 4)
    pause = b"\xb8\x22\x00\x00\x00\x0f\x05"  # mov $34, %eax; syscall
    path = write("bombs/python3.11", elf(pause + b"\xeb\xf7", [note] * NOTES, BOMB_BYTES, 0, 1024))
    while time.monotonic() < end:
        running = subprocess.Popen([path])
        time.sleep(0.05)
        assert running.poll() is None
        running.kill()
        running.wait()
        done["bombs"] += 1


def execs():
    """A program that writes a byte and becomes itself again."""
    text = os.path.join(FOLDER, "execs", "python3").encode() + b"\0"
    code = (b"\xb8\x01\0\0\0\xbf\x01\0\0\0\x48\xc7\xc6" + struct.pack("<I", BASE) +  # write(1, BASE, 1)
            b"\xba\x01\0\0\0\x0f\x05\xb8\x3b\0\0\0\x48\x8d\x3d\x06\0\0\0\x31\xf6\x31\xd2\x0f\x05")
    running = subprocess.Popen([write("execs/python3", elf(code + text))], stdout=subprocess.PIPE)
    while time.monotonic() < end:
        done["execs"] += len(os.read(running.stdout.fileno(), 65536))
    running.kill()
    running.wait()


def names():
    """A process that is of another container each time one looks."""
    running = subprocess.Popen(["/bin/sleep", "1000"])
    while time.monotonic() < end:
        name = os.path.join(CGROUP, "cri-containerd-%s.scope" % (uuid.uuid4().hex * 2))
        os.mkdir(name)
        for place in (name, CGROUP):
            with open(os.path.join(place, "cgroup.procs"), "w") as file:
                file.write(str(running.pid))
        os.rmdir(name)
        done["names"] += 1
    running.kill()
    running.wait()


def pods():
    """A Python in a pod of its own after the other, with as much of an environment as there can be."""
    env = {"OTEL_SERVICE_NAME": "x" * 100_000, "PYTHONHOME": "/usr"}
    env.update(("OTEL_RESOURCE_ATTRIBUTES%d" % number, "k=v," * 25_000) for number in range(12))
    while time.monotonic() < end:
        pod = os.path.join(CGROUP, "kubepods-pod%s.slice" % str(uuid.uuid4()).replace("-", "_"))
        place = os.path.join(pod, "cri-containerd-%s.scope" % (uuid.uuid4().hex * 2))
        os.makedirs(place)
        inside = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
        subprocess.run(["/bin/sh", "-c", inside, place, PYTHON, "-S", "-c", "pass"], env=env, check=True)
        os.rmdir(place)
        os.rmdir(pod)
        done["pods"] += 1


threads = [threading.Thread(target=target) for target in (links, fifos, bombs, execs, names, pods)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(done))
