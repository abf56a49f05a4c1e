"""An Ollama container of a record as something to prove: what was promised of it, and where to look."""

from collections.abc import Mapping
from functools import partial

from swarmctl.core.engines.engine import Engine
from swarmctl.core.engines.rules import in_force
from swarmctl.core.insideview import Inside
from swarmctl.core.memory.expected import expected
from swarmctl.core.memory.need import Need
from swarmctl.core.memory.serving import Serving
from swarmctl.core.modelfile import OWN, EngineModel, modelfile, read
from swarmctl.core.ollama.proof import Promise
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.effects.engines.ollamaproofs import OllamaUnderTest
from swarmctl.effects.engines.ollamaspeech import Speech
from swarmctl.effects.proving.peek import peek
from swarmctl.effects.proving.runtime import Containers
from swarmctl.effects.store import ModelStore
from swarmctl.effects.templates import modelfile_templates
from swarmctl.errors import HostError, SpecError

MODELS = "/models"


def client(service: ServiceRecord, record: SwarmRecord, runtime: Containers) -> Ollama:
    """Its API through the forwarder, and its container's log; close it, or use it as a context."""
    return Ollama(record.url(service.name), log=partial(_log, runtime, service.name))


def under_test(
    service: ServiceRecord,
    record: SwarmRecord,
    runtime: Containers,
    store: ModelStore,
    engine: Engine,
    golden: Mapping[str, str],
) -> OllamaUnderTest:
    """What was promised of one server. engine: what its own version says. golden: how answers begin, by model."""
    plan = {str(key): str(value) for key, value in service.settings["environment"].items()}
    models = [s for s in record.services if s.kind == "model" and service.name in s.needs]
    needs: dict[str, Need] = {}
    promises, speech = [], {}
    for model in models:
        serving, need = _serving(model, plan, store, engine)
        promises.append(_promise(model, record.swarm, serving))
        speech[model.subject] = speech_of(str(model.settings["family"]))
        if need is not None:
            needs[model.subject] = need
    most = _whole(plan.get("OLLAMA_MAX_LOADED_MODELS"), len(models))
    return OllamaUnderTest(
        record.swarm,
        service.name,
        promises,
        plan,
        None,
        most if most < len(models) else None,
        record.floor,
        golden,
        speech,
        needs,
        partial(look_inside, runtime, service.name),
        _whole(plan.get("LLAMA_ARG_CACHE_RAM"), 0),
    )


def look_inside(runtime: Containers, service: str) -> Inside | None:
    """A look into an engine's container."""
    return peek(runtime, service, MODELS, "/tmp")  # noqa: S108 - the container's own


def speech_of(family: str) -> Speech:
    """How models of a chat family are spoken to, by the template that we write."""
    if family == OWN:
        return Speech(OWN)
    blank = EngineModel("model", "model.gguf", "", family, 1, 1)
    try:
        made = read(modelfile(blank, modelfile_templates()))
    except SpecError:
        return Speech(OWN)
    stops = made.parameters.get("stop", ())
    return Speech(family, stops if isinstance(stops, tuple) else (str(stops),), ".Tools" in made.template)


def _promise(model: ServiceRecord, swarm: str, serving: Serving) -> Promise:
    s = model.settings
    keep = int(s["keep_alive"])
    return Promise(swarm, model.subject, int(s["context"]), serving.parallel, serving.kv, keep, serving.device)


def _serving(
    model: ServiceRecord, plan: Mapping[str, str], store: ModelStore, engine: Engine
) -> tuple[Serving, Need | None]:
    """How the engine serves it by its own rules, and what that takes; no figures for a model that the store lacks."""
    s = model.settings
    asked = Serving(
        int(s["context"]),
        _whole(plan.get("OLLAMA_NUM_PARALLEL"), 1),
        plan.get("OLLAMA_KV_CACHE_TYPE") or "f16",
        plan.get("OLLAMA_FLASH_ATTENTION") == "1",
        int(s["batch"]),
        cache_ram=_whole(plan.get("LLAMA_ARG_CACHE_RAM"), 0),
        device="cpu" if model.gpu == "cpu" else s["device"],
    )
    held = store.described(str(s["source"]))
    if held is None:
        return asked, None
    serving, _ = in_force(engine, held.facts.model, asked)
    return serving, expected(held.facts.model, held.facts.weights, serving)


def _log(runtime: Containers, service: str) -> str:
    try:
        return runtime.log(service)
    except HostError:
        return ""


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdigit() else otherwise
