"""One step from its first try to the branch: sent, joined, tested, reviewed, and sent back a few times."""

from dataclasses import dataclass, field

from swarmctl.agent.book import Book
from swarmctl.agent.branch import Branch, Refused
from swarmctl.agent.checking import Checker
from swarmctl.agent.clock import now
from swarmctl.agent.ports import Harness, Team
from swarmctl.agent.repo import GitFailed
from swarmctl.agent.review import Review, longest_diff, look
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.messages import UNCHANGED, RunOrder, Step, StepDone, StepOrder, StepResult, TestResult, Usage
from swarmctl.core.team.commits import try_ref


@dataclass(slots=True)
class Desk:
    """What every step of a run works with."""

    order: RunOrder
    settings: AgentFile
    harness: Harness
    team: Team
    book: Book
    branch: Branch
    checker: Checker
    ends: float
    """When the run must be over, on the clock of `now()`."""


@dataclass(slots=True)
class _Try:
    """Where a step stands: what may still be sent back, and what the last try came to."""

    attempts: int = 0
    tests_left: int = 2
    reviews_left: int = 1
    conflicts_left: int = 1
    answers_left: int = 1
    start: str = ""
    notes: str = ""
    test: TestResult = field(default_factory=lambda: TestResult(verdict="not run"))
    review: str = ""
    usage: Usage = field(default_factory=Usage)
    cut: list[str] = field(default_factory=list)
    answer: str = ""
    kept: tuple[str, TestResult] | None = None
    """A candidate that its tests let pass, and that only the review did not like."""


class _Failed(Exception):  # noqa: N818
    """The step cannot go on; a sentence."""


class _AsItIs(Exception):  # noqa: N818
    """An earlier step of this run has written the files as this one wants them."""


async def do_step(desk: Desk, number: int, step: Step, interfaces: str) -> StepResult:
    """Carry one step out. Never raises for what a model, a peer, a test or git did."""
    at = _Try(start=desk.branch.tip)
    try:
        while (merged := await _once(desk, number, step, interfaces, at)) is None:
            pass
    except _AsItIs:
        at.cut.append(f"{', '.join(step.files)} stayed as an earlier step wrote it")
        merged = desk.branch.tip
    except (_Failed, GitFailed) as bad:
        await desk.book.tell("step-failed", str(bad), role=step.role, number=number)
        return _result(number, step, at, problem=str(bad))
    await desk.book.tell("step-merged", step.title, role=step.role, number=number, commit=merged)
    return _result(number, step, at, commit=merged)


async def _once(desk: Desk, number: int, step: Step, interfaces: str, at: _Try) -> str | None:
    """One try: the merged commit, or None when the step was sent back. Raises _Failed."""
    try:
        candidate = await _attempt(desk, number, step, interfaces, at)
    except (_Failed, GitFailed) as bad:
        if at.kept is None:
            raise
        (candidate, at.test), at.kept = at.kept, None
        at.cut.append(f"a later try came to nothing ({bad}); the one that the review did not like was kept")
    return await _merge(desk, number, step, candidate, at) if candidate else None


async def _attempt(desk: Desk, number: int, step: Step, interfaces: str, at: _Try) -> str | None:
    """A candidate that was tested and reviewed, or None when the step was sent back. Raises _Failed."""
    done = await _send(desk, number, step, interfaces, at)
    if done.commit is None:
        await _nothing(desk, number, step, done, at)
        return None
    candidate = await _joined(desk, number, step, done.commit, at)
    if candidate is None or not await _tested(desk, number, step, candidate, at):
        return None
    return candidate if await _reviewed(desk, number, step, candidate, at) else None


async def _nothing(desk: Desk, number: int, step: Step, done: StepDone, at: _Try) -> None:
    """An answer without files: asked for once more when there was a model that answered."""
    problem = done.problem or "the agent handed nothing in"
    if not done.usage.requests or not at.answers_left:
        if problem == UNCHANGED and await _written(desk, step):
            raise _AsItIs
        raise _Failed(problem)
    at.answers_left -= 1
    await _back(desk, number, step, at, problem, start=at.start)


async def _written(desk: Desk, step: Step) -> bool:
    """This run has written all files of a step already."""
    return set(step.files) <= set(await desk.branch.repo.changed(desk.order.base, desk.branch.tip))


