"""`render --gpu`: write out the stacks that a swarm would be on a machine that is only thought of."""

from dataclasses import replace
from pathlib import Path

from swarmctl import __version__
from swarmctl.commands.converted import ready
from swarmctl.commands.forecast import Thought, on
from swarmctl.core.dialect import NEWEST, dialect
from swarmctl.core.enginestack import Facts
from swarmctl.core.images import images_of
from swarmctl.core.spec import ModelSource
from swarmctl.core.stacks import stacks
from swarmctl.effects.ejected import Ejected
from swarmctl.effects.ejected import eject as write
from swarmctl.effects.specs import Opened
from swarmctl.effects.unconverted import is_published
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, SpecError


def eject(opened: Opened, folder: Path, thought: Thought, world: World, docker: str | None = None) -> list[Path]:
    """A folder that `docker compose up` runs: Compose files, settings, Modelfiles, new secrets, and a README.

    docker: version of the Engine it is for, the newest if left out. Raises SpecError when the folder is not empty,
    CapacityError where the swarm does not fit.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SpecError(f"{folder} is not empty", hint="name a new folder")
    speaks = dialect(docker) if docker else NEWEST
    opened = replace(opened, spec=ready(opened.spec, world))
    found = on(opened, thought)
    if found.placement is None:
        raise CapacityError(
            f"swarm '{opened.spec.name}' does not fit {found.box.name}",
            detail="\n".join(refusal.text for refusal in found.refusals),
            hint=f"swarmctl plan --gpu {thought.gpu}",
        )
    spec = opened.spec
    pinned = images_of(spec.engine, __version__)
    identities = {source.key: _identity(source, world) for source in spec.models.values()}
    facts = Facts(pinned, opened.prompts, identities, found.box.cores)
    held = {s.key: item for s in spec.models.values() if (item := world.store.held(s)) is not None}
    what = Ejected(
        spec, stacks(spec, found.placement, facts), opened.prompts, pinned, speaks, found.box.name, found.notes, held
    )
    return write(what, folder)


def _identity(source: ModelSource, world: World) -> str:
    """Of the file that it names; of a folder that is still to be converted its key."""
    return source.key if is_published(source) else world.store.fingerprint(source)
