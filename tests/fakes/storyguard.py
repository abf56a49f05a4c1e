"""The guard's own program on a machine of the practice market, in virtual time: files in memory, calls in process."""

import json
from dataclasses import dataclass, field
from typing import Any

from fakes.guarding import GUARD
from fakes.simulated import InProcess, Simulation
from swarmctl.core.leasing.guardfile import GuardFile
from swarmctl.effects.providers.secret import Secret
from swarmctl.effects.providers.transport import LostError


@dataclass
class Disk:
    """What of `Machine` the program uses."""

    secret: str
    files: dict[str, str] = field(default_factory=dict)
    used: int = 0
    results: bool = False
    stopped: int = 0

    def read(self, name: str) -> str | None:
        return self.files.get(name)

    def write(self, name: str, text: str) -> None:
        self.files[name] = text

    def mark(self, _patterns: list[str]) -> str:
        return str(self.used)

    def unfetched(self, _patterns: list[str]) -> bool:
        return self.results

    def counters(self) -> list[int]:
        return [0, 0]

    def key(self, _config: dict[str, Any]) -> str:
        return self.secret

    def save(self, _seconds: int) -> None:
        """Nobody has put a program there."""

    def stop_work(self) -> None:
        self.stopped += 1


@dataclass
class Hours:
    """The machine's clocks are the market's. starts: how often it has started."""

    sim: Simulation
    starts: int = 1

    def wall(self) -> int:
        return int(self.sim.time.monotonic())

    def boot(self) -> int:
        return self.wall()

    def boot_id(self) -> str:
        return str(self.starts)


class InProcessMarket(GUARD.Market):  # type: ignore[misc] # the program has no types
    """The program's own calls, with no socket between."""

    sim: Simulation

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        way = InProcess(self.sim.market, self.sim.transport.driven, Secret(self.key))
        try:
            got = way.send(method, f"/api/v0/{path}", {}, body)
        except LostError as e:
            return 0, {"msg": str(e)}
        try:
            found = json.loads(got.body)
        except ValueError:
            found = {}
        return got.status, found if isinstance(found, dict) else {}


class StoryGuard:
    """One machine's guard."""

    def __init__(self, sim: Simulation, settings: GuardFile, key: str) -> None:
        """Armed now."""
        self.disk, self.hours, self.settings = Disk(key), Hours(sim), settings
        self.market: Any = type("Here", (InProcessMarket,), {"sim": sim})
        self.disk.write(GUARD.CONFIG, settings.text())
        GUARD.say = lambda _text: None
        GUARD.arm(self.disk, self.hours, self.hours.wall())

    def round(self) -> tuple[str, str]:
        """One look, one decision, one act."""
        found: tuple[str, str] = GUARD.round_(self.disk, self.hours, self.market)
        return found

    @property
    def ending(self) -> str:
        """Why its end has begun."""
        known: dict[str, Any] = json.loads(self.disk.files[GUARD.STATE])
        return str(known.get("ending", ""))
