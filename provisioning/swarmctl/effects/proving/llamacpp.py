"""A llama-server container proved: its API through the forwarder, its log and its process by Docker."""

from dataclasses import replace

from swarmctl.core import enginelog, engineproof
from swarmctl.core.composesite import SERVER_PORT
from swarmctl.core.engine import EngineFile
from swarmctl.core.hints import logs
from swarmctl.core.insideview import Inside, Process
from swarmctl.core.memory.expected import expected
from swarmctl.core.memory.need import Need
from swarmctl.core.memory.serving import Serving
from swarmctl.core.proof import Proof
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.effects.engines.endpoint import Endpoint
from swarmctl.effects.engines.llamacpp import answer, asleep, awake_or_less, key_proof, on_card, passive_proofs, plain
from swarmctl.effects.proving.ollama import look_inside
from swarmctl.effects.proving.runtime import Containers
from swarmctl.effects.store import ModelStore
from swarmctl.errors import HostError

_EXTRA = (
    *("context", "parallel", "kv", "flash_attention", "threads", "cache_ram", "keep_alive", "gpu_layers"),
    *("batch", "ubatch"),
)


def settings_of(service: ServiceRecord, record: SwarmRecord, key_file: str) -> EngineFile:
    """The server as its own settings file would have it, but for its files, reached from this host."""
    s = service.settings
    return EngineFile(
        swarm=record.swarm,
        model=s["model"],
        blob="",
        port=service.port or SERVER_PORT,
        key_file=key_file,
        adapters=tuple(str(edit["source"]) for edit in s.get("adapters", ())),
        **{name: s[name] for name in _EXTRA if name in s},
    )


def look(engine: EngineFile, service: ServiceRecord, runtime: Containers, store: ModelStore) -> list[Proof]:
    """All that can be judged without a question; neither wakes a model nor keeps it awake."""
    log, inside, need = _log(runtime, service.name), look_inside(runtime, service.name), _need(service, engine, store)
    lines = enginelog.last_load(log)
    process = _process(inside)
    with Endpoint(engine) as at:
        found = passive_proofs(at, engine)
        least = awake_or_less(need, asleep(at, engine))
    return [
        *found,
        *on_card(engine, log),
        engineproof.kv_proof(engine, lines),
        engineproof.flash_proof(engine, lines),
        engineproof.buffers_proof(engine, lines, need),
        engineproof.process_proof(
            engine, process.resident if process else None, least, engineproof.LIBRARIES, enginelog.software(log)
        ),
    ]


def ask(engine: EngineFile, service: ServiceRecord, runtime: Containers, floor: float) -> list[Proof]:
    """Two answers by the same process without a load, and the key that is demanded."""
    with Endpoint(engine) as at:
        first = answer(at, engine, floor, plain(engine))
        before = _identity(runtime, service.name)
        second = answer(at, engine, floor, plain(engine))
        return [
            engineproof.answer_proof(engine, first, floor),
            engineproof.reload_proof(
                engine,
                before,
                _identity(runtime, service.name),
                second,
                evidence="start of its process in the container, load lines of its log",
                mend=logs(engine.swarm, service.name),
            ),
            key_proof(at, engine),
        ]


def _identity(runtime: Containers, service: str) -> engineproof.Seen:
    process = _process(look_inside(runtime, service))
    return float(process.started) if process else None, enginelog.loads(_log(runtime, service))


def _process(inside: Inside | None) -> Process | None:
    """The server itself: the one with a model on its command line that is no init."""
    found = [p for p in inside.processes if "--model " in p.argv and " -- " not in p.argv] if inside else []
    return max(found, key=lambda process: process.resident, default=None)


def _need(service: ServiceRecord, engine: EngineFile, store: ModelStore) -> Need | None:
    """None where it is not known, or the plan holds what a settings file does not: a draft, experts."""
    s = service.settings
    held = store.described(str(s["source"]))
    edits = [store.described(str(edit["source"])) for edit in s["adapters"]]
    if held is None or None in edits or s["draft"] or s["experts_on_cpu"]:
        return None
    size = sum(edit.bytes for edit in edits if edit is not None)
    return expected(held.facts.model, held.facts.weights, replace(Serving.of(engine, "binary"), adapters=size))


def _log(runtime: Containers, service: str) -> str:
    try:
        return runtime.log(service)
    except HostError:
        return ""
