"""The house keeps its rules: small files, one sentence on top, no clock in the core."""

import ast
import re
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "provisioning" / "swarmctl"
FILES = sorted(p for p in PACKAGE.rglob("*.py"))
TOP = {
    "pyproject.toml", "constraints.txt", "Makefile", "README.md",
    "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
    "docs", "provisioning", "compose", "modelfiles", "playbooks", "tests", "inventory",
}  # fmt: skip


def test_the_top_level_is_what_the_map_says() -> None:
    tracked = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in tracked.splitlines()}
    assert {name for name in top if not name.startswith(".")} <= TOP


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_says_what_it_is_for_and_stays_small(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(text))
    assert doc, "no docstring"
    first = doc.split("\n\n")[0].replace("\n", " ")
    assert first.endswith("."), f"the first paragraph is one sentence: {first}"
    if text.count("\n") > 300:
        assert "300 lines" in doc, "longer than 300 lines without a reason"


def test_the_median_file_is_under_a_hundred_lines() -> None:
    lengths = [p.read_text(encoding="utf-8").count("\n") for p in FILES if p.name != "__init__.py"]
    assert statistics.median(lengths) < 100


def test_the_core_reads_no_clock_and_no_files() -> None:
    for file in (PACKAGE / "core").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\b(datetime\.now|time\.time|\.read_text|\.open\(|open\()", text), file


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|NotImplemented" + r"Error)\b")
    found = [p for p in FILES if words.search(p.read_text(encoding="utf-8"))]
    assert found == []
