"""A placed process as Ollama's model: what its Modelfile says, and how it is loaded."""

from swarmctl.core.chatfamily import chosen
from swarmctl.core.engines.engine import Engine
from swarmctl.core.modelfile import EngineModel
from swarmctl.core.placement.placement import Process
from swarmctl.core.spec import SwarmSpec


def engine_model(
    spec: SwarmSpec, process: Process, engine: Engine, source: str, origin: str, *, carries: bool, template: str = ""
) -> EngineModel:
    """What a Modelfile is written from. source: path or `sha256:…`. origin: the file's hash. carries: a template.

    The longest answer that one of its roles may give bounds all; a temperature is written where its roles agree on one.
    Raises SpecError where no chat format is known.
    """
    name = process.models[0]
    roles = [spec.roles[role] for role in process.roles]
    temperatures = {role.temperature for role in roles}
    return EngineModel(
        name,
        source,
        origin,
        chosen(engine, process.model, carries, template),
        process.serving.context,
        max((role.output or spec.limits.output for role in roles), default=spec.limits.output),
        batch=process.serving.batch,
        temperature=temperatures.pop() if len(temperatures) == 1 else None,
        threads=spec.engine.threads,
        device="cpu" if process.gpu is None else process.serving.device,
    )
