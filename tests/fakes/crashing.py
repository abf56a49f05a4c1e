"""Effects of which any may be the last: the process is killed before it, or after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fakes.simulated import InProcess
from swarmctl.effects.providers.transport import Answer


class CrashError(BaseException):
    """The process is killed: no handler of ours can do anything any more."""


@dataclass
class Fuse:
    """Kills the process at its n-th effect, before or after it. at: None for never."""

    at: int | None
    after: bool
    seen: int = 0
    dead: bool = False

    def burn(self, *, after: bool) -> None:
        if self.dead:
            raise CrashError
        if after is self.after:
            self.seen += 1
            if self.seen == self.at:
                self.dead = True
                raise CrashError


@dataclass
class Fragile:
    """Anything whose methods are effects: each may be the last."""

    inner: Any
    fuse: Fuse

    def __getattr__(self, name: str) -> Any:
        act = getattr(self.inner, name)
        if not callable(act):
            return act

        def effect(*args: Any, **kwargs: Any) -> Any:
            self.fuse.burn(after=False)
            result = act(*args, **kwargs)
            self.fuse.burn(after=True)
            return result

        return effect


@dataclass
class FragileTransport:
    """The same for calls to the market."""

    inner: InProcess
    fuse: Fuse
    key: Any = None

    def send(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Answer:
        self.fuse.burn(after=False)
        got = self.inner.send(method, path, query, body)
        self.fuse.burn(after=True)
        return got
