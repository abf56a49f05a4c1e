"""A real Ollama with a card of its own, by testcontainers: a software GPU and a stand-in nvidia-smi."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from fakes.faults import Found
from fakes.ollama_server import NEW as RELEASE
from fakes.ollama_server import recipe
from fakes.standincards import FOLDER, TOOL, StandIn, cards
from ground.places import OLLAMA_VULKAN, tiny_random
from swarmctl.core.composehost import ServerSeen
from swarmctl.core.ollama.outside import card_proof
from swarmctl.core.ollama.proof import Promise
from swarmctl.core.proof import Proof
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.effects.engines.ollamaproofs import OllamaUnderTest, look
from swarmctl.effects.proving.peek import peek
from swarmctl.effects.runtimes.compose import Ran
from swarmctl.effects.serverlook import look_at_server

DEVICE = {"GGML_VK_VISIBLE_DEVICES": "0", "LLAMA_ARG_FIT_TARGET": "256"}
MODEL, CONTEXT = "one", 256
FILE = tiny_random("orchestrator")


@dataclass(frozen=True)
class GpuServer:
    """container: of testcontainers. card: the only one. folder: where its file is on this machine."""

    container: Any
    client: Ollama
    card: StandIn
    folder: Path
    found: list[Found]

    def red(self, fault: str, name: str) -> Proof:
        """The proof must fail; how long the look took is kept."""
        load, begun = os.getloadavg()[0] / (os.cpu_count() or 1), time.monotonic()
        proof = self.proofs()[name]
        seconds = time.monotonic() - begun
        assert proof.verdict == "fail", proof
        said = f"{proof.measured} ({proof.evidence})"
        release = f"{RELEASE} GPU"
        self.found.append(Found(fault, release, name, proof.subject, said, round(seconds, 1), round(load, 2)))
        return proof

    def green(self, name: str, verdict: str = "pass") -> Proof:
        """The proof must hold; or be unknown, where that is all that can be said of a software GPU."""
        proof = self.proofs()[name]
        assert proof.verdict == verdict, proof
        return proof

    def card_is(self, state: str) -> None:
        """here, gone (not listed any more) or lost (fallen off the bus)."""
        (self.folder / "0").write_text(self.card.text(state))

    def give(self, **parameters: int) -> None:
        """The model, with parameters of somebody's own."""
        text = recipe(MODEL, FILE, context=CONTEXT)
        more = "".join(f"PARAMETER {name} {value}\n" for name, value in parameters.items())
        self.client.put(MODEL, text.replace("PARAMETER num_ctx", f"{more}PARAMETER num_ctx"), FILE)

    def client_asks(self, **options: int) -> None:
        """Some client's question, with options of its own."""
        body = {"model": MODEL, "prompt": "Hi", "stream": False, "options": {"num_predict": 1, **options}}
        requests.post(f"{self.client.url}/api/generate", json=body, timeout=120).raise_for_status()

    def looked(self) -> ServerSeen:
        """The server as `up` sees it."""
        return look_at_server(int(self.client.url.rpartition(":")[2]), SystemClock().now())

    def inside(self, _service: str, argv: Sequence[str], *, user: str = "", seconds: float = 30) -> Ran:
        """Run a command in it, as proofs do."""
        assert not user
        assert seconds
        code, text = self.container.exec(list(argv))
        return Ran(code, text.decode("utf-8", "replace"))

    def proofs(self) -> dict[str, Proof]:
        """What a look at a GPU's server judges, by name."""
        target = OllamaUnderTest(
            "gpus",
            "ollama-gpu0",
            [Promise("gpus", MODEL, CONTEXT, 1, "f16", -1, "gpu")],
            {"OLLAMA_KEEP_ALIVE": "-1"},
            None,
            peek=lambda: peek(self, "ollama-gpu0"),  # type: ignore[arg-type]
        )
        found = {proof.name: proof for proof in look(self.client, target, SystemClock())}
        seen = target.peek()
        assert seen is not None
        shown = card_proof("card gpu0", "gpus", 1, [None], seen.cards or ())
        return {**found, shown.name: shown}


@contextmanager
def gpu_server(folder: Path, found: list[Found], **environment: str) -> Iterator[GpuServer]:
    """A server until the block ends, without a model."""
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # it would be fetched, to remove what we remove
    from testcontainers.core.container import DockerContainer

    (card,) = cards("rtx-4060", 1, folder.name)
    told = {"OLLAMA_KEEP_ALIVE": "-1", "STAND_IN_CARD": card.uuid, **environment}
    made = (
        DockerContainer(OLLAMA_VULKAN, labels={"swarmctl.test": "faults"}).with_exposed_ports(11434).with_envs(**told)
    )
    made.with_volume_mapping(str(TOOL), "/usr/bin/nvidia-smi", "ro").with_volume_mapping(str(folder), FOLDER, "ro")
    (folder / "0").write_text(card.text())
    with made as container:
        url = f"http://127.0.0.1:{container.get_exposed_port(11434)}"

        def log() -> str:
            return "".join(part.decode("utf-8", "replace") for part in container.get_logs())

        def answers() -> bool:
            try:
                return requests.get(f"{url}/api/version", timeout=5).ok
            except requests.RequestException:
                return False

        wait_until(answers, clock=SystemClock(), deadline=60, every=0.1, what="the server")
        with Ollama(url, log=log) as client:
            yield GpuServer(container, client, card, folder, found)
