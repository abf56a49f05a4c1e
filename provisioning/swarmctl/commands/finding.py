"""What `doctor` says of one thing that it looked at."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "missing", "optional"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. needed_for: what does not work without it; mend: what to type."""

    name: str
    level: Level
    found: str
    needed_for: str = ""
    mend: str = ""
