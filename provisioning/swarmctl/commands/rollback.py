"""`rollback`: back to the state that was proved last, or the one before it."""

from swarmctl.commands.up import Approve, Report, up
from swarmctl.core.kept import KeptState
from swarmctl.core.parts.names import part_name
from swarmctl.core.specfile import Loaded
from swarmctl.core.stack import stack_hash
from swarmctl.effects.execute import Tell
from swarmctl.effects.keeping import kept
from swarmctl.effects.parts.members import slots
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import SpecError


def rollback(swarm: str, world: World, *, approve: Approve, tell: Tell) -> Report:
    """Bring a swarm back to what was proved. Nothing is fetched that is still here.

    Raises SpecError where there is nothing to go back to, and what `up` raises.
    """
    record = world.require(swarm)
    if found := slots(swarm, world):
        raise SpecError(
            f"swarm '{swarm}' is on several hosts, and each goes back by itself",
            hint=f"swarmctl rollback --swarm {part_name(swarm, found[0])}   (of {', '.join(found)})",
        )
    state = kept(world.places(swarm)).target(stack_hash(record.stacks))
    if state is None:
        raise SpecError(
            f"of swarm '{swarm}' no other state than this one was proved", hint=f"swarmctl check --swarm {swarm}"
        )
    return up(reopened(state), world, approve=approve, tell=tell, keep=True)


def reopened(state: KeptState) -> Opened:
    """A kept state as if its file had just been read."""
    source = f"the state proved at {state.at.isoformat(timespec='seconds')}"
    return Opened(Loaded(state.spec, source, {}), state.spec, dict(state.prompts))
