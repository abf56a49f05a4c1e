"""A run, from the order to the result: plan, steps, and what came of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from swarmctl.agent.book import Book
from swarmctl.agent.branch import Branch
from swarmctl.agent.checking import Checker
from swarmctl.agent.clock import now
from swarmctl.agent.conducting import do_steps
from swarmctl.agent.elsewhere import Elsewhere
from swarmctl.agent.flat import ask_each
from swarmctl.agent.planning import make_plan
from swarmctl.agent.ports import Emit, Harness, Team
from swarmctl.agent.repo import GitFailed
from swarmctl.agent.stepping import Desk
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.messages import RunOrder, RunResult, Step, StepResult, TeamPlan
from swarmctl.core.team.commits import branch, is_run_id


@dataclass(slots=True)
class _Run:
    """What a run has come to so far, so that a deadline leaves a partial result."""

    plan: TeamPlan | None = None
    results: dict[int, StepResult] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    team: bool = False


async def conduct(
    order: RunOrder,
    *,
    harness: Harness,
    team: Team,
    settings: AgentFile,
    emit: Emit,
    tests: Elsewhere | None = None,
) -> tuple[RunResult, list[dict[str, Any]]]:
    """Carry an order out: (result, transcript). Never raises for what models, peers, tests or git did.

    tests: where they wait for whoever follows the run, when this agent may not run them.
    At `order.timeout` what is under way is stopped and the result says so. When this is cancelled, the
    peers' work is cancelled too and the helper refs are gone.
    """
    began = now()
    book, run = Book(emit), _Run()
    branch_of = Branch(order, settings)
    checker = Checker(order, branch_of.repo, settings, tests)
    desk = Desk(order, settings, harness, team, book, branch_of, checker, began + order.timeout)
    try:
        async with asyncio.timeout(order.timeout):
            await _work(desk, run)
    except TimeoutError:
        book.problems.append(f"stopped at the run's limit of {order.timeout} s; what was merged by then stays")
        if checker.waits:
            book.problems.append(checker.waits)
    except GitFailed as bad:
        book.problems.append(str(bad))
    finally:
        checker.close()
        await _sweep(desk)
    return await _result(desk, run, now() - began), book.transcript


async def _work(desk: Desk, run: _Run) -> None:
    order, settings = desk.order, desk.settings
    known = tuple(peer.role for peer in settings.peers)
    if strange := [role for role in order.roles if role not in known]:
        desk.book.problems.append(f"this swarm has no specialist {', '.join(strange)}; it has {', '.join(known)}")
        return
    run.roles = tuple(role for role in known if role in order.roles) or known
    if not run.roles or not is_run_id(order.id):
        desk.book.problems.append("this swarm has no specialists" if not run.roles else "the run's id is no name")
        return
    if await desk.branch.repo.resolve(order.base) is None:
        desk.book.problems.append(f"the base commit {order.base[:12]} was not pushed to the team's repository")
        return
    tree = {path: entry.mode for path, entry in (await desk.branch.repo.listing(order.base)).items()}
    if order.mode == "flat":
        await ask_each(desk, run.roles, tree, run.answers)
        return
    run.plan = await make_plan(order, run.roles, tree, settings=settings, harness=desk.harness, book=desk.book)
    if order.mode == "team":
        run.team = True
        await do_steps(desk, run.plan, run.results)


async def _sweep(desk: Desk) -> None:
    try:
        await desk.branch.sweep()
    except GitFailed as bad:
        desk.book.problems.append(f"helper refs are left in the team's repository: {bad}")


async def _result(desk: Desk, run: _Run, seconds: float) -> RunResult:
    steps = _steps(run, desk.branch.merged)
    return RunResult(
        id=desk.order.id,
        task=desk.order.task,
        verdict=_verdict(desk.order, run, steps),
        base=desk.order.base,
        branch=branch(desk.order.id),
        head=desk.branch.tip if desk.branch.tip != desk.order.base else None,
        plan=run.plan,
        steps=steps,
        answers={role: run.answers[role] for role in run.roles if role in run.answers},
        by_role=desk.book.by_role,
        problems=(*desk.book.problems, *(f"step {s.number}: {s.problem}" for s in steps if s.problem)),
        cut=tuple(desk.book.cut),
        seconds=round(seconds, 3),
    )


def _steps(run: _Run, merged: Mapping[int, str]) -> tuple[StepResult, ...]:
    """Every step of a team run, in the plan's order; one that has no result was stopped."""
    planned = enumerate(run.plan.steps if run.plan and run.team else (), 1)
    return tuple(run.results.get(n) or _stopped(n, step, merged.get(n)) for n, step in planned)


def _stopped(number: int, step: Step, commit: str | None) -> StepResult:
    """A step that the run's end cut short; its commit may just have been merged."""
    told = "" if commit else "not finished when the run was stopped"
    return StepResult(number=number, step=step, merged=commit is not None, commit=commit, attempts=0, problem=told)


def _verdict(order: RunOrder, run: _Run, steps: tuple[StepResult, ...]) -> Literal["done", "partial", "failed"]:
    """`done` when everything asked for is there, `partial` when a part of it is."""
    if order.mode == "plan":
        return "done" if run.plan else "failed"
    there = len(run.answers) if order.mode == "flat" else sum(step.merged for step in steps)
    asked = len(run.roles) if order.mode == "flat" else len(steps)
    if not there:
        return "failed"
    return "done" if there == asked else "partial"
