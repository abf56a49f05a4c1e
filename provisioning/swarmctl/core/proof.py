"""One promise of a swarm, read back from what really runs."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was promised, what was measured, where that was seen, and what to type if it does not hold.

    name: the promise, e.g. "context in force". subject: the service it is about. verdict: `unknown` when it
    could not be looked at; evidence then says why.
    """

    name: str
    subject: str
    promised: str
    measured: str
    evidence: str
    verdict: Outcome
    mend: str = ""


def outcome(holds: bool) -> Outcome:
    """`pass` or `fail`."""
    return "pass" if holds else "fail"
