"""Models through the ground's own registry: there and back with their proof, and pulled from it by a real Ollama."""

import socket
import uuid
from pathlib import Path

import pytest
import requests

from fakes.grounded import docker, ollama, stands
from ground.places import ADDRESS, OLLAMA, tiny
from swarmctl.commands.carry import pull, push
from swarmctl.core.converting.artifact import DOCKER
from swarmctl.core.converting.request import asked
from swarmctl.core.spec import ModelSource
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting.identity import Hashes
from swarmctl.effects.converting.ready import ollama as from_ollama
from swarmctl.effects.converting.results import Results
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import SpecError

pytestmark = [pytest.mark.ground, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def _registry() -> None:
    stands("engine", "registry", "models", "ollama")


def _world(folder: Path) -> World:
    folder.mkdir()
    clock = SystemClock()
    return World(clock, Ledger(folder / "ledger.sqlite", clock), ModelStore(folder / "models"), folder / "state")


def _forget(name: str) -> None:
    """What was pushed goes, under all of its tags."""
    at = f"http://{ADDRESS}/v2/{name}/manifests"
    found = requests.head(f"{at}/again", headers={"Accept": DOCKER}, timeout=30)
    requests.delete(f"{at}/{found.headers['Docker-Content-Digest']}", timeout=30).raise_for_status()


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "localhost", "::1"])  # its blobs are served under the second one
def test_what_is_pushed_is_pulled_by_another_store_and_by_ollama(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    here, there = _world(tmp_path / "here"), _world(tmp_path / "there")
    held = here.store.adopt(ModelSource(hf="swarmctl/seven-tiny", file="docs.gguf"), tiny("docs"))
    Results(here.store).certify(held.sha256, {"format": 1, "quants": {}})
    name = f"test-{uuid.uuid4().hex[:8]}/docs"
    request.addfinalizer(lambda: _forget(name))
    place = f"localhost:{ADDRESS.rpartition(':')[2]}/{name}"
    assert list(push(here, f"{place}:q8_0", [held.key])) == [f"{place}:q8_0: sent"]
    assert list(push(here, f"{place}:again", [held.key])) == [f"{place}:again: its weights were there already"]
    assert pull(there, f"{place}:q8_0") == held.key
    (found,) = there.store.all()
    assert (found.sha256, found.blob.stat().st_size) == (held.sha256, held.bytes)
    assert Results(there.store).certificate(held.sha256) == {"format": 1, "quants": {}}
    with pytest.raises(SpecError, match="no such model"):
        pull(there, f"{place}:nothing")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    kept = tmp_path / "ollama"
    mount = ("-v", f"{kept}:/kept")
    with ollama(
        OLLAMA, "--network", "host", *mount, url=f"http://{address}", OLLAMA_HOST=address, OLLAMA_MODELS="/kept"
    ) as server:
        server.ask("pull", model=f"{place}:q8_0", insecure=True)
        blobs = docker("exec", server.container, "ls", "/kept/blobs").split()
        assert f"sha256-{held.sha256}" in blobs
        assert server.answer(f"{place}:q8_0")["response"].strip()
        server.create("tiny", tiny("docs"))
        seen = from_ollama(
            asked("ollama:tiny", ""), ("Q8_0",), Hashes(tmp_path / "hashes"), {"OLLAMA_MODELS": str(kept)}
        )
        (path,) = seen.files.values()
        assert read_gguf(path).weights.parameters == held.facts.weights.parameters, "what Ollama keeps is a source, too"
