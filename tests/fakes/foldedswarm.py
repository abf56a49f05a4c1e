"""A person with seven folders of safetensors, and one swarm of them on a shared base in containers."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from fakes.baddays import Small, small
from fakes.sevenfolders import BASE, LEAD, SPECIALISTS

ROLES = {"orchestrator": LEAD, "backend": BASE, **{name: name for name in SPECIALISTS}}
BEHIND = (BASE, *SPECIALISTS)
"""The models that the gateway offers."""


@dataclass(frozen=True)
class FoldedSwarm:
    """The swarm, and the folders that it is made of."""

    swarm: Small
    folders: Path

    def write(self, **changes: Any) -> None:
        """Write the swarm's file. changes: of the file's own keys, e.g. placement."""
        edits = {name: {"path": str(self.folders / name), "base": BASE} for name in SPECIALISTS}
        value = {
            "name": self.swarm.name,
            "runtime": "compose",
            "engine": {"kind": "llamacpp", "context": 1024},
            "models": {n: {"path": str(self.folders / n), "quant": "Q8_0"} for n in (LEAD, BASE)} | edits,
            "roles": {role: {"model": model, "temperature": 0} for role, model in ROLES.items()},
            "placement": {"architecture": "shared-base"},
            "limits": {"output": 32, "requests": 4, "time": "3m"},
            **changes,
        }
        self.swarm.file.write_text(yaml.safe_dump(value, sort_keys=False))

    def up(self, *flags: str, expect: int = 0) -> "subprocess.CompletedProcess[str]":
        """`swarmctl up`; the first of a machine builds two images."""
        return self.swarm.person.types("up", "-f", str(self.swarm.file), *flags, expect=expect, timeout=580)

    def answers(self, text: str = "Write a sort.") -> dict[str, str]:
        """What each role's model says to the same words, asked where `env` says, by model."""
        told = self.swarm.reads("env")
        found = {}
        for one in told["roles"]:
            body = {
                "model": one["model"], "max_tokens": 24, "temperature": 0, "seed": 1, "ignore_eos": True,
                "messages": [{"role": "user", "content": text}],
            }  # fmt: skip
            head = {"Authorization": f"Bearer {told['api_key']}"}
            got = requests.post(f"{one['openai_base_url']}/chat/completions", json=body, headers=head, timeout=60)
            got.raise_for_status()
            assert got.json()["model"] == one["model"]
            found[one["model"]] = got.json()["choices"][0]["message"]["content"]
        return found


@contextmanager
def folded_swarm(home: Path, store: Path, folders: Path) -> Iterator[FoldedSwarm]:
    """Not up yet; nothing of it is left after."""
    with small(home, store) as swarm:
        made = FoldedSwarm(swarm, folders)
        made.write()
        yield made
