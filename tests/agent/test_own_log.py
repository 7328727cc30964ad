# SPDX-License-Identifier: MIT
"""A program that opens its own log finds every call in it that has ended, whatever way it takes."""
import pytest

WAYS = """
import codecs, io, mmap, os, pathlib, shutil, signal, subprocess, sys, threading
from flowtrace_agent import Config, start_tracing, stop_tracing

def call(n):
    return n

def os_open(path, **how):
    with open(os.open(path, os.O_RDONLY, **how)) as file:
        return file.read()

def copied(path):
    shutil.copyfile(path, "copy")
    return open("copy").read()

def linked(path, link):
    link(path, "link")
    try:
        return open("link").read()
    finally:
        os.remove("link")

def elsewhere(path):
    os.chdir("/")
    try:
        return open(os.path.relpath(path)).read()
    finally:
        os.chdir(here)

def below(path):
    folder = os.open(here, os.O_RDONLY)
    try:
        return os_open("log", dir_fd=folder)
    finally:
        os.close(folder)

def renamed(path):
    os.rename(path, "old")
    try:
        return open("old").read()
    finally:
        os.rename("old", path)

def mapped(path):
    with open(path) as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)[:].decode()

def again(path):
    with open(os.dup(kept.fileno())) as file:
        file.seek(0)
        return file.read()

def spawned(path):
    os.waitpid(os.posix_spawn("/bin/cp", ["cp", path, "copy"], os.environ), 0)
    return open("copy").read()

def by_system(path):
    os.system("cat log > copy")
    return open("copy").read()

def forked(path):
    pid = os.fork()
    if not pid:
        fork_of_c = os.open("copy", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(fork_of_c, open(path, "rb").read())
        os._exit(0)
    os.waitpid(pid, 0)
    return open("copy").read()

def in_thread(path):
    found = []
    thread = threading.Thread(target=lambda: found.append(open(path).read()))
    thread.start()
    thread.join()
    return found[0]

def in_handler(path):
    found = []
    signal.signal(signal.SIGUSR1, lambda *a: found.append(open(path).read()))
    os.kill(os.getpid(), signal.SIGUSR1)
    while not found:
        pass
    return found[0]

class AtEnd:
    def __del__(self):
        AtEnd.found = open(self.path).read()

def in_finalizer(path):
    end = AtEnd()
    end.path, end.self = path, end
    del end
    __import__("gc").collect()
    return AtEnd.found

ways = dict(
    open=lambda path: open(path).read(),
    append=lambda path: open(path, "a+").seek(0) or open(path).read(),
    io=lambda path: io.open(path, encoding="utf-8").read(),
    codecs=lambda path: codecs.open(path).read(),
    code=lambda path: io.open_code(path).read().decode(),
    bytes=lambda path: open(os.fsencode(path)).read(),
    pathlib=lambda path: pathlib.Path(path).read_text(),
    path=lambda path: open(pathlib.Path(path)).read(),
    os=os_open, os_path=lambda path: os_open(pathlib.Path(path)),
    cat=lambda path: subprocess.run(["cat", path], stdout=subprocess.PIPE).stdout.decode(),
    popen=lambda path: os.popen("cat log").read(),
    hard=lambda path: linked(path, os.link), soft=lambda path: linked(path, os.symlink),
    copied=copied, elsewhere=elsewhere, below=below, renamed=renamed, mapped=mapped, again=again,
    spawned=spawned, system=by_system, forked=forked, thread=in_thread, handler=in_handler,
    finalizer=in_finalizer)
here = os.getcwd()
path = os.path.abspath("log")

for turn in range(3):
    start_tracing(Config(package_prefix="__main__", logfile="log"))
    kept = open(path)
    for name in ways:
        token = "%s-%d" % (name, turn)
        call(token)
        text = ways[name](path)
        assert text.endswith("\\n"), text[-80:]
        assert text.count('"result": "\\\\"%s\\\\""' % token) == 1, (name, text[-400:])
    stop_tracing()
    kept.close()
print("all")
"""


