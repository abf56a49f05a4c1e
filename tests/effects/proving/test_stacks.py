"""Proofs of real stacks of containers, seen green, and red when something of them is broken."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from fakes.ejecting import build_agent
from fakes.grounded import docker, stands
from fakes.proving import Provable, one, provable, red
from ground.places import OLLAMA, OLLAMA_OLD, tiny
from swarmctl.core.insideview import inside
from swarmctl.core.ollama.order import Wish
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.core.room import disk_room
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.proving.peek import SCRIPT, peek

pytestmark = [pytest.mark.ground, pytest.mark.slow]
NAMES = {"lead": tiny("orchestrator"), "docs": tiny("docs")}
SPEC = """
name: {name}
engine: {{kind: {kind}, context: 512, parallel: 1, kv: q8_0{more}}}
models:
  lead: {{path: {lead}}}
  docs: {{path: {docs}}}
roles:
  orchestrator: {{model: lead, temperature: 0}}
  docs: {{model: docs, temperature: 0}}
limits: {{output: 48, requests: 6, time: 3m}}
"""


@pytest.fixture(scope="module", autouse=True)
def agent_image() -> None:
    stands("engine", "models", "bookworm")
    build_agent()


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as made:
        yield made


def spec(name: str, kind: str = "ollama", more: str = "") -> str:
    return SPEC.format(name=name, kind=kind, more=more, **NAMES)


@pytest.fixture(scope="module", params=[OLLAMA, OLLAMA_OLD])
def up(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch
) -> Iterator[Provable]:
    """One stack for all tests here: each leaves it as it was."""
    stands("ollama" if request.param == OLLAMA else "ollama-old")
    version = request.param.rpartition(":")[2]
    text = spec("proofs", more=f", version: {version}")
    with provable(tmp_path_factory.mktemp("stack"), text, patch, **NAMES) as made:
        load(made)
        yield made


def load(up: Provable) -> None:
    with up.engine() as client:
        for service in up.record.services:
            if service.kind == "model":
                client.load(Wish(service.subject, 1, service.settings["keep_alive"]))


def told(record: SwarmRecord, name: str, **changes: object) -> SwarmRecord:
    """A record that promises something else of one service."""
    services = [s if s.name != name else _told(s, changes) for s in record.services]
    return record.model_copy(update={"services": tuple(services)})


def _told(service: ServiceRecord, changes: Mapping[str, object]) -> ServiceRecord:
    return service.model_copy(update={"settings": {**service.settings, **changes}})


def test_all_hold(up: Provable) -> None:
    begun = time.monotonic()
    looked = up.prove("look")
    took = time.monotonic() - begun
    assert not red(looked), looked
    asked = up.prove("check")
    assert not red(asked), asked
    assert {p.name for p in asked} > {p.name for p in looked}
    assert one(asked, "second pass without reload", "lead").evidence.count("pid@start") == 1
    assert one(looked, "runner memory as planned", "lead").measured.endswith("MiB")
    assert took < 10, "a look is cheap enough to be taken every minute"


def test_an_engine_is_asked_while_an_agent_still_starts(up: Provable) -> None:
    """An old Docker looks at a container's health ten seconds after its start, and no question need wait for that."""
    health: list[str] = []

    def tell(words: str) -> None:
        if words.startswith("asking the models"):
            health.extend(one.health for one in up.runtime.containers() if one.service == "agent-docs")

    docker("restart", "-t", "2", up.container("agent-docs"))
    found = up.prove("up", tell=tell)
    assert not red(found), found
    assert health == ["starting"]
    assert one(found, "container up", "agent-docs").measured == "running, healthy", "that is waited for at the end"


def test_threads_of_runners_hardly_spin(up: Provable) -> None:
    """Or seven that answer at once on few cores take half a minute for two words."""
    seen = peek(up.runtime, "ollama-cpu")
    assert seen is not None
    runners = [process.pid for process in seen.processes if process.blob]
    assert len(runners) >= len(NAMES)
    for pid in runners:
        told = docker("exec", up.container("ollama-cpu"), "bash", "-c", f"tr '\\0' '\\n' < /proc/{pid}/environ")
        assert "GOMP_SPINCOUNT=500" in told.splitlines()


def test_a_look_neither_wakes_a_model_nor_keeps_it_awake(up: Provable) -> None:
    with up.engine() as client:
        before = {row.name: row.expires for row in client.running()}
        client.unload("docs")
        up.prove("look")
        after = {row.name: row.expires for row in client.running()}
        assert after == {"lead": before["lead"]}
        load(up)
        seen = {row.name: row.expires for row in client.running()}
        up.prove("look")
        assert {row.name: row.expires for row in client.running()} == seen


def test_another_promise(up: Provable) -> None:
    """Everything runs as it did; the record says something else."""
    right = up.record
    changes: list[tuple[str, dict[str, object], str]] = [
        ("ollama-cpu", {"memory": 9000}, "memory under its limit: ollama-cpu"),
        ("model-docs", {"context": 1024}, "context and parallelism in force: model docs"),
        ("model-docs", {"keep_alive": -1}, "keep-alive in force: model docs"),
        ("agent-docs", {"output": 1}, "container up: agent-docs"),
    ]
    try:
        for service, change, expected in changes:
            up.record = told(right, service, **change)
            assert expected in red(up.prove("look")), expected
        environment = {**right.service("ollama-cpu").settings["environment"], "OLLAMA_MAX_LOADED_MODELS": "9"}
        up.record = told(right, "ollama-cpu", environment=environment)
        proof = one(up.prove("look"), "environment as planned")
        assert proof.measured.startswith("OLLAMA_MAX_LOADED_MODELS='2' is given, not '9'")
    finally:
        up.record = right


