"""The story of the demo, as `make demo` tells it."""

import json
import subprocess
from pathlib import Path

import pytest

from fakes.person import SWARM, Person, git

TASK = "Write a Python function greet(name) in greet.py that returns the text 'Hello, NAME!' with the given name."


@pytest.mark.scenario(seconds=30, always=True)
def test_up_run_down_leaves_a_branch_and_nothing_else(person: Person, repository: Path) -> None:
    first = person.types("up", "--swarm", SWARM)
    assert "proofs hold" in first.stdout
    assert "nothing to do" in person.types("up", "--swarm", SWARM).stdout
    person.types("plan", "--swarm", SWARM, "--exit-code")

    status = person.reads("status", "--swarm", SWARM)
    assert status["faults"] == []
    assert {s["state"] for s in status["services"]} == {"running"}
    assert len([s for s in status["services"] if s["name"].startswith("agent-")]) == 7
    assert all(a["answers"] for a in person.reads("agents", "--swarm", SWARM)["agents"])

    (repository / "notes.txt").write_text("changed and not committed\n")
    before = git(repository, "status", "--porcelain=v2", "--branch")
    run = person.reads("run", "--swarm", SWARM, "--agents", "backend", TASK, cwd=repository)
    assert git(repository, "status", "--porcelain=v2", "--branch") == before
    assert run["verdict"] == "done"
    branches = git(repository, "branch", "--format=%(refname:short)").split()
    assert branches == ["main", run["branch"]]
    assert len(run["commits"]) >= 1
    assert {c["author"] for c in run["commits"]} == {"backend"}
    assert run["by_role"]["backend"]["tokens_out"] > 0
    assert "def greet" in run["diff"]

    shown = person.types("run", "--show", run["id"]).stdout
    assert run["branch"] in shown
    assert {r["role"] for r in person.reads("cost", "--swarm", SWARM)["roles"]} >= {"backend"}

    person.types("down", "--swarm", SWARM)
    assert person.ours() == []
    assert person.left() == []
    events = person.reads("history")["events"]
    assert [e["what"] for e in events] == ["down", "run", "up"]
    assert {e["result"] for e in events} == {"done"}
    assert "is down" in person.types("status", "--swarm", SWARM).stdout
    assert "was down already" in person.types("down", "--swarm", SWARM).stdout
    transcript = json.loads(next((person.home / "state/swarmctl/transcripts").glob("*.json")).read_text())
    assert transcript["entries"]


@pytest.mark.scenario(seconds=15)
def test_flat_answers_stand_side_by_side(person: Person, repository: Path) -> None:
    person.types("up", "--swarm", SWARM)
    out = person.home / "answers.json"
    person.types(
        "run", "--swarm", SWARM, "--flat", "--agents", "backend,testing", "--output", str(out), "--json",
        "What does HTTP status 404 mean?", cwd=repository,
    )  # fmt: skip
    result = json.loads(out.read_text())
    assert set(result["answers"]) == {"backend", "testing"}
    assert all(text.strip() for text in result["answers"].values())
    assert git(repository, "branch", "--format=%(refname:short)").split() == ["main"]


@pytest.mark.scenario(seconds=30)
def test_a_run_goes_on_without_its_command_line(person: Person, repository: Path) -> None:
    """The command line is killed; `--attach` comes back for the result and the branch."""
    person.types("up", "--swarm", SWARM)
    going = person.start("run", "--swarm", SWARM, "--agents", "backend", TASK, cwd=repository)
    assert going.stderr is not None
    for line in going.stderr:
        if line.startswith("step-started"):
            break
    going.kill()
    going.wait()
    (started,) = [e for e in person.reads("history")["events"] if e["what"] == "run"]
    assert started["result"] is None
    back = person.reads("run", "--swarm", SWARM, "--attach", started["detail"]["run"], cwd=repository)
    assert back["verdict"] == "done"
    assert back["branch"] in git(repository, "branch", "--format=%(refname:short)").split()


@pytest.mark.scenario(seconds=30)
def test_ctrl_c_cancels_a_run_everywhere(person: Person, repository: Path) -> None:
    import signal

    person.types("up", "--swarm", SWARM)
    going = person.start("run", "--swarm", SWARM, "Write a long poem about every HTTP status code.", cwd=repository)
    assert going.stderr is not None
    for line in going.stderr:
        if line.startswith(("plan", "step-started")):
            break
    going.send_signal(signal.SIGINT)
    going.communicate(timeout=30)
    assert going.returncode == 130
    assert git(repository, "branch", "--format=%(refname:short)").split() == ["main"]
    assert person.reads("history")["events"][0]["result"] == "cancelled"
    person.types("chat", "--swarm", SWARM, "docs", "Say hello.", timeout=60)


@pytest.mark.scenario(seconds=30)
def test_what_cannot_be_worked_on_is_said(person: Person, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    person.types("up", "--swarm", SWARM)
    refused = person.types("run", "--swarm", SWARM, "x", cwd=plain, expect=3)
    assert "is in no git repository" in refused.stderr
    assert "git -C" in refused.stderr
    subprocess.run(["git", "init", "-q", plain], check=True)
    empty = person.types("run", "--swarm", SWARM, "--agents", "backend", "--plan", "x", cwd=plain)
    assert "no commit yet" in empty.stderr
    unknown = person.types("run", "--swarm", SWARM, "--agents", "nobody", "x", cwd=plain, expect=3)
    assert "it has: orchestrator, frontend" in unknown.stderr
