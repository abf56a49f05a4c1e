"""A depot whose other machine is a folder of this one, with its own process of the program that runs there."""

import os
from pathlib import Path

from swarmctl.effects.bringing.depot import Depot
from swarmctl.effects.hosts.talk import Answer, Feed, Hear, talk
from swarmctl.effects.process import Completed


class Near:
    """Speaks with programs of this machine. env: more of their environment. cut: bytes after which it breaks off."""

    def __init__(self, **env: str) -> None:
        self.env, self.orders = {**os.environ, **env}, list[str]()

    def converse(self, argv: list[str], *, feed: Feed, hear: Hear, seconds: float, root: bool) -> Completed:
        done: Answer = talk(argv, env=self.env, seconds=min(seconds, 60), feed=feed, hear=hear)
        return Completed(done.out.decode(), done.said, done.code)


def depot(folder: Path, line: Near | None = None) -> Depot:
    """Of a folder; what is made there belongs to whoever runs this."""
    return Depot(line or Near(), "gpu1", str(folder), f"{os.geteuid()}:{os.getegid()}")
