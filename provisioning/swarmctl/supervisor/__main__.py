"""`python -m swarmctl.supervisor CONFIG.json [label=value …]`: keep one swarm's programs alive."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from setproctitle import getproctitle

from swarmctl.core.applying import problems
from swarmctl.core.labels import VARIABLE, supervisor_labels, words
from swarmctl.core.program import SupervisorConfig
from swarmctl.supervisor.claim import Refused, listen, lock, replace_others
from swarmctl.supervisor.journal import log
from swarmctl.supervisor.loop import Supervisor
from swarmctl.supervisor.survivors import scan

_ROOM = "SWARMCTL_TITLE_ROOM"


def main(argv: list[str]) -> int:
    """Run until told to stop. Exit code 0 after a stop, 1 with a line on standard error otherwise."""
    try:
        config = _read(argv)
        _prepare(config, argv)
        replace_others(config, scan(config.swarm, config.home))
        held = lock(Path(config.logs))
        line = listen(Path(config.socket))
    except Refused as e:
        sys.stderr.write(f"swarmctl supervisor: {e}\n")
        return 1
    supervisor = Supervisor(config, line, held)
    log(f"supervising {config.swarm}, pid {os.getpid()}, {len(config.programs)} programs")
    supervisor.run(scan(config.swarm, config.home))
    return 0


def _read(argv: list[str]) -> SupervisorConfig:
    if not argv:
        raise Refused("name the configuration file")
    try:
        config = SupervisorConfig.from_json(json.loads(Path(argv[0]).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as e:
        raise Refused(f"{argv[0]} cannot be read: {e}") from e
    if found := problems(config):
        raise Refused(f"{argv[0]}: {'; '.join(found)}")
    return config


def _prepare(config: SupervisorConfig, argv: list[str]) -> None:
    """Be a daemon: found by label, with room for the titles of forked children, away from any terminal."""
    getproctitle()  # it measures its room at the first call: before anything is taken out of the environment
    labels = list(words(supervisor_labels(config.swarm, config.home)))
    room = os.environ.pop(_ROOM, None)
    if room is None or argv[1:] != labels:
        # A process title overwrites the arguments and environment that the process began with and can be
        # no longer than they were: begin again with enough of them.
        again = [sys.executable, "-P", "-m", "swarmctl.supervisor", str(Path(argv[0]).absolute()), *labels]
        os.execve(sys.executable, again, {**os.environ, _ROOM: "." * 2048})  # noqa: S606
    os.environ.pop(VARIABLE, None)
    with suppress(PermissionError):  # already the leader of a session
        os.setsid()
    os.umask(0o077)
    os.chdir("/")
    os.closerange(3, 1024)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
