"""Runs that ended: results and every request and answer, kept in the state folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarmctl.core.messages import RunResult
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.effects import files
from swarmctl.effects.a2a import data_parts
from swarmctl.effects.world import World
from swarmctl.errors import SpecError


@dataclass(frozen=True, slots=True)
class Transcript:
    """One run: its result, and its requests and answers as the agents saw them."""

    result: RunResult
    entries: tuple[dict[str, Any], ...]


def folder(world: World) -> Path:
    """Where transcripts are kept."""
    return world.state / "transcripts"


def keep(swarm: str, world: World, transcript: Transcript) -> Path:
    """Write a transcript and its usage; writing it again changes nothing."""
    file = folder(world) / f"{transcript.result.id}.json"
    value = {
        "schema": "swarmctl/transcript/v1",
        "swarm": swarm,
        "result": transcript.result.model_dump(mode="json"),
        "entries": list(transcript.entries),
    }
    files.write_json(file, value)
    world.ledger.used(transcript.result.id, swarm, transcript.result.by_role)
    return file


def read(run: str, world: World) -> Transcript:
    """A transcript by the run's id, or by the start of it. Raises SpecError."""
    found = sorted(folder(world).glob(f"{run}*.json")) if run.replace("-", "").isalnum() else []
    if len(found) != 1:
        names = ", ".join(p.stem for p in (found or sorted(folder(world).glob("*.json")))[-5:])
        what = "is no run" if not found else "names several runs"
        raise SpecError(f"'{run}' {what}; the newest: {names or 'none'}", hint="swarmctl history")
    raw = files.read_json(found[0])
    return Transcript(RunResult.model_validate(raw["result"]), tuple(raw["entries"]))


def from_task(task: dict[str, Any]) -> Transcript | None:
    """The transcript that an orchestrator's task carries; None when it has no result (yet)."""
    result: RunResult | None = None
    entries: list[dict[str, Any]] = []
    for artifact in task.get("artifacts", []):
        for data in data_parts(artifact):
            if data.get("kind") == "result":
                result = RunResult.model_validate(data)
            entries.extend(data.get("transcript", []))
    return None if result is None else Transcript(result, tuple(entries))


def collect(swarm: str, world: World) -> int:
    """Keep the transcripts of every run that ended while nobody followed it. Raises HostError."""
    record = world.record(swarm)
    if record is None:
        return 0
    fresh = 0
    for task in world.agent(record, ORCHESTRATOR).tasks():
        found = from_task(task)
        if found is not None and not (folder(world) / f"{found.result.id}.json").exists():
            keep(swarm, world, found)
            fresh += 1
    return fresh
