"""The promise of an engine, kept by Ollama for one of its models."""

from swarmctl.core import engineproof
from swarmctl.core.engine import EngineFile
from swarmctl.core.engineproof import Answer, restart, subject
from swarmctl.core.hints import logs
from swarmctl.core.llamacpp import slot_context
from swarmctl.core.ollama.log import Launch, launches, starts
from swarmctl.core.proof import Proof, outcome
from swarmctl.effects.clock import Clock
from swarmctl.effects.engines import EngineUnderTest
from swarmctl.effects.engines.alive import age, born
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.errors import HostError, SwarmctlError

_QUESTION, _TOKENS = "Count from one to ten in words.", 24
_MOST = 64 << 20


class OllamaEngine:
    """The promise of effects/engines. Ollama demands no key, so that one is not among its proofs."""

    def ready(self, settings: EngineFile) -> bool:
        """It answers and its model is loaded, or asleep by its own keep-alive."""
        try:
            with Ollama(_url(settings)) as client:
                if settings.keep_alive >= 0:
                    return settings.model in client.models()
                return settings.model in {row.name for row in client.running()}
        except SwarmctlError:
            return False

    def models(self, settings: EngineFile) -> tuple[str, ...]:
        """Names that a request may ask for. Raises HostError when it does not answer."""
        try:
            with Ollama(_url(settings)) as client:
                return client.models()
        except SwarmctlError as e:
            raise HostError(
                f"engine-{settings.model} does not list its models: {e.message}", detail=e.detail, hint=e.hint
            ) from None

    def proofs(self, engine: EngineUnderTest, clock: Clock) -> list[Proof]:
        """Every promise of one model, read back in a fixed order; takes two short answers of it."""
        settings, log = engine.settings, _log(engine)
        with Ollama(_url(settings)) as client:
            found = [
                engineproof.up_proof(engine.settings, engine.pid, age(engine.pid, clock)),
                _loaded(client, settings),
            ]
            launch = _launch(client, settings, log)
            lines = launch.lines if launch else None
            slots = [slot_context(launch.context)] * launch.parallel if launch and launch.context else []
            first = _answer(client, engine)
            before = (born(engine.pid), _starts(launch, _log(engine)))
            second = _answer(client, engine)
            after = (born(engine.pid), _starts(launch, _log(engine)))
            return [
                *found,
                engineproof.context_proof(settings, slots, launch.said[-300:] if launch else "no start in its log"),
                engineproof.kv_proof(settings, lines),
                engineproof.flash_proof(settings, lines),
                engineproof.answer_proof(settings, first, engine.floor),
                engineproof.reload_proof(
                    settings,
                    before,
                    after,
                    second,
                    evidence="start time of its pid, starts in its log",
                    mend=restart(settings),
                    least=1,
                ),
                engineproof.buffers_proof(settings, lines, engine.expected),
            ]


def _url(settings: EngineFile) -> str:
    return f"http://{settings.host}:{settings.port}"


def _log(engine: EngineUnderTest) -> str:
    """The end of its log, the one that was rotated last before it."""
    files = [path for path in (engine.log.with_name(f"{engine.log.name}.1"), engine.log) if path.is_file()]
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in files)[-_MOST:]


def _launch(client: Ollama, settings: EngineFile, log: str) -> Launch | None:
    try:
        shown = client.show(settings.model)
    except SwarmctlError:
        return None
    return launches(log).get(shown.stored) if shown else None


def _starts(launch: Launch | None, log: str) -> int:
    return starts(log).get(launch.blob, 0) if launch else 0


def _loaded(client: Ollama, settings: EngineFile) -> Proof:
    try:
        seen = [row.name for row in client.running()]
        measured = ", ".join(seen) or "nothing"
    except SwarmctlError as e:
        seen, measured = [], e.message
    return Proof(
        "model loaded",
        subject(settings),
        settings.model,
        measured,
        f"GET {_url(settings)}/api/ps",
        outcome(settings.model in seen),
        logs(settings.swarm, f"engine-{settings.model}"),
    )


def _answer(client: Ollama, engine: EngineUnderTest) -> Answer | str:
    try:
        said = client.ask(engine.settings.model, _QUESTION, _TOKENS, engine.floor)
    except SwarmctlError as e:
        return e.message
    return Answer(said.text, said.tokens, said.rate)
