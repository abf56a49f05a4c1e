"""What the hand does on the machine that it is on: each order works on swarms of this machine as `up` here would."""

import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from swarmctl import __version__
from swarmctl.core.gguf import GgufFacts
from swarmctl.core.handtalk import failure, packed, unpacked
from swarmctl.core.labels import SUPERVISOR
from swarmctl.core.observed import Observed
from swarmctl.core.plan import Plan
from swarmctl.core.program import SupervisorConfig
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.specfile import Loaded
from swarmctl.core.verdict import Depth, Verdict
from swarmctl.effects import files
from swarmctl.effects.clearing import clear
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.execute import Progress, StepEnded
from swarmctl.effects.executeprocess import ProcessJob
from swarmctl.effects.hand.keysmark import keys_mark
from swarmctl.effects.hand.store import BroughtStore
from swarmctl.effects.hand.uses import own
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.observe import observe, remains
from swarmctl.effects.prove import prove
from swarmctl.effects.runtimes.process import ProcessRuntime
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError

Say = Callable[[object], None]
GUARD = "guard"
"""Name of the folder and of the supervisor that keep a rented machine's guard."""


def world(base: Path) -> World:
    """Everything of this machine. base: the folder under which all that we bring lies."""
    clock = SystemClock()
    return World(clock, Ledger(base / "ledger.sqlite", clock), BroughtStore(base / "store", clock), base)


def _observe(here: World, _say: Say, spec: dict[str, Any], prompts: dict[str, str], keys: str) -> Any:
    """One look. keys: mark of the keys that this swarm is asked with."""
    opened = _opened(spec, prompts)
    found = observe(opened, here)
    known = found.prepared and keys_mark(here, opened.spec.name) == keys
    return packed(replace(found, prepared=known, stale=found.stale or _other_code(found, here, opened.spec.name)))


def _execute(
    here: World, say: Say, spec: dict[str, Any], plan: Any, observed: Any, secrets: dict[str, str]
) -> dict[str, Any]:
    """A plan carried out; its verdict, also where a proof failed."""
    wanted = SwarmSpec.model_validate(spec)
    places = here.places(wanted.name)

    def tell(said: Progress | StepEnded) -> None:
        say({"ended": isinstance(said, StepEnded), **packed(said)})

    job = ProcessJob(wanted, unpacked(Plan, plan), unpacked(Observed, observed), here, tell)
    places.proved.unlink(missing_ok=True)
    for path, value in ((places.engine_key, secrets["engine"]), (places.agent_token, secrets["agent"])):
        if not path.exists() or files.secret(path) != value:
            files.write(path, value)
    try:
        with here.ledger.lock(wanted.name, "up"), own(places.root):
            verdict = job.execute()
    except SwarmctlError as e:
        return {"verdict": files.read_json(places.proved), "failed": failure(e)}
    return {"verdict": verdict and verdict.as_json(), "failed": None}


def _prove(here: World, say: Say, swarm: str, depth: Depth) -> Any:
    """Every promise read back here."""
    asks = depth != "look"  # a look asks no model anything: what an engine does meanwhile is somebody's
    with own(here.places(swarm).root) if asks else nullcontext():
        verdict: Verdict = prove(here.require(swarm), here, tell=say, depth=depth)
    return verdict.as_json()


def _remains(here: World, _say: Say, swarm: str) -> Any:
    """What is left of a swarm."""
    return packed(remains(swarm, here))


def _clear(here: World, say: Say, swarm: str, purge: bool) -> None:
    """Nothing is left of a swarm; with `purge` no models either, where no other swarm is here."""
    clear(swarm, here, purge=purge, tell=say)
    if purge and not here.known():
        for name in ("store", "brought"):
            shutil.rmtree(here.state / name, ignore_errors=True)


def _guard(here: World, _say: Say, config: dict[str, Any]) -> None:
    """The machine's guard is kept alive from now on; one that runs already is taken over."""
    _keeper(here).apply(SupervisorConfig.from_json(config))


def _holds(here: World, _say: Say, key: str, sha256: str) -> bool:
    """The store has this content, and knows it under the key from now on."""
    same = next((one for one in here.store.all() if one.sha256 == sha256), None)
    if same is not None:
        here.store.alias(same.key, key)
    return same is not None


def _take(here: World, _say: Say, key: str, file: str, sha256: str, facts: Mapping[str, Any] | None = None) -> None:
    """A file that was brought, and checked then, belongs to the store. facts: of an adapter, whose own header says
    nothing of its base. Raises SpecError where it is no model.
    """
    here.store.take(key, Path(file), sha256, GgufFacts.from_json(facts) if facts else None)


def _rest(here: World, _say: Say) -> None:
    """All work ends; the guard goes on."""
    for swarm in here.known():
        here.runtime(swarm).stop()


def _revive(here: World, _say: Say) -> None:
    """After a start of the machine: whatever ran before runs again."""
    for runtime in (_keeper(here), *(here.runtime(swarm) for swarm in here.known())):
        raw = files.read_json(runtime.config_file)
        with suppress(SwarmctlError, ValueError, TypeError, KeyError):
            if isinstance(raw, dict) and runtime.status() is None:
                runtime.apply(SupervisorConfig.from_json(raw))


ORDERS: dict[str, Callable[..., Any]] = {
    "observe": _observe,
    "execute": _execute,
    "prove": _prove,
    "remains": _remains,
    "clear": _clear,
    "guard": _guard,
    "holds": _holds,
    "take": _take,
    "rest": _rest,
    "revive": _revive,
}


def _keeper(here: World) -> ProcessRuntime:
    folder = here.state / GUARD
    return ProcessRuntime(GUARD, folder, folder / "keeper.sock", here.clock)


def _opened(spec: dict[str, Any], prompts: dict[str, str]) -> Opened:
    wanted = SwarmSpec.model_validate(spec)
    return Opened(Loaded(wanted, "", {}), wanted, prompts)


def _other_code(found: Observed, here: World, swarm: str) -> str:
    """What supervises runs from another installation than this one."""
    keepers = [one for one in here.runtime(swarm).labelled() if one.labels.get("swarmctl.service") == SUPERVISOR]
    if found.supervisor is None or not keepers or any(one.cmdline[:1] == (sys.executable,) for one in keepers):
        return ""
    return f"{__version__} as it was"
