"""Labels on processes: whose a process is, read from its command line, its title or its environment."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from swarmctl.core.program import Program
from swarmctl.core.stack import LABEL

VARIABLE = "SWARMCTL_LABELS"
SWARM, SERVICE, HASH = f"{LABEL}swarm", f"{LABEL}service", f"{LABEL}config-hash"
HOME = f"{LABEL}home"
"""Which state folder a process belongs to, so that two folders may have swarms of one name."""
SUPERVISOR = "supervisor"
_PART = f"{LABEL}part"
_WORD = re.compile(r"(swarmctl\.[a-z-]+)=([A-Za-z0-9._/-]*)")


@dataclass(frozen=True, slots=True)
class Carried:
    """Labels of one process. helper: a process that one of our programs started, not the program itself."""

    labels: dict[str, str]
    helper: bool = False
    by_title: bool = True
    """On the command line or the title; otherwise in the environment, which children inherit."""


def words(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Labels as words of a command line."""
    return tuple(f"{key}={value}" for key, value in labels.items())


def title(program: Program) -> str:
    """The process title of a forked program."""
    return " ".join((program.name, *words(program.labels)))


def supervisor_labels(swarm: str, home: str = "") -> dict[str, str]:
    """The labels of a swarm's supervisor."""
    return {SWARM: swarm, SERVICE: SUPERVISOR, **({HOME: home} if home else {})}


def home_of(state: str) -> str:
    """The label of a swarm's own state folder: eight digits that its path alone decides."""
    return hashlib.sha256(state.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def belongs(labels: Mapping[str, str], swarm: str | None, home: str = "") -> bool:
    """A process with these labels is of this swarm (None: of any) and this state folder (empty: of any)."""
    return swarm in {None, labels.get(SWARM)} and (not home or labels.get(HOME, home) == home)


def inherited(program: Program) -> str:
    """The value of SWARMCTL_LABELS in a program's environment.

    A program whose own command line or title shows its labels hands its children a mark that says they
    are only its helpers; any other program has nothing but this variable.
    """
    shown = program.how == "fork" or (
        program.label_argv and carried((*program.argv, *words(program.labels)), {}) is not None
    )
    return " ".join(words({**program.labels, _PART: "helper"} if shown else program.labels))


def carried(command: Sequence[str], environment: Mapping[str, str]) -> Carried | None:
    """The labels of a process with this command line and environment; None for a process not ours.

    A command line counts only when it has our shape: the labels are its last words, swarm and service
    among them, after `-m swarmctl.<module>` or after the service's own name alone (a title). A grep, an
    editor or a shell that merely holds the text has another shape.
    """
    line = list(command)
    while line and not line[-1]:  # a title is followed by the room that it does not fill
        line.pop()
    if len(line) == 1:
        line = line[0].split(" ")
    found: dict[str, str] = {}
    while line and (match := _WORD.fullmatch(line[-1])):
        found = {match.group(1): match.group(2), **found}
        line.pop()
    if _complete(found) and (line == [found[SERVICE]] or _our_module(line)):
        return Carried(found)
    matches = (_WORD.fullmatch(word) for word in environment.get(VARIABLE, "").split())
    found = {match.group(1): match.group(2) for match in matches if match}
    if not _complete(found):
        return None
    helper = found.pop(_PART, "") == "helper"
    return Carried(found, helper, by_title=False)


def _complete(labels: Mapping[str, str]) -> bool:
    return bool(labels.get(SWARM)) and bool(labels.get(SERVICE))


def _our_module(line: Sequence[str]) -> bool:
    """`python … -m swarmctl.<module> …`: the module stands right after the interpreter's own flags."""
    for flag, module in pairwise(line[1:]):
        if flag == "-m":
            return module.startswith("swarmctl.")
        if not flag.startswith("-"):
            return False
    return False