def test_ways(agent):
    """Each right after a call; three times each, in three runs."""
    agent.write("ways.py", WAYS.replace("fork_of_c", "out"))
    _, out, _ = agent.python("ways.py", env={"PYTHONMALLOC": "debug"})
    assert out == "all\n"


def test_standard_output(agent):
    """Standard output that is a file, alone and beside the log."""
    program = agent.write("out.py", """
        import sys
        from flowtrace_agent import Config, start_tracing

        def call(n):
            return n

        for logfile in "-", "log":
            start_tracing(Config(package_prefix="__main__", logfile=logfile, stdout=True))
            call(logfile)
            found = open("out").read()
            assert '"result": "\\\\"%s\\\\""' % logfile in found, found
        print("all", file=sys.stderr)
        """)
    _, _, errors = agent.python("-c", "import os\n"
                                "os.dup2(os.open('out', os.O_CREAT | os.O_WRONLY), 1)\n"
                                "exec(open(%r).read())" % program)
    assert errors == "all\n"


@pytest.mark.parametrize("end", ["os.execv('/bin/true', ['true'])",
                                 "os.kill(os.getpid(), 9)"])
def test_last_calls(agent, end):
    """What the process is replaced by, or killed by itself: all calls before are in the log."""
    agent.write("ends.py", """
        import os

        def call(n):
            return n

        for n in range(1000):
            call(n)
        %s
        """ % end)
    agent.command("-P", "__main__", "-o", "log", "ends.py", check=None)
    ended = [event for event in agent.events("log")
             if event["event"] == "EXIT" and event["function"] == "call"]
    assert len(ended) == 1000


def test_many_at_once(agent):
    """Threads that open the log and start programs, while runs begin and end: nobody waits for a
    writer that is gone."""
    agent.run("""
        import os, subprocess, sys, threading, time
        from flowtrace_agent import Config, start_tracing, stop_tracing

        def call(n):
            return n

        def loop(me):
            n = 0
            while not done:
                n += 1
                call((me, n))
                text = open("log").read()
                if me == 0 and n % 10 == 0:
                    pid = os.fork()
                    if not pid:
                        call(n)
                        open("log").read()
                        os._exit(0)
                    os.waitpid(pid, 0)

        done = False
        open("log", "w").close()
        threads = [threading.Thread(target=loop, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            start_tracing(Config(package_prefix="__main__", logfile="log"))
            time.sleep(0.002)
            stop_tracing()
            os.truncate("log", 0)
        done = True
        for thread in threads:
            thread.join()
        """, timeout=30)


def test_stalled_output(agent):
    """Standard output that nobody reads: the program waits for it once, and for a second."""
    if agent.minor() != 11:
        pytest.skip("the same in every release")
    _, out, _ = agent.python("-c", """if True:
        import os, subprocess, sys
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        child = subprocess.Popen([sys.executable, "-c", '''if True:
            import sys, time
            from flowtrace_agent import Config, start_tracing

            def call(text):
                return text

            start_tracing(Config(package_prefix="__main__", logfile="log", stdout=True))
            for n in range(150):
                call("x" * 900)
            began = time.monotonic()
            for n in range(50):
                open("log").read()
            print(time.monotonic() - began, file=sys.stderr, flush=True)
            import os
            os._exit(0)
            '''], stdout=writer, stderr=subprocess.PIPE)
        print(child.communicate()[1].decode())
        """)
    assert float(out) < 3, out


def test_refused(agent):
    """A program that lets nobody listen to its audit events is traced all the same."""
    _, out, _ = agent.run("""
        import sys
        from flowtrace_agent import Config, start_tracing, stop_tracing

        def hook(event, args):
            if event == "sys.addaudithook":
                raise RuntimeError("no")

        def call(n):
            return n

        sys.addaudithook(hook)
        start_tracing(Config(package_prefix="__main__", logfile="log"))
        call(1)
        stop_tracing()
        print("alive")
        """)
    assert out == "alive\n" and len(agent.events("log")) == 2
