"""The market to practise on, in this process under a driven clock, or as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarmctl.market.clock import DrivenClock
from swarmctl.market.market import Market
from swarmctl.market.wire import Request, Response
from swarmctl.market.world import Settings

ROOT = Path(__file__).resolve().parents[2]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEs0 me@here"
KVM = "docker.io/vastai/kvm:ubuntu_terminal-2025-11-21"
LONG = 400
"""Seconds after which a rental that starts as usual runs."""


class Practice:
    """A market and its clock; between two calls it waits as long as the strictest limit wants."""

    def __init__(self, faults: str = "", state: str = ":memory:", apart: float = 20.0, **settings: Any) -> None:
        self.clock, self.apart = DrivenClock(), apart
        self.market = Market(self.clock, Settings(**{"seed": 3, **settings}), state, faults)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Response:
        """One call and the pause after it."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.market.key if key is None else key}"}
        told = self.market.handle(Request(method, path, query or {}, headers, raw))
        self.clock.advance(self.apart)
        return told

    def ok(self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None) -> Any:
        """The JSON of an answer that must be 200."""
        told = self.call(method, path, body, query)
        assert told.status == 200, told
        return told.json()

    def refused(self, status: int, method: str, path: str, body: object = None, **more: Any) -> Any:
        """The JSON of an answer that must have this status."""
        told = self.call(method, path, body, **more)
        assert told.status == status, told
        return told.json()

    def offers(self, **query: Any) -> list[dict[str, Any]]:
        """A search, cheapest first."""
        wanted = {"order": [["dph_total", "asc"]], **query}
        return list(self.ok("POST", "/api/v0/bundles/", wanted)["offers"])

    def offer(self, **query: Any) -> dict[str, Any]:
        """The cheapest A100 with VMs."""
        wanted = {"gpu_name": {"eq": "A100 SXM4"}, "vms_enabled": {"eq": True}, "is_vm_deverified": {"eq": False}}
        return self.offers(**{**wanted, "verified": {"eq": True}, "num_gpus": {"eq": 1}, **query})[0]

    def rent(self, offer: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
        """The answer to a rent that must be accepted."""
        found = offer or self.offer()
        return dict(self.ok("PUT", f"/api/v0/asks/{found['id']}/", {**rental(), **body}))

    def show(self, id_: int) -> Any:
        """An instance, or None."""
        return self.ok("GET", f"/api/v0/instances/{id_}/", query={"owner": "me"})["instances"]

    def listed(self, **query: Any) -> Any:
        """The answer to a listing."""
        told = {name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()}
        return self.ok("GET", "/api/v1/instances/", query=told)

    def destroy(self, id_: int) -> Any:
        """The answer to a destroy."""
        return self.ok("DELETE", f"/api/v0/instances/{id_}/", {})

    def runs(self, id_: int) -> Any:
        """The instance, once it has had the time to start."""
        self.clock.advance(LONG)
        return self.show(id_)

    def control(self, method: str, name: str, body: object = None) -> Any:
        """The answer of the control surface."""
        told = self.call(method, f"/_market/{name}", body, key=self.market.control_key)
        assert told.status == 200, told
        return told.json()


def rental(**more: Any) -> dict[str, Any]:
    """The body of a rent of a container."""
    told = {
        "client_id": "me",
        "image": "ollama/ollama",
        "disk": 60,
        "label": "swarm/x",
        "runtype": "ssh_direc ssh_proxy",
    }
    return {**told, "env": {}, "price": None, "cancel_unavail": True, **more}


@dataclass(frozen=True)
class Process:
    """A market that runs."""

    process: subprocess.Popen[str]
    told: dict[str, str]

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.told["url"]

    @property
    def env(self) -> dict[str, str]:
        """What points the tools of the market at it."""
        return {"VAST_URL": self.url, "VAST_API_KEY": self.told["key"], "VASTAI_NO_UPDATE_CHECK": "1"}

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer; HTTPError where it is an error."""
        key = self.told["control_key" if path.startswith("/_market/") else "key"]
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data, {"Authorization": f"Bearer {key}"}, method=method)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.loads(answer.read())


@contextmanager
def process(*words: str, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """`swarmctl-market` until the block ends; it must end cleanly unless it was killed."""
    command = [sys.executable, "-m", "swarmctl.market", *words]
    around = {**os.environ, "PYTHONPATH": str(ROOT / "provisioning"), **(env or {})}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=around) as running:
        assert running.stdout
        try:
            yield Process(running, json.loads(running.stdout.readline()))
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGTERM)
            code = running.wait(60)
    assert code in {0, -signal.SIGKILL}, code
