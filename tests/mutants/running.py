"""The mutants within functions, met in pytest's own loop: tests are collected once, a mutant is a fork with other code.

Each meets those tests alone that call the function it is in, the fastest first.
"""

import ast
import gc
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

from mutants.forks import GREEN, RED, UNFIT, forked
from mutants.mutations import Share, first_line, mutated, sites, tried

Tell = Callable[[dict[str, Any]], None]
Called = dict[int, tuple[set[int], float]]


class Loop:
    """Takes pytest's loop over once everything is collected. module: of the file, "" where it is none."""

    def __init__(self, file: str, module: str, share: Share, tell: Tell) -> None:
        self.file, self.module, self.share, self.tell = file, module, share, tell
        self.text = Path(file).read_text(encoding="utf-8")
        self.outer = _outermost(self.text)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """The tests as they are, then with each mutant within a function."""
        if self.module:
            import_module(self.module)
        functions = [f for f in gc.get_objects() if type(f) is FunctionType and f.__code__.co_filename == self.file]
        called = {} if session.testsfailed or not functions else self._called(session)
        if not called:
            self.tell({"broken": "the tests are not green without a mutant, or do not import the file"})
            return True
        for number, site in tried(self.text, self.share):
            if site.function:
                self._meet(session, functions, number, called)
        return True

    def _meet(self, session: pytest.Session, functions: list[FunctionType], number: int, called: Called) -> None:
        function = sites(ast.parse(self.text))[number].function
        chosen = sorted((n for n in called if function in called[n][0]), key=lambda n: called[n][1])
        items = [session.items[n] for n in chosen]

        def work() -> int:
            return run(session, items) if self._put(functions, number) else UNFIT

        code = forked(work, sum(called[n][1] for n in chosen)) if items else GREEN
        if code != UNFIT:
            self.tell({"number": number, "killed": code != GREEN})

    def _put(self, functions: list[FunctionType], number: int) -> bool:
        new = _codes(compile(mutated(self.text, number), self.file, "exec"))
        try:
            for function in functions:
                code = function.__code__
                function.__code__ = new.get((code.co_qualname, code.co_firstlineno), code)
        except ValueError:  # it closes over other names
            return False
        return True

    def _called(self, session: pytest.Session) -> Called:
        """Test → the functions that it calls, by the line of the outermost, and its seconds; none where one fails."""
        with tempfile.NamedTemporaryFile("r", prefix="swarmctl-") as file:

            def work() -> int:
                seen = Seen(self.file, self.outer)
                code = run(session, session.items, seen)
                Path(file.name).write_text(json.dumps([[*one] for one in seen.tests]), encoding="utf-8")
                return code

            if forked(work, 600) != GREEN:
                return {}
            return {n: (set(lines), took) for n, (lines, took) in enumerate(json.load(file))}


class Seen:
    """Which functions of a file the tests call, one after the other."""

    def __init__(self, file: str, outer: dict[int, int]) -> None:
        self.file, self.outer, self.tests = file, outer, list[tuple[list[int], float]]()
        self._lines, self._began = set[int](), 0.0

    def __enter__(self) -> None:
        self._lines, self._began = set(), time.perf_counter()
        threading.settrace(self._trace)
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type] # as the library has it
        self.tests.append((sorted(self._lines), time.perf_counter() - self._began))

    def _trace(self, frame: FrameType, _event: str, _arg: object) -> None:
        if frame.f_code.co_filename == self.file:
            self._lines.add(self.outer.get(frame.f_code.co_firstlineno, 0))


def run(session: pytest.Session, items: list[pytest.Item], seen: Seen | None = None) -> int:
    """GREEN, or RED at the first test that fails."""
    for item, after in zip(items, [*items[1:], None], strict=True):
        if seen:
            with seen:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        else:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            return RED
    return GREEN


def _codes(code: CodeType) -> dict[tuple[str, int], CodeType]:
    found = {(code.co_qualname, code.co_firstlineno): code}
    for one in code.co_consts:
        if isinstance(one, CodeType):
            found |= _codes(one)
    return found


def _outermost(text: str) -> dict[int, int]:
    """Line → the line at which the outermost function begins that it is in."""
    found: dict[int, int] = {}
    for node in ast.walk(ast.parse(text)):  # the outer ones come first
        if isinstance(node, ast.FunctionDef):
            first = first_line(node)
            for line in range(first, (node.end_lineno or first) + 1):
                found.setdefault(line, first)
    return found