async def _send(desk: Desk, number: int, step: Step, interfaces: str, at: _Try) -> StepDone:
    at.attempts += 1
    peer = next(p for p in desk.settings.peers if p.role == step.role)
    order = StepOrder(
        run=desk.order.id,
        number=number,
        task=desk.order.task,
        step=step,
        git=f"{desk.settings.orchestrator.url.rstrip('/')}/git/work.git",
        commit=at.start,
        push=try_ref(desk.order.id, number, at.attempts),
        notes=at.notes,
        interfaces=interfaces,
    )
    again = "" if at.attempts == 1 else f" (try {at.attempts})"
    await desk.book.tell("step-started", f"{step.title}{again}", role=step.role, number=number)
    done = await desk.team.step(peer, order, deadline=max(desk.ends - now(), 1.0))
    desk.book.step(step.role, done, f"step {number}, try {at.attempts}")
    at.usage += done.usage
    at.cut += done.cut
    at.answer = done.answer
    text = done.problem or ", ".join(done.files)
    usage = done.usage.model_dump(mode="json")
    await desk.book.tell("step-answer", text, role=step.role, number=number, usage=usage)
    return done


async def _joined(desk: Desk, number: int, step: Step, commit: str, at: _Try) -> str | None:
    """The try on today's tip; None when it collided and was sent back."""
    try:
        joined = await desk.branch.candidate(number, step, commit)
    except Refused as bad:
        raise _Failed(str(bad)) from bad
    if isinstance(joined, str):
        return joined
    told = f"others changed {', '.join(joined.files)} at the same time"
    if not at.conflicts_left:
        raise _Failed(told)
    at.conflicts_left -= 1
    await _back(desk, number, step, at, f"{told}; write yours again on what is there now", start=desk.branch.tip)
    return None


async def _tested(desk: Desk, number: int, step: Step, candidate: str, at: _Try) -> bool:
    """Whether the candidate may go on; a failure goes back to its author twice, then the step fails."""
    at.test = await desk.checker.check(candidate, f"refs/swarm/{desk.order.id}/candidate/test-{number}")
    if desk.order.test is not None:
        word, tail = at.test.verdict, at.test.tail
        await desk.book.tell("step-test", word, role=step.role, number=number, tail=tail, sandbox=at.test.sandbox)
        if word == "not run" and (told := f"tests were not run: {tail}") not in desk.book.problems:
            desk.book.problems.append(told)
    if at.test.verdict != "failed":
        return True
    if not at.tests_left:
        raise _Failed(f"the tests failed after {at.attempts} tries")
    at.tests_left -= 1
    await _back(desk, number, step, at, f"The tests failed:\n{at.test.tail[-1500:]}", start=candidate)
    return False


async def _reviewed(desk: Desk, number: int, step: Step, candidate: str, at: _Try) -> bool:
    """Whether the review lets the candidate pass; it may send a step back once."""
    longest = longest_diff(desk.settings.context)
    diff = await desk.branch.repo.diff(f"{candidate}^", candidate, longest=longest)
    found: Review = await look(
        desk.order, step, diff, at.test, harness=desk.harness, prompt=desk.settings.prompt, book=desk.book
    )
    at.review = found.comment or ("ok" if found.ok else "not ok")
    await desk.book.tell("review", at.review, role=step.role, number=number, ok=found.ok)
    if found.ok or not at.reviews_left:
        return True
    at.reviews_left -= 1
    at.kept = (candidate, at.test)
    await _back(desk, number, step, at, f"The review says: {at.review}", start=candidate)
    return False


async def _merge(desk: Desk, number: int, step: Step, candidate: str, at: _Try) -> str | None:
    """Make the candidate the tip; when the tip has moved on, join and test it once more on the new one."""
    async with desk.branch.growing:
        parent = await desk.branch.repo.resolve(f"{candidate}^")
        if parent != desk.branch.tip:
            again = await _joined(desk, number, step, candidate, at)
            if again is None or not await _tested(desk, number, step, again, at):
                return None
            candidate = again
        await desk.branch.grow(number, candidate)
        return candidate


async def _back(desk: Desk, number: int, step: Step, at: _Try, notes: str, *, start: str) -> None:
    at.notes, at.start = notes, start
    first = notes.strip().splitlines()[0]
    at.cut.append(f"sent back after try {at.attempts}: {first}")
    await desk.book.tell("note", f"sent back: {first}", role=step.role, number=number)


def _result(number: int, step: Step, at: _Try, *, commit: str | None = None, problem: str = "") -> StepResult:
    return StepResult(
        number=number,
        step=step,
        merged=commit is not None,
        commit=commit,
        attempts=at.attempts,
        test=at.test,
        review=at.review,
        problem=problem,
        usage=at.usage,
        cut=tuple(at.cut),
        answer=at.answer,
    )
