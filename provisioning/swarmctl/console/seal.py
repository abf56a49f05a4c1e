"""The seal as people read it: a line for each wall."""

from swarmctl.console import Console
from swarmctl.core.seal import Row, Seal

_ROOM = 100


def show_seal(console: Console, seal: Seal) -> None:
    """Every row with its mark and its evidence; of those with a hole every service that has it."""
    if console.as_json:
        console.json(seal.as_json())
        return
    width = max(len(row.name) for row in seal.rows)
    for row in seal.rows:
        number = "" if row.number is None else str(row.number)
        console.data(f"{_mark(console, row)} {number:>2}  {row.name:<{width}}  {_said(row)}")
        if row.verdict in {"fail", "unknown"}:
            for found in row.findings:
                if found.verdict == row.verdict:
                    console.data(f"     {found.service}: {found.evidence}")
    console.data(f"{seal.summary}, in {seal.seconds:.1f} s")


def _mark(console: Console, row: Row) -> str:
    if row.verdict == "not yet":
        return console.style("-   ", "dim")
    return console.mark({"pass": True, "fail": False}.get(row.verdict))


def _said(row: Row) -> str:
    if row.verdict in {"fail", "unknown"} and row.findings:
        wrong = sum(found.verdict == row.verdict for found in row.findings)
        return (
            f"{'a hole in' if row.verdict == 'fail' else 'cannot be told of'} {wrong} of {len(row.findings)} containers"
        )
    if row.verdict == "not yet":
        return "not yet: it comes with the gateway"
    return row.evidence if len(row.evidence) <= _ROOM else row.evidence[: _ROOM - 1] + "…"
