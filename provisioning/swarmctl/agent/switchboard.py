"""Connects the hosts of one swarm: `python -m swarmctl.agent.switchboard FILE`, on the computer that reaches them all.

FILE is JSON: `ports` (role → loopback port here at which its agent is reached) and `lines` (slot → `argv` that holds a
relay's line on its stdin and stdout, and the `env` to run it with). Beside it, FILE.state says which lines stand.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swarmctl.agent.clock import now, pause
from swarmctl.agent.line import Ends, Line
from swarmctl.agent.process import started

AGAIN, SLOWEST = 1.0, 5.0
"""Seconds until a line that ended is tried again: at first, and at most."""
STOOD = 10.0
"""Seconds after which a line counts as one that stood."""
CONNECT = 5.0


class Switchboard:
    """told: slot → what is to be said of its line, "" while it stands."""

    def __init__(self, config: Mapping[str, Any], state: Path) -> None:
        self._ports: dict[str, int] = dict(config["ports"])
        self._lines: dict[str, dict[str, Any]] = dict(config["lines"])
        self._state = state
        self.told: dict[str, str] = dict.fromkeys(self._lines, "not connected yet")

    async def run(self, stop: asyncio.Event) -> None:
        """Hold every line until `stop` is set."""
        self._write()
        holding = [asyncio.create_task(self._hold(slot, line)) for slot, line in self._lines.items()]
        await stop.wait()
        for one in holding:
            one.cancel()
        await asyncio.gather(*holding, return_exceptions=True)

    async def _hold(self, slot: str, line: Mapping[str, Any]) -> None:
        wait = AGAIN
        while True:
            begun = now()
            try:
                said = await self._once(slot, line)
            except OSError as e:
                said = str(e)
            self._tell(slot, said or "it ended")
            wait = AGAIN if now() - begun > STOOD else min(SLOWEST, wait * 1.5)
            await pause(wait)

    async def _once(self, slot: str, line: Mapping[str, Any]) -> str:
        """One line until it ends; the last words of what held it."""
        async with started(line["argv"], env=line["env"]) as process:
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - pipes were asked for
            carrying = Line(process.stdout, process.stdin, self._dial, heard=lambda: self._tell(slot, ""))
            words = asyncio.create_task(process.stderr.read(4096))
            await carrying.run()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    return (await words).decode("utf-8", "replace").strip()[-300:]
        return ""

    async def _dial(self, role: str) -> Ends:
        async with asyncio.timeout(CONNECT):
            return await asyncio.open_connection("127.0.0.1", self._ports[role])

    def _tell(self, slot: str, said: str) -> None:
        if self.told[slot] != said:
            self.told[slot] = said
            print(f"{slot}: {said or 'connected'}", flush=True)  # noqa: T201 - the log of this process
            self._write()

    def _write(self) -> None:
        made = self._state.with_name(f".{self._state.name}")
        made.touch(mode=0o600)
        made.write_text(json.dumps(self.told) + "\n", encoding="utf-8")
        made.replace(self._state)


async def _until_signal(board: Switchboard) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await board.run(stop)


def main(words: list[str]) -> int:
    """Connect until a signal ends it; the exit code."""
    try:
        (name,) = words
        file = Path(name)
        board = Switchboard(json.loads(file.read_text(encoding="utf-8")), Path(f"{file}.state"))
        asyncio.run(_until_signal(board))
    except (ValueError, KeyError, TypeError, OSError) as e:
        sys.stderr.write(f"this switchboard cannot start: {e}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
