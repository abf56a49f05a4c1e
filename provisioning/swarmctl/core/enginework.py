"""Whether a llama.cpp server was at work, told from what it wrote."""

import re
from dataclasses import dataclass, field

PATIENCE = 1800.0
"""Seconds for which one task counts as at work: an engine that hangs must not bill for ever."""
_BEGINS = re.compile(r"slot\s+launch_slot_: id\s+(\d+) \| task (\d+) \| processing task")
_ENDS = re.compile(r"slot\s+release: id\s+(\d+) \| task (\d+) \|")


@dataclass(slots=True)
class Work:
    """Tasks of one server that have begun and not ended: when each began, in seconds."""

    open: dict[tuple[str, str], float] = field(default_factory=dict)

    def read(self, text: str, now: float, *, own: bool) -> bool:
        """What it wrote since the last time: whether somebody's work began, ended or goes on. own: it is for proofs."""
        used = False
        for line in text.splitlines():
            if found := _BEGINS.search(line):
                used = used or not own
                if not own:
                    self.open[found[1], found[2]] = now
            elif found := _ENDS.search(line):
                used = self.open.pop((found[1], found[2]), None) is not None or used
        self.open = {task: since for task, since in self.open.items() if now < since + PATIENCE}
        return used or bool(self.open)

    def again(self) -> None:
        """The server began anew: nothing goes on."""
        self.open.clear()
