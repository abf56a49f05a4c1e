"""Models in one file, for machines without a network: an OCI image layout as a tar."""

import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swarmctl.core.converting.artifact import LARGEST, MANIFEST, Carried, carried, config, digest, manifest, parts
from swarmctl.effects.sources.localfile import disk, pour
from swarmctl.errors import HostError, SpecError

_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
_LAYOUT = b'{"imageLayoutVersion": "1.0.0"}'


def write(models: Sequence[tuple[Carried, str, Path]], file: Path) -> None:
    """Each model with a name for people and the file of its weights. The file appears when it is whole.

    Raises SpecError when there is one already, HostError when it cannot be written.
    """
    if file.exists():
        raise SpecError(f"{file} is there already", hint="another name, or remove it first")
    part = file.with_name(f".{file.name}.part")
    try:
        with disk(file.parent, sum(model.bytes for model, _, _ in models)), tarfile.open(part, "w") as tar:
            _add(tar, "oci-layout", _LAYOUT)
            listed = []
            for model, name, weights in models:
                said = manifest(model, name)
                _add(tar, f"blobs/sha256/{digest(said)[7:]}", said)
                _add(tar, f"blobs/{digest(config(model)).replace(':', '/')}", config(model))
                listed.append(_listed(said, name))
                tar.add(weights, f"blobs/sha256/{model.sha256}", filter=_plain)
            _add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": listed}).encode())
        part.replace(file)
    except OSError as e:
        raise HostError(f"{file} cannot be written: {e.strerror or e}") from e
    finally:
        part.unlink(missing_ok=True)


def read(file: Path, folder: Path) -> Iterator[tuple[Carried, Path]]:
    """Every model of such a file: what it says of itself, and its weights, put into `folder` and hashed.

    Names in the file decide nothing: only blobs are read, and each must hash to its name. Raises SpecError, HostError.
    """
    with _opened(file) as tar:
        members = {member.name: member for member in tar.getmembers() if member.isfile()}
        for raw in _manifests(tar, members):
            found = parts(raw)
            model = carried(_small(tar, members, found.config), found)
            yield model, _weights(tar, members, model, folder)


def _manifests(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo]) -> Iterator[bytes]:
    if "index.json" not in members:
        raise SpecError("this file has no index.json: `swarmctl models export` did not write it, or not to its end")
    try:
        listed = json.loads(_data(tar, members["index.json"]))["manifests"]
        digests = [str(one["digest"]).removeprefix("sha256:") for one in listed]
    except (ValueError, KeyError, TypeError):
        raise SpecError("its index.json lists no manifests") from None
    for one in digests:
        yield _small(tar, members, one)


def _small(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str) -> bytes:
    data = _data(tar, _member(members, name))
    if digest(data) != f"sha256:{name}":
        raise SpecError(f"the blob {name[:12]} in this file is damaged")
    return data


def _weights(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], model: Carried, folder: Path) -> Path:
    member, target = _member(members, model.sha256), folder / f"{model.sha256}.part.gguf"
    source = tar.extractfile(member)
    assert source is not None  # noqa: S101 - only plain files are listed
    with disk(folder, member.size), target.open("wb") as copy:
        found = pour(source, copy, member.size, lambda _done, _total: None)  # type: ignore[arg-type]  # reads like a file
    if found != model.sha256:
        target.unlink()
        raise SpecError(f"the weights of {model.key} in this file are damaged: their sha256 is {found}")
    return target


def _member(members: dict[str, tarfile.TarInfo], name: str) -> tarfile.TarInfo:
    found = members.get(f"blobs/sha256/{name}") if _BLOB.fullmatch(f"blobs/sha256/{name}") else None
    if found is None:
        raise SpecError(f"the blob {name[:12]} is not in this file")
    return found


def _data(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source = tar.extractfile(member)
    data = source.read(LARGEST + 1) if source else b""
    if len(data) > LARGEST:
        raise SpecError(f"{member.name[:80]} in this file is larger than any of ours")
    return data


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:") as tar:
            yield tar
    except FileNotFoundError:
        raise SpecError(f"there is no file {file}") from None
    except tarfile.TarError as e:
        raise SpecError(f"{file} is no archive of models, or is damaged", detail=str(e)[:200]) from None
    except OSError as e:
        raise HostError(f"{file} cannot be read: {e.strerror or e}") from e


def _listed(said: bytes, name: str) -> dict[str, Any]:
    names = {"org.opencontainers.image.ref.name": name}
    return {"mediaType": MANIFEST, "digest": digest(said), "size": len(said), "annotations": names}


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o644
    tar.addfile(entry, io.BytesIO(data))


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's file, of no date: whose store it came from is no part of it."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry
