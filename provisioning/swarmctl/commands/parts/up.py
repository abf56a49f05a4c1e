"""`up` of a swarm over several hosts: its parts side by side, then the way between them, and one verdict of all."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swarmctl.core.parts.names import part_name
from swarmctl.core.parts.split import slots_of
from swarmctl.core.parts.together import verdict_of
from swarmctl.core.verdict import Verdict
from swarmctl.effects import files
from swarmctl.effects.parts.children import Ended, Tell, side_by_side
from swarmctl.effects.parts.keys import share
from swarmctl.effects.parts.members import records, remember, write
from swarmctl.effects.parts.switching import switch
from swarmctl.effects.parts.ways import way_proofs
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import Cancelled, HealthError, SwarmctlError, with_code


@dataclass(frozen=True, slots=True)
class Report:
    """ended: how each slot's own `up` did. verdict: of all that stands. changed: something was done."""

    swarm: str
    ended: Mapping[str, Ended]
    verdict: Verdict | None
    seconds: float
    changed: bool = True
    stands: tuple[str, ...] = ()
    failed: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The value as JSON."""
        return {
            "schema": "swarmctl/up-slots/v1",
            "swarm": self.swarm,
            "slots": {slot: {"exit_code": one.code, "answer": one.answer} for slot, one in self.ended.items()},
            "stands": list(self.stands),
            "verdict": self.verdict and self.verdict.as_json(),
            "seconds": round(self.seconds, 2),
        }


def up(opened: Opened, world: World, words: Mapping[str, Sequence[str]], *, tell: Tell) -> Report:
    """Bring every part up, as `words` say for its slot; what fails on one host stops no other.

    Nobody is asked for a yes any more. Raises LockedError, what keeps the switchboard from running, and
    KeyboardInterrupt when all parts have cleaned up after one.
    """
    swarm, slots, begun = opened.spec.name, tuple(slots_of(opened.spec)), world.clock.monotonic()
    with world.ledger.lock(swarm, "up"), world.ledger.recorded(swarm, "up", {"slots": list(words)}):
        share(swarm, slots, world)
        write(swarm, slots, world)
        try:
            ended = side_by_side(words, tell)
        except KeyboardInterrupt:
            for slot in records(swarm, world):
                tell(slot, f"was up before that, and stays; swarmctl down --swarm {swarm} takes it away")
            raise
        finally:
            parts = remember(swarm, world)
            if not parts:
                _forget(swarm, slots, world)
        failed = tuple(slot for slot, one in ended.items() if one.code)
        if not parts:
            return Report(swarm, ended, None, world.clock.monotonic() - begun, failed=failed)
        switch(swarm, parts, world)
        verdict = _proved(swarm, world, world.clock.monotonic() - begun)
        changed = any(_did_something(one) for one in ended.values()) or bool(failed)
        seconds = world.clock.monotonic() - begun
        return Report(swarm, ended, verdict, seconds, changed, tuple(parts), failed)


def failure(report: Report) -> SwarmctlError | None:
    """What the end of an `up` must say; None where every part stands and reaches the others."""
    if not report.failed:
        verdict = report.verdict
        if verdict is None or verdict.passed:
            return None
        return HealthError(
            f"swarm '{report.swarm}' is up but not healthy: {verdict.summary}",
            detail=verdict.failures(),
            hint=verdict.mend,
        )
    codes = [report.ended[slot].code for slot in report.failed]
    worst = Cancelled.exit_code if Cancelled.exit_code in codes else max(codes)
    said = [_words(slot, report.ended[slot]) for slot in report.failed]
    stands = [slot for slot in report.stands if slot not in report.failed]
    detail = [line for _, lines in said for line in lines]
    detail.append(f"{', '.join(stands)} stands" if stands else "nothing of it is left")
    return with_code(
        worst,
        "; ".join(first for first, _ in said),
        detail="\n".join(detail),
        hint=f"swarmctl up   (mends {' and '.join(report.failed)} alone)",
    )


def _words(slot: str, ended: Ended) -> tuple[str, list[str]]:
    """What a slot's `up` ended with: a sentence, and the evidence."""
    answer = ended.answer if isinstance(ended.answer, dict) else {}
    message = answer.get("message") or (answer.get("passed") is False and "its proofs failed") or f"exit {ended.code}"
    lines = [f"{slot}: {line}" for line in str(answer.get("detail", "")).splitlines()]
    hint = answer.get("hint")
    return f"{slot}: {message}", [*lines, *([f"{slot}: next: {hint}"] if hint else [])]


def _did_something(ended: Ended) -> bool:
    return not (isinstance(ended.answer, dict) and ended.answer.get("steps") == [])


def _forget(swarm: str, slots: tuple[str, ...], world: World) -> None:
    """Folders of a swarm of which nothing was brought up hold keys and ways alone; one that has a machine stays."""
    for places in (world.places(swarm), *(world.places(part_name(swarm, slot)) for slot in slots)):
        if not places.host.exists():
            shutil.rmtree(places.root, ignore_errors=True)


def _proved(swarm: str, world: World, seconds: float) -> Verdict | None:
    """The verdicts of the parts and the ways between them, kept as the swarm's own."""
    verdict = together(swarm, world, seconds)
    if verdict is not None:
        files.write_json(world.places(swarm).proved, verdict.as_json())
        world.places(swarm).seen.unlink(missing_ok=True)
    return verdict


def together(swarm: str, world: World, seconds: float) -> Verdict | None:
    """What the parts' own last proofs say, with the ways between hosts as they are now; None where none was proved."""
    parts = records(swarm, world)
    raw = {slot: files.read_json(world.places(part_name(swarm, slot)).proved) for slot in parts}
    verdicts = {slot: Verdict.from_json(one) for slot, one in raw.items() if one}
    if not verdicts:
        return None
    now = world.clock.now()
    ways = Verdict("", now, 0.0, tuple(way_proofs(swarm, parts, world, wait=True)))
    return verdict_of(verdicts, ways, now, seconds, "up")
