"""A run from order to result: real git, real tests in a real sandbox, scripted models.

Over 300 lines: every story is told in the same office of real agents.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fakes.teams import Office, Scripted, fenced, git
from swarmctl.agent.ports import ModelFailed
from swarmctl.core.messages import RunOrder

ADD = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return a - b\n"
TEST = "from add import add\n\n\ndef test() -> None:\n    assert add(1, 2) == 3\n"
CHECK = "python3 -c 'from add import add; assert add(1, 2) == 3, add(1, 2)'"
OK = json.dumps({"ok": True, "comment": "fine"})


def planned(*steps: tuple[str, str, list[int]]) -> str:
    """A plan of (role, file, depends)."""
    return json.dumps(
        {
            "steps": [
                {"role": role, "title": f"write {path}", "files": [path], "depends": depends, "accept": ""}
                for role, path, depends in steps
            ]
        }
    )


ONE = planned(("backend", "add.py", []))


def order(base: str, **changes: Any) -> RunOrder:
    return RunOrder(**{"id": "r1", "task": "Write add(a, b).", "base": base, "timeout": 600, **changes})


def lead(plan: str, *reviews: str) -> Scripted:
    return Scripted(plan, *(reviews or (OK,)))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def told(office: Office) -> list[str]:
    return [event.event for event in office.events]


def test_one_commit_per_step_by_its_role_on_a_branch(office: Office) -> None:
    base = office.base({"README.md": b"# x\n"})
    model = lead(planned(("backend", "add.py", []), ("testing", "test_add.py", [1])))
    team = office.team(
        backend=Scripted(fenced("add.py", ADD)),
        testing=Scripted(fenced("test_add.py", TEST)),
    )
    result = office.run(order(base), model, team)
    assert (result.verdict, result.problems) == ("done", ())
    log = git(
        office.bare, "log", "--reverse", "--format=%an|%s|%(trailers:key=Swarm-Step,valueonly)", f"{base}..swarm/r1"
    )
    assert log.split() == ["backend|write", "add.py|1", "testing|write", "test_add.py|2"]
    assert git(office.bare, "rev-parse", "refs/heads/swarm/r1") == result.head
    assert office.show("swarm/r1:add.py") == ADD.strip()
    assert team.orders[1].commit == result.steps[0].commit
    assert "add.py: def add(a, b)" in team.orders[1].interfaces
    assert result.by_role["backend"].requests == 1
    assert result.by_role["orchestrator"].requests == 3
    assert office.refs() == ["refs/heads/swarm/r1", "refs/swarm/r1/base"]
    assert told(office) == ["plan", *["step-started", "step-answer", "review", "step-merged"] * 2]
    assert {item["about"] for item in office.transcript} >= {"plan", "step 1, try 1", "review of testing"}


def test_independent_steps_go_out_side_by_side_up_to_the_slots(office: Office) -> None:
    steps = [("backend", "a.txt", []), ("testing", "b.txt", []), ("docs", "c.txt", [])]
    models = {role: Scripted(fenced(path, f"{role}\n")) for role, path, _ in steps}
    team = office.team(**models)
    result = office.run(order(office.base()), lead(planned(*steps)), team)
    assert result.verdict == "done"
    assert team.most == 2
    assert git(office.bare, "ls-tree", "--name-only", "swarm/r1").split() == ["a.txt", "b.txt", "c.txt"]
    assert git(office.bare, "rev-list", "--count", "--min-parents=2", "swarm/r1") == "0"


def test_step_that_an_earlier_one_has_done_is_done(office: Office) -> None:
    plan = planned(("backend", "add.py", []), ("backend", "add.py", [1])).replace("write add.py", "write it", 1)
    result = office.run(order(office.base()), lead(plan), office.team(backend=Scripted(fenced("add.py", ADD))))
    assert (result.verdict, result.problems) == ("done", ())
    first, second = result.steps
    assert (second.merged, second.commit, second.attempts) == (True, first.commit, 2)
    assert "add.py stayed as an earlier step wrote it" in second.cut
    assert git(office.bare, "rev-list", "--count", "swarm/r1") == "2"


def test_step_that_changes_nothing_of_what_was_there_before_the_run_fails(office: Office) -> None:
    base = office.base({"add.py": ADD.encode()})
    result = office.run(order(base), lead(ONE), office.team(backend=Scripted(fenced("add.py", ADD))))
    assert result.verdict == "failed"
    assert result.steps[0].problem == "the answer changes nothing"


def test_garbage_plan_is_repaired_with_the_validators_words(office: Office) -> None:
    model = Scripted("I would start with backend.", '{"steps": [{"role": "boss"}]}', ONE, OK)
    result = office.run(order(office.base()), model, office.team(backend=Scripted(fenced("add.py", ADD))))
    assert result.plan is not None
    assert (result.plan.origin, result.verdict) == ("repaired", "done")
    assert "the answer holds no JSON object" in model.asked[1]
    assert "role is 'boss'" in model.asked[2]
    assert model.schemas[0] is not None
    assert sum("could not be used" in sentence for sentence in result.cut) == 2


@pytest.mark.parametrize("reply", ["no", ModelFailed("the engine is gone")])
def test_after_two_repairs_a_rule_makes_the_plan_and_says_so(office: Office, reply: str | Exception) -> None:
    model = Scripted(reply)
    result = office.run(
        order(office.base(), task="Write add(a, b) in add.py."),
        model,
        office.team(backend=Scripted(fenced("add.py", ADD))),
    )
    assert result.plan is not None
    assert result.plan.origin == "rule"
    assert "by rule" in result.plan.notes[0]
    assert result.verdict == "done"
    assert len(model.asked) == (4 if reply == "no" else 2)
    assert result.steps[0].review.startswith("accepted" if reply == "no" else "not reviewed: the engine is gone")


@pytest.mark.slow
def test_a_failing_test_goes_back_with_its_tail_until_it_passes(office: Office) -> None:
    author = Scripted(fenced("add.py", WRONG), fenced("add.py", ADD))
    result = office.run(order(office.base(), test=CHECK, unsandboxed=True), lead(ONE), office.team(backend=author))
    assert result.verdict == "done"
    step = result.steps[0]
    assert (step.test.verdict, step.attempts) == ("passed", 2)
    assert "AssertionError: -1" in author.asked[1]
    assert "return a - b" in author.asked[1], "the author sees its own last try"
    assert git(office.bare, "rev-list", "--count", f"{result.base}..swarm/r1") == "1"


@pytest.mark.slow
def test_a_test_that_fails_three_times_fails_the_step_and_nothing_is_merged(office: Office) -> None:
    wrong = [fenced("add.py", WRONG.replace("-", sign)) for sign in "-*%"]
    team = office.team(backend=Scripted(*wrong), docs=Scripted(fenced("README.md", "# add\n")))
    plan = planned(("backend", "add.py", []), ("docs", "README.md", [1]))
    result = office.run(order(office.base(), test=CHECK, unsandboxed=True), lead(plan), team)
    assert (result.verdict, result.head) == ("failed", None)
    first, second = result.steps
    assert (first.attempts, first.merged, first.test.verdict) == (3, False, "failed")
    assert first.problem == "the tests failed after 3 tries"
    assert second.problem == "skipped: step 1, which it depends on, failed"
    assert (second.attempts, second.merged) == (0, False)
    assert office.refs() == ["refs/swarm/r1/base"]
    assert told(office).count("step-test") == 3


def test_the_review_sends_back_once_only(office: Office) -> None:
    no = json.dumps({"ok": False, "comment": "name the arguments x and y"})
    author = Scripted(fenced("add.py", ADD), fenced("add.py", "def add(x, y):\n    return x + y\n"))
    result = office.run(order(office.base()), lead(ONE, no, no), office.team(backend=author))
    assert result.verdict == "done"
    assert result.steps[0].attempts == 2
    assert "name the arguments x and y" in author.asked[1]
    assert "x + y" in office.show("swarm/r1:add.py")


def test_a_second_try_that_comes_to_nothing_leaves_the_first(office: Office) -> None:
    no = json.dumps({"ok": False, "comment": "hm"})
    author = Scripted(fenced("add.py", ADD), "I will not.")
    result = office.run(order(office.base()), lead(ONE, no, OK), office.team(backend=author))
    assert result.verdict == "done"
    assert office.show("swarm/r1:add.py") == ADD.strip()
    assert "was kept" in result.steps[0].cut[-1]


@pytest.mark.parametrize("review", ["", "fine!", '{"ok": "yes"}', "[" * 9000])
def test_an_unreadable_review_accepts_with_a_note(office: Office, review: str) -> None:
    result = office.run(order(office.base()), lead(ONE, review), office.team(backend=Scripted(fenced("add.py", ADD))))
    assert result.verdict == "done"
    assert result.steps[0].review == "accepted: the review could not be read"


def test_steps_on_one_file_run_one_after_another_and_both_stay(office: Office) -> None:
    plan = json.dumps(
        [
            {"role": "backend", "title": "one", "files": ["a.txt"]},
            {"role": "docs", "title": "two", "files": ["a.txt"]},
        ]
    )
    team = office.team(backend=Scripted(fenced("a.txt", "one\n")), docs=Scripted(fenced("a.txt", "one\ntwo\n")))
    result = office.run(order(office.base()), lead(plan), team)
    assert (result.verdict, team.most) == ("done", 1)
    assert "one\n" in team.models["docs"].asked[0]


def test_a_conflict_goes_back_to_its_author_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps never share a file by plan; a race is made by moving the tip under the author."""
    from swarmctl.agent.branch import Branch
    from swarmctl.agent.repo import Author

    base = office.base({"add.py": b"x = 0\n"})
    real, moved = Branch.candidate, []

    async def moving(self: Branch, number: int, step: Any, commit: str) -> Any:
        if not moved:
            moved.append(1)
            theirs = await self.repo.commit_files(self.tip, {"add.py": b"x = 99\n"}, Author("docs", "t"), "theirs")
            await self.grow(9, theirs)
        return await real(self, number, step, commit)

    monkeypatch.setattr(Branch, "candidate", moving)
    author = Scripted(fenced("add.py", "x = 1\n"), fenced("add.py", "x = 100\n"))
    result = office.run(order(base), lead(ONE), office.team(backend=author))
    assert result.verdict == "done"
    assert "others changed add.py at the same time" in author.asked[1]
    assert "x = 99" in author.asked[1]
    assert office.show("swarm/r1:add.py") == "x = 100"


