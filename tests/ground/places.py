"""Where the ground keeps things, all outside the clone, and the names that tests know it by."""

import os
from pathlib import Path

_cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
CACHE = Path(_cache) / "swarmctl" / "ground"
LOGS = CACHE / "logs"
RUN = CACHE / "run"
DOCKER = CACHE / "docker"
REGISTRY = CACHE / "registry"
MODELS = CACHE / "models"

ADDRESS = "127.0.0.1:5000"
"""Where the registry listens; Docker takes a loopback address without TLS."""

BLOBS = "127.0.0.2:5000"
"""Where the registry sends those who want a blob."""

BUILD = 11669
"""The build of llama.cpp that Debian forky had when the images were last proved."""

OLLAMA = "ollama/ollama:0.32.15"
OLLAMA_VULKAN = "ollama/ollama:0.32.15-vulkan"
OLLAMA_OLD = "ollama/ollama:0.24.0"
LLAMA_CPP = f"swarmctl/llama.cpp:b{BUILD}"

HOST_BARE, HOST_CONTAINER = "swarmctl/host-bare", "swarmctl/host-container"
HOST_CARD = "swarmctl/host-card:forky"
HOST_VM, HOST_USER = "swarmctl/host-vm", "swarmctl/host-user"
"""Test hosts, tagged by their Debian: without and with Docker, and with what swarmctl itself needs."""

ROLES = ("orchestrator", "frontend", "backend", "testing", "security", "docs", "devops")


def tiny(role: str) -> Path:
    """The GGUF file of one role of seven-tiny."""
    return MODELS / f"seven-tiny-{role}.gguf"


def tiny_random(role: str) -> Path:
    """The GGUF file of a small random model."""
    return MODELS / f"tiny-random-{role}.gguf"
