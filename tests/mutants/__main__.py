"""Breaks ledger, lease and guard in every small way to see whether their tests notice: python tests/mutants [FILE…]."""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fakes.figures import keep
from mutants.mutations import tried
from mutants.targets import BOUND, ROOT, TARGETS, Target

ONE = Path(__file__).with_name("one.py")
SHARE = 200
"""Mutants that one process tries, about."""


@dataclass(frozen=True, slots=True)
class Score:
    """lived: "line: what was changed" of each mutant that no test noticed. broken: why nothing was tried."""

    target: Target
    tried: int = 0
    lived: tuple[str, ...] = ()
    broken: str = ""

    @property
    def killed(self) -> int:
        """Mutants that a test noticed."""
        return self.tried - len(self.lived)

    @property
    def good(self) -> bool:
        """Enough of them, and the tests could be trusted."""
        return not self.broken and 100 * self.killed >= BOUND * self.tried

    def text(self, *, each: bool) -> str:
        """One line, and what lived where that is asked for or too much."""
        if self.broken:
            return f"       {self.target.file}: {self.broken}"
        head = f"{share(self.killed, self.tried)}  {self.killed}/{self.tried}  {self.target.file}"
        return "\n".join([head, *(self.lived if each or not self.good else ())])


def share(killed: int, tried: int) -> str:
    """Per cent, never rounded up."""
    return f"{int(1000 * killed / tried) / 10 if tried else 100:5.1f} %"


def parts(target: Target) -> list[str]:
    """The shares in which a file's mutants are tried, as K/N."""
    count = len(tried((ROOT / target.file).read_text(encoding="utf-8")))
    many = 1 + count // SHARE
    return [f"{n}/{many}" for n in range(many)]


def rows(asked: tuple[Target, str]) -> list[dict[str, Any]]:
    """What came of one share, in a process of its own."""
    target, part = asked
    tests = [str(ROOT / "tests" / test) for test in target.tests]
    argv = [sys.executable, str(ONE), str(ROOT / target.file), part, *tests]
    done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [*found, {"broken": f"exit code {done.returncode}"}] if done.returncode or not found else found


def score(target: Target, found: list[dict[str, Any]]) -> Score:
    """The mutants of one file that were noticed."""
    broken = next((row["broken"] for row in found if "broken" in row), "")
    if broken:
        return Score(target, broken=broken)
    lines = (ROOT / target.file).read_text(encoding="utf-8").splitlines()
    lived = sorted((row["line"], row["what"]) for row in found if not row["killed"])
    return Score(target, len(found), tuple(f"       {at}: {what}: {lines[at - 1].strip()}" for at, what in lived))


def main() -> int:
    """0 where enough mutants of every file were noticed, else 1."""
    words = argparse.ArgumentParser(prog="python tests/mutants", description=__doc__)
    words.add_argument("file", nargs="*", help="a part of a file's path; without any: all files")
    words.add_argument("--each", action="store_true", help="name every mutant that lived")
    words.add_argument("-j", type=int, default=os.cpu_count() or 1, help="processes at a time")
    asked = words.parse_args()
    chosen = [one for one in TARGETS if not asked.file or any(part in one.file for part in asked.file)]
    if not chosen:
        words.error("no file is named so: see tests/mutants/targets.py")
    scores = []
    with ThreadPoolExecutor(max(1, asked.j)) as pool:
        shares = [(target, part) for target in chosen for part in parts(target)]
        came = pool.map(rows, shares)
        for target in chosen:
            found = [row for _ in parts(target) for row in next(came)]
            scores.append(score(target, found))
            print(scores[-1].text(each=asked.each), flush=True)
    tried, killed = sum(one.tried for one in scores), sum(one.killed for one in scores)
    good = all(one.good for one in scores)
    print(f"{share(killed, tried)}  {killed}/{tried} in {len(scores)} files; {BOUND} % of each are the goal")
    if not asked.file:
        row = {
            "id": "R14m",
            "work": "mutants of ledger, lease and guard that tests notice",
            "peer": None,
            "ratio": None,
        }
        least = min((one.killed / one.tried * 100 if one.tried else 0.0) for one in scores)
        keep({**row, "ours": round(least, 1), "unit": "%", "goal": f">= {BOUND} % of each file", "holds": good,
              "runs": tried})  # fmt: skip
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
