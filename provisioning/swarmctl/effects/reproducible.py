"""One date for all that a build made: equal inputs then give equal layers and one image ID, whatever the builder."""

import hashlib
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from swarmctl.core.images import EPOCH

_BLOCK = 1 << 20


def redated(saved: Path, into: Path, reference: str, kept: int) -> str:
    """Rewrites what `docker save` gave so that nothing is younger than EPOCH, for `docker load`; gives the image's ID.

    kept: layers of the base, which stay as they are. Written by hand because BuildKit before 0.13 cannot do it, and
    `rewrite-timestamp` of later ones does not reach the image store of the Engine. Raises OSError (no space), KeyError
    and tarfile.TarError for an archive that is none.
    """
    with tarfile.open(saved) as archive, tarfile.open(into, "w") as out:
        (manifest,) = json.load(_member(archive, "manifest.json"))
        config = json.load(_member(archive, manifest["Config"]))
        ids, names = list(config["rootfs"]["diff_ids"]), []
        for n, layer in enumerate(manifest["Layers"]):
            part = into.with_suffix(".layer")
            with _member(archive, layer) as raw:
                if n < kept:
                    _copy(raw, part)
                else:
                    ids[n] = _clamped(raw, part)
            names.append(f"{n}.tar")
            out.add(part, names[-1])
            part.unlink()
        config["rootfs"]["diff_ids"] = ids
        text = json.dumps(_dated(config), sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(text).hexdigest()
        entry = {"Config": f"{digest}.json", "RepoTags": [reference], "Layers": names}
        for name, data in ((entry["Config"], text), ("manifest.json", json.dumps([entry]).encode())):
            path = into.with_suffix(".json")
            path.write_bytes(data)
            out.add(path, str(name))
            path.unlink()
    return f"sha256:{digest}"


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found


def _copy(raw: IO[bytes], into: Path) -> None:
    with into.open("wb") as out:
        while block := raw.read(_BLOCK):
            out.write(block)


def _clamped(raw: IO[bytes], into: Path) -> str:
    """The layer with no date after EPOCH; gives its digest."""
    with tarfile.open(fileobj=raw) as layer, tarfile.open(into, "w", format=tarfile.PAX_FORMAT) as out:
        for entry in layer:
            entry.mtime = min(int(entry.mtime), EPOCH)
            entry.pax_headers = {k: v for k, v in entry.pax_headers.items() if k not in {"mtime", "atime", "ctime"}}
            out.addfile(entry, layer.extractfile(entry) if entry.isreg() else None)
    with into.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _dated(config: dict[str, Any]) -> dict[str, Any]:
    latest = datetime.fromtimestamp(EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    history = [{**step, "created": min(step.get("created", latest), latest)} for step in config.get("history", ())]
    gone = ("container", "container_config", "moby.buildkit.buildinfo.v1", "moby.buildkit.cache.v0")
    return {**{k: v for k, v in config.items() if k not in gone}, "created": latest, "history": history}
