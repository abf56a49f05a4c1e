"""What a hub says of one file before any of it is fetched: its content's hash and size, and whom it lets read it."""

from dataclasses import dataclass
from urllib.parse import quote, urljoin

import requests

from swarmctl.core.spec import ModelSource
from swarmctl.effects.sources.bearer import bearer
from swarmctl.effects.sources.hubaddress import address
from swarmctl.errors import HostError, SpecError

_PATIENCE = 10.0
_HEX = 64
_STEPS = 3
"""Times that a hub may send on within itself, as it does for a repository that was renamed."""


@dataclass(frozen=True, slots=True)
class Published:
    """url: of the file at the commit that was meant. size: bytes. guarded: the hub wants a token for it."""

    url: str
    digest: str
    size: int
    guarded: bool = False


def published(source: ModelSource) -> Published | None:
    """What the hub says of a source; None where it names no sha256, as for files that it does not keep apart.

    Raises SpecError when there is no such file or it is another one than `sha256` promised, HostError.
    """
    url = address(source)
    with requests.Session() as http:
        http.headers["Accept-Encoding"] = "identity"
        try:
            answer, guarded = _asked(http, url), False
            if answer.status_code in {401, 403} and (shown := bearer(url)) is not None:
                http.auth, guarded = shown, True
                answer = _asked(http, url)
        except requests.RequestException as e:
            raise HostError(f"{url} cannot be read: {type(e).__name__}") from e
    if answer.status_code == 404:
        raise SpecError(f"the hub has no {url}")
    if answer.status_code >= 400:
        raise HostError(f"the hub answered {url} with HTTP {answer.status_code}")
    return _told(answer, source, guarded)


def _asked(http: requests.Session, url: str) -> requests.Response:
    """HEAD, which ends at the first answer that leads out of the hub: there stands what is asked about."""
    answer = http.head(url, timeout=_PATIENCE, allow_redirects=False)
    for _ in range(_STEPS):
        onward = answer.headers.get("Location", "")
        if not onward.startswith("/") or onward.startswith("//") or "X-Linked-Etag" in answer.headers:
            break
        answer = http.head(urljoin(url, onward), timeout=_PATIENCE, allow_redirects=False)
    return answer


def _told(answer: requests.Response, source: ModelSource, guarded: bool) -> Published | None:
    headers = answer.headers
    digest = headers.get("X-Linked-Etag", headers.get("ETag", "")).strip('"')
    size = headers.get("X-Linked-Size", headers.get("Content-Length", ""))
    if len(digest) != _HEX or not set(digest) <= set("0123456789abcdef") or not size.isdigit():
        return None
    if source.sha256 not in {None, digest}:
        raise SpecError(f"{source.key} is not the file that was promised: its sha256 is {digest}, not {source.sha256}")
    commit = headers.get("X-Repo-Commit", "")
    pinned = source.model_copy(update={"revision": commit}) if commit and quote(commit, safe="") == commit else source
    return Published(address(pinned), digest, int(size), guarded)
