"""What a new configuration means for programs that already run."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from swarmctl.core.labels import HASH, SERVICE, SUPERVISOR, SWARM
from swarmctl.core.program import Program, SupervisorConfig

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of programs by what happens to them, each in order."""

    started: tuple[str, ...]
    restarted: tuple[str, ...]
    stopped: tuple[str, ...]
    kept: tuple[str, ...]


def changes(running: Mapping[str, str], wanted: tuple[Program, ...]) -> Changes:
    """What to do: `running` has the config hash of each program that is there, by name."""
    names = {program.name for program in wanted}
    return Changes(
        started=tuple(p.name for p in wanted if p.name not in running),
        restarted=tuple(p.name for p in wanted if running.get(p.name, p.hash) != p.hash),
        stopped=tuple(name for name in reversed(list(running)) if name not in names),
        kept=tuple(p.name for p in wanted if running.get(p.name) == p.hash),
    )


def problems(config: SupervisorConfig) -> list[str]:
    """Why a configuration cannot be run; empty when it can."""
    count = Counter(program.name for program in config.programs)
    twice = [f"{name} is named {n} times" for name, n in count.items() if n > 1]
    return twice + [f"{p.name!r}: {why}" for p in config.programs for why in _program(p, config.swarm)]


def _program(program: Program, swarm: str) -> list[str]:
    found = []
    if not _NAME.fullmatch(program.name) or program.name == SUPERVISOR:
        found.append("this name cannot be a log file's")
    if program.labels.get(SWARM) != swarm or program.labels.get(SERVICE) != program.name:
        found.append(f"its labels do not say {SWARM}={swarm} {SERVICE}={program.name}")
    if program.labels.get(HASH) != program.hash:
        found.append(f"its label {HASH} is not its hash, {program.hash}")
    if program.how == "fork" and not _ENTRY.fullmatch(program.entry):
        found.append(f"a fork needs an entry package.module:function, not {program.entry!r}")
    if program.how == "exec" and not program.argv:
        found.append("there is nothing to run: argv is empty")
    if program.how not in {"exec", "fork"}:
        found.append(f"how is exec or fork, not {program.how!r}")
    return found
