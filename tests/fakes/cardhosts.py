"""A machine with several stand-in cards on which swarmctl is, and a swarm whose models spread over them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from fakes.ejecting import AGENT, build_agent
from fakes.grounded import stands
from fakes.hosts import Host, host
from fakes.shaders import warm
from ground.places import MODELS, OLLAMA_VULKAN, ROLES, tiny_random

CARD = "rtx-4060"
"""Small enough that the planner spreads even these models: it weighs cards in steps of 5 per cent."""
TEAM = ROLES[:4]
BASE = "debian:bookworm-slim"


def spec(roles: tuple[str, ...], **more: Any) -> str:
    """A model of its own for each role, so that there is something to spread."""
    return yaml.safe_dump(
        {
            "name": "cards",
            "engine": {"kind": "ollama", "image": OLLAMA_VULKAN, "context": 256},
            "models": {role: {"path": str(tiny_random(role)), "device": "gpu"} for role in roles},
            "roles": {role: {"model": role, "temperature": 0} for role in roles},
            "limits": {"output": 16, "requests": 6, "time": "3m"},
            **more,
        }
    )


@contextmanager
def cards_host(gpus: int) -> Iterator[Host]:
    """A host with so many cards, with the images and models that it will need; its swarm is not up yet."""
    stands("engine", "bookworm", "tiny", "ollama-vulkan", "host-user")
    build_agent()
    warm()
    images = [OLLAMA_VULKAN, AGENT, BASE]
    with host("user", gpus=gpus, card=CARD, images=images, mounts=[f"{MODELS}:{MODELS}:ro"]) as made:
        made.put("/root/swarm.yml", spec(TEAM, runtime="compose"))
        yield made
