"""Rotation of scenarios by commit, and a last word on all that was left out."""

import hashlib
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUDGET = 480
"""Seconds of scenarios in one `make test`; the others have their turn with another commit."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rotate", action="store_true", help="run scenarios up to the budget, chosen by commit")
    parser.addoption("--budget", type=float, default=BUDGET, help="seconds of scenarios that --rotate runs")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell began it in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[_rotated] = []
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(_FromWorkers())


_rotated = pytest.StashKey[list[str]]()


def _seconds(item: pytest.Item) -> float:
    marker = item.get_closest_marker("scenario")
    return float(marker.kwargs.get("seconds", 20)) if marker else 0.0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unasked = [mark for mark in ("torture", "ground") if not _asked(config, mark)]
    chosen = [item for item in items if not any(item.get_closest_marker(mark) for mark in unasked)]
    stories = [item for item in chosen if item.get_closest_marker("scenario")]
    for item in stories:
        item.add_marker(pytest.mark.xdist_group("scenarios"))
    out: list[pytest.Item] = []
    if config.getoption("--rotate"):
        out = _over_budget(stories, config.getoption("--budget"))
        config.stash[_rotated] = [item.nodeid for item in out]
        if hasattr(config, "workeroutput"):
            config.workeroutput["rotated"] = config.stash[_rotated]
    items[:] = [item for item in chosen if item not in out]


class _FromWorkers:
    """Where tests run in worker processes, only those know what rotated out."""

    def pytest_testnodedown(self, node: Any) -> None:
        """A worker is done: take over what it left out."""
        known = node.config.stash[_rotated]
        known.extend(name for name in node.workeroutput.get("rotated", []) if name not in known)


def _asked(config: pytest.Config, mark: str) -> bool:
    return mark in (config.getoption("-m") or "").replace(f"not {mark}", "")


def _over_budget(stories: list[pytest.Item], budget: float) -> list[pytest.Item]:
    """Scenarios beyond the budget, in an order that the commit decides; `always` ones stay."""
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout

    def always(item: pytest.Item) -> bool:
        return bool(item.get_closest_marker("scenario").kwargs.get("always"))  # type: ignore[union-attr]

    def turn(item: pytest.Item) -> tuple[bool, str]:
        return (not always(item), hashlib.sha256(f"{head}{item.nodeid}".encode()).hexdigest())

    spent, out = 0.0, []
    for item in sorted(stories, key=turn):
        if spent + _seconds(item) > budget and not always(item):
            out.append(item)
        else:
            spent += _seconds(item)
    return out


def _reason(report: Any) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rotated = config.stash[_rotated]
    skipped = terminalreporter.stats.get("skipped", [])
    if rotated or skipped:
        terminalreporter.section("left out")
    for reason, count in Counter(_reason(report) for report in skipped).items():
        terminalreporter.write_line(f"{count} {'test' if count == 1 else 'tests'}: {reason}")
    for name in rotated:
        terminalreporter.write_line(f"{name}: rotated out by this commit; `make scenarios` runs it")
