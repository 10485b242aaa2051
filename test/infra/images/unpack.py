"""Unpacks an OCI image archive with Python's library alone, and checks every digest in it.

unpack.py ARCHIVE ROOT: prints the image's configuration and manifest as JSON.
"""

import hashlib
import io
import json
import sys
import tarfile

archive, root = sys.argv[1:]
outer = tarfile.open(archive)


def read(path):
    return outer.extractfile(path).read()


def blob(descriptor):
    algorithm, digest = descriptor["digest"].split(":")
    data = read(f"blobs/{algorithm}/{digest}")
    assert hashlib.new(algorithm, data).hexdigest() == digest, descriptor
    assert len(data) == descriptor["size"], descriptor
    return data


assert json.loads(read("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
(described,) = json.loads(read("index.json"))["manifests"]
manifest = json.loads(blob(described))
config = json.loads(blob(manifest["config"]))
assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"])
owners = set()
for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"]):
    inner = tarfile.open(fileobj=io.BytesIO(blob(layer)))
    inner.fileobj.seek(0)
    assert "sha256:" + hashlib.sha256(inner.fileobj.read()).hexdigest() == diff_id, layer
    for member in inner.getmembers():
        owners.add((member.uid, member.gid, member.uname, member.gname, member.mtime))
        inner.extract(member, root)
(docker,) = json.loads(read("manifest.json"))
assert [layer["digest"] for layer in manifest["layers"]] == [
    path.replace("blobs/sha256/", "sha256:") for path in docker["Layers"]
]
print(json.dumps({"descriptor": described, "config": config, "owners": sorted(owners), "names": docker["RepoTags"]}))
