"""The catalogue of models: inventory/models, one model a file."""

from functools import cache

import yaml
from pydantic import ValidationError

from swarmctl import assets
from swarmctl.core.catalogue import ModelCard, find
from swarmctl.core.gguf import GgufFacts
from swarmctl.core.spec import ModelSource
from swarmctl.errors import SpecError


@cache
def cards() -> tuple[ModelCard, ...]:
    """Every card. Raises SpecError naming the file that is wrong."""
    found = []
    for path in sorted((assets.root() / "inventory" / "models").glob("*.yml")):
        try:
            found.append(ModelCard.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))
        except (ValidationError, yaml.YAMLError) as e:
            raise SpecError(f"{path} is no model card", detail=str(e)) from None
    return tuple(found)


def facts(source: ModelSource) -> GgufFacts | None:
    """What the catalogue knows of a source."""
    card = find(cards(), source)
    return card.as_facts() if card else None
