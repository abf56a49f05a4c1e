"""An orchestrator that may not run tests: they wait at its endpoint for whoever follows the run."""

import asyncio
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.agents import TOKEN, Served, settings
from fakes.teams import Office, Scripted, fenced
from swarmctl.agent.elsewhere import Elsewhere, RunOver
from swarmctl.agent.orchestrator import conduct
from swarmctl.core.messages import CheckOrder, RunEvent, RunOrder, RunResult
from swarmctl.core.messages import TestResult as Outcome
from swarmctl.effects.testorders import Orders
from swarmctl.effects.testorders import RunOver as Ended

pytestmark = pytest.mark.slow

ADD = "def add(a, b):\n    return a + b\n"
PLAN = json.dumps({"steps": [{"role": "backend", "title": "write", "files": ["add.py"], "depends": [], "accept": ""}]})
OK = json.dumps({"ok": True, "comment": "fine"})
PASSED = Outcome(verdict="passed", sandbox="docker", image="mine:1", tail="fine")
Follower = Callable[[Elsewhere, Office], Awaitable[None]]


def conducted(folder: Path, follower: Follower, **changes: Any) -> tuple[RunResult, Office]:
    """A run of an orchestrator whose settings say elsewhere, with somebody beside it."""
    office = Office(folder)
    base = office.base({})
    lead = office.files["orchestrator"].model_copy(update={"tests": changes.pop("tests", "elsewhere")})
    order = RunOrder(**{"id": "r1", "task": "Add.", "base": base, "timeout": 60, "test": "make test", **changes})
    tries = [fenced("add.py", ADD + "# again\n" * n) for n in range(3)]
    team = office.team(backend=Scripted(*tries))

    async def emit(event: RunEvent) -> None:
        office.events.append(event)

    async def story() -> RunResult:
        tests = Elsewhere(lease=0.3)
        beside = asyncio.ensure_future(follower(tests, office))
        try:
            result, _ = await conduct(
                order, harness=Scripted(PLAN, OK), team=team, settings=lead, emit=emit, tests=tests
            )
            await asyncio.wait_for(beside, 5)
        finally:
            beside.cancel()
        return result

    return asyncio.run(story()), office


async def taken(tests: Elsewhere, holder: str = "follower") -> CheckOrder:
    while (order := await tests.take("r1", holder, 1.0)) is None:
        pass
    return order


@pytest.mark.parametrize("how", [{}, {"tests": "here", "elsewhere": True}], ids=["settings", "order"])
def test_a_result_from_elsewhere_is_the_steps_result(tmp_path: Path, how: dict[str, Any]) -> None:
    async def follower(tests: Elsewhere, office: Office) -> None:
        order = await taken(tests)
        assert (order.run, order.command) == ("r1", "make test")
        assert office.show(f"{order.commit}:add.py") == ADD.strip()
        assert tests.done(order.id, "follower", PASSED)
        assert not tests.done(order.id, "follower", PASSED)
        with pytest.raises(RunOver):
            await taken(tests)

    result, _ = conducted(tmp_path, follower, **how)
    assert (result.verdict, result.problems) == ("done", ())
    assert result.steps[0].test == PASSED


def test_a_failure_from_elsewhere_goes_back_to_its_author(tmp_path: Path) -> None:
    failed = Outcome(verdict="failed", sandbox="docker", image="mine:1", tail="1 != 2")

    async def follower(tests: Elsewhere, _: Office) -> None:
        for _n in range(3):
            order = await taken(tests)
            tests.done(order.id, "follower", failed)

    result, office = conducted(tmp_path, follower)
    assert (result.verdict, result.steps[0].attempts) == ("failed", 3)
    assert [e.data["tail"] for e in office.events if e.event == "step-test"] == ["1 != 2"] * 3
    assert result.steps[0].problem == "the tests failed after 3 tries"


