"""A swarm's results brought to safety on this computer: every run's branch, in a repository of the state folder."""

from pathlib import Path

from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.effects.paths import private
from swarmctl.effects.process import run
from swarmctl.effects.world import World
from swarmctl.errors import HostError

_SECONDS = 120.0


def repository(world: World, swarm: str) -> Path:
    """Where results of a swarm are kept; it outlives the swarm."""
    return world.state / "results" / f"{swarm}.git"


def saved(swarm: str, world: World) -> tuple[int, Path]:
    """Runs whose branches are here, whatever became of the machine, and in which repository. Raises HostError."""
    folder = repository(world, swarm)
    if not (folder / "HEAD").exists():
        return 0, folder
    return len(_git(folder, world, swarm, "for-each-ref", "refs/heads/swarm/").splitlines()), folder


def save(swarm: str, world: World) -> int:
    """Fetch every run's branch as it stands; how many there are then. Raises HostError where that cannot be done."""
    record = world.record(swarm)
    if record is None or not any(service.name == f"agent-{ORCHESTRATOR}" for service in record.services):
        return 0
    folder = repository(world, swarm)
    if not (folder / "HEAD").exists():
        private(folder)
        _git(folder, world, swarm, "init", "--quiet", "--bare", "--template=")
    url = record.url(f"agent-{ORCHESTRATOR}") + "/git/work.git"
    _git(folder, world, swarm, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", url,
         "+refs/heads/swarm/*:refs/heads/swarm/*")  # fmt: skip
    return saved(swarm, world)[0]


def _git(folder: Path, world: World, swarm: str, *words: str) -> str:
    config = world.places(swarm).git_config
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": str(config), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
    }  # fmt: skip
    done = run(["git", "--git-dir", str(folder), "-c", "gc.auto=0", *words], env=env, timeout=_SECONDS, check=False)
    if done.code:
        raise HostError(f"results of '{swarm}' cannot be fetched", detail=done.stderr.strip()[-500:])
    return done.stdout