def test_a_dead_peer_leaves_a_partial_result(office: Office) -> None:
    plan = planned(("backend", "add.py", []), ("testing", "test_add.py", []), ("docs", "README.md", [2]))
    team = office.team(["testing"], backend=Scripted(fenced("add.py", ADD)), docs=Scripted("never asked"))
    result = office.run(order(office.base()), lead(plan), team)
    assert result.verdict == "partial"
    assert [s.merged for s in result.steps] == [True, False, False]
    assert result.problems == (
        "step 2: testing does not answer",
        "step 3: skipped: step 2, which it depends on, failed",
    )
    assert len(team.orders) == 2, "a dead peer is not asked again"


def test_an_author_that_reaches_beyond_its_step_is_not_merged(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A specialist that was taken over pushes what it likes; the orchestrator looks for itself."""
    from swarmctl.agent.repo import Author, Repo
    from swarmctl.core.messages import StepDone, Usage

    base = office.base()
    evil = asyncio.run(
        Repo(office.bare).commit_files(base, {"add.py": b"x\n", ".github/ci.yml": b"x\n"}, Author("b", "t"), "m")
    )

    class Evil:
        async def step(self, peer: Any, order: Any, *, deadline: float) -> StepDone:
            return StepDone(number=1, commit=evil, files=("add.py",), usage=Usage(requests=1))

    result = office.run(order(base), lead(ONE), Evil())  # type: ignore[arg-type]
    assert result.verdict == "failed"
    assert "'.github/ci.yml' is not in the step's list" in result.steps[0].problem


@pytest.mark.slow
def test_the_deadline_stops_the_run_and_keeps_what_was_merged(office: Office) -> None:
    class Slow(Scripted):
        async def ask(self, *args: Any, **rest: Any) -> Any:
            await asyncio.Event().wait()

    plan = planned(("backend", "add.py", []), ("docs", "README.md", [1]))
    team = office.team(backend=Scripted(fenced("add.py", ADD)), docs=Slow(""))
    result = office.run(order(office.base(), timeout=3), lead(plan), team)
    assert (result.verdict, team.cancelled) == ("partial", 1)
    assert result.problems[0] == "stopped at the run's limit of 3 s; what was merged by then stays"
    assert result.steps[1].problem == "not finished when the run was stopped"
    assert git(office.bare, "rev-parse", "swarm/r1") == result.head == result.steps[0].commit


def test_cancelling_cancels_the_peers_and_leaves_a_clean_repository(office: Office) -> None:
    class Stuck(Scripted):
        def __init__(self) -> None:
            super().__init__("")
            self.reached = asyncio.Event()

        async def ask(self, *args: Any, **rest: Any) -> Any:
            self.reached.set()
            await asyncio.Event().wait()

    base = office.base()

    async def story() -> int:
        stuck = Stuck()
        team = office.team(backend=stuck)
        task = asyncio.create_task(office.conduct(order(base), lead(ONE), team))
        await asyncio.wait_for(stuck.reached.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return team.cancelled

    assert asyncio.run(story()) == 1
    assert office.refs() == ["refs/swarm/r1/base"]
    assert list((office.folder / "backend" / "clones").iterdir()) == []


def test_plan_mode_stops_at_the_plan(office: Office) -> None:
    result = office.run(order(office.base(), mode="plan"), lead(ONE), office.team())
    assert (result.verdict, result.steps, result.head) == ("done", (), None)
    assert result.plan is not None
    assert result.plan.steps[0].files == ("add.py",)


def test_flat_mode_asks_the_named_roles_and_writes_nothing(office: Office) -> None:
    team = office.team(["docs"], backend=Scripted("Use a dict."), testing=Scripted("Test the edges."))
    wanted = order(office.base(), mode="flat", roles=("testing", "backend", "docs"))
    result = office.run(wanted, Scripted("never asked"), team)
    assert result.answers == {"backend": "Use a dict.", "testing": "Test the edges."}
    assert (result.verdict, result.problems) == ("partial", ("docs: docs does not answer",))
    assert result.by_role["backend"].requests == 1
    assert office.refs() == ["refs/swarm/r1/base"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"roles": ("chef",)}, "no specialist chef; it has backend, testing, docs"),
        ({"base": "1" * 40}, "was not pushed"),
        ({"id": "../x"}, "run's id"),
    ],
)
def test_an_order_that_cannot_be_carried_out_says_why(office: Office, changes: dict[str, Any], word: str) -> None:
    wanted = order(office.base()).model_copy(update=changes)
    result = office.run(wanted, lead(ONE), office.team())
    assert result.verdict == "failed"
    assert word in result.problems[0]


@pytest.mark.slow
def test_without_a_sandbox_the_tests_do_not_run_and_the_result_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swarmctl.agent.sandbox.RUNGS", ())
    result = office.run(
        order(office.base(), test=CHECK), lead(ONE), office.team(backend=Scripted(fenced("add.py", ADD)))
    )
    assert result.steps[0].test.verdict == "not run"
    assert result.problems == ("tests were not run: no sandbox; install bubblewrap or pass --unsandboxed",)
