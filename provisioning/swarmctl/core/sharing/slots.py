"""Which of a model's slots a request is put on: the one that remembers its beginning, or the one idle for longest."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class _Slot:
    number: int
    busy: int = 0
    used: int = 0
    beginning: str = ""


@dataclass
class Slots:
    """The slots of one model. A request on a busy slot waits there for its turn."""

    numbers: Sequence[int]
    _turn: int = 0
    _slots: list[_Slot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._slots = [_Slot(number) for number in self.numbers]

    def take(self, beginning: str) -> int:
        """The slot's number. beginning: whatever is equal for requests whose prompts begin alike."""
        self._turn += 1
        slot = min(self._slots, key=lambda one: (one.busy, one.beginning != beginning, one.used))
        slot.busy += 1
        slot.used, slot.beginning = self._turn, beginning
        return slot.number

    def give_back(self, number: int) -> None:
        """The request on it has ended, however it did."""
        for slot in self._slots:
            if slot.number == number:
                slot.busy = max(0, slot.busy - 1)
