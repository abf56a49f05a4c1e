"""What is killed, lost or changed behind the tool's back is said by `status` and healed by `up`."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.person import SWARM, Person


def soon(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for a condition with a deadline."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.1)


@pytest.mark.scenario(seconds=45)
def test_every_process_killed_one_at_a_time(person: Person) -> None:
    person.types("up", "--swarm", SWARM)
    for name in list(person.pids()):
        before = person.pids()
        os.kill(before[name], signal.SIGKILL)
        if name == "supervisor":
            status = person.reads("status", "--swarm", SWARM)
            assert any("supervisor does not answer" in fault for fault in status["faults"])
            person.types("up", "--swarm", SWARM)
            after = person.pids()
            assert {k: v for k, v in after.items() if k != name} == {k: v for k, v in before.items() if k != name}, (
                "adopted"
            )
        else:
            soon(lambda name=name, before=before: person.pids().get(name) not in (None, before[name]))
            after = person.pids()
            assert {k for k in before if before[k] != after[k]} == {name}, "nothing else was restarted"
            restarts = {s["name"]: s["restarts"] for s in person.reads("status", "--swarm", SWARM)["services"]}
            assert restarts[name] == 1
        person.types("up", "--swarm", SWARM)
        person.types("check", "--swarm", SWARM)
    person.types("down", "--swarm", SWARM)
    assert person.ours() == []


@pytest.mark.scenario(seconds=8)
def test_a_changed_role_restarts_that_role_only(person: Person) -> None:
    person.types("up", "--swarm", SWARM)
    before = person.pids()
    change = ("--swarm", SWARM, "--set", "roles.docs.temperature=0.5")
    plan = person.reads("plan", *change)
    assert [(s["verb"], s["subject"], s["cause"]) for s in plan["steps"]] == [
        ("deploy", "agent-docs", "its settings changed"),
        ("check", "all proofs", "after #1"),
    ]
    assert plan["origins"]["roles.docs.temperature"] == "--set roles.docs.temperature"
    person.types("up", *change)
    after = person.pids()
    assert {name for name in before if before[name] != after[name]} == {"agent-docs"}


@pytest.mark.scenario(seconds=6)
def test_down_needs_no_state_folder(person: Person) -> None:
    person.types("up", "--swarm", SWARM)
    shutil.rmtree(person.home / "state" / "swarmctl")
    assert any("state folder is lost" in f for f in person.reads("status", "--swarm", SWARM)["faults"])
    person.types("down", "--swarm", SWARM)
    assert person.ours() == []


@pytest.mark.scenario(seconds=8)
def test_up_heals_a_swarm_whose_state_is_lost(person: Person) -> None:
    person.types("up", "--swarm", SWARM)
    shutil.rmtree(person.home / "state" / "swarmctl")
    assert "proofs hold" in person.types("up", "--swarm", SWARM).stdout
    assert len(person.ours()) == 9
    assert person.reads("status", "--swarm", SWARM)["faults"] == []


@pytest.mark.scenario(seconds=6)
def test_two_ups_at_once(person: Person) -> None:
    """One makes it so; the other is refused with the holder's name, or comes after and finds nothing to do."""
    both = [person.start("up", "--swarm", SWARM) for _ in range(2)]
    done = [(p.communicate(timeout=120), p.returncode) for p in both]
    codes = sorted(code for _, code in done)
    assert codes in ([0, 0], [0, 9])
    for (_, err), code in done:
        if code == 9:
            assert "is held by" in err
            assert "swarmctl up" in err
    assert person.reads("status", "--swarm", SWARM)["faults"] == []


@pytest.mark.scenario(seconds=12)
def test_two_state_folders_may_have_a_swarm_of_one_name(someone: Callable[[], Person]) -> None:
    """Neither sees, adopts or ends what belongs to the other."""
    one, other = someone(), someone()
    one.types("up", "--swarm", SWARM)
    other.types("up", "--swarm", SWARM)
    kept = other.pids()
    assert not set(kept.values()) & set(one.pids().values())
    one.types("down", "--swarm", SWARM)
    assert one.ours() == []
    assert other.pids() == kept
    other.types("check", "--swarm", SWARM)


@pytest.mark.scenario(seconds=5)
@pytest.mark.parametrize("after", ["#1   prepare", "#2   deploy", "#9   deploy", "#10"])
def test_ctrl_c_in_up_leaves_nothing(person: Person, after: str) -> None:
    if not list(person.data.glob("swarmctl/models/blobs/*")):  # a step more would shift the others
        person.types("up", "--swarm", SWARM)
        person.types("down", "--swarm", SWARM)
    going = person.start("up", "--swarm", SWARM)
    assert going.stderr is not None
    for line in going.stderr:
        if line.startswith(after):
            break
    going.send_signal(signal.SIGINT)
    _, err = going.communicate(timeout=60)
    if going.returncode in {0, -signal.SIGINT}:  # it was through, or already leaving, when the signal came
        assert after in {"#9   deploy", "#10"}, "those two signal while it proves, which a slow reader may miss"
        return
    assert going.returncode == 130, err
    assert person.ours() == []
    assert person.left() == []


@pytest.mark.scenario(seconds=2)
def test_a_swarm_that_does_not_fit_is_refused_before_anything_starts(person: Person) -> None:
    refused = person.types("up", "--swarm", SWARM, "--set", "engine.cache_ram=900 GiB", expect=4)
    assert "900." in refused.stderr
    assert "of RAM are needed" in refused.stderr
    assert person.ours() == []
    assert person.left() == []


@pytest.mark.scenario(seconds=8)
def test_an_engine_that_cannot_start_says_why(person: Person, tmp_path: Path) -> None:
    """The reason is the engine's own last line, and what had been started is taken away again."""
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('broken on purpose')\n")
    person.env["PYTHONPATH"] = str(tmp_path)
    refused = person.types("up", "--swarm", SWARM, expect=7)
    del person.env["PYTHONPATH"]
    assert "engine-tiny does not start: exit 1" in refused.stderr
    assert "broken on purpose" in refused.stderr
    assert f"swarmctl logs --swarm {SWARM} engine-tiny" in refused.stderr
    assert person.ours() == []
    assert person.left() == []


@pytest.mark.scenario(seconds=8)
def test_a_broken_model_is_refused_before_anything_starts(person: Person, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    model = next((person.data / "swarmctl" / "models" / "blobs").glob("sha256-*"), None)
    if model is None:
        person.types("up", "--swarm", SWARM)
        person.types("down", "--swarm", SWARM)
        model = next((person.data / "swarmctl" / "models" / "blobs").glob("sha256-*"))
    broken.write_bytes(model.read_bytes()[:5_000_000])
    file = person.home / "swarm.yml"
    models, roles = f"m: {{path: {broken}}}", "orchestrator: {model: m}"
    file.write_text(f"name: {SWARM}\nmodels: {{{models}}}\nroles: {{{roles}}}\nlimits: {{output: 512}}\n")
    refused = person.types("up", "-f", str(file), expect=4)
    assert "truncated" in refused.stderr
    assert person.ours() == []
