"""All mutants of one file: a line of JSON on stdout for each. No file is written to: mutants live in memory.

What cannot take the place of a function's code is there from the first import on, in a pytest of its own.
"""

import ast
import json
import os
import sys
import tempfile
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "provisioning"))

import hypothesis
import psutil
import pydantic
import pytest
import requests
import yaml

from mutants.forks import GREEN, RED, forked
from mutants.mutations import Share, mutated, tried
from mutants.running import Loop

__all__ = ["hypothesis", "psutil", "pydantic", "requests", "yaml"]
"""What tests import is here before the first fork."""

TESTS = Path(__file__).resolve().parents[1]
ASKED = (
    "-q", "-p", "no:cacheprovider", "-p", "pytest_socket", "-p", "_hypothesis_pytestplugin",
    "-m", "not scenario and not torture and not ground", "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip


def whole(file: str, number: int | None, tests: tuple[str, ...], base: Path) -> int:
    """Every test, with a mutant that is there from the first import on; None: with none."""
    text = Path(file).read_text(encoding="utf-8")
    tree = ast.parse(text) if number is None else mutated(text, number)
    code, usual = compile(tree, file, "exec"), SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> CodeType | None:
        return code if str(Path(self.path).resolve()) == file else usual(self, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]
    return GREEN if pytest.main([*ASKED, "-x", f"--basetemp={base}", *tests]) == 0 else RED


def within(file: str, share: Share, tests: tuple[str, ...], folder: Path) -> list[dict[str, Any]]:
    """Mutants within functions."""
    out, ours = folder / "rows", TESTS.parent / "provisioning"
    inside = file.endswith(".py") and Path(file).is_relative_to(ours)
    module = ".".join(Path(file).relative_to(ours).with_suffix("").parts) if inside else ""

    def tell(row: dict[str, Any]) -> None:
        with out.open("a", encoding="utf-8") as rows:
            rows.write(json.dumps(row) + "\n")

    def work() -> int:
        return int(
            pytest.main([*ASKED, f"--basetemp={folder}/tests", *tests], plugins=[Loop(file, module, share, tell)])
        )

    forked(work, 7200)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] if out.exists() else []


def main(file: str, part: str, *tests: str) -> None:
    """Tells {number, killed, line, what} of each, or {broken}. part: K/N, which share of the file's mutants."""
    share: Share = (int(part.partition("/")[0]), int(part.partition("/")[2]))
    sys.dont_write_bytecode = True
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # looking for plugins costs a quarter of a short run
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent / "provisioning"), os.environ.get("PYTHONPATH", "")])
    quick = {"phases": [hypothesis.Phase.explicit, hypothesis.Phase.generate], "max_examples": 50}
    hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None, **quick)
    hypothesis.settings.load_profile("mutants")
    text = Path(file).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="swarmctl-mutants-") as folder:
        rows = within(file, share, tests, Path(folder))
        if not rows or "broken" in rows[0]:
            print(json.dumps(rows[0] if rows else {"broken": "the tests cannot be collected"}))
            return
        killed = {row["number"]: row["killed"] for row in rows}
        began = time.monotonic()
        if forked(lambda: whole(file, None, tests, Path(folder) / "tests"), 600) != GREEN:
            print(json.dumps({"broken": "the tests are not green in a pytest of their own"}))
            return
        usual = time.monotonic() - began
        for number, site in tried(text, share):
            if number not in killed:
                code = forked(lambda n=number: whole(file, n, tests, Path(folder) / "tests"), usual)
                killed[number] = code != GREEN
            print(json.dumps({"number": number, "killed": killed[number], "line": site.line, "what": site.what}))


if __name__ == "__main__":
    main(*sys.argv[1:])
