"""One step of the team's work: fetch, ask, guard, commit, push."""

from swarmctl.agent.ports import Harness, ModelFailed, TooLarge
from swarmctl.agent.repo import Author, GitFailed, Repo
from swarmctl.agent.workspace import push, workspace
from swarmctl.agent.writing import Given, Log, Written, write
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.messages import StepDone, StepOrder
from swarmctl.core.parts.partspec import relayed
from swarmctl.core.paths import list_problems
from swarmctl.core.team.asking import Messages, excerpt_messages, flat_messages, step_messages
from swarmctl.core.team.commits import message
from swarmctl.core.team.excerpt import Excerpt, choose
from swarmctl.core.team.fileguard import LONGEST, decode

MOST_SHOWN = 3
"""Files that a specialist sees in full."""


async def perform(order: StepOrder, *, harness: Harness, settings: AgentFile) -> StepDone:
    """Do one step; what went wrong stands in `problem`. A step without files is answered in words."""
    order, log = as_seen_here(order, settings), Log()
    try:
        if not order.step.files:
            return await _in_words(order, harness, settings, log)
        async with workspace(order, settings) as repo:
            return await _in_files(order, repo, harness, settings, log)
    except (TooLarge, ModelFailed, GitFailed, _Unfit) as bad:
        return _done(order, log, problem=str(bad))


def as_seen_here(order: StepOrder, settings: AgentFile) -> StepOrder:
    """With the repository's address as this host has it: an orchestrator on another one names its own."""
    lead = settings.orchestrator.url
    return order.model_copy(update={"git": f"{lead}/git/work.git"}) if relayed(lead) else order


class _Unfit(Exception):  # noqa: N818
    """The step's files cannot be given to a model."""


async def _in_words(order: StepOrder, harness: Harness, settings: AgentFile, log: Log) -> StepDone:
    asked = flat_messages(settings.prompt, order)
    answer = log.add(await harness.ask(asked, max_tokens=settings.output))
    return _done(order, log, answer=answer, problem="" if answer.strip() else "the answer was empty")


async def _in_files(order: StepOrder, repo: Repo, harness: Harness, settings: AgentFile, log: Log) -> StepDone:
    given = await _given(order, repo, log)
    messages = _messages(order, given, settings.prompt)
    written = await write(messages, given, order, harness=harness, most=settings.output, log=log)
    if not written.files:
        return _done(order, log, answer=written.answer, problem="; ".join(written.problems))
    author = Author(order.step.role, settings.swarm)
    text = message(order.run, order.number, order.step)
    commit = await repo.commit_files(order.commit, written.files, author, text)
    await push(repo, order, commit)
    return _done(order, log, commit=commit, written=written, answer=written.answer)


async def _given(order: StepOrder, repo: Repo, log: Log) -> Given:
    """Today's content of the step's files, three old ones at most. Raises _Unfit."""
    listing = await repo.listing(order.commit)
    tree = {path: entry.mode for path, entry in listing.items()}
    if problems := list_problems(order.step.files, tree):
        raise _Unfit("; ".join(problems))
    files: dict[str, bytes | None] = {}
    for path in order.step.files:
        if path not in listing:
            files[path] = None
        elif sum(old is not None for old in files.values()) < MOST_SHOWN:
            files[path] = await repo.read(listing[path])
        else:
            log.cut.append(f"{path} was left as it is: a step can change {MOST_SHOWN} files")
    return Given(files, tree, _excerpt(order, files))


def _excerpt(order: StepOrder, files: dict[str, bytes | None]) -> Excerpt | None:
    """The one function to change, when a file is too long to be given whole. Raises _Unfit."""
    texts = {path: decode(old) for path, old in files.items() if old is not None}
    if binary := [path for path, text in texts.items() if text is None]:
        raise _Unfit(f"{binary[0]} is binary or not UTF-8; a step cannot rewrite it")
    long = [path for path, text in texts.items() if (text or "").count("\n") > LONGEST]
    if not long:
        return None
    if len(files) > 1 or not long[0].endswith(".py"):
        raise _Unfit(f"{long[0]} has more than {LONGEST} lines; only a .py file in a step of its own can be changed")
    try:
        found = choose(texts[long[0]] or "", f"{order.step.title} {order.step.accept} {order.task}", longest=LONGEST)
    except (SyntaxError, ValueError, RecursionError) as bad:
        raise _Unfit(f"{long[0]} is too long to be given whole, and does not parse: {bad}") from bad
    if found is None:
        raise _Unfit(f"{long[0]} has more than {LONGEST} lines; name the function or class to change in the task")
    return found


def _messages(order: StepOrder, given: Given, prompt: str) -> Messages:
    if given.excerpt is not None:
        path = next(iter(given.files))
        return excerpt_messages(prompt, order, path, given.excerpt.name, given.excerpt.text)
    today = {path: None if old is None else decode(old) for path, old in given.files.items()}
    return step_messages(prompt, order, today)


def _done(
    order: StepOrder,
    log: Log,
    *,
    commit: str | None = None,
    written: Written | None = None,
    answer: str = "",
    problem: str = "",
) -> StepDone:
    return StepDone(
        number=order.number,
        commit=commit,
        files=tuple(written.files) if written else (),
        answer=answer,
        problem=problem,
        usage=log.usage,
        cut=tuple(log.cut),
        transcript=tuple(log.transcript),
    )
