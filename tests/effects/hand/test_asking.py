"""The hand as it is asked: what it is told, what it says, and what becomes of nonsense on either side."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.adapters import adapter
from fakes.nearhand import near
from fakes.smollm import smollm
from swarmctl.effects.gguf import read_gguf
from swarmctl.errors import HostError, SpecError

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("order", ["", "{", "[]", "null", "7", '{"do": "dance"}', '{"do": []}', '{"do": null}'])
def test_nonsense_is_said_to_be_that_and_nothing_is_done(tmp_path: Path, order: str) -> None:
    argv = [sys.executable, "-P", "-m", "swarmctl.effects.hand", str(tmp_path / "base")]
    done = subprocess.run(argv, input=order, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["hand"] == "failed"
    assert "does not understand" in said["value"]["message"]
    assert not (tmp_path / "base").exists()


def test_fields_that_an_order_does_not_have_are_an_error_not_a_crash(tmp_path: Path) -> None:
    _, hand = near(tmp_path, "mine")
    with pytest.raises(HostError, match="the hand failed: TypeError"):
        hand.ask("remains", nonsense=1)


def test_an_error_there_is_raised_here_as_what_it_is(tmp_path: Path) -> None:
    _, hand = near(tmp_path, "mine")
    with pytest.raises(SpecError, match="is not up") as caught:
        hand.ask("prove", swarm="mine", depth="look")
    assert caught.value.hint == "swarmctl up"


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    _, hand = near(tmp_path, "mine")
    brought = tmp_path / "there" / "brought" / "x.gguf"
    brought.parent.mkdir(parents=True)
    brought.write_bytes(b"cut off")
    with pytest.raises(SpecError, match="GGUF"):
        hand.ask("take", key="path:/x", file=str(brought), sha256="0" * 64)
    assert hand.ask("holds", key="path:/x", sha256="0" * 64) is False


def test_a_machine_without_its_python_is_told_how_to_get_it_again(tmp_path: Path) -> None:
    world, hand = near(tmp_path, "mine")
    broken = hand.placed.model_copy(update={"python": "/bin/false"})
    world.put(broken)
    hand.placed = broken
    with pytest.raises(HostError, match="did not answer 'remains'") as caught:
        hand.ask("remains", swarm="mine")
    assert "installs it anew" in caught.value.hint


def test_an_order_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    _, hand = near(tmp_path, "mine")
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    hand.placed = hand.placed.model_copy(update={"python": str(slow)})
    with pytest.raises(HostError, match="did not end within"):
        hand.ask("remains", swarm="mine", seconds=0.5)


def test_the_last_lines_of_a_log_come_and_none_of_a_log_that_is_not_there(tmp_path: Path) -> None:
    _, hand = near(tmp_path, "mine")
    logs = Path(hand.folder) / "logs"
    logs.mkdir(parents=True)
    (logs / "engine-m.log").write_text("".join(f"{n}\n" for n in range(50)))
    assert hand.log("engine-m", 3) == ["47", "48", "49"]
    assert hand.log("engine-x", 3) == []


def test_an_adapter_is_no_model_and_is_taken_for_what_it_is_said_to_be(tmp_path: Path) -> None:
    _, hand = near(tmp_path, "mine")
    facts = read_gguf(smollm())
    edit = replace(facts, adapter=True, file_bytes=7)
    brought = tmp_path / "there" / "brought" / "x.gguf"
    brought.parent.mkdir(parents=True)
    adapter(brought, 1)
    digest = hashlib.sha256(brought.read_bytes()).hexdigest()
    hand.ask("take", key="path:/x", file=str(brought), sha256=digest, facts=edit.as_json())
    assert hand.ask("holds", key="path:/y", sha256=digest) is True
    with pytest.raises(SpecError, match="no facts"):
        hand.ask("take", key="path:/x", file=str(brought), sha256=digest, facts={"architecture": "llama"})
