"""What all proofs together say."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from swarmctl.core.proof import Proof

Depth = Literal["look", "up", "check", "whole"]
"""`look` asks no model anything, and neither loads one nor keeps one awake; `up` asks all, and none may be asleep yet,
but lets a prompt as long as a context be read only on a card; `check` asks later, when one may be asleep, and lets one
model a server read it; `whole` each."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All proofs of one check. stack: which form of the stack they are about. depth: how far it went."""

    stack: str
    at: datetime
    seconds: float
    proofs: tuple[Proof, ...]
    depth: Depth = "check"

    @property
    def passed(self) -> bool:
        """No proof failed; what could not be looked at counts as not failed, and is shown."""
        return all(proof.verdict != "fail" for proof in self.proofs)

    @property
    def failed(self) -> tuple[Proof, ...]:
        """The proofs that failed."""
        return tuple(proof for proof in self.proofs if proof.verdict == "fail")

    @property
    def summary(self) -> str:
        """`31 proofs hold`, or how many do not."""
        unknown = sum(proof.verdict == "unknown" for proof in self.proofs)
        tail = f", {unknown} could not be looked at" if unknown else ""
        if self.passed:
            return f"{len(self.proofs) - unknown} proofs hold{tail}"
        return f"{len(self.failed)} of {len(self.proofs)} proofs failed{tail}"

    @property
    def mend(self) -> str:
        """The command that mends the first failure."""
        return next((proof.mend for proof in self.failed if proof.mend), "swarmctl up")

    def failures(self) -> str:
        """A line for each failed proof: promised, measured, evidence."""
        return "\n".join(
            f"{p.subject}: {p.name}: promised {p.promised}, measured {p.measured}"
            + (f" ({p.evidence})" if p.evidence else "")
            for p in self.failed
        )

    def as_json(self) -> dict[str, Any]:
        """The value as JSON objects and lists."""
        return {
            "schema": "swarmctl/verdict/v1",
            "stack": self.stack,
            "at": self.at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 2),
            "depth": self.depth,
            "passed": self.passed,
            "proofs": [asdict(proof) for proof in self.proofs],
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Verdict":
        """The value read back."""
        proofs = tuple(Proof(**proof) for proof in raw["proofs"])
        at = datetime.fromisoformat(raw["at"])
        return cls(raw["stack"], at, raw["seconds"], proofs, raw.get("depth", "check"))
