"""A swarm whose models are ready to be served: what its file names as published weights is converted first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from swarmctl.commands.convert import Report, Wish, convert, decide
from swarmctl.commands.convertible import Wanted, of_swarm, role_alone, to_convert
from swarmctl.commands.folding import Hands, MissingError
from swarmctl.commands.sharing import Folded, edits_of, folded
from swarmctl.core.converting.request import USUAL, Asked
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects.converting.finishing import held_key
from swarmctl.effects.converting.run import Tell
from swarmctl.effects.converting.tools import Tools, provided, tools
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError


def converted(
    spec: SwarmSpec,
    world: World,
    tell: Tell,
    say: Callable[[str], None],
    wish: Wish | None = None,
    closing: Callable[[Report], None] = lambda _report: None,
) -> SwarmSpec:
    """The same swarm with files in place of folders and repositories that had to be converted or folded into a base.

    closing: told what came of conversions, where there were any. Quick where all of it is there. Raises what `folded`,
    `decide` and `convert` raise, and the first failure of a conversion.
    """
    wish = wish or Wish()
    made = folded(spec, USUAL, _hands(world, wish, say))
    todo = _todo(made)
    if not todo:
        return made.spec
    decided = decide([_wanted(one, made.spec.models[name]) for name, one in todo.items()], wish, world)
    report = convert(decided, world, tell, say)
    closing(report)
    report.check()
    return _served(made.spec, todo, world)


def ready(spec: SwarmSpec, world: World) -> SwarmSpec:
    """What `converted` gives where all of it is there already; the same swarm where anything is not. Makes nothing."""
    try:
        made = folded(spec, USUAL, _idle(world))
        todo = _todo(made)
        wanted = [_wanted(one, made.spec.models[name]) for name, one in todo.items()]
        decided = decide(wanted, Wish(), world) if wanted else None
    except (MissingError, SwarmctlError):
        return spec
    if decided is None:
        return made.spec
    if not decided.is_empty:
        return spec
    convert(decided, world, lambda _event: None)  # what is there gets its name of this file
    return _served(made.spec, todo, world)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a swarm file needs. wanted: to be converted. folds: specialists by the base that they are folded into first,
    where that is still to be done.
    """

    wanted: tuple[Wanted, ...]
    folds: Mapping[str, tuple[str, ...]]


def needs(
    spec: SwarmSpec, world: World, quants: tuple[str, ...], role: str | None = None, hands: Hands | None = None
) -> Needs:
    """All that a swarm file needs, or one role of it. quants: of models that name none.

    hands: fold specialists that share a base; without them nothing is made, fetched or folded. Raises what `folded`
    raises, SpecError for a role that is not.
    """
    spec = role_alone(spec, role)
    try:
        made = folded(spec, quants[0], hands or _idle(world))
    except MissingError:
        return _unfolded(spec, quants)
    bases = [(one, _quants(made.spec.models[name], quants)) for name, one in made.bases.items()]
    others = made.spec.model_copy(update={"models": {n: m for n, m in made.spec.models.items() if n not in made.bases}})
    return Needs((*bases, *of_swarm(others, quants)), {})


def _unfolded(spec: SwarmSpec, quants: tuple[str, ...]) -> Needs:
    """As it can be told before anything is folded: bases are converted whole, and specialists not at all."""
    edits = edits_of(spec)
    left = {name: source for name, source in spec.models.items() if name not in edits}
    used = [name for name in left if spec.users(name) or name in edits.values()]
    found = [(one, _quants(left[name], quants)) for name in used if (one := to_convert(left[name], spec.models))]
    folds = {base: tuple(name for name in edits if edits[name] == base) for base in dict.fromkeys(edits.values())}
    return Needs(tuple(found), folds)


def _hands(world: World, wish: Wish, say: Callable[[str], None]) -> Hands:
    return Hands(world, wish, lambda: provided(tools(), say), say)


def _idle(world: World) -> Hands:
    """Make nothing."""
    return Hands(world, Wish(), _none, lambda _line: None, fetches=False)


def _none() -> Tools:
    raise MissingError


def _quants(source: ModelSource, quants: tuple[str, ...]) -> tuple[str, ...]:
    return (source.quant,) if source.quant is not None else quants


def _todo(made: Folded) -> Mapping[str, Asked]:
    """What must be converted, by model: of roles, and bases whether or not a role uses them."""
    models = made.spec.models
    used = [name for name in models if made.spec.users(name) or name in made.bases]
    found = {name: made.bases.get(name) or to_convert(models[name], models) for name in used}
    return {name: one for name, one in found.items() if one is not None}


def _wanted(asked: Asked, source: ModelSource) -> Wanted:
    return asked, (source.quant or USUAL,)


def _served(spec: SwarmSpec, todo: Mapping[str, Asked], world: World) -> SwarmSpec:
    models = {name: _file(one, todo.get(name), world) for name, one in spec.models.items()}
    return spec.model_copy(update={"models": models})


def _file(source: ModelSource, asked: Asked | None, world: World) -> ModelSource:
    """The file by its content; where its layers sit, its draft and its base stay as they were said."""
    found = world.store.held(held_key(asked, source.quant or USUAL)) if asked else None
    if found is None:
        return source
    world.store.alias(found.key, f"path:{found.blob}")
    given = {"path": str(found.blob), "sha256": found.sha256, "hf": None, "quant": None, "revision": "main"}
    return source.model_copy(update=given)
