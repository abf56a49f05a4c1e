"""Each proof of an Ollama server seen green and red, against the real one of both generations.

Over 300 lines: every proof is broken on the same two servers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from fakes.ollama_server import NEW, OLD, Server, environ, named, recipe, serving
from swarmctl.core.ollama.environment import environment_proof
from swarmctl.core.ollama.log import starts
from swarmctl.core.ollama.order import Wish
from swarmctl.core.ollama.proof import Promise, context_proof, device_proof, keep_alive_proof, kv_proof
from swarmctl.core.proof import Proof
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.effects.engines.ollamaproofs import OllamaUnderTest, after_talk, ask, look
from swarmctl.effects.proving.ollama import speech_of
from swarmctl.errors import DeployError

pytestmark = [pytest.mark.ground, pytest.mark.slow]
PLAN = {
    "OLLAMA_MAX_LOADED_MODELS": "2",
    "OLLAMA_NUM_PARALLEL": "2",
    "OLLAMA_KEEP_ALIVE": "-1",
    "OLLAMA_CONTEXT_LENGTH": "1024",
    "OLLAMA_FLASH_ATTENTION": "1",
    "OLLAMA_KV_CACHE_TYPE": "q8_0",
    "OLLAMA_LOAD_TIMEOUT": "10m",
    "OLLAMA_NO_CLOUD": "1",
    "LLAMA_ARG_CACHE_RAM": "0",
}
NAMES = ("lead", "coder")
KEEP = {"lead": -1, "coder": 3600}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return named(tmp_path_factory.mktemp("ggufs"), *NAMES)


BOTH = pytest.mark.parametrize("version", [NEW, OLD])
ONE = pytest.mark.parametrize("version", [NEW])
"""What both generations do alike is shown on the current one."""


class Host:
    """A server with both models, and the proofs of it."""

    def __init__(self, server: Server, client: Ollama) -> None:
        self.server, self.client = server, client

    def load(self) -> None:
        for name in NAMES:
            self.client.load(Wish(name, 1, KEEP[name]))

    def prove(self, idle: float | None = None, most: int | None = None, **changes: object) -> dict[str, Proof]:
        """Proofs by a short name."""
        return named_by(look(self.client, self.target(most, **changes), SystemClock(), idle=idle))

    def target(self, most: int | None = None, floor: float = 0.5, **changes: object) -> OllamaUnderTest:
        promises = [promise(name, **changes) for name in NAMES]
        return OllamaUnderTest("demo", "engine", promises, PLAN, environ(self.server), most, floor)


SHORT = {
    "environment as planned": "environment", "planned models loaded at once": "loaded", "KV type in force": "kv",
    "on the declared device": "device", "context and parallelism in force": "context", "keep-alive in force": "keep",
    "answers": "answers", "second pass without reload": "second", "stop in force": "stop",
    "all models at once": "together", "chat format in force": "format", "tools in force": "tools",
    "fitting conversation kept whole": "kept", "agents' endpoint speaks the same": "same",
    "long prompt taken whole": "below", "overlong prompt refused": "above",
}  # fmt: skip


def named_by(proofs: list[Proof]) -> dict[str, Proof]:
    return {f"{SHORT[p.name]} {p.subject.removeprefix('model ')}".removesuffix(" engine"): p for p in proofs}


def promise(name: str, **changes: object) -> Promise:
    values = {"context": 1024, "parallel": 2, "kv": "q8_0", "keep_alive": KEEP[name], "device": "cpu"} | changes
    return Promise("demo", name, **values)  # type: ignore[arg-type]


@contextmanager
def host(
    folder: Path, version: str, files: dict[str, Path], *, context: int = 1024, **environment: str
) -> Iterator[Host]:
    with serving(folder, version, **{**PLAN, **environment}) as server, Ollama(server.url, log=server.text) as client:
        for name in NAMES:
            client.put(name, recipe(name, files[name], context=context), files[name])
        yield Host(server, client)


def not_green(found: dict[str, Proof]) -> dict[str, str]:
    return {name: proof.verdict for name, proof in found.items() if proof.verdict != "pass"}


@BOTH
def test_all_green_and_what_a_client_does_is_seen_and_reset(
    version: str, tmp_path: Path, files: dict[str, Path]
) -> None:
    """A client's own keep_alive and num_ctx, which the engine obeys."""
    with host(tmp_path, version, files) as up:
        up.load()
        green = up.prove(idle=0)
        assert not not_green(green), green
        assert green["context lead"].measured == "2 × 1024 tokens"
        assert green["keep lead"].measured == "stays for ever"

        _talk(up.server, "lead", keep_alive="5m")
        red = up.prove(idle=0)
        assert not_green(red) == {"keep lead": "fail"}
        assert red["keep lead"].measured == "goes in 5m"

        _talk(up.server, "coder", keep_alive=-1)
        assert up.prove()["keep coder"].measured == "stays for ever"
        assert up.prove()["keep coder"].verdict == "fail"

        before = sum(starts(up.server.text()).values())
        _talk(up.server, "coder", options={"num_ctx": 512})
        red = up.prove(idle=0)
        assert (red["context coder"].verdict, red["context coder"].measured) == ("fail", "2 × 512 tokens")
        assert sum(starts(up.server.text()).values()) == before + 1

        up.load()
        assert not not_green(up.prove(idle=0))


