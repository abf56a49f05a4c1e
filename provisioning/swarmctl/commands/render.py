"""`render`: write out what `up` would run, to read it or to take it elsewhere."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from swarmctl.core.labels import home_of
from swarmctl.core.places import Places
from swarmctl.core.reconcile import reconcile
from swarmctl.core.render import Site, settings_file, supervisor_config
from swarmctl.effects import files
from swarmctl.effects.observe import observe
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import SpecError


def render(opened: Opened, folder: Path, world: World) -> list[Path]:
    """Write the supervisor's configuration and every service's settings under a folder; no secret is among them.

    `python -m swarmctl.supervisor FOLDER/supervisor.json` runs them once the two secrets are put where the
    settings say. Raises SpecError when the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SpecError(f"{folder} is not empty", hint="name a new folder")
    spec = opened.spec
    plan = reconcile(spec, observe(opened, world))
    places = Places(spec.name, folder.resolve())
    held = {source.key: world.store.held(source) for source in spec.models.values()}
    site = Site(
        places=places,
        socket=str(folder.resolve() / "control.sock"),
        home=home_of(str(folder.resolve())),
        ports=plan.ports,
        blobs={key: str(item.blob) if item else f"FETCH:{key}" for key, item in held.items()},
        prompts=opened.prompts,
        python=sys.executable,
    )
    (stack,) = plan.stacks
    written = []
    for service in stack.services:
        path = places.service(service.name)
        files.write(path, settings_file(stack, service, site).model_dump_json(indent=1) + "\n")
        written.append(path)
    config = folder / "supervisor.json"
    files.write(config, json.dumps(asdict(supervisor_config(stack, list(stack.services), site)), indent=1) + "\n")
    return [*written, config]
