# SPDX-License-Identifier: MIT
"""An API server of pods that does what a test says: answers, or answers wrongly. By HTTPS, with a token,
on a port of this machine. The pods, the list and the watch are as Kubernetes documents them."""
import contextlib
import http.server
import json
import queue
import socket
import ssl
import subprocess
import threading
import urllib.parse

NODE = "node-7"


def pod_of(name, uid, container=None, labels=None, annotations=None, owner=None, namespace="prod"):
    """owner: (kind, name); container: (name, id)."""
    meta = {"name": name, "namespace": namespace, "uid": uid, "labels": labels or {},
            "annotations": annotations or {}}
    if owner:
        meta["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
    statuses = [{"name": container[0], "containerID": "containerd://" + container[1]}] if container else []
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": {"nodeName": NODE},
            "status": {"containerStatuses": statuses}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        api = self.server.api
        path, _, query = self.path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with api.lock:
            wrong = api.wrong.pop(0) if api.wrong else None
            api.requests.append(("watch" if "watch" in asked else "list", asked, wrong))
        with contextlib.suppress(OSError):
            if wrong:
                return wrong(self)
            if token != api.token:
                return self.answer(401, {"kind": "Status", "code": 401})
            assert path == "/api/v1/pods" and asked["fieldSelector"] == "spec.nodeName=" + NODE
            return self.watch(asked) if "watch" in asked else self.list(asked)
        self.close_connection = True

    def answer(self, status, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def list(self, asked):
        api = self.server.api
        with api.lock:
            pods, version = list(api.pods.values()), api.version
        begin = int(asked.get("continue", "0"))
        some = pods[begin:begin + api.part]
        meta = {"resourceVersion": str(version)}
        if begin + api.part < len(pods):
            meta["continue"] = str(begin + api.part)
        self.answer(200, {"kind": "PodList", "metadata": meta, "items": some})

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def watch(self, asked):
        events = self.server.api.begin_watch(int(asked["resourceVersion"]))
        self.begin_stream()
        while True:
            event = events.get()
            if event is None:  # the server ends
                self.close_connection = True
                return
            if event == "end":  # the watch does, as it should
                self.wfile.write(b"0\r\n\r\n")
                return
            self.chunk(json.dumps(event).encode() + b"\n")


# ---- wrong answers, each for one request ------------------------------------------------------------


def status(code):
    return lambda h: h.answer(code, {"kind": "Status", "code": code})


def closes(h):
    h.close_connection = True
    h.connection.shutdown(socket.SHUT_RDWR)


def half(h):
    """Half of a document, then the end of the connection."""
    h.begin_stream()
    h.chunk(b'{"type":"ADDED","object":{"metadata":{"name":"x","uid"')
    closes(h)


def garbage(h):
    h.answer(200, b"<html>" + bytes(range(256)) * 40)


def says_gone(h):
    """Of a watch: its resourceVersion is too old."""
    h.begin_stream()
    h.chunk(b'{"type":"ERROR","object":{"kind":"Status","code":410}}\n')
    h.wfile.write(b"0\r\n\r\n")


def huge(h):
    """An event of 64 MB, of which no byte may be kept for long."""
    h.begin_stream()
    for _ in range(64):
        h.chunk(b"[" * (1 << 20))
    h.chunk(b"\n")
    h.wfile.write(b"0\r\n\r\n")


def hangs(h):
    h.server.api.hang.wait(60)
    closes(h)


class Api:
    """A context manager: the server runs. down() and up() again, as when it is restarted."""

    def __init__(self, folder):
        self.folder, self.token, self.part = folder, "first", 100
        self.pods, self.version = {}, 10
        self.history, self.watchers, self.wrong, self.requests = [], [], [], []
        self.lock, self.hang = threading.RLock(), threading.Event()
        self.port = None
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-subj", "/CN=api", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
             "-keyout", folder / "key", "-out", folder / "ca.crt"], check=True, capture_output=True)
        self.write_token(self.token)

    def write_token(self, token):
        (self.folder / "token").write_text(token + "\n")

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *exception):
        self.hang.set()
        self.down()

    def up(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port or 0), Handler)
        self.server.daemon_threads, self.server.api = True, self
        self.port = self.server.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "ca.crt", self.folder / "key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self):
        self.server.shutdown()
        self.server.server_close()
        self.tell(None)

    def options(self):
        return ["--metadata", "api", "--api-server", "https://127.0.0.1:%d" % self.port,
                "--api-credentials", self.folder]

    def begin_watch(self, version):
        events = queue.Queue()
        with self.lock:
            for at, event in self.history:
                if at > version:
                    events.put(event)
            self.watchers.append(events)
        return events

    def tell(self, event):
        """None: the connections end; "end": the watches do."""
        with self.lock:
            for events in self.watchers:
                events.put(event)
            if event in (None, "end"):
                self.watchers.clear()

    def change(self, kind, pod):
        with self.lock:
            self.version += 1
            pod["metadata"]["resourceVersion"] = str(self.version)
            if kind == "DELETED":
                del self.pods[pod["metadata"]["uid"]]
            else:
                self.pods[pod["metadata"]["uid"]] = pod
            event = {"type": kind, "object": json.loads(json.dumps(pod))}
            self.history.append((self.version, event))
            self.tell(event)

    def add(self, pod):
        self.change("ADDED", pod)

    def kinds(self):
        with self.lock:
            return [kind for kind, _, _ in self.requests]
