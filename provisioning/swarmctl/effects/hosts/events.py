"""What Ansible's events say: the task at work, what failed where, and what a host told of itself."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from swarmctl.effects.clock import Clock

Say = Callable[[str], None]
_QUIET = frozenset((
    "assert", "debug", "fail", "include_role", "include_tasks", "include_vars", "meta", "set_fact", "tempfile",
    "validate_argument_spec",
))  # fmt: skip
"""Tasks that do nothing on a host: nobody waits for them."""
_LONGEST = 4000
_AT_ONCE = 1.0
"""Seconds after which a task is said while it is at work; what is done sooner is said only if it changed something."""
_PREFIX = re.compile(r"^(Task failed: |Action failed: |Failed to connect to the host via ssh: )+")


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that failed, or a host that could not be reached; said: the end of what it printed."""

    host: str
    role: str
    task: str
    message: str
    said: str = ""
    unreachable: bool = False

    @property
    def where(self) -> str:
        """`slot-0: docker: Install`."""
        return ": ".join(filter(None, (self.host, self.role, self.task)))


@dataclass(slots=True)
class Heard:
    """Everything that one run has said until now. facts: by host, what its tasks have set under our own prefix.

    entered: is told the name of each role when its first task begins.
    """

    say: Say
    clock: Clock
    entered: Say = lambda _: None
    prefixes: tuple[str, ...] = ("swarmctl_", "stack_hashes")
    failures: list[Failure] = field(default_factory=list)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    tasks: int = 0
    _at_work: tuple[str, float] | None = None
    _role: str = ""

    def hear(self, event: Mapping[str, Any]) -> bool:
        """Take one event in; False, since none is to be written down: results may hold what nobody should read."""
        data = event.get("event_data")
        handler = _HANDLERS.get(str(event.get("event")))
        if handler is not None and isinstance(data, Mapping):
            handler(self, data)
        return False

    def tick(self) -> None:
        """Say what is at work, once it has taken a moment."""
        if (task := self._at_work) and self.clock.monotonic() - task[1] >= _AT_ONCE:
            self._at_work = None
            self.say(task[0])

    def _started(self, data: Mapping[str, Any]) -> None:
        self.tasks += 1
        if (role := _text(data, "role")) and role != self._role:
            self._role = role
            self.entered(role)
        self._at_work = None if _action(data) in _QUIET else (_named(data), self.clock.monotonic())

    def _ok(self, data: Mapping[str, Any]) -> None:
        result = data.get("res")
        changed = isinstance(result, Mapping) and result.get("changed") is True
        if changed and (task := self._at_work):
            self._at_work = None
            self.say(task[0])
        facts = result.get("ansible_facts") if isinstance(result, Mapping) else None
        if _action(data) == "set_fact" and isinstance(facts, Mapping):
            ours = {name: value for name, value in facts.items() if str(name).startswith(self.prefixes)}
            self.facts.setdefault(_text(data, "host"), {}).update(ours)

    def _failed(self, data: Mapping[str, Any]) -> None:
        if data.get("ignore_errors") is not True:
            self.failures.append(_failure(data))

    def _unreachable(self, data: Mapping[str, Any]) -> None:
        self.failures.append(_failure(data, unreachable=True))

    def _stats(self, data: Mapping[str, Any]) -> None:
        self._at_work = None
        processed, changed = data.get("processed"), data.get("changed")
        counts = changed if isinstance(changed, Mapping) else {}
        for host in processed if isinstance(processed, Mapping) else {}:
            self.changed[str(host)] = int(counts.get(host, 0))


_HANDLERS: dict[str, Callable[[Heard, Mapping[str, Any]], None]] = {
    "playbook_on_task_start": Heard._started,
    "playbook_on_handler_task_start": Heard._started,
    "runner_on_ok": Heard._ok,
    "runner_on_failed": Heard._failed,
    "runner_on_unreachable": Heard._unreachable,
    "playbook_on_stats": Heard._stats,
}


def _failure(data: Mapping[str, Any], *, unreachable: bool = False) -> Failure:
    result = data.get("res")
    found = _items(result) if isinstance(result, Mapping) else {}
    message = str(found.get("msg") or found.get("module_stderr") or found.get("stderr") or "no reason is given")
    printed = [str(found[name]) for name in ("stdout", "stderr", "module_stdout", "module_stderr") if found.get(name)]
    said = "\n".join(text.strip() for text in printed if text.strip() != message.strip())
    short = _PREFIX.sub("", message.strip())[:_LONGEST]
    host, role, task = (_text(data, name) for name in ("host", "role", "task"))
    return Failure(host, role, task, short, said[-_LONGEST:], unreachable)


def _items(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a loop, what its first failed item says; a loop itself says only that one did."""
    items = result.get("results")
    failed = [one for one in items if isinstance(one, Mapping) and one.get("failed")] if isinstance(items, list) else []
    return failed[0] if failed else result


def _named(data: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, (_text(data, "role"), _text(data, "task"))))


def _action(data: Mapping[str, Any]) -> str:
    return _text(data, "task_action").rpartition(".")[2]


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""
