"""A container as a plan sees it."""

from collections.abc import Mapping

from swarmctl.core.containerproof import DEATHS
from swarmctl.core.containers import Container
from swarmctl.core.observed import RunningService
from swarmctl.core.processtable import resident


def service(one: Container, processes: Mapping[int, tuple[int, int]]) -> RunningService:
    """One service, from its container. processes: parent and KiB of each of its machine."""
    # Between two deaths it runs, and its check has not spoken yet: that is no life.
    dying = one.state == "running" and one.health == "starting" and one.restarts >= DEATHS
    state, ended = ("restarting", f"exit {one.exit_code}, {one.restarts} times") if dying else (one.said, one.ended)
    size = resident(processes, one.pid)
    return RunningService(one.service, one.hash, state, one.pid, one.restarts, ended, size, one.gpu, one.card)
