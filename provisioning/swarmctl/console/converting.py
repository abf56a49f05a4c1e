"""Conversions as people read them: the plan, each step with its rate, and what came of it."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from swarmctl.commands.convert import Decided, Report
from swarmctl.console import Console
from swarmctl.core.converting.graph import Group, Node
from swarmctl.core.converting.upcoming import Fold
from swarmctl.core.units import as_duration, as_size
from swarmctl.effects.converting.results import Result
from swarmctl.effects.converting.run import Began, Ended, Far

if TYPE_CHECKING:
    from swarmctl.commands.carry import Proof

_MB = 1_000_000
_MIB = 1 << 20
_EVERY = 10.0
"""Seconds between two lines of one step where nobody watches."""


def show_plan(console: Console, decided: Decided, folds: Sequence[Fold] = ()) -> None:
    """Steps with what they write, when, and the most that lies on the disk at once. folds: what is done before."""
    if console.as_json:
        console.json({**plan_json(decided), **({"folds": [asdict(fold) for fold in folds]} if folds else {})})
        return
    for fold in folds:
        console.data(f"first {fold.text}, about {as_duration(fold.seconds)}")
    for result in decided.held.values():
        console.data(f"{result.name} {result.quant}: there already ({result.bytes / _MB:.0f} MB)")
    if decided.is_empty:
        console.data("nothing to convert")
        return
    names = _names(decided)
    rows = [
        [names[one.node.group], _text(one.node), f"{one.node.bytes / _MB:.0f} MB" if one.node.bytes else "",
         as_duration(one.begin), as_duration(one.end), as_size(one.node.memory)]
        for one in decided.schedule.steps
    ]  # fmt: skip
    console.data(console.table(["model", "step", "writes", "from", "to", "memory"], rows))
    peak, may = decided.schedule.peak / _MIB, (decided.budget.disk or 0) / _MIB
    console.data(f"\nabout {as_duration(decided.schedule.seconds)}, at most {as_size(peak)} of disk at once "
                 f"({as_size(may)} may be used), by {decided.tools.name}")  # fmt: skip
    if not decided.tools.version:
        console.data("the converter's image is not here: it is built first, which takes some minutes and a network")


def plan_json(decided: Decided) -> dict[str, Any]:
    """The plan as JSON values; bytes, seconds, MiB."""
    names = _names(decided)
    return {
        "schema": "swarmctl/conversion-plan/v1",
        "held": [_result(one) for one in decided.held.values()],
        "steps": [
            {"model": names[one.node.group], "step": one.node.step, "label": one.node.label, "bytes": one.node.bytes,
             "memory": one.node.memory, "threads": one.node.threads, "begin": round(one.begin, 1),
             "end": round(one.end, 1), "key": one.node.key}
            for one in decided.schedule.steps
        ],
        "seconds": round(decided.schedule.seconds, 1), "peak": decided.schedule.peak, "disk": decided.budget.disk,
        "memory": decided.budget.memory, "tools": decided.tools.name, "version": decided.tools.version,
    }  # fmt: skip


class Steps:
    """Follows a walk: a line a step on stderr, or an event a line of JSON on stdout."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[str, float] = {}
        self._far: dict[str, str] = {}

    def __call__(self, event: Began | Far | Ended) -> None:
        """Draw one event."""
        if self._console.as_json:
            self._event(event)
        elif isinstance(event, Ended):
            self._far.pop(event.node.key, None)
            self._console.redraw("")
            mark = self._console.style("failed", "red", to_stderr=True) if event.problem else ""
            took = self._console.style(f"{event.seconds:.1f} s", "dim", to_stderr=True)
            self._console.say("  ".join(filter(None, [_title(event.group, event.node), took, mark, event.problem])))
        elif isinstance(event, Far):
            self._progress(event)

    def _progress(self, event: Far) -> None:
        line = f"{_title(event.group, event.node)}: {far(event.done, event.node.bytes, event.seconds)}"
        self._far[event.node.key] = line
        now = time.monotonic()
        if self._console.lively:
            self._console.redraw(" | ".join(self._far.values())[:150])
        elif event.done and now - self._said.get(event.node.key, now - event.seconds) >= _EVERY:
            self._said[event.node.key] = now
            self._console.say(line)

    def _event(self, event: Began | Far | Ended) -> None:
        now = time.monotonic()
        if isinstance(event, Far):
            if now - self._said.get(event.node.key, 0.0) < 1.0:
                return
            self._said[event.node.key] = now
        word = {Began: "begin", Far: "progress", Ended: "end"}[type(event)]
        said: dict[str, Any] = {
            "event": word, "model": event.group.source.asked.name, "step": event.node.step, "label": event.node.label
        }  # fmt: skip
        if isinstance(event, Far):
            rate = event.done / max(event.seconds, 0.001)
            left = max(0, event.node.bytes - event.done) / rate if rate and event.node.bytes else None
            said |= {"done": event.done, "total": event.node.bytes, "seconds": round(event.seconds, 1),
                     "rate": round(rate), "left": None if left is None else round(left, 1)}  # fmt: skip
        if isinstance(event, Ended):
            said |= {"seconds": round(event.seconds, 2), "problem": event.problem, "memory": event.peak}
        self._console.data(json.dumps(said))


