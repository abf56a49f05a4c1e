"""A container as a plan sees it."""

from collections.abc import Callable

from swarmctl.core.containerproof import DEATHS
from swarmctl.core.containers import Container
from swarmctl.core.observed import RunningService


def service(one: Container, resident: Callable[[int | None], float]) -> RunningService:
    """One service, from its container. resident: gives MiB of a process with its children."""
    # Between two deaths it runs, and its check has not spoken yet: that is no life.
    dying = one.state == "running" and one.health == "starting" and one.restarts >= DEATHS
    state, ended = ("restarting", f"exit {one.exit_code}, {one.restarts} times") if dying else (one.said, one.ended)
    size = resident(one.pid)
    return RunningService(one.service, one.hash, state, one.pid, one.restarts, ended, size, one.gpu, one.card)
