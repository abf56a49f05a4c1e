"""Which models can be served from a base's weights: those of which an adapter is at hand, or can be made."""

from collections.abc import Iterator, Mapping

from swarmctl.core.placement.demand import Known
from swarmctl.core.spec import SwarmSpec


def foldable(spec: SwarmSpec, known: Mapping[str, Known]) -> SwarmSpec:
    """The same swarm, in which a whole model is no edit of a base: an adapter cannot be told from its file, nor from
    a file of its base.
    """
    whole = [name for name, source in spec.models.items() if source.base and not can_fold(name, source.base, known)]
    plain = {name: spec.models[name].model_copy(update={"base": None}) for name in whole}
    return spec.model_copy(update={"models": {**spec.models, **plain}})


def whole(spec: SwarmSpec, known: Mapping[str, Known]) -> Iterator[str]:
    """Edits of a base that is to be shared, of which there is only the whole model."""
    for name, source in spec.models.items() if spec.placement.architecture == "shared-base" else ():
        if source.base and spec.users(name) and not can_fold(name, source.base, known):
            yield (
                f"models.{name}: what it changes of {source.base} can only be told from published weights of both: "
                "name folders or repositories, not files, or leave out its base"
            )


def can_fold(name: str, base: str, known: Mapping[str, Known]) -> bool:
    """An adapter of it is at hand, or both are published weights; of what is not known, yes."""
    if name not in known or base not in known:
        return True
    return known[name].adapter > 0 or not (_is_whole(known[name]) or _is_whole(known[base]))


def _is_whole(known: Known) -> bool:
    """It is one file with all of its weights; published ones, of which it can be made, can have any quantisation."""
    return not known.adapter and not known.published and len(known.weights) == 1
