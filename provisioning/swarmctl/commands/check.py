"""`check`: all proofs again, once or on a timer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from swarmctl.core.junit import junit
from swarmctl.core.verdict import Depth, Verdict
from swarmctl.effects import files
from swarmctl.effects.prove import prove
from swarmctl.effects.world import World
from swarmctl.errors import HostError, SpecError, SwarmctlError

SHORTEST = 1
"""Seconds between two looks: each takes about half of one for a stack of nine services."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Round:
    """One look of a timer. verdict: None when nobody could be looked at, and `problem` says why.

    changed: another outcome than the look before it had.
    """

    number: int
    verdict: Verdict | None
    changed: bool
    problem: str = ""


def check(swarm: str, world: World, *, tell: Tell, depth: Depth = "check") -> Verdict:
    """Prove a swarm again and keep the verdict. A look locks nothing and is not recorded: it changes nothing.

    Raises SpecError when it is not up, LockedError, HostError where Docker does not answer.
    """
    record = world.require(swarm)
    if record.spread:
        return _of_parts(swarm, world, tell=tell, depth=depth)
    if depth == "look":
        return prove(record, world, tell=tell, depth=depth)
    with world.ledger.lock(swarm, "check"), world.ledger.recorded(swarm, "check"):
        return prove(record, world, tell=tell, depth=depth)


def _of_parts(swarm: str, world: World, *, tell: Tell, depth: Depth) -> Verdict:
    from swarmctl.commands.parts.looking import check as prove_parts  # noqa: PLC0415 - only where hosts are several

    if depth == "look":
        return prove_parts(swarm, world, tell=tell, depth=depth)
    with world.ledger.lock(swarm, "check"), world.ledger.recorded(swarm, "check"):
        return prove_parts(swarm, world, tell=tell, depth=depth)


def watch(swarm: str, world: World, every: int, *, tell: Tell) -> Iterator[Round]:
    """Look again and again, `every` seconds from one look's begin to the next, until somebody ends it.

    A look that fails as a whole is a round too. Raises SpecError when the swarm is not up (any more) or the time is
    too short.
    """
    if every < SHORTEST:
        raise SpecError(f"--every {every}s is too short", hint=f"--every {SHORTEST}s or more, e.g. --every 60s")
    before: object = None
    number = 0
    while True:
        number, begun = number + 1, world.clock.monotonic()
        verdict, problem = _round(swarm, world, tell)
        now = _outcomes(verdict) if verdict else problem
        yield Round(number, verdict, now != before, problem)
        before = now
        world.clock.sleep(begun + every - world.clock.monotonic())


def write_junit(path: Path, verdict: Verdict, swarm: str) -> None:
    """Put a verdict where a CI server finds it. Raises HostError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(junit(verdict, swarm), encoding="utf-8")
    except OSError as e:
        raise HostError(f"{path} cannot be written: {e.strerror or e}") from None


def last_look(swarm: str, world: World) -> Verdict | None:
    """What the last look alone saw; None when there was none, or it cannot be read."""
    raw = files.read_json(world.places(swarm).seen)
    try:
        return Verdict.from_json(raw) if isinstance(raw, dict) else None
    except (KeyError, TypeError, ValueError):
        return None


def _round(swarm: str, world: World, tell: Tell) -> tuple[Verdict | None, str]:
    try:
        return check(swarm, world, tell=tell, depth="look"), ""
    except SpecError:
        raise
    except SwarmctlError as e:
        return None, f"{e.message}: {e.detail}" if e.detail else e.message


def _outcomes(verdict: Verdict) -> frozenset[tuple[str, str, str]]:
    return frozenset((proof.subject, proof.name, proof.verdict) for proof in verdict.proofs)