def test_an_answer_that_is_not_what_it_was(up: Provable) -> None:
    asked = up.prove("up")
    begins = one(asked, "answers", "docs").evidence.strip("'")[:2]
    found = up.prove("up", {"docs": begins, "lead": "No,"})
    assert red(found) == {"answers: model lead": "fail"}


def test_a_killed_runner_heals_and_is_seen(up: Provable) -> None:
    """One kill costs a load; the proofs of the model fail until it is there again."""
    if up.service("ollama-cpu").settings["image"] == OLLAMA_OLD:
        pytest.skip("the same on both generations: shown on the current one")
    seen = peek(up.runtime, "ollama-cpu")
    assert seen is not None
    (pid,) = [process.pid for process in seen.processes if process.blob][:1]
    docker("exec", up.container("ollama-cpu"), "bash", "-c", f"kill -9 {pid}")
    found = up.prove("up")
    assert one(found, "all models at once").verdict == "pass", "asked, it was loaded again"
    load(up)
    assert not red(up.prove("up"))


def test_containers_that_are_not_there_or_have_no_room(up: Provable) -> None:
    agent = up.container("agent-docs")
    docker("stop", "-t", "2", agent)
    broken = red(up.prove("look"))
    assert broken == {"container up: agent-docs": "fail"}
    docker("start", agent)
    up.swarm.healthy()
    docker("update", "--memory", "60m", "--memory-swap", "60m", agent)
    proof = one(up.prove("look"), "memory under its limit", "agent-docs")
    assert (proof.verdict, proof.mend.split()[0]) == ("fail", "swarmctl")
    docker("update", "--memory", "640m", "--memory-swap", "640m", agent)
    assert not red(up.prove("look"))


def test_an_engine_killed_in_every_load_names_the_memory(up: Provable) -> None:
    if up.service("ollama-cpu").settings["image"] == OLLAMA_OLD:
        pytest.skip("shown on both generations by tests/scenarios/test_faults.py")
    name = up.container("ollama-cpu")
    docker("stop", "-t", "5", name)  # what it has read counts as its memory, and would be given back page by page
    docker("update", "--memory", "120m", "--memory-swap", "120m", name)
    docker("start", name)
    up.swarm.healthy()
    found = up.prove("up")
    answers = one(found, "answers", "docs")
    assert answers.verdict == "fail"
    container = one(found, "container up", "ollama-cpu")
    assert "killed" in answers.evidence or "it ended while it was asked" in container.measured, (answers, container)
    room = one(found, "memory under its limit", "ollama-cpu")
    assert room.verdict == "fail", room
    engine = wait_until(
        lambda: next((c for c in up.runtime.containers() if c.service == "ollama-cpu"), None),
        clock=SystemClock(), deadline=20, what="the server, which 0.24's policy starts anew",
    )  # fmt: skip
    assert "killed for memory" in room.measured or engine.restarts or engine.oom, (room, engine)
    docker("update", "--memory", "1472m", "--memory-swap", "1472m", name)
    docker("restart", "-t", "2", name)  # the count of kills is the container's
    up.swarm.healthy()
    load(up)
    assert not red(up.prove("up"))


def test_a_forwarder_that_publishes_to_everybody(up: Provable) -> None:
    file = up.swarm.folder / "compose.yml"
    text = file.read_text()
    try:
        file.write_text(text.replace("127.0.0.1:", "0.0.0.0:"))
        up.swarm.compose("up", "-d", "forwarder-cpu")
        up.swarm.healthy()
        broken = {k: v for k, v in red(up.prove("look")).items() if "closed from outside" in k}
        assert broken == {"API closed from outside: proofs": "fail", "sockets closed from outside: proofs": "fail"}
        raw = yaml.safe_load(text)
        raw["services"]["ollama-cpu"]["ports"] = ["127.0.0.1:29434:11434"]
        file.write_text(yaml.safe_dump(raw))
        up.swarm.compose("up", "-d")
        up.swarm.healthy()
        proof = one(up.prove("look"), "API closed from outside")
        assert proof.measured == "ollama-cpu publishes 127.0.0.1:29434"
    finally:
        file.write_text(text)
        up.swarm.compose("up", "-d")
        up.swarm.healthy()
        load(up)
    assert not red(up.prove("look"))


def test_a_full_disk() -> None:
    """The folder of the models is a file system of 64 MiB."""
    stands("ollama")
    words = ["run", "--rm", "--label", "swarmctl.test=proofs", "--tmpfs", "/models:size=64m", "--entrypoint", "bash"]
    text = docker(*words, OLLAMA, "-c", SCRIPT, "peek", "/models")
    proof = disk_room("demo", inside(text).disks)
    assert (proof.verdict, proof.measured) == ("fail", "64 of 64 MiB free at /models")


def test_a_llama_server(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """Green, asleep by its own keep-alive without a fault, and red where a promise is not kept."""
    stands("llama.cpp")
    more = ", keep_alive: 6s"
    with provable(tmp_path, spec("proofs-server", "llamacpp", more), patch, **NAMES) as up:
        asked = up.prove("up")
        assert not red(asked), asked
        right = up.record
        up.record = told(right, "engine-docs", context=1024)
        assert red(up.prove("look")).get("context and parallelism in force: engine-docs") == "fail"
        up.record = told(right, "engine-docs", kv="f16", flash_attention=False)
        broken = red(up.prove("look"))
        assert broken["KV type in force: engine-docs"] == "fail"
        assert broken["flash attention in force: engine-docs"] == "fail"
        up.record = right
        until = time.monotonic() + 60
        while "asleep" not in one(looked := up.prove("look"), "model loaded", "docs").measured:
            assert time.monotonic() < until, looked
        assert not red([p for p in looked if "memory" not in p.name]), "asleep by its own keep-alive"
