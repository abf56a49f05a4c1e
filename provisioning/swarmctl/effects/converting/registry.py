"""Models in an OCI registry: what it has is not sent again, what comes is continued and hashed."""

import base64
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import requests

from swarmctl.core.converting.artifact import (
    DOCKER,
    LARGEST,
    MANIFEST,
    Carried,
    Reference,
    carried,
    config,
    digest,
    manifest,
    parts,
)
from swarmctl.effects.sources.localfile import disk, sha256
from swarmctl.errors import HostError, SpecError

_PATIENCE = (10.0, 600.0)
"""Seconds for a connection, and between two bytes."""
_CHUNK = 1 << 20
_NEAR = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')

Far = Callable[[int, int], None]
"""Told bytes done, and in all."""


class Registry:
    """A session with one registry; plain HTTP only to this machine. Close it, or use it as a context.

    Credentials are those of `docker login`. All methods raise HostError when it does not answer or says no.
    """

    def __init__(self, host: str) -> None:
        self._at = f"{'http' if _NEAR.fullmatch(host) else 'https'}://{host}"
        self._host, self._basic, self._token = host, _credentials(host), ""
        self._http = requests.Session()
        self._http.trust_env = not _NEAR.fullmatch(host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._http.close()

    def push(self, to: Reference, model: Carried, weights: Path, far: Far) -> bool:
        """Send a model under a name and tag; whether its weights had to be sent."""
        sent = self._upload(to.name, f"sha256:{model.sha256}", weights, far)
        said = config(model)
        self._upload(to.name, digest(said), said, far)
        body = manifest(model, to.name.rpartition("/")[2], DOCKER)
        self._ask("PUT", f"/v2/{to.name}/manifests/{to.tag or 'latest'}", data=body, headers={"Content-Type": DOCKER})
        return sent

    def pull(self, of: Reference, folder: Path, far: Far) -> tuple[Carried, Path]:
        """What a tag says of itself, and its weights, put into `folder`. Raises SpecError where there is none."""
        both = {"Accept": f"{DOCKER}, {MANIFEST}"}
        answer = self._ask("GET", f"/v2/{of.name}/manifests/{of.tag or 'latest'}", headers=both)
        found = parts(answer.content)
        model = carried(self._small(of.name, found.config), found)
        return model, self._download(of.name, model, folder, far)

    def _upload(self, name: str, blob: str, data: Path | bytes, far: Far) -> bool:
        if self._ask("HEAD", f"/v2/{name}/blobs/{blob}", missing=True).status_code == 200:
            return False
        begun = self._ask("POST", f"/v2/{name}/blobs/uploads/")
        place = urljoin(self._at, begun.headers.get("Location", ""))
        if isinstance(data, bytes):
            self._ask("PUT", place, params={"digest": blob}, data=data)
            return True
        with data.open("rb") as source:
            self._ask("PUT", place, params={"digest": blob}, data=_Told(source, data.stat().st_size, far))
        return True

    def _small(self, name: str, blob: str) -> bytes:
        data = self._ask("GET", f"/v2/{name}/blobs/sha256:{blob}").content
        if len(data) > LARGEST or digest(data) != f"sha256:{blob}":
            raise HostError(f"{self._host} sent a config of {name} that is not what its hash says")
        return data

    def _download(self, name: str, model: Carried, folder: Path, far: Far) -> Path:
        target = folder / f"{model.sha256}.part.gguf"
        have = target.stat().st_size if target.exists() else 0
        if have < model.bytes:
            headers = {"Range": f"bytes={have}-"} if have else {}
            with self._ask("GET", f"/v2/{name}/blobs/sha256:{model.sha256}", headers=headers, stream=True) as answer:
                have = have if answer.status_code == 206 else 0
                _receive(answer, target, have, model.bytes, far)
        found = sha256(target, lambda _done, _total: None)
        if found != model.sha256:
            target.unlink()
            raise HostError(f"{self._host} sent other weights than {model.key} has: their sha256 is {found}")
        return target

    def _ask(self, method: str, path: str, *, missing: bool = False, **more: Any) -> requests.Response:
        url = path if "://" in path else self._at + path
        try:
            answer = self._send(method, url, more)
            if answer.status_code == 401 and self._authorised(answer):
                answer = self._send(method, url, more)
        except requests.RequestException as e:
            raise HostError(
                f"the registry {self._host} does not answer", detail=f"{type(e).__name__}: {e}"[:300],
                hint="is it running, and is its port right?",
            ) from e  # fmt: skip
        if answer.status_code == 404 and missing:
            return answer
        if answer.status_code == 404 and method == "GET":
            raise SpecError(f"the registry {self._host} has no such model", detail=url)
        if answer.status_code in {401, 403}:
            raise HostError(f"the registry {self._host} does not let us in", hint=f"docker login {self._host}")
        if answer.status_code >= 300:
            raise HostError(f"{method} {url} answers {answer.status_code}", detail=answer.text[:300])
        return answer

    def _send(self, method: str, url: str, more: dict[str, Any]) -> requests.Response:
        headers = dict(more.get("headers") or {})
        if url.startswith(f"{self._at}/"):  # an upload elsewhere brings its own leave
            given = f"Bearer {self._token}" if self._token else f"Basic {self._basic}" if self._basic else ""
            headers |= {"Authorization": given} if given else {}
        return self._http.request(method, url, timeout=_PATIENCE, **{**more, "headers": headers})

    def _authorised(self, answer: requests.Response) -> bool:
        """A token from where the registry sends us, by the user's own credentials or none."""
        said = answer.headers.get("WWW-Authenticate", "")
        asked = dict(_CHALLENGE.findall(said))
        if not said.startswith("Bearer ") or "realm" not in asked or self._token:
            return False
        params = {name: asked[name] for name in ("service", "scope") if name in asked}
        headers = {"Authorization": f"Basic {self._basic}"} if self._basic else {}
        got = self._http.get(asked["realm"], params=params, headers=headers, timeout=_PATIENCE)
        found = got.json() if got.ok else {}
        self._token = str(found.get("token") or found.get("access_token") or "")
        return bool(self._token)


class _Told:
    """A file that tells how much of it was read; requests streams it with its length."""

    def __init__(self, file: Any, size: int, far: Far) -> None:
        self._file, self._size, self._far, self._done = file, size, far, 0

    def __len__(self) -> int:
        return self._size

    def read(self, count: int = -1) -> bytes:
        """Some bytes."""
        data: bytes = self._file.read(_CHUNK if count < 0 else count)
        self._done += len(data)
        self._far(self._done, self._size)
        return data


def _receive(answer: requests.Response, target: Path, have: int, size: int, far: Far) -> None:
    with disk(target.parent, size - have), target.open("ab" if have else "wb") as file:
        for chunk in answer.iter_content(_CHUNK):
            file.write(chunk)
            have += len(chunk)
            far(have, size)


def _credentials(host: str) -> str:
    """What `docker login` kept for a host, as Basic wants it; "" for none."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))["auths"][host]["auth"]
        base64.b64decode(found, validate=True)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(found)
