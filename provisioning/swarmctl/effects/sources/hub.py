"""Downloads a file from a model hub, and goes on where an earlier try ended."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from swarmctl.core.spec import ModelSource
from swarmctl.effects import files
from swarmctl.effects.clock import Clock
from swarmctl.effects.sources.bearer import bearer
from swarmctl.effects.sources.hubaddress import address
from swarmctl.effects.sources.localfile import CHUNK, Progress, disk
from swarmctl.errors import HostError, SpecError

_CONNECT, _READ = 10.0, 60.0
_CHUNK = 1 << 16
"""Bytes that a broken connection can cost."""
_WAITS = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each new try after a try that brought nothing; one that brought bytes starts over."""


@dataclass(slots=True)
class _Part:
    """What is here of the file, and which version of it that is."""

    path: Path
    note: Path

    def begun(self) -> tuple[int, str]:
        """Bytes that are here, and the ETag they belong to; nothing when that is not known."""
        raw = files.read_json(self.note)
        etag = raw.get("etag") if isinstance(raw, dict) else None
        if not isinstance(etag, str) or not self.path.exists():
            return 0, ""
        return self.path.stat().st_size, etag


def bring(source: ModelSource, folder: Path, progress: Progress, clock: Clock) -> tuple[Path, str]:
    """The whole file and its sha256. Raises SpecError when the hub has no such file, HostError."""
    part = _Part(folder / "part", folder / "part.json")
    url = address(source)
    with requests.Session() as http:
        http.auth = bearer(url)
        http.headers["Accept-Encoding"] = "identity"
        waits = iter(_WAITS)
        while True:
            before = part.begun()[0]
            try:
                return _try(http, url, part, progress)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as e:
                if part.begun()[0] > before:
                    waits = iter(_WAITS)
                wait = next(waits, None)
                if wait is None:
                    raise HostError(
                        f"{url} cannot be read: {type(e).__name__}",
                        detail=f"{part.begun()[0]:,} bytes are kept; the next try goes on from there",
                        hint="swarmctl up",
                    ) from e
                clock.sleep(wait)


def _try(http: requests.Session, url: str, part: _Part, progress: Progress) -> tuple[Path, str]:
    have, etag = part.begun()
    headers = {"Range": f"bytes={have}-", "If-Range": etag} if have and etag else {}
    with http.get(url, headers=headers, stream=True, timeout=(_CONNECT, _READ)) as answer:
        if answer.status_code == 416:  # nothing is left to send, or the file is another one now
            if answer.headers.get("Content-Range") == f"bytes */{have}" and answer.headers.get("ETag") == etag:
                return part.path, _hashed(part.path).hexdigest()
            part.path.unlink()
            return _try(http, url, part, progress)
        _refuse(answer, url)
        if answer.status_code != 206 or not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0
        return part.path, _receive(answer, part, have, progress)


def _receive(answer: requests.Response, part: _Part, have: int, progress: Progress) -> str:
    """Write what comes behind the first `have` bytes; gives the sha256 of the whole."""
    length = answer.headers.get("Content-Length", "")
    total = have + int(length) if length.isdigit() else None
    if have == 0:
        part.path.unlink(missing_ok=True)
        part.note.unlink(missing_ok=True)
        etag = answer.headers.get("ETag", "")
        if etag and not etag.startswith("W/"):  # a weak one does not promise the same bytes
            files.write(part.note, json.dumps({"etag": etag}))
    digest = _hashed(part.path) if have else hashlib.sha256()
    try:
        with disk(part.path.parent, (total or have) - have), part.path.open("ab") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                digest.update(chunk)
                have += len(chunk)
                progress(have, total)
    except HostError:
        part.path.unlink(missing_ok=True)
        raise
    if total is not None and have != total:
        raise requests.ConnectionError(f"{have} of {total} bytes came")
    _check(digest.hexdigest(), answer, part)
    return digest.hexdigest()


def _check(digest: str, answer: requests.Response, part: _Part) -> None:
    """The hub names the sha256 of a large file where it sends us on to its storage."""
    for step in (*answer.history, answer):
        named = step.headers.get("X-Linked-Etag", "").strip('"')
        if len(named) == 64 and named != digest:
            part.path.unlink()
            raise HostError(f"{answer.url} came damaged: its sha256 is {digest}, the hub says {named}")


def _hashed(path: Path) -> Any:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest


def _refuse(answer: requests.Response, url: str) -> None:
    code = answer.status_code
    if code in {401, 403}:
        raise HostError(
            f"the hub does not let us read {url} (HTTP {code})",
            hint="accept the model's terms on its page, and put your token in ~/.cache/huggingface/token",
        )
    if code == 404:
        raise SpecError(f"the hub has no {url}")
    if code >= 500 or code == 429:
        raise requests.ConnectionError(f"HTTP {code}")
    if code not in {200, 206}:
        raise HostError(f"the hub answered {url} with HTTP {code}")
