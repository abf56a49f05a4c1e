"""What the store holds and who uses it: whatever a server reads, beside its model too."""

import json
from pathlib import Path

from fakes.ggufs import Shape, write_model
from swarmctl.commands.models import models, prune
from swarmctl.core.spec import ModelSource
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World


def world(tmp_path: Path) -> World:
    clock = SystemClock()
    return World(clock, Ledger(tmp_path / "l.sqlite", clock), ModelStore(tmp_path / "models"), tmp_path / "state")


def test_adapters_and_drafts_of_a_server_are_used_too(tmp_path: Path) -> None:
    here, keys = world(tmp_path), []
    for n in range(4):
        file = write_model(tmp_path / f"{n}.gguf", Shape(layers=n + 1))
        keys.append(here.store.add(ModelSource(path=str(file))).key)
    settings = {"source": keys[0], "adapters": [{"model": "docs", "source": keys[1]}], "draft": keys[2]}
    engine = {
        "name": "engine-coder", "kind": "engine", "subject": "coder", "needs": [], "port": 1, "settings": settings,
    }  # fmt: skip
    record = {"swarm": "mine", "slot": "slot-0", "services": [engine], "floor": 0.5, "test": None}
    folder = tmp_path / "state" / "swarms" / "mine"
    folder.mkdir(parents=True)
    (folder / "swarm.json").write_text(json.dumps(record))
    assert {line.model.key: line.users for line in models(here)} == dict.fromkeys(keys[:3], ("mine",)) | {keys[3]: ()}
    assert [one.key for one in prune(here, dry=False)] == [keys[3]]
    assert all(here.store.held(key) for key in keys[:3])
