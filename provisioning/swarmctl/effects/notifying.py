"""Tells a webhook or a command of the user's; what fails is said, never fatal, and each thing is told once."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from swarmctl.core.leasing.notices import Notice, latest
from swarmctl.effects import files
from swarmctl.effects.process import run
from swarmctl.errors import HostError, SwarmctlError

SECONDS = 15.0
TRIES = 5
"""After so many failures a notice is given up."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Notify:
    """Whom to tell. url: gets a POST of the notice as JSON. command: is run with it on stdin. Neither: nobody."""

    url: str = ""
    command: tuple[str, ...] = ()


class Notifier:
    """memory: a file of what was told. say: hears of every notice, and of what could not be told."""

    def __init__(self, whom: Notify, memory: Path, say: Say) -> None:
        self._whom, self._memory, self._say = whom, memory, say

    def tell(self, notices: Iterable[Notice]) -> None:
        """Tell what was not told yet: of each sort the most urgent, the others count as told with it."""
        known = self._known()
        fresh = [one for one in notices if known.get(_key(one), 0) < TRIES]
        wanted = {_key(one) for one in latest(fresh)}
        for one in fresh:
            known[_key(one)] = TRIES if _key(one) not in wanted else self._told(one, known.get(_key(one), 0))
        if fresh:
            with suppress(OSError):
                files.write_json(self._memory, known)

    def _told(self, notice: Notice, tries: int) -> int:
        """Tries that count from now on."""
        if not tries:
            self._say(notice.text)
        problem = send(self._whom, notice)
        if problem:
            self._say(f"nobody was told ({notice.kind}): {problem}")
        return tries + 1 if problem else TRIES

    def _known(self) -> dict[str, int]:
        raw: object = None
        with suppress(SwarmctlError, OSError, ValueError):
            raw = files.read_json(self._memory)
        return {str(key): n for key, n in raw.items() if type(n) is int} if isinstance(raw, dict) else {}


def send(whom: Notify, notice: Notice) -> str:
    """Tell one notice; "" where that worked, else what was wrong, without the address's secret parts."""
    text = json.dumps(notice.as_json())
    return "; ".join(filter(None, (_post(whom.url, text), _run(whom.command, text))))


def _post(url: str, text: str) -> str:
    if not url:
        return ""
    import requests  # noqa: PLC0415 - only where somebody is told

    headers = {"Content-Type": "application/json"}
    try:
        answer = requests.post(url, text.encode(), headers=headers, timeout=SECONDS, allow_redirects=False)
    except (requests.RequestException, ValueError) as e:
        return f"{_host(url)} gives no answer ({type(e).__name__})"
    return "" if answer.ok and not answer.is_redirect else f"{_host(url)} answers {answer.status_code}"


def _host(url: str) -> str:
    with suppress(ValueError):
        return urlsplit(url).hostname or "the webhook"
    return "the webhook"


def _run(argv: tuple[str, ...], text: str) -> str:
    if not argv:
        return ""
    try:
        done = run(argv, input=text, timeout=SECONDS, check=False)
    except HostError as e:
        return e.message
    return f"{argv[0]} ended with exit {done.code}: {done.stderr.strip()[-200:]}" if done.code else ""


def _key(notice: Notice) -> str:
    return f"{notice.lease} {notice.key}"