def _talk(server: Server, model: str, **more: object) -> None:
    body = {"model": model, "prompt": "Hi", "stream": False, "options": {"num_predict": 1}} | more
    requests.post(f"{server.url}/api/generate", json=body, timeout=60).raise_for_status()


@BOTH
def test_promises_that_are_not_kept(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    """The server runs as planned; the promise is another."""
    with host(tmp_path, version, files) as up:
        up.load()
        cases = (
            ({"context": 2048}, {"context lead", "context coder"}),
            ({"parallel": 1}, {"context lead", "context coder"}),
            ({"kv": "f16"}, {"kv lead", "kv coder"}),
            ({"device": "gpu"}, {"device lead", "device coder"}),
            ({"device": "experts-on-cpu"}, {"device lead", "device coder"}),
            ({"keep_alive": 60}, {"keep lead", "keep coder"}),
        )
        for changes, fails in cases:
            assert not_green(up.prove(idle=0, **changes)) == dict.fromkeys(fails, "fail"), changes
        up.client.unload("coder")
        red = up.prove()
        assert red["loaded"].verdict == "fail"
        assert red["loaded"].measured == "1 of 2 loaded; absent: coder"
        assert red["keep coder"].measured == "asleep"
        assert up.prove(keep_alive=-1)["keep coder"].verdict == "fail"


@ONE
def test_answers_and_a_second_one_without_a_load(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    with host(tmp_path, version, files) as up:
        up.load()
        green = named_by(ask(up.client, up.target()))
        assert not not_green(green), green
        first = green["answers lead"].evidence.strip("'")[:3]
        for golden, verdict in ((first, "pass"), ("No.", "fail")):
            target = replace(up.target(), golden={"lead": golden})
            assert named_by(ask(up.client, target))["answers lead"].verdict == verdict
        slow = named_by(ask(up.client, up.target(floor=1e6)))
        assert not_green(slow) == {"answers lead": "fail", "answers coder": "fail"}
    with host(tmp_path, version, files, OLLAMA_KEEP_ALIVE="0") as up:
        one = replace(up.target(), promises=[promise("lead")])
        assert not_green(named_by(ask(up.client, one))) == {"second lead": "fail"}, "loaded anew for every question"
        up.client.delete("lead")
        assert not_green(named_by(ask(up.client, one))) == {"answers lead": "fail", "second lead": "fail"}


@ONE
def test_fewer_models_than_planned(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    with host(tmp_path, version, files, OLLAMA_MAX_LOADED_MODELS="1") as up:
        up.load()
        red = up.prove()
        assert red["loaded"].measured == "1 of 2 loaded; absent: lead"
        assert red["environment"].verdict == "fail"
        assert red["environment"].measured == (
            "OLLAMA_MAX_LOADED_MODELS='1' is given, not '2'; OLLAMA_MAX_LOADED_MODELS='1' is understood, not '2'"
        )
        assert up.prove(most=1)["loaded"].verdict == "pass", "where that was the plan, exactly one is there"


@BOTH
def test_a_word_that_ollama_cannot_read_is_five_minutes(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    with host(tmp_path, version, files, OLLAMA_KEEP_ALIVE="forever") as up:
        _talk(up.server, "lead")
        red = up.prove(idle=0)
        assert "OLLAMA_KEEP_ALIVE='5m0s' is understood, not '-1'" in red["environment"].measured
        assert (red["keep lead"].verdict, red["keep lead"].measured) == ("fail", "goes in 5m")


@BOTH
def test_a_cache_type_without_flash_attention(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    """0.24 drops the type and says so in its log alone; from 0.30 on the model does not load."""
    with host(tmp_path, version, files, OLLAMA_FLASH_ATTENTION="0") as up:
        if version == NEW:
            with pytest.raises(DeployError, match=r"(?i)^lead does not load: .*flash_attn"):
                up.load()
        else:
            up.load()
            red = up.prove()
            assert (red["kv lead"].verdict, red["kv lead"].measured) == ("fail", "f16")
        assert "FLASH_ATTENTION='false' is understood" in up.prove()["environment"].measured


@BOTH
def test_two_models_from_one_file_share_a_runner(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    one = dict.fromkeys(NAMES, files["lead"])
    with host(tmp_path, version, one) as up:
        up.load()
        red = up.prove()["loaded"]
        assert red.verdict == "fail", "both are planned, and one runner serves them"


@ONE
def test_a_context_left_to_the_engine(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    with host(tmp_path, version, files, OLLAMA_CONTEXT_LENGTH="") as up:
        text = recipe("lead", files["lead"]).replace("PARAMETER num_ctx 1024\n", "")
        assert up.client.put("lead", text, files["lead"]) == ("num_ctx 1024 → unset",)
        up.load()
        red = up.prove()["context lead"]
        assert (red.verdict, red.measured) == ("fail", "2 × 4096 tokens")


@ONE
def test_what_cannot_be_seen_is_unknown(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    with host(tmp_path, version, files) as up:
        up.load()
        row = up.client.running()[0]
        assert context_proof(promise(row.name), row, None).verdict == "unknown"
        assert context_proof(promise(row.name, context=9), row, None).verdict == "fail"
        assert kv_proof(promise(row.name), None).verdict == "unknown"
        assert device_proof(promise(row.name), row, None).verdict == "unknown"
        assert environment_proof("engine", "demo", PLAN, None, None).verdict == "unknown"
        late = datetime.now(UTC) + timedelta(days=365 * 400)
        assert keep_alive_proof(promise("lead"), row, late).verdict == "fail"


SPEECH = {"speech": dict.fromkeys(NAMES, speech_of("chatml"))}


@BOTH
def test_how_models_are_spoken_to(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    """Format, tools, stop words, and prompts at the edge of the context, also when the promise is another."""
    with host(tmp_path, version, files, context=256) as up:
        up.load()
        target = replace(up.target(context=256), **SPEECH)
        green = named_by(ask(up.client, target))
        assert not not_green(green), green
        assert green["below lead"].promised == "252 of 256 tokens counted"
        assert sum(name.startswith("below") for name in named_by(ask(up.client, target, long="one"))) == 1
        assert not any(name.startswith("below") for name in named_by(ask(up.client, target, long="quick")))

        longer = replace(target, promises=[promise("lead", context=400)])
        red = named_by(ask(up.client, longer))
        assert not_green(red) == {"below lead": "fail", "kept lead": "fail"}
        assert "lost without a word" in red["below lead"].measured
        shorter = replace(target, promises=[promise("lead", context=128)])
        red = named_by(ask(up.client, shorter))
        assert not_green(red) == {"above lead": "fail", "kept lead": "unknown"}
        assert red["above lead"].measured.startswith("taken, as 14")

        up.client.put("lead", recipe("lead", files["lead"], family="granite", context=256), files["lead"])
        one = replace(target, promises=[promise("lead", context=256)])
        red = named_by(ask(up.client, one))
        assert not_green(red) == {"format lead": "fail", "tools lead": "fail", "stop lead": "fail"}
        assert red["format lead"].measured.startswith("after '<|' comes 'start_of_role|>")
        assert red["stop lead"].measured == "its stop words are <|start_of_role|>, <|end_of_text|>"

        up.client.delete("lead")
        gone = not_green(named_by(ask(up.client, one)))
        assert gone == {"answers lead": "fail", "second lead": "fail", "stop lead": "fail"}, "it is not asked again"


@BOTH
def test_all_models_at_once(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    with host(tmp_path, version, files) as up:
        up.load()
        assert named_by(ask(up.client, up.target()))["together"].verdict == "pass"
    with host(tmp_path, version, files, OLLAMA_MAX_LOADED_MODELS="1") as up:
        up.load()
        red = named_by(ask(up.client, up.target()))
        assert red["together"].verdict == "fail"
        assert "was evicted or loaded anew" in red["together"].evidence
        fewer = named_by(ask(up.client, up.target(most=1)))
        assert not not_green(fewer), "where that was the plan, each is loaded when it is asked"
        assert fewer["together"].promised == "2 answers at once, 1 loaded after"


@ONE
def test_a_keep_alive_that_a_client_shortened_is_seen_after_a_talk(
    version: str, tmp_path: Path, files: dict[str, Path]
) -> None:
    """Before, it looks like one that has run down."""
    with host(tmp_path, version, files) as up:
        up.load()
        _talk(up.server, "coder", keep_alive="5m")
        target, clock = up.target(), SystemClock()
        before = look(up.client, target, clock)
        assert not not_green(named_by(before))
        ask(up.client, target)
        assert not_green(named_by(after_talk(up.client, target, clock, before, 1.0))) == {"keep coder": "fail"}
        failed = [replace(proof, verdict="fail") for proof in before]
        up.load()
        kept = named_by(after_talk(up.client, target, clock, failed, 1.0))
        assert kept["keep coder"].verdict == "fail", "our own questions do not hide what was seen before"
