"""The closing table of an `up` on another machine, and an `up` as it is told from a story's spans to the screen."""

import io

from swarmctl.console import Console
from swarmctl.console.chain import show_chain
from swarmctl.core.chain import Span, chain


def test_every_part_its_neighbours_and_the_longest_way() -> None:
    err = io.StringIO()
    spans = [
        Span("SSH", 0, 1), Span("packages and Docker", 1, 21), Span("models", 1, 11), Span("images", 21, 30.04),
        Span("release", 30.04, 30.05),
    ]  # fmt: skip
    show_chain(Console(out=io.StringIO(), err=err), chain(spans, 31.5))
    head, *rows, last = err.getvalue().splitlines()
    assert head.split() == ["part", "s", "from", "to", "beside"]
    models = next(row for row in rows if row.split()[0] == "models")
    assert models.split() == ["models", "10.0", "1", "11", "packages", "and", "Docker"]
    assert sum(row.startswith("*") for row in rows) == 3
    assert all("release" not in row for row in rows), "too short for a line"
    assert last.startswith("critical path 30.0 s of 31.5 s (1.05 x): SSH → packages and Docker → images")
