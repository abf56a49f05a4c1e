"""A swarm file whose specialists share a base."""

from typing import Any

from swarmctl.core.spec import SwarmSpec

EDITS = ("docs", "testing")


def folded_spec(runtime: str, **changes: Any) -> SwarmSpec:
    """A model that leads, a base that no role uses itself, and two edits of it."""
    edits = {name: {"path": f"/store/{name}", "base": "coder"} for name in EDITS}
    value = {
        "name": "s", "runtime": runtime, "engine": {"kind": "llamacpp", "context": 1024},
        "models": {"lead": {"path": "/store/lead"}, "coder": {"path": "/store/coder"}, **edits},
        "roles": {
            "orchestrator": {"model": "lead"}, "docs": {"model": "docs"}, "testing": {"model": "testing"},
        },
        "placement": {"architecture": "shared-base"}, "limits": {"output": 64}, **changes,
    }  # fmt: skip
    return SwarmSpec.model_validate(value)
