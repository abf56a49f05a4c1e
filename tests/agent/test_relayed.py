"""A specialist on another host than its orchestrator finds the repository where its own host has it."""

from pathlib import Path

import pytest

from fakes.agents import settings
from swarmctl.agent.specialist import as_seen_here
from swarmctl.core.agentfile import Peer
from swarmctl.core.messages import Step, StepOrder

ORDER = StepOrder(
    run="r1",
    number=1,
    task="t",
    step=Step(role="backend", title="t", files=("a.py",)),
    git="http://agent-orchestrator:8080/git/work.git",
    commit="0" * 40,
    push="refs/x",
)


@pytest.mark.parametrize(
    ("lead", "git"),
    [
        ("http://relay:9001", "http://relay:9001/git/work.git"),
        ("http://agent-orchestrator:8080", ORDER.git),
        ("http://127.0.0.1:21000", ORDER.git),
    ],
)
def test_the_repository_is_behind_the_relay_where_the_orchestrator_is(tmp_path: Path, lead: str, git: str) -> None:
    mine = settings(tmp_path, "http://127.0.0.1:1/v1", orchestrator=Peer(role="orchestrator", url=lead))
    assert as_seen_here(ORDER, mine).git == git
    assert as_seen_here(ORDER, mine).commit == ORDER.commit
