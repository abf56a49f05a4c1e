"""A gateway's application under a real uvicorn, in a thread of this process."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import uvicorn

from fakes.agents import free_port, secret, until
from swarmctl.core.sharing.gatewayfile import GatewayFile

KEY = "the-key-of-the-gateway"


@dataclass
class Gateway:
    """Where it listens."""

    settings: GatewayFile

    @property
    def url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.port}"

    def post(self, path: str, *, key: str = KEY, keep: bool = False, **body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}"}
        return requests.post(f"{self.url}{path}", json=body, headers=headers, timeout=60, stream=keep)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {KEY}"}, timeout=60)


def settings(
    folder: Path, url: str, key: str, models: Sequence[dict[str, Any]], adapters: Sequence[str] = (), **changes: Any
) -> GatewayFile:
    """One engine's, with both keys in their files."""
    folder.mkdir(parents=True, exist_ok=True)
    slots = 1 + max(slot for model in models for slot in model["slots"])
    engine = {"url": url, "key_file": str(secret(folder / "engine.key", key)), "context": 1024, "slots": slots}
    values = {"swarm": "test", "port": free_port(), "key_file": str(secret(folder / "gateway.key", KEY))}
    engines = [engine | {"adapters": tuple(adapters)}]
    return GatewayFile.model_validate(values | {"engines": engines, "models": list(models)} | changes)


@contextmanager
def gateway(told: GatewayFile) -> Iterator[Gateway]:
    """It answers until the block ends."""
    from swarmctl.gateway.app import build

    config = uvicorn.Config(
        build(told), host=told.host, port=told.port, log_config=None, ws="none", lifespan="on",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started, 20)
        yield Gateway(told)
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive()
