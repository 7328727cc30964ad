# SPDX-License-Identifier: MIT
"""An image of one layer as an OCI layout, https://github.com/opencontainers/image-spec. The same
files and the same date give the same bytes, which tools that take times from the clock do not."""
import datetime
import gzip
import hashlib
import io
import json
import tarfile

ROOT_USER = b"root:x:0:0:root:/:/sbin/nologin\n"
TYPE = "application/vnd.oci.image.%s.v1%s"


def when(epoch):
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def folders(paths):
    """Every folder above the paths."""
    return {"/".join(parts[:n]) for parts in (path.split("/") for path in paths)
            for n in range(1, len(parts))}


def layer(files, epoch):
    """A tar archive, sorted; all is root's, and as old as the image. What has no bytes is a folder."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(folders(files) | set(files)):
            entry = tarfile.TarInfo(path)
            entry.mtime = epoch
            data, entry.mode = files.get(path, (None, 0o755))
            entry.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            entry.size = len(data or b"")
            tar.addfile(entry, io.BytesIO(data or b""))
    return archive.getvalue()


def text(value):
    return json.dumps(value, sort_keys=True, indent=1).encode() + b"\n"


class Layout:
    """A folder that the parts of an image are put into, each under its digest."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_bytes(text({"imageLayoutVersion": "1.0.0"}))

    def add(self, kind, data):
        """What others name the part by."""
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(data)
        return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data)}

    def finish(self, manifest, name, tag):
        manifest["annotations"] = {"org.opencontainers.image.ref.name": tag,
                                   "io.containerd.image.name": "%s:%s" % (name, tag)}
        (self.folder / "index.json").write_bytes(text({
            "schemaVersion": 2, "mediaType": TYPE % ("index", "+json"), "manifests": [manifest]}))


def write(folder, files, settings, epoch, name, tag, level=9):
    """settings: the `config` of the image, https://github.com/opencontainers/image-spec config.md."""
    files = {"etc/passwd": (ROOT_USER, 0o644), **files}
    layout, archive = Layout(folder), layer(files, epoch)
    config = {
        "architecture": "amd64", "os": "linux", "created": when(epoch), "config": settings,
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(archive).hexdigest()]},
        "history": [{"created": when(epoch), "created_by": "./dev image"}],
    }
    manifest = {
        "schemaVersion": 2, "mediaType": TYPE % ("manifest", "+json"),
        "config": layout.add(TYPE % ("config", "+json"), text(config)),
        "layers": [layout.add(TYPE % ("layer", ".tar+gzip"), gzip.compress(archive, level, mtime=0))],
    }
    layout.finish(layout.add(TYPE % ("manifest", "+json"), text(manifest)), name, tag)
