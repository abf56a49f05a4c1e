"""`init`: a first swarm.yml, with the line that lets an editor check it."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from swarmctl import assets
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.specfile import load
from swarmctl.effects import files
from swarmctl.errors import SpecError

ROLES = ("frontend", "backend", "testing", "security", "docs", "devops")


@dataclass(frozen=True, slots=True)
class Answers:
    """What `init` asks: a name, a GGUF file (None: the demo's tiny model), and the specialists."""

    name: str
    model: str | None = None
    roles: tuple[str, ...] = ROLES
    test: str | None = None


def init(answers: Answers, folder: Path, *, force: bool = False) -> list[Path]:
    """Write swarm.yml and its schema beside it; what is there stays unless `force`. Raises SpecError."""
    file, schema = folder / "swarm.yml", folder / ".swarmctl" / "swarm.schema.json"
    if file.exists() and not force:
        raise SpecError(f"{file} is there already", hint="swarmctl init --force   (or edit it)")
    template = (assets.root() / "inventory" / "init.yml.j2").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701 - YAML, not HTML
    text = environment.from_string(template).render(answers=answers, schema=schema.relative_to(folder))
    load(text.encode(), source=str(file))
    files.write_json(schema, json_schema())
    file.write_text(text, encoding="utf-8")
    return [file, schema]


def json_schema() -> dict[str, object]:
    """The JSON Schema of a swarm file."""
    schema = SwarmSpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "swarmctl/swarm/v1", **schema}
