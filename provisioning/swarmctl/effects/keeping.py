"""Keeps the proved states of a swarm in its folder: two of them, whole files, replaced in one step."""

import json

from pydantic import ValidationError

from swarmctl.core.kept import Kept, KeptState
from swarmctl.core.places import Places
from swarmctl.core.plan import Plan
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import stack_hash
from swarmctl.effects import files
from swarmctl.effects.world import World


def kept(places: Places) -> Kept:
    """What is kept; nothing where there is no file, or one that cannot be read."""
    try:
        return Kept.model_validate_json(json.dumps(files.read_json(places.kept) or {}))
    except ValidationError:
        return Kept()


def keep(spec: SwarmSpec, prompts: dict[str, str], plan: Plan, world: World, images: dict[str, str]) -> None:
    """Remember a state that was just proved."""
    places = world.places(spec.name)
    held = {source.key: world.store.described(source) for source in spec.models.values()}
    state = KeptState(
        at=world.clock.now(),
        stack=stack_hash(plan.stacks),
        spec=spec,
        prompts=prompts,
        images=images,
        models={key: model.sha256 for key, model in held.items() if model is not None},
    )
    files.write(places.kept, kept(places).then(state).model_dump_json(indent=1, by_alias=True) + "\n")
