"""Programs forked from one preloaded supervisor."""

import ast
from pathlib import Path
from typing import Any

import pytest

from fakes.swarms import Swarm, until
from swarmctl.effects.process import labelled

pytestmark = pytest.mark.slow


def report(path: Path) -> dict[str, Any]:
    """What the entry said of its process."""
    until(path.exists, f"{path.name}")
    facts: dict[str, Any] = ast.literal_eval(path.read_text())
    return facts


def test_children_share_the_import_and_nothing_else(swarm: Swarm, tmp_path: Path) -> None:
    names = ("agent-a", "agent-b")
    programs = [
        swarm.fork(n, "fakes.forked:serve", str(tmp_path / n), env={"EXTRA": n}, cwd=str(tmp_path)) for n in names
    ]
    swarm.up(*programs)
    for name in names:
        facts, log = report(tmp_path / name), str(swarm.runtime.log_path(name))
        supervisor = swarm.supervisor()
        assert (facts["loaded_by"], facts["parent"]) == (supervisor, supervisor)
        assert facts["session"]
        assert facts["term"]
        assert facts["hup"]
        assert facts["blocked"] == 0
        assert facts["fds"] == {"0": "/dev/null", "1": log, "2": log}
        assert (facts["cwd"], facts["extra"]) == (str(tmp_path), name)
        until(lambda name=name: swarm.log(name) == "serving\n", "the log")


def test_the_title_carries_the_labels(swarm: Swarm, tmp_path: Path) -> None:
    swarm.up(swarm.fork("agent-a", "fakes.forked:serve", str(tmp_path / "a")), swarm.script("engine-m"))
    found = {item.labels["swarmctl.service"]: item for item in labelled(swarm.name)}
    assert found.keys() == {"supervisor", "agent-a", "engine-m"}
    assert found["agent-a"].pid == swarm.pid("agent-a")
    assert found["agent-a"].labels == swarm.labels("agent-a", "a")
    raw = Path(f"/proc/{swarm.pid('agent-a')}/cmdline").read_text().rstrip("\0")
    assert raw.startswith("agent-a swarmctl.")


@pytest.mark.parametrize(
    ("how", "said", "logged"),
    [
        ("0", "exit 0", ""),
        ("7", "exit 7", ""),
        ("raise", "exit 1", "RuntimeError: an entry that fails"),
        ("exit", "exit 1", "said goodbye"),
    ],
)
def test_how_an_entry_ends(swarm: Swarm, how: str, said: str, logged: str) -> None:
    swarm.up(swarm.fork("agent-a", "fakes.forked:leaves", how))
    until(lambda: swarm.programs()["agent-a"].last_exit == said, said)
    assert logged in swarm.log("agent-a")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("fakes.broken:main", "this module is broken on purpose"),
        ("fakes.nowhere:main", "No module named"),
        ("fakes.forked:absent", "no function absent"),
        ("fakes.threaded:serve", "left-over"),
    ],
)
def test_what_cannot_be_forked_says_why_and_harms_no_other(swarm: Swarm, entry: str, why: str) -> None:
    swarm.up(swarm.script("engine-m"), swarm.fork("agent-a", entry))
    found = swarm.programs()
    assert found["agent-a"].state == "backoff"
    assert found["agent-a"].last_exit.startswith("cannot start: ")
    assert why in found["agent-a"].last_exit
    assert found["engine-m"].state == "running"


def test_long_titles_under_a_supervisor_that_began_without_any_environment(
    swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    for key in os.environ:
        if key != "PYTHONPATH":
            monkeypatch.delenv(key)
    names = [f"agent-{n}-{'x' * 80}" for n in range(7)]
    swarm.up(*(swarm.fork(n, "fakes.forked:serve", str(tmp_path / n)) for n in names))
    wanted = {"supervisor", *names}
    # A child shows its labels once it has set its title, a moment after it runs.
    until(lambda: {item.labels["swarmctl.service"] for item in labelled(swarm.name)} == wanted, "every title to be set")