def test_without_a_follower_a_test_waits_for_the_runs_limit_and_says_so(tmp_path: Path) -> None:
    async def nobody(_: Elsewhere, __: Office) -> None:
        return

    result, office = conducted(tmp_path, nobody, timeout=2)
    assert result.verdict == "failed"
    assert any("swarmctl run --attach r1" in problem for problem in result.problems), result.problems
    assert office.refs() == ["refs/swarm/r1/base"]
    assert not (tmp_path / "orchestrator" / "checks").exists()


def test_a_follower_that_died_is_replaced_after_its_lease_and_not_before(tmp_path: Path) -> None:
    async def follower(tests: Elsewhere, _: Office) -> None:
        order = await taken(tests, "the-one-that-dies")
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert tests.renew(order.id, "the-one-that-dies")
        assert await taken(tests, "the-next") == order
        assert loop.time() - began >= 0.29
        assert not tests.renew(order.id, "the-one-that-dies")
        assert not tests.done(order.id, "the-one-that-dies", Outcome(verdict="failed"))
        assert tests.done(order.id, "the-next", PASSED)

    result, _ = conducted(tmp_path, follower)
    assert result.steps[0].test == PASSED


def test_cancelling_the_run_takes_its_tests_away() -> None:
    async def story() -> None:
        tests = Elsewhere()
        asking = asyncio.create_task(tests.ask("r1", "0" * 40, "true"))
        order = await taken(tests)
        waiting = asyncio.create_task(tests.take("r1", "another", 9.0))
        asking.cancel()
        await asyncio.wait([asking])
        assert not tests.renew(order.id, "follower")
        tests.end("r1")
        with pytest.raises(RunOver):
            await asyncio.wait_for(waiting, 1)

    asyncio.run(story())


def test_a_waiting_follower_is_told_at_once() -> None:
    async def story() -> None:
        tests = Elsewhere()
        waiting = asyncio.create_task(tests.take("r1", "follower", 9.0))
        await asyncio.sleep(0)
        asking = asyncio.create_task(tests.ask("r1", "0" * 40, "true"))
        order = await asyncio.wait_for(waiting, 1)
        assert order is not None
        assert tests.done(order.id, "follower", PASSED)
        assert await asking == PASSED

    asyncio.run(story())


def post(url: str, body: bytes, token: str | None = TOKEN) -> tuple[int, str]:
    request = urllib.request.Request(url, body, {"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_the_endpoint_is_for_those_with_the_token_and_answers_nonsense_with_a_sentence(tmp_path: Path) -> None:
    with Served(settings(tmp_path, "http://127.0.0.1:1/v1", "orchestrator", tests="elsewhere")) as lead:
        take, done = f"{lead.url}/checks/take", f"{lead.url}/checks/done"
        ask = json.dumps({"run": "r1", "holder": "somebody-else"}).encode()
        assert post(take, ask, None)[0] == 401
        assert post(take, ask, "wrong")[0] == 401
        assert post(take, ask) == (204, "")
        for body in (
            b"",
            b"{",
            b"[]",
            b"\xff",
            b'{"run": 1, "holder": null}',
            b'{"run":"r","holder":"12345678","wait":1e18}',
        ):
            status, said = post(take, body)
            assert (status, json.loads(said)["error"][:14]) == (400, "not understood")
        assert post(done, b" " * 70_000)[0] == 413
        lost = {"id": "f" * 16, "holder": "somebody-else", "result": PASSED.model_dump()}
        assert post(done, json.dumps(lost).encode())[0] == 409
        assert post(f"{lead.url}/checks/none", ask)[0] == 404
        orders = Orders(lead.url, TOKEN, secrets.token_hex(16))
        assert orders.take("r1", 0.1) is None
        orders.close()


def test_a_specialist_has_no_such_endpoint(tmp_path: Path) -> None:
    with Served(settings(tmp_path, "http://127.0.0.1:1/v1", "backend")) as agent:
        orders = Orders(agent.url, TOKEN, secrets.token_hex(16))
        with pytest.raises(Ended):
            orders.take("r1", 0.1)
        orders.close()
