"""The label on a rented machine: whose it is and until when, so that any computer with the key can tell."""

import re
from dataclasses import dataclass, replace

from swarmctl.errors import SpecError

PREFIX = "swarmctl/"
"""What every label of ours begins with."""

MARK = "SWARMCTL_LABEL"
"""A variable of the machine that says the same: some machines came up without their label."""

_YEARS = 5 * 366 * 86400
_SWARM = re.compile(r"[a-z][a-z0-9-]{0,30}(?:_[a-z][a-z0-9-]{0,30})?")
_NONCE = re.compile(r"[0-9a-f]{8,32}")
_TIME = re.compile(r"[1-9][0-9]{0,10}")
_LABEL = re.compile(rf"{PREFIX}({_SWARM.pattern})/({_NONCE.pattern})/({_NONCE.pattern})/exp-({_TIME.pattern})")


@dataclass(frozen=True, slots=True)
class Label:
    """swarm: its name. owner: of the state folder that rented. nonce: of this one attempt. expires: epoch seconds.

    A nonce begins with the time of its attempt (`nonce_at`), so that what a machine has cost can be told from another
    computer, even where the market's clock is wrong.
    """

    swarm: str
    owner: str
    nonce: str
    expires: int

    def __post_init__(self) -> None:
        """Raises SpecError for a part that would read as something else."""
        if not _SWARM.fullmatch(self.swarm):
            raise SpecError(f"{self.swarm[:60]!r} cannot stand in a label: a swarm's name is [a-z][a-z0-9-]*, up to 31")
        if not _NONCE.fullmatch(self.owner) or not _NONCE.fullmatch(self.nonce):
            raise SpecError("owner and nonce of a label are 8 to 32 hexadecimal digits in lower case")
        if not _TIME.fullmatch(str(self.expires)):
            raise SpecError(f"a label cannot expire at {self.expires!r}: that is no time in seconds since 1970")

    def __str__(self) -> str:
        return f"{PREFIX}{self.swarm}/{self.owner}/{self.nonce}/exp-{self.expires}"

    def until(self, expires: int) -> "Label":
        """The same machine with another expiry."""
        return replace(self, expires=expires)

    def born(self, now: float) -> int | None:
        """When it was rented, in epoch seconds; None where its nonce does not say a time before now."""
        time = int(self.nonce[:8], 16)
        return time if now - _YEARS <= time <= now and time < self.expires else None

    def expired(self, now: float) -> bool:
        """Its time is over. now: epoch seconds; what is no number of seconds ends nothing."""
        return now >= self.expires


def nonce_at(now: float, random: str) -> str:
    """The nonce of an attempt. now: epoch seconds. random: hexadecimal digits that nobody else has."""
    return f"{int(now) & 0xFFFFFFFF:08x}{random}"


def parse(text: object) -> Label | None:
    """The label that a text is; None for anything else, however close."""
    match = _LABEL.fullmatch(text) if isinstance(text, str) else None
    return Label(match[1], match[2], match[3], int(match[4])) if match else None


def resembles(text: object) -> bool:
    """It begins as ours do, yet may be none: such a machine is shown and never touched."""
    return isinstance(text, str) and text.startswith(PREFIX)
