"""A swarm of real processes worked by the hand: made, proved, found as it is, mended, taken away."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from fakes.nearhand import NearConnection, near
from ground.places import tiny
from swarmctl.commands.up import up
from swarmctl.core.observed import Observed
from swarmctl.core.plan import Verb
from swarmctl.core.reconcile import reconcile
from swarmctl.effects import files
from swarmctl.effects.clearing import clear
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.hand.hand import Hand
from swarmctl.effects.observe import observe, remains
from swarmctl.effects.prove import prove
from swarmctl.effects.specs import Opened, open_spec
from swarmctl.effects.world import World

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not tiny("backend").exists(), reason="make ground")]
FILE = """\
name: mine
target: {{ssh: {{hosts: [near]}}}}
runtime: process
engine: {{context: 512}}
models: {{m: {{path: {path}}}}}
roles: {{orchestrator: {{model: m}}}}
limits: {{output: 64}}
"""


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    file = tmp_path / "swarm.yml"
    file.write_text(FILE.format(path=tiny("backend")))
    return open_spec(file)


def _made(opened: Opened, world: World) -> list[str]:
    """One `up`; what it did."""
    told: list[str] = []
    report = up(opened, world, approve=lambda plan: told.append(plan.text()) is None, tell=lambda _: None)
    return told if report.done else ["nothing"]


def test_a_swarm_is_made_and_mended_and_taken_away_by_the_hand(tmp_path: Path, opened: Opened) -> None:
    world, hand = near(tmp_path, "mine")
    try:
        (plan,) = _made(opened, world)
        assert [line.split()[1] for line in plan.splitlines()] == ["prepare", "load", "deploy", "deploy", "check"]
        _its_promises_hold_there_and_from_here(world, hand)
        assert _made(opened, world) == ["nothing"], "a second up changes nothing"
        _secrets_are_files_for_the_owner_alone(tmp_path)
        _a_dead_supervisor_is_healed(opened, world)
        _other_keys_are_brought(opened, world)
    finally:
        clear("mine", world, purge=True)
    assert not Path(hand.folder).exists()
    assert not (tmp_path / "there" / "store").exists()
    assert not world.places("mine").root.exists()
    assert [
        one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(one.info["cmdline"] or [])
    ] == []


def _its_promises_hold_there_and_from_here(world: World, hand: Hand) -> None:
    verdict = prove(world.require("mine"), world, tell=lambda _: None, depth="look")
    assert verdict.passed, verdict.failures()
    assert {"reached from here", "context and parallelism in force"} <= {proof.name for proof in verdict.proofs}
    over = hand.over
    assert isinstance(over, NearConnection)
    assert set(over.forwarded[-1]) == set(world.require("mine").ports.values())
    over.forwarded.clear()
    assert world.reached("mine") == world.require("mine")
    assert set(over.forwarded[-1]) == set(world.require("mine").ports.values()), "the way is made again for a run"
    assert files.read_json(world.places("mine").proved)["passed"] is True


def _secrets_are_files_for_the_owner_alone(folder: Path) -> None:
    secrets = list((folder / "there" / "swarms" / "mine" / "secrets").iterdir())
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}
    texts = [path.read_text().split()[-1] for path in secrets if path.suffix in {".key", ".token"}]
    shown = [" ".join(one.cmdline()) for one in psutil.process_iter() if _readable(one)]
    assert not [text for text in texts if any(text in line for line in shown)]


def _readable(one: psutil.Process) -> bool:
    try:
        return bool(one.cmdline())
    except psutil.Error:
        return False


def _a_dead_supervisor_is_healed(opened: Opened, world: World) -> None:
    """As after a reboot: nothing of it runs."""
    found = remains("mine", world)
    assert found.supervisor is not None
    for pid in (found.supervisor, *(one.pid for one in found.services if one.pid)):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not remains("mine", world).services, clock=SystemClock(), deadline=20, every=0.2, what="its end")
    (plan,) = _made(opened, world)
    assert plan.count("does not run") == 2


def _other_keys_are_brought(opened: Opened, world: World) -> None:
    """Keys that were made anew here are not those of what runs there."""
    world.places("mine").agent_token.write_text("another-token")
    seen = observe(opened, world)
    assert isinstance(seen, Observed)
    assert seen.prepared is False
    assert [step.verb for step in reconcile(opened.spec, seen).steps].count(Verb.DEPLOY) == 2
    _made(opened, world)
    assert world.agent(world.require("mine"), "orchestrator").card()["name"] == "mine/orchestrator"