def show_results(console: Console, report: Report) -> None:
    """The closing table: sizes, bits per weight, distance from the original, time."""
    if console.as_json:
        found = {"schema": "swarmctl/conversion-results/v1", "results": [_result(r) for r in report.results],
                 "seconds": round(report.seconds, 1), "peak": report.peak,
                 "failures": [error.message for error in report.failures]}  # fmt: skip
        console.data(json.dumps(found))
        return
    if not report.results:
        return
    console.data(_table(console, report))
    if report.peak:
        console.say(_took(report))


def closing(console: Console, report: Report) -> None:
    """The same table on the side, where conversions are a part of something else and any was made."""
    if report.peak and report.results and not console.as_json:
        console.say(f"{_table(console, report)}\n{_took(report)}")


def _table(console: Console, report: Report) -> str:
    head = ["model", "quant", "MB", "bits/weight", "KL", "proved", "seconds", "sha256"]
    return console.table(head, [_row(one) for one in report.results])


def _took(report: Report) -> str:
    return f"{as_duration(report.seconds)}, at most {as_size(report.peak / _MIB)} of disk at once"


def show_proofs(console: Console, proofs: Sequence["Proof"]) -> None:
    """What each model is, how it was made, and its certificate line by line."""
    if console.as_json:
        rows = [
            {"key": one.model.key, "sha256": one.model.sha256, "made": _result(one.made) if one.made else None,
             "certificate": one.certificate.model_dump(mode="json") if one.certificate else None}
            for one in proofs
        ]  # fmt: skip
        console.json({"schema": "swarmctl/model-proofs/v1", "models": rows})
        return
    for one in proofs:
        console.data(console.style(one.model.key, "bold"))
        console.data(f"  sha256      {one.model.sha256}")
        lines = one.certificate.lines() if one.certificate else ("no certificate: there were no original weights",)
        console.data("\n".join(f"  {line}" for line in lines))


def far(done: int, total: int, seconds: float) -> str:
    """How far something has come: `120 MB of 400 MB (30 %), 60 MB/s, 5s left`."""
    if done < _MB:
        return as_duration(seconds)
    rate = done / max(seconds, 0.001)
    text = f"{done / _MB:.0f} MB"
    if total:
        share = min(100, 100 * done // total)
        text += f" of {total / _MB:.0f} MB ({share} %), {as_duration(max(0, total - done) / rate)} left"
    return f"{text}, {rate / _MB:.0f} MB/s"


def _row(one: Result) -> Sequence[Any]:
    return [
        one.name, one.quant, round(one.bytes / _MB), round(one.bits, 2),
        "" if one.divergence is None else f"{one.divergence:.2g}", "yes" if one.certified else "",
        round(one.seconds, 1), one.sha256[:12],
    ]  # fmt: skip


def _result(one: Result) -> dict[str, Any]:
    return {
        "key": one.key, "model": one.name, "quant": one.quant, "sha256": one.sha256, "bytes": one.bytes,
        "bits": round(one.bits, 3), "kl": one.divergence, "certified": one.certified, "store": one.held,
        "seconds": round(one.seconds, 2),
    }  # fmt: skip


def _title(group: Group, node: Node) -> str:
    return f"{group.source.asked.name}  {_text(node)}"


def _text(node: Node) -> str:
    words = {"convert": "convert to", "matrix": "measure importance", "quantise": "quantise to", "certify": "prove",
             "register": "keep"}  # fmt: skip
    return f"{words.get(node.step, node.step)} {node.label}".strip()


def _names(decided: Decided) -> Mapping[str, str]:
    return {group.key: group.source.asked.name for group in decided.graph.groups}
