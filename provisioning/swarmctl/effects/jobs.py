"""Which job carries a plan out: that of the swarm's runtime."""

from typing import Any

from swarmctl.core.spec import SwarmSpec
from swarmctl.effects.execute import Job


def job_for(spec: SwarmSpec, *rest: Any) -> Job:
    """A job of the spec's runtime. rest: as Job has it after the spec."""
    if spec.runtime == "compose":
        from swarmctl.effects.executecompose import ComposeJob  # noqa: PLC0415 - only where containers are meant

        return ComposeJob(spec, *rest)
    *_, world, _tell = rest
    if world.hand(spec.name) is not None:
        from swarmctl.effects.hand.job import HandJob  # noqa: PLC0415 - as above

        return HandJob(spec, *rest)
    from swarmctl.effects.executeprocess import ProcessJob  # noqa: PLC0415 - as above

    return ProcessJob(spec, *rest)
