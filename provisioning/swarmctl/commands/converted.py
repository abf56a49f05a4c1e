"""A swarm whose models are ready to be served: what its file names as published weights is converted first."""

from collections.abc import Callable

from swarmctl.commands.convert import Wish, convert, decide
from swarmctl.commands.convertible import of_swarm, to_convert
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects.converting.finishing import held_key
from swarmctl.effects.converting.run import Tell
from swarmctl.effects.world import World

QUANT = "Q4_K_M"
"""Where the swarm file names none."""


def converted(
    spec: SwarmSpec, world: World, tell: Tell, say: Callable[[str], None], wish: Wish | None = None
) -> SwarmSpec:
    """The same swarm with files in place of folders and repositories that had to be converted.

    Quick where all of it is there. Raises what `decide` and `convert` raise, and the first failure of a conversion.
    """
    wanted = of_swarm(spec, (QUANT,))
    if not wanted:
        return spec
    decided = decide(wanted, wish or Wish(), world)
    report = convert(decided, world, tell, say)
    report.check()
    models = {name: _served(one, spec.users(name), world) for name, one in spec.models.items()}
    return spec.model_copy(update={"models": models})


def _served(source: ModelSource, users: tuple[str, ...], world: World) -> ModelSource:
    """The file by its content; where its layers sit, its draft and its base stay as they were said."""
    asked = to_convert(source) if users else None
    found = world.store.held(held_key(asked, source.quant or QUANT)) if asked else None
    if found is None:
        return source
    given = {"path": str(found.blob), "sha256": found.sha256, "hf": None, "quant": None, "revision": "main"}
    return source.model_copy(update=given)
