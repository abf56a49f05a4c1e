"""Keeps the second watcher where the user is: `python -m swarmctl.effects.hosts.watchkeeper FOLDER`, of a swarm."""

import os
import sys
from pathlib import Path

from swarmctl import __version__
from swarmctl.core.labels import HASH, HOME, SERVICE, SWARM
from swarmctl.core.leasing.watching import EVERY
from swarmctl.core.program import Program
from swarmctl.core.stack import config_hash
from swarmctl.effects.hosts.keeper import Keeper
from swarmctl.effects.hosts.watching import FILE, Watched, Watcher
from swarmctl.effects.notifying import Notifier
from swarmctl.effects.providers.here import base, lease_book, vast, vast_over
from swarmctl.effects.providers.transport import HttpTransport
from swarmctl.effects.saving import save
from swarmctl.effects.world import World
from swarmctl.errors import LeakError, SwarmctlError

NAME = "watch"


def main(words: list[str]) -> int:
    """Watch what the swarm folder's file says, for as long as this process is kept; the exit code."""
    if len(words) != 1:
        print(__doc__, file=sys.stderr)  # noqa: T201 - the log of this process
        return 2
    folder = Path(words[0])
    world = World.here()
    watcher: Watcher | None = None
    over = ""
    while True:
        one = Watched.read(folder)
        if one is not None and one.lease != over:
            watcher = watcher or _watcher(one, world, folder)
            if watcher is not None and watcher.look(one):
                over, watcher = one.lease, None
        world.clock.sleep(EVERY)


def watch(one: Watched, world: World) -> None:
    """Have a machine watched from here from now on, by a program that is kept until `unwatch`.

    Raises DeployError where no supervisor comes up, HostError.
    """
    root = world.places(one.swarm).root
    one.write(root)
    kept = Keeper(one.swarm, root, world.clock)
    argv = (sys.executable, "-P", "-m", "swarmctl.effects.hosts.watchkeeper", str(root))
    made = config_hash({"argv": argv, "version": __version__})
    labels = {SWARM: one.swarm, SERVICE: NAME, HOME: kept.runtime.home, HASH: made}
    with kept.alone():
        kept.keep(Program(NAME, "exec", argv, labels, made, env=_surroundings(), stop_grace=3.0))


def unwatch(swarm: str, world: World) -> None:
    """It is watched no more. Raises LeakError where the program cannot be ended."""
    root = world.places(swarm).root
    (root / FILE).unlink(missing_ok=True)
    kept = Keeper(swarm, root, world.clock)
    if not any(one.name == NAME for one in kept.programs()):
        return
    with kept.alone():
        if left := kept.leave(NAME, "the watcher to end"):
            pids = ", ".join(str(one.pid) for one in left)
            raise LeakError(f"the watcher of '{swarm}' still runs (pid {pids})", hint=f"kill -9 {pids}")


def _surroundings() -> dict[str, str]:
    """Where files and the market are, as now: the supervisor began elsewhere. The key is read where it lies."""
    names = ("HOME", "PATH", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "VAST_URL")
    return {name: os.environ[name] for name in names if name in os.environ}


def _watcher(one: Watched, world: World, folder: Path) -> Watcher | None:
    """None where there is no key to look by: said, and tried again at the next look."""
    book = lease_book(world.state, world.clock)
    try:
        market = vast(world.state, world.clock)
    except SwarmctlError as e:
        key = book.key(one.lease)
        _say(f"{e.message}; " + ("the machine's own key has to do, which can end it" if key else "nothing is watched"))
        if key is None:
            return None
        market = vast_over(HttpTransport(base(), key), world.state, world.clock, f"{base()} {one.lease}")
    notifier = Notifier(one.notify, folder / "told.json", _say)
    return Watcher(market, book, world.clock, lambda: save(one.swarm, world), notifier, _say)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the log of this process


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
