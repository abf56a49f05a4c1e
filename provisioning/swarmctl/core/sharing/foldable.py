"""Which models can be served from a base's weights: those of which an adapter is at hand, or can be made."""

from collections.abc import Mapping

from swarmctl.core.placement.demand import Known
from swarmctl.core.spec import SwarmSpec


def foldable(spec: SwarmSpec, known: Mapping[str, Known]) -> SwarmSpec:
    """The same swarm, in which a whole model is no edit of a base: an adapter cannot be told from its file, nor from
    a file of its base.
    """
    whole = [name for name, source in spec.models.items() if source.base and not can_fold(name, source.base, known)]
    plain = {name: spec.models[name].model_copy(update={"base": None}) for name in whole}
    return spec.model_copy(update={"models": {**spec.models, **plain}})


def can_fold(name: str, base: str, known: Mapping[str, Known]) -> bool:
    """An adapter of it is at hand, or both are published weights; of what is not known, yes."""
    if name not in known or base not in known:
        return True
    return known[name].adapter > 0 or not (_is_whole(known[name]) or _is_whole(known[base]))


def _is_whole(known: Known) -> bool:
    """It is one file with all of its weights; published ones, of which it can be made, can have any quantisation."""
    return not known.adapter and len(known.weights) == 1
