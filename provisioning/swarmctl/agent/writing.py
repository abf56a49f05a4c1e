"""A specialist's files out of its model: ask, read, guard, and ask once more when something was refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swarmctl.agent.ports import Answer, Harness
from swarmctl.core.messages import UNCHANGED, StepOrder, Usage
from swarmctl.core.paths import Tree, refusal
from swarmctl.core.team.asking import Messages, repair_messages
from swarmctl.core.team.blocks import read_blocks
from swarmctl.core.team.excerpt import Excerpt, splice
from swarmctl.core.team.fileguard import decode, guard

_AGAIN = "Give the complete answer again, with that mended: the path, then the whole file in one fenced block."


@dataclass(slots=True)
class Log:
    """What a piece of work used and went through, even when it ends early."""

    usage: Usage = field(default_factory=Usage)
    cut: list[str] = field(default_factory=list)
    transcript: list[dict[str, Any]] = field(default_factory=list)

    def add(self, answer: Answer) -> str:
        """Take one answer in; returns its text."""
        self.usage += answer.usage
        self.cut += answer.cut
        self.transcript += answer.transcript
        return answer.text


@dataclass(frozen=True, slots=True)
class Given:
    """What a step starts from: its files (bytes, None for a new one) and perhaps an excerpt of one."""

    files: Mapping[str, bytes | None]
    tree: Tree
    excerpt: Excerpt | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """The files to commit, or why there are none; `answer` is the model's last text."""

    files: Mapping[str, bytes]
    answer: str
    problems: tuple[str, ...] = ()


async def write(
    messages: Messages, given: Given, order: StepOrder, *, harness: Harness, most: int, log: Log
) -> Written:
    """Ask for the files (`most` tokens), with one repair. Raises what `Harness.ask` raises."""
    answer = log.add(await harness.ask(messages, max_tokens=most))
    files, problems = judge(answer, given, order, log.cut)
    if not problems:
        return Written(files, answer)
    log.cut.append(f"asked again: {problems[0]}")
    again = repair_messages(messages, answer[: most * 3], problems, _AGAIN)
    answer = log.add(await harness.ask(again, max_tokens=most))
    files, problems = judge(answer, given, order, log.cut)
    return Written({} if problems else files, answer, tuple(problems))


def judge(answer: str, given: Given, order: StepOrder, cut: list[str]) -> tuple[dict[str, bytes], Sequence[str]]:
    """The files of an answer that may be written, and everything that is wrong with it."""
    reading = read_blocks(answer, tuple(given.files))
    cut += reading.notes
    problems = list(reading.problems)
    asked = f"{order.task} {order.step.title} {order.step.accept}"
    found: dict[str, bytes] = {}
    for path, text in reading.files.items():
        old = given.files[path]
        whole = _whole(text, given.excerpt, old)
        if isinstance(whole, list):
            problems += whole
            continue
        result = guard(path, whole, old, asked=asked, whole=given.excerpt is None)
        may_not = refusal(path, allowed=tuple(given.files), tree=given.tree)
        problems += [may_not] if may_not else result.problems
        if result.content is not None and result.content != old:
            found[path] = result.content
    if not found and not problems:
        problems.append(UNCHANGED)
    cut += [
        f"{path} was not given" for path in given.files if given.files[path] is None and path not in found and found
    ]
    return found, problems


def _whole(text: str, excerpt: Excerpt | None, old: bytes | None) -> str | list[str]:
    """The text of the whole file; an excerpt is put back into its place."""
    return text if excerpt is None else splice(decode(old or b"") or "", excerpt, text)
