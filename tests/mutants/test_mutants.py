"""The runner of mutants: what it changes, what it leaves alone, and that it tells who notices from who does not."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mutants.__main__ import Score, share
from mutants.mutations import carried, mutated, sites, tried
from mutants.targets import BOUND, ROOT, TARGETS

ONE = Path(__file__).with_name("one.py")


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("a = b < c", ["a = b <= c"]),
        ("a = b == c != d", ["a = b != c != d", "a = b == c == d"]),
        ("a = b and c", ["a = b or c"]),
        ("a = not b", ["a = b"]),
        ("a = b + c", ["a = b - c"]),
        ("a = -b", ["a = b"]),
        ("a = -1", ["a = 0"]),
        ("a = 8 * 3600", ["a = 28801"]),
        ("a = 10 ** 9", ["a = 1000000001"]),
        ("a = True", ["a = False"]),
        ("a = 'key'", ["a = 'key~x'"]),
        ("a = min(b)", ["a = max(b)"]),
        ("a = [b for b in c if b]", ["a = [b for b in c]"]),
        ("a.b = c", ["pass"]),
        ("a(b)", ["pass"]),
        ("a += b", ["a -= b", "pass"]),
        ("raise a", ["pass"]),
        ("a = b if c else d", ["a = b if True else d", "a = b if False else d"]),
        ("while a:\n    break", ["while False:\n    break", "while a:\n    continue"]),
        ("def f():\n    return a", ["def f():\n    return"]),
        ("def f():\n    return False", ["def f():\n    return True"]),
        ("def f(a=1):\n    return", ["def f(a=2):\n    return", "def f(a=1):\n    pass"]),
    ],
)
def test_every_small_change_is_one_mutant(text: str, changed: list[str]) -> None:
    assert [ast.unparse(mutated(text, number)) for number in range(len(sites(ast.parse(text))))] == changed


@pytest.mark.parametrize(
    "text",
    [
        "'''What it is.'''", "a: 'int | None'", "def f(a: 'b') -> 'c':\n    '''Told.'''",
        "@f('a', 1)\nclass A:\n    b: int",
        "a = 'what people read'", "a = f'b {c:.2f} d'", "a = 'what ' + c", "a = int | None",
        "if TYPE_CHECKING:\n    from a import b",
    ],
)  # fmt: skip
def test_what_is_no_behaviour_is_left_alone(text: str) -> None:
    assert [site.what for site in sites(ast.parse(text))] == []


def test_what_an_error_says_is_prose_and_whether_it_is_raised_is_not() -> None:
    assert [site.what for site in sites(ast.parse("raise A('x', 5, detail=b[:300])"))] == ["left out"]


def test_a_mutant_belongs_to_the_outermost_function_that_it_is_in_the_body_of() -> None:
    text = "a = 1\nclass B:\n    @property\n    def c(self, d=2):\n        def e(f=3):\n            return 4\n"
    text += "        return e"
    assert [(site.line, site.function) for site in sites(ast.parse(text))] == [
        (1, 0), (4, 0), (5, 3), (6, 3), (6, 3), (7, 3),
    ]  # fmt: skip


def test_what_is_carried_word_for_word_is_tried_where_it_is_from() -> None:
    text = "a = 1\n# --- core/b.py\nc = 2\n# ---\nd = 3\n"
    assert carried(text) == {3}
    assert [(number, site.line) for number, site in tried(text)] == [(0, 1), (2, 5)]
    assert [number for number, _ in tried(text, (1, 2))] == [2], "shares of a file leave nothing out"


def test_every_file_and_every_test_is_there() -> None:
    for target in TARGETS:
        for name in (target.file, *(f"tests/{test}" for test in target.tests)):
            assert (ROOT / name).is_file(), name
    assert len({target.file for target in TARGETS}) == len(TARGETS)


@pytest.mark.parametrize(("lived", "good", "said"), [(10, True, " 90.0 %"), (11, False, " 89.0 %")])
def test_the_bound_is_kept_by_every_file(lived: int, good: bool, said: str) -> None:
    score = Score(TARGETS[0], 100, ("x",) * lived)
    assert (score.good, share(score.killed, score.tried)) == (good, said)
    assert BOUND == 90
    assert not Score(TARGETS[0], broken="red").good


PROGRAM = '''
LEAST = 3


def least(a):
    """The greater one."""
    def other(b):
        return b < LEAST
    return LEAST if other(a) else a
'''
STRONG = """
import pytest
from program import least

@pytest.mark.parametrize(("a", "b"), [(1, 3), (3, 3), (5, 5), (4, 4)])
def test_it(a, b):
    assert least(a) == b

def test_nothing():
    pass
"""
WEAK = "from program import least\n\ndef test_it():\n    assert least(5)\n"
HANGS = "from program import least\n\ndef test_it():\n    while least(1) != 3:\n        pass\n"


def tell(folder: Path, tests: str) -> list[dict[str, object]]:
    (folder / "program.py").write_text(PROGRAM)
    (folder / "test_it.py").write_text(tests)
    argv = [sys.executable, str(ONE), str(folder / "program.py"), "0/1", str(folder / "test_it.py")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=folder)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_a_mutant_that_changes_nothing_lives_and_all_others_are_noticed(tmp_path: Path) -> None:
    """`b <= LEAST` gives the same."""
    rows = tell(tmp_path, STRONG)
    assert {row["what"]: row["killed"] for row in rows} == {
        "3 → 4": True, "return nothing": True, "Lt → LtE": False, "if True": True, "if False": True,
    }  # fmt: skip
    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4, 5]


@pytest.mark.slow
def test_what_no_test_looks_at_lives(tmp_path: Path) -> None:
    lived = {row["what"] for row in tell(tmp_path, WEAK) if not row["killed"]}
    assert {"Lt → LtE", "3 → 4", "if False"} <= lived


@pytest.mark.slow
@pytest.mark.parametrize("tests", ["def test_it():\n    assert False\n", "import nothing_of_that_name\n", "x = 1\n"])
def test_tests_that_are_red_or_none_tell_nothing(tmp_path: Path, tests: str) -> None:
    (row,) = tell(tmp_path, tests)
    assert "broken" in row
