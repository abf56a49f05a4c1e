"""Proving: every promise of a swarm, read back from what really runs."""

from collections.abc import Callable

from swarmctl.core.proof import Proof
from swarmctl.core.record import SwarmRecord
from swarmctl.core.stack import stack_hash
from swarmctl.core.verdict import Depth, Verdict
from swarmctl.effects import files
from swarmctl.effects.world import World

Tell = Callable[[str], None]


def prove(record: SwarmRecord, world: World, *, tell: Tell, depth: Depth = "check") -> Verdict:
    """Read every promise back, and keep the verdict: that of a look beside the last one that asked, not over it.

    Waits until everything answers unless it only looks. Raises DeployError, with the last lines of its log, for a
    process that does not come up; HostError where Docker does not answer.
    """
    begun = world.clock.monotonic()
    stack = stack_hash(record.stacks)
    if record.runtime == "process" and (hand := world.hand(record.swarm)) is not None:
        from swarmctl.effects.hand.proving import proved  # noqa: PLC0415 - only where processes are elsewhere

        verdict = proved(record, world, hand, depth=depth, tell=tell)
    else:
        proofs = tuple(_proofs(record, world, depth, stack, tell))
        verdict = Verdict(stack, world.clock.now(), world.clock.monotonic() - begun, proofs, depth)
    places = world.places(record.swarm)
    files.write_json(places.seen if depth == "look" else places.proved, verdict.as_json())
    if depth != "look":
        places.seen.unlink(missing_ok=True)  # an earlier look; a clock that was set back would make it the later one
    return verdict


def _proofs(record: SwarmRecord, world: World, depth: Depth, stack: str, tell: Tell) -> list[Proof]:
    if record.runtime == "process":
        from swarmctl.effects.proving.processes import process_proofs  # noqa: PLC0415 - of one runtime alone

        return process_proofs(record, world, depth, tell)
    from swarmctl.effects.proving.golden import golden, keep  # noqa: PLC0415 - as above
    from swarmctl.effects.proving.stacks import Stacks  # noqa: PLC0415 - as above

    path = world.places(record.swarm).golden
    runtime = world.compose(record.swarm)
    found = Stacks(record, runtime, world, depth, golden=golden(path, stack), tell=tell).proofs()
    if depth != "look":
        keep(path, stack, found)
    return found
