"""What the seal of a swarm's containers says: a row for each wall, with the raw lines that show it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

SCHEMA = "swarmctl/seal/v1"
Mark = Literal["pass", "fail", "unknown", "not yet"]
_EVIDENCE = 400


@dataclass(frozen=True, slots=True)
class Finding:
    """What one service showed of one wall; evidence: the raw line, without line breaks."""

    service: str
    verdict: Mark
    evidence: str


@dataclass(frozen=True, slots=True)
class Row:
    """One wall. number: its place in the list of hardening measures, None for what the list does not name."""

    number: int | None
    name: str
    verdict: Mark
    evidence: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Seal:
    """All rows of one look; seconds that it took."""

    swarm: str
    at: datetime
    seconds: float
    rows: tuple[Row, ...]

    @property
    def failed(self) -> tuple[Row, ...]:
        """Rows of walls with a hole."""
        return tuple(row for row in self.rows if row.verdict == "fail")

    @property
    def passed(self) -> bool:
        """No wall has a hole; what could not be looked at counts as not failed, and is shown."""
        return not self.failed

    @property
    def summary(self) -> str:
        """`19 walls stand, 9 come with the gateway`, or how many have a hole."""
        count = {mark: sum(row.verdict == mark for row in self.rows) for mark in ("pass", "fail", "unknown", "not yet")}
        head = f"{count['pass']} walls stand"
        if count["fail"]:
            head = f"{count['fail']} of {count['pass'] + count['fail'] + count['unknown']} walls have a hole"
        middle = f", {count['unknown']} could not be looked at" if count["unknown"] else ""
        return head + middle + (f", {count['not yet']} come with the gateway" if count["not yet"] else "")

    def failures(self) -> str:
        """A line for each wall with a hole."""
        return "\n".join(f"{row.name}: {row.evidence}" for row in self.failed)

    def as_json(self) -> dict[str, Any]:
        """The value as JSON objects and lists."""
        return {
            "schema": SCHEMA,
            "swarm": self.swarm,
            "at": self.at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 2),
            "passed": self.passed,
            "rows": [asdict(row) for row in self.rows],
        }


def row(number: int | None, name: str, findings: Iterable[Finding]) -> Row:
    """A row from what each service showed: one hole is a failure, one that could not be looked at is no pass."""
    found = tuple(findings)
    for mark in ("fail", "unknown"):
        if bad := [one for one in found if one.verdict == mark]:
            said = "; ".join(f"{one.service}: {one.evidence}" for one in bad)
            return Row(number, name, mark, _short(said), found)
    if not found:
        return Row(number, name, "unknown", "no service that it is about")
    first, more = found[0], len({one.service for one in found}) - 1
    said = f"{first.service}: {first.evidence}" + (f"; and {more} more alike" if more else "")
    return Row(number, name, "pass", _short(said), found)


def _short(text: str) -> str:
    return text if len(text) <= _EVIDENCE else text[: _EVIDENCE - 1] + "…"
